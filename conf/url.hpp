#pragma once
// Reads the URL of a node. What is not needed to reach a BOSH server is refused rather than
// ignored: credentials, fragments, other schemes, names that are not ASCII.

#include "conf/config.hpp"
#include "conf/result.hpp"

#include <string>
#include <string_view>

namespace boshgate::conf {

inline constexpr std::size_t url_bytes_max = 2048;

// parse_http_url reads "https://node-a1.example.com:7335/httpbinding" (RFC 3986). The host is
// folded to lower case, an IPv6 address to its short form without brackets; the port is 80 or 443
// unless given; target is path and query byte for byte, "/" when there is none. Refused: anything
// but http and https, userinfo, a fragment, port 0 or above 65535, percent-encoded or
// internationalised hosts, a dot at the end of the host, more than url_bytes_max bytes.
[[nodiscard]] result<http_url> parse_http_url(std::string_view text);

// print_url writes the URL with its port unless that is the default one, IPv6 in brackets.
[[nodiscard]] std::string print_url(const http_url& url);

} // namespace boshgate::conf
