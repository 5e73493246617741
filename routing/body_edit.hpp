#pragma once
// Changing attributes of a <body/>, and text and elements in its payload, by replacing ranges of
// bytes. Every byte outside of a changed range stays as its writer wrote it: clients look at the
// text of a document, not only at its meaning, and a repeat has to be the same bytes again
// (XEP-0124 17.3).
//
// Edits are collected, then written in one go. Nothing is allocated; the texts that an edit is
// given must live until write().

#include "routing/bosh_body.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boshgate::routing {

// Why an edit is refused. The edits made before stay as they are.
enum class edit_error : std::uint8_t {
    none,
    bad_text,    // not valid UTF-8, or with characters that XML cannot carry
    no_prefix,   // the attribute is to be added, but no prefix of the tag stands for its namespace
    not_allowed, // not an attribute that has a name here, or a range that is not inside of the
                 // payload
    overlap,     // the range overlaps another edit's
    too_many,    // more than edits_ceiling
};
inline constexpr std::size_t edits_ceiling = 16;

[[nodiscard]] std::string_view name_of(edit_error why) noexcept;

class body_edits {
  public:
    // tag: an accepted start tag. The document may end anywhere behind it: an answer that comes
    // piece by piece is edited in its first piece.
    explicit body_edits(const body_tag& tag) noexcept : tag_(tag) {}

    // set gives an attribute a value: it replaces what stands between the quotes, or adds the
    // attribute behind the root's name. A later edit of the same attribute replaces an earlier one.
    // xmpp:* attributes are added only where the tag declares a prefix for them.
    [[nodiscard]] edit_error set(body_attribute id, std::string_view value) noexcept;
    [[nodiscard]] edit_error set(body_attribute id, std::uint64_t value) noexcept;

    // lower makes a number that is above `most`, or is no number, to `most`. An attribute that is
    // not there stays away: its default is the node's business.
    [[nodiscard]] edit_error lower(body_attribute id, std::uint64_t most) noexcept;

    // remove takes an attribute away, with the white space in front of it. Removing what is not
    // there is done.
    [[nodiscard]] edit_error remove(body_attribute id) noexcept;

    // replace_text puts character data in place of a range of the payload; the range must hold
    // whole pieces of content, such as the ones find_hostnames returns.
    [[nodiscard]] edit_error replace_text(byte_range range, std::string_view text) noexcept;

    // remove_element takes a range of the payload away; it must hold whole elements.
    [[nodiscard]] edit_error remove_element(byte_range element) noexcept;

    // repeat_element puts a copy of an element of the payload behind it, with `text` in place of
    // its content. The element itself stays, and may be edited. Once for each element.
    [[nodiscard]] edit_error repeat_element(byte_range element, byte_range content,
                                            std::string_view text) noexcept;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    // How many bytes the edited document has, and by how much it grows (or shrinks: negative).
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::ptrdiff_t growth() const noexcept;

    // write writes the edited document and returns its length. Refused, with nothing written: 0,
    // when `room` is smaller than size(). `room` must not overlap the document.
    std::size_t write(std::span<char> room) const noexcept;

  private:
    enum class form : std::uint8_t { text, number, added_text, added_number, copy, nothing };

    struct edit {
        byte_range range; // what goes away
        body_attribute id;
        form what;
        std::string_view text;
        std::uint64_t number;
        std::string_view before; // the prefix of an added attribute; the start tag of a copy
        std::string_view after;  // the end tag of a copy
    };

    [[nodiscard]] bool in_payload(byte_range range) const noexcept;

    [[nodiscard]] edit_error place(body_attribute id, edit made) noexcept;
    [[nodiscard]] edit_error insert(const edit& made) noexcept;
    void drop(body_attribute id) noexcept;
    template <class Sink>
    void write_edit(const edit& e, Sink& sink) const noexcept;
    template <class Sink>
    void write_all(Sink& sink) const noexcept;

    const body_tag& tag_;
    std::size_t count_ = 0;
    std::array<edit, edits_ceiling> edits_; // the first count_, by their places
};

} // namespace boshgate::routing
