#pragma once
// What the pure code knows of an HTTP/1 message head: views into the bytes it was read from,
// nothing owned.
//
// The reader is strict by construction: whatever two HTTP implementations could understand
// differently is refused (RFC 9112; smuggling classes CL.TE, TE.TE, CL.0, obs-fold, bare LF ...).
// It decides the framing of the body once, for everybody after it.

#include "routing/ascii.hpp"
#include "routing/reason.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boshgate::routing {

// Fields that the proxy itself acts on, or drops, get a name; all others are `other`.
enum class field_id : std::uint8_t {
    other,
    accept_encoding,
    access_control, // any Access-Control-* of an answer
    access_control_request_headers,
    access_control_request_method,
    access_control_request_private_network,
    connection,
    content_encoding,
    content_length,
    content_type,
    date,
    expect,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    location,
    origin,
    proxy_connection, // and Proxy-Authenticate, Proxy-Authorization: hop-by-hop
    range,
    server,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    vary,
    x_forwarded_for,
    x_forwarded_proto,
    forwarded, // and X-Real-IP, X-Forwarded-Host, -Port, -Server: never believed, never passed on
};

struct field {
    field_id id = field_id::other;
    std::string_view name;  // as sent; compare case-insensitively
    std::string_view value; // without leading and trailing blanks
};

enum class method : std::uint8_t { get, head, post, options, other };

// How the end of the body is found.
enum class framing : std::uint8_t {
    none,        // no body
    length,      // Content-Length
    chunked,     // Transfer-Encoding: chunked
    until_close, // answers only: the link's end is the body's end
};

// line_of returns the whole line of a field that a reader has stored, CR LF included, if it was
// sent as the name, a colon, one blank, the value and CR LF; otherwise nothing. For whoever passes
// a field on: one piece to copy in place of four. Not for fields that were put together by hand.
[[nodiscard]] inline std::string_view line_of(const field& one) noexcept {
    const char* const name_end = one.name.data() + one.name.size();
    const char* const value_end = one.value.data() + one.value.size();
    // Behind every value stand blanks or CR LF.
    if (one.value.data() != name_end + 2 || name_end[1] != ' ' || *value_end != '\r') {
        return {};
    }
    return {one.name.data(), value_end + 2};
}

// A compile-time ceiling for conf::limits::fields and answer_fields.
inline constexpr std::size_t fields_ceiling = 256;

// Ten kilobytes: keep one for each core and read into it again and again; the readers reset what
// they must.
struct message_head {
    std::array<field, fields_ceiling> field_store;
    std::size_t field_count = 0;
    std::size_t dropped_fields = 0; // of a request: names with an underscore; counted, never stored
    framing body = framing::none;
    std::uint64_t content_length = 0; // when body == framing::length
    int minor_version = 1;            // HTTP/1.0 or HTTP/1.1
    bool keep_alive = true;           // from version and Connection: another message may follow
    // Connection lists more than close and keep-alive: ask named_by_connection.
    bool connection_lists_fields = false;

    [[nodiscard]] std::span<const field> fields() const noexcept {
        return {field_store.data(), field_count};
    }
    [[nodiscard]] bool has(field_id id) const noexcept { return (seen_ & bit(id)) != 0; }
    // find returns the first field with this id, or nullptr. field_id::other is not a legal
    // argument.
    [[nodiscard]] const field* find(field_id id) const noexcept;
    // count tells how many fields with this id there are. Only Host, Content-Length,
    // Transfer-Encoding and Expect are refused when repeated; whoever acts on another field that
    // must stand once (Origin, Range) asks.
    [[nodiscard]] std::size_t count(field_id id) const noexcept;

    // add appends a field; there must be room. The readers', and of tests that build a head by
    // hand.
    void add(const field& one) noexcept {
        field_store[field_count++] = one;
        seen_ |= bit(one.id);
    }
    void clear() noexcept {
        field_count = dropped_fields = 0;
        seen_ = 0;
        body = framing::none;
        content_length = 0;
        minor_version = 1;
        keep_alive = true;
        connection_lists_fields = false;
    }

  private:
    [[nodiscard]] static constexpr std::uint64_t bit(field_id id) noexcept {
        static_assert(static_cast<unsigned>(field_id::forwarded) < 64);
        return std::uint64_t{1} << static_cast<unsigned>(id);
    }

    // A bit for each id in the store: most questions are about fields that are not there.
    std::uint64_t seen_ = 0;
};

struct request_head : message_head {
    routing::method verb = method::other;
    std::string_view verb_text; // as sent
    std::string_view target;    // as sent
    // As sent, still encoded, without the query; of an absolute-form target too. Never empty; "*"
    // for OPTIONS *.
    std::string_view path;
    std::string_view query; // after '?', may be empty
    // The value of Host, or else the authority of the target; empty only in HTTP/1.0.
    std::string_view host;
    // Expect: 100-continue, in HTTP/1.1, and there is a body to ask for.
    bool expect_continue = false;
};

struct answer_head : message_head {
    int status = 0; // 100 ... 599
};

struct head_limits {
    std::size_t bytes = 16 * 1024; // request line and fields with their line ends
    std::size_t target = 8 * 1024;
    std::size_t fields = 100; // at most fields_ceiling
};

enum class read_state : std::uint8_t {
    complete, // `consumed` bytes were the head
    partial,  // more bytes are needed
    refused,  // `why` says why; the connection cannot be used any more
};

struct read_result {
    read_state state = read_state::partial;
    std::size_t consumed = 0;
    reason why = reason::none;
};

// read_request_head reads one request head from the start of `bytes`. One pass, no allocation.
// Leading CR LF pairs before the request line are skipped (RFC 9112 2.2), at most four; they count
// as bytes of the head.
//
// Every strict prefix of a head that is accepted is `partial`. A head that cannot become a valid
// one is refused early: at the byte for a byte out of place, at the end of its line for what a
// field means, at its end for a missing Host. `bytes` may hold more than the head. Each call starts
// from the front: at most limits.bytes are looked at.
//
// Taken: origin-form, absolute-form with http or https (its authority must be what Host says), `*`
// for OPTIONS. authority-form (CONNECT) is refused. Bytes of the target are those of RFC 3986 and
// the others that browsers send as they are: [ ] | ^ anywhere, and \ ` { } after the '?'. Controls,
// blanks, 0x80-0xff, '#', '"', '<' and '>' are refused. '%' is passed: whoever decodes judges it. A
// method is a token of at most 32 bytes. Host is a name of letters, digits, '-', '.', '_', '~', or
// a bracketed IPv6 address, with a port or without: neither the sub-delims and escapes of RFC 3986
// nor user information, which no client sends and lists hide behind. 0x80-0xff are taken in values
// of fields that have no id here, as opaque bytes.
//
// Refusals: the 400, 414 and 431 rows of reason.hpp, bad_expectation (417); coded_body is not its
// business. Views in `out` point into `bytes` (a path that an absolute-form target leaves out: to a
// constant). `out` is only meaningful when the state is complete.
[[nodiscard]] read_result read_request_head(std::string_view bytes, const head_limits& limits,
                                            request_head& out) noexcept;

// read_answer_head reads the head of a node's answer. `to_head` says that the request was HEAD (no
// body follows whatever the fields say); 1xx, 204 and 304 have no body either, and a 1xx or 204
// that announces one is refused (RFC 9112 6.1, RFC 9110 8.6). Unlike requests, a node's answer may
// lack the blank and the reason phrase after the status ("HTTP/1.1 200"). Everything ambiguous is
// refused: why is node_bad_answer or node_head_limit. Interim answers (1xx) come one at a time: the
// caller reads again behind them, and bounds their number.
[[nodiscard]] read_result read_answer_head(std::string_view bytes, const head_limits& limits,
                                           bool to_head, answer_head& out) noexcept;

// named_by_connection tells whether a Connection field of this message lists `name` (hop-by-hop,
// RFC 9110 7.6.1).
[[nodiscard]] bool named_by_connection(const message_head& head, std::string_view name) noexcept;

} // namespace boshgate::routing
