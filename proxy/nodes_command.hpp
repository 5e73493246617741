#pragma once
// `boshgate nodes`: what a running process knows of its nodes, and the operator's wishes for them.

#include <ostream>
#include <string>

namespace boshgate::proxy {

// What the operator wants: "drain", "disable" or "enable" a node; empty: to see all of them.
struct nodes_order {
    std::string wish;
    std::string node;
};

// nodes asks the process that runs with this configuration, by its admin listener. `json`: prints
// the listener's answer as it is. Returns the exit status: 0 done; 1 not, and `err` says why.
[[nodiscard]] int nodes(const std::string& config_file, const nodes_order& order, bool json,
                        std::ostream& out, std::ostream& err);

// nodes_table makes a table of the answer of /api/v1/nodes, or of one node's: for people. `now`:
// milliseconds since 1970.
[[nodiscard]] std::string nodes_table(const std::string& answer, std::int64_t now_unix_ms);

// time_in_words says how long something takes: "12 s", "3 min", "5 h", "2 days".
[[nodiscard]] std::string time_in_words(std::int64_t ms);

} // namespace boshgate::proxy
