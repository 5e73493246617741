#pragma once
// Reading a BOSH <body/> (XEP-0124, XEP-0206): the attributes of its start tag, and whether the
// whole document is one that may travel. Strict, bounded, nothing allocated, nothing copied: a
// body_tag holds offsets into the bytes it was read from, and the exact place of every attribute,
// so that body_edit can replace bytes instead of writing XML anew.
//
//   read_body_tag     the start tag only: what every exchange needs
//   check_payload     the rest of the document: well-formed and within XEP-0124 section 6
//   check_request     the attributes' own rules in a request: rid, sid, wait, hold, pause, ack, ver

#include "routing/body_error.hpp"
#include "routing/xml_tag.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace boshgate::routing {

// The attributes of a <body/> that have a meaning here. All others are passed on unread.
enum class body_attribute : std::uint8_t {
    other,
    // in no namespace: XEP-0124
    accept,
    ack,
    authid,
    charsets,
    condition,
    content,
    from,
    hold,
    inactivity,
    key,
    maxpause,
    newkey,
    pause,
    polling,
    report,
    requests,
    rid,
    route,
    secure,
    sid,
    stream,
    time,
    to,
    type,
    ver,
    wait,
    // in their namespaces, whatever the prefix
    xml_lang,
    xmpp_restart,
    xmpp_restartlogic,
    xmpp_version,
};
inline constexpr std::size_t body_attribute_count =
    static_cast<std::size_t>(body_attribute::xmpp_version) + 1;

// The attribute's usual name: "sid", "xml:lang", "xmpp:restart". Empty for `other`.
[[nodiscard]] std::string_view name_of(body_attribute id) noexcept;

struct body_limits {
    std::size_t tag_bytes = 16 * 1024;      // from the first byte of the document to the tag's `>`
    std::size_t attributes = 32;            // of one tag, at most xml::attributes_ceiling
    std::size_t tag_value_bytes = 8 * 1024; // of one attribute of <body/>, as written
    std::size_t child_value_bytes = 64 * 1024; // of one attribute in the payload, as written
    std::size_t namespaces = 32;   // declarations in force, at most xml::namespaces_ceiling
    std::size_t depth = 100;       // <body/> is 1; at most depth_ceiling
    std::size_t elements = 20'000; // with <body/>
};
inline constexpr std::size_t depth_ceiling = 256;

// The largest rid (XEP-0124 14.1), and the largest number that any attribute may have here.
inline constexpr std::uint64_t rid_ceiling = (std::uint64_t{1} << 53) - 1;

struct body_version {
    std::uint32_t major = 0, minor = 0;
    // XEP-0124 7.1: the two are compared as numbers, so 1.10 is above 1.9.
    friend auto operator<=>(const body_version&, const body_version&) = default;
};

// What a request is. Told by its attributes only; a session request is told by the missing sid,
// never by `to` (XEP-0124 16.3).
enum class body_kind : std::uint8_t {
    session_request,
    ordinary,
    restart,      // xmpp:restart (XEP-0206 5)
    new_stream,   // sid and to: a further stream of the session (XEP-0124 16.3)
    pause,        // XEP-0124 10
    terminate,    // ends the session (XEP-0124 13)
    close_stream, // terminate with stream: ends that stream only (XEP-0124 16.5)
};

// A range of bytes of the document.
struct byte_range {
    std::uint32_t begin = 0, end = 0;
};

// The start tag of a <body/>. Only meaningful after read_body_tag accepted it. It points into the
// document it was read from; moved() makes it point to the same bytes elsewhere. About 1.3 kB, not
// initialised as a whole: it belongs on the stack or to a core, not to a session.
class body_tag {
  public:
    body_tag() noexcept {
    } // user-provided, so that `body_tag tag{}` does not clear the arrays either

    [[nodiscard]] bool has(body_attribute id) const noexcept { return index_of(id) != absent; }

    // The value as written between its quotes; empty when there is no such attribute.
    [[nodiscard]] std::string_view written(body_attribute id) const noexcept {
        return has(id) ? at(id).value(document_) : std::string_view{};
    }

    // Whether the value differs from what is written: it contains references or unusual white
    // space.
    [[nodiscard]] bool coded(body_attribute id) const noexcept { return has(id) && at(id).coded; }

    // The value decoded: the written bytes where that is the same, else decoded into `room`.
    // nullopt: there is no such attribute, or it does not fit. A room of written(id).size() bytes
    // is always enough.
    [[nodiscard]] std::optional<std::string_view> value(body_attribute id,
                                                        std::span<char> room) const noexcept;

    // Whether the attribute is there and means `text`.
    [[nodiscard]] bool is(body_attribute id, std::string_view text) const noexcept {
        return has(id) && xml::value_is(at(id).value(document_), at(id).coded, text);
    }

    // The value as a number: decimal digits only, no sign, no blanks, no leading zeros, at most
    // rid_ceiling. nullopt: there is no such attribute (ask has()), or it is not such a number.
    [[nodiscard]] std::optional<std::uint64_t> number(body_attribute id) const noexcept;

    // rid: a number, and not 0.
    [[nodiscard]] std::optional<std::uint64_t> rid() const noexcept {
        return rid_ == 0 ? std::nullopt : std::optional(rid_);
    }

    // ver or xmpp:version: two numbers of one to four digits with a dot between; nullopt as in
    // number().
    [[nodiscard]] std::optional<body_version>
    version(body_attribute id = body_attribute::ver) const noexcept;

    // What this request is. Not for answers: most of them have no sid.
    [[nodiscard]] body_kind kind() const noexcept;

    // Whether the request belongs to a key sequence (XEP-0124 15).
    [[nodiscard]] bool keyed() const noexcept {
        return has(body_attribute::key) || has(body_attribute::newkey);
    }

    // Where the attribute stands: from the first byte of its name to behind its closing quote. {0,
    // 0}: absent.
    [[nodiscard]] byte_range range(body_attribute id) const noexcept;
    // Where its value stands, without the quotes. {0, 0}: absent.
    [[nodiscard]] byte_range value_range(body_attribute id) const noexcept;

    // Whether the tag ends in `/>`: no payload.
    [[nodiscard]] bool self_closed() const noexcept { return tag_.self_closed; }
    // Where the name of the root ends: the place for a further attribute.
    [[nodiscard]] std::uint32_t name_end() const noexcept {
        return tag_.name.begin + tag_.name.length;
    }
    // The first byte behind the tag.
    [[nodiscard]] std::uint32_t payload_begin() const noexcept { return payload_begin_; }
    // The prefix that stands for urn:xmpp:xbosh is not always `xmpp`, nor is the root's always
    // absent.
    [[nodiscard]] std::string_view root_prefix() const noexcept {
        return tag_.name.prefix(document_);
    }

    [[nodiscard]] std::string_view document() const noexcept { return document_; }
    // All attributes in their order, declarations too.
    [[nodiscard]] std::span<const xml::attribute> attributes() const noexcept {
        return {attributes_.data(), tag_.attributes};
    }
    [[nodiscard]] const xml::start_tag& raw() const noexcept { return tag_; }

    // The document's bytes, at least those of the tag, now stand elsewhere.
    void moved(std::string_view document) noexcept { document_ = document; }

  private:
    friend struct body_reader;
    static constexpr std::uint8_t absent = 0xff;

    [[nodiscard]] std::uint8_t index_of(body_attribute id) const noexcept {
        return index_[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] const xml::attribute& at(body_attribute id) const noexcept {
        return attributes_[index_of(id)];
    }

    std::string_view document_;
    xml::start_tag tag_;
    std::uint32_t payload_begin_ = 0;
    std::uint64_t rid_ = 0;                                // 0: there is none that is legal
    std::array<std::uint8_t, body_attribute_count> index_; // into attributes_, or absent
    std::array<xml::attribute, xml::attributes_ceiling> attributes_; // the first tag_.attributes
};

// The outcome of a reading: why it was refused, and the offset where.
struct body_result {
    body_error why = body_error::none;
    std::uint32_t at = 0;
    std::uint32_t children = 0; // check_payload: how many elements stand directly under <body/>

    [[nodiscard]] bool ok() const noexcept { return why == body_error::none; }
};

// read_body_tag reads from the first byte of the document to the end of the root's start tag: byte
// order mark, XML declaration, white space, the tag. Accepted is only `body` of
// http://jabber.org/protocol/httpbind, whatever its prefix, well-formed by XML 1.0 and Namespaces
// in XML 1.0. Refuses everything of body_error.hpp but its last block. `truncated` means that more
// bytes could make it right, within limits.tag_bytes: a caller that reads an answer piece by piece
// may try again. `out` is meaningful only when it is accepted.
[[nodiscard]] body_result read_body_tag(std::string_view bytes, const body_limits& limits,
                                        body_tag& out) noexcept;

// check_payload reads the document behind an accepted start tag: complete, well-formed, its
// namespaces declared, no comments, processing instructions or declarations, only predefined
// entities and character references, no character data but white space directly under <body/>,
// nothing but white space behind it (XEP-0124 6). CDATA sections pass inside of children. Refuses
// everything of body_error.hpp but its last block.
[[nodiscard]] body_result check_payload(const body_tag& tag, const body_limits& limits) noexcept;

// check_body: read_body_tag, then check_payload.
[[nodiscard]] body_result check_body(std::string_view bytes, const body_limits& limits,
                                     body_tag& out) noexcept;

// check_request checks the attributes of a request: rid there and legal; sid not empty (one server
// in use would open a session for it); wait, hold, pause, ack and ver legal where present
// (XEP-0124 7.1, 14.1, 22). Refuses the last block of body_error.hpp.
[[nodiscard]] body_error check_request(const body_tag& tag) noexcept;

} // namespace boshgate::routing
