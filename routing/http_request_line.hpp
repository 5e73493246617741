#pragma once
// The request line: method SP target SP HTTP/1.x CR LF (RFC 9112 3). The rules are in
// http_head.hpp; only the request head reader includes this.

#include "routing/http_bytes.hpp"
#include "routing/http_head.hpp"

namespace boshgate::routing {

// read_request_line fills verb, verb_text, target, path, query and minor_version. `authority`
// becomes that of an absolute-form target, else empty. What form the target has is judged when the
// version is known, so that other protocols and versions are refused as what they are.
[[nodiscard]] bytes::outcome read_request_line(bytes::cursor& in, std::size_t target_limit,
                                               request_head& out,
                                               std::string_view& authority) noexcept;

// read_version reads HTTP/1.0 or HTTP/1.1, nothing after it. Other versions of HTTP are
// bad_version, all else is `otherwise`.
[[nodiscard]] bytes::outcome read_version(bytes::cursor& in, int& minor, reason otherwise) noexcept;

} // namespace boshgate::routing
