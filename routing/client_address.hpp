#pragma once
// Whose request is it: client addresses, trusted proxies, X-Forwarded-For, and the PROXY protocol.

#include "routing/http_head.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

// An IPv4 or IPv6 address as 16 bytes; IPv4 is kept mapped (::ffff:a.b.c.d), so that both compare alike.
struct ip_address {
    std::array<std::uint8_t, 16> bytes{};

    // parse takes "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; no port, no zone, no blanks.
    [[nodiscard]] static std::optional<ip_address> parse(std::string_view text) noexcept;
    [[nodiscard]] static ip_address v4(std::uint32_t host_order) noexcept;
    [[nodiscard]] bool is_v4() const noexcept;
    // Writes the address without brackets; IPv4 in dotted form. Returns a view into `buffer`.
    std::string_view print(std::array<char, 46>& buffer) const noexcept;
    bool operator==(const ip_address&) const = default;
};

class trusted_proxies {
  public:
    trusted_proxies() = default;
    // Takes addresses and CIDR blocks ("10.0.0.0/8", "::1"). Entries that do not parse are ignored here: the
    // loader has refused them before (see parse_block).
    explicit trusted_proxies(const std::vector<std::string>& blocks);
    [[nodiscard]] bool contains(const ip_address& address) const noexcept;

    struct block {
        ip_address base;
        std::uint8_t bits = 128; // of the mapped form
    };
    [[nodiscard]] static std::optional<block> parse_block(std::string_view text) noexcept;

  private:
    std::vector<block> blocks_;
};

struct client_origin {
    ip_address address;
    bool secure = false; // the client's own connection used TLS
};

// client_of says whose request this is. `peer` is the other end of the connection (or what the PROXY header
// said). If the peer is trusted, the X-Forwarded-For fields are read from the right, over all of them, skipping
// trusted addresses; the first untrusted one is the client; an unparsable element ends the walk at the last good
// one. X-Forwarded-Proto (a single http or https) of a trusted peer overrides `secure`. From anybody else both are
// ignored.
[[nodiscard]] client_origin client_of(const request_head& head, const ip_address& peer, bool secure,
                                      const trusted_proxies& trusted) noexcept;

struct proxy_header {
    read_state state = read_state::partial; // refused: not a PROXY header, or a malformed one
    std::size_t consumed = 0;
    std::optional<ip_address> source; // nullopt: LOCAL or UNKNOWN, the connection's own peer counts
};

// read_proxy_header reads a PROXY protocol header, version 1 (text, at most 107 bytes) or 2 (binary, at most 4 KiB
// with its TLVs, which are skipped), from the start of `bytes`. Strict: one version, one header, no blanks too many.
[[nodiscard]] proxy_header read_proxy_header(std::string_view bytes) noexcept;

} // namespace boshgate::routing
