#pragma once
// An IP address as a value: compared, printed and read, never connected to.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace boshgate::routing {

// An IPv4 or IPv6 address as 16 bytes; IPv4 is kept mapped (::ffff:a.b.c.d), so that both compare
// alike.
struct ip_address {
    std::array<std::uint8_t, 16> bytes{};

    // parse takes "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; no port, no zone, no blanks, no
    // leading zeros in the parts of an IPv4 address (some read them as octal).
    [[nodiscard]] static std::optional<ip_address> parse(std::string_view text) noexcept;
    [[nodiscard]] static ip_address v4(std::uint32_t host_order) noexcept;
    [[nodiscard]] bool is_v4() const noexcept;
    // Writes the address without brackets (RFC 5952); IPv4 in dotted form. Returns a view into
    // `buffer`.
    std::string_view print(std::array<char, 46>& buffer) const noexcept;

    bool operator==(const ip_address&) const = default;
    auto operator<=>(const ip_address&) const = default;
};

} // namespace boshgate::routing
