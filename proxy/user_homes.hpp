#pragma once
// Where users have their nodes, as all cores know it: the cache of homes, and who is being looked
// for at this moment, so that of several logins of one user at once only one asks. Any core; the
// lock is held for a look-up.

#include "discovery/home_cache.hpp"
#include "discovery/login.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace boshgate::conf {
struct discovery_config;
}

namespace boshgate::proxy {

struct core;
class login_driver;

class user_homes {
  public:
    explicit user_homes(const conf::discovery_config& settings);

    [[nodiscard]] discovery::login_homes find(std::string_view user);
    // learn keeps them. True: somebody else was forgotten for that.
    bool learn(std::string_view user, const discovery::login_homes& found);
    void forget(std::string_view user);
    // After a reload: other bounds; a node that is none any more.
    void limit(const conf::discovery_config& settings);
    void forget_node(routing::node_index node);

    // take_turn: whether a login may ask where the user is. False: another one asks; `who` is
    // woken on its core when that is over. True with `holds`: give_turn is owed.
    [[nodiscard]] bool take_turn(std::string_view user, const std::shared_ptr<login_driver>& who,
                                 core& home, bool& holds);
    void give_turn(std::string_view user);

  private:
    struct waiter {
        core* home;
        std::weak_ptr<login_driver> who;
    };

    std::mutex mutex_;
    discovery::home_cache cache_;
    discovery::users_under_way under_way_;
    std::unordered_map<std::string, std::vector<waiter>> waiting_; // by user
};

} // namespace boshgate::proxy
