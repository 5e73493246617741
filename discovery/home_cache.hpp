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
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace boshgate::discovery {

// A keyed hash: the names are chosen by whoever logs in, and must not all fall into one bucket.
struct keyed_hash {
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
    // nobody asked for longest goes: true.
    bool learn(std::string_view user, const homes& found, time_point now);

    // forget: the user was not where the cache said.
    void forget(std::string_view user);
    // forget_node: it is no node any more. Who has it for a home is forgotten; a backup alone is
    // struck out.
    void forget_node(routing::node_index node);
    // limit sets the bounds anew; of too many users, those nobody asked for longest go.
    void limit(std::size_t users_max, std::chrono::milliseconds keep);

    [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }

  private:
    struct entry {
        std::string user;
        homes where;
        time_point learnt_at;
    };
    using entries = std::list<entry>;

    void erase(entries::iterator at);

    std::size_t users_max_;
    std::chrono::milliseconds keep_;
    entries by_use_; // the last used first
    // Points into by_use_, names too.
    std::unordered_map<std::string_view, entries::iterator, keyed_hash, std::equal_to<>> by_user_;
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
    std::unordered_set<std::string, keyed_hash, std::equal_to<>> users_;
};

} // namespace boshgate::discovery
