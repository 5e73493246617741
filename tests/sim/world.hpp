#pragma once
// One client, the proxy and one node in a world that breaks things, and what came of it.

#include "tests/sim/client_models.hpp"
#include "tests/sim/node_models.hpp"
#include "tests/sim/proxy_model.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace boshgate::sim {

struct scenario {
    const char* name = "";
    node_kind node = node_kind::prosody;
    client_kind client = client_kind::strophe;
    fault_rates client_side;
    fault_rates node_side;
    proxy_settings proxy;
    microseconds busy = 300 * second;     // for how long stanzas are sent and things break
    microseconds gap = 700 * millisecond; // mean time between two stanzas of one side
    unsigned restarts = 0;                // of the proxy, or of one of its instances
    unsigned instances = 1;               // each exchange of the client goes to the next one
    microseconds away = 0;                // for how long one that restarts takes nobody
    unsigned storms = 0;                  // times that every link breaks at once
    // Links that swallow are seen to after this (TCP_USER_TIMEOUT). 0: never.
    microseconds link_timeout = 3 * second;
};

struct result {
    std::uint64_t worlds = 0;
    std::uint64_t steps = 0;
    std::uint64_t turns = 0; // requests of clients
    std::uint64_t up = 0;    // stanzas of clients that servers took
    std::uint64_t down = 0;  // stanzas of servers that clients took
    std::uint64_t faults = 0;
    std::uint64_t failures = 0; // that clients saw
    std::uint64_t repeats = 0;
    std::uint64_t forgotten = 0;
    std::uint64_t forgotten_by_node = 0; // polls whose empty answer the proxy gave instead
    std::uint64_t echoed = 0;
    // Violations.
    std::uint64_t lost = 0, doubled = 0;       // in either direction
    std::uint64_t stuck = 0;                   // worlds without an end
    std::map<std::string, std::uint64_t> ends; // sessions that ended, by cause
    std::uint64_t verdicts[routing::rid_verdict_count] = {};
    std::size_t most_live = 0, most_kept = 0;
    std::uint64_t first_bad = 0; // the seed of the first world with a violation

    void add(const result& other);
    [[nodiscard]] std::string text() const;
};

// run plays one world to its end.
[[nodiscard]] result run(const scenario& what, std::uint64_t seed, bool traced = false);

} // namespace boshgate::sim
