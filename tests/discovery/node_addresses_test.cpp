#include "discovery/node_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::discovery {

void PrintTo(address_event event, std::ostream* out) {
    static constexpr const char* names[] = {"same", "changed", "failed", "failing", "recovered"};
    *out << names[static_cast<std::size_t>(event)];
}

namespace {

using namespace std::chrono_literals;
using routing::ip_address;
using testing::ElementsAre;
using testing::IsEmpty;

const time_point start{1000h};

ip_address ip(const char* text) {
    return ip_address::parse(text).value();
}

std::vector<ip_address> many(std::uint8_t first, std::size_t count) {
    std::vector<ip_address> list;
    for (std::size_t i = 0; i < count; ++i)
        list.push_back(ip_address::v4(0x0a000000U + first + static_cast<std::uint32_t>(i)));
    return list;
}

TEST(node_addresses, a_numeric_host_is_its_own_result) {
    for (const char* host : {"10.0.0.22", "2001:db8::7", "127.0.0.1", "169.254.1.1"}) {
        const node_addresses node(host, 30s);
        EXPECT_FALSE(node.due_at()) << host;
        EXPECT_THAT(node.addresses(), ElementsAre(ip(host)));
    }
}

TEST(node_addresses, a_name_is_due_at_once_and_then_at_intervals) {
    node_addresses node("node-a1.example.com", 30s);
    ASSERT_TRUE(node.due_at());
    EXPECT_LE(*node.due_at(), start);
    EXPECT_THAT(node.addresses(), IsEmpty());
    node.on_started();
    EXPECT_FALSE(node.due_at()) << "one look-up at a time";
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1")}, start), address_event::changed);
    EXPECT_EQ(node.due_at(), start + 30s);
    node.on_started();
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1")}, start + 31s), address_event::same);
    EXPECT_EQ(node.due_at(), start + 61s);
}

TEST(node_addresses, order_is_no_change) {
    node_addresses node("a", 30s);
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1"), ip("10.0.0.2")}, start), address_event::changed);
    EXPECT_EQ(node.on_resolved({ip("10.0.0.2"), ip("10.0.0.1")}, start), address_event::same);
    EXPECT_THAT(node.addresses(), ElementsAre(ip("10.0.0.1"), ip("10.0.0.2")));
    EXPECT_EQ(node.on_resolved({ip("10.0.0.2"), ip("10.0.0.2"), ip("10.0.0.1")}, start),
              address_event::same)
        << "nor is a repetition";
    EXPECT_EQ(node.on_resolved({ip("10.0.0.2")}, start), address_event::changed);
    EXPECT_EQ(node.on_resolved({ip("10.0.0.3")}, start), address_event::changed);
    EXPECT_THAT(node.addresses(), ElementsAre(ip("10.0.0.3")));
}

TEST(node_addresses, failures_keep_the_last_good_list) {
    node_addresses node("a", 30s);
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1")}, start), address_event::changed);
    EXPECT_EQ(node.on_failed("no name server", start + 30s), address_event::failed);
    EXPECT_EQ(node.because(), "no name server");
    EXPECT_EQ(node.failing_since(), start + 30s);
    EXPECT_EQ(node.on_failed("still none", start + 31s), address_event::failing);
    EXPECT_EQ(node.because(), "still none");
    EXPECT_EQ(node.failing_since(), start + 30s);
    EXPECT_THAT(node.addresses(), ElementsAre(ip("10.0.0.1")));
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1")}, start + 33s), address_event::recovered);
    EXPECT_EQ(node.because(), "");
    EXPECT_FALSE(node.failing_since());
    EXPECT_EQ(node.on_failed("again", start + 63s), address_event::failed);
    EXPECT_EQ(node.on_resolved({ip("10.0.0.9")}, start + 64s), address_event::changed);
    EXPECT_FALSE(node.failing_since());
}

TEST(node_addresses, retries_come_sooner_but_ever_slower) {
    node_addresses node("a", 30s);
    time_point now = start;
    for (const auto wait : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        EXPECT_NE(node.on_failed("x", now), address_event::same);
        ASSERT_EQ(node.due_at(), now + wait);
        now += wait;
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(node.on_failed("x", now), address_event::failing);
        EXPECT_EQ(node.due_at(), now + 30s);
    }
    EXPECT_EQ(node.on_resolved({ip("10.0.0.1")}, now), address_event::changed);
    EXPECT_EQ(node.on_failed("x", now), address_event::failed);
    EXPECT_EQ(node.due_at(), now + 1s) << "a success starts the series anew";

    node_addresses quick("a", 500ms);
    EXPECT_EQ(quick.on_failed("x", start), address_event::failed);
    EXPECT_EQ(quick.due_at(), start + 500ms);
}

TEST(node_addresses, a_reload_keeps_addresses_and_looks_anew) {
    node_addresses older("a", 30s);
    EXPECT_EQ(older.on_resolved({ip("10.0.0.1")}, start), address_event::changed);
    node_addresses fresh("a", 60s);
    fresh.keep(older);
    EXPECT_THAT(fresh.addresses(), ElementsAre(ip("10.0.0.1")));
    ASSERT_TRUE(fresh.due_at());
    EXPECT_LE(*fresh.due_at(), start);
    EXPECT_EQ(fresh.on_resolved({ip("10.0.0.1")}, start), address_event::same);
    EXPECT_EQ(fresh.due_at(), start + 60s);
}

TEST(node_addresses, nothing_found_is_a_failure) {
    node_addresses node("a", 30s);
    EXPECT_EQ(node.on_resolved({}, start), address_event::failed);
    EXPECT_EQ(node.because(), "the name has no address");
    EXPECT_THAT(node.addresses(), IsEmpty());
}

TEST(node_addresses, a_name_may_not_lead_to_special_addresses) {
    for (const char* special : {"0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.1.1.1",
                                "255.255.255.255", "::", "fe80::1", "febf::1", "ff02::1"}) {
        SCOPED_TRACE(special);
        node_addresses node("a", 30s);
        EXPECT_EQ(node.on_resolved({ip(special)}, start), address_event::failed);
        EXPECT_THAT(node.because(), testing::HasSubstr("link-local"));
        EXPECT_EQ(node.on_resolved({ip(special), ip("10.0.0.1")}, start), address_event::changed);
        EXPECT_THAT(node.addresses(), ElementsAre(ip("10.0.0.1")));
    }
    for (const char* plain :
         {"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "169.253.255.255", "169.255.0.1",
          "223.255.255.255", "fec0::1", "fd00::1", "2001:db8::1"}) {
        node_addresses node("a", 30s);
        EXPECT_EQ(node.on_resolved({ip(plain)}, start), address_event::changed) << plain;
    }
}

TEST(node_addresses, keeps_at_most_so_many) {
    node_addresses node("a", 30s);
    EXPECT_EQ(node.on_resolved(many(1, addresses_max), start), address_event::changed);
    EXPECT_EQ(node.addresses(), many(1, addresses_max));

    node_addresses longer("a", 30s);
    EXPECT_EQ(longer.on_resolved(many(1, addresses_max + 1), start), address_event::changed);
    EXPECT_EQ(longer.addresses(), many(1, addresses_max));
    // The same addresses, rotated by the name server: those in use stay in use.
    std::vector<ip_address> rotated = many(2, addresses_max);
    rotated.push_back(ip("10.0.0.1"));
    EXPECT_EQ(longer.on_resolved(rotated, start), address_event::same);
    EXPECT_EQ(longer.addresses(), many(1, addresses_max));
}

} // namespace
} // namespace boshgate::discovery
