#include "routing/http_date.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

#include <random>

namespace boshgate::routing {
namespace {

TEST(http_date, prints_imf_fixdate) {
    const struct {
        std::int64_t time;
        std::string_view text;
    } rows[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
        {-62167219201, "Sat, 01 Jan 0000 00:00:00 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(http_date(row.time), row.text);
}

TEST(read_http_date, reads_three_forms_and_refuses_the_rest) {
    const struct {
        std::string_view text;
        std::optional<std::int64_t> time;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, // the day's name is not looked at twice
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Tuesday, 31-Dec-69 00:00:00 GMT", 3155673600}, // 2069
        {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Fri, 30 Jun 2012 23:59:60 GMT", 1341100800}, // a leap second
        {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
        {"", {}},
        {"0", {}},
        {"Sun, 6 Nov 1994 08:49:37 GMT", {}},
        {"sun, 06 nov 1994 08:49:37 gmt", {}},
        {"Sun, 06 Nov 1994 08:49:37 UTC", {}},
        {"Sun, 06 Nov 1994 08:49:37", {}},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", {}},
        {" Sun, 06 Nov 1994 08:49:37 GMT", {}},
        {"Sun,  06 Nov 1994 08:49:37 GMT", {}},
        {"Sun, 06 Nov 94 08:49:37 GMT", {}},
        {"Sun, 00 Nov 1994 08:49:37 GMT", {}},
        {"Sun, 31 Nov 1994 08:49:37 GMT", {}},
        {"Thu, 29 Feb 2001 00:00:00 GMT", {}},
        {"Sun, 06 Nov 1994 24:00:00 GMT", {}},
        {"Sun, 06 Nov 1994 08:60:00 GMT", {}},
        {"Sun, 06 Nov 1994 08:49:61 GMT", {}},
        {"Sun, 06 Nov 1994 8:49:37 GMT", {}},
        {"Sun, 06 Nov 1994 -8:49:37 GMT", {}},
        {"Sun, 06-Nov-94 08:49:37 GMT", {}},
        {"Sunday, 06-Nov-1994 08:49:37 GMT", {}},
        {"Sun Nov 6 08:49:37 1994", {}},
        {"Sun Nov  6 08:49:37 94", {}},
        {"Sun Nov  6 08:49:37 1994 GMT", {}},
        {"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", {}},
    };
    for (const auto& row : rows)
        EXPECT_EQ(read_http_date(row.text), row.time) << row.text;
}

TEST(read_http_date, reads_back_what_is_printed) {
    random_source random;
    std::uniform_int_distribution<std::int64_t> times(-62167219200, 253402300799);
    for (int i = 0; i < 20'000; ++i) {
        const auto time = times(random);
        ASSERT_EQ(read_http_date(http_date(time)), time) << http_date(time);
        ASSERT_EQ(http_date(time).size(), 29u);
    }
}

TEST(read_http_date, takes_no_prefix_for_a_date) {
    for (const std::string_view whole :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
          "Sun Nov  6 08:49:37 1994"})
        for (std::size_t i = 0; i < whole.size(); ++i)
            EXPECT_EQ(read_http_date(whole.substr(0, i)), std::nullopt) << whole.substr(0, i);
}

} // namespace
} // namespace boshgate::routing
