#include "conf/units.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace boshgate::conf {
namespace {

using std::chrono::milliseconds;

struct good_duration {
    const char* text;
    std::int64_t ms;
};

TEST(units, reads_durations) {
    for (const auto& [text, ms] :
         {good_duration{"0s", 0},
          {"0ms", 0},
          {"1ms", 1},
          {"250ms", 250},
          {"30s", 30'000},
          {"2m", 120'000},
          {"1h", 3'600'000},
          {"9223372036854775807ms", std::numeric_limits<std::int64_t>::max()}}) {
        const auto read = parse_duration(text);
        ASSERT_TRUE(read) << text << ": " << read.why().what;
        EXPECT_EQ(read->count(), ms) << text;
    }
}

struct bad_text {
    const char* text;
    const char* what;
    const char* hint;
};

void expect_fault(const bad_text& row, const fault& why) {
    EXPECT_EQ(why.what, row.what) << row.text;
    EXPECT_EQ(why.did_you_mean, row.hint) << row.text;
    EXPECT_FALSE(why.expected.empty()) << row.text;
}

TEST(units, refuses_durations) {
    for (const bad_text& row : {
             bad_text{"", "'' is empty", ""},
             {"30", "'30' has no unit", "30s"},
             {"0", "'0' has no unit", "0s"},
             {"-5s", "'-5s' is negative", ""},
             {"+5s", "'+5s' does not start with a digit", ""},
             {" 5s", "' 5s' does not start with a digit", ""},
             {"s", "'s' does not start with a digit", ""},
             {"5s ", "'5s ' has an unknown unit", ""},
             {"5 s", "'5 s' has an unknown unit", "5s"},
             {"5S", "'5S' has an unknown unit", "5s"},
             {"5sec", "'5sec' has an unknown unit", "5s"},
             {"5 minutes", "'5 minutes' has an unknown unit", "5m"},
             {"2d", "'2d' has an unknown unit", "48h"},
             {"1h30m", "'1h30m' has an unknown unit", "90m"},
             {"1h30", "'1h30' has an unknown unit", ""},
             {"5us", "'5us' has an unknown unit", ""},
             {"1.5s", "'1.5s' has a fraction", "1500ms"},
             {"0.5h", "'0.5h' has a fraction", "30m"},
             {"1.5ms", "'1.5ms' has a fraction", ""},
             {"1.s", "'1.s' has a fraction", ""},
             {"030s", "'030s' has a leading zero", "30s"},
             {"00s", "'00s' has a leading zero", "0s"},
             {"0x10s", "'0x10s' has an unknown unit", ""},
             {"9223372036854775808ms", "'9223372036854775808ms' is too large", ""},
             {"9223372036854775807s", "'9223372036854775807s' is too large", ""},
             {"18446744073709551616s", "'18446744073709551616s' is too large", ""},
             {"99999999999999999999999999h", "'99999999999999999999999999h' is too large", ""},
         }) {
        const auto read = parse_duration(row.text);
        ASSERT_FALSE(read) << row.text;
        expect_fault(row, read.why());
    }
}

TEST(units, reads_sizes) {
    struct row {
        const char* text;
        std::uint64_t bytes;
    };
    for (const auto& [text, bytes] : {row{"0B", 0},
                                      {"512B", 512},
                                      {"64KiB", 65'536},
                                      {"1MiB", 1'048'576},
                                      {"2GiB", 2'147'483'648}}) {
        const auto read = parse_size(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, bytes) << text;
    }
}

TEST(units, refuses_sizes) {
    for (const bad_text& row : {
             bad_text{"16384", "'16384' has no unit", "16KiB"},
             {"16385", "'16385' has no unit", "16385B"},
             {"64K", "'64K' has an unknown unit", "64KiB"},
             {"64k", "'64k' has an unknown unit", "64KiB"},
             {"64KB", "'64KB' has an unknown unit", "64KiB"},
             {"1M", "'1M' has an unknown unit", "1MiB"},
             {"1 MiB", "'1 MiB' has an unknown unit", "1MiB"},
             {"0.5MiB", "'0.5MiB' has a fraction", "512KiB"},
             {"-1B", "'-1B' is negative", ""},
             {"1TiB", "'1TiB' has an unknown unit", ""},
             {"9007199254740992GiB", "'9007199254740992GiB' is too large", ""},
         }) {
        const auto read = parse_size(row.text);
        ASSERT_FALSE(read) << row.text;
        expect_fault(row, read.why());
    }
}

TEST(units, reads_counts) {
    EXPECT_EQ(*parse_count("0"), 0U);
    EXPECT_EQ(*parse_count("100"), 100U);
    EXPECT_EQ(*parse_count("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
}

TEST(units, refuses_counts) {
    for (const bad_text& row : {
             bad_text{"010", "'010' has a leading zero", "10"},
             {"00", "'00' has a leading zero", "0"},
             {"0x10", "'0x10' is not a whole number", ""},
             {"1_000", "'1_000' is not a whole number", "1000"},
             {"1,000", "'1,000' is not a whole number", "1000"},
             {"1e3", "'1e3' is not a whole number", ""},
             {"1.0", "'1.0' is not a whole number", ""},
             {"-1", "'-1' is negative", ""},
             {"18446744073709551616", "'18446744073709551616' is too large", ""},
         }) {
        const auto read = parse_count(row.text);
        ASSERT_FALSE(read) << row.text;
        expect_fault(row, read.why());
    }
}

TEST(units, prints_what_it_reads) {
    for (const char* text : {"0s", "1ms", "250ms", "90s", "2m", "1h", "25h"}) {
        EXPECT_EQ(print_duration(*parse_duration(text)), text);
    }
    for (const char* text : {"0B", "1B", "1000B", "64KiB", "3MiB", "1GiB"}) {
        EXPECT_EQ(print_size(*parse_size(text)), text);
    }
    EXPECT_EQ(print_duration(milliseconds{90'000}), "90s");
    EXPECT_EQ(print_duration(milliseconds{-1500}), "-1500ms");
}

} // namespace
} // namespace boshgate::conf
