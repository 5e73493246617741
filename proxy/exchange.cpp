#include "proxy/exchange.hpp"

#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace boshgate::proxy {

using routing::reason;

namespace {

constexpr unsigned connects_repeated_max = 3; // other addresses of the node that one exchange tries

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

void open_link(exchange& x) {
    const reason why = link::open(*x.home, x);
    if (why != reason::none) {
        exchange_link_failed(x, why, false, false);
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
    std::unique_ptr<exchange> owned(&done);
    std::string path = std::move(done.path);
    path.clear(); // keeps its memory
    done = exchange{};
    done.path = std::move(path);
    if (free_.size() < kept_max) {
        free_.push_back(std::move(owned));
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

void exchange_finish(exchange& x, int status, reason why) {
    core& home = *x.home;
    home.counters.ended[static_cast<std::size_t>(why)].add();
    home.counters.request_bytes.add(x.request_bytes);
    home.counters.answer_bytes.add(x.answer_bytes);
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
            .session = x.session,
            .rid = x.rid,
            .repeats = x.repeats,
            .core = home.index,
        });
    }
    home.exchanges.give_back(x);
}

void exchange_start(exchange& x) {
    core& home = *x.home;
    home.counters.held.add();
    x.for_node = true;
    if (link* idle = link::take_idle(home, x.node); idle != nullptr) {
        idle->serve(x);
        return;
    }
    open_link(x);
}

void exchange_abandon(exchange& x, int status, reason why) {
    x.sink = nullptr;
    const bool no_use =
        x.streaming ||
        routing::decide_repeat(
            {.failure = routing::node_failure::client_left, .request = x.request_class}, {})
                .action == routing::repeat_action::abandon;
    if (no_use && x.via != nullptr) {
        x.via->abandon();
        x.via = nullptr;
        x.home->counters.held.subtract();
        exchange_finish(x, status, why);
    }
}

void exchange_resume(exchange& x) {
    if (x.via != nullptr) {
        x.via->resume();
    }
}

namespace {

// How long after its first broken link an exchange may still be repeated. The client's own timer is
// not known here; every client waits at least five seconds longer than the node may hold its
// request (CAXL, the strictest).
constexpr std::chrono::milliseconds repeat_budget{4000};

// The moment of the failure, as the table of repeats knows it; nullopt: nothing to repeat, whatever
// the request was.
std::optional<routing::node_failure> failure_of(const exchange& x, reason why, bool sent,
                                                bool reused) noexcept {
    if (x.streaming) {
        return routing::node_failure::broke_off_late;
    }
    switch (why) {
    case reason::node_refused:
    case reason::node_unreachable:
    case reason::node_connect_timeout:
    case reason::node_tls_failed:
        return routing::node_failure::not_sent;
    case reason::node_closed:
    case reason::node_reset:
        return !sent    ? routing::node_failure::not_sent
               : reused ? routing::node_failure::idle_closed
                        : routing::node_failure::fresh_closed;
    case reason::node_truncated:
        return routing::node_failure::broke_off;
    default:
        // No address, limits, a certificate, nonsense: the same again would fail the same way. And
        // an answer that is overdue has used up the client's time; a node that still thinks about
        // it may take the repeat amiss (bosh.md 2.3).
        return std::nullopt;
    }
}

bool repeat(exchange& x, reason why, bool sent, bool reused) {
    core& home = *x.home;
    const std::optional<routing::node_failure> failure = failure_of(x, why, sent, reused);
    if (!failure || x.sink == nullptr) { // a client that left repeats for itself
        return false;
    }
    const std::int64_t now = home.loop.now_us();
    if (x.first_failure_us == 0) {
        x.first_failure_us = now;
    }
    // Each address of the node is worth one connect; a single address that refused will refuse
    // again.
    const auto addresses = static_cast<unsigned>(home.nodes[x.node].addresses.size());
    const routing::repeat_limits limits{
        .connects = addresses > 0 ? std::min(addresses - 1, connects_repeated_max) : 0};
    const routing::repeat_decision decision = routing::decide_repeat(
        {.failure = *failure,
         .request = x.request_class,
         .connects_repeated = x.connects_repeated,
         .sends_repeated = x.repeats,
         .budget_left =
             repeat_budget - std::chrono::milliseconds{(now - x.first_failure_us) / 1000}},
        limits);
    if (decision.action != routing::repeat_action::repeat_same_node &&
        decision.action != routing::repeat_action::repeat_any_node) {
        return false;
    }
    if (*failure == routing::node_failure::not_sent) {
        ++x.connects_repeated;
    } else {
        ++x.repeats;
        home.counters.repeats.add();
    }
    open_link(x); // never an idle link: what broke one may have broken all
    return true;
}

} // namespace

void exchange_link_failed(exchange& x, reason why, bool sent, bool reused) {
    core& home = *x.home;
    if (repeat(x, why, sent, reused)) {
        return;
    }
    home.counters.held.subtract();
    x.answered_us = home.loop.now_us();
    const std::string& name = x.settings->nodes[x.node].name;
    const std::string& because = home.nodes[x.node].unresolved_because;
    log_limited(log_topic::node_answer, name,
                "node " + name + ": " + std::string(routing::name_of(why)) + " (" +
                    std::string(routing::words_of(why)) +
                    (why == reason::node_unresolved && !because.empty() ? ": " + because : "") +
                    "), " + (sent ? "request sent" : "nothing sent") + ", repeated " +
                    std::to_string(x.connects_repeated + x.repeats) + " times");
    if (x.sink == nullptr) {
        exchange_finish(x, 0, why);
    } else if (x.streaming) {
        x.sink->on_answer_cut(x, why);
    } else {
        x.sink->on_failure(x, why);
    }
}

void exchange_stream_ended(exchange& x) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    x.sink->on_answer_end(x);
}

void exchange_answered(exchange& x, const routing::answer_head& head, std::string_view body) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    if (x.sink == nullptr) {
        exchange_finish(x, 0, reason::client_closed);
    } else {
        x.sink->on_answer(x, head, body);
    }
}

} // namespace boshgate::proxy
