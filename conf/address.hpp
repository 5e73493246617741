#pragma once
// Host names, numeric addresses, ports and address blocks as they appear in configuration text.
// Nothing here resolves a name.

#include "conf/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::conf {

// A numeric address in 16 bytes; IPv4 in the mapped form (::ffff:a.b.c.d).
struct numeric_address {
    std::array<std::uint8_t, 16> bytes{};
    bool v6 = false;

    bool operator==(const numeric_address&) const = default;
};

// parse_address takes "192.0.2.1" or "2001:db8::1"; no brackets, no port, no zone.
[[nodiscard]] std::optional<numeric_address> parse_address(std::string_view text);

// print_address writes the usual short form (RFC 5952), without brackets.
[[nodiscard]] std::string print_address(const numeric_address& address);

// is_host_name tells whether the text is a DNS name: labels of letters, digits, hyphens and (for
// container networks) underscores, 253 bytes at most, no dot at the end, and not a malformed IPv4
// address.
[[nodiscard]] bool is_host_name(std::string_view text) noexcept;

// parse_port takes 1 to 65535, digits only, no leading zero.
[[nodiscard]] result<std::uint16_t> parse_port(std::string_view text);

struct endpoint {
    std::string host; // without brackets
    std::uint16_t port = 0;

    bool operator==(const endpoint&) const = default;
};

// parse_listen_address takes what can be bound: "0.0.0.0:8443", "[::]:8443"; port 0 lets the system
// choose. Names are refused: which address they mean can change between two starts.
[[nodiscard]] result<endpoint> parse_listen_address(std::string_view text);

// check_host_field looks at a value for the Host header field: "name" or "name:port", "[::1]:port".
// Returns a fault when it is not one.
[[nodiscard]] std::optional<fault> check_host_field(std::string_view text);

// check_block looks at an address or CIDR block: "10.0.0.0/8", "::1". Bits below the prefix must be
// zero.
[[nodiscard]] std::optional<fault> check_block(std::string_view text);

} // namespace boshgate::conf
