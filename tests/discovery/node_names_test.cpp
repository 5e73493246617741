#include "discovery/node_names.hpp"

#include "tests/support/named_nodes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

using routing::hostname_text;
using routing::node_index;

using tests::node_at;

struct world : tests::named_nodes {
    using named_nodes::named_nodes;

    // The name of the node that was found; "-": none.
    [[nodiscard]] std::string found(std::string_view text,
                                    std::optional<node_index> said_by = {}) const {
        const auto node = names.find(text, said_by);
        return node ? config.nodes.at(*node).name : "-";
    }
};

TEST(node_names_of_discovery, finds_by_every_form_of_a_name) {
    const world plain({node_at("node-sd1", "node-sd1.example.com"),
                       node_at("node-a1", "node-a1.example.com", {"10.0.0.21", "cup-a"}),
                       node_at("node-b1", "10.0.0.22"), node_at("node-v6", "2001:db8::2")},
                      "", {{"/httpbinding", "node-sd1"}});
    const world prefixed({node_at("node-a1", "node-a1.example.com", {"10.0.0.21"})}, "/app",
                         {{"/legacy/bosh", "node-a1"}});
    const struct {
        const world& in;
        std::string text;
        std::string wanted;
    } rows[] = {
        {plain, "node-a1", "node-a1"},
        {plain, "NODE-A1", "node-a1"},
        {plain, " \n\tnode-a1\r\n", "node-a1"},
        {plain, "node-a1:7335", "node-a1"},
        {plain, "node-a1.example.com", "node-a1"},
        {plain, "Node-A1.Example.COM:7335", "node-a1"},
        {plain, "node-a1.example.com.", "node-a1"},
        {plain, "10.0.0.21", "node-a1"},
        {plain, "cup-a", "node-a1"},
        {plain, "cup-a:7335", "node-a1"},
        {plain, "10.0.0.22", "node-b1"},
        {plain, "10.0.0.22:7335", "node-b1"},
        {plain, "2001:db8::2", "node-v6"},
        {plain, "[2001:DB8:0:0::2]", "node-v6"},
        {plain, "[2001:db8::2]:7335", "node-v6"},
        {plain, "/node-a1", "node-a1"},
        {plain, "/NODE-A1/", "node-a1"},
        {plain, "/httpbinding", "node-sd1"},
        {plain, "https://node-a1.example.com:7335/httpbinding", "node-a1"},
        {plain, "https://10.0.0.21:7335/httpbinding", "node-a1"},
        {prefixed, "node-a1", "node-a1"},
        {prefixed, "/node-a1", "node-a1"},
        {prefixed, "/node-a1/", "node-a1"},
        {prefixed, "/app/node-a1", "node-a1"},
        {prefixed, "/APP/10.0.0.21", "node-a1"},
        {prefixed, "/legacy/bosh", "node-a1"},
        // No node.
        {plain, "", "-"},
        {plain, " ", "-"},
        {plain, ".", "-"},
        {plain, "/", "-"},
        {plain, "//", "-"},
        {plain, "//node-a1", "-"},
        {plain, "node-a", "-"},
        {plain, "node-a11", "-"},
        {plain, "node-a1..", "-"},
        {plain, "node-a1.example.org", "-"},
        {plain, "node-a1:7336", "-"},
        {plain, "node a1", "-"},
        {plain, "node_a1", "-"},
        {plain, "node-a1/", "-"},
        {plain, "node-a1/x", "-"},
        {plain, "/node-a1/x", "-"},
        {plain, "/node-a1?x", "-"},
        {plain, "10.0.0.23", "-"},
        {plain, "010.0.0.22", "-"},
        {plain, "2001:db8::3", "-"},
        {plain, "https://node-a1.example.com:7335/other", "-"},
        {plain, "https://node-a1.example.com/httpbinding", "-"},
        {plain, "https://evil.example.net:7335/httpbinding", "-"},
        {plain, "javascript://node-a1", "-"},
        {plain, std::string("node-a1\0", 8), "-"},
        {prefixed, "app/node-a1", "-"},
        {prefixed, "/node-a1//", "-"},
        {prefixed, "/node-a1/x", "-"},
        {prefixed, "//node-a1", "-"},
        {prefixed, "/", "-"},
        {prefixed, "legacy/bosh", "-"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(row.in.found(row.text), row.wanted)
            << row.in.config.prefix << " '" << row.text << "'";
}

// Two clusters, each with a node-a1, and none of them called so in the configuration.
TEST(node_names_of_discovery, completes_a_name_in_the_domain_of_the_node_that_said_it) {
    const world two(
        {node_at("east-sd", "sd1.east.example.com"), node_at("east-a", "node-a1.east.example.com"),
         node_at("west-sd", "sd1.west.example.com"), node_at("west-a", "node-a1.west.example.com"),
         node_at("bare", "example.com"), node_at("by-ip", "10.0.0.1"),
         node_at("top", "node-a1.example.com"), node_at("local", "node-l")});
    constexpr node_index east = 0, west = 2, bare = 4, by_ip = 5, top = 6, local = 7;
    const struct {
        std::string text;
        std::optional<node_index> said_by;
        std::string wanted;
    } rows[] = {
        {"node-a1", east, "east-a"},
        {"node-a1", west, "west-a"},
        {"NODE-A1", west, "west-a"},
        {"node-a1.", west, "west-a"},
        {"node-a1:7335", west, "west-a"},
        {"node-a1:7336", west, "-"},
        {"node-a1", bare, "top"}, // two labels are a domain, not a node in "com"
        {"node-a1", top, "top"},
        {"node-a1", {}, "-"},
        {"node-a1", by_ip, "-"},
        {"node-a1", local, "-"},
        {"node-a1", node_index{8}, "-"},
        {"node-a2", east, "-"},
        {"10.0.0.2", east, "-"},
        {"2001:db8::1", east, "-"},
        // What is known as it stands is not completed.
        {"node-a1.example.com", east, "top"},
        {"node-a1.west.example.com", east, "west-a"},
        {"east-a", west, "east-a"},
        // A domain that is a tail of the sayer's; and one that only looks like it.
        {"sd1.example.com", east, "east-sd"},
        {"sd1.EXAMPLE.com", west, "west-sd"},
        {"sd1.com", east, "-"},
        {"sd1.ample.com", east, "-"},
        {"sd1.north.example.com", east, "-"},
        {"sd1.x.east.example.com", east, "-"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(two.found(row.text, row.said_by), row.wanted)
            << row.text << " by " << (row.said_by ? std::to_string(*row.said_by) : "nobody");
}

// What Cisco's clients are told in their guide, their own tests and in probes, as node names here.
TEST(node_names_of_discovery, knows_the_names_that_ciscos_clients_know) {
    const world cisco({node_at("primarySDNode", "primarysdnode.example.com"),
                       node_at("cupNodeA", "cupnodea.example.com"),
                       node_at("ip1", "127.0.0.1"),
                       node_at("ip2", "127.0.0.2", {}, "/myhttpbinding"),
                       node_at("node-sd1", "sd1.example.com"),
                       node_at("node-a1", "node-a1.example.com"),
                       node_at("sdnode1", "sdnode1.cisco.com"),
                       node_at("a-cisco", "cupnodea.cisco.com"),
                       node_at("my", "my.cisco.com", {"myhttpbinding"}),
                       node_at("a-dash", "cup-node-a.cisco.com"),
                       node_at("home", "home-node.cisco.com"),
                       node_at("v6", "2001:db8:85a3::8a2e:370:7335"),
                       node_at("v6b", "2001:db8::2"),
                       node_at("eu-sd", "sd1.eu.example.com"),
                       node_at("eu-a", "node-b1.eu.example.com"),
                       node_at("c99", "caxltestserver99.example.com"),
                       node_at("c01", "caxltestserver01.example.com"),
                       node_at("one", "1.1.1.1"),
                       node_at("new", "newtestserver.example.com"),
                       node_at("host1", "host1.cisco.co.uk"),
                       node_at("host2", "host2.cisco.co.uk")});
    const struct {
        std::string said_by; // a node's name
        std::string text;
        std::string wanted;
    } rows[] = {
        {"primarySDNode", "cupNodeA", "cupNodeA"},
        {"primarySDNode", "cupNodeA.example.com", "cupNodeA"},
        {"ip1", "127.0.0.2", "ip2"},
        {"node-sd1", "node-a1", "node-a1"},
        {"sdnode1", "", "-"},
        {"ip1", "/myhttpbinding", "my"},
        {"ip1", "cupnodea.cisco.com", "a-cisco"},
        {"v6", "cupnodea", "cupNodeA"},
        {"sdnode1", "2001:db8:85a3::8a2e:370:7335", "v6"},
        {"sdnode1", "cup-node-a.cisco.com", "a-dash"},
        {"sdnode1", "/cupnodea.cisco.com", "a-cisco"},
        {"sdnode1", "home-node", "home"},
        {"node-sd1", "2001:db8::2", "v6b"},
        {"node-sd1", "[2001:db8::2]", "v6b"},
        {"node-sd1", "node_a1", "-"},
        {"node-sd1", " node-a1 ", "node-a1"},
        {"node-sd1", "node-a1:7335", "node-a1"},
        {"node-sd1", "NODE-A1", "node-a1"},
        {"node-sd1", "http://node-a1.example.com:7335/httpbinding", "node-a1"},
        {"node-sd1", "node-a1.example.com", "node-a1"},
        {"node-sd1", "/node-a1", "node-a1"},
        {"node-sd1", "/app/node-a1", "-"}, // no prefix here
        {"node-sd1", "node-a1.other.net", "-"},
        {"node-sd1", "node-a1.eu.example.com", "-"},
        {"node-sd1", "node-a1.local", "-"},
        {"eu-sd", "node-b1.example.com", "eu-a"},
        {"c99", "caxltestserver99", "c99"},
        {"c99", "caxltestserver01", "c01"},
        {"c99", "caxltestserver01.example.com", "c01"},
        {"c99", "caxltestserver02", "-"},
        {"c99", "1.1.1.1", "one"},
        {"c99", "newtestserver", "new"},
        {"host1", "host2", "host2"},
        {"host1", "host2.cisco.co.uk", "host2"},
    };
    for (const auto& row : rows) {
        const auto said_by = cisco.names.find(row.said_by);
        ASSERT_TRUE(said_by) << row.said_by;
        EXPECT_EQ(cisco.found(row.text, said_by), row.wanted) << row.said_by << ": " << row.text;
    }
}

TEST(node_names_of_discovery, looks_at_texts_to_the_limit_and_no_longer) {
    const std::string target =
        "/" +
        std::string(node_names::text_bytes_max - std::string("https://a.b:7335/").size(), 'x');
    const world one({node_at("a", "a.b", {}, target)});
    const std::string url = "https://a.b:7335" + target;
    ASSERT_EQ(url.size(), node_names::text_bytes_max);
    EXPECT_EQ(one.found(url), "a");
    EXPECT_EQ(one.found(" " + url + " "), "a") << "without the space around it";
    EXPECT_EQ(one.found(url + "x"), "-");
    // The space does not count, however much it is.
    EXPECT_EQ(one.found(std::string(10'000, ' ') + "a"), "a");

    // A path of the longest form that the route table knows, and one byte more.
    const std::string name(routing::route_table::path_bytes_max - 1, 'n');
    const world longest({node_at(name, "host")});
    EXPECT_EQ(longest.found(name), name);
    EXPECT_EQ(longest.found("/" + name), name);
    EXPECT_EQ(longest.found(name + "n"), "-");
    const world prefixed({node_at(name.substr(4), "host")}, "/app");
    EXPECT_EQ(prefixed.found(name.substr(4)), name.substr(4));
    EXPECT_EQ(prefixed.found("/" + name.substr(4)), name.substr(4));
    EXPECT_EQ(prefixed.found("/" + name.substr(3)), "-");
    EXPECT_EQ(prefixed.found(name.substr(3)), "-");
}

TEST(node_names_of_discovery, decodes_hostnames) {
    const world one({node_at("node-a1", "host")});
    const auto found = [&](std::string_view written) {
        hostname_text text;
        text.written = written;
        text.coded = true;
        return one.names.find(text).has_value();
    };
    EXPECT_TRUE(found("node&#45;a1"));
    EXPECT_TRUE(found("&#x20;node-a1&#9;"));
    EXPECT_FALSE(found("node&amp;a1"));
    const std::string blanks(node_names::text_bytes_max - 7, ' ');
    EXPECT_TRUE(found(blanks + "node-a1"));
    EXPECT_FALSE(found(blanks + " node-a1")) << "longer than what is looked at";
}

TEST(homes_named, takes_the_first_two) {
    const world three({node_at("a", "a.example.com"), node_at("b", "b.example.com"),
                       node_at("sd", "sd.example.com")});
    const auto of = [](std::string_view written, bool for_mechanism = false) {
        hostname_text text;
        text.written = written;
        text.for_mechanism = for_mechanism;
        return text;
    };
    const struct {
        const char* name;
        std::vector<hostname_text> hostnames;
        std::vector<node_index> wanted;
        unsigned unknown;
    } rows[] = {
        {"none", {}, {}, 0},
        {"home", {of("b")}, {1}, 0},
        {"home and backup", {of("b.example.com"), of("a")}, {1, 0}, 0},
        {"doubled", {of("b"), of("b.example.com:7335")}, {1}, 0},
        {"more than two", {of("a"), of("b"), of("sd"), of("x")}, {0, 1}, 0},
        {"home unknown", {of("x"), of("a")}, {0}, 1},
        {"backup unknown", {of("a"), of("x"), of("b")}, {0}, 1},
        {"both unknown", {of("x"), of("y")}, {}, 2},
        {"Kerberos only", {of("a", true)}, {}, 0},
        {"Kerberos among them", {of("a", true), of("b"), of("x", true), of("sd")}, {1, 2}, 0},
    };
    for (const auto& row : rows) {
        const named_homes homes = homes_named(row.hostnames, three.names, 2);
        EXPECT_EQ(std::vector(homes.nodes.begin(), homes.nodes.begin() + homes.count), row.wanted)
            << row.name;
        EXPECT_EQ(homes.unknown, row.unknown) << row.name;
        EXPECT_EQ(homes.any(), !row.wanted.empty() || row.unknown != 0) << row.name;
    }
}

} // namespace
} // namespace boshgate::discovery
