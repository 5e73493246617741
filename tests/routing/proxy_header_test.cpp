#include "routing/proxy_header.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

namespace boshgate::routing {
namespace {

using namespace std::string_literals;

std::optional<std::string> source_of(const proxy_header& header) {
    if (!header.source)
        return std::nullopt;
    std::array<char, 46> buffer;
    return std::string(header.source->print(buffer));
}

// A version 2 header: command byte, family byte, and what its length covers.
std::string v2(int command, int family, const std::string& rest) {
    return "\r\n\r\n\0\r\nQUIT\n"s + static_cast<char>(command) + static_cast<char>(family) +
           static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size() & 0xff) + rest;
}

const std::string tcp4 =
    "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"s; // 192.0.2.1:56324 -> 198.51.100.1:443
const std::string tcp6 = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s +
                         "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"s + "\xdc\x04\x01\xbb"s;

TEST(proxy_header, reads_well_formed_headers) {
    const struct {
        std::string name, bytes;
        std::optional<std::string> source;
    } rows[] = {
        {"TCP4", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1"},
        {"TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "2001:db8::1"},
        {"TCP6 with a mapped address", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n",
         "192.0.2.1"},
        {"ports at their ends", "PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n", "192.0.2.1"},
        {"UNKNOWN", "PROXY UNKNOWN\r\n", {}},
        {"UNKNOWN with addresses", "PROXY UNKNOWN ffff::ffff ffff::ffff 65535 65535\r\n", {}},
        {"UNKNOWN with anything", "PROXY UNKNOWN  !\"\x7f\r\n", {}},
        {"v2 TCP4", v2(0x21, 0x11, tcp4), "192.0.2.1"},
        {"v2 TCP6", v2(0x21, 0x21, tcp6), "2001:db8::1"},
        {"v2 TCP4 with TLVs", v2(0x21, 0x11, tcp4 + "\x04\x00\x03zzz"s), "192.0.2.1"},
        {"v2 LOCAL", v2(0x20, 0x00, ""), {}},
        {"v2 LOCAL with addresses", v2(0x20, 0x11, tcp4), {}},
        {"v2 LOCAL of an unheard-of family", v2(0x20, 0x77, "abc"), {}},
        {"v2 unspecified", v2(0x21, 0x00, ""), {}},
        {"v2 unspecified with TLVs", v2(0x21, 0x00, "\x04\x00\x01z"s), {}},
        {"v2 Unix stream", v2(0x21, 0x31, std::string(216, 'u')), {}},
        {"v2 as long as it may be",
         v2(0x21, 0x11, tcp4 + std::string(proxy_v2_bytes_max - 16 - 12, 't')), "192.0.2.1"},
    };
    for (const auto& row : rows) {
        for (const std::string after :
             {"", "GET / HTTP/1.1\r\n", "PROXY UNKNOWN\r\n", "\r\n\r\n"}) {
            const auto header = read_proxy_header(row.bytes + after);
            EXPECT_EQ(header.state, read_state::complete) << row.name;
            EXPECT_EQ(header.consumed, row.bytes.size())
                << row.name << ": one header, and not a byte more";
            EXPECT_EQ(source_of(header), row.source) << row.name;
        }
        for (std::size_t i = 0; i < row.bytes.size(); ++i)
            EXPECT_EQ(read_proxy_header(row.bytes.substr(0, i)).state, read_state::partial)
                << row.name << " cut at " << i;
    }
}

TEST(proxy_header, refuses_everything_else) {
    const struct {
        std::string name, bytes;
    } rows[] = {
        {"no header", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"a blank line", "\r\nPROXY UNKNOWN\r\n"},
        {"a TLS hello", "\x16\x03\x01\x02\x00\x01"s},
        {"lower case", "proxy TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
        {"another word", "PROXYTCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
        {"another family", "PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
        {"no family", "PROXY \r\n"},
        {"a longer UNKNOWN", "PROXY UNKNOWNX\r\n"},
        {"two blanks", "PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
        {"two blanks later", "PROXY TCP4 192.0.2.1  198.51.100.1 56324 443\r\n"},
        {"a blank at the end", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n"},
        {"a tab", "PROXY TCP4\t192.0.2.1 198.51.100.1 56324 443\r\n"},
        {"IPv6 as TCP4", "PROXY TCP4 2001:db8::1 198.51.100.1 56324 443\r\n"},
        {"IPv4 as TCP6", "PROXY TCP6 192.0.2.1 2001:db8::2 56324 443\r\n"},
        {"IPv4 destination as TCP6", "PROXY TCP6 2001:db8::1 198.51.100.1 56324 443\r\n"},
        {"brackets", "PROXY TCP6 [2001:db8::1] 2001:db8::2 56324 443\r\n"},
        {"a bad source", "PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n"},
        {"a bad destination", "PROXY TCP4 192.0.2.1 198.51.100 56324 443\r\n"},
        {"no ports", "PROXY TCP4 192.0.2.1 198.51.100.1\r\n"},
        {"one port", "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"},
        {"three ports", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 80\r\n"},
        {"a large port", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"},
        {"a signed port", "PROXY TCP4 192.0.2.1 198.51.100.1 +5632 443\r\n"},
        {"a port with a zero", "PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n"},
        {"a bare LF", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n"},
        {"a bare CR", "PROXY UNKNOWN\rGET"},
        {"a NUL", "PROXY UNKNOWN \0\r\n"s},
        {"v2 signature broken", "\r\n\r\n\0\r\nQUIX"s},
        {"v2 version 1", v2(0x11, 0x11, tcp4)},
        {"v2 version 3", v2(0x31, 0x11, tcp4)},
        {"v2 another command", v2(0x22, 0x11, tcp4)},
        {"v2 UDP4", v2(0x21, 0x12, tcp4)},
        {"v2 UDP6", v2(0x21, 0x22, tcp6)},
        {"v2 Unix datagrams", v2(0x21, 0x32, std::string(216, 'u'))},
        {"v2 stream of no family", v2(0x21, 0x01, tcp4)},
        {"v2 another family", v2(0x21, 0x41, tcp4)},
        {"v2 TCP4 too short", v2(0x21, 0x11, tcp4.substr(1))},
        {"v2 TCP6 too short", v2(0x21, 0x21, tcp6.substr(1))},
        {"v2 Unix stream too short", v2(0x21, 0x31, std::string(215, 'u'))},
        {"v2 too long", v2(0x21, 0x11, tcp4 + std::string(proxy_v2_bytes_max - 16 - 11, 't'))},
        {"v2 LOCAL too long", v2(0x20, 0x00, std::string(proxy_v2_bytes_max - 15, 't'))},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(read_proxy_header(row.bytes).state, read_state::refused) << row.name;
        EXPECT_EQ(read_proxy_header(row.bytes).source, std::nullopt) << row.name;
    }
}

TEST(proxy_header, reads_a_version_1_line_to_the_limit_and_no_longer) {
    const auto line = [](std::size_t size) {
        return "PROXY UNKNOWN " + std::string(size - 16, 'x') + "\r\n";
    };
    EXPECT_EQ(line(proxy_v1_bytes_max).size(), proxy_v1_bytes_max);
    EXPECT_EQ(read_proxy_header(line(proxy_v1_bytes_max)).state, read_state::complete);
    EXPECT_EQ(read_proxy_header(line(proxy_v1_bytes_max + 1)).state, read_state::refused);
    const auto endless = "PROXY UNKNOWN " + std::string(200, 'x');
    EXPECT_EQ(read_proxy_header(endless.substr(0, proxy_v1_bytes_max - 1)).state,
              read_state::partial);
    EXPECT_EQ(read_proxy_header(endless.substr(0, proxy_v1_bytes_max)).state, read_state::refused);
    EXPECT_EQ(read_proxy_header(endless).state, read_state::refused);
}

TEST(proxy_header, refuses_as_soon_as_it_can) {
    EXPECT_EQ(read_proxy_header("G").state, read_state::refused);
    EXPECT_EQ(read_proxy_header("PROXZ").state, read_state::refused);
    EXPECT_EQ(read_proxy_header("\r\nX").state, read_state::refused);
    EXPECT_EQ(read_proxy_header("\r\n\r\n\0\r\nQUIT\n\x31"s).state, read_state::refused);
    EXPECT_EQ(read_proxy_header(v2(0x21, 0x12, tcp4).substr(0, 16)).state, read_state::refused);
}

// A prefix never decides differently from the whole: once refused or complete, more bytes change
// nothing.
TEST(proxy_header, is_steady_under_mutation) {
    random_source random;
    const std::string samples[] = {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
                                   "PROXY TCP6 2001:db8::1 ::2 1 2\r\n", "PROXY UNKNOWN x\r\n",
                                   v2(0x21, 0x11, tcp4 + "tlv"), v2(0x20, 0x00, "")};
    for (int i = 0; i < 5'000; ++i) {
        auto bytes = random.pick(samples) + "GET / HTTP/1.1\r\n";
        for (auto edits = random.below(3); edits > 0; --edits)
            bytes[random.below(bytes.size())] = static_cast<char>(random());
        auto decided = read_state::partial;
        std::size_t consumed = 0;
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            const auto header = read_proxy_header(std::string_view(bytes).substr(0, cut));
            ASSERT_LE(header.consumed, cut);
            if (decided != read_state::partial) {
                ASSERT_EQ(header.state, decided) << "cut at " << cut;
                ASSERT_EQ(header.consumed, consumed) << "cut at " << cut;
            }
            decided = header.state;
            consumed = header.consumed;
        }
    }
}

} // namespace
} // namespace boshgate::routing
