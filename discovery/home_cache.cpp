#include "discovery/home_cache.hpp"

#include <iterator>

namespace boshgate::discovery {
namespace {

using routing::node_index;

std::optional<node_index> renumbered(node_index node,
                                     std::span<const std::optional<node_index>> new_index) {
    return node < new_index.size() ? new_index[node] : std::nullopt;
}

} // namespace

home_cache::home_cache(std::size_t users_max, std::chrono::milliseconds keep,
                       const routing::session_hash_key& key)
    : users_max_(users_max), keep_(keep), by_user_(0, user_hash{key}) {}

std::optional<home_cache::homes> home_cache::find(std::string_view user, time_point now) {
    const auto found = by_user_.find(user);
    if (found == by_user_.end()) {
        ++counts_.misses;
        return std::nullopt;
    }
    const entries::iterator at = found->second;
    const bool expired = now - at->learnt_at >= keep_;
    if (expired || forgotten(*at)) {
        ++counts_.misses;
        ++(expired ? counts_.expired : counts_.dropped);
        erase(at);
        return std::nullopt;
    }
    ++counts_.hits;
    by_use_.splice(by_use_.begin(), by_use_, at);
    return at->where;
}

void home_cache::learn(std::string_view user, const homes& found, time_point now) {
    if (users_max_ == 0 || user.empty() || user.size() > user_bytes_max)
        return;
    ++learnings_;
    if (const auto known = by_user_.find(user); known != by_user_.end()) {
        entry& one = *known->second;
        one.where = found;
        one.learnt_at = now;
        one.learnt_as = learnings_;
        by_use_.splice(by_use_.begin(), by_use_, known->second);
        return;
    }
    if (by_use_.size() == users_max_) {
        ++counts_.evicted;
        erase(std::prev(by_use_.end()));
    }
    by_use_.push_front({std::string(user), found, now, learnings_});
    by_user_.emplace(by_use_.front().user, by_use_.begin());
}

void home_cache::forget(std::string_view user) {
    if (const auto found = by_user_.find(user); found != by_user_.end())
        erase(found->second);
}

void home_cache::forget_node(node_index node) {
    if (node >= forgotten_.size())
        forgotten_.resize(std::size_t{node} + 1);
    forgotten_[node] = learnings_;
}

void home_cache::renumber(std::span<const std::optional<node_index>> new_index) {
    for (auto at = by_use_.begin(); at != by_use_.end();) {
        const auto next = std::next(at);
        const auto home = renumbered(at->where.home, new_index);
        if (!home || forgotten(*at)) {
            erase(at);
        } else {
            at->where.home = *home;
            if (at->where.backup)
                at->where.backup = renumbered(*at->where.backup, new_index);
        }
        at = next;
    }
    forgotten_.clear(); // by the old numbers; whoever it concerned is gone
}

bool home_cache::forgotten(const entry& one) const noexcept {
    const auto is = [&](node_index node) {
        return node < forgotten_.size() && one.learnt_as <= forgotten_[node];
    };
    return is(one.where.home) || (one.where.backup && is(*one.where.backup));
}

void home_cache::erase(entries::iterator at) {
    by_user_.erase(at->user);
    by_use_.erase(at);
}

users_under_way::users_under_way(std::size_t users_max, const routing::session_hash_key& key)
    : users_max_(users_max), users_(0, user_hash{key}) {}

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
