#include "routing/rid_window.hpp"

#include <algorithm>

namespace boshgate::routing {

namespace {

// XEP-0124 11 allows one more than `requests` where the last one is a pause or ends the session.
// One more again, because clients in use do not count exactly (stanza ignores `requests`), and a
// refusal ends the user's session.
constexpr unsigned tolerated = 2;
// How many copies of a request come until what it waits for may count as gone elsewhere.
constexpr unsigned asked_in_vain = 3;
constexpr unsigned requests_least = 2;
constexpr unsigned requests_unknown = 5; // what Strophe assumes until it is told

unsigned width_of(unsigned requests) noexcept {
    return std::min(requests, rid_window::window_max) + tolerated;
}

} // namespace

static_assert(rid_window::window_max + tolerated < rid_window::slots);

const char* name_of(rid_verdict verdict) noexcept {
    switch (verdict) {
    case rid_verdict::forward:
        return "forward";
    case rid_verdict::hold_back:
        return "hold_back";
    case rid_verdict::join:
        return "join";
    case rid_verdict::replay:
        return "replay";
    case rid_verdict::too_old:
        return "too_old";
    case rid_verdict::above_window:
        return "above_window";
    case rid_verdict::too_many:
        return "too_many";
    case rid_verdict::too_many_copies:
        return "too_many_copies";
    case rid_verdict::other_key:
        return "other_key";
    case rid_verdict::out_of_order:
        return "out_of_order";
    }
    return "";
}

rid_window rid_window::opened(std::uint64_t first, unsigned requests) noexcept {
    rid_window window(first, std::max(requests, requests_least));
    // Nothing came before: an older rid has no answer that could be asked for.
    for (slot& one : window.slots_) {
        window.become(one, state::answered);
    }
    return window;
}

rid_window rid_window::adopted(std::uint64_t first) noexcept {
    rid_window window(first == 0 ? 0 : first - 1, requests_unknown);
    window.adopted_ = true;
    return window;
}

bool rid_window::readopt(std::uint64_t rid) noexcept {
    if (rid <= top_ || unanswered() != 0 || in_state(state::parked) != 0) {
        return false;
    }
    const unsigned granted = requests_;
    *this = adopted(rid);
    requests_ = granted;
    return true;
}

bool rid_window::fits(std::uint64_t rid) const noexcept {
    return rid <= top_ || rid - top_ <= width_of(requests_);
}

rid_decision rid_window::on_request(std::uint64_t rid, request_print print, const rid_rules& rules,
                                    std::uint64_t now_ms) noexcept {
    if (gap_given_up_) {
        gap_given_up_ = false;
        adopted_at_ms_ = now_ms;
    }
    if (rid <= top_) {
        return tracked(rid) ? copy(rid, print, rules, now_ms)
                            : rid_decision{.verdict = rid_verdict::too_old};
    }
    if (!fits(rid)) {
        return {.verdict = rid_verdict::above_window};
    }
    if (unanswered() >= width_of(requests_)) {
        return {.verdict = rid_verdict::too_many};
    }
    // The slots that the window moves over must not be in use: an answer is owed for those.
    for (std::uint64_t next = top_ + 1; next <= rid; ++next) {
        const state is = at(next).is;
        if (is == state::waiting || is == state::sending || is == state::sent ||
            is == state::parked) {
            return {.verdict = rid_verdict::too_many};
        }
    }
    for (std::uint64_t next = top_ + 1; next <= rid; ++next) {
        slot& one = at(next);
        become(one, state::missing);
        one = slot{};
        one.is = state::missing;
    }
    if (rid > top_ + 1) {
        missed_at_ms_ = now_ms;
    }
    top_ = rid;
    at(rid).print = print;
    if (adopted_ && adopted_at_ms_ == 0) {
        adopted_at_ms_ = now_ms;
    }
    return admit(rid, rules, now_ms);
}

// admit lets a request out for which nothing is under way, or holds it back.
rid_decision rid_window::admit(std::uint64_t rid, const rid_rules& rules,
                               std::uint64_t now_ms) noexcept {
    slot& one = at(rid);
    one.copies = static_cast<std::uint8_t>(std::min(one.copies + 1, 255));
    one.kept = false;
    one.given_up = false;
    one.again = one.written;
    become(one, state::waiting);
    return go_or_wait(rid, rules, now_ms);
}

rid_decision rid_window::go_or_wait(std::uint64_t rid, const rid_rules& rules,
                                    std::uint64_t now_ms) noexcept {
    const wait first = waits_for(rid, rules, now_ms);
    if (first.what != obstacle::none) {
        return {.verdict = rid_verdict::hold_back, .wait_ms = first.ms};
    }
    become(at(rid), state::sending);
    return {.verdict = rid_verdict::forward};
}

rid_decision rid_window::copy(std::uint64_t rid, request_print print, const rid_rules& rules,
                              std::uint64_t now_ms) noexcept {
    slot& one = at(rid);
    const bool first = one.is == state::missing || (one.is == state::unknown && one.copies == 0);
    if (first || one.print.key == any_key) {
        one.print = print;
    }
    if (first) {
        return admit(rid, rules, now_ms);
    }
    if (one.copies != 0 && one.print.key != print.key) {
        return {.verdict = rid_verdict::other_key}; // not counted: it is no copy
    }
    if (one.copies >= rules.copies) {
        return {.verdict = rid_verdict::too_many_copies};
    }
    const bool differs = one.print.payload != print.payload;
    // CAXL repeats its newest request, whichever failed, and never the failed one.
    if (one.is == state::waiting && rid > 0 && tracked(rid - 1) &&
        at(rid - 1).is == state::failed) {
        at(rid - 1).given_up = true;
    }
    switch (one.is) {
    case state::waiting:
    case state::sending:
    case state::sent:
    case state::parked:
        ++one.copies;
        return {.verdict = rid_verdict::join, .differs = differs};
    case state::answered:
        if (one.kept) {
            ++one.copies;
            return {.verdict = rid_verdict::replay, .differs = differs};
        }
        if (one.copies == 0 || !known_to_node(rid)) {
            return {.verdict = rid_verdict::too_old}; // the node has dropped its answer as well
        }
        break;
    case state::failed:
    case state::unknown:
    case state::missing:
        break;
    }
    return admit(rid, rules, now_ms);
}

rid_window::wait rid_window::waits_for(std::uint64_t rid, const rid_rules& rules,
                                       std::uint64_t now_ms) const noexcept {
    if (node_has_enough(rid)) {
        return {obstacle::busy, rules.reorder_ms};
    }
    if (rid == 0 || !tracked(rid - 1)) {
        return {};
    }
    const auto until = [now_ms](std::uint64_t from_ms, std::uint32_t time) -> wait {
        const std::uint64_t since = now_ms - std::min(from_ms, now_ms);
        if (since >= time) {
            return {};
        }
        return {obstacle::settling, static_cast<std::uint32_t>(time - since)};
    };
    const slot& before = at(rid - 1);
    switch (before.is) {
    case state::unknown:
        return until(adopted_at_ms_, rules.elsewhere_ms != 0
                                         ? std::min(rules.elsewhere_ms, rules.adopt_ms)
                                         : rules.adopt_ms);
    case state::answered:
    case state::parked:
        return {};
    case state::sent:
        return until(written_at_ms_, before.again ? rules.resettle_ms : rules.settle_ms);
    case state::waiting:
    case state::sending:
        return {obstacle::busy, rules.reorder_ms};
    case state::missing:
        return rules.elsewhere_ms != 0 ? until(missed_at_ms_, rules.elsewhere_ms)
                                       : wait{obstacle::absent, rules.reorder_ms};
    case state::failed:
        if (!before.written) {
            return {obstacle::absent, rules.reorder_ms};
        }
        return before.given_up ? wait{} : wait{obstacle::lost, rules.reorder_ms};
    }
    return {};
}

rid_decision rid_window::on_wait_over(std::uint64_t rid, bool reorder_over, const rid_rules& rules,
                                      std::uint64_t now_ms) noexcept {
    if (!tracked(rid) || at(rid).is != state::waiting) {
        return {.verdict = rid_verdict::join};
    }
    const wait first = waits_for(rid, rules, now_ms);
    if (reorder_over && first.what == obstacle::absent) {
        // The node would only keep it, and a kept request is what nodes get wrong: ejabberd never
        // answers it. Refused, it harms nobody; the client comes with both again.
        become(at(rid), state::failed);
        // One that was refused here itself is on no other way: its client comes with it again.
        if (at(rid).refused && at(rid).copies >= asked_in_vain && at(rid - 1).copies == 0) {
            give_up_gap(rid);
        }
        at(rid).refused = true;
        return {.verdict = rid_verdict::out_of_order};
    }
    // The node may have the one that failed; if the client was to repeat it, it would have.
    if (first.what == obstacle::none || (reorder_over && first.what == obstacle::lost)) {
        become(at(rid), state::sending);
        return {.verdict = rid_verdict::forward};
    }
    return {.verdict = rid_verdict::hold_back, .wait_ms = first.ms};
}

// What a request has waited for in vain again and again has most likely gone to the node by another
// instance. When the client comes with the request all the same, the node is to judge. (Not after
// once or twice: a client whose connection broke repeats the newer one first as often as not, and a
// node that gets a hole loses what stands in it. The simulation tells.)
void rid_window::give_up_gap(std::uint64_t rid) noexcept {
    gap_given_up_ = true;
    for (std::uint64_t older = oldest(); older < rid; ++older) {
        slot& one = at(older);
        if (one.is == state::missing && one.copies == 0) {
            become(one, state::unknown);
        }
    }
}

rid_decision rid_window::on_link(std::uint64_t rid, const rid_rules& rules,
                                 std::uint64_t now_ms) noexcept {
    if (!tracked(rid) || at(rid).is != state::sending || rid == 0 || !tracked(rid - 1)) {
        return {};
    }
    const state before = at(rid - 1).is;
    if (before != state::waiting && before != state::sending && before != state::sent) {
        return {}; // what it was let out in spite of
    }
    become(at(rid), state::waiting);
    return go_or_wait(rid, rules, now_ms);
}

void rid_window::on_written(std::uint64_t rid, std::uint64_t now_ms) noexcept {
    if (tracked(rid) && at(rid).is == state::sending) {
        become(at(rid), state::sent);
        at(rid).written = true;
        written_at_ms_ = now_ms;
    }
}

rid_decision rid_window::on_broken(std::uint64_t rid, const rid_rules& rules,
                                   std::uint64_t now_ms) noexcept {
    if (!tracked(rid)) {
        return {};
    }
    slot& one = at(rid);
    if (one.is != state::sending && one.is != state::sent) {
        return {};
    }
    one.again = one.written;
    become(one, state::waiting);
    return go_or_wait(rid, rules, now_ms);
}

void rid_window::on_failed(std::uint64_t rid) noexcept {
    if (tracked(rid) && at(rid).is != state::answered && at(rid).is != state::parked) {
        become(at(rid), state::failed);
    }
}

void rid_window::become(slot& one, state next) noexcept {
    --in_state(one.is);
    one.is = next;
    ++in_state(next);
}

unsigned rid_window::in_flight() const noexcept {
    return in_state(state::sending) + in_state(state::sent);
}

bool rid_window::older_in_flight(std::uint64_t rid) const noexcept {
    const state own = at(rid).is;
    if (in_flight() == (own == state::sending || own == state::sent ? 1U : 0U)) {
        return false;
    }
    for (std::uint64_t older = oldest(); older < rid; ++older) {
        const state is = at(older).is;
        if (is == state::sending || is == state::sent) {
            return true;
        }
    }
    return false;
}

bool rid_window::on_answered(std::uint64_t rid, bool kept) noexcept {
    if (!tracked(rid)) {
        return true;
    }
    slot& one = at(rid);
    one.kept = kept;
    // Only an answer that is kept can wait.
    become(one, kept && older_in_flight(rid) ? state::parked : state::answered);
    return one.is == state::answered;
}

bool rid_window::on_unparked(std::uint64_t rid) noexcept {
    const bool parked = tracked(rid) && at(rid).is == state::parked;
    if (parked) {
        become(at(rid), state::answered);
    }
    return parked;
}

void rid_window::on_dropped(std::uint64_t rid) noexcept {
    if (tracked(rid)) {
        at(rid).kept = false;
    }
}

std::optional<rid_turn> rid_window::take_turn(const rid_rules& rules,
                                              std::uint64_t now_ms) noexcept {
    for (std::uint64_t rid = oldest(); rid <= top_; ++rid) {
        slot& one = at(rid);
        if (one.is != state::waiting) {
            continue;
        }
        const wait first = waits_for(rid, rules, now_ms);
        if (first.what == obstacle::none) {
            become(one, state::sending);
            return rid_turn{.rid = rid, .wait_ms = 0};
        }
        if (first.what == obstacle::settling) {
            return rid_turn{.rid = rid, .wait_ms = first.ms};
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> rid_window::take_parked() noexcept {
    for (std::uint64_t rid = oldest(); rid <= top_; ++rid) {
        const state is = at(rid).is;
        if (is == state::sending || is == state::sent) {
            return std::nullopt;
        }
        if (is == state::parked) {
            become(at(rid), state::answered);
            return rid;
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> rid_window::overtaken() const noexcept {
    const unsigned sent = in_state(state::sent);
    if (sent == 0 || (sent == 1 && at(top_).is == state::sent)) {
        return std::nullopt;
    }
    std::optional<std::uint64_t> oldest_sent;
    for (std::uint64_t rid = oldest(); rid <= top_; ++rid) {
        const state is = at(rid).is;
        if (is == state::sent && !oldest_sent) {
            oldest_sent = rid;
        }
        if (oldest_sent && (is == state::answered || is == state::parked)) {
            return oldest_sent;
        }
    }
    return std::nullopt;
}

bool rid_window::known_to_node(std::uint64_t rid) const noexcept {
    if (!tracked(rid)) {
        return false;
    }
    unsigned newer = 0;
    for (std::uint64_t next = rid + 1; next <= top_; ++next) {
        newer += at(next).written || at(next).is == state::sending ? 1U : 0U;
    }
    return newer < requests_;
}

// With one that is `requests` older still under way, a node is given more than it granted, and its
// answer to a newer one would push the answer that is owed out of its store.
bool rid_window::node_has_enough(std::uint64_t rid) const noexcept {
    if (in_flight() == 0) {
        return false;
    }
    for (std::uint64_t older = oldest(); older + requests_ <= rid; ++older) {
        const state is = at(older).is;
        if (is == state::sending || is == state::sent) {
            return true;
        }
    }
    return false;
}

unsigned rid_window::unanswered() const noexcept {
    return in_state(state::waiting) + in_flight();
}

} // namespace boshgate::routing
