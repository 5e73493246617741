#include "proxy/exchange.hpp"

#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/log.hpp"
#include "proxy/login_driver.hpp"
#include "proxy/node_request.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

namespace boshgate::proxy {

using routing::reason;

namespace {

std::string_view text_of(routing::method verb) noexcept {
    switch (verb) {
    case routing::method::get:
        return "GET";
    case routing::method::head:
        return "HEAD";
    case routing::method::post:
        return "POST";
    case routing::method::options:
        return "OPTIONS";
    case routing::method::other:
        break;
    }
    return "-";
}

// What is shown of one node, and how long it took. The time that a node holds a poll is nobody's
// fault and nobody's merit: it is counted apart.
void count_at_node(core& home, const exchange& x, reason why) {
    const request_way way = x.tagged                          ? request_way::discovery
                            : x.verb == routing::method::post ? request_way::node
                                                              : request_way::page;
    node_counters& counts = home.node_counts[x.node];
    counts.ended[static_cast<std::size_t>(way)][static_cast<std::size_t>(why)].add();
    if (x.sent_us == 0 || x.answered_us == 0) {
        return;
    }
    const std::int64_t node_us = x.answered_us - x.sent_us;
    home.counters.own.add(home.loop.now_us() - x.begun_us - node_us);
    if (why == reason::answered) {
        (x.bosh && !x.opens_session ? home.counters.polls : counts.answers).add(node_us);
    }
}

} // namespace

exchange& exchange_pool::take() {
    if (free_.empty()) {
        return *std::make_unique<exchange>().release();
    }
    exchange& x = *free_.back().release();
    free_.pop_back();
    return x;
}

void exchange_pool::give_back(exchange& done) noexcept {
    if (std::atomic_ref(done.wakes).load(std::memory_order_acquire) != 0) {
        done.finished = true; // the last wake brings it here again
        zombies_.push_back(&done);
        return;
    }
    if (done.finished) {
        std::erase(zombies_, &done);
    }
    std::unique_ptr<exchange> owned(&done);
    std::string path = std::move(done.path);
    path.clear(); // keeps its memory
    done = exchange{};
    done.path = std::move(path);
    if (free_.size() < kept_max) {
        free_.push_back(std::move(owned));
    }
}

exchange_pool::~exchange_pool() {
    for (exchange* one : zombies_) { // their wakes went down with the loop
        delete one;
    }
}

exchange& exchange_begin(core& home) {
    exchange& x = home.exchanges.take();
    x.home = &home;
    x.settings = home.settings;
    x.begun_us = home.loop.now_us();
    home.counters.exchanges.add();
    return x;
}

void exchange_stop_waiting(exchange& x) {
    if (x.wait) {
        x.home->waits.remove(*x.wait);
        x.wait.reset();
    }
}

void exchange_finish(exchange& x, int status, reason why) {
    core& home = *x.home;
    exchange_stop_waiting(x);
    if (std::exchange(x.entered, false)) {
        home.shared.sessions.leave_request(x.client);
    }
    if (is_own(x)) {
        home.exchanges.give_back(x);
        return;
    }
    home.counters.ended[static_cast<std::size_t>(why)].add();
    home.counters.request_bytes.add(x.request_bytes);
    home.counters.answer_bytes.add(x.answer_bytes);
    if (x.for_node) {
        count_at_node(home, x, why);
    }
    if (home.log.enabled()) {
        using std::chrono::microseconds;
        const microseconds total{home.loop.now_us() - x.begun_us};
        home.log.write({
            .time = std::chrono::system_clock::now() - total,
            .client = x.client,
            .client_port = x.client_port,
            .method = text_of(x.verb),
            .path = x.path,
            .node =
                x.for_node ? std::string_view(x.settings->nodes[x.node].name) : std::string_view(),
            .tls = x.tls,
            .status = status,
            .why = why,
            .request_bytes = x.request_bytes,
            .answer_bytes = x.answer_bytes,
            .total = total,
            .node_time = microseconds{x.sent_us == 0 ? 0 : x.answered_us - x.sent_us},
            .session = x.session_hash,
            .rid = x.rid,
            .repeats = x.repeats,
            .core = home.index,
        });
    }
    home.exchanges.give_back(x);
}

namespace {

// Why a client's request does not go to its node at all; none: it does. What is the proxy's own was
// decided upon before.
reason refusal_of(exchange& x) noexcept {
    if (is_own(x)) {
        return reason::none;
    }
    core& home = *x.home;
    switch (home.shared.nodes.admit(x.node, x.opens_session, home.loop.steady_ms())) {
    case admittance::goes:
        break;
    case admittance::tries: // a node that is well answers a session request at once
        x.tries_node = true;
        x.give_up_us = home.loop.now_us() + settings_of(x).health.timeout.count() * 1000;
        break;
    case admittance::dead:
        return reason::node_dead;
    case admittance::drained:
        return reason::node_drained;
    case admittance::disabled:
        return reason::node_disabled;
    }
    return reason::none;
}

// follow_reload makes a request that was written before a reload one for where its node is now.
// False: the node is not there any more, and the exchange has ended.
bool follow_reload(exchange& x) {
    const snapshot& now = *x.home->settings;
    if (!now.in_use(x.node)) {
        exchange_link_failed(x, reason::node_removed, false, false);
        return false;
    }
    const std::string_view written = x.request.view();
    const std::string& start = // HEAD is asked as GET
        written.starts_with('P') ? now.nodes[x.node].post_start : now.nodes[x.node].get_start;
    if (!written.starts_with(start)) {
        const std::string_view rest = written.substr(start_of_node(written));
        block made = x.home->blocks.take(start.size() + rest.size());
        made.append(start);
        made.append(rest);
        x.request = std::move(made);
    }
    return true;
}

} // namespace

void exchange_start(exchange& x) {
    x.home->counters.held.add();
    x.for_node = true;
    exchange_send(x);
}

void exchange_send(exchange& x) {
    core& home = *x.home;
    if (x.move) {
        start_move(x);
        return;
    }
    if (x.tagged && x.of != nullptr && !x.shown_sid && !follow_move(x)) {
        home.counters.held.subtract();
        exchange_failed(x, reason::node_unreachable);
        return;
    }
    if (const reason why = refusal_of(x); why != reason::none) {
        exchange_link_failed(x, why, false, false);
        return;
    }
    if (x.settings != home.settings && !follow_reload(x)) {
        return;
    }
    if (link* idle = x.fresh_link ? nullptr : link::take_idle(home, x.node); idle != nullptr) {
        idle->serve(x);
        return;
    }
    exchange_open_link(x);
}

void exchange_open_link(exchange& x) {
    if (x.settings != x.home->settings && !follow_reload(x)) {
        return;
    }
    const reason why = link::open(*x.home, x);
    if (why != reason::none) {
        exchange_link_failed(x, why, false, false);
    }
}

void exchange_abandon(exchange& x, int status, reason why) {
    if (x.login != nullptr) {
        std::exchange(x.login, nullptr)->leave();
        x.sink = nullptr;
        if (x.of == nullptr) {
            exchange_finish(x, status, why);
        } else { // it stays where it is, and goes on for the client's next copy
            x.move.reset();
            exchange_send(x);
        }
        return;
    }
    x.sink = nullptr;
    if (x.of != nullptr && exchange_leave_session(x)) {
        x.home->counters.held.subtract();
        exchange_finish(x, status, why);
        return;
    }
    const bool no_use =
        x.streaming ||
        routing::decide_repeat(
            {.failure = routing::node_failure::client_left, .request = x.request_class}, {})
                .action == routing::repeat_action::abandon;
    if (no_use && x.via != nullptr) {
        x.via->abandon();
        x.via = nullptr;
        if (x.of != nullptr && x.streaming) {
            exchange_answered_unkept(x);
        } else if (x.of != nullptr) {
            x.home->shared.sessions.failed(x, why, x.home->loop.steady_ms());
        }
        x.home->counters.held.subtract();
        exchange_finish(x, status, why);
    }
}

void exchange_resume(exchange& x) {
    if (x.via != nullptr) {
        x.via->resume();
    }
}

void exchange_answered_unkept(exchange& x) {
    [[maybe_unused]] const bool down =
        x.home->shared.sessions.answered(x, std::nullopt, false, false, x.home->loop.steady_ms());
}

void exchange_stream_ended(exchange& x) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    exchange_stop_waiting(x);
    if (x.of != nullptr) {
        exchange_answered_unkept(x);
    }
    x.sink->on_answer_end(x);
}

// `head` is core::answer, always: what a client must not see is changed there.
void exchange_answered(exchange& x, const routing::answer_head& head, std::string_view body) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    if (x.bosh && !exchange_take_bosh_answer(x, body)) {
        return;
    }
    exchange_stop_waiting(x);
    if (x.sink == nullptr) {
        exchange_finish(x, 0, reason::client_closed);
    } else {
        x.sink->on_answer(x, head, body);
    }
}

} // namespace boshgate::proxy
