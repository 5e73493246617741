#pragma once
// The message to a node: its own URL and Host, the few client fields that are listed, ours, and
// exactly one Content-Length.

#include "proxy/block_pool.hpp"
#include "routing/http_head.hpp"

#include <cstddef>
#include <string_view>

namespace boshgate::proxy {

struct exchange;

// append_field passes a field on, to a block or a string.
template <typename Output>
void append_field(Output& out, const routing::field& one) {
    if (const std::string_view line = routing::line_of(one); !line.empty()) {
        out.append(line);
        return;
    }
    out.append(one.name);
    out.append(": ");
    out.append(one.value);
    out.append("\r\n");
}

// node_request writes the message for an exchange whose node, verb, client and secure are set.
// `client`: the head to take listed fields from; nullptr: the request is the proxy's own.
[[nodiscard]] block node_request(const exchange& x, const routing::request_head* client,
                                 std::string_view body);

// start_of_node returns the length of what is the node's own in such a message: the request line
// and the Host field.
[[nodiscard]] inline std::size_t start_of_node(std::string_view message) noexcept {
    static constexpr std::string_view end = "\r\n";
    return message.find(end, message.find(end) + end.size()) + end.size();
}

} // namespace boshgate::proxy
