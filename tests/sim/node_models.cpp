#include "tests/sim/node_models.hpp"

#include <algorithm>
#include <utility>

namespace boshgate::sim {

using kind = answer::kind;

std::unique_ptr<node_model> make_node(node_kind which, schedule& when, node_model::settings with) {
    if (which == node_kind::prosody) {
        return std::make_unique<prosody_model>(when, std::move(with));
    }
    return std::make_unique<ejabberd_model>(when, std::move(with));
}

// Prosody

prosody_model::prosody_model(schedule& when, settings with)
    : node_model(when, std::move(with)), rid_(with_.first) {}

void prosody_model::asked(const std::shared_ptr<wire>& from, const request& what) {
    if (ended_ != nullptr) {
        from->reply({.is = kind::item_not_found});
        return;
    }
    when_.say("node", "asked", what.rid);
    const auto one = std::make_shared<held>(held{what.rid, from, false});
    open_[from.get()] = one;
    const std::uint64_t before = rid_;
    const bool overtook = what.rid == before + 2;
    open(one, what);
    // The end of the body: what was deferred follows what it waited for.
    if (!overtook && deferred_) {
        const late next = std::move(*deferred_);
        deferred_.reset();
        rid_ = next.who->rid;
        requests_.push_back(next.who);
        for (const std::uint32_t stanza : next.payload) {
            with_.take(stanza);
        }
    }
    processing_ = false;
    if (!buffer_.empty()) {
        flush();
    }
    // Then the rules of holding.
    if (!requests_.empty()) {
        ++idle_turn_;
    }
    ++wait_turn_;
    if (requests_.size() > 1 || !buffer_.empty()) {
        flush();
    }
    if (!requests_.empty()) {
        restart_wait();
    }
}

void prosody_model::open(const std::shared_ptr<held>& one, const request& what) {
    if (what.rid == rid_ + 2) {
        deferred_ = late{one, what.payload};
        return;
    }
    if (what.rid != rid_ + 1) {
        if (const answer* old = stored(what.rid)) {
            one->to->reply(*old);
            destroy(one);
        } else if (what.rid == rid_) {
            requests_.push_back(one);
        } else {
            when_.say("node", "REFUSES", what.rid);
            one->to->reply({.is = kind::item_not_found});
            destroy(one);
        }
        return;
    }
    rid_ = what.rid;
    requests_.push_back(one);
    processing_ = true;
    for (const std::uint32_t stanza : what.payload) {
        with_.take(stanza);
    }
}

// Sends what is there, or nothing, to the oldest request.
void prosody_model::flush() {
    if (requests_.empty() || processing_) {
        return;
    }
    const std::shared_ptr<held> oldest = requests_.front();
    const answer body{.payload = std::exchange(buffer_, {})};
    store(oldest->rid, body);
    if (!oldest->finished) { // else it is swallowed, and stays the oldest
        oldest->to->reply(body);
        destroy(oldest);
    }
}

void prosody_model::destroy(const std::shared_ptr<held>& one) {
    one->finished = true;
    open_.erase(one->to.get());
    const auto found = std::find(requests_.begin(), requests_.end(), one);
    if (found != requests_.end()) {
        requests_.erase(found);
    }
    ++wait_turn_;
    if (requests_.empty()) {
        when_.after(with_.inactivity, [this, turn = ++idle_turn_] {
            if (turn == idle_turn_ && ended_ == nullptr) {
                ended_ = "inactivity";
            }
        });
    }
}

void prosody_model::closed(const std::shared_ptr<wire>& from) {
    const auto found = open_.find(from.get());
    if (found != open_.end() && ended_ == nullptr) {
        when_.say("node", "closed", found->second->rid);
        destroy(std::shared_ptr<held>(found->second));
    }
}

void prosody_model::push(std::uint32_t stanza) {
    buffer_.push_back(stanza);
    flush();
}

void prosody_model::restart_wait() {
    when_.after(with_.wait, [this, turn = ++wait_turn_] {
        if (turn == wait_turn_ && ended_ == nullptr) {
            flush();
        }
    });
}

void prosody_model::store(std::uint64_t rid, const answer& what) {
    std::erase_if(responses_, [rid](const auto& one) { return one.first == rid; });
    responses_.emplace_front(rid, what);
    if (responses_.size() > 2) {
        responses_.pop_back();
    }
}

const answer* prosody_model::stored(std::uint64_t rid) {
    const auto found = std::find_if(responses_.begin(), responses_.end(),
                                    [rid](const auto& one) { return one.first == rid; });
    // To be read does not keep it (util.cache): the oldest goes first.
    return found == responses_.end() ? nullptr : &found->second;
}

// ejabberd

ejabberd_model::ejabberd_model(schedule& when, settings with)
    : node_model(when, std::move(with)), previous_(with_.first) {}

void ejabberd_model::asked(const std::shared_ptr<wire>& from, const request& what) {
    if (ended_ != nullptr) {
        from->reply({.is = kind::item_not_found});
        return;
    }
    when_.say("node", "asked", what.rid);
    active(from, what);
}

void ejabberd_model::active(const std::shared_ptr<wire>& from, const request& what) {
    if (what.rid > previous_ + requests) {
        from->reply({.is = kind::item_not_found});
        stop("rid out of range");
        return;
    }
    if (what.rid > previous_ + 1) {
        restart_idle();
        if (receivers_.count(what.rid) != 0) {
            from->reply({.is = kind::internal_error});
            crash();
            return;
        }
        receivers_[what.rid] = {from, what.payload, false};
        return;
    }
    if (what.rid <= previous_) {
        const auto stored = responses_.find(what.rid);
        if (stored != responses_.end()) {
            reply(what.rid, from, answer(stored->second));
            return;
        }
        drop_holding();
        ++idle_turn_;
        restart_wait();
        if (receivers_.count(what.rid) != 0) {
            from->reply({.is = kind::internal_error});
            crash();
            return;
        }
        receivers_[what.rid] = {from, what.payload, true};
        return;
    }
    ++idle_turn_;
    ++wait_turn_;
    for (const std::uint32_t stanza : what.payload) {
        with_.take(stanza);
    }
    const answer body{.payload = std::exchange(buffer_, {})};
    drop_holding();
    previous_ = what.rid;
    if (body.payload.empty()) {
        ++idle_turn_;
        restart_wait();
        if (receivers_.count(what.rid) != 0) {
            from->reply({.is = kind::internal_error});
            crash();
            return;
        }
        receivers_[what.rid] = {from, {}, false};
        return;
    }
    reply(what.rid, from, body);
    receivers_.erase(what.rid);
    follow(what.rid);
}

// The request that is held is answered with what it was kept with: nothing, or itself.
void ejabberd_model::drop_holding() {
    const auto found = receivers_.find(previous_);
    if (found == receivers_.end()) {
        return;
    }
    const receiver one = std::move(found->second);
    receivers_.erase(found);
    restart_idle();
    answer body;
    if (one.echoes) {
        body.echoed = one.request;
    }
    reply(previous_, one.to, body);
}

void ejabberd_model::reply(std::uint64_t rid, const std::shared_ptr<wire>& to, const answer& what) {
    to->reply(what);
    responses_.erase(rid);
    if (responses_.size() >= requests) {
        responses_.erase(responses_.begin());
    }
    responses_[rid] = what;
}

// What overtook is taken up only behind an answer with data.
void ejabberd_model::follow(std::uint64_t rid) {
    restart_idle();
    const auto next = receivers_.begin();
    if (next == receivers_.end() || next->first != rid + 1) {
        return;
    }
    const receiver one = std::move(next->second);
    receivers_.erase(next);
    active(one.to, {.rid = rid + 1, .payload = one.request});
}

void ejabberd_model::push(std::uint32_t stanza) {
    buffer_.push_back(stanza);
    const auto found = receivers_.find(previous_);
    if (ended_ != nullptr || found == receivers_.end()) {
        return;
    }
    const receiver one = std::move(found->second);
    receivers_.erase(found);
    const std::uint64_t rid = previous_;
    reply(rid, one.to, {.payload = std::exchange(buffer_, {})});
    follow(rid);
}

void ejabberd_model::crash() {
    when_.say("node", "CRASH", previous_);
    for (auto& [rid, one] : receivers_) {
        one.to->reply({.is = kind::internal_error});
    }
    receivers_.clear();
    ended_ = "crash";
}

void ejabberd_model::stop(const char* why) {
    for (auto& [rid, one] : receivers_) {
        one.to->reply({.is = kind::other_request});
    }
    receivers_.clear();
    ended_ = why;
}

void ejabberd_model::restart_wait() {
    when_.after(with_.wait, [this, turn = ++wait_turn_] {
        if (turn == wait_turn_ && ended_ == nullptr) {
            drop_holding();
        }
    });
}

void ejabberd_model::restart_idle() {
    when_.after(with_.inactivity, [this, turn = ++idle_turn_] {
        if (turn == idle_turn_ && ended_ == nullptr) {
            stop("inactivity");
        }
    });
}

} // namespace boshgate::sim
