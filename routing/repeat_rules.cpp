#include "routing/repeat_rules.hpp"

#include <algorithm>
#include <array>

namespace boshgate::routing {
namespace {

using action = repeat_action;
using cause = repeat_cause;

// One field of the table: what is right as long as time and repeats reach.
struct rule {
    action what;
    cause why;
    // The most repeats that make sense whatever the limits allow.
    unsigned repeats = ~0U;
};

using row = std::array<rule, request_class_count>;

constexpr rule fails(cause why) {
    return {action::fail, why};
}
constexpr rule same_node(cause why, unsigned repeats = ~0U) {
    return {action::repeat_same_node, why, repeats};
}
constexpr rule any_node(cause why, unsigned repeats = ~0U) {
    return {action::repeat_any_node, why, repeats};
}
constexpr row all(rule same) {
    return {same, same, same, same, same, same, same};
}

// Columns: page, session_request, with_sid, restart, terminate, pause, keyed.
//
// fresh_closed: one repeat of a page, three of what the rid protects or a new session at worst. A
// node that drops fresh links has read the request each time and will hardly do better the next
// time; but a network that breaks one link in six breaks three in a row for 5 requests in 1,000.
// overdue: one repeat with a sid, in case the link died in silence; more would pile up held
// requests, and a session request or a page has no stored answer that a repeat could fetch.
// broke_off with a sid: the node had the answer complete, so it is stored.
constexpr std::array<row, node_failure_count> table{{
    // not_sent
    {{same_node(cause::nothing_sent), any_node(cause::nothing_sent), same_node(cause::nothing_sent),
      same_node(cause::nothing_sent), same_node(cause::nothing_sent),
      same_node(cause::nothing_sent), same_node(cause::nothing_sent)}},
    // idle_closed
    {{same_node(cause::safe_method), same_node(cause::orphan_at_worst),
      same_node(cause::rid_protects), same_node(cause::rid_protects),
      same_node(cause::gone_either_way), fails(cause::answer_not_stored),
      fails(cause::key_sequence)}},
    // fresh_closed
    {{same_node(cause::safe_method, 1), any_node(cause::orphan_at_worst, 3),
      same_node(cause::rid_protects, 3), same_node(cause::rid_protects, 3),
      same_node(cause::gone_either_way, 3), fails(cause::answer_not_stored),
      fails(cause::key_sequence)}},
    // broke_off
    {{same_node(cause::safe_method), same_node(cause::orphan_at_worst),
      same_node(cause::rid_protects), same_node(cause::rid_protects),
      same_node(cause::gone_either_way), fails(cause::answer_not_stored),
      fails(cause::key_sequence)}},
    // broke_off_late
    all({action::close_client, cause::shown_in_part}),
    // overdue
    {{fails(cause::too_late), fails(cause::too_late), same_node(cause::rid_protects, 1),
      same_node(cause::rid_protects, 1), same_node(cause::gone_either_way, 1),
      fails(cause::answer_not_stored), fails(cause::key_sequence)}},
    // gateway_error
    {{same_node(cause::safe_method), any_node(cause::orphan_at_worst),
      same_node(cause::rid_protects), same_node(cause::rid_protects),
      same_node(cause::gone_either_way), fails(cause::answer_not_stored),
      fails(cause::key_sequence)}},
    // server_error
    all(fails(cause::final_answer)),
    // client_left
    {{{action::abandon, cause::nobody_waits},
      {action::keep_and_terminate, cause::nobody_waits},
      {action::keep_waiting, cause::client_may_repeat},
      {action::keep_waiting, cause::client_may_repeat},
      {action::keep_waiting, cause::client_may_repeat},
      {action::keep_waiting, cause::client_may_repeat},
      {action::keep_waiting, cause::client_may_repeat}}},
}};

bool needs_rid(request_class request) noexcept {
    return request != request_class::page && request != request_class::session_request;
}

bool repeats(action what) noexcept {
    return what == action::repeat_same_node || what == action::repeat_any_node;
}

} // namespace

request_class class_of(const body_tag& tag) noexcept {
    if (tag.keyed())
        return request_class::keyed;
    switch (tag.kind()) {
    case body_kind::session_request:
        return request_class::session_request;
    case body_kind::restart:
        return request_class::restart;
    case body_kind::pause:
        return request_class::pause;
    case body_kind::terminate:
    case body_kind::close_stream:
        return request_class::terminate;
    case body_kind::ordinary:
    case body_kind::new_stream:
        break;
    }
    return request_class::with_sid;
}

repeat_decision decide_repeat(const repeat_question& question,
                              const repeat_limits& limits) noexcept {
    const rule& right = table[static_cast<std::size_t>(question.failure)]
                             [static_cast<std::size_t>(question.request)];
    repeat_decision decision{right.what, right.why};
    if (!repeats(right.what))
        return decision;

    const bool sent = question.failure != node_failure::not_sent;
    // A repeat of any kind may have been preceded by one that reached the node.
    const bool may_be_known = sent || question.sends_repeated > 0;
    const auto failed = [](cause why) { return repeat_decision{action::fail, why}; };
    if (may_be_known && needs_rid(question.request) && !question.rid_in_window)
        return failed(cause::forgotten_by_node);
    const unsigned made = sent ? question.sends_repeated : question.connects_repeated;
    const unsigned allowed = sent ? std::min(limits.repeats, right.repeats) : limits.connects;
    if (made >= allowed)
        return failed(cause::out_of_repeats);
    if (question.failure == node_failure::gateway_error) {
        // Beyond 2^10 the pause outgrows every budget anyway.
        decision.pause = limits.first_pause * (1 << std::min(question.sends_repeated, 10U));
    }
    if (question.budget_left < decision.pause + limits.least_budget)
        return failed(cause::out_of_time);
    decision.item_not_found_is_success =
        question.request == request_class::terminate && may_be_known;
    return decision;
}

std::string_view name_of(repeat_action what) noexcept {
    switch (what) {
    case action::repeat_same_node:
        return "repeat_same_node";
    case action::repeat_any_node:
        return "repeat_any_node";
    case action::fail:
        return "fail";
    case action::close_client:
        return "close_client";
    case action::keep_waiting:
        return "keep_waiting";
    case action::keep_and_terminate:
        return "keep_and_terminate";
    case action::abandon:
        return "abandon";
    }
    return {};
}

std::string_view name_of(repeat_cause why) noexcept {
    switch (why) {
    case cause::nothing_sent:
        return "nothing_sent";
    case cause::safe_method:
        return "safe_method";
    case cause::orphan_at_worst:
        return "orphan_at_worst";
    case cause::rid_protects:
        return "rid_protects";
    case cause::gone_either_way:
        return "gone_either_way";
    case cause::shown_in_part:
        return "shown_in_part";
    case cause::answer_not_stored:
        return "answer_not_stored";
    case cause::key_sequence:
        return "key_sequence";
    case cause::too_late:
        return "too_late";
    case cause::final_answer:
        return "final_answer";
    case cause::client_may_repeat:
        return "client_may_repeat";
    case cause::nobody_waits:
        return "nobody_waits";
    case cause::out_of_repeats:
        return "out_of_repeats";
    case cause::out_of_time:
        return "out_of_time";
    case cause::forgotten_by_node:
        return "forgotten_by_node";
    }
    return {};
}

std::string_view name_of(node_failure failure) noexcept {
    switch (failure) {
    case node_failure::not_sent:
        return "not_sent";
    case node_failure::idle_closed:
        return "idle_closed";
    case node_failure::fresh_closed:
        return "fresh_closed";
    case node_failure::broke_off:
        return "broke_off";
    case node_failure::broke_off_late:
        return "broke_off_late";
    case node_failure::overdue:
        return "overdue";
    case node_failure::gateway_error:
        return "gateway_error";
    case node_failure::server_error:
        return "server_error";
    case node_failure::client_left:
        return "client_left";
    }
    return {};
}

std::string_view name_of(request_class request) noexcept {
    switch (request) {
    case request_class::page:
        return "page";
    case request_class::session_request:
        return "session_request";
    case request_class::with_sid:
        return "with_sid";
    case request_class::restart:
        return "restart";
    case request_class::terminate:
        return "terminate";
    case request_class::pause:
        return "pause";
    case request_class::keyed:
        return "keyed";
    }
    return {};
}

} // namespace boshgate::routing
