// Plays many clusters and says what has to hold in all of them: every login ends at the user's
// home, or at the backup where the home is down, or with an honest failure; within the steps and
// the time that it has, without asking a dead node twice, and without leaving a session behind.
//
// seeds.hpp has the variables that choose the worlds.
#include "tests/sim/login_world.hpp"
#include "tests/sim/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace boshgate::sim {
namespace {

login_result play(const login_scenario& what, const char* name) {
    const auto [traced, first, worlds] = seeds::chosen();
    login_result all_of_them;
    for (std::uint64_t seed = first; seed != first + worlds; ++seed) {
        all_of_them.add(run(what, seed, traced));
    }
    std::printf("%s: seeds %llu to %llu, %s\n", name, static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(first + worlds - 1), all_of_them.text().c_str());
    EXPECT_EQ(all_of_them.wrong, 0U) << all_of_them.text();
    EXPECT_EQ(all_of_them.logins, what.logins * worlds);
    return all_of_them;
}

std::uint64_t count(const login_result& of, const char* failure) {
    const auto found = of.failed.find(failure);
    return found == of.failed.end() ? 0 : found->second;
}

std::uint64_t all_failed(const login_result& of) {
    std::uint64_t sum = 0;
    for (const auto& [why, number] : of.failed) {
        sum += number;
    }
    return sum;
}

TEST(right_node, where_nothing_changes_everybody_is_at_home_in_two_steps) {
    const login_result got = play({}, "quiet");
    EXPECT_EQ(got.calm, got.logins);
    EXPECT_EQ(got.at_home + got.homes_found, got.logins);
    EXPECT_LE(got.most_steps(), 2U);
}

TEST(right_node, without_a_cache_it_is_two_steps_for_everybody) {
    const login_result got = play({.cached = false}, "no cache");
    EXPECT_EQ(got.at_home + got.homes_found, got.logins);
    EXPECT_EQ(got.steps[0], 0U);
    EXPECT_EQ(got.steps[2], got.at_home);
}

TEST(right_node, nodes_die) {
    const login_result got = play({.kills = 8}, "killed");
    EXPECT_GT(got.at_backup, got.logins / 100);
    EXPECT_GT(got.at_home, got.logins / 2);
    EXPECT_LT(all_failed(got), got.logins / 20);
}

TEST(right_node, nodes_hang) {
    const login_result got = play({.freezes = 8}, "frozen");
    EXPECT_GT(got.at_backup, got.logins / 100);
    EXPECT_LT(all_failed(got), got.logins / 20);
    EXPECT_GT(got.longest_ms, 999U);
}

TEST(right_node, users_have_one_node) {
    const login_result got =
        play({.cluster = {.pairs = false, .nowhere_in_thousand = 200}, .kills = 5, .freezes = 3},
             "home only, or none");
    EXPECT_EQ(got.at_backup, 0U);
    EXPECT_GT(got.where_it_is, got.logins / 20);
    EXPECT_GT(count(got, "homes_down"), 0U);
}

TEST(right_node, users_are_moved) {
    const login_result got = play({.moves = 200}, "moved");
    EXPECT_EQ(all_failed(got), 0U);
    EXPECT_LE(got.at_backup + got.moved_before, got.logins / 1000) << "moved while they logged in";
    EXPECT_LE(got.most_steps(), 4U);
}

TEST(right_node, users_are_moved_and_nodes_learn_of_it_late) {
    const login_result got =
        play({.cluster = {.lag = 5 * second}, .moves = 200}, "moved, learnt late");
    EXPECT_EQ(all_failed(got), 0U);
    EXPECT_GT(got.at_home, got.logins / 2);
}

TEST(right_node, homes_name_nobody_but_send_away) {
    const login_result got = play(
        {.cluster = {.speech = home_speech::sends_away}, .kills = 5, .freezes = 3, .moves = 100},
        "sends away");
    EXPECT_GT(got.at_backup, got.logins / 200);
    EXPECT_GT(got.at_home, got.logins / 2);
}

TEST(right_node, discovery_nodes_are_homes) {
    const login_result got =
        play({.cluster = {.discovery_homes = true}, .kills = 5, .freezes = 3, .moves = 50},
             "discovery nodes are homes");
    EXPECT_GT(got.at_home, got.logins / 2);
}

TEST(right_node, no_discovery_node_is_left) {
    const login_result got = play({.kills = 3, .no_discovery = 3}, "no discovery node");
    EXPECT_GT(got.at_home, got.logins / 2);
    EXPECT_LT(all_failed(got), got.logins / 20);
}

TEST(right_node, there_is_one_discovery_node) {
    const login_result got =
        play({.kills = 5, .freezes = 3, .secondary = false}, "one discovery node");
    EXPECT_GT(got.at_home, got.logins / 2);
}

TEST(right_node, no_node_is_left) {
    const login_result got = play({.no_node = 3}, "no node");
    EXPECT_GT(all_failed(got), got.logins / 100);
    EXPECT_EQ(count(got, "out_of_steps"), 0U);
}

TEST(right_node, everything_at_once) {
    const login_result got = play({.cluster = {.discovery_homes = true,
                                               .lag = 3 * second,
                                               .late_in_thousand = 100,
                                               .unknown_in_thousand = 100,
                                               .nowhere_in_thousand = 50},
                                   .kills = 8,
                                   .freezes = 6,
                                   .leaves = 4,
                                   .moves = 100,
                                   .no_discovery = 1,
                                   .no_node = 1,
                                   .gone_in_thousand = 30},
                                  "everything");
    EXPECT_GT(got.calm, got.logins / 100);
    EXPECT_GT(count(got, "gone"), 0U);
    EXPECT_EQ(count(got, "out_of_steps"), 0U);
}

} // namespace
} // namespace boshgate::sim
