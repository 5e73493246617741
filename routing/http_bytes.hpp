#pragma once
// What the readers of heads and chunks share, and nobody else includes: the classes of bytes as one
// table, a cursor over the input, and the outcome of a step.

#include "routing/reason.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace boshgate::routing::bytes {

// Bits of the class table.
inline constexpr std::uint8_t token = 1; // tchar, RFC 9110 5.6.2
inline constexpr std::uint8_t path = 2;  // of a request target up to '?'; see read_request_head
inline constexpr std::uint8_t query = 4; // of a request target after '?'
inline constexpr std::uint8_t text =
    8; // inside a field value or a reason phrase: HTAB, SP, VCHAR, obs-text
inline constexpr std::uint8_t host = 16;    // of a name or an IPv4 address in Host
inline constexpr std::uint8_t literal = 32; // between the brackets of an IPv6 address
inline constexpr std::uint8_t underscore =
    64; // the one token byte that CGI-like software takes for '-'
inline constexpr std::uint8_t obs_text = 128; // 0x80 ... 0xff

[[nodiscard]] consteval std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> table{};
    const auto mark = [&table](std::string_view which, std::uint8_t bits) {
        for (const char c : which) {
            auto& entry = table[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bits);
        }
    };
    mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
         token | path | query | host);
    mark("!#$%&'*+-.^_`|~", token);
    mark("-._~", path | query | host);
    mark("%!$&'()*+,;=:@/", path | query);
    // Browsers leave these alone (URL Standard, path and query percent-encode sets); RFC 3986 does
    // not list them.
    mark("[]|^", path | query);
    mark("?\\`{}", query);
    mark("0123456789abcdefABCDEF:.", literal);
    mark("_", underscore);
    mark("\t", text);
    for (std::size_t c = 0x20; c < 256; ++c) {
        if (c != 0x7f) {
            table[c] = static_cast<std::uint8_t>(table[c] | text | (c >= 0x80 ? obs_text : 0));
        }
    }
    return table;
}

inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

[[nodiscard]] constexpr std::uint8_t class_of(char c) noexcept {
    return classes[static_cast<unsigned char>(c)];
}
[[nodiscard]] constexpr bool is(char c, std::uint8_t bits) noexcept {
    return (class_of(c) & bits) != 0;
}
[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

// A CR, LF or NUL where none may stand is told apart from other bad bytes: it is how requests are
// smuggled.
[[nodiscard]] constexpr bool breaks_line(char c) noexcept {
    return c == '\r' || c == '\n' || c == '\0';
}

// skip returns the first byte of [at, end) that is not of a class in `bits`.
[[nodiscard]] inline const char* skip(const char* at, const char* end, std::uint8_t bits) noexcept {
    while (at != end && is(*at, bits)) {
        ++at;
    }
    return at;
}

// The two runs of bytes that most of a head consists of are skipped sixteen at a time where there
// is SSE2, that is on every x86-64: a browser's head then takes a quarter less time than by the
// table alone. What these do not skip, the caller judges by the table.

// skip_printable skips 0x20 ... 0x7e.
[[nodiscard]] inline const char* skip_printable(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i del = _mm_set1_epi8(0x7f);
    while (end - at >= 16) {
        __m128i block;
        std::memcpy(&block, at, sizeof block);
        // The comparison is signed, so 0x80 ... 0xff are below the space too.
        const __m128i stops =
            _mm_or_si128(_mm_cmplt_epi8(block, space), _mm_cmpeq_epi8(block, del));
        if (const int mask = _mm_movemask_epi8(stops); mask != 0) {
            return at + std::countr_zero(static_cast<unsigned>(mask));
        }
        at += 16;
    }
#endif
    while (at != end && static_cast<unsigned char>(*at - 0x20) < 0x5f) {
        ++at;
    }
    return at;
}

// skip_letters skips letters and '-', of which nearly all field names consist. It may skip nothing.
[[nodiscard]] inline const char* skip_letters(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i fold = _mm_set1_epi8(0x20);
    const __m128i before_a = _mm_set1_epi8('a' - 1);
    const __m128i behind_z = _mm_set1_epi8('z' + 1);
    const __m128i dash = _mm_set1_epi8('-');
    while (end - at >= 16) {
        __m128i block;
        std::memcpy(&block, at, sizeof block);
        // With the bit for lower case set, letters and only they lie between 'a' and 'z'.
        const __m128i lower = _mm_or_si128(block, fold);
        const __m128i letters =
            _mm_and_si128(_mm_cmpgt_epi8(lower, before_a), _mm_cmplt_epi8(lower, behind_z));
        const __m128i goes_on = _mm_or_si128(letters, _mm_cmpeq_epi8(block, dash));
        if (const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(goes_on));
            mask != 0xffff) {
            return at + std::countr_one(mask);
        }
        at += 16;
    }
#else
    static_cast<void>(end);
#endif
    return at;
}

struct cursor {
    const char* at;
    const char* end;

    [[nodiscard]] bool empty() const noexcept { return at == end; }
};

// What a step of a reader came to.
struct outcome {
    enum class kind : std::uint8_t { done, out_of_bytes, refused };
    kind what = kind::done;
    reason why = reason::none;

    [[nodiscard]] constexpr bool ok() const noexcept { return what == kind::done; }
};

inline constexpr outcome done{};
inline constexpr outcome out_of_bytes{outcome::kind::out_of_bytes, reason::none};
[[nodiscard]] constexpr outcome refuse(reason why) noexcept {
    return {outcome::kind::refused, why};
}

// bad_byte refuses because of the byte at the cursor: as a line ending out of place, or else for
// `otherwise`. A whole CR LF is a line that ends too early, which is the line's own fault.
[[nodiscard]] inline outcome bad_byte(const cursor& in, reason otherwise) noexcept {
    const bool line_ends = in.end - in.at >= 2 && in.at[0] == '\r' && in.at[1] == '\n';
    return refuse(breaks_line(*in.at) && !line_ends ? reason::bad_line_ending : otherwise);
}

// read_line_end takes CR LF. Any other byte than the CR refuses as bad_byte does.
[[nodiscard]] inline outcome read_line_end(cursor& in, reason otherwise) noexcept {
    if (in.empty()) {
        return out_of_bytes;
    }
    if (*in.at != '\r') {
        return bad_byte(in, otherwise);
    }
    if (in.end - in.at < 2) {
        return out_of_bytes;
    }
    if (in.at[1] != '\n') {
        return refuse(reason::bad_line_ending);
    }
    in.at += 2;
    return done;
}

} // namespace boshgate::routing::bytes
