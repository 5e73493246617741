#include "routing/client_address.hpp"

#include "conf/address.hpp"
#include "tests/routing/random_source.hpp"
#include "tests/routing/request_of.hpp"

#include <gtest/gtest.h>

namespace boshgate::routing {
namespace {

ip_address address(std::string_view text) {
    return ip_address::parse(text).value();
}

std::string printed(const ip_address& from) {
    std::array<char, 46> buffer;
    return std::string(from.print(buffer));
}

TEST(trusted_proxies, reads_blocks) {
    const struct {
        std::string_view text;
        std::optional<std::pair<std::string_view, int>> block; // base and bits of the mapped form
    } rows[] = {
        {"10.0.0.1", {{"10.0.0.1", 128}}},
        {"10.0.0.0/8", {{"10.0.0.0", 104}}},
        {"10.1.2.3/8", {{"10.0.0.0", 104}}},
        {"10.1.2.3/32", {{"10.1.2.3", 128}}},
        {"10.1.2.3/31", {{"10.1.2.2", 127}}},
        {"0.0.0.0/0", {{"0.0.0.0", 96}}},
        {"::1", {{"::1", 128}}},
        {"2001:db8::ffff/33", {{"2001:db8::", 33}}},
        {"[2001:db8::]/32", {{"2001:db8::", 32}}},
        {"::/0", {{"::", 0}}},
        {"::ffff:10.0.0.0/104", {{"10.0.0.0", 104}}},
        {"", {}},
        {"/8", {}},
        {"10.0.0.0/", {}},
        {"10.0.0.0/33", {}},
        {"10.0.0.0/08", {}},
        {"10.0.0.0/-1", {}},
        {"10.0.0.0/+8", {}},
        {"10.0.0.0/8 ", {}},
        {"10.0.0.0/8/8", {}},
        {"10.0.0.0/255.0.0.0", {}},
        {"10.0.0/8", {}},
        {"::/129", {}},
        {"::/4294967296", {}},
        {"localhost", {}},
    };
    for (const auto& row : rows) {
        const auto block = trusted_proxies::parse_block(row.text);
        ASSERT_EQ(block.has_value(), row.block.has_value()) << row.text;
        if (block) {
            EXPECT_EQ(printed(block->base), row.block->first) << row.text;
            EXPECT_EQ(block->bits, row.block->second) << row.text;
        }
    }
}

TEST(trusted_proxies, contains_what_its_blocks_contain) {
    const trusted_proxies trusted({"10.0.0.0/9", "192.0.2.7", "2001:db8::/33", "rubbish", "::1"});
    const struct {
        std::string_view text;
        bool inside;
    } rows[] = {
        {"10.0.0.0", true},
        {"10.127.255.255", true},
        {"10.128.0.0", false},
        {"9.255.255.255", false},
        {"::ffff:10.1.1.1", true},
        {"::10.1.1.1", false},
        {"192.0.2.7", true},
        {"192.0.2.6", false},
        {"2001:db8:7fff::1", true},
        {"2001:db8:8000::", false},
        {"::1", true},
        {"::2", false},
        {"0.0.0.1", false},
    };
    for (const auto& row : rows)
        EXPECT_EQ(trusted.contains(address(row.text)), row.inside) << row.text;
    EXPECT_FALSE(trusted_proxies().contains(address("127.0.0.1")));
    EXPECT_TRUE(trusted_proxies({"::/0"}).contains(address("192.0.2.1")));
    EXPECT_TRUE(trusted_proxies({"0.0.0.0/0"}).contains(address("192.0.2.1")));
    EXPECT_FALSE(trusted_proxies({"0.0.0.0/0"}).contains(address("2001:db8::1")));
}

// contains() against the definition, bit by bit.
TEST(trusted_proxies, agrees_with_a_bitwise_comparison) {
    random_source random;
    for (int i = 0; i < 20'000; ++i) {
        ip_address base, probe;
        for (auto& byte : base.bytes)
            byte = random.byte();
        base.bytes[0] = 0x20; // not IPv4, whose blocks count in 32 bits
        probe = base;
        probe.bytes[random.below(16)] ^= static_cast<std::uint8_t>(1u << random.below(8));
        const auto bits = random.below(129);
        bool same = true;
        for (std::size_t bit = 0; bit < bits; ++bit)
            same = same && ((base.bytes[bit / 8] ^ probe.bytes[bit / 8]) & (0x80 >> bit % 8)) == 0;
        const auto text = printed(base) + "/" + std::to_string(bits);
        EXPECT_EQ(trusted_proxies({text}).contains(probe), same)
            << text << " and " << printed(probe);
        EXPECT_TRUE(trusted_proxies({text}).contains(base)) << text;
    }
}

// The loader and this file read blocks apart from each other. What passes the loader must count
// here.
TEST(trusted_proxies, reads_every_block_that_the_loader_accepts) {
    random_source random;
    const std::vector<std::string> pieces = {
        "10.0.0.0", "192.0.2.1", "0.0.0.0", "::",  "::1", "2001:db8:", ":",    "0",   ".",  "ffff:",
        "/",        "/8",        "/0",      "/32", "/33", "/128",      "/129", "/64", "/96"};
    int accepted = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::string text;
        for (auto left = 1 + random.below(4); left > 0; --left)
            text += random.pick(pieces);
        if (conf::check_block(text))
            continue;
        ++accepted;
        const auto block = trusted_proxies::parse_block(text);
        ASSERT_TRUE(block) << text;
        const auto base = conf::parse_address(std::string_view(text).substr(0, text.find('/')));
        ASSERT_TRUE(base) << text;
        EXPECT_EQ(block->base.bytes, base->bytes) << text;
    }
    EXPECT_GT(accepted, 500);
}

TEST(client_of, believes_trusted_proxies_only) {
    const trusted_proxies trusted({"10.0.0.0/8", "2001:db8::/32"});
    const struct {
        std::string name, peer, fields, client;
    } rows[] = {
        {"no field", "192.0.2.1", "", "192.0.2.1"},
        {"no field from a trusted peer", "10.0.0.1", "", "10.0.0.1"},
        {"a spoof", "192.0.2.1", "X-Forwarded-For: 198.51.100.9\r\n", "192.0.2.1"},
        {"a spoof of a trusted address", "192.0.2.1", "X-Forwarded-For: 10.0.0.1\r\n", "192.0.2.1"},
        {"one hop", "10.0.0.1", "X-Forwarded-For: 198.51.100.9\r\n", "198.51.100.9"},
        {"what the client itself claimed", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 198.51.100.9\r\n",
         "198.51.100.9"},
        {"claimed in a field of its own", "10.0.0.1",
         "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.9\r\n", "198.51.100.9"},
        {"two trusted hops", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 198.51.100.9 ,10.0.0.2\r\n",
         "198.51.100.9"},
        {"two hops in two fields", "10.0.0.1",
         "X-Forwarded-For: 6.6.6.6,198.51.100.9\r\nX-Forwarded-For:10.0.0.2\r\n", "198.51.100.9"},
        {"all trusted: the first of them", "10.0.0.1",
         "X-Forwarded-For: 10.0.0.4, 10.0.0.3\r\nX-Forwarded-For: 10.0.0.2\r\n", "10.0.0.4"},
        {"IPv6", "2001:db8::1", "X-Forwarded-For: 2a00::1\r\n", "2a00::1"},
        {"IPv6 in brackets", "2001:db8::1", "X-Forwarded-For: [2a00::1]\r\n", "2a00::1"},
        {"IPv6 and IPv4", "10.0.0.1", "X-Forwarded-For: 2a00::1, ::ffff:10.0.0.2\r\n", "2a00::1"},
        {"IPv4 with a port", "10.0.0.1", "X-Forwarded-For: 198.51.100.9:51234\r\n", "198.51.100.9"},
        {"IPv6 with a port", "10.0.0.1", "X-Forwarded-For: [2a00::1]:443, 10.0.0.2:80\r\n",
         "2a00::1"},
        {"bare IPv6 whose end looks like a port", "10.0.0.1", "X-Forwarded-For: 2a00::1:443\r\n",
         "2a00::1:443"},
        {"rubbish right away", "10.0.0.1", "X-Forwarded-For: 198.51.100.9, unknown\r\n",
         "10.0.0.1"},
        {"rubbish behind a trusted hop", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, _x, 10.0.0.2\r\n",
         "10.0.0.2"},
        {"an empty element", "10.0.0.1", "X-Forwarded-For: 6.6.6.6,, 10.0.0.2\r\n", "10.0.0.2"},
        {"an empty field", "10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For:\r\n",
         "10.0.0.1"},
        {"a final comma", "10.0.0.1", "X-Forwarded-For: 6.6.6.6,\r\n", "10.0.0.1"},
        {"a first comma", "10.0.0.1", "X-Forwarded-For: ,10.0.0.2\r\n", "10.0.0.2"},
        {"a bad port", "10.0.0.1", "X-Forwarded-For: 198.51.100.9:123456\r\n", "10.0.0.1"},
        {"an empty port", "10.0.0.1", "X-Forwarded-For: 198.51.100.9:\r\n", "10.0.0.1"},
        {"a name", "10.0.0.1", "X-Forwarded-For: client.example.com\r\n", "10.0.0.1"},
        {"other fields of that kind", "10.0.0.1",
         "X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n",
         "10.0.0.1"},
        {"any letter case", "10.0.0.1", "x-forwarded-FOR: 198.51.100.9\r\n", "198.51.100.9"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(
            printed(client_of(request_of(row.fields).head(), address(row.peer), false, trusted)
                        .address),
            row.client)
            << row.name;
}

TEST(client_of, believes_the_scheme_of_trusted_proxies_only) {
    const trusted_proxies trusted({"10.0.0.1"});
    const struct {
        std::string name, peer, fields;
        bool over_tls, secure;
    } rows[] = {
        {"no field, plain", "10.0.0.1", "", false, false},
        {"no field, TLS", "10.0.0.1", "", true, true},
        {"https, plain", "10.0.0.1", "X-Forwarded-Proto: https\r\n", false, true},
        {"http, TLS", "10.0.0.1", "X-Forwarded-Proto: HTTP\r\n", true, false},
        {"spoofed", "192.0.2.1", "X-Forwarded-Proto: https\r\n", false, false},
        {"spoofed the other way", "192.0.2.1", "X-Forwarded-Proto: http\r\n", true, true},
        {"a list", "10.0.0.1", "X-Forwarded-Proto: https, http\r\n", false, false},
        {"two fields", "10.0.0.1", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\n",
         false, false},
        {"another word", "10.0.0.1", "X-Forwarded-Proto: wss\r\n", true, true},
        {"empty", "10.0.0.1", "X-Forwarded-Proto:\r\n", true, true},
    };
    for (const auto& row : rows)
        EXPECT_EQ(client_of(request_of(row.fields).head(), address(row.peer), row.over_tls, trusted)
                      .secure,
                  row.secure)
            << row.name;
}

TEST(client_of, walks_a_bounded_number_of_hops) {
    const trusted_proxies trusted({"10.0.0.0/8"});
    std::string hops;
    for (std::size_t i = forwarded_hops_max - 1; i > 0; --i)
        hops += ", 10.0.1." + std::to_string(i);
    const auto peer = address("10.0.0.1");
    const request_of enough("X-Forwarded-For: 198.51.100.9" + hops + "\r\n");
    EXPECT_EQ(printed(client_of(enough.head(), peer, false, trusted).address), "198.51.100.9");
    const request_of too_many("X-Forwarded-For: 198.51.100.9, 10.0.2.1" + hops + "\r\n");
    EXPECT_EQ(printed(client_of(too_many.head(), peer, false, trusted).address), "10.0.2.1");
}

// Whatever a client writes to the left of what the outermost trusted proxy added changes nothing.
TEST(client_of, is_not_moved_by_what_stands_left_of_the_first_untrusted_address) {
    random_source random;
    const trusted_proxies trusted({"10.0.0.0/8"});
    constexpr std::string_view alphabet = "0123456789abcdef:.,[] \t\"=_-xyz";
    for (int i = 0; i < 2'000; ++i) {
        std::string junk;
        for (auto left = random.below(60); left > 0; --left)
            junk += random.pick(alphabet);
        std::string honest = "198.51.100.9";
        for (auto left = random.below(5); left > 0; --left)
            honest += (random.coin() ? ", 10.0.0." : "\r\nX-Forwarded-For: 10.0.0.") +
                      std::to_string(random.below(256));
        const auto fields = "X-Forwarded-For: " + junk +
                            (random.coin() ? "," : "\r\nX-Forwarded-For: ") + honest + "\r\n";
        const request_of request(fields);
        EXPECT_EQ(printed(client_of(request.head(), address("10.9.9.9"), false, trusted).address),
                  "198.51.100.9")
            << fields;
        EXPECT_EQ(printed(client_of(request.head(), address("192.0.2.1"), false, trusted).address),
                  "192.0.2.1")
            << fields;
    }
}

} // namespace
} // namespace boshgate::routing
