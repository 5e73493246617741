#pragma once
// Whose request is it: client addresses, trusted proxies and X-Forwarded-For. (The PROXY protocol,
// which answers the same question one layer below, is in proxy_header.hpp.)

#include "routing/http_head.hpp"
#include "routing/ip_address.hpp"
#include "routing/proxy_header.hpp" // IWYU pragma: export

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

class trusted_proxies {
  public:
    trusted_proxies() = default;
    // Takes addresses and CIDR blocks ("10.0.0.0/8", "::1"). Entries that do not parse are ignored
    // here: the loader has refused them before (see parse_block).
    explicit trusted_proxies(const std::vector<std::string>& blocks);
    [[nodiscard]] bool contains(const ip_address& address) const noexcept;

    struct block {
        ip_address base;         // bits behind the prefix are zero
        std::uint8_t bits = 128; // length of the prefix in the mapped form: 96 more for IPv4
    };
    // parse_block takes an address, which is a block of one, or address "/" decimal length (0 to 32
    // or 128). Host bits behind the prefix are cleared, not refused.
    [[nodiscard]] static std::optional<block> parse_block(std::string_view text) noexcept;

  private:
    std::vector<block> blocks_;
};

struct client_origin {
    ip_address address;
    bool secure = false; // the client's own connection used TLS
};

// How many elements of X-Forwarded-For are looked at, from the right. The walk ends there at the
// last good one.
inline constexpr std::size_t forwarded_hops_max = 32;

// client_of says whose request this is. `peer` is the other end of the connection (or what the
// PROXY header said). If the peer is trusted, the X-Forwarded-For fields are read from the right,
// over all of them, skipping trusted addresses; the first untrusted one is the client; an
// unparsable element (an empty one, "unknown") ends the walk at the last good one, because nobody
// vouches for what stands left of it. A port after an IPv4 address or a bracketed IPv6 address is
// dropped: some balancers write it. X-Forwarded-Proto (a single http or https) of a trusted peer
// overrides `secure`. From anybody else both are ignored.
[[nodiscard]] client_origin client_of(const request_head& head, const ip_address& peer, bool secure,
                                      const trusted_proxies& trusted) noexcept;

} // namespace boshgate::routing
