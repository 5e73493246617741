#pragma once
// Characters of XML 1.0 in UTF-8: one at a time, or as far as they need no care at all.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing::xml {

// decode_utf8 reads one character at [at, end), at < end. length 0: malformed (overlong forms,
// surrogates, above U+10FFFF, stray bytes); `cut` says that it is only the beginning of a
// character.
struct character {
    std::uint32_t code = 0;
    std::uint32_t length = 0;
    bool cut = false;
};
[[nodiscard]] character decode_utf8(const char* at, const char* end) noexcept;

// is_utf8 tells whether a text is well-formed UTF-8 (RFC 3629) from its first byte to its last.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// encode_utf8 writes one Char to `out` (room for four bytes) and returns its length.
std::size_t encode_utf8(std::uint32_t code, char* out) noexcept;

// Char of XML 1.0 2.2: no control characters but TAB, LF and CR, no surrogates, neither U+FFFE nor
// U+FFFF.
[[nodiscard]] bool is_char(std::uint32_t code) noexcept;

// plain_text_end and plain_value_end return the first byte that is not a plain ASCII character of
// character data or of an attribute value: `<`, `&`, `]` (text) or a quote (values), controls (in
// text other than TAB, LF, CR), 0x80 and above. The *_portable forms do the same without vector
// instructions.
[[nodiscard]] const char* plain_text_end(const char* at, const char* end) noexcept;
[[nodiscard]] const char* plain_value_end(const char* at, const char* end) noexcept;
[[nodiscard]] const char* plain_text_end_portable(const char* at, const char* end) noexcept;
[[nodiscard]] const char* plain_value_end_portable(const char* at, const char* end) noexcept;
#if defined(__SSE2__)
// What plain_text_end is on a processor without AVX2.
[[nodiscard]] const char* plain_text_end_sse2(const char* at, const char* end) noexcept;
#endif

} // namespace boshgate::routing::xml
