#pragma once
// What stands inside a <body/>, read event by event: check_payload runs over it to the end,
// find_hostnames and others look at what passes. Everything is checked before it is handed out, but
// a document is only known to be good when `end` has come.

#include "routing/bosh_body.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boshgate::routing {

enum class payload_event : std::uint8_t {
    begin,   // a start tag: tag(), attributes(); if it is self-closed no finish follows
    finish,  // an end tag: name()
    text,    // a piece of character data inside of a child: piece(), coded(), from_cdata()
    refused, // why(), at(); the reader stays there
    end,     // the document is complete and good
};

class payload_reader {
  public:
    // tag: an accepted start tag; its document and `limits` must outlive the reader.
    payload_reader(const body_tag& tag, const body_limits& limits) noexcept;

    // next goes one event further. Refuses as check_payload says.
    [[nodiscard]] payload_event next() noexcept;

    [[nodiscard]] body_error why() const noexcept { return why_; }
    // The offset of a refusal.
    [[nodiscard]] std::uint32_t at() const noexcept { return at_; }
    // How many elements are open now; inside of <body/> it is 1. Right after `begin` it counts the
    // new element unless that is self-closed; right after `finish` it does not count the finished
    // one.
    [[nodiscard]] std::size_t depth() const noexcept { return depth_; }
    // How many elements directly under <body/> have begun.
    [[nodiscard]] std::uint32_t children() const noexcept { return children_; }

    // Of `begin`.
    [[nodiscard]] const xml::start_tag& tag() const noexcept { return tag_; }
    [[nodiscard]] std::span<const xml::attribute> attributes() const noexcept {
        return {attributes_.data(), tag_.attributes};
    }
    // The namespace's name as written, of the element that just began; empty: none. Of a
    // self-closed element its own declarations count too.
    [[nodiscard]] xml::namespace_scope::namespace_uri element_namespace() const noexcept {
        return scope_.uri_of(tag_.name.prefix(document_), declared_);
    }
    // Of `begin` and `finish`: where the tag stands, from `<` to behind `>`.
    // Of `text`: where the piece stands, of a CDATA section without its delimiters.
    [[nodiscard]] byte_range piece() const noexcept { return piece_; }
    // Of `text`: there are references in it; it is a CDATA section. Line ends are as written.
    [[nodiscard]] bool coded() const noexcept { return coded_; }
    [[nodiscard]] bool from_cdata() const noexcept { return from_cdata_; }

  private:
    // An element that was begun and not finished yet.
    struct open_element {
        std::uint32_t name_begin;
        std::uint16_t name_length;
        std::uint16_t declarations; // in force outside of it
    };

    payload_event refuse(body_error why) noexcept;
    body_error open(const xml::start_tag& tag, std::span<const xml::attribute> attributes) noexcept;
    body_error read_space() noexcept;
    body_error read_text() noexcept;
    body_error read_section() noexcept;
    body_error read_cdata() noexcept;
    body_error read_child() noexcept;
    body_error read_end_tag() noexcept;

    xml::cursor cursor_;
    std::string_view document_;
    const body_limits& limits_;
    std::size_t depth_limit_;
    std::size_t depth_ = 0;
    std::size_t elements_ = 0;
    std::uint32_t children_ = 0;
    std::uint32_t at_ = 0;
    byte_range piece_;
    body_error why_ = body_error::none;
    bool coded_ = false;
    bool from_cdata_ = false;
    std::uint16_t declared_ = 0; // declarations in force in the element that just began
    xml::namespace_scope scope_;
    xml::start_tag tag_;
    std::array<open_element, depth_ceiling> stack_;                  // the first depth_
    std::array<xml::attribute, xml::attributes_ceiling> attributes_; // the first tag_.attributes
};

// read_payload hands what stands in a payload to a finder: on_begin, on_finish, on_text with the
// reader. What it says once the document is known to be good; a reason: it is refused.
template <class Finder>
[[nodiscard]] body_error read_payload(const body_tag& tag, const body_limits& limits,
                                      Finder& finder) noexcept {
    payload_reader reader(tag, limits);
    for (;;) {
        switch (reader.next()) {
        case payload_event::begin:
            finder.on_begin(reader);
            break;
        case payload_event::finish:
            finder.on_finish(reader);
            break;
        case payload_event::text:
            finder.on_text(reader);
            break;
        case payload_event::refused:
            return reader.why();
        case payload_event::end:
            return body_error::none;
        }
    }
}

} // namespace boshgate::routing
