#include "routing/user_hint.hpp"

#include "routing/route_table.hpp"
#include "tests/routing/request_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

const route_table& table() {
    static const route_table made = [] {
        conf::config config;
        config.discovery.path = "/httpbinding";
        return route_table(config);
    }();
    return made;
}

// "alice@example.com by path", or "nobody".
std::string named(std::string_view from, std::string_view target, std::string_view fields = "",
                  std::string_view field = "X-User") {
    const std::string document =
        "<body xmlns='http://jabber.org/protocol/httpbind' rid='1'" +
        (from.empty() ? std::string() : " from='" + std::string(from) + "'") + "/>";
    body_tag tag;
    EXPECT_TRUE(read_body_tag(document, {}, tag).ok()) << document;
    const request_of request(fields, "POST " + std::string(target) + " HTTP/1.1");
    const auto segment = table().find_discovery(request.head().path);
    const auto user = user_named_by(tag, request.head(), {segment.value_or(""), field});
    return user ? user->user.text() + " by " + std::string(name_of(user->by)) : "nobody";
}

TEST(user_hint, the_order_decides) {
    struct {
        const char* name;
        std::string_view from, target, fields;
        std::string_view wanted;
    } const cases[] = {
        {"all four", "a@x", "/httpbinding/b@x?jid=c@x", "X-User: d@x\r\n", "a@x by from"},
        {"no from", "", "/httpbinding/b@x?jid=c@x", "X-User: d@x\r\n", "b@x by path"},
        {"neither from nor path", "", "/httpbinding?jid=c@x", "X-User: d@x\r\n", "c@x by query"},
        {"a field alone", "", "/httpbinding", "X-User: d@x\r\n", "d@x by field"},
        {"none", "", "/httpbinding", "", "nobody"},
        {"from and path differ", "a@x", "/httpbinding/b@x", "", "a@x by from"},
        {"from and query differ", "a@x", "/httpbinding?jid=c@x", "", "a@x by from"},
        {"a from that is a domain", "x", "/httpbinding/b@x", "", "b@x by path"},
        {"a from that is no address", "a b@x", "/httpbinding/b@x", "", "b@x by path"},
        {"a path that names nobody", "", "/httpbinding/x?jid=c@x", "", "c@x by query"},
        {"a query that names nobody", "", "/httpbinding?jid=", "X-User: d@x\r\n", "d@x by field"},
        {"all of them bad", "x", "/httpbinding/x?jid=x", "X-User: x\r\n", "nobody"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(named(c.from, c.target, c.fields), c.wanted) << c.name;
}

TEST(user_hint, from_is_decoded) {
    EXPECT_EQ(named("Alice@Example.com/web", "/"), "alice@example.com by from");
    EXPECT_EQ(named("&#x61;lice&#64;x", "/"), "alice@x by from");
    EXPECT_EQ(named("a&amp;b@x", "/"), "nobody") << "no ampersand in a localpart";
    EXPECT_EQ(named("a@x/&lt;&#10;", "/"), "a@x by from");
    const std::string longest(bare_jid::part_max, 'a');
    EXPECT_EQ(named(longest + "@x", "/"), longest + "@x by from");
    EXPECT_EQ(named(longest + "a@x", "/"), "nobody");
}

TEST(user_hint, path_and_query_are_decoded) {
    struct {
        const char* name;
        std::string_view target;
        std::string_view wanted;
    } const cases[] = {
        {"escaped", "/httpbinding/alice%40example.com", "alice@example.com by path"},
        {"every byte escaped", "/httpbinding/%61%40%78", "a@x by path"},
        {"capitals", "/HttpBinding/Alice@X", "alice@x by path"},
        {"a plus", "/httpbinding/a+b@x", "a+b@x by path"},
        {"UTF-8", "/httpbinding/%C3%a9@x", "\xc3\xa9@x by path"},
        {"a resource, escaped", "/httpbinding/a@x%2Fweb", "a@x by path"},
        {"a percent sign in a localpart", "/httpbinding/a%25b@x", "a%b@x by path"},
        {"absolute form", "http://chat.example.com/httpbinding/a@x", "a@x by path"},
        {"decoded once", "/httpbinding/a%2540x", "nobody"},
        {"a broken escape", "/httpbinding/a@x%4", "nobody"},
        {"no escape", "/httpbinding/a@x%zz", "nobody"},
        {"a NUL", "/httpbinding/a%00@x", "nobody"},
        {"a line end", "/httpbinding/a@x%0d%0a", "nobody"},
        {"bad UTF-8", "/httpbinding/a%ff@x", "nobody"},

        {"a parameter", "/httpbinding?jid=a@x", "a@x by query"},
        {"escaped parameter", "/httpbinding?jid=a%40x", "a@x by query"},
        {"the endpoint with a slash", "/httpbinding/?jid=a@x", "a@x by query"},
        {"among others", "/httpbinding?v=1&jid=a@x&w", "a@x by query"},
        {"the first of two", "/httpbinding?jid=a@x&jid=b@x", "a@x by query"},
        {"the first of two, although bad", "/httpbinding?jid=a&jid=b@x", "nobody"},
        {"a plus is no blank", "/httpbinding?jid=a+b@x", "a+b@x by query"},
        {"empty parameters", "/httpbinding?&&jid=a@x&", "a@x by query"},
        {"a resource in it", "/httpbinding?jid=a@x/web?b", "a@x by query"},
        {"another name", "/httpbinding?ajid=a@x&jidb=a@x&JID=a@x", "nobody"},
        {"no value", "/httpbinding?jid", "nobody"},
        {"a broken escape in it", "/httpbinding?jid=a@x%", "nobody"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(named("", c.target), c.wanted) << c.name;
}

TEST(user_hint, a_field_of_the_chosen_name) {
    struct {
        const char* name;
        std::string_view fields, field;
        std::string_view wanted;
    } const cases[] = {
        {"any letter case", "x-USER: Alice@X\r\n", "X-User", "alice@x by field"},
        {"blanks around", "X-User:  \ta@x \t\r\n", "X-User", "a@x by field"},
        {"no field configured", "X-User: a@x\r\n", "", "nobody"},
        {"another field", "X-Username: a@x\r\n", "X-User", "nobody"},
        {"twice the same", "X-User: a@x\r\nX-User: a@x\r\n", "X-User", "nobody"},
        {"one of them empty", "X-User:\r\nX-User: a@x\r\n", "X-User", "nobody"},
        {"a list", "X-User: a@x, b@x\r\n", "X-User", "nobody"},
        {"not decoded", "X-User: a%40x\r\n", "X-User", "nobody"},
        {"UTF-8", "X-User: \xc3\xa9@x\r\n", "X-User", "\xc3\xa9@x by field"},
        {"bad UTF-8", "X-User: \xe9@x\r\n", "X-User", "nobody"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(named("", "/httpbinding", c.fields, c.field), c.wanted) << c.name;
}

} // namespace
} // namespace boshgate::routing
