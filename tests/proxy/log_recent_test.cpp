// The last warnings and errors: in order, bounded, each with its kind.

#include "proxy/log_recent.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::tests {
namespace {

using namespace proxy;

TEST(LogRecent, KeepsWhatTheLogWarnsOf) {
    log_warning("a warning");
    log_error("an error");
    log_info("no trouble");
    log_limited(log_topic::node_tls, "log-recent-test", "one of many");
    const auto kept = log_recent();
    ASSERT_GE(kept.size(), 3U);
    EXPECT_EQ(kept[0].text, "one of many");
    EXPECT_EQ(kept[0].topic, log_topic::node_tls);
    EXPECT_EQ(kept[0].level, conf::log_level::warning);
    EXPECT_EQ(kept[1].text, "an error");
    EXPECT_EQ(kept[1].level, conf::log_level::error);
    EXPECT_EQ(kept[1].topic, std::nullopt);
    EXPECT_EQ(kept[2].text, "a warning");
    EXPECT_EQ(kept[0].number, kept[1].number + 1);
    EXPECT_GE(kept[0].unix_ms, kept[2].unix_ms);
    EXPECT_GT(kept[2].unix_ms, 1'600'000'000'000);
}

TEST(LogRecent, KeepsNoMoreThanItMay) {
    log_remember(conf::log_level::warning, std::nullopt, "the oldest");
    for (std::size_t i = 1; i < log_recent_max; ++i) {
        log_remember(conf::log_level::warning, std::nullopt, "filler");
    }
    auto kept = log_recent();
    ASSERT_EQ(kept.size(), log_recent_max);
    EXPECT_EQ(kept.back().text, "the oldest");
    log_remember(conf::log_level::warning, std::nullopt, "the newest");
    kept = log_recent();
    ASSERT_EQ(kept.size(), log_recent_max);
    EXPECT_EQ(kept.back().text, "filler");
    EXPECT_EQ(kept.front().text, "the newest");
}

TEST(LogRecent, CutsLongTextBetweenCharacters) {
    struct row {
        std::string text, kept;
    };
    const std::string most(log_recent_bytes, 'a');
    const std::string one_less(log_recent_bytes - 1, 'a');
    for (const row& one : {row{most, most}, row{most + "b", most + "..."},
                           row{one_less + "\xc3\xa4", one_less + "..."},
                           row{one_less + "\xc3\xa4 more", one_less + "..."}}) {
        log_remember(conf::log_level::warning, std::nullopt, one.text);
        EXPECT_EQ(log_recent().front().text, one.kept) << one.text.size() << " bytes";
    }
}

} // namespace
} // namespace boshgate::tests
