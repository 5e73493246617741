#pragma once
// Where users were found the last time, so that most logins need no discovery node: bare JID to
// home and backup node. Bounded in users and in time, and no more than a hint: a login that finds
// nobody at home asks anew. Only nodes of the configuration are ever in it.
//
// Pure and for one thread; the driver shards and locks it, and gives the time.

#include "routing/route_table.hpp"
#include "routing/session_hash.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace boshgate::discovery {

// A keyed hash: the names are chosen by whoever logs in, and must not all fall into one bucket.
struct user_hash {
    using is_transparent = void;
    routing::session_hash_key key{};
    [[nodiscard]] std::size_t operator()(std::string_view user) const noexcept {
        return static_cast<std::size_t>(routing::session_hash(user, key));
    }
};

class home_cache {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    // A longer name is not kept: nobody has one, and a bound in users is one in bytes so. What it
    // costs is a question to a discovery node.
    static constexpr std::size_t user_bytes_max = 512;

    struct homes {
        routing::node_index home = 0;
        std::optional<routing::node_index> backup;
        friend bool operator==(const homes&, const homes&) = default;
    };

    // Since the cache was made.
    struct counts {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;  // `expired` and `dropped` among them
        std::uint64_t expired = 0; // found, but too old
        std::uint64_t dropped = 0; // found, but of a forgotten node
        std::uint64_t evicted = 0; // gone for another user's sake
    };

    // users_max: 0 keeps nobody. keep: how long a user's homes are good for, from the moment they
    // were learnt, however often they are used: an assignment changes without a word.
    // key: random, and not known to clients.
    home_cache(std::size_t users_max, std::chrono::milliseconds keep,
               const routing::session_hash_key& key);
    home_cache(const home_cache&) = delete; // its parts point at each other
    home_cache& operator=(const home_cache&) = delete;

    // find returns what was learnt of a user (a bare JID, normalised; compared byte for byte) less
    // than `keep` ago.
    [[nodiscard]] std::optional<homes> find(std::string_view user, time_point now);

    // learn keeps a user's homes, in place of what was known. Where users_max are in, the one that
    // nobody asked for longest goes.
    void learn(std::string_view user, const homes& found, time_point now);

    // forget: the user was not where the cache said.
    void forget(std::string_view user);

    // forget_node drops everybody whose home or backup the node is: it turned its users away
    // (see-other-host, item-not-found on what it had just created), so assignments have changed.
    // A node that is only down stays in: it is through its entry that a user's backup is known.
    // Takes the same time however many users there are.
    void forget_node(routing::node_index node);

    // renumber takes the cache into another configuration: new_index[i] is what has become of node
    // i, nullopt (or no such i): it is gone. Users whose home is gone are dropped; whose backup is
    // gone, lose that only.
    void renumber(std::span<const std::optional<routing::node_index>> new_index);

    [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }
    [[nodiscard]] const counts& counted() const noexcept { return counts_; }

  private:
    struct entry {
        std::string user;
        homes where;
        time_point learnt_at;
        std::uint64_t learnt_as; // number of the learning, to compare with forgotten_
    };
    using entries = std::list<entry>;

    [[nodiscard]] bool forgotten(const entry& one) const noexcept;
    void erase(entries::iterator at);

    std::size_t users_max_;
    std::chrono::milliseconds keep_;
    entries by_use_; // the last used first
    // Points into by_use_, names too.
    std::unordered_map<std::string_view, entries::iterator, user_hash, std::equal_to<>> by_user_;
    std::uint64_t learnings_ = 0;
    std::vector<std::uint64_t> forgotten_; // by node: up to which learning it is forgotten
    counts counts_;
};

// Users whose home is being asked for: of several logins of one user at once, only the first asks,
// the others wait for what it learns. For one thread, as the cache.
class users_under_way {
  public:
    enum class turn : std::uint8_t {
        first, // ask; call end() when it is known
        wait,  // somebody asks: wait for that
        alone, // the table is full: ask, and do not call end()
    };

    users_under_way(std::size_t users_max, const routing::session_hash_key& key);

    [[nodiscard]] turn begin(std::string_view user);
    // The one that was `first` is done, whatever came of it.
    void end(std::string_view user);
    [[nodiscard]] std::size_t size() const noexcept { return users_.size(); }

  private:
    std::size_t users_max_;
    std::unordered_set<std::string, user_hash, std::equal_to<>> users_;
};

} // namespace boshgate::discovery
