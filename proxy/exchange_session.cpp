// An exchange as a member of its session: it waits for its turn, joins a copy that is under way,
// gets a kept answer; and what its answer says about the session is learnt here.

#include "proxy/exchange.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/caxl_evidence.hpp"
#include "proxy/core.hpp"
#include "proxy/link.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace boshgate::proxy {

using routing::reason;
using routing::rid_decision;
using routing::rid_verdict;
using std::chrono::milliseconds;

namespace {

reason reason_of(rid_verdict verdict) noexcept {
    switch (verdict) {
    case rid_verdict::too_old:
        return reason::rid_old;
    case rid_verdict::above_window:
        return reason::rid_window;
    case rid_verdict::too_many:
        return reason::too_many_requests;
    case rid_verdict::too_many_copies:
        return reason::too_many_copies;
    case rid_verdict::other_key:
        return reason::rid_key;
    case rid_verdict::out_of_order:
        return reason::rid_gap;
    case rid_verdict::forward:
    case rid_verdict::hold_back:
    case rid_verdict::join:
    case rid_verdict::replay:
        break;
    }
    return reason::none;
}

// The exchange ends without an answer of the node.
void fail(exchange& x, reason why) {
    x.home->counters.held.subtract();
    exchange_failed(x, why);
}

void follow(exchange& x, const rid_decision& decision);

// A kept answer goes down. It is a BOSH body, so its type is known (XEP-0124 7.1).
void replay(exchange& x) {
    core& home = *x.home;
    // Else it is its own answer, that was parked.
    x.replayed = role_of(x) == session_role::joined || x.sent_us == 0;
    if (!home.shared.sessions.take_kept(x, home.kept)) {
        // It was dropped meanwhile, or was never kept: the node may have it still.
        x.replayed = false;
        follow(x, home.shared.sessions.retry(x, home.loop.steady_ms()));
        return;
    }
    home.counters.held.subtract();
    x.answered_us = home.loop.now_us();
    exchange_stop_waiting(x);
    if (x.sink == nullptr) {
        exchange_finish(x, 0, reason::client_closed);
        return;
    }
    make_bosh_answer(home.answer);
    x.sink->on_answer(x, home.answer, home.kept);
}

// How long a copy waits for the leader's answer: as long as its client does.
milliseconds patience_of(const exchange& x) noexcept {
    const std::int64_t until = x.give_up_us != 0
                                   ? x.give_up_us
                                   : x.begun_us + settings_of(x).timeouts.answer.count() * 1000;
    return milliseconds{std::max<std::int64_t>(0, (until - x.home->loop.now_us()) / 1000)};
}

void follow(exchange& x, const rid_decision& decision) {
    core& home = *x.home;
    if (decision.differs) {
        home.counters.copies_differing.add();
    }
    switch (decision.verdict) {
    case rid_verdict::forward:
        exchange_send(x);
        return;
    case rid_verdict::hold_back:
        exchange_hold_back(x, milliseconds{decision.wait_ms});
        return;
    case rid_verdict::join:
        home.counters.requests_joined.add();
        exchange_pause(
            x, role_of(x) == session_role::parked
                   ? std::min(patience_of(x), milliseconds{x.settings->config.sessions.reorder})
                   : patience_of(x));
        return;
    case rid_verdict::replay:
        home.counters.requests_replayed.add();
        replay(x);
        return;
    case rid_verdict::too_old:
    case rid_verdict::above_window:
    case rid_verdict::too_many:
    case rid_verdict::too_many_copies:
    case rid_verdict::other_key:
    case rid_verdict::out_of_order:
        fail(x, reason_of(decision.verdict));
        return;
    }
}

} // namespace

void exchange_start_in_session(exchange& x, const session_key& of) {
    core& home = *x.home;
    home.counters.held.add();
    x.for_node = true;
    const admission verdict = home.shared.sessions.admit(x, of, home.loop.steady_ms());
    x.facts = verdict.facts;
    if (!verdict.tracked || verdict.decision.verdict != rid_verdict::forward) {
        x.move.reset(); // something else of the session is under way after all
    }
    exchange_set_wait(x, std::chrono::seconds{verdict.facts.wait});
    if (verdict.tracked && !verdict.facts.authenticated) {
        exchange_expect_names(x); // features may come later than with the first answer
    }
    if (!verdict.tracked) {
        home.counters.sessions_untracked.add();
        exchange_send(x);
    } else if (verdict.refused != reason::none) {
        fail(x, verdict.refused);
    } else {
        note_step(x);
        follow(x, verdict.decision);
    }
}

void exchange_pause(exchange& x, milliseconds time) {
    core& home = *x.home;
    if (!x.wait) {
        x.wait = std::make_unique<exchange_wait>(x);
        home.waits.add(*x.wait);
    }
    home.loop.set(*x.wait, time);
}

void exchange_hold_back(exchange& x, milliseconds time) {
    x.home->counters.requests_held_back.add();
    x.hold_until_us = x.home->loop.now_us() + x.settings->config.sessions.reorder.count() * 1000;
    exchange_pause(x, time);
}

void exchange_set_wait(exchange& x, std::chrono::seconds wait) {
    if (wait.count() != 0) { // else it is not known
        const milliseconds most =
            std::min(settings_of(x).timeouts.answer,
                     milliseconds{wait} + x.settings->config.sessions.answer_margin);
        x.give_up_us = x.begun_us + most.count() * 1000;
    }
}

void exchange_wait::on_deadline() {
    exchange_wait_over(of);
}

void exchange_wait_over(exchange& x) {
    core& home = *x.home;
    switch (role_of(x)) {
    case session_role::none:
    case session_role::leader:
        if (x.via == nullptr) {
            exchange_open_link(x); // a pause before a repeat
        }
        return;
    case session_role::held_back: {
        const bool reorder_over = home.loop.now_us() >= x.hold_until_us;
        const rid_decision decision =
            home.shared.sessions.wait_over(x, reorder_over, home.loop.steady_ms());
        if (decision.verdict == rid_verdict::forward) {
            exchange_send(x);
        } else if (decision.verdict == rid_verdict::hold_back) {
            exchange_pause(x, milliseconds{decision.wait_ms});
        } else if (decision.verdict == rid_verdict::out_of_order) {
            fail(x, reason::rid_gap);
        }
        return;
    }
    case session_role::parked:
        home.shared.sessions.unpark(x);
        return;
    case session_role::joined:
        home.shared.sessions.leave(x);
        fail(x, reason::node_answer_timeout);
        return;
    }
}

void exchange_send_wake(exchange& x, wake_kind kind, std::uint32_t argument) {
    x.home->loop.post([&x, kind, argument] {
        std::atomic_ref(x.wakes).fetch_sub(1, std::memory_order_acq_rel);
        if (x.finished) {
            x.home->exchanges.give_back(x);
        } else {
            exchange_wake(x, kind, argument);
        }
    });
}

// exchange_wake: what it was woken for may have passed meanwhile.
void exchange_wake(exchange& x, wake_kind kind, std::uint32_t argument) {
    core& home = *x.home;
    if (x.of == nullptr) {
        return;
    }
    switch (kind) {
    case wake_kind::turn:
        if (role_of(x) == session_role::leader && x.via == nullptr) {
            home.loop.unset(*x.wait);
            exchange_send(x);
        }
        return;
    case wake_kind::rearm:
        if (role_of(x) == session_role::held_back) {
            exchange_pause(x, milliseconds{argument});
        }
        return;
    case wake_kind::replay:
        if (role_of(x) == session_role::parked || role_of(x) == session_role::joined) {
            home.loop.unset(*x.wait);
            replay(x);
        }
        return;
    case wake_kind::failed:
        if (role_of(x) == session_role::parked || role_of(x) == session_role::joined) {
            home.shared.sessions.leave(x);
            fail(x, static_cast<reason>(argument));
        }
        return;
    case wake_kind::overtaken:
        if (role_of(x) == session_role::leader && x.via != nullptr) {
            x.via->hurry();
        }
        return;
    case wake_kind::superseded:
        if (x.streaming) {
            return; // it is on its way down; the copy asks the node when it has ended
        }
        if (answer_sink* sink = std::exchange(x.sink, nullptr); sink != nullptr) {
            sink->on_detached(x, reason::superseded);
        }
        if (exchange_leave_session(x)) {
            home.counters.held.subtract();
            exchange_finish(x, 0, reason::superseded);
        }
        return;
    }
}

bool exchange_leave_session(exchange& x) {
    if (role_of(x) == session_role::parked || role_of(x) == session_role::joined) {
        x.home->shared.sessions.leave(x);
        return true;
    }
    return false;
}

void exchange_end(exchange& x) {
    if (x.of != nullptr) {
        x.home->shared.sessions.leave(x);
    }
    x.home->counters.held.subtract();
    x.sink = nullptr;
    exchange_finish(x, 0, reason::draining);
}

bool exchange_may_write(exchange& x) {
    if (x.of == nullptr) {
        return true;
    }
    core& home = *x.home;
    const rid_decision decision = home.shared.sessions.ready(x, home.loop.steady_ms());
    if (decision.verdict != rid_verdict::hold_back) {
        return true;
    }
    x.via = nullptr;
    exchange_hold_back(x, milliseconds{decision.wait_ms});
    return false;
}

void exchange_written(exchange& x) {
    if (x.of != nullptr) {
        x.home->shared.sessions.written(x, x.home->loop.steady_ms());
    }
}

milliseconds exchange_patience(exchange& x) {
    const std::int64_t now = x.home->loop.now_us();
    const milliseconds longest = settings_of(x).timeouts.answer;
    if (x.streaming) {
        return longest; // for each piece
    }
    if (x.give_up_us == 0) {
        return now - x.sent_us >= longest.count() * 1000 ? milliseconds{0} : longest;
    }
    // The client counts from its request, the node from when it got it; they differ after a repeat.
    const std::int64_t allowed = x.give_up_us - x.begun_us;
    const std::int64_t node_left = x.sent_us + allowed - now;
    const std::int64_t client_left = x.give_up_us - now;
    if (node_left <= 0) {
        return milliseconds{0};
    }
    if (client_left <= 0 && x.sink != nullptr && x.of != nullptr) {
        std::exchange(x.sink, nullptr)->on_detached(x, reason::node_answer_timeout);
    }
    const std::int64_t left = client_left > 0 ? std::min(node_left, client_left) : node_left;
    return std::max(milliseconds{1}, milliseconds{left / 1000});
}

} // namespace boshgate::proxy
