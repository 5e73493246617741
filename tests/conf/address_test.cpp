#include "conf/address.hpp"

#include <gtest/gtest.h>

namespace boshgate::conf {
namespace {

TEST(address, parses_and_prints_numeric_addresses) {
    struct row {
        const char *text, *printed;
    };
    for (const auto& [text, printed] : {row{"0.0.0.0", "0.0.0.0"},
                                        {"192.0.2.1", "192.0.2.1"},
                                        {"::", "::"},
                                        {"::1", "::1"},
                                        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"}}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(print_address(*address), printed) << text;
    }
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "[::1]", "::1%eth0",
                             "1.2.3.4:80", "localhost", ":::", "1:2:3:4:5:6:7:8:9"}) {
        EXPECT_FALSE(parse_address(text)) << text;
    }
}

TEST(address, knows_host_names) {
    const std::string label(63, 'a');
    const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
    for (const std::string& name : std::vector<std::string>{
             "a", "node-a1", "node-a1.example.com", "my_node", "1a.2b", "4.com", label, longest}) {
        EXPECT_TRUE(is_host_name(name)) << name;
    }
    for (const std::string& name :
         std::vector<std::string>{"", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a/b", "a:1",
                                  "1.2.3.4", "1", "a.1", label + "a", longest + "a", "b\xc3\xbc"}) {
        EXPECT_FALSE(is_host_name(name)) << name;
    }
}

TEST(address, reads_listen_addresses) {
    EXPECT_EQ(*parse_listen_address("0.0.0.0:8443"), (endpoint{"0.0.0.0", 8443}));
    EXPECT_EQ(*parse_listen_address("[::]:8443"), (endpoint{"::", 8443}));
    EXPECT_EQ(*parse_listen_address("127.0.0.1:0"), (endpoint{"127.0.0.1", 0}));
    EXPECT_EQ(*parse_listen_address("[0:0::1]:65535"), (endpoint{"::1", 65535}));
    struct row {
        const char *text, *what, *hint;
    };
    for (const auto& [text, what, hint] : {
             row{"8443", "'8443' has no address", "0.0.0.0:8443"},
             {":8443", "':8443' has no address", "0.0.0.0:8443 or [::]:8443"},
             {"*:8443", "'*:8443' has no address", "0.0.0.0:8443 or [::]:8443"},
             {"0.0.0.0", "'0.0.0.0' has no port", ""},
             {"::", "'::' has no port", "[::]:8443"},
             {"[::]", "'[::]' has no port", ""},
             {"2001:db8:0:0:0:0:0:1:80", "'2001:db8:0:0:0:0:0:1:80' needs brackets",
              "[2001:db8:0:0:0:0:0:1]:80"},
             {"localhost:80", "'localhost:80' is a name", "127.0.0.1:80"},
             {"chat.example.com:80", "'chat.example.com:80' is not a numeric address with a port",
              ""},
             {"[127.0.0.1]:80", "'[127.0.0.1]:80' is not a numeric address with a port", ""},
             {"0.0.0.0:65536", "'65536' is not a port", ""},
             {"0.0.0.0:http", "'http' is not a port", ""},
             {"0.0.0.0:", "'' is not a port", ""},
             {"0.0.0.0:00", "'00' is not a port", ""},
             {"", "'' has no port", ""},
         }) {
        const auto read = parse_listen_address(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.why().what, what) << text;
        EXPECT_EQ(read.why().did_you_mean, hint) << text;
    }
}

TEST(address, checks_host_fields) {
    for (const char* text : {"a", "chat.example.com", "chat.example.com:7335", "192.0.2.1",
                             "192.0.2.1:80", "[::1]", "[::1]:80"}) {
        EXPECT_FALSE(check_host_field(text)) << text;
    }
    for (const char* text : {"", ":80", "a:", "a:0", "a:65536", "a b", "::1", "[::1", "[::1]80",
                             "[a]", "a/b", "http://a", "a\r\nb", "256.0.0.1"}) {
        EXPECT_TRUE(check_host_field(text)) << text;
    }
}

TEST(address, checks_blocks) {
    for (const char* text : {"10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "0.0.0.0/0", "::1", "::/0",
                             "2001:db8::/32", "::1/128"}) {
        EXPECT_FALSE(check_block(text)) << text;
    }
    struct row {
        const char *text, *hint;
    };
    for (const auto& [text, hint] : {row{"", ""},
                                     {"10.0.0.0/", ""},
                                     {"10.0.0.0/33", ""},
                                     {"::/129", ""},
                                     {"10.0.0.0/-1", ""},
                                     {"10.0.0.0/08", ""},
                                     {"10.0.0.0/8/8", ""},
                                     {"10/8", ""},
                                     {"localhost", ""},
                                     {"[::1]", ""},
                                     {"10.0.0.1/8", "10.0.0.0/8"},
                                     {"192.0.2.129/25", "192.0.2.128/25"},
                                     {"2001:db8::1/32", "2001:db8::/32"}}) {
        const auto why = check_block(text);
        ASSERT_TRUE(why) << text;
        EXPECT_EQ(why->did_you_mean, hint) << text;
    }
}

} // namespace
} // namespace boshgate::conf
