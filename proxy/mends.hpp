#pragma once
// What to do about what went wrong: for the status page and whoever else tells people of it.
// Pure, and complete by construction: the switches of mends.cpp have no default, so a reason
// without advice does not compile.

#include "discovery/node_health.hpp"
#include "proxy/log.hpp"
#include "routing/reason.hpp"

#include <cstdint>
#include <string_view>

namespace boshgate::proxy {

// Where to look.
enum class concern : std::uint8_t {
    none,   // nothing is wrong: this is how exchanges end
    client, // what clients sent, or did not wait for
    here,   // this process: its configuration, its limits, its machine
    node,   // a node, or the way to it
};

struct advice {
    concern where = concern::none;
    std::string_view mend; // whole sentences; empty where nothing is wrong
};

[[nodiscard]] advice mend_of(routing::reason why) noexcept;
// Of a node that is not up; by the reason, or by its name as node_report has it.
[[nodiscard]] std::string_view mend_of(discovery::health_reason why) noexcept;
[[nodiscard]] std::string_view mend_of_health(std::string_view reason_name) noexcept;
// Of a warning that log_limited wrote.
[[nodiscard]] std::string_view mend_of(log_topic topic) noexcept;

// "client", "here", "node"; "none".
[[nodiscard]] std::string_view name_of(concern where) noexcept;

} // namespace boshgate::proxy
