#include "routing/base64.hpp"

#include "routing/ascii.hpp"

#include <cstdint>

namespace boshgate::routing {
namespace {

// 0 to 63; -1: not of the alphabet.
int value_of(char c) noexcept {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

} // namespace

std::optional<std::size_t> base64_decode(std::string_view text, std::span<char> room) noexcept {
    if (text.size() % 4 != 0 || text.size() / 4 * 3 > room.size())
        return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    std::size_t length = 0;
    std::uint32_t bits = 0; // the last `held` of them are not written yet
    unsigned held = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value < 0)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            room[length++] = static_cast<char>(bits >> held & 0xff);
        }
    }
    // One digit's worth of padding leaves two bits, two leave four: they stand for nothing.
    if ((bits & ((1U << held) - 1)) != 0)
        return std::nullopt;
    return length;
}

} // namespace boshgate::routing
