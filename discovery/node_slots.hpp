#pragma once
// The place of every node in what a process keeps of nodes for as long as it runs: links, health,
// sessions, users' homes. All of that goes by an index, so a reload of the configuration must not
// let one index mean two nodes at a time.
//
// A node keeps its slot as long as it keeps its name, wherever it stands in the file. One that is
// taken out leaves its slot behind, in which it is found again should it come back. Another node
// gets that slot when nobody can mean the old one any more: when no snapshot is in use in which it
// was there.

#include "conf/config.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace boshgate::discovery {

struct node_slots {
    std::vector<conf::node> nodes; // by slot; those that were taken out as they were
    // By slot: the number of the first snapshot without the node; 0: it is there.
    std::vector<std::uint64_t> removed_in;
    std::size_t most = 0; // slots that there can be: what goes by node is as long, and never moves
};

// slots_for says how many slots a process gets that begins with so many nodes: twice as many, and
// room for 64 more at least.
[[nodiscard]] std::size_t slots_for(std::size_t nodes) noexcept;

// lay_out puts nodes into slots: of a process that starts.
[[nodiscard]] node_slots lay_out(std::vector<conf::node> nodes);

// The same for a reload. `number`: of the snapshot that is being made; they count up. `oldest`: of
// the oldest one in use.
struct relaid {
    node_slots slots;
    std::size_t without =
        0; // nodes for which there is no slot: more than 0, and `slots` is of no use
    std::size_t resting = 0; // slots of nodes that were taken out, and are still in use
};
[[nodiscard]] relaid lay_out(std::vector<conf::node> nodes, const node_slots& before,
                             std::uint64_t number, std::uint64_t oldest);

// What routes and names are made of: the list by slot in which only those that are there, or else
// only those that were taken out, are nodes. The others are left as names without a host, which
// nothing leads to.
[[nodiscard]] std::vector<conf::node> nodes_there(const node_slots& slots);
[[nodiscard]] std::vector<conf::node> nodes_removed(const node_slots& slots);

} // namespace boshgate::discovery
