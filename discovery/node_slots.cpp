#include "discovery/node_slots.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace boshgate::discovery {
namespace {

constexpr std::size_t room_least = 64;

std::vector<conf::node> those(const node_slots& slots, bool removed) {
    std::vector<conf::node> all;
    for (std::size_t i = 0; i < slots.nodes.size(); ++i) {
        if ((slots.removed_in[i] != 0) == removed) {
            all.push_back(slots.nodes[i]);
        } else {
            all.emplace_back().name = slots.nodes[i].name;
        }
    }
    return all;
}

} // namespace

std::vector<conf::node> nodes_there(const node_slots& slots) {
    return those(slots, false);
}
std::vector<conf::node> nodes_removed(const node_slots& slots) {
    return those(slots, true);
}

std::size_t slots_for(std::size_t nodes) noexcept {
    return nodes + std::max(nodes, room_least);
}

node_slots lay_out(std::vector<conf::node> nodes) {
    node_slots made;
    made.most = slots_for(nodes.size());
    made.removed_in.assign(nodes.size(), 0);
    made.nodes = std::move(nodes);
    return made;
}

relaid lay_out(std::vector<conf::node> nodes, const node_slots& before, std::uint64_t number,
               std::uint64_t oldest) {
    relaid made;
    node_slots& slots = made.slots;
    slots = before;
    // In any letter case, as in sids.
    std::unordered_map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < before.nodes.size(); ++i) {
        known.emplace(routing::to_lower(before.nodes[i].name), i);
        if (slots.removed_in[i] == 0) {
            slots.removed_in[i] = number;
        }
    }
    std::vector<conf::node> fresh;
    for (conf::node& one : nodes) {
        if (const auto found = known.find(routing::to_lower(one.name)); found != known.end()) {
            slots.removed_in[found->second] = 0;
            slots.nodes[found->second] = std::move(one);
        } else {
            fresh.push_back(std::move(one));
        }
    }
    std::size_t looked = 0; // slots before this one are taken
    for (conf::node& one : fresh) {
        if (slots.nodes.size() < slots.most) {
            slots.nodes.push_back(std::move(one));
            slots.removed_in.push_back(0);
            continue;
        }
        while (looked < slots.nodes.size() &&
               (slots.removed_in[looked] == 0 || slots.removed_in[looked] > oldest)) {
            ++looked;
        }
        if (looked == slots.nodes.size()) {
            ++made.without;
            continue;
        }
        slots.removed_in[looked] = 0;
        slots.nodes[looked] = std::move(one);
    }
    for (const std::uint64_t removed_in : slots.removed_in) {
        made.resting += removed_in > oldest ? 1 : 0;
    }
    return made;
}

} // namespace boshgate::discovery
