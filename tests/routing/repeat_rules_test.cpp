#include "routing/repeat_rules.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

using namespace std::chrono_literals;
using failure = node_failure;
using request = request_class;
using action = repeat_action;
using cause = repeat_cause;

constexpr request all_requests[] = {request::page,    request::session_request, request::with_sid,
                                    request::restart, request::terminate,       request::pause,
                                    request::keyed};
static_assert(std::size(all_requests) == request_class_count);

std::string label(failure f, request r) {
    return std::string(name_of(f)) + ", " + std::string(name_of(r));
}

// The first failure of a request, with all the time in the world.
repeat_question first(failure f, request r) {
    repeat_question question;
    question.failure = f;
    question.request = r;
    question.budget_left = 1h;
    return question;
}

// The table, written a second time: what is decided at the first failure, and how many repeats
// follow each other at most while nothing else stands against them (limits: 4 connects, 3 repeats).
struct expectation {
    failure at;
    request what;
    action first;
    cause why;
    unsigned most_repeats;
};

constexpr expectation table[] = {
    {failure::not_sent, request::page, action::repeat_same_node, cause::nothing_sent, 4},
    {failure::not_sent, request::session_request, action::repeat_any_node, cause::nothing_sent, 4},
    {failure::not_sent, request::with_sid, action::repeat_same_node, cause::nothing_sent, 4},
    {failure::not_sent, request::restart, action::repeat_same_node, cause::nothing_sent, 4},
    {failure::not_sent, request::terminate, action::repeat_same_node, cause::nothing_sent, 4},
    {failure::not_sent, request::pause, action::repeat_same_node, cause::nothing_sent, 4},
    {failure::not_sent, request::keyed, action::repeat_same_node, cause::nothing_sent, 4},

    {failure::idle_closed, request::page, action::repeat_same_node, cause::safe_method, 3},
    {failure::idle_closed, request::session_request, action::repeat_same_node,
     cause::orphan_at_worst, 3},
    {failure::idle_closed, request::with_sid, action::repeat_same_node, cause::rid_protects, 3},
    {failure::idle_closed, request::restart, action::repeat_same_node, cause::rid_protects, 3},
    {failure::idle_closed, request::terminate, action::repeat_same_node, cause::gone_either_way, 3},
    {failure::idle_closed, request::pause, action::fail, cause::answer_not_stored, 0},
    {failure::idle_closed, request::keyed, action::fail, cause::key_sequence, 0},

    {failure::fresh_closed, request::page, action::repeat_same_node, cause::safe_method, 1},
    {failure::fresh_closed, request::session_request, action::repeat_any_node,
     cause::orphan_at_worst, 3},
    {failure::fresh_closed, request::with_sid, action::repeat_same_node, cause::rid_protects, 3},
    {failure::fresh_closed, request::restart, action::repeat_same_node, cause::rid_protects, 3},
    {failure::fresh_closed, request::terminate, action::repeat_same_node, cause::gone_either_way,
     3},
    {failure::fresh_closed, request::pause, action::fail, cause::answer_not_stored, 0},
    {failure::fresh_closed, request::keyed, action::fail, cause::key_sequence, 0},

    {failure::broke_off, request::page, action::repeat_same_node, cause::safe_method, 3},
    {failure::broke_off, request::session_request, action::repeat_same_node, cause::orphan_at_worst,
     3},
    {failure::broke_off, request::with_sid, action::repeat_same_node, cause::rid_protects, 3},
    {failure::broke_off, request::restart, action::repeat_same_node, cause::rid_protects, 3},
    {failure::broke_off, request::terminate, action::repeat_same_node, cause::gone_either_way, 3},
    {failure::broke_off, request::pause, action::fail, cause::answer_not_stored, 0},
    {failure::broke_off, request::keyed, action::fail, cause::key_sequence, 0},

    {failure::broke_off_late, request::page, action::close_client, cause::shown_in_part, 0},
    {failure::broke_off_late, request::session_request, action::close_client, cause::shown_in_part,
     0},
    {failure::broke_off_late, request::with_sid, action::close_client, cause::shown_in_part, 0},
    {failure::broke_off_late, request::restart, action::close_client, cause::shown_in_part, 0},
    {failure::broke_off_late, request::terminate, action::close_client, cause::shown_in_part, 0},
    {failure::broke_off_late, request::pause, action::close_client, cause::shown_in_part, 0},
    {failure::broke_off_late, request::keyed, action::close_client, cause::shown_in_part, 0},

    {failure::overdue, request::page, action::fail, cause::too_late, 0},
    {failure::overdue, request::session_request, action::fail, cause::too_late, 0},
    {failure::overdue, request::with_sid, action::repeat_same_node, cause::rid_protects, 1},
    {failure::overdue, request::restart, action::repeat_same_node, cause::rid_protects, 1},
    {failure::overdue, request::terminate, action::repeat_same_node, cause::gone_either_way, 1},
    {failure::overdue, request::pause, action::fail, cause::answer_not_stored, 0},
    {failure::overdue, request::keyed, action::fail, cause::key_sequence, 0},

    {failure::gateway_error, request::page, action::repeat_same_node, cause::safe_method, 3},
    {failure::gateway_error, request::session_request, action::repeat_any_node,
     cause::orphan_at_worst, 3},
    {failure::gateway_error, request::with_sid, action::repeat_same_node, cause::rid_protects, 3},
    {failure::gateway_error, request::restart, action::repeat_same_node, cause::rid_protects, 3},
    {failure::gateway_error, request::terminate, action::repeat_same_node, cause::gone_either_way,
     3},
    {failure::gateway_error, request::pause, action::fail, cause::answer_not_stored, 0},
    {failure::gateway_error, request::keyed, action::fail, cause::key_sequence, 0},

    {failure::server_error, request::page, action::fail, cause::final_answer, 0},
    {failure::server_error, request::session_request, action::fail, cause::final_answer, 0},
    {failure::server_error, request::with_sid, action::fail, cause::final_answer, 0},
    {failure::server_error, request::restart, action::fail, cause::final_answer, 0},
    {failure::server_error, request::terminate, action::fail, cause::final_answer, 0},
    {failure::server_error, request::pause, action::fail, cause::final_answer, 0},
    {failure::server_error, request::keyed, action::fail, cause::final_answer, 0},

    {failure::client_left, request::page, action::abandon, cause::nobody_waits, 0},
    {failure::client_left, request::session_request, action::keep_and_terminate,
     cause::nobody_waits, 0},
    {failure::client_left, request::with_sid, action::keep_waiting, cause::client_may_repeat, 0},
    {failure::client_left, request::restart, action::keep_waiting, cause::client_may_repeat, 0},
    {failure::client_left, request::terminate, action::keep_waiting, cause::client_may_repeat, 0},
    {failure::client_left, request::pause, action::keep_waiting, cause::client_may_repeat, 0},
    {failure::client_left, request::keyed, action::keep_waiting, cause::client_may_repeat, 0},
};
static_assert(std::size(table) == node_failure_count * request_class_count);

bool is_repeat(action a) {
    return a == action::repeat_same_node || a == action::repeat_any_node;
}

TEST(repeat_rules, follow_the_table) {
    repeat_limits limits;
    limits.repeats = 3;
    limits.connects = 4;
    std::set<std::pair<failure, request>> seen;
    for (const expectation& e : table) {
        const std::string where = label(e.at, e.what);
        EXPECT_TRUE(seen.emplace(e.at, e.what).second) << where;
        repeat_question question = first(e.at, e.what);
        repeat_decision decision = decide_repeat(question, limits);
        EXPECT_EQ(name_of(decision.action), name_of(e.first)) << where;
        EXPECT_EQ(name_of(decision.cause), name_of(e.why)) << where;
        unsigned repeats = 0;
        while (is_repeat(decision.action) && repeats < 100) {
            ++repeats;
            ++(e.at == failure::not_sent ? question.connects_repeated : question.sends_repeated);
            decision = decide_repeat(question, limits);
        }
        EXPECT_EQ(repeats, e.most_repeats) << where;
        if (e.most_repeats > 0) {
            EXPECT_EQ(name_of(decision.action), "fail") << where;
            EXPECT_EQ(name_of(decision.cause), "out_of_repeats") << where;
        }
    }
}

TEST(repeat_rules, limits_hold_at_n_and_n_plus_1) {
    for (const unsigned most : {0U, 1U, 2U, 7U}) {
        repeat_limits limits;
        limits.repeats = most;
        limits.connects = most;
        repeat_question question = first(failure::idle_closed, request::with_sid);
        question.sends_repeated = most;
        EXPECT_EQ(decide_repeat(question, limits).cause, cause::out_of_repeats) << most;
        question.connects_repeated = 100;
        if (most > 0) {
            --question.sends_repeated;
            EXPECT_EQ(decide_repeat(question, limits).action, action::repeat_same_node) << most;
        }
        question = first(failure::not_sent, request::with_sid);
        question.connects_repeated = most;
        EXPECT_EQ(decide_repeat(question, limits).cause, cause::out_of_repeats) << most;
        question.sends_repeated = 100;
        if (most > 0) {
            --question.connects_repeated;
            EXPECT_EQ(decide_repeat(question, limits).action, action::repeat_same_node) << most;
        }
    }
}

TEST(repeat_rules, a_repeat_needs_its_time) {
    const repeat_limits limits;
    for (const expectation& e : table) {
        repeat_question question = first(e.at, e.what);
        const repeat_decision decision = decide_repeat(question, limits);
        const auto needed = decision.pause + limits.least_budget;
        question.budget_left = needed;
        EXPECT_EQ(decide_repeat(question, limits), decision) << label(e.at, e.what);
        question.budget_left = needed - 1ms;
        const repeat_decision late = decide_repeat(question, limits);
        if (is_repeat(decision.action)) {
            EXPECT_EQ(late.action, action::fail) << label(e.at, e.what);
            EXPECT_EQ(late.cause, cause::out_of_time) << label(e.at, e.what);
            EXPECT_EQ(late.pause, 0ms) << label(e.at, e.what);
        } else {
            EXPECT_EQ(late, decision) << label(e.at, e.what);
        }
        question.budget_left = -1h;
        EXPECT_FALSE(is_repeat(decide_repeat(question, limits).action)) << label(e.at, e.what);
    }
}

TEST(repeat_rules, only_gateway_errors_are_given_a_pause_that_doubles) {
    repeat_limits limits;
    limits.repeats = 100;
    limits.first_pause = 250ms;
    for (const expectation& e : table) {
        const repeat_decision decision = decide_repeat(first(e.at, e.what), limits);
        const bool pauses = e.at == failure::gateway_error && is_repeat(decision.action);
        EXPECT_EQ(decision.pause, pauses ? 250ms : 0ms) << label(e.at, e.what);
    }
    repeat_question question = first(failure::gateway_error, request::with_sid);
    const std::chrono::milliseconds pauses[] = {250ms, 500ms, 1s, 2s, 4s};
    for (const auto pause : pauses) {
        EXPECT_EQ(decide_repeat(question, limits).pause, pause);
        ++question.sends_repeated;
    }
    question.sends_repeated = 99;
    EXPECT_EQ(decide_repeat(question, limits).pause, 250ms * 1024) << "it stops growing";
}

TEST(repeat_rules, a_rid_that_the_node_forgot_is_not_sent_again) {
    for (const request r : all_requests) {
        const bool has_rid = r != request::page && r != request::session_request;
        for (const expectation& e : table) {
            if (e.what != r)
                continue;
            repeat_question question = first(e.at, r);
            const repeat_decision inside = decide_repeat(question, {});
            question.rid_in_window = false;
            const repeat_decision outside = decide_repeat(question, {});
            if (is_repeat(inside.action) && has_rid && e.at != failure::not_sent) {
                EXPECT_EQ(outside.cause, cause::forgotten_by_node) << label(e.at, r);
                EXPECT_EQ(outside.action, action::fail) << label(e.at, r);
            } else {
                EXPECT_EQ(outside, inside) << label(e.at, r);
            }
        }
    }
    // Once it may have reached the node, a failed connect does not make it new again.
    repeat_question question = first(failure::not_sent, request::with_sid);
    question.rid_in_window = false;
    question.sends_repeated = 1;
    EXPECT_EQ(decide_repeat(question, {}).cause, cause::forgotten_by_node);
}

TEST(repeat_rules, a_repeated_terminate_may_find_the_session_gone) {
    for (const expectation& e : table) {
        const repeat_decision decision = decide_repeat(first(e.at, e.what), {});
        const bool success =
            e.what == request::terminate && is_repeat(decision.action) && e.at != failure::not_sent;
        EXPECT_EQ(decision.item_not_found_is_success, success) << label(e.at, e.what);
    }
    repeat_question question = first(failure::not_sent, request::terminate);
    EXPECT_FALSE(decide_repeat(question, {}).item_not_found_is_success);
    question.sends_repeated = 1; // the send before may have got through
    EXPECT_TRUE(decide_repeat(question, {}).item_not_found_is_success);
}

TEST(repeat_rules, tell_the_class_of_a_request) {
    struct {
        const char* attributes;
        request_class wanted;
    } const cases[] = {
        {"rid='1' to='x'", request::session_request},
        {"rid='1' to='x' newkey='k'", request::keyed},
        {"rid='2' sid='s'", request::with_sid},
        {"rid='2' sid='s' to='x'", request::with_sid},
        {"rid='2' sid='s' key='k'", request::keyed},
        {"rid='2' sid='s' key='k' type='terminate'", request::keyed},
        {"rid='2' sid='s' type='terminate'", request::terminate},
        {"rid='2' sid='s' type='terminate' stream='a'", request::terminate},
        {"rid='2' sid='s' pause='9'", request::pause},
        {"rid='2' sid='s' xmlns:xmpp='urn:xmpp:xbosh' xmpp:restart='true'", request::restart},
    };
    for (const auto& c : cases) {
        const std::string document =
            "<body xmlns='http://jabber.org/protocol/httpbind' " + std::string(c.attributes) + "/>";
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.attributes;
        EXPECT_EQ(name_of(class_of(tag)), name_of(c.wanted)) << c.attributes;
    }
}

template <class Enum>
void expect_names(std::size_t count) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < count; ++i)
        names.insert(name_of(static_cast<Enum>(i)));
    EXPECT_EQ(names.size(), count);
    EXPECT_FALSE(names.contains(""));
    EXPECT_EQ(name_of(static_cast<Enum>(count)), "") << "the count is that of the enum";
}

TEST(repeat_rules, everything_has_a_name_of_its_own) {
    expect_names<node_failure>(node_failure_count);
    expect_names<request_class>(request_class_count);
    expect_names<repeat_action>(static_cast<std::size_t>(action::abandon) + 1);
    expect_names<repeat_cause>(static_cast<std::size_t>(cause::forgotten_by_node) + 1);
}

} // namespace
} // namespace boshgate::routing
