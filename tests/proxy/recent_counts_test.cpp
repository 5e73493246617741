// How often things happened lately: by the minute, for a quarter of an hour.

#include "proxy/recent_counts.hpp"

#include <gtest/gtest.h>

namespace boshgate::tests {
namespace {

using proxy::recent_counts;

constexpr std::int64_t minute = recent_counts::minute_ms;
constexpr auto minutes = static_cast<std::int64_t>(recent_counts::minutes);

TEST(RecentCounts, NothingHasHappenedYet) {
    const recent_counts counts(2);
    EXPECT_EQ(counts.lately(0, 0), 0U);
    EXPECT_EQ(counts.lately(1, 1'000'000'000), 0U);
    EXPECT_EQ(counts.last_ms(1), -1);
}

TEST(RecentCounts, SumsWhatGrew) {
    recent_counts counts(2);
    counts.read(0, 3, 10);
    counts.read(0, 3, 20); // not grown: not seen
    counts.read(0, 5, minute + 30);
    counts.read(1, 7, minute + 40);
    EXPECT_EQ(counts.lately(0, minute + 50), 5U);
    EXPECT_EQ(counts.last_ms(0), minute + 30);
    EXPECT_EQ(counts.lately(1, minute + 50), 7U);
}

TEST(RecentCounts, ForgetsAfterAQuarterOfAnHour) {
    recent_counts counts(1);
    counts.read(0, 4, 0);
    EXPECT_EQ(counts.lately(0, minutes * minute - 1), 4U) << "the last moment";
    EXPECT_EQ(counts.lately(0, minutes * minute), 0U) << "one later";
    EXPECT_EQ(counts.last_ms(0), 0) << "when it was is not forgotten";
    counts.read(0, 5, minutes * minute); // takes the place of the first minute
    EXPECT_EQ(counts.lately(0, minutes * minute), 1U);
}

TEST(RecentCounts, LeavesOutWhatLiesBehindAGap) {
    recent_counts counts(1);
    counts.read(0, 1, 0);
    counts.read(0, 3, 5 * minute);
    counts.read(0, 6, 3 * minutes * minute + minute);
    EXPECT_EQ(counts.lately(0, 3 * minutes * minute + minute), 3U);
}

} // namespace
} // namespace boshgate::tests
