#include "routing/route_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::routing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

conf::node make_node(std::string name, std::string host, std::uint16_t port = 7335,
                     std::vector<std::string> aliases = {}) {
    conf::node node;
    node.name = std::move(name);
    node.url = {.tls = true, .host = std::move(host), .port = port, .target = "/httpbinding"};
    node.aliases = std::move(aliases);
    return node;
}

conf::config make_config(std::vector<conf::node> nodes, std::string prefix = "",
                         std::map<std::string, std::string> routes = {}) {
    conf::config config;
    config.nodes = std::move(nodes);
    config.prefix = std::move(prefix);
    config.routes = std::move(routes);
    return config;
}

TEST(node_names, are_name_aliases_and_host_with_and_without_port) {
    EXPECT_THAT(
        node_names(make_node("Node-A1", "node-a1.example.com", 7335, {"10.0.0.21", "old-a1:80"})),
        ElementsAre("node-a1", "10.0.0.21", "old-a1:80", "node-a1.example.com", "node-a1:7335",
                    "10.0.0.21:7335", "node-a1.example.com:7335"));
}

TEST(node_names, hold_no_name_twice) {
    EXPECT_THAT(node_names(make_node("node-a1", "node-a1", 80, {"NODE-A1", "node-a1:80"})),
                ElementsAre("node-a1", "node-a1:80"));
}

TEST(node_names, leave_the_first_label_of_an_fqdn_alone) {
    EXPECT_THAT(node_names(make_node("west", "node-a1.west.example.com")),
                Not(Contains("node-a1")));
}

TEST(node_names, spell_ipv6_addresses_in_all_their_forms) {
    EXPECT_THAT(node_names(make_node("a", "2001:DB8:0:0:0:0:0:22")),
                ElementsAre("a", "2001:db8:0:0:0:0:0:22", "[2001:db8:0:0:0:0:0:22]", "2001:db8::22",
                            "[2001:db8::22]", "a:7335", "[2001:db8:0:0:0:0:0:22]:7335",
                            "[2001:db8::22]:7335"));
    EXPECT_THAT(node_names(make_node("a", "host", 80, {"[::1]"})),
                ElementsAre("a", "::1", "[::1]", "host", "a:80", "[::1]:80", "host:80"));
    EXPECT_THAT(node_names(make_node("a", "host", 80, {"[::1]:81"})),
                ElementsAre("a", "[::1]:81", "host", "a:80", "host:80"));
}

TEST(node_names, know_an_ipv4_address_that_was_written_as_ipv6) {
    EXPECT_THAT(node_names(make_node("a", "::ffff:10.0.0.22")), Contains("10.0.0.22"));
    EXPECT_THAT(node_names(make_node("a", "::ffff:10.0.0.22")), Contains("10.0.0.22:7335"));
}

TEST(node_names, take_a_final_dot_as_optional) {
    EXPECT_THAT(node_names(make_node("a", "node-a1.example.com.")),
                Contains("node-a1.example.com"));
}

// What clients really ask for, and what they must not reach.
TEST(route_table, finds_nodes_by_every_name_and_nothing_else) {
    const route_table table(make_config(
        {make_node("node-sd1", "node-sd1.example.com"), make_node("node-a1", "node-a1.example.com"),
         make_node("node-b1", "10.0.0.22", 7335, {"Cup-B.example.com"}),
         make_node("node-v6", "2001:db8::2")},
        "", {{"/httpbinding", "node-sd1"}, {"/Legacy/Bosh/", "node-a1"}}));
    constexpr node_index sd1 = 0, a1 = 1, b1 = 2, v6 = 3;
    const struct {
        std::string path;
        std::optional<node_index> node;
    } rows[] = {
        {"/node-sd1", sd1},
        {"/node-a1", a1},
        {"/node-a1/", a1},
        {"/NODE-A1", a1},
        {"/Node-a1/", a1},
        {"/node-a1.example.com", a1},
        {"/node-a1.example.com:7335", a1},
        {"/NODE-A1.EXAMPLE.COM/", a1},
        {"/node-a1:7335", a1},
        {"/10.0.0.22", b1},
        {"/10.0.0.22:7335", b1},
        {"/cup-b.example.com", b1},
        {"/CUP-B.example.com:7335/", b1},
        {"/2001:db8::2", v6},
        {"/[2001:db8::2]", v6},
        {"/[2001:DB8::2]:7335", v6},
        {"/httpbinding", sd1},
        {"/HttpBinding/", sd1},
        {"/legacy/bosh", a1},
        {"/legacy/bosh/", a1},
        {"", {}},
        {"/", {}},
        {"//", {}},
        {"*", {}},
        {"node-a1", {}},
        {"/node-a1//", {}},
        {"//node-a1", {}},
        {"/node-a", {}},
        {"/node-a11", {}},
        {"/node-a1foo", {}},
        {"/node-a1/x", {}},
        {"/node-a1;x=1", {}},
        {"/node-a1?x", {}},
        {"/node-a1:7336", {}},
        {"/node-a1:", {}},
        {"/node-a1.", {}},
        {"/node%2da1", {}},
        {"/%6eode-a1", {}},
        {"/./node-a1", {}},
        {"/x/../node-a1", {}},
        {"/node-a1/.", {}},
        {"/ node-a1", {}},
        {std::string("/node-a1\0", 9), {}},
        {"/httpbinding/node-a1", {}},
        {"/legacy", {}},
        {"/2001:db8::2:7335", {}},
    };
    for (const auto& row : rows)
        EXPECT_EQ(table.find(row.path), row.node) << row.path;
}

TEST(route_table, knows_an_address_in_every_spelling) {
    const route_table table(make_config(
        {make_node("a", "host-a", 80, {"[::1]"}), make_node("b", "2001:0DB8:0::0:2"),
         make_node("c", "10.0.0.22", 7335), make_node("d", "host-d", 80, {"[2001:db8:0::9]:81"})},
        "/app", {}));
    const struct {
        std::string path;
        std::optional<node_index> node;
    } rows[] = {
        {"/app/::1", 0},
        {"/app/[::1]/", 0},
        {"/app/0:0:0:0:0:0:0:1", 0},
        {"/app/[0:0:0:0:0:0:0:1]", 0},
        {"/app/[0000:0::0001]:80", 0},
        {"/app/[::1]:81", {}},
        {"/app/::1:80", {}}, // an address of its own
        {"/app/2001:db8::2", 1},
        {"/app/[2001:DB8:0000:0:0::2]", 1},
        {"/app/[2001:db8:0:0:0:0:0:2]:7335/", 1},
        {"/app/[2001:db8:0:0:0:0:0:3]", {}},
        {"/app/10.0.0.22", 2},
        {"/app/::ffff:10.0.0.22", 2},
        {"/app/[::ffff:a00:16]", 2},
        {"/app/[0:0:0:0:0:ffff:a00:16]:7335", 2},
        {"/app/010.0.0.22:7335", {}},
        {"/app/[10.0.0.22]:7335", {}},
        {"/app/[2001:db8::9]:81", 3},
        {"/app/[2001:db8:0:0:0:0:0:9]:81", 3},
        {"/app/[2001:db8::9]", {}},
        {"/app/[::1", {}},
        {"/app/::1]", {}},
        {"/app/[::1]:", {}},
        {"/app/[::1%25lo]", {}},
        {"/app/0:0:0:0:0:0:0:0:1", {}},
        {"/app/::1/x", {}},
        {"/::1", {}},
        {"::1", {}},
        {":", {}},
        {"/app/" + std::string(900, ':'), {}},
        {"/app/[::1]:" + std::string(900, '0') + "80", {}},
    };
    for (const auto& row : rows)
        EXPECT_EQ(table.find(row.path), row.node) << row.path;
}

TEST(route_table, reports_two_spellings_of_one_address_as_a_conflict) {
    EXPECT_THAT(
        route_table::conflicts(make_config({make_node("a", "host-a", 80, {"[::1]:81"}),
                                            make_node("b", "host-b", 80, {"[0:0:0:0:0:0:0:1]:81"})},
                                           "", {})),
        ElementsAre(route_conflict{"/[::1]:81", "a", "b"}));
}

TEST(route_table, tells_the_discovery_endpoint_and_what_stands_behind_it) {
    auto config =
        make_config({make_node("node-a1", "a.example.com")}, "/App", {{"/httpbinding", "node-a1"}});
    config.discovery.path = "/HttpBinding";
    const route_table table(config);
    const std::string long_rest(route_table::path_bytes_max, 'x');
    const struct {
        std::string path;
        std::optional<std::string_view> rest;
    } rows[] = {
        {"/app/httpbinding", ""},
        {"/APP/HTTPBINDING", ""},
        {"/app/httpbinding/", ""},
        {"/app/httpbinding/alice@example.com", "alice@example.com"},
        {"/app/httpbinding/x/", "x"},
        {"/app/httpbinding/Alice%40example.com", "Alice%40example.com"},
        {"/app/httpbinding/" + long_rest, long_rest},
        {"/app/httpbinding//", {}},
        {"/app/httpbinding//x", {}},
        {"/app/httpbinding/x//", {}},
        {"/app/httpbinding/x/y", {}},
        {"/app/httpbindings", {}},
        {"/app/httpbindin", {}},
        {"/app/httpbinding;x", {}},
        {"/app/httpbinding?jid=x", {}},
        {"/app/httpbinding%2fx", {}},
        {"/httpbinding", {}},
        {"/httpbinding/alice@example.com", {}},
        {"//app/httpbinding", {}},
        {"/app", {}},
        {"/app/node-a1", {}},
        {"/", {}},
        {"", {}},
        {"*", {}},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(table.find_discovery(row.path), row.rest) << row.path;
        EXPECT_TRUE(!row.rest || !table.find(row.path)) << row.path;
    }
    EXPECT_EQ(table.find("/httpbinding"), 0) << "a route has no prefix";
    EXPECT_EQ(table.find("/app/node-a1"), 0);
}

TEST(route_table, has_no_discovery_endpoint_without_a_path) {
    const route_table table(make_config({make_node("a", "a.example.com")}, "/app", {}));
    for (const char* path : {"", "/", "/app", "/app/", "/app/a", "/a"})
        EXPECT_EQ(table.find_discovery(path), std::nullopt) << path;
}

TEST(route_table, keeps_a_derived_name_off_the_discovery_endpoint) {
    auto config = make_config({make_node("a", "httpbinding")});
    config.discovery.path = "/httpbinding";
    const route_table table(config);
    EXPECT_EQ(table.find("/httpbinding"), std::nullopt);
    EXPECT_EQ(table.find("/httpbinding:7335"), 0);
    EXPECT_EQ(table.find_discovery("/httpbinding"), "");
    EXPECT_EQ(table.find_discovery("/httpbinding:7335"), std::nullopt);
}

TEST(route_table, puts_the_prefix_before_names_but_not_before_routes) {
    const route_table table(make_config({make_node("node-a1", "a.example.com")}, "/App/v2",
                                        {{"/httpbinding", "node-a1"}}));
    EXPECT_EQ(table.find("/app/v2/node-a1"), 0);
    EXPECT_EQ(table.find("/APP/v2/a.example.com/"), 0);
    EXPECT_EQ(table.find("/httpbinding"), 0);
    EXPECT_EQ(table.find("/node-a1"), std::nullopt);
    EXPECT_EQ(table.find("/app/node-a1"), std::nullopt);
    EXPECT_EQ(table.find("/app/v2/httpbinding"), std::nullopt);
    EXPECT_EQ(table.find("/app/v2"), std::nullopt);
    EXPECT_EQ(table.find("/app/v2/"), std::nullopt);
}

TEST(route_table, can_route_the_root) {
    const route_table table(make_config({make_node("a", "a.example.com")}, "", {{"/", "a"}}));
    EXPECT_EQ(table.find("/"), 0);
    EXPECT_EQ(table.find("//"), std::nullopt);
    EXPECT_EQ(table.find(""), std::nullopt);
}

TEST(route_table, looks_up_paths_to_the_limit_and_no_longer) {
    const std::string longest(route_table::path_bytes_max - 1, 'n');
    const route_table table(make_config({make_node(longest, "h"), make_node(longest + "n", "i")}));
    EXPECT_EQ(table.find("/" + longest), 0);
    EXPECT_EQ(table.find("/" + longest + "/"), 0) << "the trailing slash is not part of the name";
    EXPECT_EQ(table.find("/" + longest + "n"), std::nullopt);
}

TEST(route_table, leaves_a_route_to_nobody_out) {
    const route_table table(
        make_config({make_node("a", "a.example.com")}, "", {{"/x", "b"}, {"/y", "a.example.com"}}));
    EXPECT_EQ(table.find("/x"), std::nullopt);
    EXPECT_EQ(table.find("/y"), std::nullopt)
        << "routes go by the node's name, not by what it is derived from";
}

TEST(route_table, lets_a_written_name_win_over_an_earlier_derived_one) {
    const auto config = make_config({make_node("first", "shared.example.com"),
                                     make_node("second", "shared.example.com", 7336),
                                     make_node("shared.example.com", "10.0.0.3")});
    const route_table table(config);
    EXPECT_EQ(table.find("/shared.example.com"), 2);
    EXPECT_EQ(table.find("/shared.example.com:7335"), 0);
    EXPECT_EQ(table.find("/shared.example.com:7336"), 1);
    EXPECT_THAT(route_table::conflicts(config), IsEmpty());
}

TEST(route_table, gives_a_shared_host_to_the_first_node) {
    const auto config = make_config(
        {make_node("first", "shared.example.com"), make_node("second", "shared.example.com")});
    EXPECT_EQ(route_table(config).find("/shared.example.com"), 0);
    EXPECT_THAT(route_table::conflicts(config), IsEmpty());
}

TEST(route_table, reports_every_path_that_two_nodes_claim) {
    const auto config = make_config(
        {make_node("a", "a.example.com", 7335, {"x"}),
         make_node("b", "b.example.com", 7335, {"X", "A"}), make_node("B", "c.example.com"),
         make_node("d", "d.example.com", 7335, {"2001:db8:0::9"}),
         make_node("e", "e.example.com", 7335, {"[2001:db8::9]"})},
        "", {{"/a", "d"}, {"/Poll", "a"}, {"/poll/", "b"}, {"/b", "b"}});
    EXPECT_THAT(route_table::conflicts(config),
                ::testing::UnorderedElementsAre(
                    route_conflict{"/x", "a", "b"}, route_conflict{"/a", "a", "b"},
                    route_conflict{"/b", "b", "B"}, route_conflict{"/2001:db8::9", "d", "e"},
                    route_conflict{"/[2001:db8::9]", "d", "e"}, route_conflict{"/a", "a", "d"},
                    route_conflict{"/poll", "a", "b"}));
}

TEST(route_table, has_no_conflict_within_one_node) {
    EXPECT_THAT(route_table::conflicts(
                    make_config({make_node("a", "a", 80, {"A", "a:80", "a"})}, "", {{"/a", "a"}})),
                IsEmpty());
}

TEST(route_table, is_empty_without_nodes) {
    const route_table table(make_config({}));
    EXPECT_EQ(table.find("/"), std::nullopt);
    EXPECT_EQ(table.find("/a"), std::nullopt);
}

} // namespace
} // namespace boshgate::routing
