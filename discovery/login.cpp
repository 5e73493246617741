#include "discovery/login.hpp"

#include <algorithm>

namespace boshgate::discovery {
namespace {

// Asked for the user's homes, not because somebody said that they are there.
constexpr bool is_asking(login_reason why) noexcept {
    return why == login_reason::first || why == login_reason::second ||
           why == login_reason::again || why == login_reason::any;
}

constexpr bool is_stored(login_reason why) noexcept {
    return why == login_reason::stored_home || why == login_reason::stored_backup;
}

constexpr bool is_answer(step_end how) noexcept {
    return how == step_end::named_itself || how == step_end::named_others ||
           how == step_end::named_nobody || how == step_end::named_unknown;
}

constexpr bool is_failure(step_end how) noexcept {
    return !is_answer(how) && how != step_end::under_way && how != step_end::known_dead &&
           how != step_end::left;
}

step_end end_of(const node_word& word, node_index node) noexcept {
    if (word.homes.has(node)) {
        return step_end::named_itself;
    }
    if (!word.homes.none()) {
        return step_end::named_others;
    }
    return word.unknown != 0 ? step_end::named_unknown : step_end::named_nobody;
}

// A single name may come twice (CAXL needs that). The only node that is known is the home.
login_homes tidy(login_homes homes) noexcept {
    if (homes.home == no_node) {
        homes.home = homes.backup;
    }
    if (homes.backup == homes.home) {
        homes.backup = no_node;
    }
    return homes;
}

} // namespace

login_action login::on_start(login_purpose purpose, const login_homes& stored,
                             std::int64_t now_ms) noexcept {
    purpose_ = purpose;
    homes_ = tidy(stored);
    began_ms_ = now_ms;
    if (purpose == login_purpose::homes && living_home(homes_, health_)) {
        return found({}, login_cache::keep);
    }
    return next({}, now_ms);
}

login_action login::on_opened(const node_word& word, std::int64_t now_ms) noexcept {
    session_open_ = true;
    login_step& step = here();
    if (!word.features) {
        if (step.polls >= rules_.polls_max) {
            return on_failed(step_end::bad_answer, now_ms);
        }
        ++step.polls;
        login_action poll;
        poll.what = login_do::poll;
        poll.node = step.node;
        poll.why = step.why;
        poll.deadline_ms = step_deadline_ms_;
        return poll;
    }
    const bool asked = is_asking(step.why);
    step.named = tidy(word.homes);
    step.unknown = word.unknown;
    close_step(end_of(word, step.node), now_ms);
    if (asked || step.node == nodes_.first || step.node == nodes_.second) {
        asked_last_ = step.node;
        homes_failed_ = false;
    }
    if (!step.named.none()) {
        homes_ = step.named;
        named_ = true;
        if (purpose_ == login_purpose::homes) {
            return found({}, login_cache::learn);
        }
        return choose({}, asked, now_ms);
    }
    // Nobody is named: the user is where the request is.
    if (asked) {
        homes_ = {};
    }
    login_cache cache = login_cache::keep;
    if (asked || word.unknown != 0) {
        cache = login_cache::forget;
    } else if (named_ && homes_.has(step.node)) {
        cache = login_cache::learn; // the node before sent the login here
    }
    return purpose_ == login_purpose::homes ? found({}, cache) : deliver({}, cache);
}

// The node that is open has named homes: stay, follow, or look elsewhere.
login_action login::choose(login_action with, bool asked, std::int64_t now_ms) noexcept {
    const node_index at = here().node;
    if (homes_.home == at) {
        return deliver(with, login_cache::learn);
    }
    with.leave = at;
    if (is_stored(here().why) && homes_.backup != at) {
        with.cache = login_cache::forget;
    }
    if (!was_heard(homes_.home) && may_ask(homes_.home, login_reason::home, now_ms)) {
        return open(with, homes_.home, login_reason::home, now_ms);
    }
    if (ended_so(step_end::limited, homes_.home)) {
        return fail(with, login_failure::limited);
    }
    if (homes_.backup == at) {
        return deliver(with, login_cache::learn);
    }
    // A node that was reached by name sends the login back to one that lives and was left: a
    // circle. Both take the user, so either will do.
    const auto circle = [&](node_index node) {
        return !asked && was_heard(node) && may_ask(node, login_reason::home, now_ms);
    };
    if (circle(homes_.home)) {
        return deliver(with, login_cache::forget);
    }
    if (!was_heard(homes_.backup) && may_ask(homes_.backup, login_reason::backup, now_ms)) {
        return open(with, homes_.backup, login_reason::backup, now_ms);
    }
    if (circle(homes_.backup)) {
        return deliver(with, login_cache::forget);
    }
    return next(with, now_ms);
}

login_action login::on_failed(step_end how, std::int64_t now_ms, node_index other) noexcept {
    const login_step step = here();
    how = is_failure(how) ? how : step_end::bad_answer;
    login_action with;
    // A node that is dead or has ended the session itself needs no farewell.
    if (session_open_ && (how == step_end::timeout || how == step_end::bad_answer)) {
        with.leave = step.node;
    }
    session_open_ = false;
    silent_ = static_cast<std::uint8_t>(silent_ + (how == step_end::timeout ? 1 : 0));
    close_step(how, now_ms);
    if (how == step_end::unacceptable) {
        with.node = step.node;
        return fail(with, login_failure::refused);
    }
    if (how == step_end::limited) {
        return is_asking(step.why) ? next(with, now_ms) : fail(with, login_failure::limited);
    }
    if (is_stored(step.why)) {
        with.cache = login_cache::forget;
    }
    if (!is_asking(step.why)) {
        homes_failed_ = true;
    }
    if (how == step_end::see_other && !was_heard(other) &&
        may_ask(other, login_reason::see_other, now_ms)) {
        // The node's word counts as if it had named that home; the backup may still be right.
        homes_ = tidy({other, homes_.backup});
        named_ = true;
        return open(with, other, login_reason::see_other, now_ms);
    }
    return next(with, now_ms);
}

login_action login::on_gone(std::int64_t now_ms) noexcept {
    login_action with;
    if (session_open_) {
        with.leave = here().node;
    }
    close_step(step_end::left, now_ms);
    return fail(with, login_failure::gone);
}

// What has not been tried yet, in CAXL's order.
login_action login::next(login_action with, std::int64_t now_ms) noexcept {
    if (purpose_ == login_purpose::session) {
        // A node that was left for the home may well be the backup: it is gone back to.
        const auto home = named_ ? login_reason::home : login_reason::stored_home;
        if (may_host(homes_.home) && may_ask(homes_.home, home, now_ms)) {
            return open(with, homes_.home, home, now_ms);
        }
        const auto backup = named_ ? login_reason::backup : login_reason::stored_backup;
        if (may_host(homes_.backup) && may_ask(homes_.backup, backup, now_ms)) {
            return open(with, homes_.backup, backup, now_ms);
        }
    }
    if (!was_heard(nodes_.first) && may_ask(nodes_.first, login_reason::first, now_ms)) {
        return open(with, nodes_.first, login_reason::first, now_ms);
    }
    // Time has passed while its homes failed: it may know new ones. Without an attempt in between
    // it would say the same.
    if (homes_failed_ && !asked_again_ && may_ask(asked_last_, login_reason::again, now_ms)) {
        asked_again_ = true;
        return open(with, asked_last_, login_reason::again, now_ms);
    }
    if (!was_heard(nodes_.second) && may_ask(nodes_.second, login_reason::second, now_ms)) {
        return open(with, nodes_.second, login_reason::second, now_ms);
    }
    // A node that declines would not be alone with that; one that we cannot ask lives.
    if (asked_last_ == no_node && !ended_so(step_end::declined) && !ended_so(step_end::limited)) {
        if (const node_index node = any_living(now_ms); node != no_node) {
            return open(with, node, login_reason::any, now_ms);
        }
    }
    return give_up(with);
}

login_action login::open(login_action with, node_index node, login_reason why,
                         std::int64_t now_ms) noexcept {
    if (steps_ >= std::min(rules_.steps_max, login_rules::steps_most)) {
        return fail(with, login_failure::out_of_steps);
    }
    const std::int64_t end_ms = began_ms_ + rules_.patience.count();
    if (steps_ != 0 && end_ms - now_ms < login_rules::step_least_ms) {
        return fail(with, login_failure::out_of_time);
    }
    ++steps_;
    session_open_ = false;
    const std::int64_t step_ms =
        std::max<std::int64_t>(rules_.step.count() >> silent_, login_rules::step_least_ms);
    step_deadline_ms_ = std::min(now_ms + step_ms, end_ms);
    record(node, why, step_end::under_way, now_ms);
    here_ = static_cast<std::uint8_t>(traced_ - 1);
    with.what = login_do::open;
    with.node = node;
    with.why = why;
    with.deadline_ms = step_deadline_ms_;
    return with;
}

login_action login::deliver(login_action with, login_cache cache) noexcept {
    over_ = true;
    with.what = login_do::deliver;
    with.node = here().node;
    with.why = here().why;
    with.cache = cache;
    with.leave = no_node;
    return with;
}

login_action login::found(login_action with, login_cache cache) noexcept {
    over_ = true;
    with.what = login_do::found;
    with.cache = cache;
    with.leave = session_open_ ? here().node : no_node;
    return with;
}

login_action login::give_up(login_action with) noexcept {
    const auto steps = trace();
    const auto last_with = [steps](step_end how) {
        return std::find_if(steps.rbegin(), steps.rend(),
                            [how](const login_step& one) { return one.how == how; });
    };
    if (steps_ != 0 && here().how == step_end::declined) {
        with.node = here().node;
        return fail(with, login_failure::refused);
    }
    if (!homes_.none()) {
        return fail(with, login_failure::homes_down);
    }
    if (const auto declined = last_with(step_end::declined); declined != steps.rend()) {
        with.node = declined->node;
        return fail(with, login_failure::refused);
    }
    if (ended_so(step_end::limited)) {
        return fail(with, login_failure::limited);
    }
    if (last_with(step_end::see_other) != steps.rend()) {
        return fail(with, login_failure::steered_away);
    }
    if (last_with(step_end::bad_answer) != steps.rend()) {
        return fail(with, login_failure::bad_answer);
    }
    return fail(with, login_failure::nobody);
}

login_action login::fail(login_action with, login_failure why) noexcept {
    over_ = true;
    with.what = login_do::fail;
    with.failure = why;
    return with;
}

bool login::may_ask(node_index node, login_reason why, std::int64_t now_ms) noexcept {
    if (node >= nodes_.count || has_failed(node)) {
        return false;
    }
    if (!health_.is_dead(node)) {
        return true;
    }
    const auto steps = trace();
    const bool noted = std::any_of(steps.begin(), steps.end(), [node](const login_step& one) {
        return one.node == node && one.how == step_end::known_dead;
    });
    // The last places are for the steps that may still come.
    const std::size_t to_come = login_rules::steps_most - steps_;
    if (!noted && traced_ + to_come < trace_.size()) {
        record(node, why, step_end::known_dead, now_ms);
    }
    return false;
}

bool login::was_heard(node_index node) const noexcept {
    const auto steps = trace();
    return std::any_of(steps.begin(), steps.end(), [node](const login_step& one) {
        return one.node == node && is_answer(one.how);
    });
}

// A node is opened as a home once; a second time only if it said that it is one.
bool login::may_host(node_index node) const noexcept {
    unsigned times = 0;
    bool is_one = true;
    for (const login_step& step : trace()) {
        if (step.node == node && is_answer(step.how) && !is_asking(step.why)) {
            ++times;
            is_one = step.how == step_end::named_itself;
        }
    }
    return times == 0 || (times == 1 && is_one);
}

bool login::has_failed(node_index node) const noexcept {
    const auto steps = trace();
    return std::any_of(steps.begin(), steps.end(), [node](const login_step& one) {
        return one.node == node && is_failure(one.how);
    });
}

// Whether this is what came of a step; `node`: of one at this node, no_node: of any.
bool login::ended_so(step_end how, node_index node) const noexcept {
    const auto steps = trace();
    return std::any_of(steps.begin(), steps.end(), [how, node](const login_step& one) {
        return one.how == how && (node == no_node || one.node == node);
    });
}

node_index login::any_living(std::int64_t now_ms) noexcept {
    for (std::uint32_t i = 0; i != nodes_.count; ++i) {
        const auto node = static_cast<node_index>((nodes_.spread + i) % nodes_.count);
        if (!was_heard(node) && may_ask(node, login_reason::any, now_ms)) {
            return node;
        }
    }
    return no_node;
}

void login::record(node_index node, login_reason why, step_end how, std::int64_t now_ms) noexcept {
    login_step& step = trace_[traced_++];
    step = {};
    step.node = node;
    step.why = why;
    step.how = how;
    step.began_ms = static_cast<std::uint32_t>(now_ms - began_ms_);
}

void login::close_step(step_end how, std::int64_t now_ms) noexcept {
    login_step& step = here();
    step.how = how;
    step.took_ms = static_cast<std::uint32_t>(now_ms - began_ms_) - step.began_ms;
}

} // namespace boshgate::discovery
