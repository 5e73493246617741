#include "routing/see_other.hpp"

#include "conf/url.hpp"
#include "routing/body_edit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

conf::node node(std::string name, std::string_view url, std::vector<std::string> aliases = {}) {
    conf::node made;
    made.name = std::move(name);
    made.url = *conf::parse_http_url(url);
    made.aliases = std::move(aliases);
    return made;
}

conf::config some_nodes() {
    conf::config made;
    made.prefix = "/app";
    made.nodes = {
        node("node-a1", "https://node-a1.example.com:7335/httpbinding", {"10.0.0.21", "a1"}),
        node("node-b1", "https://node-b1.example.com/http-bind"),
        node("node-c1", "http://shared.example.com:5280/bosh-c1"),
        node("node-c2", "http://shared.example.com:5280/bosh-c2"),
        node("node-d1", "http://[2001:db8::d1]:5280/http-bind"),
    };
    made.routes = {{"/httpbinding", "node-b1"}};
    return made;
}

std::string answer(std::string_view payload, std::string_view condition = "see-other-uri") {
    return "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='" +
           std::string(condition) + "'>" + std::string(payload) + "</body>";
}

TEST(see_other, finds_the_uri) {
    const struct {
        std::string_view what;
        std::string document;
        std::string_view written; // empty: not found
    } cases[] = {
        {"plain", answer("<uri>http://a/b</uri>"), "http://a/b"},
        {"white space around it", answer("<uri> \n http://a/b\t</uri>"), "http://a/b"},
        {"references", answer("<uri>http://a/b?x&amp;y</uri>"), "http://a/b?x&amp;y"},
        {"behind another child", answer("<x xmlns='y'><uri>no</uri></x><uri>http://a/b</uri>"),
         "http://a/b"},
        {"the first of two", answer("<uri>http://a/b</uri><uri>http://c/d</uri>"), "http://a/b"},
        {"before another child", answer("<uri>http://a/b</uri><x><y/></x>"), "http://a/b"},
        {"prefixed",
         "<b:body xmlns:b='http://jabber.org/protocol/httpbind' type='terminate' "
         "condition='see-other-uri'><b:uri>http://a/b</b:uri></b:body>",
         "http://a/b"},
        {"another condition", answer("<uri>http://a/b</uri>", "host-gone"), ""},
        {"no terminate",
         "<body xmlns='http://jabber.org/protocol/httpbind' condition='see-other-uri'>"
         "<uri>http://a/b</uri></body>",
         ""},
        {"nothing in it", answer(""), ""},
        {"empty", answer("<uri/>"), ""},
        {"only white space", answer("<uri> </uri>"), ""},
        {"an element inside", answer("<uri>http://a/<x/>b</uri>"), ""},
        {"an element around all", answer("<uri><x>http://a/b</x></uri>"), ""},
        {"a CDATA section", answer("<uri><![CDATA[http://a/b]]></uri>"), ""},
        {"another namespace", answer("<uri xmlns='urn:x'>http://a/b</uri>"), ""},
        {"deeper", answer("<x><uri>http://a/b</uri></x>"), ""},
        {"the first is empty", answer("<uri/><uri>http://a/b</uri>"), ""},
        {"malformed behind it", answer("<uri>http://a/b</uri><x>"), ""},
    };
    for (const auto& one : cases) {
        body_tag tag;
        ASSERT_TRUE(read_body_tag(one.document, body_limits{}, tag).ok()) << one.what;
        const auto found = find_see_other(tag, body_limits{});
        ASSERT_EQ(found.has_value(), !one.written.empty()) << one.what;
        if (found) {
            EXPECT_EQ(found->written, one.written) << one.what;
            EXPECT_EQ(found->coded, one.written.find('&') != std::string_view::npos) << one.what;
        }
    }
}

TEST(see_other, leads_to_the_node_behind_the_url) {
    const conf::config config = some_nodes();
    const route_table routes(config);
    constexpr struct {
        std::string_view url;
        std::string_view node; // empty: none
    } cases[] = {
        {"https://node-a1.example.com:7335/httpbinding", "node-a1"},
        {"HTTPS://NODE-A1.Example.com:7335/httpbinding", "node-a1"},
        {"http://node-a1.example.com:7335/httpbinding", "node-a1"}, // CUP: both on one port
        {"https://node-a1:7335/httpbinding", "node-a1"},
        {"https://10.0.0.21:7335/httpbinding", "node-a1"},
        {"https://a1:7335/httpbinding", "node-a1"},
        {"https://node-b1.example.com/http-bind", "node-b1"},
        {"https://node-b1.example.com:443/http-bind", "node-b1"},
        {"http://shared.example.com:5280/bosh-c1", "node-c1"},
        {"http://shared.example.com:5280/bosh-c2", "node-c2"},
        {"http://[2001:db8::d1]:5280/http-bind", "node-d1"},
        {"http://[2001:DB8:0::00d1]:5280/http-bind", "node-d1"},
        {"https://node-a1.example.com:7336/httpbinding", ""},
        {"https://node-a1.example.com/httpbinding", ""},
        {"https://node-a1.example.com:7335/other", ""},
        {"https://node-a1.example.com:7335/httpbinding?x", ""},
        {"http://shared.example.com:5280/bosh-c3", ""},
        {"http://node-b1.example.com/http-bind", ""},
        {"https://evil.example.net:7335/httpbinding", ""},
        {"https://user@node-a1.example.com:7335/httpbinding", ""},
        {"/httpbinding", ""},
        {"node-a1", ""},
        {"", ""},
    };
    for (const auto& one : cases) {
        const auto found = node_of_url(one.url, config, routes);
        EXPECT_EQ(found ? config.nodes[*found].name : "", one.node) << one.url;
    }
}

TEST(see_other, the_client_sees_the_proxied_url_and_every_other_byte) {
    const conf::config config = some_nodes();
    const route_table routes(config);
    const std::string document = "<body  condition=\"see-other-uri\" type='terminate' "
                                 "xmlns='http://jabber.org/protocol/httpbind' >"
                                 "<uri> https://node-a1.example.com:7335/http&#98;inding </uri>"
                                 "</body>\n";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, body_limits{}, tag).ok());
    const auto found = find_see_other(tag, body_limits{});
    ASSERT_TRUE(found);
    const auto target = see_other_target(*found, "https://chat.example.com:8443", config, routes);
    ASSERT_TRUE(target);
    EXPECT_EQ(*target, "https://chat.example.com:8443/app/node-a1");

    body_edits edits(tag);
    ASSERT_EQ(edits.replace_text(found->range, *target), edit_error::none);
    std::string written(edits.size(), '\0');
    ASSERT_EQ(edits.write(written), written.size());
    EXPECT_EQ(written, "<body  condition=\"see-other-uri\" type='terminate' "
                       "xmlns='http://jabber.org/protocol/httpbind' >"
                       "<uri>https://chat.example.com:8443/app/node-a1</uri></body>\n");
}

TEST(see_other, no_target_where_no_node_is) {
    const conf::config config = some_nodes();
    const route_table routes(config);
    for (const std::string_view url :
         {"https://elsewhere.example.com:7335/httpbinding", "https://node-a1.example.com:7335/",
          "https&#58;//node-a1.example.com:7335/&lt;", "nonsense"}) {
        const std::string document = answer("<uri>" + std::string(url) + "</uri>");
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, body_limits{}, tag).ok()) << url;
        const auto found = find_see_other(tag, body_limits{});
        ASSERT_TRUE(found) << url;
        EXPECT_FALSE(see_other_target(*found, "https://chat.example.com", config, routes)) << url;
    }
}

} // namespace
} // namespace boshgate::routing
