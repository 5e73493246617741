#include "proxy/node_states.hpp"

#include "proxy/core.hpp"
#include "proxy/log.hpp"
#include "proxy/prober.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace boshgate::proxy {

using discovery::health_reason;
using discovery::health_rules;
using discovery::health_state;
using discovery::node_wish;
using discovery::probe_kind;
using routing::node_index;
using routing::reason;

namespace {

// Longer than a prober takes to ask anew: a node that stays silent is doubted all the time.
constexpr std::uint64_t doubt_lasts_ms = 10'000;

constexpr std::int64_t day_s = 86'400;

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

probe_kind usual_probe(conf::health_probe probe) noexcept {
    switch (probe) {
    case conf::health_probe::tcp:
        return probe_kind::tcp;
    case conf::health_probe::tls:
        return probe_kind::tls;
    case conf::health_probe::bosh:
        break;
    }
    return probe_kind::bosh;
}

health_rules rules_of(const conf::config& config) {
    const conf::health_config& health = config.health;
    health_rules rules{.interval = health.interval,
                       .timeout = health.timeout,
                       .give_up = health.give_up,
                       .session_interval = health.session_interval,
                       .rise = health.rise,
                       .fall = health.fall,
                       .jitter = health.jitter,
                       .usual = usual_probe(health.probe),
                       .asks_sessions = !health.domain.empty() || !health.user.empty()};
    if (!config.sessions.enabled) {
        rules.interval = std::chrono::milliseconds{0}; // what is forwarded need not be BOSH
    }
    return rules;
}

health_rules rules_of(const core& by) {
    return rules_of(by.settings->config);
}

} // namespace

health_reason health_reason_of(reason why) noexcept {
    switch (why) {
    case reason::node_unresolved:
        return health_reason::unresolved;
    case reason::node_refused:
        return health_reason::refused;
    case reason::node_unreachable:
        return health_reason::unreachable;
    case reason::node_connect_timeout:
        return health_reason::connect_timeout;
    case reason::node_tls_failed:
        return health_reason::tls;
    case reason::node_certificate:
        return health_reason::certificate;
    case reason::node_write_timeout:
    case reason::node_answer_timeout:
    case reason::node_dead:
        return health_reason::silent;
    case reason::node_reset:
    case reason::node_closed:
    case reason::node_truncated:
        return health_reason::broken_link;
    case reason::node_gateway:
        return health_reason::gateway;
    case reason::node_not_bosh:
        return health_reason::no_bosh;
    case reason::node_bad_answer:
    case reason::node_head_limit:
    case reason::node_redirect:
        return health_reason::bad_answer;
    default:
        return health_reason::none; // ours, not the node's
    }
}

// What an event has changed.
struct health_turn {
    health_state from = health_state::up;
    health_state to = health_state::up;
    bool given_up = false;
    health_reason why = health_reason::none;
    std::string evidence;
    std::int64_t lasted_ms = 0;
};

node_states::node_states(const snapshot& settings, const std::vector<core*>& cores)
    : settings_(&settings),
      cores_(cores),
      interval_ms_(rules_of(settings.config).interval.count()) {
    const std::int64_t now = unix_ms();
    for (std::size_t i = 0; i < settings.slots.most; ++i) {
        nodes_.push_back(std::make_unique<shared>(static_cast<std::uint32_t>(i)));
        nodes_.back()->since_unix_ms = now;
        nodes_.back()->there = settings.in_use(static_cast<node_index>(i));
    }
}

void node_states::adopt(const snapshot& now) {
    settings_ = &now;
    interval_ms_ = rules_of(now.config).interval.count();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        nodes_[i]->there = now.in_use(static_cast<node_index>(i));
    }
}

void node_states::forget(node_index node, bool same) {
    shared& of = *nodes_[node];
    const std::lock_guard guard(of.mutex);
    of.health = discovery::node_health(node);
    of.evidence.clear();
    of.since_unix_ms = of.measured_unix_ms = unix_ms();
    of.last_word_ms = of.doubted_ms = of.tried_ms = 0;
    of.certificate_expires = 0;
    of.certificate_warned = 0;
    of.looked = false;
    if (!same) {
        of.wish = node_wish::none;
    }
    publish(of);
}

node_states::~node_states() = default;

void node_states::publish(shared& of) const noexcept {
    const discovery::node_health& health = of.health;
    of.state.store(health.state(), std::memory_order_relaxed);
    of.death.store(health.death(), std::memory_order_relaxed);
    of.coming_back.store(health.coming_back(), std::memory_order_relaxed);
    of.not_up.store(health.state() != health_state::up || health.death() != node_death::none,
                    std::memory_order_relaxed);
}

template <typename Event>
void node_states::change(core& by, node_index node, const Event& event) {
    shared& of = *nodes_[node];
    health_turn turn;
    {
        const std::lock_guard guard(of.mutex);
        const node_wish wish = of.wish.load(std::memory_order_relaxed);
        const node_death death = of.health.death();
        turn.from = of.health.state();
        event(of);
        turn.to = of.health.state();
        turn.given_up = death == node_death::none && of.health.death() != node_death::none;
        if (turn.from != turn.to || turn.given_up) {
            turn.why = of.health.why();
            turn.evidence = of.evidence;
        }
        if (turn.from != turn.to) {
            const std::int64_t now = unix_ms();
            turn.lasted_ms = now - of.measured_unix_ms;
            if (turn.from == health_state::down || turn.to == health_state::down) {
                of.measured_unix_ms = now;
            }
            if (wish == node_wish::none) {
                of.since_unix_ms = now;
            }
        }
        publish(of);
    }
    if (turn.from != turn.to || turn.given_up) {
        tell(by, node, turn);
    }
}

// A node that comes or goes is told once; doubts that clear up are nobody's business.
void node_states::tell(core& by, node_index node, const health_turn& turn) const {
    const std::string start = "node " + by.settings->nodes[node].name + ": ";
    const std::string why = std::string(discovery::words_of(turn.why)) +
                            (turn.evidence.empty() ? "" : " (" + turn.evidence + ")");
    if (turn.from != turn.to && turn.to == health_state::down) {
        by.counters.nodes_down.add();
        log_warning(start + why + "; it is down, and gets no new sessions");
    } else if (turn.from == health_state::down && turn.to == health_state::up) {
        log_info(start + "answers again; it was down for " + std::to_string(turn.lasted_ms) +
                 " ms");
    }
    if (turn.given_up) {
        by.counters.nodes_dead.add();
        log_warning(start + why + "; what is held there is given up");
        free_polls(node, reason::node_dead);
    }
}

void node_states::free_polls(node_index node, reason why) const {
    for (core* one : cores_) {
        one->loop.post([one, node, why] { one->free_polls(node, why); });
    }
}

void node_states::look_now(node_index node) const {
    if (!nodes_[node]->looked.exchange(true, std::memory_order_relaxed)) {
        core& first = *cores_.front();
        first.loop.post([&first, node] { first.look_at(node); });
    }
}

node_report node_states::report(node_index node) const {
    const shared& of = *nodes_[node];
    node_report out;
    const std::lock_guard guard(of.mutex);
    out.measured = of.health.state();
    out.wish = of.wish.load(std::memory_order_relaxed);
    out.state = discovery::health_shown(out.measured, out.wish);
    if (out.measured != health_state::up) {
        out.reason = discovery::name_of(of.health.why());
        out.words = discovery::words_of(of.health.why());
        out.evidence = of.evidence;
    }
    out.since_unix_ms = of.since_unix_ms;
    out.held = held_at(node);
    out.certificate_expires = of.certificate_expires.load(std::memory_order_relaxed);
    return out;
}

void node_states::wish(node_index node, node_wish wanted) {
    shared& of = *nodes_[node];
    {
        const std::lock_guard guard(of.mutex);
        if (of.wish.exchange(wanted, std::memory_order_relaxed) == wanted) {
            return;
        }
        of.since_unix_ms = unix_ms();
    }
    const std::string start = "node " + settings_->nodes[node].name + ": ";
    switch (wanted) {
    case node_wish::none:
        log_info(start + "is served again, as the operator wishes");
        return;
    case node_wish::drain:
        log_info(start + "gets no new sessions, as the operator wishes; " +
                 std::to_string(held_at(node)) + " requests are held there");
        return;
    case node_wish::disable:
        log_info(start + "is disabled, as the operator wishes; " + std::to_string(held_at(node)) +
                 " requests held there are ended");
        free_polls(node, reason::node_disabled);
        return;
    }
}

std::uint64_t node_states::held_at(node_index node) const noexcept {
    std::uint64_t sum = 0;
    for (const core* one : cores_) {
        sum += one->nodes[node].busy.get();
    }
    return sum;
}

bool node_states::looks_bad(const shared& of, std::uint64_t now_ms) const noexcept {
    if (of.wish.load(std::memory_order_relaxed) != node_wish::none ||
        of.state.load(std::memory_order_relaxed) == health_state::down) {
        return true;
    }
    const std::uint64_t doubted = of.doubted_ms.load(std::memory_order_relaxed);
    return doubted > of.last_word_ms.load(std::memory_order_relaxed) &&
           elapsed_ms(now_ms, doubted) < doubt_lasts_ms;
}

bool node_states::all_look_bad(std::uint64_t now_ms) const noexcept {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [&](const auto& one) { return !one->there || looks_bad(*one, now_ms); });
}

bool node_states::avoided(node_index node, std::uint64_t now_ms) const noexcept {
    const shared& of = *nodes_[node];
    if (!of.there || of.wish.load(std::memory_order_relaxed) != node_wish::none) {
        return true;
    }
    return looks_bad(of, now_ms) && !all_look_bad(now_ms);
}

admittance node_states::admit(node_index node, bool opens_session, std::uint64_t now_ms) noexcept {
    shared& of = *nodes_[node];
    const node_wish wish = of.wish.load(std::memory_order_relaxed);
    if (wish == node_wish::disable) {
        return admittance::disabled;
    }
    if (wish == node_wish::drain && opens_session) {
        return admittance::drained;
    }
    // A silent node would let whoever tries it wait for nothing; the questions try it.
    if (of.death.load(std::memory_order_relaxed) == node_death::silent) {
        return admittance::dead;
    }
    if (!opens_session || of.state.load(std::memory_order_relaxed) != health_state::down ||
        of.coming_back.load(std::memory_order_relaxed) || interval_ms_ == 0) {
        return admittance::goes;
    }
    std::uint64_t tried = of.tried_ms.load(std::memory_order_relaxed);
    const auto interval = static_cast<std::uint64_t>(interval_ms_);
    if (elapsed_ms(now_ms, tried) >= interval &&
        of.tried_ms.compare_exchange_strong(tried, now_ms, std::memory_order_relaxed)) {
        return admittance::tries;
    }
    return all_look_bad(now_ms) ? admittance::goes : admittance::dead;
}

void node_states::link_failed(core& by, node_index node, reason why) {
    const health_reason known = health_reason_of(why);
    if (known == health_reason::none) {
        return;
    }
    shared& of = *nodes_[node];
    of.doubted_ms.store(by.loop.steady_ms(), std::memory_order_relaxed);
    if (of.state.load(std::memory_order_relaxed) == health_state::down) {
        return;
    }
    change(by, node, [&](shared& changed) {
        changed.health.on_sign(known, static_cast<std::int64_t>(by.loop.steady_ms()), rules_of(by));
        changed.evidence = "for a client: " + std::string(routing::words_of(why));
    });
    look_now(node);
}

void node_states::no_link(core& by, node_index node, reason why) {
    nodes_[node]->doubted_ms.store(by.loop.steady_ms(), std::memory_order_relaxed);
    change(by, node, [&](shared& changed) {
        changed.health.on_no_link(health_reason_of(why),
                                  static_cast<std::int64_t>(by.loop.steady_ms()), rules_of(by));
        changed.evidence = std::string(routing::words_of(why)) + ", for as long as was tried";
    });
}

void node_states::hint(core& by, node_index node) {
    if (interval_ms_ == 0) {
        return;
    }
    change(by, node, [](shared& changed) { changed.health.on_hint(); });
    look_now(node);
}

void node_states::life(core& by, node_index node) {
    change(by, node, [](shared& changed) { changed.health.on_life(); });
}

void node_states::good_word(core& by, node_index node) {
    change(by, node, [&](shared& changed) {
        changed.health.on_word(static_cast<std::int64_t>(by.loop.steady_ms()), rules_of(by));
    });
}

void node_states::link_word(core& by, node_index node) {
    change(by, node, [&](shared& changed) {
        changed.health.on_link(static_cast<std::int64_t>(by.loop.steady_ms()), rules_of(by));
    });
}

void node_states::certificate_seen(core& by, node_index node, std::int64_t expires) {
    shared& of = *nodes_[node];
    of.certificate_expires.store(expires, std::memory_order_relaxed);
    const std::int64_t warn_days = by.settings->config.health.certificate_days;
    const std::int64_t now = unix_ms() / 1000;
    if (expires == 0 || warn_days == 0 || expires - now >= warn_days * day_s) {
        return;
    }
    std::int64_t warned = of.certificate_warned.load(std::memory_order_relaxed);
    if (now - warned < day_s ||
        !of.certificate_warned.compare_exchange_strong(warned, now, std::memory_order_relaxed)) {
        return;
    }
    const std::int64_t left = (expires - now) / day_s;
    log_warning("node " + by.settings->nodes[node].name + ": its certificate " +
                (expires <= now
                     ? "has expired"
                     : "expires in " + std::to_string(left) + (left == 1 ? " day" : " days")));
}

discovery::probe_plan node_states::next_probe(core& by, node_index node) {
    shared& of = *nodes_[node];
    of.looked.store(false, std::memory_order_relaxed);
    discovery::probe_plan plan;
    change(by, node, [&](shared& changed) {
        plan = changed.health.next(
            static_cast<std::int64_t>(by.loop.steady_ms()),
            static_cast<std::int64_t>(changed.last_word_ms.load(std::memory_order_relaxed)),
            rules_of(by));
    });
    return plan;
}

void node_states::probe_answered(core& by, node_index node, probe_kind kind,
                                 std::uint64_t sent_ms) {
    const std::uint64_t now = by.loop.steady_ms();
    change(by, node, [&](shared& changed) {
        changed.health.on_answer(kind, static_cast<std::int64_t>(now),
                                 static_cast<std::int64_t>(elapsed_ms(now, sent_ms)), rules_of(by));
    });
}

void node_states::probe_answered_late(core& by, node_index node, std::uint64_t sent_ms) {
    const std::uint64_t now = by.loop.steady_ms();
    change(by, node, [&](shared& changed) {
        changed.health.on_late_answer(static_cast<std::int64_t>(now),
                                      static_cast<std::int64_t>(elapsed_ms(now, sent_ms)),
                                      rules_of(by));
    });
}

void node_states::probe_failed(core& by, node_index node, probe_kind kind, health_reason why,
                               const std::string& evidence, std::uint64_t sent_ms) {
    const std::uint64_t now = by.loop.steady_ms();
    nodes_[node]->doubted_ms.store(now, std::memory_order_relaxed);
    change(by, node, [&](shared& changed) {
        changed.health.on_failure(kind, why, static_cast<std::int64_t>(sent_ms),
                                  static_cast<std::int64_t>(now), rules_of(by));
        changed.evidence = "asked by " + std::string(discovery::name_of(kind)) + ": " + evidence;
    });
}

void node_states::probe_dropped(core& by, node_index node) {
    change(by, node, [](shared& changed) { changed.health.on_dropped(); });
}

} // namespace boshgate::proxy
