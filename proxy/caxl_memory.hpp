#pragma once
// What users' CAXL has shown about its own discovery, from one session to the user's next. Users
// are kept as keyed hashes of address and JID, a bounded number of them, for a bounded time. All
// cores share it; its lock is taken a few times in a login of a CAXL client, and by nobody else.

#include "discovery/discovery_trail.hpp"
#include "routing/ip_address.hpp"
#include "routing/session_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace boshgate::proxy {

// A user at an address, as the memory and its sessions know it: never 0, which is nobody.
using user_hash = std::uint64_t;

// user_hash_of hashes the address with the bare JID of `from` (decoded). 0: `from` is no user's
// JID.
[[nodiscard]] user_hash user_hash_of(const routing::ip_address& client, std::string_view from,
                                     const routing::session_hash_key& key);

class caxl_memory {
  public:
    // Since the user was last heard of: a working day, so that who loses his node in the evening is
    // known by what he did in the morning.
    static constexpr std::uint64_t kept_ms = 12ULL * 60 * 60 * 1000;

    // `most`: users at a time; the one not heard of for longest goes first.
    explicit caxl_memory(std::size_t most) : most_(most) {}

    // The events of discovery_trail. A user is only taken up when names were given to him that may
    // prove something. on_hostnames returns true when another user was forgotten for it.
    [[nodiscard]] discovery::discovery_evidence
    on_session_request(user_hash user, routing::node_index at, std::uint64_t now_ms);
    [[nodiscard]] bool on_hostnames(user_hash user, routing::node_index at,
                                    const discovery::nodes_told& told, std::uint64_t now_ms);
    void on_left(user_hash user, routing::node_index at, std::uint64_t now_ms);
    [[nodiscard]] discovery::discovery_evidence
    on_authentication(user_hash user, routing::node_index at, std::uint64_t now_ms);

    // forget_old drops users whose time is over, some at a call.
    void forget_old(std::uint64_t now_ms);
    static constexpr std::size_t forgotten_at_once = 1000;

    // limit: how many users at a time from here on.
    void limit(std::size_t most);
    // forget_node: that index stands for another node from here on.
    void forget_node(routing::node_index node);

    [[nodiscard]] std::size_t size();

  private:
    struct known_user {
        user_hash user;
        std::uint64_t used_ms;
        discovery::discovery_trail trail;
    };
    using place = std::list<known_user>::iterator;

    // Of a user who is known: heard of now. nullptr: he is not.
    [[nodiscard]] discovery::discovery_trail* find(user_hash user, std::uint64_t now_ms);

    // One more user is forgotten.
    void drop_oldest();

    std::mutex mutex_; // guards what follows
    std::size_t most_;
    std::list<known_user> users_; // the front was heard of last
    std::unordered_map<user_hash, place> places_;
};

} // namespace boshgate::proxy
