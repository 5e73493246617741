// Nodes and networks by seed, against discovery/node_health: ten minutes each. What must hold in
// every world: a node that is well stays up, one that is gone is down in time and back in time, and
// a network that loses half of everything makes no node come and go.

#include "discovery/node_health.hpp"
#include "tests/sim/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <vector>

namespace boshgate::sim {
namespace {

using namespace discovery;

constexpr std::int64_t ten_minutes = 600'000;
constexpr std::uint64_t worlds_least = 2'000; // a world takes some 50 us

// A node as its prober sees it: how long an answer takes, and which part of the questions is lost.
struct node_model {
    double loss = 0;
    std::int64_t answers_in_ms = 5;
    std::int64_t gone_from = ten_minutes; // it answers nothing from here
    std::int64_t gone_to = ten_minutes;   // to here
    bool refuses = false;                 // while it is gone: else it is silent
    double words_per_s = 0;               // of its traffic, while it is there
};

struct world {
    world(std::uint64_t seed, const node_model& of)
        : random(seed), health(static_cast<std::uint32_t>(seed)), node(of) {}

    [[nodiscard]] bool gone(std::int64_t at) const {
        return at >= node.gone_from && at < node.gone_to;
    }
    [[nodiscard]] bool chance(double of) {
        return std::uniform_real_distribution<double>(0, 1)(random) < of;
    }

    void note(std::int64_t now) {
        const bool is_down = health.state() == health_state::down;
        if (is_down && !was_down) {
            ++downs;
            down_at.push_back(now);
        } else if (!is_down && was_down) {
            up_at.push_back(now);
        }
        given_up += health.death() == node_death::silent && !was_dead ? 1 : 0;
        was_dead = health.death() == node_death::silent;
        was_down = is_down;
    }

    void ask(std::int64_t& now, const probe_plan& plan) {
        const std::int64_t sent = now;
        const bool lost = chance(node.loss) || gone(now);
        if (lost && gone(now) && node.refuses) {
            health.on_failure(plan.kind, health_reason::refused, sent, now, rules);
        } else if (lost || node.answers_in_ms > plan.pause.count()) {
            now += plan.pause.count();
            health.on_failure(plan.kind, health_reason::silent, sent, now, rules);
        } else {
            now += node.answers_in_ms;
            health.on_answer(plan.kind, now, node.answers_in_ms, rules);
        }
    }

    void run() {
        std::int64_t word = 0;
        std::int64_t next_word = 0;
        for (std::int64_t now = 0; now < ten_minutes;) {
            while (node.words_per_s > 0 && next_word <= now) {
                if (!gone(next_word)) {
                    word = next_word;
                    if (health.state() != health_state::up) {
                        health.on_word(word, rules);
                        note(word);
                    }
                }
                next_word += 1 + static_cast<std::int64_t>(
                                     1000 / node.words_per_s *
                                     std::uniform_real_distribution<double>(0, 2)(random));
            }
            const probe_plan plan = health.next(now, word, rules);
            if (plan.ask) {
                ++questions;
                ask(now, plan);
            } else {
                now += std::max<std::int64_t>(1, plan.pause.count());
            }
            note(now);
        }
    }

    std::mt19937_64 random;
    health_rules rules; // the defaults
    node_health health;
    node_model node;
    unsigned downs = 0;
    unsigned given_up = 0;
    unsigned questions = 0;
    std::vector<std::int64_t> down_at, up_at;
    bool was_down = false;
    bool was_dead = false;
};

std::uint64_t worlds() {
    return std::max(seeds::chosen().count, worlds_least);
}

TEST(sim_node_health, half_of_everything_lost_makes_no_node_come_and_go) {
    const std::uint64_t first = seeds::chosen().first;
    std::vector<std::uint64_t> of_downs(8);
    for (std::uint64_t seed = first; seed < first + worlds(); ++seed) {
        world one(seed, {.loss = 0.5});
        one.run();
        ASSERT_LE(one.downs, 3U) << "seed " << seed;
        ++of_downs[one.downs];
    }
    EXPECT_LE(of_downs[3] * 50, worlds()) << "three times in one world of fifty at most";
    std::cout << worlds() << " worlds of 50 % loss from seed " << first << ": down not once in "
              << of_downs[0] << ", once in " << of_downs[1] << ", twice in " << of_downs[2]
              << ", three times in " << of_downs[3] << '\n';
}

TEST(sim_node_health, nor_does_any_other_loss) {
    const std::uint64_t first = seeds::chosen().first;
    for (const double loss : {0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.98}) {
        unsigned most = 0;
        for (std::uint64_t seed = first; seed < first + worlds() / 4; ++seed) {
            world one(seed, {.loss = loss});
            one.run();
            most = std::max(most, one.downs);
            ASSERT_LE(one.downs, 5U) << "loss " << loss << ", seed " << seed;
        }
        std::cout << "loss " << loss << ": down " << most << " times at most\n";
    }
}

TEST(sim_node_health, a_node_that_answers_is_never_down) {
    const std::uint64_t first = seeds::chosen().first;
    for (std::uint64_t seed = first; seed < first + worlds() / 4; ++seed) {
        std::mt19937_64 random(seed);
        const auto below = [&](std::int64_t most) {
            return std::uniform_int_distribution<std::int64_t>(0, most)(random);
        };
        world one(seed,
                  {.answers_in_ms = below(799), .words_per_s = static_cast<double>(below(20))});
        one.run();
        ASSERT_EQ(one.downs, 0U) << "seed " << seed;
        ASSERT_LE(one.questions, 670U) << "seed " << seed;
    }
}

TEST(sim_node_health, one_that_goes_is_down_and_back_in_time) {
    const std::uint64_t first = seeds::chosen().first;
    for (std::uint64_t seed = first; seed < first + worlds(); ++seed) {
        std::mt19937_64 random(seed);
        const auto between = [&](std::int64_t least, std::int64_t most) {
            return std::uniform_int_distribution<std::int64_t>(least, most)(random);
        };
        node_model node{.answers_in_ms = between(1, 300),
                        .gone_from = between(10'000, 100'000),
                        .refuses = between(0, 1) == 1,
                        .words_per_s = static_cast<double>(between(0, 5))};
        node.gone_to = node.gone_from + between(10'000, 300'000);
        world one(seed, node);
        one.run();
        ASSERT_EQ(one.down_at.size(), 1U) << "seed " << seed;
        ASSERT_LE(one.down_at[0] - node.gone_from, node.refuses ? 1'400 : 3'000) << "seed " << seed;
        ASSERT_EQ(one.up_at.size(), 1U) << "seed " << seed;
        // Under way, then one interval, then a quarter, and three answers.
        ASSERT_LE(one.up_at[0] - node.gone_to, 800 + 1'000 + 250 + 900) << "seed " << seed;
        ASSERT_EQ(one.given_up, node.refuses ? 0U : 1U) << "seed " << seed;
    }
}

} // namespace
} // namespace boshgate::sim
