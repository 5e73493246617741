#include "discovery/node_health.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

using std::chrono::milliseconds;

constexpr health_rules rules{.interval = milliseconds{1000},
                             .timeout = milliseconds{800},
                             .give_up = milliseconds{3200},
                             .rise = 2,
                             .fall = 2,
                             .jitter = 0};
constexpr health_rules never_asks{.interval = milliseconds{0}};

health_rules with_sessions() {
    health_rules out = rules;
    out.asks_sessions = true;
    return out;
}

// One node and its prober, with a clock.
struct node {
    explicit node(const health_rules& given = rules) : how(given) {}

    // The next question is asked when it is due, at most `patience` from now; false: none is.
    bool asked(std::int64_t patience = 10'000) {
        for (const std::int64_t end = now + patience; now <= end;) {
            plan = health.next(now, word, how);
            if (plan.ask) {
                sent = now;
                return true;
            }
            now += plan.pause.count();
        }
        return false;
    }
    void good(std::int64_t took = 5) {
        now += took;
        health.on_answer(plan.kind, now, took, how);
    }
    void bad(health_reason why, std::int64_t took = 0) {
        now += took;
        health.on_failure(plan.kind, why, sent, now, how);
    }
    void silent() { bad(health_reason::silent, plan.pause.count()); }

    health_rules how;
    node_health health;
    probe_plan plan;
    std::int64_t now = 1'000'000;
    std::int64_t word = 0;
    std::int64_t sent = 0;
};

// A node that was asked once, and is well.
node well(const health_rules& how = rules) {
    node one(how);
    EXPECT_TRUE(one.asked());
    one.good();
    if (how.asks_sessions) {
        EXPECT_TRUE(one.asked());
        one.good();
    }
    EXPECT_EQ(one.health.state(), health_state::up);
    return one;
}

node fallen(const health_rules& how = rules, health_reason why = health_reason::refused) {
    node one = well(how);
    for (unsigned i = 0; i < how.fall; ++i) {
        EXPECT_TRUE(one.asked());
        one.bad(why);
    }
    EXPECT_EQ(one.health.state(), health_state::down);
    return one;
}

TEST(node_health, is_asked_at_once_when_it_is_new_and_then_once_an_interval) {
    node one;
    const std::int64_t began = one.now;
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.now, began);
    one.good(0);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.now - began, 1000);
}

TEST(node_health, a_node_that_speaks_to_its_clients_is_not_asked) {
    node one = well();
    one.word = one.now + 999;
    const std::int64_t spoke = one.word;
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.now, spoke + 1000);
}

TEST(node_health, one_question_at_a_time) {
    node one;
    ASSERT_TRUE(one.asked());
    EXPECT_FALSE(one.asked());
    one.good();
    EXPECT_TRUE(one.asked());
}

TEST(node_health, what_could_not_be_asked_is_no_failure) {
    node one;
    ASSERT_TRUE(one.asked());
    one.health.on_dropped();
    EXPECT_EQ(one.health.state(), health_state::up);
    EXPECT_TRUE(one.asked());
}

TEST(node_health, interval_0_never_asks) {
    node one(never_asks);
    EXPECT_FALSE(one.asked(100'000));
}

TEST(node_health, jitter_shortens_the_pause_by_no_more_than_it_says_and_differs_by_seed) {
    health_rules how = rules;
    how.jitter = 10;
    std::set<std::int64_t> pauses;
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
        node one(how);
        one.health = node_health(seed);
        ASSERT_TRUE(one.asked());
        const std::int64_t began = one.now;
        one.good(0);
        ASSERT_TRUE(one.asked());
        EXPECT_GE(one.now - began, 900) << seed;
        EXPECT_LE(one.now - began, 1000) << seed;
        pauses.insert(one.now - began);
    }
    EXPECT_GT(pauses.size(), 20U);
}

TEST(node_health, falls_after_that_many_failures_in_a_row_and_not_one_before) {
    for (const unsigned fall : {1U, 2U, 3U, 7U}) {
        health_rules how = rules;
        how.fall = fall;
        node one = well(how);
        for (unsigned i = 1; i <= fall; ++i) {
            EXPECT_NE(one.health.state(), health_state::down) << fall << ", before failure " << i;
            ASSERT_TRUE(one.asked());
            one.bad(health_reason::no_bosh);
        }
        EXPECT_EQ(one.health.state(), health_state::down) << fall;
        EXPECT_EQ(one.health.why(), health_reason::no_bosh);
    }
}

TEST(node_health, a_good_answer_in_between_counts_from_the_beginning) {
    node one = well();
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(one.asked());
        one.bad(health_reason::broken_link);
        EXPECT_EQ(one.health.state(), health_state::suspect) << i;
        ASSERT_TRUE(one.asked());
        EXPECT_TRUE(one.plan.fresh) << "what broke one link may have broken all";
        one.good();
        EXPECT_EQ(one.health.state(), health_state::up) << i;
        EXPECT_EQ(one.health.why(), health_reason::none) << i;
    }
}

TEST(node_health, a_killed_node_is_down_with_the_next_request_or_question) {
    node one = well();
    one.now += 500;
    const std::int64_t began = one.now;
    one.health.on_sign(health_reason::refused, one.now, rules);
    EXPECT_EQ(one.health.state(), health_state::suspect);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.now, began) << "a sign is looked into at once";
    one.bad(health_reason::refused);
    EXPECT_EQ(one.health.state(), health_state::down);
    EXPECT_EQ(one.now, began);
    EXPECT_EQ(one.health.death(), node_death::none) << "it may be starting anew";
}

TEST(node_health, a_frozen_node_is_down_within_3_s_by_default_and_given_up_later) {
    node one = well(health_rules{});
    const std::int64_t froze = one.now;
    one.word = froze; // the worst case: it spoke just before
    while (one.health.state() != health_state::down) {
        ASSERT_TRUE(one.asked());
        one.silent();
    }
    EXPECT_LE(one.now - froze, 3000);
    EXPECT_EQ(one.health.why(), health_reason::silent);
    EXPECT_EQ(one.health.death(), node_death::none);
    while (one.health.death() == node_death::none) {
        ASSERT_TRUE(one.asked());
        one.silent();
    }
    EXPECT_EQ(one.health.death(), node_death::silent);
    EXPECT_LE(one.now - froze, 4300);
}

TEST(node_health, answers_after_3_s_kill_nothing_and_are_waited_for_from_then_on) {
    node one = well();
    ASSERT_TRUE(one.asked());
    const std::int64_t first = one.now;
    while (one.now - first + one.plan.pause.count() < 3000) {
        one.silent();
        ASSERT_TRUE(one.asked());
    }
    one.now = first + 3000;
    one.health.on_late_answer(one.now, 3000, rules); // of the first question
    EXPECT_EQ(one.health.death(), node_death::none);
    one.now = one.sent;
    one.good(3000);
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(one.asked()) << i;
        EXPECT_GT(one.plan.pause.count(), 3000) << i;
        one.good(3000);
    }
    EXPECT_EQ(one.health.state(), health_state::up);
}

TEST(node_health, patience_has_an_end_and_goes_when_the_node_is_quick_again) {
    node one = well();
    ASSERT_TRUE(one.asked());
    one.good(60'000);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.plan.pause.count(), 8000);
    for (int i = 0; i < 20; ++i) {
        one.good(1);
        ASSERT_TRUE(one.asked());
    }
    EXPECT_EQ(one.plan.pause.count(), 800);
}

TEST(node_health, only_silence_gives_up_what_is_held) {
    for (const health_reason why :
         {health_reason::refused, health_reason::no_bosh, health_reason::certificate,
          health_reason::unresolved, health_reason::gateway, health_reason::sick}) {
        node one = fallen(rules, why);
        for (int i = 0; i < 100; ++i) {
            ASSERT_TRUE(one.asked());
            one.bad(why);
        }
        EXPECT_EQ(one.health.death(), node_death::none) << name_of(why);
    }
}

TEST(node_health, anything_it_says_takes_silence_back) {
    node one = well();
    while (one.health.death() == node_death::none) {
        ASSERT_TRUE(one.asked());
        one.silent();
    }
    one.health.on_life();
    EXPECT_EQ(one.health.death(), node_death::none);
    EXPECT_EQ(one.health.state(), health_state::down) << "that it speaks does not say it is well";
}

TEST(node_health, rises_after_that_many_good_answers_in_a_row_asked_in_quick_succession) {
    for (const unsigned rise : {1U, 2U, 5U}) {
        health_rules how = rules;
        how.rise = rise;
        node one = fallen(how);
        ASSERT_TRUE(one.asked());
        const std::int64_t began = one.now;
        for (unsigned i = 1; i <= rise; ++i) {
            EXPECT_EQ(one.health.state(), health_state::down) << rise << ", before answer " << i;
            EXPECT_EQ(one.health.coming_back(), i > 1) << rise << ", " << i;
            one.good(0);
            if (i < rise) {
                ASSERT_TRUE(one.asked());
            }
        }
        EXPECT_EQ(one.health.state(), health_state::up) << rise;
        EXPECT_EQ(one.now - began, 250 * (rise - 1));
    }
}

TEST(node_health, a_failure_on_the_way_up_counts_from_the_beginning) {
    node one = fallen();
    ASSERT_TRUE(one.asked());
    one.good();
    ASSERT_TRUE(one.asked());
    one.bad(health_reason::refused);
    EXPECT_FALSE(one.health.coming_back());
    ASSERT_TRUE(one.asked());
    one.good();
    EXPECT_EQ(one.health.state(), health_state::down);
}

TEST(node_health, who_falls_again_soon_is_believed_later_each_time_up_to_a_bound) {
    node one = well();
    for (const unsigned needed : {2U, 16U, 64U, 64U}) {
        for (unsigned i = 0; i < rules.fall; ++i) {
            ASSERT_TRUE(one.asked());
            one.bad(health_reason::refused);
        }
        EXPECT_EQ(one.health.rise_needed(), needed);
        for (unsigned i = 0; i < needed; ++i) {
            EXPECT_EQ(one.health.state(), health_state::down) << needed << ", answer " << i;
            ASSERT_TRUE(one.asked());
            one.good();
        }
        EXPECT_EQ(one.health.state(), health_state::up) << needed;
    }
    one.now += 600'000;
    for (unsigned i = 0; i < rules.fall; ++i) {
        ASSERT_TRUE(one.asked());
        one.bad(health_reason::refused);
    }
    EXPECT_EQ(one.health.rise_needed(), 2U) << "ten minutes are long ago";
}

TEST(node_health, traffic_alone_brings_nobody_down) {
    for (const unsigned fall : {1U, 2U, 3U}) {
        health_rules how = rules;
        how.fall = fall;
        node one = well(how);
        for (int i = 0; i < 1000; ++i) {
            one.health.on_sign(health_reason::connect_timeout, one.now, how);
            one.health.on_hint();
            ++one.now;
        }
        EXPECT_EQ(one.health.state(), health_state::suspect) << fall;
    }
}

TEST(node_health, a_flood_of_signs_is_no_flood_of_questions) {
    node one = well();
    int questions = 0;
    const std::int64_t began = one.now;
    while (one.now < began + 10'000) {
        one.health.on_sign(health_reason::refused, one.now, rules);
        one.health.on_hint();
        const probe_plan plan = one.health.next(one.now, one.word, rules);
        if (plan.ask) {
            ++questions;
            one.health.on_answer(plan.kind, one.now, 0, rules);
        }
        ++one.now;
    }
    EXPECT_LE(questions, 41) << "four in an interval";
    EXPECT_GE(questions, 10);
}

TEST(node_health, a_hint_makes_it_asked_and_not_doubted) {
    node one = well();
    one.now += 500;
    const std::int64_t began = one.now;
    one.health.on_hint();
    EXPECT_EQ(one.health.state(), health_state::up);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.now, began);
}

TEST(node_health, a_word_to_a_client_clears_a_doubt) {
    node one = well();
    one.health.on_sign(health_reason::connect_timeout, one.now, rules);
    one.health.on_word(one.now + 300, rules);
    EXPECT_EQ(one.health.state(), health_state::up);
}

TEST(node_health, words_to_clients_bring_a_node_back_but_a_burst_is_one_word) {
    node one = fallen();
    for (int i = 0; i < 100; ++i) {
        one.health.on_word(one.now + 1000, rules);
    }
    EXPECT_EQ(one.health.state(), health_state::down);
    one.health.on_word(one.now + 1250, rules);
    EXPECT_EQ(one.health.state(), health_state::up);
}

TEST(node_health, no_link_for_long_gives_up_and_the_first_link_ends_that) {
    node one = well();
    one.health.on_no_link(health_reason::refused, one.now, rules);
    EXPECT_EQ(one.health.state(), health_state::down);
    EXPECT_EQ(one.health.death(), node_death::refused);
    one.health.on_link(one.now, rules);
    EXPECT_EQ(one.health.death(), node_death::none);
    EXPECT_EQ(one.health.state(), health_state::down) << "a link is no answer";
}

TEST(node_health, where_nobody_asks_the_first_link_is_enough) {
    node one(never_asks);
    one.health.on_no_link(health_reason::refused, one.now, never_asks);
    EXPECT_EQ(one.health.state(), health_state::down);
    one.health.on_link(one.now, never_asks);
    EXPECT_EQ(one.health.state(), health_state::up);
    EXPECT_EQ(one.health.death(), node_death::none);
}

TEST(node_health, where_nobody_asks_a_doubt_ends_by_a_word_or_by_itself) {
    for (const bool spoke : {true, false}) {
        node one(never_asks);
        one.health.on_sign(health_reason::refused, one.now, never_asks);
        EXPECT_FALSE(one.health.next(one.now + 9'999, 0, never_asks).ask);
        EXPECT_EQ(one.health.state(), health_state::suspect);
        const std::int64_t word = spoke ? one.now + 1 : 0;
        EXPECT_FALSE(one.health.next(one.now + (spoke ? 5 : 10'000), word, never_asks).ask);
        EXPECT_EQ(one.health.state(), health_state::up) << (spoke ? "a word" : "by itself");
    }
}

TEST(node_health, after_doubt_a_session_is_opened_before_all_is_well) {
    const health_rules how = with_sessions();
    node one = well(how);
    one.health.on_sign(health_reason::connect_timeout, one.now, how);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.plan.kind, probe_kind::bosh) << "the cheap question first";
    one.good();
    EXPECT_EQ(one.health.state(), health_state::suspect);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.plan.kind, probe_kind::session);
    one.good();
    EXPECT_EQ(one.health.state(), health_state::up);
    ASSERT_TRUE(one.asked());
    EXPECT_EQ(one.plan.kind, probe_kind::bosh);
}

TEST(node_health, a_node_that_opens_no_session_falls_though_it_answers_the_cheap_question) {
    const health_rules how = with_sessions();
    node one = well(how);
    one.now += 600'000;
    for (unsigned i = 0; i < 100 && one.health.state() != health_state::down; ++i) {
        ASSERT_TRUE(one.asked());
        one.plan.kind == probe_kind::session ? one.bad(health_reason::no_mechanisms) : one.good();
    }
    EXPECT_EQ(one.health.state(), health_state::down);
    EXPECT_EQ(one.health.why(), health_reason::no_mechanisms);
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(one.asked());
        one.plan.kind == probe_kind::session ? one.bad(health_reason::no_mechanisms) : one.good();
        EXPECT_EQ(one.health.state(), health_state::down) << i;
    }
    for (int i = 0; i < 100 && one.health.state() == health_state::down; ++i) {
        ASSERT_TRUE(one.asked());
        one.good();
    }
    EXPECT_EQ(one.health.state(), health_state::up);
}

TEST(node_health, a_session_is_rarely_opened_otherwise) {
    const health_rules how = with_sessions();
    node one = well(how);
    std::int64_t last = one.now;
    int sessions = 0;
    const std::int64_t end = one.now + 3'600'000;
    while (one.now < end) {
        ASSERT_TRUE(one.asked());
        if (one.plan.kind == probe_kind::session) {
            ++sessions;
            EXPECT_GE(one.now - last, 598'000) << sessions;
            last = one.now;
        }
        one.good();
    }
    EXPECT_GE(sessions, 5);
    EXPECT_LE(sessions, 6);
}

TEST(node_health, a_healthy_node_is_asked_over_a_new_link_once_a_minute) {
    node one = well();
    int fresh = 0;
    const std::int64_t end = one.now + 600'000;
    while (one.now < end) {
        ASSERT_TRUE(one.asked());
        fresh += one.plan.fresh ? 1 : 0;
        one.good();
    }
    EXPECT_GE(fresh, 9);
    EXPECT_LE(fresh, 10);
}

TEST(node_health, the_operators_wish_lies_over_what_was_measured) {
    for (const health_state measured :
         {health_state::up, health_state::suspect, health_state::down}) {
        EXPECT_EQ(health_shown(measured, node_wish::none), measured);
        EXPECT_EQ(health_shown(measured, node_wish::drain), health_state::draining);
        EXPECT_EQ(health_shown(measured, node_wish::disable), health_state::disabled);
    }
}

TEST(node_health, everything_has_a_name) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(health_reason::no_hostnames); ++i) {
        const auto why = static_cast<health_reason>(i);
        EXPECT_TRUE(names.insert(name_of(why)).second) << name_of(why);
        EXPECT_FALSE(words_of(why).empty()) << name_of(why);
    }
    EXPECT_EQ(name_of(health_state::disabled), "disabled");
    EXPECT_EQ(name_of(node_wish::disable), "disable");
    EXPECT_EQ(name_of(probe_kind::session), "session");
}

} // namespace
} // namespace boshgate::discovery
