#pragma once
// Asks the admin listener of a running process: for commands such as `boshgate nodes`. Blocks.

#include "conf/config.hpp"

#include <chrono>
#include <string>

namespace boshgate::proxy {

struct admin_reply {
    unsigned status = 0; // 0: there is no answer, `problem` says why
    std::string body;
    std::string problem;
};

// admin_call sends one request. `method`: "GET" or "POST". `token`: 64 hexadecimal digits; empty:
// none is sent. A listener on all addresses is asked on the loopback one.
[[nodiscard]] admin_reply admin_call(const conf::admin_config& settings, const std::string& method,
                                     const std::string& target, const std::string& token = {},
                                     std::chrono::milliseconds limit = std::chrono::seconds{10});

} // namespace boshgate::proxy
