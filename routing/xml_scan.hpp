#pragma once
// Scanning of XML 1.0 in UTF-8, one token at a time, over bytes that the caller owns: names,
// references, attribute values. Nothing is copied, nothing
// allocated, nothing recursive. The rules are those that XML 1.0 and Namespaces in XML 1.0 agree on
// in all their editions; where editions differ (letters in names) the smaller set is taken, so that
// whatever passes here passes every parser behind.

#include "routing/body_error.hpp"
#include "routing/xml_characters.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing::xml {

// Where a scan stands and where the bytes end. `begin` is the start of the document: offsets count
// from it.
struct cursor {
    const char* begin = nullptr;
    const char* at = nullptr;
    const char* end = nullptr;

    explicit cursor(std::string_view bytes, std::size_t offset = 0) noexcept
        : begin(bytes.data()), at(bytes.data() + offset), end(bytes.data() + bytes.size()) {}

    [[nodiscard]] bool done() const noexcept { return at == end; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end - at); }
    [[nodiscard]] std::uint32_t offset() const noexcept {
        return static_cast<std::uint32_t>(at - begin);
    }
    // Tells whether `text` is what follows; `cut` says that the bytes ended while it still could.
    [[nodiscard]] bool follows(std::string_view text, bool& cut) const noexcept;
};

// A name has at most this many bytes. XMPP's longest are far below; a bound keeps ranges small.
inline constexpr std::size_t name_ceiling = 1024;

[[nodiscard]] inline bool is_space(char c) noexcept {
    // The first comparison tells nearly always.
    return static_cast<unsigned char>(c) <= ' ' &&
           (c == ' ' || c == '\n' || c == '\t' || c == '\r');
}

inline void skip_space(cursor& c) noexcept {
    while (!c.done() && is_space(*c.at))
        ++c.at;
}

// skip_characters passes all characters above U+007F that follow. Refuses what stops it when that
// is not allowed anywhere: bad_utf8, bad_character (controls too), truncated in the middle of a
// character.
[[nodiscard]] body_error skip_characters(cursor& c) noexcept;

// A qualified name: the prefix's length is 0 when there is none; the colon is not part of either.
// Like attribute, it has no initial values: big arrays of them are filled as far as they are
// counted.
struct qualified_name {
    std::uint32_t begin;
    std::uint16_t length; // prefix, colon and local part
    std::uint16_t prefix_length;

    [[nodiscard]] std::string_view text(std::string_view document) const noexcept {
        return document.substr(begin, length);
    }
    [[nodiscard]] std::string_view prefix(std::string_view document) const noexcept {
        return document.substr(begin, prefix_length);
    }
    [[nodiscard]] std::string_view local(std::string_view document) const noexcept {
        const std::uint32_t skip = prefix_length == 0 ? 0U : prefix_length + 1U;
        return document.substr(begin + skip, length - skip);
    }
};

// read_name reads a qualified name (Namespaces in XML 1.0, 4). Refuses bad_name, name_limit,
// bad_utf8, bad_character, truncated.
[[nodiscard]] body_error read_name(cursor& c, qualified_name& out) noexcept;

// read_reference reads a reference; the cursor stands on its `&`. Only character references to
// Chars and the five predefined entities pass (XEP-0124 6). Refuses bad_reference, truncated.
[[nodiscard]] body_error read_reference(cursor& c, std::uint32_t& code) noexcept;

// One attribute as written. `coded` says that the value differs from its bytes: it contains
// references, or white space that XML turns into blanks (XML 1.0 3.3.3).
struct attribute {
    qualified_name name;
    std::uint32_t value_begin;
    std::uint32_t value_end; // offset of the closing quote
    bool coded;

    [[nodiscard]] std::string_view value(std::string_view document) const noexcept {
        return document.substr(value_begin, value_end - value_begin);
    }
};

// read_attribute reads Name Eq AttValue. Refuses what read_name refuses, bad_tag, bad_value,
// bad_reference, value_limit (more than `value_limit` bytes as written), bad_utf8, bad_character,
// truncated.
[[nodiscard]] body_error read_attribute(cursor& c, std::size_t value_limit,
                                        attribute& out) noexcept;

// value_reader walks over a value that read_attribute passed and gives it character by character,
// decoded and normalised.
class value_reader {
  public:
    explicit value_reader(std::string_view written) noexcept : cursor_(written) {}
    [[nodiscard]] bool done() const noexcept { return cursor_.done(); }
    [[nodiscard]] std::uint32_t next() noexcept; // not when done

  private:
    cursor cursor_;
};

// Compare a value as written with plain UTF-8 text, or two values as written, by what they mean.
[[nodiscard]] bool value_is(std::string_view written, bool coded, std::string_view text) noexcept;
[[nodiscard]] bool same_value(std::string_view a, bool a_coded, std::string_view b,
                              bool b_coded) noexcept;

// decode_value writes what `written` means to `room` and returns its length, or does_not_fit. A
// value never grows by decoding: room for written.size() bytes is always enough.
inline constexpr std::size_t does_not_fit = static_cast<std::size_t>(-1);
[[nodiscard]] std::size_t decode_value(std::string_view written, char* room,
                                       std::size_t room_size) noexcept;

} // namespace boshgate::routing::xml
