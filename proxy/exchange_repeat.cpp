// What becomes of an exchange whose link broke: it is sent again where routing/repeat_rules allows,
// or its client gets the failure.

#include "proxy/exchange.hpp"

#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace boshgate::proxy {

using routing::node_failure;
using routing::reason;
using routing::repeat_action;
using routing::request_class;
using std::chrono::milliseconds;

namespace {

// Other addresses of the node that one exchange tries at once.
constexpr unsigned other_addresses_max = 3;
// How often a request is sent again that may have reached the node.
constexpr unsigned sends_max = 3;
// A node that takes no connections may be starting anew, or be behind a network that comes back: it
// is tried again after first_pause, twice that and so on up to longest_pause. A session's request
// is worth sessions.repeat_budget; a request for a session, which loses nothing, 1.5 s. Then the
// node is taken for dead.
constexpr unsigned later_connects_of_session = 100; // the budget ends it
constexpr unsigned later_connects = 4;
constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{800};

// The moment of the failure, as the table of repeats knows it; nullopt: nothing to repeat, whatever
// the request was.
std::optional<node_failure> failure_of(const exchange& x, reason why, bool sent,
                                       bool reused) noexcept {
    if (x.streaming) {
        return node_failure::broke_off_late;
    }
    switch (why) {
    case reason::node_refused:
    case reason::node_unreachable:
    case reason::node_connect_timeout:
    case reason::node_tls_failed:
        return node_failure::not_sent;
    case reason::node_closed:
    case reason::node_reset:
        return !sent    ? node_failure::not_sent
               : reused ? node_failure::idle_closed
                        : node_failure::fresh_closed;
    case reason::node_truncated:
        return node_failure::broke_off;
    default:
        // No address, limits, a certificate, nonsense: the same again would fail the same way. And
        // an answer that is overdue has used up the client's time; a node that still thinks about
        // it may take the repeat amiss (bosh.md 2.3).
        return std::nullopt;
    }
}

// The pause before the next connect, when the addresses have all been tried; 0: there is another.
milliseconds pause_before(const exchange& x, unsigned others) noexcept {
    return x.connects_repeated < others
               ? milliseconds{0}
               : std::min(longest_pause,
                          first_pause * (1 << std::min(x.connects_repeated - others, 8U)));
}

// Whether the node has answered anybody, over another link, since the exchange failed first.
bool spoke_meanwhile(const exchange& x) noexcept {
    const core& home = *x.home;
    const std::uint64_t word = home.shared.nodes.last_word_ms(x.node);
    const std::int64_t tried_ms = (home.loop.now_us() - x.first_failure_us) / 1000;
    return word != 0 && elapsed_ms(home.loop.steady_ms(), word) <
                            static_cast<std::uint64_t>(std::max<std::int64_t>(0, tried_ms));
}

// How long a request is worth repeating. Longer at a node that is there for others: what stands in
// the way goes by.
milliseconds budget_of(const exchange& x) noexcept {
    const milliseconds budget{x.settings->config.sessions.repeat_budget};
    return x.of != nullptr && spoke_meanwhile(x) ? 2 * budget : budget;
}

// Sends it again, now, after a pause, or in its turn.
void send_again(exchange& x, milliseconds pause) {
    core& home = *x.home;
    if (x.of != nullptr) {
        const routing::rid_decision decision =
            home.shared.sessions.broken(x, home.loop.steady_ms());
        if (decision.verdict == routing::rid_verdict::hold_back) {
            exchange_hold_back(x, milliseconds{decision.wait_ms});
            return;
        }
    }
    if (pause.count() != 0) {
        exchange_pause(x, pause);
    } else {
        exchange_open_link(x);
    }
}

} // namespace

bool exchange_repeat(exchange& x, node_failure failure) {
    core& home = *x.home;
    // A client that left repeats for itself; but a session's next requests wait for this one.
    if (x.sink == nullptr && x.of == nullptr) {
        return false;
    }
    const std::int64_t now = home.loop.now_us();
    const milliseconds first_budget{x.settings->config.sessions.repeat_budget};
    if (x.first_failure_us == 0 || x.sent_us > x.first_failure_us + first_budget.count() * 1000) {
        x.first_failure_us = now; // a poll that was held since the last one starts afresh
        x.repeats = 0;
        x.connects_repeated = 0;
    }
    const milliseconds budget = budget_of(x);
    const auto addresses = static_cast<unsigned>(home.nodes[x.node].addresses.size());
    const unsigned others = addresses > 0 ? std::min(addresses - 1, other_addresses_max) : 0;
    const bool patient = !is_own(x) && x.request_class != request_class::page && !x.tries_node &&
                         home.shared.nodes.death_of(x.node) == node_death::none;
    const unsigned later = !patient          ? 0
                           : x.opens_session ? later_connects
                                             : later_connects_of_session;
    const milliseconds pause =
        failure == node_failure::not_sent ? pause_before(x, others) : milliseconds{0};
    const routing::repeat_limits limits{.repeats = sends_max, .connects = others + later};
    const routing::repeat_decision decision = routing::decide_repeat(
        {.failure = failure,
         .request = x.request_class,
         .connects_repeated = x.connects_repeated,
         .sends_repeated = x.repeats,
         .budget_left = budget - milliseconds{(now - x.first_failure_us) / 1000} - pause,
         .rid_in_window = x.of == nullptr || home.shared.sessions.known_to_node(x)},
        limits);
    if (decision.action != repeat_action::repeat_same_node &&
        decision.action != repeat_action::repeat_any_node) {
        return false;
    }
    if (failure == node_failure::not_sent) {
        ++x.connects_repeated;
    } else {
        ++x.repeats;
        x.connects_repeated = 0;
        home.counters.repeats.add();
    }
    send_again(x, std::max(pause, decision.pause));
    return true;
}

namespace {

// No link to the node could be opened for as long as we tried: what is held there on links that
// still seem to stand will not be answered either.
void note_death(exchange& x, reason why) {
    core& home = *x.home;
    if (why != reason::node_refused && why != reason::node_unreachable &&
        why != reason::node_connect_timeout) {
        return;
    }
    if (x.request_class == request_class::page) {
        return; // it was not tried for long
    }
    if (spoke_meanwhile(x)) {
        return; // it lives, and only takes nobody new
    }
    home.shared.nodes.no_link(home, x.node, why);
}

// What the failure says about the node. A client may bring about that a node breaks its link off or
// answers late, so that only makes us ask.
void note_sign(exchange& x, reason why, bool idle_closed) {
    core& home = *x.home;
    switch (why) {
    case reason::node_unresolved:
    case reason::node_refused:
    case reason::node_unreachable:
    case reason::node_connect_timeout:
    case reason::node_tls_failed:
    case reason::node_certificate:
        home.shared.nodes.link_failed(home, x.node, why);
        return;
    case reason::node_reset:
    case reason::node_closed:
    case reason::node_truncated:
    case reason::node_answer_timeout:
    case reason::node_write_timeout:
        if (!idle_closed) {
            home.shared.nodes.hint(home, x.node);
        }
        return;
    default:
        return;
    }
}

} // namespace

void exchange_link_failed(exchange& x, reason why, bool sent, bool reused) {
    core& home = *x.home;
    if (why == reason::client_closed) {
        // The answer came, too large to be kept, and its client was gone: a copy asks the node.
        if (x.of != nullptr) {
            exchange_answered_unkept(x);
        }
        home.counters.held.subtract();
        x.answered_us = home.loop.now_us();
        exchange_finish(x, 0, why);
        return;
    }
    if (sent) {
        home.shared.sessions.node_broke(x.node, home.loop.steady_ms());
    }
    const std::optional<node_failure> failure = failure_of(x, why, sent, reused);
    if (!is_own(x)) {
        note_sign(x, why, failure == node_failure::idle_closed);
    }
    if (failure && exchange_repeat(x, *failure)) {
        return;
    }
    if (is_own(x)) { // whoever asked draws the conclusion
        home.counters.held.subtract();
        exchange_failed(x, why);
        return;
    }
    note_death(x, why);
    const std::string& name = x.settings->nodes[x.node].name;
    const std::string& because = home.nodes[x.node].unresolved_because;
    log_limited(log_topic::node_answer, name,
                "node " + name + ": " + std::string(routing::name_of(why)) + " (" +
                    std::string(routing::words_of(why)) +
                    (why == reason::node_unresolved && !because.empty() ? ": " + because : "") +
                    "), " + (sent ? "request sent" : "nothing sent") + ", repeated " +
                    std::to_string(x.connects_repeated + x.repeats) + " times");
    home.counters.held.subtract();
    exchange_failed(x, why);
}

void exchange_failed(exchange& x, reason why) {
    core& home = *x.home;
    x.answered_us = home.loop.now_us();
    if (x.of != nullptr && x.streaming) {
        exchange_answered_unkept(x);
    } else if (x.of != nullptr) {
        home.shared.sessions.failed(x, why, home.loop.steady_ms());
    }
    exchange_stop_waiting(x);
    if (x.sink == nullptr) {
        exchange_finish(x, 0, why);
    } else if (x.streaming) {
        x.sink->on_answer_cut(x, why);
    } else {
        x.sink->on_failure(x, why);
    }
}

} // namespace boshgate::proxy
