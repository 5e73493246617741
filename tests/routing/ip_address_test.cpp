#include "routing/ip_address.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

namespace boshgate::routing {
namespace {

std::string printed(const ip_address& address) {
    std::array<char, 46> buffer;
    return std::string(address.print(buffer));
}

TEST(ip_address, reads_and_prints) {
    const struct {
        std::string text;
        std::optional<std::string> printed;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:c000:201", "192.0.2.1"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"", {}},
        {"[]", {}},
        {"[192.0.2.1]", {}},
        {"[::1", {}},
        {"::1]", {}},
        {"[[::1]]", {}},
        {"192.0.2", {}},
        {"192.0.2.1.1", {}},
        {"192.0.2.256", {}},
        {"192.0.2.01", {}},
        {"0x7f.0.0.1", {}},
        {"2130706433", {}},
        {"192.0.2.1:80", {}},
        {"[::1]:80", {}},
        {" 192.0.2.1", {}},
        {"192.0.2.1 ", {}},
        {"+1.2.3.4", {}},
        {"fe80::1%eth0", {}},
        {"1::2::3", {}},
        {":1:2:3:4:5:6:7", {}},
        {"1:2:3:4:5:6:7", {}},
        {"1:2:3:4:5:6:7:8:9", {}},
        {"12345::", {}},
        {"::g", {}},
        {"unknown", {}},
        {"_hidden", {}},
        {std::string("192.0.2.1\0", 10), {}},
        {std::string("::1\0x", 5), {}},
        {std::string(1000, '1'), {}},
        {"0000:0000:0000:0000:0000:0000:192.168.100.200/", {}},
        {"0000:0000:0000:0000:0000:ffff:192.168.100.200",
         "192.168.100.200"}, // the longest there is
    };
    for (const auto& row : rows) {
        const auto address = ip_address::parse(row.text);
        ASSERT_EQ(address.has_value(), row.printed.has_value()) << row.text;
        if (address) {
            EXPECT_EQ(printed(*address), *row.printed) << row.text;
        }
    }
}

TEST(ip_address, knows_mapped_ipv4) {
    EXPECT_EQ(ip_address::parse("192.0.2.1"), ip_address::v4(0xc0000201));
    EXPECT_EQ(ip_address::parse("::ffff:192.0.2.1"), ip_address::v4(0xc0000201));
    EXPECT_TRUE(ip_address::v4(0).is_v4());
    EXPECT_FALSE(ip_address::parse("::192.0.2.1")->is_v4());
    EXPECT_FALSE(ip_address().is_v4());
}

TEST(ip_address, prints_every_number_in_every_place) {
    for (unsigned number = 0; number != 256; ++number) {
        const std::string text = std::to_string(number);
        const auto up = static_cast<std::uint32_t>(number);
        EXPECT_EQ(printed(ip_address::v4(up << 24)), text + ".0.0.0");
        EXPECT_EQ(printed(ip_address::v4(up << 16)), "0." + text + ".0.0");
        EXPECT_EQ(printed(ip_address::v4(up << 8)), "0.0." + text + ".0");
        EXPECT_EQ(printed(ip_address::v4(up)), "0.0.0." + text);
    }
}

TEST(ip_address, reads_back_what_it_prints) {
    random_source random;
    for (int i = 0; i < 20'000; ++i) {
        ip_address address;
        // Many zero bytes, so that every way to shorten comes up.
        for (auto& byte : address.bytes)
            byte = random.below(3) == 0 ? random.byte() : 0;
        if (random.below(4) == 0)
            address = ip_address::v4(static_cast<std::uint32_t>(random()));
        EXPECT_EQ(ip_address::parse(printed(address)), address) << printed(address);
        if (!address.is_v4()) {
            EXPECT_EQ(ip_address::parse("[" + printed(address) + "]"), address) << printed(address);
        }
    }
}

} // namespace
} // namespace boshgate::routing
