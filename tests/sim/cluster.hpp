#pragma once
// A cluster of XMPP nodes as a login meets it: which node is up, whose homes are where, and what
// each node believes of that. Users are moved, and nodes may learn of it late.

#include "discovery/login.hpp"
#include "tests/sim/schedule.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace boshgate::sim {

using discovery::login_homes;
using discovery::no_node;
using discovery::node_index;

inline constexpr node_index cluster_nodes = 6;

enum class node_state : std::uint8_t {
    up,
    killed,  // refuses links
    frozen,  // takes links, says nothing
    leaving, // answers with system-shutdown
};

// What the nodes that are no discovery nodes say about a user. Discovery nodes always name homes.
enum class home_speech : std::uint8_t {
    names,      // as CUP: every node names the user's homes
    sends_away, // names nobody; who belongs elsewhere is sent there (see-other-host)
};

struct cluster_settings {
    home_speech speech = home_speech::names;
    bool discovery_homes = false;     // the discovery nodes are homes, too
    bool pairs = true;                // every home has a backup, else none has
    microseconds lag = 0;             // how late a node learns that a user was moved, at most
    unsigned late_in_thousand = 0;    // answers without features, one or two polls before them
    unsigned unknown_in_thousand = 0; // users whose backup is no node of the configuration
    unsigned nowhere_in_thousand = 0; // users who have no homes
    std::size_t users = 40;
};

class cluster {
  public:
    cluster(schedule& when, dice& luck, const cluster_settings& with);

    void set(node_index node, node_state state);
    [[nodiscard]] node_state state(node_index node) const { return nodes_[node].state; }
    // Gives the user homes anew; perhaps the same.
    void move(std::size_t user);

    struct view {
        login_homes homes;
        std::uint8_t unknown = 0;
    };
    // What the node knows of the user now.
    [[nodiscard]] view known_at(node_index node, std::size_t user) const;
    [[nodiscard]] view truth(std::size_t user) const { return users_[user].back().what; }
    // Whether the user was to be found there at any time since `from`.
    [[nodiscard]] bool was_at(node_index node, std::size_t user, microseconds from) const;
    [[nodiscard]] bool had_no_homes(std::size_t user, microseconds from) const;
    // When this user was moved for the last time; or else a node came or went.
    [[nodiscard]] microseconds moved(std::size_t user) const { return users_[user].back().since; }
    [[nodiscard]] microseconds changed(std::size_t user) const;

    [[nodiscard]] const cluster_settings& settings() const { return with_; }

  private:
    struct assignment {
        microseconds since = 0;
        view what;
    };
    struct member {
        node_state state = node_state::up;
        microseconds lag = 0;
    };
    [[nodiscard]] view draw();

    schedule& when_;
    dice& luck_;
    cluster_settings with_;
    std::array<member, cluster_nodes> nodes_;
    std::vector<std::vector<assignment>> users_; // by time
    microseconds node_changed_ = 0;
};

} // namespace boshgate::sim
