#include "conf/url.hpp"

#include <gtest/gtest.h>

namespace boshgate::conf {
namespace {

struct good_url {
    const char* text;
    http_url url;
    const char* printed;
};

TEST(url, reads_what_nodes_are_reached_by) {
    const std::vector<good_url> rows{
        {"https://node-a1.example.com:7335/httpbinding",
         {true, "node-a1.example.com", 7335, "/httpbinding"},
         "https://node-a1.example.com:7335/httpbinding"},
        {"http://bosh:7335/httpbinding",
         {false, "bosh", 7335, "/httpbinding"},
         "http://bosh:7335/httpbinding"},
        {"https://a.example", {true, "a.example", 443, "/"}, "https://a.example/"},
        {"http://a.example", {false, "a.example", 80, "/"}, "http://a.example/"},
        {"http://a.example:80/x", {false, "a.example", 80, "/x"}, "http://a.example/x"},
        {"HTTPS://Node-A1.Example.COM/Http-Bind/",
         {true, "node-a1.example.com", 443, "/Http-Bind/"},
         "https://node-a1.example.com/Http-Bind/"},
        {"http://a.example?x=1", {false, "a.example", 80, "/?x=1"}, "http://a.example/?x=1"},
        {"http://a.example/p?x=1&y=%20",
         {false, "a.example", 80, "/p?x=1&y=%20"},
         "http://a.example/p?x=1&y=%20"},
        {"http://192.0.2.7:5280/http-bind",
         {false, "192.0.2.7", 5280, "/http-bind"},
         "http://192.0.2.7:5280/http-bind"},
        {"https://[2001:DB8:0:0::7]:7335/b",
         {true, "2001:db8::7", 7335, "/b"},
         "https://[2001:db8::7]:7335/b"},
        {"http://[::1]", {false, "::1", 80, "/"}, "http://[::1]/"},
        {"http://my_node.docker:1/", {false, "my_node.docker", 1, "/"}, "http://my_node.docker:1/"},
        {"http://xn--bcher-kva.example:65535/",
         {false, "xn--bcher-kva.example", 65535, "/"},
         "http://xn--bcher-kva.example:65535/"},
    };
    for (const auto& [text, url, printed] : rows) {
        const auto read = parse_http_url(text);
        ASSERT_TRUE(read) << text << ": " << read.why().what;
        EXPECT_EQ(*read, url) << text;
        EXPECT_EQ(print_url(*read), printed) << text;
    }
}

TEST(url, refuses_the_rest_with_a_hint) {
    struct row {
        std::string text, what, hint;
    };
    const std::vector<row> rows{
        {"", "the URL is empty", ""},
        {"node-a1.example.com:7335/x", "'node-a1.example.com:7335/x' has no scheme",
         "https://node-a1.example.com:7335/x"},
        {"//node-a1/x", "'//node-a1/x' has no scheme", ""},
        {"ftp://a/x", "'ftp' is not a scheme that nodes are reached by", ""},
        {"htps://a/x", "'htps' is not a scheme that nodes are reached by", "https://a/x"},
        {"wss://a/x", "'wss' is not a scheme that nodes are reached by", "https://a/x"},
        {"http://user:secret@a/x", "the URL carries a user name or password", ""},
        {"http://user@a/x", "the URL carries a user name or password", ""},
        {"http://a/x#top", "'http://a/x#top' has a fragment, which is never sent to a server",
         "http://a/x"},
        {"http://a:0/", "'0' is not a port", ""},
        {"http://a:65536/", "'65536' is not a port", ""},
        {"http://a:080/", "'080' is not a port", ""},
        {"http://a:/", "'' is not a port", ""},
        {"http://a:b/", "'http://a:b/' is not a valid URL", ""},
        {"http://a:80b/x", "'http://a:80b/x' is not a valid URL", ""},
        {"http://[::1]x/", "'http://[::1]x/' is not a valid URL", ""},
        {"http:///x", "'http:///x' has no host", ""},
        {"http://", "'http://' has no host", ""},
        {"http://a b/", "'http://a b/' is not a valid URL", ""},
        {"http://a/ b", "'http://a/ b' is not a valid URL", ""},
        {"http://a/\\b", "'http://a/\\b' is not a valid URL", ""},
        {"http://%61/", "'%61' is not a host name", ""},
        {"http://a%2fb/", "'a%2fb' is not a host name", ""},
        {"http://-a/", "'-a' is not a host name", ""},
        {"http://a..b/", "'a..b' is not a host name", ""},
        {"http://1.2.3/", "'1.2.3' is not a host name", ""},
        {"http://256.1.1.1/", "'256.1.1.1' is not a host name", ""},
        {"http://a.example.:80/x", "'http://a.example.:80/x' has a dot at the end of its host",
         "http://a.example:80/x"},
        {"http://2001:db8::1/x", "'http://2001:db8::1/x' has an IPv6 address without brackets",
         "http://[2001:db8::1]/x"},
        {"http://[fe80::1%25eth0]/",
         "'http://[fe80::1%25eth0]/' has a zone in its IPv6 address, which names an interface of "
         "this machine only",
         ""},
        {"http://[v1.x]/", "'http://[v1.x]/' has no host", ""},
        {"http://[::1/", "'http://[::1/' is not a valid URL", ""},
        {"http://b\xc3\xbc"
         "cher.example/",
         "'http://b\\xc3\\xbccher.example/' has letters that are not ASCII; write the host in its "
         "xn-- "
         "form "
         "and the path percent-encoded",
         ""},
        {"http://a/\r\nX: y", "'http://a/\\x0d\\x0aX: y' is not a valid URL", ""},
    };
    for (const auto& [text, what, hint] : rows) {
        const auto read = parse_http_url(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.why().what, what) << text;
        EXPECT_EQ(read.why().did_you_mean, hint) << text;
        EXPECT_FALSE(read.why().expected.empty()) << text;
    }
}

TEST(url, has_a_longest_length) {
    const std::string start = "http://a.example/";
    const auto url = [&](std::size_t bytes) {
        return start + std::string(bytes - start.size(), 'x');
    };
    EXPECT_TRUE(parse_http_url(url(url_bytes_max)));
    const auto longer = parse_http_url(url(url_bytes_max + 1));
    ASSERT_FALSE(longer);
    EXPECT_NE(longer.why().what.find("is longer than 2048 bytes"), std::string::npos);
}

} // namespace
} // namespace boshgate::conf
