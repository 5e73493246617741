#include "tests/sim/proxy_model.hpp"

#include <algorithm>

namespace boshgate::sim {

using routing::rid_decision;
using routing::rid_verdict;

void proxy_model::asked(const std::shared_ptr<wire>& client, const request& what) {
    if (stopped_) {
        client->close_by_answerer();
        return;
    }
    ++counts_.turns;
    const routing::request_print hash{
        .payload = static_cast<std::uint16_t>(what.payload.empty() ? 0 : what.payload.front() + 1)};
    if (with_.rules.elsewhere_ms != 0 && !window_.fits(what.rid)) {
        (void)window_.readopt(what.rid); // it was used by way of other instances
    }
    const rid_decision decision = window_.on_request(what.rid, hash, with_.rules, when_.now_ms());
    when_.say("asked", name_of(decision.verdict), what.rid);
    ++counts_.verdicts[static_cast<std::size_t>(decision.verdict)];
    switch (decision.verdict) {
    case rid_verdict::join:
        attach(live_.at(what.rid), client);
        break;
    case rid_verdict::replay:
        client->reply(kept_.at(what.rid));
        break;
    case rid_verdict::forward:
    case rid_verdict::hold_back: {
        exchange& one = live_[what.rid];
        one.what = what;
        attach(one, client);
        one.held_since = when_.now();
        follow(what.rid, decision);
        break;
    }
    case rid_verdict::too_old:
    case rid_verdict::above_window:
        ++counts_.refusals;
        client->reply({.is = answer::kind::item_not_found});
        break;
    default:
        ++counts_.refusals;
        client->reply({.is = answer::kind::policy});
        break;
    }
    pump();
    counts_.most_live = std::max(counts_.most_live, live_.size());
}

void proxy_model::attach(exchange& one, const std::shared_ptr<wire>& client) {
    // The newest copy gets the answer. An older one belongs to a client that has given it up.
    for (const auto& older : one.clients) {
        older->close_by_answerer();
    }
    one.clients.clear();
    one.clients.push_back(client);
}

void proxy_model::closed(const std::shared_ptr<wire>& client) {
    for (auto& [rid, one] : live_) {
        std::erase(one.clients, client);
    }
}

void proxy_model::stop() {
    stopped_ = true;
    for (auto& [rid, one] : live_) {
        for (const auto& client : one.clients) {
            client->close_by_answerer();
        }
        if (one.link) {
            one.link->close_by_asker();
        }
    }
    live_.clear();
}

void proxy_model::follow(std::uint64_t rid, const rid_decision& decision) {
    if (decision.verdict == rid_verdict::forward) {
        forward(rid);
    } else if (decision.verdict == rid_verdict::hold_back) {
        wait_for_turn(rid, decision.wait_ms * millisecond);
    } else {
        fail(rid);
    }
}

void proxy_model::wait_for_turn(std::uint64_t rid, microseconds delay) {
    exchange& one = live_.at(rid);
    one.turn = ++turn_;
    when_.after(delay, [this, rid, turn = one.turn] {
        const auto found = live_.find(rid);
        if (stopped_ || found == live_.end() || found->second.turn != turn) {
            return;
        }
        const bool over =
            when_.now() - found->second.held_since >= with_.rules.reorder_ms * millisecond;
        const rid_decision decision = window_.on_wait_over(rid, over, with_.rules, when_.now_ms());
        if (decision.verdict != rid_verdict::join) {
            follow(rid, decision);
        }
        pump();
    });
}

void proxy_model::forward(std::uint64_t rid) {
    exchange& one = live_.at(rid);
    when_.say("proxy", "opens", rid);
    const std::uint64_t turn = one.turn = ++turn_;
    const auto current = [this, rid, turn] {
        const auto found = live_.find(rid);
        return !stopped_ && found != live_.end() && found->second.turn == turn;
    };
    one.link = open_({
        [this, rid, turn, current] {
            if (current()) {
                on_written(rid, turn);
            }
        },
        [this, rid, current](const answer& what) {
            if (current()) {
                on_answer(rid, what);
            }
        },
        [this, rid, current](routing::node_failure how) {
            if (current()) {
                on_break(rid, how);
            }
        },
    });
    one.link->send(one.what);
}

void proxy_model::on_written(std::uint64_t rid, std::uint64_t turn) {
    when_.say("proxy", "written", rid);
    window_.on_written(rid, when_.now_ms());
    live_.at(rid).written_at = when_.now();
    when_.after(with_.wait + with_.margin, [this, rid, turn] {
        const auto found = live_.find(rid);
        if (!stopped_ && found != live_.end() && found->second.turn == turn) {
            found->second.link->close_by_asker();
            on_break(rid, routing::node_failure::overdue);
        }
    });
    pump();
}

void proxy_model::on_answer(std::uint64_t rid, const answer& what) {
    if (what.is == answer::kind::unavailable) {
        on_break(rid, routing::node_failure::gateway_error);
        return;
    }
    when_.say("proxy", "answered", rid);
    exchange& one = live_.at(rid);
    one.link.reset();
    one.turn = ++turn_;
    if (what.is == answer::kind::item_not_found && on_refusal(rid)) {
        return;
    }
    if (one.doubts == 2 && !what.terminates()) {
        ++counts_.forgotten;
        keep(rid, {});
    } else {
        keep(rid, what);
    }
    if (window_.on_answered(rid, true)) {
        hand_down(rid);
    } else {
        check_overtaken(rid);
    }
    pump();
}

// The node knows nothing of a request. Of several instances, one may have been too early: it asks
// again. And the node may have forgotten a poll whose link broke; then it still has the answer
// before, as it would not if it had answered the poll.
bool proxy_model::on_refusal(std::uint64_t rid) {
    exchange& one = live_.at(rid);
    if (with_.rules.elsewhere_ms == 0 || one.doubts == 2) {
        return false;
    }
    if (++one.doubts == 2) {
        one.what = {.rid = rid - 1, .payload = {}};
        forward(rid);
        return true;
    }
    when_.after(with_.rules.elsewhere_ms * millisecond, [this, rid, turn = one.turn] {
        const auto found = live_.find(rid);
        if (!stopped_ && found != live_.end() && found->second.turn == turn) {
            forward(rid);
        }
    });
    return true;
}

// An answer waits for an older one: if that does not come soon, its link is given up.
void proxy_model::check_overtaken(std::uint64_t rid) {
    when_.after(with_.overtaken, [this, rid, turn = live_.at(rid).turn] {
        const auto found = live_.find(rid);
        if (stopped_ || found == live_.end() || found->second.turn != turn) {
            return;
        }
        if (const auto older = window_.overtaken()) {
            live_.at(*older).link->close_by_asker();
            on_break(*older, routing::node_failure::broke_off);
        }
        // Unless that let it go down, it may wait for another one.
        if (live_.count(rid) != 0) {
            check_overtaken(rid);
        }
    });
}

void proxy_model::on_break(std::uint64_t rid, routing::node_failure how) {
    when_.say("proxy", name_of(how).data(), rid);
    exchange& one = live_.at(rid);
    one.link.reset();
    // A node that held the request for a while had taken it: the link died idle.
    if (how == routing::node_failure::fresh_closed &&
        when_.now() - one.written_at >= with_.accepted) {
        how = routing::node_failure::idle_closed;
    }
    if (!one.broken) {
        one.broken = true;
        one.failed_at = when_.now();
    }
    const microseconds gone = when_.now() - one.failed_at;
    const auto left =
        std::chrono::milliseconds(gone < with_.budget ? (with_.budget - gone) / millisecond : 0);
    const routing::repeat_decision decision =
        routing::decide_repeat({.failure = how,
                                .request = routing::request_class::with_sid,
                                .connects_repeated = one.connects,
                                .sends_repeated = one.sends,
                                .budget_left = left,
                                .rid_in_window = window_.known_to_node(rid)},
                               with_.limits);
    if (decision.action != routing::repeat_action::repeat_same_node) {
        fail(rid);
        pump();
        return;
    }
    (how == routing::node_failure::not_sent ? one.connects : one.sends) += 1;
    const microseconds pause =
        static_cast<microseconds>(decision.pause.count()) * millisecond +
        (how == routing::node_failure::not_sent ? 300 * millisecond * one.connects : 0);
    // The window hears of the break before the pause: nothing newer passes in the meantime.
    ++counts_.repeats;
    one.held_since = when_.now();
    one.turn = ++turn_;
    const rid_decision again = window_.on_broken(rid, with_.rules, when_.now_ms());
    if (again.verdict != rid_verdict::forward || pause == 0) {
        follow(rid, again);
    } else {
        when_.after(pause, [this, rid, turn = one.turn] {
            const auto found = live_.find(rid);
            if (!stopped_ && found != live_.end() && found->second.turn == turn) {
                forward(rid);
            }
        });
    }
    pump();
}

void proxy_model::fail(std::uint64_t rid) {
    exchange one = std::move(live_.at(rid));
    live_.erase(rid);
    window_.on_failed(rid);
    when_.say("proxy", "failed", rid);
    ++counts_.failures;
    for (const auto& client : one.clients) {
        client->reply({.is = answer::kind::unavailable});
    }
}

void proxy_model::hand_down(std::uint64_t rid) {
    const auto found = live_.find(rid);
    if (found == live_.end()) {
        return;
    }
    const exchange one = std::move(found->second);
    live_.erase(found);
    if (one.clients.empty()) {
        return; // kept for the client's own repeat
    }
    one.clients.back()->reply(kept_.at(rid));
}

void proxy_model::pump() {
    while (const auto turn = window_.take_turn(with_.rules, when_.now_ms())) {
        if (turn->wait_ms != 0) {
            wait_for_turn(turn->rid, turn->wait_ms * millisecond);
            break;
        }
        forward(turn->rid);
    }
    while (const auto rid = window_.take_parked()) {
        hand_down(*rid);
    }
}

void proxy_model::keep(std::uint64_t rid, const answer& what) {
    kept_[rid] = what;
    // An answer that is parked is the newest there is: it is never the one to go.
    while (kept_.size() > with_.requests + with_.spare_answers) {
        window_.on_dropped(kept_.begin()->first);
        kept_.erase(kept_.begin());
    }
    counts_.most_kept = std::max(counts_.most_kept, kept_.size());
}

} // namespace boshgate::sim
