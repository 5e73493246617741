#pragma once
// The usual forms of names and attributes in one go, inline: nearly every name in a BOSH document
// is short, ASCII and without prefix, nearly every value plain ASCII right behind `=`. What is not
// of that form is left for xml_scan, which alone knows the errors.

#include "routing/xml_scan.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

// plain_name_end returns the end of a short ASCII name without prefix that begins at `at` and ends
// before the bytes do; nullptr: it is not of that form.
[[nodiscard]] inline const char* plain_name_end(const char* at, const char* end) noexcept {
    if (at == end || !is(*at, name_start))
        return nullptr;
    const char* const begin = at++;
    while (at != end && is(*at, name_part))
        ++at;
    const bool whole = at != end && is_ascii(*at) && *at != ':';
    return whole && static_cast<std::size_t>(at - begin) <= name_ceiling ? at : nullptr;
}

// read_plain_name: false: it is not such a name, and the cursor has not moved.
[[nodiscard]] inline bool read_plain_name(cursor& c, qualified_name& out) noexcept {
    const char* const end = plain_name_end(c.at, c.end);
    if (end == nullptr)
        return false;
    out = {c.offset(), static_cast<std::uint16_t>(end - c.at), 0};
    c.at = end;
    return true;
}

#if defined(__SSE2__)
// What plain_value_end gives, for values that nearly all end within 16 bytes: without a call.
[[nodiscard]] inline const char* short_value_end(const char* at, const char* end) noexcept {
    if (end - at < 16)
        return plain_value_end_portable(at, end);
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto equals = [bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    // The comparison is signed, so bytes from 0x80 on count as low too.
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_or_si128(equals('"'), equals('\''));
    const __m128i markup = _mm_or_si128(equals('<'), equals('&'));
    const __m128i stop = _mm_or_si128(_mm_or_si128(low, quote), markup);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
    return mask != 0 ? at + std::countr_zero(mask) : plain_value_end(at + 16, end);
}
#else
[[nodiscard]] inline const char* short_value_end(const char* at, const char* end) noexcept {
    return plain_value_end(at, end);
}
#endif

// read_plain_attribute reads `name='value'` without prefix, blanks, references, and characters
// above U+007F. Returns its end; nullptr: it is not of that form, or longer than `value_limit`.
[[nodiscard]] inline const char* read_plain_attribute(const char* document, const char* at,
                                                      const char* end, std::size_t value_limit,
                                                      attribute& out) noexcept {
    const char* const name_end = plain_name_end(at, end);
    if (name_end == nullptr || end - name_end < 2 || *name_end != '=')
        return nullptr;
    const char quote = name_end[1];
    if (quote != '"' && quote != '\'')
        return nullptr;
    const char* const value = name_end + 2;
    const char* const value_end = short_value_end(value, end);
    if (value_end == end || *value_end != quote ||
        static_cast<std::size_t>(value_end - value) > value_limit)
        return nullptr;
    out.name.begin = static_cast<std::uint32_t>(at - document);
    out.name.length = static_cast<std::uint16_t>(name_end - at);
    out.name.prefix_length = 0;
    out.value_begin = static_cast<std::uint32_t>(value - document);
    out.value_end = static_cast<std::uint32_t>(value_end - document);
    out.coded = false;
    return value_end + 1;
}

} // namespace boshgate::routing::xml
