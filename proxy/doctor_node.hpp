#pragma once
// Finds out about one node: looks its name up, and tries each of its addresses, each on a thread of
// its own. Nobody else is contacted.

#include "discovery/node_diagnosis.hpp"
#include "proxy/doctor_link.hpp"
#include "proxy/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace boshgate::proxy {

// How long the doctor waits. A dead node costs one `step`, and no node costs more than `node`.
struct doctor_patience {
    std::chrono::milliseconds step{5'000};  // one look-up, connection, handshake or answer
    std::chrono::milliseconds node{12'000}; // all of one address, after the look-up
    std::chrono::milliseconds all{60'000};  // nodes whose turn has not come by then are left out
};

// More addresses of one node are named, not tried.
inline constexpr std::size_t doctor_addresses_most = 8;

struct doctor_question {
    const snapshot& settings;
    routing::node_index node = 0;
    std::vector<std::string> domains; // that a session is asked for, until one opens
    bool domain_known = false;        // the operator has said the domain
    doctor_patience patience;
};

// side_by_side calls `each` for every number below `count`, on at most `most` threads, this one
// among them.
void side_by_side(std::size_t count, std::size_t most,
                  const std::function<void(std::size_t)>& each);

[[nodiscard]] discovery::node_facts examine_node(const doctor_question& asked);

} // namespace boshgate::proxy
