#pragma once
// Letters, digits and lists the way HTTP sees them: ASCII only, no locale, no allocation.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_lower_alnum(char c) noexcept {
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

// The value of a hex digit in either case; -1: it is none.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (is_digit(c))
        return c - '0';
    const char lower = ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// escaped_byte reads the escape that `text` begins with: '%' and two hex digits (RFC 3986 2.1).
// nullopt: it is none.
[[nodiscard]] constexpr std::optional<char> escaped_byte(std::string_view text) noexcept {
    if (text.size() < 3 || text[0] != '%' || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
        return std::nullopt;
    return static_cast<char>(hex_digit(text[1]) << 4 | hex_digit(text[2]));
}

// A character of a token (RFC 9110 5.6.2), of which names of fields, methods and codings consist.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
    return is_lower_alnum(ascii_lower(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    for (const char c : text)
        if (!is_token_char(c))
            return false;
    return !text.empty();
}

// trim_blanks takes optional white space (RFC 9110 5.6.3: space and tab) off both ends.
[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// next_element cuts the first element off a comma list and returns it without blanks. Elements may
// be empty. It knows no quoted strings: not for lists that may hold commas in quotes.
[[nodiscard]] constexpr std::string_view next_element(std::string_view& list) noexcept {
    const auto comma = list.find(',');
    const auto element = trim_blanks(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    return element;
}

// Letters are compared and changed eight at a time: it happens on the path of every request.

// lower_eight changes the capital letters among eight bytes.
[[nodiscard]] constexpr std::uint64_t lower_eight(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    // The top bit of each byte tells: from 'A' on, beyond 'Z', not ASCII.
    const std::uint64_t low = word & (ones * 0x7f);
    const std::uint64_t from_a = low + ones * (0x80 - 'A'), beyond_z = low + ones * (0x7f - 'Z');
    const std::uint64_t capital = from_a & ~beyond_z & ~word & (ones * 0x80);
    return word | capital >> 2;
}

// load_eight takes eight bytes as they lie there.
[[nodiscard]] inline std::uint64_t load_eight(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// load_four_to_seven takes all of four to seven bytes; those in the middle stand in the word twice.
[[nodiscard]] inline std::uint64_t load_four_to_seven(const char* at, std::size_t size) noexcept {
    std::uint32_t front = 0;
    std::uint32_t back = 0;
    std::memcpy(&front, at, sizeof front);
    std::memcpy(&back, at + size - sizeof back, sizeof back);
    return std::uint64_t{front} << 32 | back;
}

// to_lower writes `text` in lower case to `out`, which has room for it.
inline void to_lower(std::string_view text, char* out) noexcept {
    std::size_t i = 0;
    for (; text.size() - i >= 8; i += 8) {
        const std::uint64_t word = lower_eight(load_eight(text.data() + i));
        std::memcpy(out + i, &word, 8);
    }
    for (; i < text.size(); ++i)
        out[i] = ascii_lower(text[i]);
}

[[nodiscard]] inline std::string to_lower(std::string_view text) {
    std::string out(text.size(), '\0');
    to_lower(text, out.data());
    return out;
}

// equal_ignoring_case compares ASCII letters without case, other bytes exactly.
[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    const std::size_t size = a.size();
    if (size != b.size())
        return false;
    if (size >= 8) {
        for (std::size_t i = 0; i + 8 < size; i += 8)
            if (lower_eight(load_eight(a.data() + i)) != lower_eight(load_eight(b.data() + i)))
                return false;
        return lower_eight(load_eight(a.data() + size - 8)) ==
               lower_eight(load_eight(b.data() + size - 8));
    }
    if (size >= 4)
        return lower_eight(load_four_to_seven(a.data(), size)) ==
               lower_eight(load_four_to_seven(b.data(), size));
    for (std::size_t i = 0; i != size; ++i)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

} // namespace boshgate::routing
