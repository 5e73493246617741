#include "proxy/address_rates.hpp"

#include <gtest/gtest.h>

namespace boshgate::proxy::test {

namespace {

routing::ip_address address_of(std::uint8_t last, std::uint8_t before = 0) {
    routing::ip_address made;
    made.bytes[14] = before;
    made.bytes[15] = last;
    return made;
}

} // namespace

TEST(AddressRates, AMinutesAllowanceAtOnceThenInTheMean) {
    address_rates rates;
    const auto who = address_of(1);
    for (int i = 0; i < 6; ++i) {
        EXPECT_TRUE(rates.take(who, 6, 1'000)) << i;
    }
    EXPECT_FALSE(rates.take(who, 6, 1'000)) << "the seventh";
    EXPECT_FALSE(rates.take(who, 6, 10'999)) << "a millisecond before its time";
    EXPECT_TRUE(rates.take(who, 6, 11'000)) << "a sixth of a minute later";
    EXPECT_FALSE(rates.take(who, 6, 11'000));
    EXPECT_TRUE(rates.take(address_of(2), 6, 11'000)) << "another address";
    EXPECT_TRUE(rates.take(who, 0, 11'000)) << "no limit";
    EXPECT_FALSE(rates.take(who, 6, 5'000)) << "a clock that was read earlier gives nothing back";
}

TEST(AddressRates, OneThatWasQuietForLongHasNoMoreThanAMinutes) {
    address_rates rates;
    const auto who = address_of(1);
    EXPECT_TRUE(rates.take(who, 2, 0));
    int taken = 0;
    while (rates.take(who, 2, 1'000'000'000)) {
        ++taken;
    }
    EXPECT_EQ(taken, 2);
}

TEST(AddressRates, AFullTableKeepsWhoIsShortAndSharesOneAllowanceAmongTheRest) {
    address_rates rates(3);
    for (std::uint8_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(rates.take(address_of(i), 1, 10'000));
    }
    EXPECT_EQ(rates.size(), 3U);
    EXPECT_TRUE(rates.take(address_of(3), 1, 20'000)) << "the shared one";
    EXPECT_FALSE(rates.take(address_of(4), 1, 20'000)) << "is used up";
    EXPECT_EQ(rates.size(), 3U) << "bounded";
    EXPECT_FALSE(rates.take(address_of(0), 1, 20'000)) << "still remembered";
    EXPECT_TRUE(rates.take(address_of(4), 1, 70'000)) << "all have theirs again: room was made";
    EXPECT_EQ(rates.size(), 1U);
}

} // namespace boshgate::proxy::test
