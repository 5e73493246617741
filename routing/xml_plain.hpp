#pragma once
// The usual forms of names and attributes in one go, inline: nearly every name in a BOSH document
// is short, ASCII and without prefix, nearly every value plain ASCII right behind `=`. What is not
// of that form is left for xml_scan, which alone knows the errors.

#include "routing/xml_scan.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace boshgate::routing::xml {

// What an ASCII byte may be in a name; bytes above have no bit set.
enum : std::uint8_t { name_start = 1, name_part = 2 };

inline constexpr auto name_classes = [] {
    std::array<std::uint8_t, 256> made{};
    for (unsigned c = 0; c < 0x80; ++c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        if (letter)
            made[c] = name_start | name_part;
        else if (digit || c == '-' || c == '.')
            made[c] = name_part;
    }
    return made;
}();

[[nodiscard]] inline bool is(char c, std::uint8_t kind) noexcept {
    return (name_classes[static_cast<unsigned char>(c)] & kind) != 0;
}

[[nodiscard]] inline bool is_ascii(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x80;
}

// read_plain_name reads a short ASCII name without prefix that ends before the bytes do. False: it
// is not of that form, and the cursor has not moved.
[[nodiscard]] inline bool read_plain_name(cursor& c, qualified_name& out) noexcept {
    if (c.done() || !is(*c.at, name_start))
        return false;
    const char* end = c.at + 1;
    while (end != c.end && is(*end, name_part))
        ++end;
    const auto length = static_cast<std::size_t>(end - c.at);
    if (end == c.end || !is_ascii(*end) || *end == ':' || length > name_ceiling)
        return false;
    out = {c.offset(), static_cast<std::uint16_t>(length), 0};
    c.at = end;
    return true;
}

// read_plain_attribute reads `name='value'` without blanks, references, and characters above
// U+007F. False: it is not of that form, or longer than `value_limit`, and the cursor has not
// moved.
[[nodiscard]] inline bool read_plain_attribute(cursor& c, std::size_t value_limit,
                                               attribute& out) noexcept {
    const char* const before = c.at;
    if (!read_plain_name(c, out.name))
        return false;
    if (c.left() >= 2 && c.at[0] == '=' && (c.at[1] == '"' || c.at[1] == '\'')) {
        const char quote = c.at[1];
        const char* const value = c.at + 2;
        const char* const end = plain_value_end(value, c.end);
        if (end != c.end && *end == quote && static_cast<std::size_t>(end - value) <= value_limit) {
            out.value_begin = static_cast<std::uint32_t>(value - c.begin);
            out.value_end = static_cast<std::uint32_t>(end - c.begin);
            out.coded = false;
            c.at = end + 1;
            return true;
        }
    }
    c.at = before;
    return false;
}

} // namespace boshgate::routing::xml
