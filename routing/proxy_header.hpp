#pragma once
// The PROXY protocol (HAProxy's proxy-protocol.txt, versions 1 and 2): a balancer says, before
// anything else on the connection, for whom it connects. Only read on listeners that are configured
// to expect it.

#include "routing/http_head.hpp"
#include "routing/ip_address.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace boshgate::routing {

// Longest header in either version, in bytes. Version 1 is a line of at most 107 with CR LF (its
// section 2.1); of version 2, 4 KiB leave room for every TLV in use (certificates' names, cloud
// endpoints).
inline constexpr std::size_t proxy_v1_bytes_max = 107;
inline constexpr std::size_t proxy_v2_bytes_max = 4096;

struct proxy_header {
    read_state state = read_state::partial; // refused: not a PROXY header, or a malformed one
    std::size_t consumed = 0;               // when complete: where the client's own bytes begin
    // nullopt: LOCAL, UNKNOWN, or a family that is not IP; the connection's own peer counts
    std::optional<ip_address> source;
};

// read_proxy_header reads one PROXY protocol header from the start of `bytes`, version 1 (text) or
// 2 (binary, TLVs are skipped). Strict: single blanks, plain decimal ports, addresses of the
// announced family, stream transports only. A header that can be refused already is refused even if
// it is not complete yet.
[[nodiscard]] proxy_header read_proxy_header(std::string_view bytes) noexcept;

} // namespace boshgate::routing
