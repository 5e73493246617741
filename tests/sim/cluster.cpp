#include "tests/sim/cluster.hpp"

#include <algorithm>

namespace boshgate::sim {

cluster::cluster(schedule& when, dice& luck, const cluster_settings& with)
    : when_(when), luck_(luck), with_(with), users_(with.users) {
    for (member& one : nodes_) {
        one.lag = luck_.below(with_.lag + 1);
    }
    for (auto& user : users_) {
        user.push_back({0, draw()});
    }
}

// Nodes 0 and 1 are the discovery nodes; 0 and 1, 2 and 3, 4 and 5 are subclusters.
cluster::view cluster::draw() {
    if (luck_.in_thousand(with_.nowhere_in_thousand)) {
        return {};
    }
    const auto home =
        static_cast<node_index>(luck_.between(with_.discovery_homes ? 0 : 2, cluster_nodes - 1));
    view drawn{{home, no_node}, 0};
    if (with_.pairs) {
        drawn.homes.backup = static_cast<node_index>(home ^ 1U);
        if (luck_.in_thousand(with_.unknown_in_thousand)) {
            drawn = {{home, no_node}, 1};
        }
    }
    return drawn;
}

void cluster::set(node_index node, node_state state) {
    constexpr const char* names[] = {"up", "killed", "frozen", "leaving"};
    when_.say("node", names[static_cast<std::size_t>(state)], node);
    nodes_[node].state = state;
    node_changed_ = when_.now();
}

void cluster::move(std::size_t user) {
    when_.say("user", "moved", user);
    users_[user].push_back({when_.now(), draw()});
}

cluster::view cluster::known_at(node_index node, std::size_t user) const {
    const auto& history = users_[user];
    const microseconds lag = nodes_[node].lag;
    const auto known = std::find_if(history.rbegin(), history.rend(), [&](const assignment& one) {
        return one.since == 0 || one.since + lag <= when_.now();
    });
    return known->what;
}

bool cluster::was_at(node_index node, std::size_t user, microseconds from) const {
    for (auto one = users_[user].rbegin(); one != users_[user].rend(); ++one) {
        if (one->what.homes.has(node)) {
            return true;
        }
        if (one->since <= from) {
            break;
        }
    }
    return false;
}

bool cluster::had_no_homes(std::size_t user, microseconds from) const {
    for (auto one = users_[user].rbegin(); one != users_[user].rend(); ++one) {
        if (one->what.homes.none()) {
            return true;
        }
        if (one->since <= from) {
            break;
        }
    }
    return false;
}

microseconds cluster::changed(std::size_t user) const {
    return std::max(node_changed_, moved(user));
}

} // namespace boshgate::sim
