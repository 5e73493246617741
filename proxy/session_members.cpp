// What happens between the members of a session: who goes to the node, who waits, who gets which
// answer. session.cpp has the table.

#include "proxy/session.hpp"

#include "conf/config.hpp"
#include "proxy/exchange.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace boshgate::proxy {

using routing::reason;
using routing::rid_decision;
using routing::rid_verdict;

namespace {

// After a link to a node has broken, for this long...
constexpr std::uint64_t careful_ms = 10'000;
// ...a request waits this long for its predecessor to be surely in the node (rid_window.hpp).
constexpr std::uint32_t settle_ms = 20;
// A session of which nothing was under way here for so long may have been used by way of another
// instance. Longer than what clients in use pause between two requests (polling 5 s, Strophe after
// its first failure 8 s): while a client keeps to this instance, a rid that is too far ahead is no
// client's of ours. A node still judges the rid for itself.
constexpr std::uint64_t stale_ms = 10'000;

void set_role(session& of, exchange& x, session_role role) noexcept {
    of.held_back = static_cast<std::uint8_t>(of.held_back - (x.role == session_role::held_back) +
                                             (role == session_role::held_back));
    std::atomic_ref(x.role).store(role, std::memory_order_relaxed);
}

void join(session& of, exchange& x, session_role role) noexcept {
    x.of = &of;
    x.previous_member = nullptr;
    x.next_member = of.members;
    if (of.members != nullptr) {
        of.members->previous_member = &x;
    }
    of.members = &x;
    set_role(of, x, role);
}

void part(exchange& x) noexcept {
    session& of = *x.of;
    set_role(of, x, session_role::none);
    (x.previous_member != nullptr ? x.previous_member->next_member : of.members) = x.next_member;
    if (x.next_member != nullptr) {
        x.next_member->previous_member = x.previous_member;
    }
    x.of = nullptr;
    x.next_member = x.previous_member = nullptr;
}

template <typename Call>
void for_members(session& of, std::uint64_t rid, Call call) {
    for (exchange *one = of.members, *next = nullptr; one != nullptr; one = next) {
        next = one->next_member;
        if (one->rid == rid) {
            call(*one);
        }
    }
}

} // namespace

wake_list::~wake_list() {
    for (const wake& one : owed_) {
        exchange_send_wake(*one.who, one.kind, one.argument);
    }
}

void wake_list::add(exchange& x, wake_kind kind, std::uint32_t argument) {
    std::atomic_ref(x.wakes).fetch_add(1, std::memory_order_relaxed);
    owed_.push_back({&x, kind, argument});
}

routing::rid_rules session_table::rules_for(const session& of,
                                            std::uint64_t now_ms) const noexcept {
    const std::uint64_t broke =
        broke_ms_[of.place ? of.place->node : of.node].load(std::memory_order_relaxed);
    return {.reorder_ms = read(bounds_.reorder_ms),
            .settle_ms = broke != 0 && elapsed_ms(now_ms, broke) < careful_ms ? settle_ms : 0,
            .elsewhere_ms = read(bounds_.elsewhere_ms)};
}

bool session_table::within_rate(session& of, std::uint64_t now_ms) const {
    const std::uint64_t rate = read(bounds_.requests_per_second);
    if (rate == 0) {
        return true;
    }
    const std::uint64_t most = rate * 1000;
    const std::uint64_t passed = elapsed_ms(now_ms, of.allowance_at_ms);
    const std::uint64_t grown = of.allowance + std::min(passed, std::uint64_t{1000}) * rate;
    of.allowance_at_ms = now_ms;
    of.allowance = static_cast<std::uint32_t>(std::min(most, grown));
    if (of.allowance < 1000) {
        return false;
    }
    of.allowance -= 1000;
    return true;
}

// refusal_of says why a session gets no further, whatever the rid.
reason session_table::refusal_of(session& of, std::uint64_t now_ms) {
    const std::uint64_t patience = read(bounds_.authentication_ms);
    if (!of.facts.authenticated && patience != 0 && elapsed_ms(now_ms, of.begun_ms) > patience) {
        return reason::unauthenticated;
    }
    return within_rate(of, now_ms) ? reason::none : reason::request_rate;
}

admission session_table::admit(exchange& x, const session_key& key, std::uint64_t now_ms) {
    wake_list woken;
    shard& in = shard_of(key.hash);
    const std::lock_guard lock(in.mutex);
    session* of = in.buckets.empty() ? nullptr : *place_of(in, key.hash, key.sid, key.node);
    if (of == nullptr) {
        of = adopt(in, x, key, now_ms);
        if (of == nullptr) {
            return {};
        }
    }
    admission result{.tracked = true, .facts = of->facts};
    if (of->facts.secure && !x.secure) { // XEP-0124 19.1: as if nobody had asked
        result.refused = reason::not_secure;
        return result;
    }
    const std::uint64_t unused_ms = elapsed_ms(now_ms, std::exchange(of->used_ms, now_ms));
    result.refused = refusal_of(*of, now_ms);
    if (result.refused != reason::none) {
        return result;
    }
    const bool elsewhere = read(bounds_.elsewhere_ms) != 0 && !of->window.fits(x.rid);
    if (x.rid > of->window.newest() + 1 && of->members == nullptr &&
        (elsewhere || unused_ms > stale_ms)) {
        // False: it is in use after all, and the window refuses what does not fit.
        [[maybe_unused]] const bool anew = of->window.readopt(x.rid);
    }
    result.decision = of->window.on_request(x.rid, x.print, rules_for(*of, now_ms), now_ms);
    const rid_verdict verdict = result.decision.verdict;
    if (x.move && (verdict == rid_verdict::forward || verdict == rid_verdict::hold_back)) {
        if (!std::exchange(of->origin, nullptr) || verdict != rid_verdict::forward) {
            x.move.reset();
        }
    }
    follow(*of, x, result.decision, woken);
    give_turns(*of, now_ms, woken, &x);
    return result;
}

// follow makes x what the window has decided.
void session_table::follow(session& of, exchange& x, const rid_decision& decision,
                           wake_list& woken) {
    const auto become = [&](session_role role) {
        if (x.of == nullptr) {
            join(of, x, role);
        } else {
            set_role(of, x, role);
        }
    };
    switch (decision.verdict) {
    case rid_verdict::forward:
        become(session_role::leader);
        break;
    case rid_verdict::hold_back:
        become(session_role::held_back);
        break;
    case rid_verdict::join:
        for_members(of, x.rid, [&](exchange& older) {
            if (&older != &x) {
                woken.add(older, wake_kind::superseded);
            }
        });
        // An answer that is here waits for an older one no longer for a copy than for the first.
        become(of.window.parked(x.rid) ? session_role::parked : session_role::joined);
        break;
    case rid_verdict::replay:
        become(session_role::joined);
        break;
    case rid_verdict::too_old:
    case rid_verdict::above_window:
    case rid_verdict::too_many:
    case rid_verdict::too_many_copies:
    case rid_verdict::other_key:
    case rid_verdict::out_of_order:
        if (x.of != nullptr) {
            part(x);
        }
        break;
    }
}

rid_decision session_table::retry(exchange& x, std::uint64_t now_ms) {
    wake_list woken;
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    const rid_decision decision =
        of.window.on_request(x.rid, x.print, rules_for(of, now_ms), now_ms);
    follow(of, x, decision, woken);
    return decision;
}

rid_decision session_table::wait_over(exchange& x, bool reorder_over, std::uint64_t now_ms) {
    wake_list woken;
    session& of = *x.of;
    shard& in = shard_of(of.hash);
    const std::lock_guard lock(in.mutex);
    const rid_decision decision =
        of.window.on_wait_over(x.rid, reorder_over, rules_for(of, now_ms), now_ms);
    if (decision.verdict == rid_verdict::forward) {
        set_role(of, x, session_role::leader);
    } else if (decision.verdict == rid_verdict::out_of_order) {
        // Under the same lock: the next copy, on any core, is a request of its own.
        fail_members(in, x, reason::rid_gap, now_ms, woken);
    }
    return decision;
}

// give_turns wakes those whose predecessor has gone out. `told` knows already how long it waits.
void session_table::give_turns(session& of, std::uint64_t now_ms, wake_list& woken,
                               const exchange* told) {
    while (of.held_back > 0) {
        // They wait already: a little longer costs nothing, and two links may deliver in another
        // order than that in which they were written to.
        routing::rid_rules rules = rules_for(of, now_ms);
        rules.settle_ms = std::max(rules.settle_ms, settle_ms);
        const auto turn = of.window.take_turn(rules, now_ms);
        if (!turn) {
            return;
        }
        for_members(of, turn->rid, [&](exchange& one) {
            if (one.role != session_role::held_back) {
                return;
            }
            if (turn->wait_ms == 0) {
                set_role(of, one, session_role::leader);
                woken.add(one, wake_kind::turn);
            } else if (&one != told) {
                woken.add(one, wake_kind::rearm, turn->wait_ms);
            }
        });
        if (turn->wait_ms != 0) {
            return;
        }
    }
}

// give_parked wakes those whose answer may go down now.
void session_table::give_parked(session& of, wake_list& woken) {
    while (of.parked > 0) {
        const auto rid = of.window.take_parked();
        if (!rid) {
            return;
        }
        --of.parked;
        for_members(of, *rid, [&](exchange& one) {
            if (one.role == session_role::parked || one.role == session_role::joined) {
                woken.add(one, wake_kind::replay);
            }
        });
    }
}

void session_table::recognised(const exchange& x) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    of.facts.client = x.facts.client;
}

void session_table::written(exchange& x, std::uint64_t now_ms) {
    wake_list woken;
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    of.window.on_written(x.rid, now_ms);
    give_turns(of, now_ms, woken);
}

rid_decision session_table::ready(exchange& x, std::uint64_t now_ms) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    const rid_decision decision = of.window.on_link(x.rid, rules_for(of, now_ms), now_ms);
    if (decision.verdict == rid_verdict::hold_back) {
        set_role(of, x, session_role::held_back);
    }
    return decision;
}

rid_decision session_table::broken(exchange& x, std::uint64_t now_ms) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    const rid_decision decision = of.window.on_broken(x.rid, rules_for(of, now_ms), now_ms);
    set_role(of, x,
             decision.verdict == rid_verdict::hold_back ? session_role::held_back
                                                        : session_role::leader);
    return decision;
}

bool session_table::known_to_node(const exchange& x) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    return of.window.known_to_node(x.rid);
}

bool session_table::answered(exchange& x, std::optional<std::string_view> body, bool ends,
                             bool wanted, std::uint64_t now_ms) {
    wake_list woken;
    session& of = *x.of;
    shard& in = shard_of(of.hash);
    const std::lock_guard lock(in.mutex);
    of.used_ms = now_ms;
    of.ended = of.ended || ends;
    of.alive = of.alive || (body && !ends);
    const bool kept = body && keep(of, x.rid, *body);
    const bool down = of.window.on_answered(x.rid, kept);
    if (down) {
        for_members(of, x.rid, [&](exchange& one) {
            if (&one != &x) {
                woken.add(one, wake_kind::replay);
            }
        });
        give_parked(of, woken);
    } else {
        ++of.parked;
    }
    if (down || !wanted) {
        part(x);
    } else {
        set_role(of, x, session_role::parked);
    }
    give_turns(of, now_ms, woken);
    if (const auto late = of.window.overtaken()) {
        for_members(of, *late, [&](exchange& one) {
            if (one.role == session_role::leader) {
                woken.add(one, wake_kind::overtaken);
            }
        });
    }
    drop_unproven(in, of);
    return down;
}

void session_table::logged_in(const exchange& x) {
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    proven(of);
}

void session_table::unpark(exchange& x) {
    wake_list woken;
    session& of = *x.of;
    const std::lock_guard lock(shard_of(of.hash).mutex);
    if (of.window.on_unparked(x.rid)) {
        --of.parked;
        for_members(of, x.rid, [&](exchange& one) { woken.add(one, wake_kind::replay); });
    }
}

bool session_table::take_kept(exchange& x, std::string& body) {
    session& of = *x.of;
    shard& in = shard_of(of.hash);
    const std::lock_guard lock(in.mutex);
    for (const kept_answer& one : of.kept) {
        if (one.rid == x.rid) {
            body = one.body;
            part(x);
            drop_unproven(in, of);
            return true;
        }
    }
    of.window.on_dropped(x.rid);
    return false;
}

void session_table::failed(exchange& x, reason why, std::uint64_t now_ms) {
    wake_list woken;
    shard& in = shard_of(x.of->hash);
    const std::lock_guard lock(in.mutex);
    fail_members(in, x, why, now_ms, woken);
}

void session_table::fail_members(shard& in, exchange& x, reason why, std::uint64_t now_ms,
                                 wake_list& woken) {
    session& of = *x.of;
    of.used_ms = now_ms;
    of.window.on_failed(x.rid);
    for_members(of, x.rid, [&](exchange& one) {
        if (&one != &x) {
            woken.add(one, wake_kind::failed, static_cast<std::uint32_t>(why));
        }
    });
    give_parked(of, woken);
    part(x);
    give_turns(of, now_ms, woken);
    drop_unproven(in, of);
}

void session_table::leave(exchange& x) {
    wake_list woken;
    session& of = *x.of;
    shard& in = shard_of(of.hash);
    const std::lock_guard lock(in.mutex);
    const bool owed = x.role == session_role::leader || x.role == session_role::held_back;
    part(x);
    if (owed) {
        of.window.on_failed(x.rid);
        give_parked(of, woken);
    }
    drop_unproven(in, of);
}

// drop_unproven drops a session that nobody has seen alive once its last request is over: its sid
// may be invented. A true one is taken up again with its next request.
void session_table::drop_unproven(shard& in, session& of) {
    if (!of.alive && of.members == nullptr) {
        drop(in, place_of(in, of.hash, of.sid, of.node));
    }
}

} // namespace boshgate::proxy
