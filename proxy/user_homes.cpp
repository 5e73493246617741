#include "proxy/user_homes.hpp"

#include "conf/config.hpp"
#include "proxy/core.hpp"
#include "proxy/login_driver.hpp"

#include <chrono>
#include <utility>

#include <openssl/rand.h>

namespace boshgate::proxy {

using discovery::login_homes;
using std::chrono::steady_clock;

namespace {

// Of users who are being looked for at once; beyond that each login asks for itself.
constexpr std::size_t under_way_max = 10'000;

routing::session_hash_key random_key() {
    routing::session_hash_key key{};
    RAND_bytes(key.data(), static_cast<int>(key.size()));
    return key;
}

} // namespace

user_homes::user_homes(const conf::discovery_config& settings)
    : cache_(settings.cache.users, settings.cache.keep, random_key()),
      under_way_(under_way_max, random_key()) {}

login_homes user_homes::find(std::string_view user) {
    const std::lock_guard lock(mutex_);
    const auto found = cache_.find(user, steady_clock::now());
    return found ? login_homes{found->home, found->backup.value_or(discovery::no_node)}
                 : login_homes{};
}

bool user_homes::learn(std::string_view user, const login_homes& found) {
    if (found.home == discovery::no_node) {
        return false;
    }
    discovery::home_cache::homes kept{.home = found.home, .backup = std::nullopt};
    if (found.backup != discovery::no_node) {
        kept.backup = found.backup;
    }
    const std::lock_guard lock(mutex_);
    return cache_.learn(user, kept, steady_clock::now());
}

void user_homes::forget(std::string_view user) {
    const std::lock_guard lock(mutex_);
    cache_.forget(user);
}

void user_homes::limit(const conf::discovery_config& settings) {
    const std::lock_guard lock(mutex_);
    cache_.limit(settings.cache.users, settings.cache.keep);
}

void user_homes::forget_node(routing::node_index node) {
    const std::lock_guard lock(mutex_);
    cache_.forget_node(node);
}

bool user_homes::take_turn(std::string_view user, const std::shared_ptr<login_driver>& who,
                           core& home, bool& holds) {
    using turn = discovery::users_under_way::turn;
    const std::lock_guard lock(mutex_);
    switch (under_way_.begin(user)) {
    case turn::first:
        holds = true;
        return true;
    case turn::alone:
        return true;
    case turn::wait:
        break;
    }
    waiting_[std::string(user)].push_back({&home, who});
    return false;
}

void user_homes::give_turn(std::string_view user) {
    std::vector<waiter> woken;
    {
        const std::lock_guard lock(mutex_);
        under_way_.end(user);
        if (const auto found = waiting_.find(std::string(user)); found != waiting_.end()) {
            woken = std::move(found->second);
            waiting_.erase(found);
        }
    }
    for (const waiter& one : woken) {
        if (one.who.expired()) {
            continue; // it has left, and at the end of all its core has gone as well
        }
        one.home->loop.post([who = one.who] {
            if (const std::shared_ptr<login_driver> still = who.lock()) {
                still->woken();
            }
        });
    }
}

} // namespace boshgate::proxy
