#include "routing/xml_characters.hpp"

#include <array>
#include <bit>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace boshgate::routing::xml {
namespace {

enum : std::uint8_t { plain_text = 1, plain_value = 2 };

constexpr auto classes = [] {
    std::array<std::uint8_t, 256> made{};
    for (unsigned c = 0; c < 0x80; ++c) {
        unsigned bits = 0;
        if ((c >= 0x20 && c != '<' && c != '&' && c != ']') || c == '\t' || c == '\n' || c == '\r')
            bits |= plain_text;
        if (c >= 0x20 && c != '<' && c != '&' && c != '"' && c != '\'')
            bits |= plain_value;
        made[c] = static_cast<std::uint8_t>(bits);
    }
    return made;
}();

bool is(char c, std::uint8_t kind) noexcept {
    return (classes[static_cast<unsigned char>(c)] & kind) != 0;
}

} // namespace

character decode_utf8(const char* at, const char* end) noexcept {
    const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    // Well-formed sequences are those of Unicode table 3-7: the second byte's range depends on the
    // first.
    std::uint32_t length = 0, low = 0x80, high = 0xbf, code = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
        code = lead & 0x1fU;
    } else if ((lead & 0xf0U) == 0xe0) {
        length = 3;
        code = lead & 0x0fU;
        low = lead == 0xe0 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        code = lead & 0x07U;
        low = lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        return {};
    }
    const auto available = static_cast<std::size_t>(end - at);
    for (std::size_t i = 1; i < length; ++i) {
        if (i == available)
            return {0, 0, true};
        if (byte(i) < low || byte(i) > high)
            return {};
        code = code << 6 | (byte(i) & 0x3fU);
        low = 0x80;
        high = 0xbf;
    }
    return {code, length};
}

bool is_utf8(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at != end;) {
        const character read = decode_utf8(at, end);
        if (read.length == 0)
            return false;
        at += read.length;
    }
    return true;
}

std::size_t encode_utf8(std::uint32_t code, char* out) noexcept {
    const auto put = [out](std::size_t i, std::uint32_t byte) { out[i] = static_cast<char>(byte); };
    if (code < 0x80) {
        put(0, code);
        return 1;
    }
    if (code < 0x800) {
        put(0, 0xc0 | code >> 6);
        put(1, 0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        put(0, 0xe0 | code >> 12);
        put(1, 0x80 | (code >> 6 & 0x3f));
        put(2, 0x80 | (code & 0x3f));
        return 3;
    }
    put(0, 0xf0 | code >> 18);
    put(1, 0x80 | (code >> 12 & 0x3f));
    put(2, 0x80 | (code >> 6 & 0x3f));
    put(3, 0x80 | (code & 0x3f));
    return 4;
}

bool is_char(std::uint32_t code) noexcept {
    if (code < 0x20)
        return code == '\t' || code == '\n' || code == '\r';
    return code < 0xd800 || (code >= 0xe000 && code < 0xfffe) ||
           (code >= 0x10000 && code <= 0x10ffff);
}

const char* plain_text_end_portable(const char* at, const char* end) noexcept {
    while (at != end && is(*at, plain_text))
        ++at;
    return at;
}

const char* plain_value_end_portable(const char* at, const char* end) noexcept {
    while (at != end && is(*at, plain_value))
        ++at;
    return at;
}

#if defined(__SSE2__)

namespace {

__m128i load(const char* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

__m128i equals(__m128i bytes, char c) noexcept {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

// Controls. The comparison is signed, so bytes from 0x80 on count as low too.
__m128i low(__m128i bytes) noexcept {
    return _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
}

unsigned mask_of(__m128i found) noexcept {
    return static_cast<unsigned>(_mm_movemask_epi8(found));
}

__m128i maybe_text_end(__m128i bytes) noexcept {
    return _mm_or_si128(_mm_or_si128(equals(bytes, '<'), equals(bytes, '&')),
                        _mm_or_si128(equals(bytes, ']'), low(bytes)));
}

__m128i value_end(__m128i bytes) noexcept {
    const __m128i quote = _mm_or_si128(equals(bytes, '"'), equals(bytes, '\''));
    const __m128i markup = _mm_or_si128(equals(bytes, '<'), equals(bytes, '&'));
    return _mm_or_si128(_mm_or_si128(quote, markup), low(bytes));
}

// The tests above take these for an end too; they are rare in what XMPP clients write.
bool is_white_control(char c) noexcept {
    return c == '\n' || c == '\t' || c == '\r';
}

const char* text_end_within(const char* at, const char* end) noexcept {
    for (; end - at >= 16; at += 16) {
        if (const unsigned found = mask_of(maybe_text_end(load(at))); found != 0)
            return at + std::countr_zero(found);
    }
    return plain_text_end_portable(at, end);
}

// The stops of text have different low nibbles, so one table of 16 bytes, looked up by nibble,
// tells them: a byte is a stop if the table gives the byte itself. Bytes from 0x80 on look up 0.
[[gnu::target("avx2")]] const char* text_end_avx2(const char* at, const char* end) noexcept {
    static_assert('&' == 0x26 && '<' == 0x3c && ']' == 0x5d);
    const __m256i stops = _mm256_setr_epi8(1, 0, 0, 0, 0, 0, '&', 0, 0, 0, 0, 0, '<', ']', 0, 0, 1,
                                           0, 0, 0, 0, 0, '&', 0, 0, 0, 0, 0, '<', ']', 0, 0);
    const __m256i blank = _mm256_set1_epi8(0x20);
    for (; end - at >= 32; at += 32) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        const __m256i markup = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(stops, bytes), bytes);
        const __m256i low = _mm256_cmpgt_epi8(blank, bytes); // signed: from 0x80 on too
        const __m256i found = _mm256_or_si256(markup, low);
        if (const auto mask = static_cast<unsigned>(_mm256_movemask_epi8(found)); mask != 0)
            return at + std::countr_zero(mask);
    }
    return text_end_within(at, end);
}

template <typename Scan>
const char* past_white_controls(const char* at, const char* end, Scan scan) noexcept {
    for (at = scan(at, end); at != end && is_white_control(*at); at = scan(at + 1, end)) {
    }
    return at;
}

} // namespace

const char* plain_text_end_sse2(const char* at, const char* end) noexcept {
    return past_white_controls(at, end, text_end_within);
}

const char* plain_text_end(const char* at, const char* end) noexcept {
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    return has_avx2 ? past_white_controls(at, end, text_end_avx2) : plain_text_end_sse2(at, end);
}

const char* plain_value_end(const char* at, const char* end) noexcept {
    for (; end - at >= 16; at += 16) {
        if (const unsigned found = mask_of(value_end(load(at))); found != 0)
            return at + std::countr_zero(found);
    }
    return plain_value_end_portable(at, end);
}

#else

const char* plain_text_end(const char* at, const char* end) noexcept {
    return plain_text_end_portable(at, end);
}

const char* plain_value_end(const char* at, const char* end) noexcept {
    return plain_value_end_portable(at, end);
}

#endif

} // namespace boshgate::routing::xml
