#include "discovery/node_silence.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

using std::chrono::milliseconds;
using action = node_silence::action;
using change = node_silence::change;

constexpr silence_rules rules{.interval = milliseconds{1000}, .fall = 2};

struct look {
    const char* name;
    std::int64_t now, last_word;
    bool holds;
    action expected;
};

TEST(node_silence, asks_only_a_silent_node_that_holds_something) {
    const std::vector<look> looks{
        {"nothing held, silent", 50'000, 0, false, action::wait},
        {"held, spoke just now", 50'000, 50'000, true, action::wait},
        {"held, spoke 999 ms ago", 50'000, 49'001, true, action::wait},
        {"held, spoke 1000 ms ago", 50'000, 49'000, true, action::ask},
        {"held, never spoke", 50'000, 0, true, action::ask},
    };
    for (const look& one : looks) {
        node_silence node;
        EXPECT_EQ(node.on_time(one.now, one.last_word, one.holds, rules), one.expected) << one.name;
    }
}

TEST(node_silence, never_asks_with_interval_0) {
    node_silence node;
    EXPECT_EQ(node.on_time(50'000, 0, true, {.interval = milliseconds{0}, .fall = 1}),
              action::wait);
}

TEST(node_silence, one_question_at_a_time) {
    node_silence node;
    ASSERT_EQ(node.on_time(1000, 0, true, rules), action::ask);
    EXPECT_EQ(node.on_time(2000, 0, true, rules), action::wait);
    EXPECT_EQ(node.on_answer(), change::none);
    EXPECT_EQ(node.on_time(3000, 0, true, rules), action::ask);
}

TEST(node_silence, dies_at_fall_questions_without_an_answer_and_not_before) {
    for (unsigned fall : {1U, 2U, 5U}) {
        const silence_rules such{.interval = milliseconds{1000}, .fall = fall};
        node_silence node;
        for (unsigned i = 1; i <= fall; ++i) {
            ASSERT_EQ(node.on_time(1000 * i, 0, true, such), action::ask);
            EXPECT_EQ(node.on_no_answer(such), i == fall ? change::died : change::none)
                << i << " of " << fall;
        }
        EXPECT_TRUE(node.dead());
    }
}

TEST(node_silence, a_word_to_somebody_else_forgives_what_was_unanswered) {
    node_silence node;
    ASSERT_EQ(node.on_time(1000, 0, true, rules), action::ask);
    ASSERT_EQ(node.on_no_answer(rules), change::none);
    ASSERT_EQ(node.on_time(2000, 1900, true, rules), action::wait);
    ASSERT_EQ(node.on_time(3000, 1900, true, rules), action::ask);
    EXPECT_EQ(node.on_no_answer(rules), change::none);
    EXPECT_FALSE(node.dead());
}

TEST(node_silence, a_dead_node_is_asked_whatever_it_holds_and_revives_with_its_first_answer) {
    node_silence node;
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(node.on_time(1000, 0, true, rules), action::ask);
        [[maybe_unused]] const change so_far = node.on_no_answer(rules);
    }
    ASSERT_TRUE(node.dead());
    EXPECT_EQ(node.on_time(5000, 5000, false, rules), action::ask);
    EXPECT_EQ(node.on_no_answer(rules), change::none) << "it dies once";
    EXPECT_EQ(node.on_time(6000, 0, false, rules), action::ask);
    EXPECT_EQ(node.on_answer(), change::revived);
    EXPECT_FALSE(node.dead());
    EXPECT_EQ(node.on_time(7000, 0, false, rules), action::wait);
}

} // namespace
} // namespace boshgate::discovery
