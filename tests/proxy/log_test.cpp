// The error log: where it goes, what it lets through, and how it bounds what repeats.

#include "proxy/log.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using namespace proxy;

// Sends the log to a file for the time of a test.
class Log : public testing::Test {
  protected:
    void open(conf::log_level level = conf::log_level::info) {
        conf::log settings;
        settings.file = file_;
        settings.level = level;
        std::string problem;
        ASSERT_TRUE(log_open(settings, problem)) << problem;
    }
    void TearDown() override {
        std::string problem;
        ASSERT_TRUE(log_open({}, problem)) << problem;
    }
    // lines of the file that have `part` in them.
    [[nodiscard]] std::vector<std::string> lines(const std::string& part = {}) const {
        std::vector<std::string> found;
        std::ifstream in(file_);
        for (std::string line; std::getline(in, line);) {
            if (line.find(part) != std::string::npos) {
                found.push_back(line);
            }
        }
        return found;
    }

    temp_directory directory_;
    std::string file_ = (directory_.path() / "events.log").string();
};

// How many lines a line says were left out before it.
std::uint64_t left_out_before(const std::string& line) {
    const std::size_t at = line.rfind(" (");
    return line.find(" more like it were left out)") == std::string::npos
               ? 0
               : std::stoull(line.substr(at + 2));
}

TEST_F(Log, WritesTheLevelsThatAreAskedFor) {
    open(conf::log_level::warning);
    EXPECT_TRUE(log_enabled(conf::log_level::error));
    EXPECT_TRUE(log_enabled(conf::log_level::warning));
    EXPECT_FALSE(log_enabled(conf::log_level::info));
    EXPECT_FALSE(log_enabled(conf::log_level::debug));
    log_error("one");
    log_warning("two");
    log_info("three");
    log_debug("four");
    ASSERT_EQ(lines().size(), 2U);
    EXPECT_TRUE(lines()[0].ends_with(" error one")) << lines()[0];
    EXPECT_TRUE(lines()[1].ends_with(" warning two")) << lines()[1];
}

TEST_F(Log, AFileThatCannotBeOpenedLeavesTheLogWhereItWas) {
    open();
    conf::log elsewhere;
    elsewhere.file = (directory_.path() / "no" / "such" / "directory" / "x").string();
    std::filesystem::create_directory(directory_.path() / "no");
    std::ofstream(directory_.path() / "no" / "such") << "a file in the way";
    std::string problem;
    EXPECT_FALSE(log_open(elsewhere, problem));
    EXPECT_NE(problem, "");
    log_info("still here");
    EXPECT_EQ(lines("still here").size(), 1U);
}

TEST_F(Log, GoesOnInANewFileAfterRotation) {
    open(conf::log_level::warning);
    log_warning("before");
    std::filesystem::rename(file_, file_ + ".1");
    log_warning("between");
    EXPECT_FALSE(std::filesystem::exists(file_));
    log_reopen();
    log_warning("after");
    log_info("too quiet"); // the level survives
    ASSERT_EQ(lines().size(), 1U);
    EXPECT_TRUE(lines()[0].ends_with(" after"));
}

// The limiter reads the clock itself, so the test holds at any pace: what was written and what the
// lines say was left out make up what was said.
TEST_F(Log, WhatRepeatsIsLimitedAndTheRestIsCounted) {
    open();
    std::uint64_t said = 0;
    std::uint64_t told = 0;
    std::size_t most = 0;
    // Until a second has passed and the next line says what was left out; bounded, if none ever
    // does.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (bool gap = false; !gap && std::chrono::steady_clock::now() < patience;) {
        ++said;
        log_limited(log_topic::node_answer, "noisy", "node noisy: gone");
        if (said % 1000 != 0) {
            continue;
        }
        const std::vector<std::string> all = lines("node noisy");
        told = all.size();
        most = 0;
        std::string second;
        std::size_t in_second = 0;
        for (const std::string& line : all) {
            told += left_out_before(line);
            gap = gap || left_out_before(line) != 0;
            in_second = line.substr(0, 19) == second ? in_second + 1 : 1;
            second = line.substr(0, 19);
            most = std::max(most, in_second);
        }
    }
    EXPECT_GT(told, log_limit_per_second) << "no line said how many were left out";
    EXPECT_LE(told, said);
    // The limiter's seconds and those of the time stamps need not begin together.
    EXPECT_LE(most, 2 * log_limit_per_second);
    EXPECT_LT(lines("node noisy").size(), said / 10);
}

TEST_F(Log, OneNodesNoiseHidesNoOtherAndNoOtherTopic) {
    open();
    for (int i = 0; i < 1000; ++i) {
        log_limited(log_topic::node_answer, "loud", "node loud: gone");
    }
    log_limited(log_topic::node_answer, "calm", "node calm: gone");
    log_limited(log_topic::node_tls, "loud", "node loud: TLS");
    EXPECT_EQ(lines("node calm: gone").size(), 1U);
    EXPECT_EQ(lines("node loud: TLS").size(), 1U);
    EXPECT_GE(lines("node loud: gone").size(), log_limit_per_second);
    EXPECT_LT(lines("node loud: gone").size(), 1000U);
}

} // namespace
} // namespace boshgate::tests
