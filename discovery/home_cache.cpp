#include "discovery/home_cache.hpp"

#include <iterator>

namespace boshgate::discovery {
home_cache::home_cache(std::size_t users_max, std::chrono::milliseconds keep,
                       const routing::session_hash_key& key)
    : users_max_(users_max), keep_(keep), by_user_(0, keyed_hash{key}) {}

std::optional<home_cache::homes> home_cache::find(std::string_view user, time_point now) {
    const auto found = by_user_.find(user);
    if (found == by_user_.end())
        return std::nullopt;
    const entries::iterator at = found->second;
    if (now - at->learnt_at >= keep_) {
        erase(at);
        return std::nullopt;
    }
    by_use_.splice(by_use_.begin(), by_use_, at);
    return at->where;
}

bool home_cache::learn(std::string_view user, const homes& found, time_point now) {
    if (users_max_ == 0 || user.empty() || user.size() > user_bytes_max)
        return false;
    if (const auto known = by_user_.find(user); known != by_user_.end()) {
        known->second->where = found;
        known->second->learnt_at = now;
        by_use_.splice(by_use_.begin(), by_use_, known->second);
        return false;
    }
    const bool full = by_use_.size() == users_max_;
    if (full)
        erase(std::prev(by_use_.end()));
    by_use_.push_front({std::string(user), found, now});
    by_user_.emplace(by_use_.front().user, by_use_.begin());
    return full;
}

void home_cache::forget(std::string_view user) {
    if (const auto found = by_user_.find(user); found != by_user_.end())
        erase(found->second);
}

void home_cache::forget_node(routing::node_index node) {
    for (auto at = by_use_.begin(); at != by_use_.end();) {
        const auto one = at++;
        if (one->where.home == node)
            erase(one);
        else if (one->where.backup == node)
            one->where.backup.reset();
    }
}

void home_cache::limit(std::size_t users_max, std::chrono::milliseconds keep) {
    users_max_ = users_max;
    keep_ = keep;
    while (by_use_.size() > users_max_)
        erase(std::prev(by_use_.end()));
}

void home_cache::erase(entries::iterator at) {
    by_user_.erase(at->user);
    by_use_.erase(at);
}

users_under_way::users_under_way(std::size_t users_max, const routing::session_hash_key& key)
    : users_max_(users_max), users_(0, keyed_hash{key}) {}

users_under_way::turn users_under_way::begin(std::string_view user) {
    if (users_.find(user) != users_.end())
        return turn::wait;
    if (users_.size() >= users_max_ || user.size() > home_cache::user_bytes_max)
        return turn::alone;
    users_.emplace(user);
    return turn::first;
}

void users_under_way::end(std::string_view user) {
    if (const auto found = users_.find(user); found != users_.end())
        users_.erase(found);
}

} // namespace boshgate::discovery
