// The model of CAXL's URLs against what the library itself computed: its guide's examples, those of
// its own tests, and probes.

#include "tests/support/caxl_urls.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace boshgate::tests {
namespace {

TEST(caxl_urls, of_2014_04) {
    const struct {
        std::string sd_url, node, wanted;
    } rows[] = {
        {"http://primarySDNode:7335/httpbinding", "cupNodeA", "http://cupNodeA:7335/httpbinding"},
        {"https://primarySDNode:7335/httpbinding", "cupNodeA", "https://cupNodeA:7335/httpbinding"},
        {"http://primarySDNode.example.com:7335/httpbinding", "cupNodeA.example.com",
         "http://cupNodeA.example.com:7335/httpbinding"},
        {"https://primarySDNode.example.com:7335/httpbinding", "cupNodeA.example.com",
         "https://cupNodeA.example.com:7335/httpbinding"},
        {"http://127.0.0.1:7335/httpbinding", "127.0.0.2", "http://127.0.0.2:7335/httpbinding"},
        {"https://127.0.0.1:7335/httpbinding", "127.0.0.2", "https://127.0.0.2:7335/httpbinding"},
        {"https://primarySDNode.example.com:7335/httpbinding", "cupNodeA",
         "https://cupNodeA.example.com:7335/httpbinding"},
        {"/node-sd1", "node-a1", "/node-a1"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "",
         "http://sdnode1.cisco.com:7335/httpbinding"},
        {"http://do-not-care:7335/httpbinding", "/myhttpbinding", "/myhttpbinding"},
        {"https://do-not-care:7335/myhttpbinding", "127.0.0.2",
         "https://127.0.0.2:7335/myhttpbinding"},
        {"https://127.0.0.1:7335/myhttpbinding", "cupnodea.cisco.com",
         "https://cupnodea.cisco.com:7335/myhttpbinding"},
        {"http://127.0.0.2:7335/httpbinding", "cupnodea.cisco.com",
         "http://cupnodea.cisco.com:7335/httpbinding"},
        {"https://2001:db8:85a3::8a2e:370:7335/myhttpbinding", "cupnodea",
         "https://cupnodea/myhttpbinding"},
        {"https://do-not-care:7334/myhttpbinding", "2001:db8:85a3::8a2e:370:7335",
         "https://2001:db8:85a3::8a2e:370:7335/myhttpbinding"},
        {"/httpbinding", "cup-node-a.cisco.com", "/cup-node-a.cisco.com"},
        {"/httpbinding", "/cupnodea.cisco.com", "/cupnodea.cisco.com"},
        {"https://sdnode1.cisco.com:7335/httpbinding", "home-node",
         "https://home-node.cisco.com:7335/httpbinding"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "cupnodea.cisco.com",
         "http://cupnodea.cisco.com:7335/httpbinding"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "cupnodea",
         "http://cupnodea.cisco.com:7335/httpbinding"},
        {"/sd-primary", "node.cisco.com", "/node.cisco.com"},
        {"/node-sd1", "127.0.0.2", "127.0.0.2/node-sd1"},
        {"/node-sd1", "2001:db8::2", "2001:db8::2/node-sd1"},
        {"/node-sd1", "[2001:db8::2]", "[2001:db8::2]/node-sd1"},
        {"/node-sd1", "node_a1", "node_a1/node-sd1"},
        {"/node-sd1", " node-a1 ", " node-a1 /node-sd1"},
        {"/node-sd1", "node-a1:7335", "/node-a1:7335"},
        {"/node-sd1", "NODE-A1", "/NODE-A1"},
        {"/node-sd1", "http://node-a1.example.com:7335/httpbinding", "/node-sd1"},
        {"/app/node-sd1", "node-a1", "/node-a1"},
        {"/app/node-sd1", "/app/node-a1", "/app/node-a1"},
        {"http://proxy.example.com/node-sd1", "node-a1", "http://node-a1.example.com/node-sd1"},
        {"http://proxy.example.com/node-sd1", "node-a1.example.com",
         "http://node-a1.example.com/node-sd1"},
        {"http://proxy:8080/node-sd1", "node-a1", "http://node-a1:8080/node-sd1"},
        {"http://proxy.example.com/node-sd1", "/node-a1", "/node-a1"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.other.net",
         "https://sd1.example.com:7335/httpbinding"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.eu.example.com",
         "https://sd1.example.com:7335/httpbinding"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.local",
         "https://sd1.example.com:7335/httpbinding"},
        {"https://sd1:7335/httpbinding", "node-a1.example.com", "https://sd1:7335/httpbinding"},
        {"https://sd1.eu.example.com:7335/httpbinding", "node-a1.example.com",
         "https://node-a1.eu.example.com:7335/httpbinding"},
        {"https://example.com:7335/httpbinding", "node-a1",
         "https://node-a1.example.com:7335/httpbinding"},
        {"https://proxy.example.com/node-sd1", "https://proxy.example.com/node-a1",
         "https://proxy.example.com/node-sd1"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(caxl_2014_url(row.sd_url, row.node), row.wanted)
            << row.sd_url << " + '" << row.node << "'";
}

TEST(caxl_urls, as_the_browser_asks_them) {
    const caxl_page page{"http:", "page.example.net:8080"};
    EXPECT_EQ(caxl_absolute("/node-a1", page), "http://page.example.net:8080/node-a1");
    EXPECT_EQ(caxl_absolute("127.0.0.2/node-sd1", page), "http://127.0.0.2/node-sd1");
    EXPECT_EQ(caxl_absolute("2001:db8::2/node-sd1", page), "http://2001:db8::2/node-sd1");
    EXPECT_EQ(caxl_absolute("https://sd1:7335/httpbinding", page), "https://sd1:7335/httpbinding");
    EXPECT_EQ(caxl_absolute("httpbinding", page), "http://httpbinding/");
}

TEST(caxl_urls, of_8_6_1) {
    const caxl_page page{"http:", "tests.example.net"};
    const std::string sd99 = "http://caxltestserver99.example.com:7335/httpbinding";
    const std::string no_port = "http://caxltestserver99.example.com/httpbinding";
    const struct {
        std::string binding, home, current, wanted;
    } rows[] = {
        {"/caxltestserver99", "", "", "/caxltestserver99"},
        {"/caxltestserver99", "caxltestserver01", "", "/caxltestserver01"},
        {"/caxltestserver99", "caxltestserver02", "caxltestserver01", "/caxltestserver01"},
        {sd99, "", "", sd99},
        {sd99, "caxltestserver01", "", "http://caxltestserver01.example.com:7335/httpbinding"},
        {sd99, "caxltestserver02", "caxltestserver01.example.com",
         "http://caxltestserver01.example.com:7335/httpbinding"},
        {"http://caxltestserver99:7335/httpbinding", "caxltestserver01", "",
         "http://caxltestserver01:7335/httpbinding"},
        {no_port, "caxltestserver01", "", "http://caxltestserver01.example.com/httpbinding"},
        {"http://caxltestserver99/httpbinding", "caxltestserver01", "",
         "http://caxltestserver01/httpbinding"},
        {no_port, "caxltestserver02", "1.1.1.1", "http://1.1.1.1/httpbinding"},
        {no_port, "1.1.1.1", "", "http://1.1.1.1/httpbinding"},
        {no_port, "testserver1", "newtestserver", "http://newtestserver.example.com/httpbinding"},
        {"/node-sd1", "127.0.0.2", "", "/127.0.0.2"},
        {"/node-sd1", "node-a1.example.com", "", "/node-a1.example.com"},
        {"/node-sd1", "2001:db8::2", "", "/2001:db8::2"},
        {"/node-sd1", "/x", "", "//x"},
    };
    for (const auto& row : rows) {
        caxl_861_stream stream{row.current};
        const std::string wanted =
            row.wanted.front() == '/' ? page.origin() + row.wanted : row.wanted;
        EXPECT_EQ(stream.open(row.binding, row.home, page), wanted)
            << row.binding << " + " << row.home << ", " << row.current;
    }
}

TEST(caxl_urls, switched_hosts_of_8_6_1) {
    const auto url = [](const std::string& host) { return "http://" + host + ":7335/httpbinding"; };
    const struct {
        std::string binding;
        std::optional<std::string> node, wanted;
    } rows[] = {
        {url("host1.cisco.com"), "host2", "host2.cisco.com"},
        {url("host1.cisco.co.uk"), "host2", "host2.cisco.co.uk"},
        {url("host1"), "host2", "host2"},
        {url("1.1.1.1"), "host2", "host2"},
        {url("host1.cisco.com"), "1.1.1.1", "1.1.1.1"},
        {url("host1.cisco.com"), "host2.cisco.com", "host2.cisco.com"},
        {url("host1.cisco.com"), std::nullopt, std::nullopt},
        {"/node-sd1", "node-a1", "node-a1"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(caxl_861_switch_host(row.binding, row.node), row.wanted) << row.binding;
}

} // namespace
} // namespace boshgate::tests
