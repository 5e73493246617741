#pragma once
// Users who log in to a cluster whose nodes die, hang, leave and come back, and which moves its
// users about. Judged are the logins: where each ended, and what it took.

#include "tests/sim/cluster.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace boshgate::sim {

struct login_scenario {
    cluster_settings cluster;
    microseconds busy = 120 * second; // for how long users come
    unsigned logins = 800;            // in that time
    // How often in that time: a node is killed, frozen, asked to leave, for a few seconds; a user
    // is moved; both discovery nodes are down; all nodes are.
    unsigned kills = 0, freezes = 0, leaves = 0, moves = 0, no_discovery = 0, no_node = 0;
    unsigned gone_in_thousand = 0; // clients that do not wait
    bool secondary = true;         // there is a second discovery node
    bool cached = true;
};

struct login_result {
    std::uint64_t worlds = 0;
    std::uint64_t logins = 0;
    std::uint64_t calm = 0; // nothing changed while they lasted, and shortly before
    std::uint64_t at_home = 0, at_backup = 0, where_it_is = 0;
    std::uint64_t homes_found = 0;
    std::map<std::string, std::uint64_t> failed; // with which signal
    std::uint64_t moved_before = 0;              // delivered at a node that was right a moment ago
    std::uint64_t unseen = 0; // delivered at a backup that names no home, though the home is up
    std::uint64_t opened = 0; // sessions, in all
    std::array<std::uint64_t, 33> steps{}; // how many logins took so many
    std::uint64_t longest_ms = 0;
    // Violations, with the story of the first.
    std::uint64_t wrong = 0;
    std::string first_wrong;

    void add(const login_result& other);
    [[nodiscard]] std::string text() const;
    // The most steps that a login took.
    [[nodiscard]] std::size_t most_steps() const;
};

// run plays one world to its end.
[[nodiscard]] login_result run(const login_scenario& what, std::uint64_t seed, bool traced = false);

} // namespace boshgate::sim
