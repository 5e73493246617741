#include "proxy/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace boshgate::proxy {
namespace {

using std::chrono::milliseconds;

struct alarm final : timed {
    void on_deadline() override {
        ++rung;
        if (then) {
            then();
        }
    }
    int rung = 0;
    std::function<void()> then;
};

TEST(TimerWheel, RingsOnceAtMostOneTickLateAndNeverEarly) {
    for (const int delay :
         {0, 1, 24, 25, 26, 1000, 60'000, 102'399, 102'400, 102'401, 150'000, 400'000}) {
        timer_wheel wheel;
        alarm one;
        wheel.set(one, milliseconds{7}, milliseconds{delay});
        wheel.advance(milliseconds{7 + delay - 1});
        EXPECT_EQ(one.rung, 0) << delay;
        wheel.advance(milliseconds{7 + delay} + 2 * timer_wheel::tick);
        EXPECT_EQ(one.rung, 1) << delay;
        wheel.advance(milliseconds{7 + delay + 1'000'000});
        EXPECT_EQ(one.rung, 1) << delay;
    }
}

TEST(TimerWheel, SettingAgainMovesTheDeadlineBothWays) {
    timer_wheel wheel;
    alarm later;
    alarm sooner;
    wheel.set(later, milliseconds{0}, milliseconds{1000});
    wheel.set(later, milliseconds{0}, milliseconds{5000});
    wheel.set(sooner, milliseconds{0}, milliseconds{5000});
    wheel.set(sooner, milliseconds{0}, milliseconds{1000});
    wheel.advance(milliseconds{2000});
    EXPECT_EQ(later.rung, 0);
    EXPECT_EQ(sooner.rung, 1);
    wheel.advance(milliseconds{5100});
    EXPECT_EQ(later.rung, 1);
}

TEST(TimerWheel, UnsetAndDestroyedTimersStaySilent) {
    timer_wheel wheel;
    alarm unset;
    auto gone = std::make_unique<alarm>();
    wheel.set(unset, milliseconds{0}, milliseconds{100});
    wheel.set(*gone, milliseconds{0}, milliseconds{100});
    wheel.unset(unset);
    gone.reset();
    wheel.advance(milliseconds{1000});
    EXPECT_EQ(unset.rung, 0);
}

TEST(TimerWheel, ADeadlineMayDestroyAndSetOthersOfItsSlot) {
    timer_wheel wheel;
    alarm first;
    auto second = std::make_unique<alarm>();
    alarm third;
    first.then = [&] {
        second.reset();
        wheel.set(third, milliseconds{100}, milliseconds{0});
    };
    wheel.set(first, milliseconds{0}, milliseconds{100});
    wheel.set(*second, milliseconds{0}, milliseconds{100});
    wheel.set(third, milliseconds{0}, milliseconds{100});
    wheel.advance(milliseconds{150});
    EXPECT_EQ(first.rung, 1);
    EXPECT_EQ(second, nullptr);
    wheel.advance(milliseconds{300});
    EXPECT_EQ(third.rung, 1);
}

TEST(TimerWheel, SleepEndsInTimeForTheNextDeadline) {
    timer_wheel wheel;
    EXPECT_EQ(wheel.sleep(milliseconds{0}), -1);
    alarm one;
    wheel.set(one, milliseconds{0}, milliseconds{1000});
    const int sleep = wheel.sleep(milliseconds{0});
    EXPECT_GE(sleep, 1000);
    EXPECT_LE(sleep, 1000 + 2 * timer_wheel::tick.count());
    wheel.advance(milliseconds{sleep});
    EXPECT_EQ(one.rung, 1);
}

// Against a model: each timer rings at the first advance at or behind its deadline (within a tick),
// exactly once for each setting that was not overwritten.
TEST(TimerWheel, AgreesWithAModelUnderRandomUse) {
    const std::uint32_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    timer_wheel wheel;
    std::vector<alarm> alarms(50);
    std::vector<std::int64_t> due(alarms.size(), -1);
    std::vector<int> expected(alarms.size(), 0);
    std::int64_t now = 0;
    for (int step = 0; step < 20'000; ++step) {
        const std::size_t which = random() % alarms.size();
        switch (random() % 4) {
        case 0:
        case 1: {
            const std::int64_t delay = random() % (random() % 8 == 0 ? 300'000 : 3000);
            wheel.set(alarms[which], milliseconds{now}, milliseconds{delay});
            due[which] = now + delay;
            break;
        }
        case 2:
            wheel.unset(alarms[which]);
            due[which] = -1;
            break;
        default:
            now += random() % 400;
            wheel.advance(milliseconds{now});
            for (std::size_t i = 0; i < alarms.size(); ++i) {
                if (due[i] >= 0 && alarms[i].rung == expected[i] + 1) {
                    ASSERT_LE(due[i], now) << "rang early";
                    ++expected[i];
                    due[i] = -1;
                }
                ASSERT_EQ(alarms[i].rung, expected[i]) << "timer " << i;
                ASSERT_FALSE(due[i] >= 0 && due[i] + 2 * timer_wheel::tick.count() < now)
                    << "rang late";
            }
        }
    }
}

} // namespace
} // namespace boshgate::proxy
