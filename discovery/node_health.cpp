#include "discovery/node_health.hpp"

#include <algorithm>
#include <array>

namespace boshgate::discovery {
namespace {

// A node that falls again within this time has to answer more often before it is believed: eight
// times as often each time, up to good_answers_most. A network that loses half of everything lets
// two questions in a row through every few seconds, and 64 never.
constexpr std::int64_t relapse_ms = 600'000;
constexpr unsigned relapse_factor = 8;
constexpr unsigned good_answers_most = 64;

// The pause between questions that clear up a doubt: a part of the interval, but not long.
constexpr std::int64_t hurried_part = 4;
constexpr std::int64_t hurried_most_ms = 1'000;

std::int64_t hurried(const health_rules& rules) noexcept {
    return std::clamp<std::int64_t>(rules.interval.count() / hurried_part, 1, hurried_most_ms);
}

// A doubt that nothing clears up, because nobody asks.
constexpr std::int64_t doubt_lasts_ms = 10'000;

// How often a healthy node is asked over a new link: its certificate may have changed, or its
// listener gone, while the links that stand work on.
constexpr std::int64_t fresh_every_ms = 60'000;

// A session is asked for with a `wait` of a second, and may take two answers and the doing in the
// node that a session takes.
constexpr std::int64_t session_more_ms = 2'000;

// A node that answers late gets up to this many times the timeout from then on.
constexpr std::int64_t patience_most = 10;

// A link to it fails: it is no use to ask for more.
constexpr bool is_of_link(health_reason why) noexcept {
    return why == health_reason::unresolved || why == health_reason::refused ||
           why == health_reason::unreachable || why == health_reason::connect_timeout;
}

// It may be slow, or not be there any more: time will tell.
constexpr bool is_silence(health_reason why) noexcept {
    return why == health_reason::silent || why == health_reason::connect_timeout;
}

} // namespace

std::int64_t node_health::due(std::int64_t last_word_ms, const health_rules& rules) noexcept {
    const std::int64_t interval = rules.interval.count();
    if (pause_ms_ == 0) {
        random_ = random_ * 1664525U + 1013904223U;
        const std::int64_t spread = interval * std::min(rules.jitter, 50U) / 100;
        const std::int64_t part = static_cast<std::int64_t>(random_ >> 16); // 0 to 65535
        pause_ms_ = std::max<std::int64_t>(1, interval - spread * part / 65536);
    }
    if (state_ == health_state::suspect || goods_ != 0 || hinted_ || session_wanted_) {
        return asked_ms_ + hurried(rules);
    }
    return std::max(asked_ms_, state_ == health_state::up ? last_word_ms : 0) + pause_ms_;
}

probe_plan node_health::next(std::int64_t now_ms, std::int64_t last_word_ms,
                             const health_rules& rules) noexcept {
    const std::int64_t interval = rules.interval.count();
    probe_plan plan;
    if (interval == 0) {
        plan.pause = std::chrono::seconds{1};
        if (state_ == health_state::suspect &&
            (last_word_ms > doubt_ms_ || now_ms - doubt_ms_ >= doubt_lasts_ms)) {
            good(now_ms, rules);
        }
        return plan;
    }
    if (asking_) {
        plan.pause = rules.interval;
        return plan;
    }
    const std::int64_t at = due(last_word_ms, rules);
    const bool session_due = rules.asks_sessions && rules.session_interval.count() != 0 &&
                             now_ms - session_ms_ >= rules.session_interval.count();
    if (!urgent_ && now_ms < at) {
        plan.pause = std::chrono::milliseconds{at - now_ms};
        return plan;
    }
    asking_ = true;
    urgent_ = false;
    hinted_ = false;
    asked_ms_ = now_ms;
    pause_ms_ = 0;
    plan.ask = true;
    plan.kind = rules.usual;
    // After a failure the cheap question comes first.
    if (rules.asks_sessions && failures_ == 0 && (state_ != health_state::down || goods_ != 0) &&
        (session_wanted_ || session_due)) {
        plan.kind = probe_kind::session;
        session_ms_ = now_ms;
    }
    plan.fresh = state_ != health_state::up || now_ms - fresh_ms_ >= fresh_every_ms;
    if (plan.fresh) {
        fresh_ms_ = now_ms;
    }
    patience_ms_ = std::max(patience_ms_, rules.timeout.count());
    plan.pause = std::chrono::milliseconds{
        patience_ms_ + (plan.kind == probe_kind::session ? session_more_ms : 0)};
    return plan;
}

// What a question gets from now on: a slow node gets more, and less again as it gets quicker.
void node_health::learn(std::int64_t took_ms, const health_rules& rules) noexcept {
    const std::int64_t timeout = rules.timeout.count();
    patience_ms_ =
        std::clamp(std::max(2 * took_ms, patience_ms_ * 3 / 4), timeout, patience_most * timeout);
}

void node_health::on_answer(probe_kind kind, std::int64_t now_ms, std::int64_t took_ms,
                            const health_rules& rules) noexcept {
    asking_ = false;
    if (kind == probe_kind::session) {
        session_wanted_ = false;
        session_failures_ = 0;
    } else {
        learn(took_ms, rules); // a session takes several answers
    }
    good(now_ms, rules);
}

void node_health::on_late_answer(std::int64_t now_ms, std::int64_t took_ms,
                                 const health_rules& rules) noexcept {
    learn(took_ms, rules);
    good(now_ms, rules);
}

// Something good was seen. While a session is wanted the node has answered, but is not cleared.
void node_health::good(std::int64_t now_ms, const health_rules& rules) noexcept {
    death_ = node_death::none;
    unanswered_since_ = -1;
    failures_ = 0;
    good_ms_ = now_ms;
    if (state_ == health_state::up) {
        session_wanted_ = session_wanted_ && rules.asks_sessions;
        return;
    }
    ++goods_;
    const bool asked_enough =
        !rules.asks_sessions || !session_wanted_ || rules.interval.count() == 0;
    if (!asked_enough || (state_ == health_state::down && goods_ < needed_)) {
        return;
    }
    state_ = health_state::up;
    why_ = health_reason::none;
    goods_ = 0;
    pause_ms_ = 0;
}

void node_health::on_failure(probe_kind kind, health_reason why, std::int64_t sent_ms,
                             std::int64_t now_ms, const health_rules& rules) noexcept {
    asking_ = false;
    if (!is_silence(why)) {
        unanswered_since_ = -1;
    } else if (unanswered_since_ < 0) {
        unanswered_since_ = sent_ms;
    }
    // A node that opens no session may well answer the cheap question in between.
    unsigned& counted = kind == probe_kind::session ? session_failures_ : failures_;
    ++counted;
    doubt(why, now_ms, rules);
    session_wanted_ = session_wanted_ || kind == probe_kind::session;
    // The first time again at once: one lost packet is no reason to wait, nor to believe it.
    urgent_ = counted < rules.fall && (counted == 1 || is_silence(why));
    if (state_ == health_state::suspect && counted >= rules.fall) {
        fall(why, now_ms, rules);
    }
    if (state_ == health_state::down && unanswered_since_ >= 0 && death_ == node_death::none &&
        now_ms - unanswered_since_ >= rules.give_up.count()) {
        death_ = node_death::silent;
    }
    // Before it is given up it is asked without a pause: that is what the verdict rests on.
    urgent_ = urgent_ || (unanswered_since_ >= 0 && death_ == node_death::none);
}

void node_health::doubt(health_reason why, std::int64_t now_ms,
                        const health_rules& rules) noexcept {
    doubt_ms_ = now_ms;
    goods_ = 0;
    session_wanted_ = session_wanted_ || rules.asks_sessions;
    why_ = why;
    if (state_ == health_state::up) {
        state_ = health_state::suspect;
    }
}

void node_health::fall(health_reason why, std::int64_t now_ms, const health_rules& rules) noexcept {
    const bool relapse = fell_before_ && now_ms - fell_ms_ < relapse_ms;
    needed_ = std::max(1U, rules.rise);
    if (relapse) {
        needed_ = std::max(needed_, std::min(last_needed_ * relapse_factor, good_answers_most));
    }
    last_needed_ = needed_;
    fell_before_ = true;
    fell_ms_ = now_ms;
    state_ = health_state::down;
    why_ = why;
    goods_ = 0;
}

void node_health::on_sign(health_reason why, std::int64_t now_ms,
                          const health_rules& rules) noexcept {
    if (state_ == health_state::down) {
        return;
    }
    // One failure at most, however many clients see it: the last word has a question.
    if (state_ == health_state::up && rules.fall > 1) {
        failures_ = std::max(failures_, 1U);
    }
    // At once, unless it was asked a moment ago: signs come by the hundred.
    const bool asked_lately = now_ms - asked_ms_ < hurried(rules);
    urgent_ = urgent_ || (state_ == health_state::up && !asked_lately);
    doubt(why, now_ms, rules);
}

void node_health::on_no_link(health_reason why, std::int64_t now_ms,
                             const health_rules& rules) noexcept {
    if (death_ != node_death::none) {
        return;
    }
    if (state_ != health_state::down) {
        doubt(why, now_ms, rules);
        fall(why, now_ms, rules);
    }
    death_ = node_death::refused;
    urgent_ = true;
}

void node_health::on_life() noexcept {
    if (death_ == node_death::silent) {
        death_ = node_death::none;
    }
    unanswered_since_ = -1;
}

void node_health::on_link(std::int64_t now_ms, const health_rules& rules) noexcept {
    if (death_ == node_death::refused) {
        death_ = node_death::none;
    }
    if (rules.interval.count() == 0 && state_ == health_state::down && is_of_link(why_)) {
        goods_ = needed_; // nobody will ask
        good(now_ms, rules);
    }
}

void node_health::on_word(std::int64_t now_ms, const health_rules& rules) noexcept {
    if (rules.interval.count() == 0) {
        goods_ = needed_;
        good(now_ms, rules);
        return;
    }
    // What the node says to clients counts as what it says to us; not each word, a burst is one.
    death_ = node_death::none;
    unanswered_since_ = -1;
    if (now_ms - good_ms_ >= hurried(rules)) {
        good(now_ms, rules);
    }
}

health_state health_shown(health_state measured, node_wish wish) noexcept {
    switch (wish) {
    case node_wish::drain:
        return health_state::draining;
    case node_wish::disable:
        return health_state::disabled;
    case node_wish::none:
        break;
    }
    return measured;
}

namespace {

struct reason_row {
    std::string_view name;
    std::string_view words;
};

constexpr std::array reasons{
#define BOSHGATE_HEALTH_ROW(name, words) reason_row{#name, words},
    BOSHGATE_HEALTH_REASONS(BOSHGATE_HEALTH_ROW)
#undef BOSHGATE_HEALTH_ROW
};

} // namespace

std::string_view name_of(health_reason why) noexcept {
    return reasons[static_cast<std::size_t>(why)].name;
}
std::string_view words_of(health_reason why) noexcept {
    return reasons[static_cast<std::size_t>(why)].words;
}
std::string_view name_of(health_state state) noexcept {
    constexpr std::array<std::string_view, 5> names{"up", "suspect", "down", "draining",
                                                    "disabled"};
    return names[static_cast<std::size_t>(state)];
}
std::string_view name_of(node_wish wish) noexcept {
    constexpr std::array<std::string_view, 3> names{"none", "drain", "disable"};
    return names[static_cast<std::size_t>(wish)];
}
std::string_view name_of(probe_kind kind) noexcept {
    constexpr std::array<std::string_view, 4> names{"tcp", "tls", "bosh", "session"};
    return names[static_cast<std::size_t>(kind)];
}

} // namespace boshgate::discovery
