#include "routing/ip_address.hpp"

#include <algorithm>
#include <arpa/inet.h> // inet_pton and inet_ntop: text in, bytes out, no I/O
#include <charconv>
#include <cstring>
#include <type_traits>

namespace boshgate::routing {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

} // namespace

std::optional<ip_address> ip_address::parse(std::string_view text) noexcept {
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (bracketed)
        text = text.substr(1, text.size() - 2);
    std::array<char, INET6_ADDRSTRLEN + 1> terminated;
    // A NUL inside would make the C function see less than we were given.
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    *std::copy(text.begin(), text.end(), terminated.begin()) = '\0';

    ip_address out;
    if (text.find(':') != std::string_view::npos) {
        if (inet_pton(AF_INET6, terminated.data(), out.bytes.data()) != 1)
            return std::nullopt;
        return out;
    }
    if (bracketed)
        return std::nullopt;
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.bytes.begin());
    if (inet_pton(AF_INET, terminated.data(), out.bytes.data() + mapped_prefix.size()) != 1)
        return std::nullopt;
    return out;
}

ip_address ip_address::v4(std::uint32_t host_order) noexcept {
    ip_address out;
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.bytes.begin());
    for (std::size_t i = 0; i < 4; ++i)
        out.bytes[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return out;
}

bool ip_address::is_v4() const noexcept {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

std::string_view ip_address::print(std::array<char, 46>& buffer) const noexcept {
    static_assert(std::tuple_size_v<std::remove_reference_t<decltype(buffer)>> == INET6_ADDRSTRLEN);
    if (is_v4()) {
        // Not inet_ntop, which goes through sprintf: this runs for every request.
        char* end = buffer.data();
        for (std::size_t i = mapped_prefix.size(); i < bytes.size(); ++i) {
            end = std::to_chars(end, buffer.data() + buffer.size(), unsigned{bytes[i]}).ptr;
            *end++ = '.';
        }
        return {buffer.data(), static_cast<std::size_t>(end - buffer.data() - 1)};
    }
    // It cannot fail: the family is right and the buffer is large enough for every address.
    inet_ntop(AF_INET6, bytes.data(), buffer.data(), INET6_ADDRSTRLEN);
    return {buffer.data(), std::strlen(buffer.data())};
}

} // namespace boshgate::routing
