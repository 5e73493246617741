#include "proxy/session.hpp"

#include "conf/config.hpp"
#include "proxy/exchange.hpp"

#include <algorithm>
#include <utility>

namespace boshgate::proxy {

using routing::reason;

namespace {

// A session that was opened elsewhere, and what a node does not tell: the longest that servers in
// use grant (bosh.md 5), so that a session is not forgotten while it lives.
constexpr std::uint64_t inactivity_unknown_ms = 150'000;
// Beyond the node's own time: answers and clocks may be late.
constexpr std::uint64_t inactivity_margin_ms = 10'000;
// How long the last answers of a session that has ended are kept for copies of its last requests.
constexpr std::uint64_t ended_ms = 30'000;

std::uint64_t lifetime_of(const session& one) noexcept {
    if (one.ended) {
        return ended_ms;
    }
    return one.facts.inactivity == 0
               ? inactivity_unknown_ms
               : std::uint64_t{one.facts.inactivity} * 1000 + inactivity_margin_ms;
}

} // namespace

session_table::session_table(const conf::sessions_config& settings, std::size_t nodes)
    : broke_ms_(nodes), at_(nodes) {
    limit(settings);
}

void session_table::limit(const conf::sessions_config& settings) noexcept {
    const auto set = [](auto& bound, auto value) {
        bound.store(static_cast<decltype(bound.load())>(value), std::memory_order_relaxed);
    };
    set(bounds_.max, settings.max);
    set(bounds_.per_address, settings.per_address);
    set(bounds_.unauthenticated_per_address, settings.unauthenticated_per_address);
    set(bounds_.requests_per_second, settings.requests_per_second);
    set(bounds_.replay_answers, settings.replay_answers);
    set(bounds_.replay_bytes, settings.replay_bytes);
    set(bounds_.replay_total, settings.replay_total);
    set(bounds_.reorder_ms, settings.reorder.count());
    set(bounds_.elsewhere_ms, settings.elsewhere.count());
    set(bounds_.authentication_ms, settings.authentication_timeout.count());
}

session_table::~session_table() {
    for (shard& one : shards_) {
        for (session* head : one.buckets) {
            while (head != nullptr) {
                delete std::exchange(head, head->next);
            }
        }
    }
}

// place_of returns where the pointer to the session stands, or would stand.
session** session_table::place_of(shard& in, std::uint64_t hash, std::string_view sid,
                                  routing::node_index node) noexcept {
    // The low bits chose the shard.
    session** place = &in.buckets[(hash / shard_count) & (in.buckets.size() - 1)];
    while (*place != nullptr &&
           ((*place)->hash != hash || (*place)->node != node || (*place)->sid != sid)) {
        place = &(*place)->next;
    }
    return place;
}

void session_table::insert(shard& in, std::unique_ptr<session> made) {
    if (in.size >= in.buckets.size()) {
        std::vector<session*> larger(std::max<std::size_t>(16, in.buckets.size() * 2), nullptr);
        for (session* head : in.buckets) {
            while (head != nullptr) {
                session* one = std::exchange(head, head->next);
                session*& bucket = larger[(one->hash / shard_count) & (larger.size() - 1)];
                one->next = std::exchange(bucket, one);
            }
        }
        in.buckets = std::move(larger);
    }
    session*& bucket = in.buckets[(made->hash / shard_count) & (in.buckets.size() - 1)];
    made->next = bucket;
    bucket = made.release();
    ++in.size;
    size_.fetch_add(1, std::memory_order_relaxed);
    at_[bucket->node].fetch_add(1, std::memory_order_relaxed);
}

void session_table::drop(shard& in, session** place) {
    const std::unique_ptr<session> gone(*place);
    *place = gone->next;
    --in.size;
    size_.fetch_sub(1, std::memory_order_relaxed);
    at_[gone->place ? gone->place->node : gone->node].fetch_sub(1, std::memory_order_relaxed);
    for (kept_answer& one : gone->kept) {
        forget_kept(*gone, one);
    }
    proven(*gone);
    if (gone->place) {
        moved_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (gone->counted) {
        by_address_.leave(gone->client);
    }
}

reason session_table::enter_request(const routing::ip_address& client) {
    if (size_.load(std::memory_order_relaxed) >= read(bounds_.max)) {
        return reason::sessions;
    }
    if (!by_address_.enter(client, read(bounds_.per_address))) {
        return reason::address_sessions;
    }
    if (!unproven_.enter(client, read(bounds_.unauthenticated_per_address))) {
        by_address_.leave(client);
        return reason::address_unauthenticated;
    }
    return reason::none;
}

void session_table::leave_request(const routing::ip_address& client) {
    by_address_.leave(client);
    unproven_.leave(client);
}

void session_table::open(routing::node_index node, std::string_view sid, std::uint64_t hash,
                         std::uint64_t first_rid, const session_facts& facts,
                         const routing::ip_address& client, std::uint64_t now_ms,
                         std::string_view next, std::unique_ptr<session_origin> origin) {
    auto made = std::make_unique<session>(sid, hash, node,
                                          routing::rid_window::opened(first_rid, facts.requests));
    made->facts = facts;
    made->client = client;
    made->begun_ms = made->used_ms = made->allowance_at_ms = now_ms;
    made->allowance = read(bounds_.requests_per_second) * 1000;
    made->alive = made->counted = made->counted_unproven = true;
    made->origin = std::move(origin);
    if (!next.empty()) {
        // As if the client had asked: an empty request, whose answer is there.
        const std::uint64_t rid = first_rid + 1;
        [[maybe_unused]] const auto decision = made->window.on_request(rid, {}, {}, now_ms);
        made->window.on_written(rid, now_ms);
        [[maybe_unused]] const bool down = made->window.on_answered(rid, keep(*made, rid, next));
        made->window.made_here(rid);
    }
    shard& in = shard_of(hash);
    const std::lock_guard lock(in.mutex);
    if (!in.buckets.empty()) {
        session** place = place_of(in, hash, sid, node);
        if (*place != nullptr) {
            if ((*place)->members != nullptr) {
                // Requests under the same sid are at the node already: it is the one they know.
                by_address_.leave(client);
                unproven_.leave(client);
                for (kept_answer& one : made->kept) {
                    forget_kept(*made, one);
                }
                return;
            }
            drop(in, place);
        }
    }
    insert(in, std::move(made));
}

session* session_table::adopt(shard& in, exchange& x, const session_key& key,
                              std::uint64_t now_ms) {
    if (size_.load(std::memory_order_relaxed) >= read(bounds_.max) ||
        !by_address_.enter(x.client, read(bounds_.per_address))) {
        return nullptr;
    }
    auto made =
        std::make_unique<session>(key.sid, key.hash, key.node, routing::rid_window::adopted(x.rid));
    made->facts.authenticated = true; // not known: nobody is sent away for that
    made->facts.secure = x.secure;
    made->client = x.client;
    made->begun_ms = made->used_ms = made->allowance_at_ms = now_ms;
    made->allowance = read(bounds_.requests_per_second) * 1000;
    made->counted = true;
    session* one = made.get();
    insert(in, std::move(made));
    return one;
}

std::shared_ptr<const session_origin> session_table::origin_of(const session_key& key,
                                                               std::uint64_t rid) {
    shard& in = shard_of(key.hash);
    const std::lock_guard lock(in.mutex);
    session* of = in.buckets.empty() ? nullptr : *place_of(in, key.hash, key.sid, key.node);
    if (of == nullptr || of->members != nullptr || of->window.newest() + 1 != rid) {
        return nullptr;
    }
    return of->origin;
}

void session_table::moved(const exchange& x, session_place place, const session_facts& granted) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    // The node holds its requests, and forgets it, by its own times. Requests stay as many as the
    // client was told: this one takes no fewer.
    of.facts.wait = granted.wait;
    of.facts.inactivity = granted.inactivity;
    of.place = std::make_unique<session_place>(std::move(place));
    moved_.fetch_add(1, std::memory_order_relaxed); // it moves once
    at_[of.node].fetch_sub(1, std::memory_order_relaxed);
    at_[of.place->node].fetch_add(1, std::memory_order_relaxed);
}

std::optional<session_place> session_table::place_now(const session_key& key) {
    if (moved_.load(std::memory_order_relaxed) == 0) {
        return std::nullopt;
    }
    shard& in = shard_of(key.hash);
    const std::lock_guard lock(in.mutex);
    const session* of = in.buckets.empty() ? nullptr : *place_of(in, key.hash, key.sid, key.node);
    return of == nullptr || !of->place ? std::nullopt : std::optional(*of->place);
}

std::optional<session_place> session_table::place_now(const exchange& x) {
    if (moved_.load(std::memory_order_relaxed) == 0) {
        return std::nullopt;
    }
    const session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    return of.place ? std::optional(*of.place) : std::nullopt;
}

void session_table::proven(session& of) {
    of.facts.authenticated = true;
    of.origin.reset();
    if (std::exchange(of.counted_unproven, false)) {
        unproven_.leave(of.client);
    }
}

void session_table::sweep(std::uint64_t round, std::uint64_t now_ms) {
    for (std::size_t which = round % sweep_parts; which < shard_count; which += sweep_parts) {
        shard& in = shards_[which];
        const std::lock_guard lock(in.mutex);
        for (session*& bucket : in.buckets) {
            for (session** place = &bucket; *place != nullptr;) {
                session& one = **place;
                if (one.members == nullptr && elapsed_ms(now_ms, one.used_ms) > lifetime_of(one)) {
                    drop(in, place);
                } else {
                    place = &one.next;
                }
            }
        }
    }
}

void session_table::forget_node(routing::node_index node) {
    for (shard& in : shards_) {
        const std::lock_guard lock(in.mutex);
        for (session*& bucket : in.buckets) {
            for (session** place = &bucket; *place != nullptr;) {
                const session& one = **place;
                const bool there = one.node == node || (one.place && one.place->node == node);
                if (there && one.members == nullptr) {
                    drop(in, place);
                } else {
                    place = &(*place)->next;
                }
            }
        }
    }
}

} // namespace boshgate::proxy
