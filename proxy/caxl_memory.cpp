#include "proxy/caxl_memory.hpp"

#include "proxy/session.hpp"
#include "routing/bare_jid.hpp"

#include <algorithm>
#include <string>

namespace boshgate::proxy {

using discovery::discovery_evidence;
using discovery::discovery_trail;
using routing::node_index;

user_hash user_hash_of(const routing::ip_address& client, std::string_view from,
                       const routing::session_hash_key& key) {
    const auto user = routing::bare_jid_of(from);
    if (!user) {
        return 0;
    }
    std::string whole(client.bytes.begin(), client.bytes.end());
    whole += user->text();
    return std::max<user_hash>(1, routing::session_hash(whole, key));
}

discovery_trail* caxl_memory::find(user_hash user, std::uint64_t now_ms) {
    const auto found = places_.find(user);
    if (found == places_.end()) {
        return nullptr;
    }
    users_.splice(users_.begin(), users_, found->second);
    known_user& one = users_.front();
    if (elapsed_ms(now_ms, one.used_ms) > kept_ms) {
        one.trail = {};
    }
    one.used_ms = now_ms;
    return &one.trail;
}

discovery_evidence caxl_memory::on_session_request(user_hash user, node_index at,
                                                   std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    discovery_trail* trail = find(user, now_ms);
    return trail == nullptr ? discovery_evidence::none : trail->on_session_request(at, now_ms);
}

bool caxl_memory::on_hostnames(user_hash user, node_index at, const discovery::nodes_told& told,
                               std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    discovery_trail* trail = find(user, now_ms);
    bool forgotten = false;
    if (trail == nullptr) {
        if (told.known == 0 || told.has(at)) {
            return false;
        }
        forgotten = users_.size() >= most_;
        if (forgotten) {
            drop_oldest();
        }
        users_.push_front({user, now_ms, {}});
        places_.emplace(user, users_.begin());
        trail = &users_.front().trail;
    }
    trail->on_hostnames(at, told, now_ms);
    return forgotten;
}

void caxl_memory::on_left(user_hash user, node_index at, std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    if (discovery_trail* trail = find(user, now_ms); trail != nullptr) {
        trail->on_left(at, now_ms);
    }
}

discovery_evidence caxl_memory::on_authentication(user_hash user, node_index at,
                                                  std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    discovery_trail* trail = find(user, now_ms);
    return trail == nullptr ? discovery_evidence::none : trail->on_authentication(at, now_ms);
}

void caxl_memory::forget_old(std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < forgotten_at_once && !users_.empty() &&
                            elapsed_ms(now_ms, users_.back().used_ms) > kept_ms;
         ++i) {
        drop_oldest();
    }
}

void caxl_memory::drop_oldest() {
    places_.erase(users_.back().user);
    users_.pop_back();
}

void caxl_memory::limit(std::size_t most) {
    const std::lock_guard lock(mutex_);
    most_ = most;
    while (users_.size() > most_) {
        drop_oldest();
    }
}

void caxl_memory::forget_node(node_index node) {
    const std::lock_guard lock(mutex_);
    for (known_user& one : users_) {
        one.trail.forget_node(node);
    }
}

std::size_t caxl_memory::size() {
    const std::lock_guard lock(mutex_);
    return users_.size();
}

} // namespace boshgate::proxy
