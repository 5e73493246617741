// What a whole file shows is in cases/*.yaml; here are configurations that no file can produce, and
// the counts that a file would be too long for.

#include "conf/validate.hpp"

#include "conf/bounds.hpp"
#include "conf/url.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace boshgate::conf {
namespace {

config valid() {
    config c;
    c.listen.push_back({.host = "127.0.0.1", .port = 80});
    c.nodes.push_back({.name = "n", .url = *parse_http_url("https://n.example/x")});
    return c;
}

std::string all_of(const config& c) {
    std::string text;
    for (const problem& p : validate(c)) {
        text += to_string(p) + '\n';
    }
    return text;
}

TEST(validate, finds_nothing_in_a_plain_configuration) {
    EXPECT_EQ(all_of(valid()), "");
}

TEST(validate, reports_without_marks) {
    config c = valid();
    c.listen.clear();
    const auto found = validate(c, {}, "built");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(
        to_string(found[0]),
        "built: listen: there is no listener, expected at least one '- address: 0.0.0.0:8443'");
}

TEST(validate, uses_the_nearest_mark) {
    config c = valid();
    c.nodes[0].aliases = {"a", "b/c"};
    const source_marks marks{{"nodes.n", {4, 2}}, {"nodes.n.aliases", {5, 6}}};
    const auto found = validate(c, marks, "f");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].line, 5);
    EXPECT_EQ(found[0].column, 6);
}

TEST(validate, checks_values_that_only_code_can_set) {
    struct row {
        const char* name;
        std::function<void(config&)> spoil;
        const char* expected;
    };
    const std::vector<row> rows{
        {"host", [](config& c) { c.listen[0].host = "localhost"; },
         "listen[0].address: 'localhost' is not a numeric address"},
        {"no certificate", [](config& c) { c.listen[0].tls = listener_tls{}; },
         "listen[0].tls: there is no certificate"},
        {"second certificate",
         [](config& c) {
             c.listen[0].tls = listener_tls{{{"a", "b", {}}, {"", "d", {}}}, {}};
         },
         "listen[0].tls.certificates[1].certificate: the file name is empty"},
        {"negative duration", [](config& c) { c.timeouts.head = milliseconds{-5}; },
         "timeouts.head: is negative"},
        {"long duration", [](config& c) { c.timeouts.head = std::chrono::hours{2}; },
         "timeouts.head: 2h is out of range"},
        {"limit", [](config& c) { c.limits.fields = 257; },
         "limits.fields: 257 is out of range, expected 1 to 256"},
        {"bytes", [](config& c) { c.limits.body_bytes = 65 * mib; },
         "limits.body_bytes: 65MiB is out of range, expected 1B to 64MiB"},
        {"negative max-age", [](config& c) { c.cors.max_age = seconds{-1}; },
         "cors.max_age: -1s is out of range"},
        {"header injection",
         [](config& c) {
             c.web_root = web_root{.path = "w", .headers = {{"x", "a\r\nb: c"}}};
         },
         "web_root.headers.x: 'a\\x0d\\x0ab: c' has bytes that no header field may carry"},
        {"negative step", [](config& c) { c.discovery.step = milliseconds{-5}; },
         "discovery.step: "},
        {"health domain with a quote", [](config& c) { c.health.domain = "exa'mple.com"; },
         "health.domain: 'exa'mple.com' is no XMPP domain, expected a domain, such as example.com"},
        {"health user without a name", [](config& c) { c.health.user = "@example.com"; },
         "health.user: '@example.com' is no bare JID"},
        {"health user with a resource", [](config& c) { c.health.user = "a@example.com/x"; },
         "health.user: 'a@example.com/x' is no bare JID"},
        {"health user without discovery",
         [](config& c) {
             c.discovery = {};
             c.health.user = "a@example.com";
         },
         "health.user: there is no discovery endpoint"},
        {"health domain, and nobody is asked",
         [](config& c) {
             c.health.interval = milliseconds{0};
             c.health.domain = "example.com";
         },
         "health.interval: 0s: nodes are never asked"},
        {"cache of nobody", [](config& c) { c.discovery.cache.users = 0; },
         "discovery.cache.users: 0 is out of range, expected 1 to 10000000"},
        {"too many lookups", [](config& c) { c.discovery.lookup.per_address = 10'000'001; },
         "discovery.lookup.per_address: 10000001 is out of range, expected 0 to 10000000"},
        {"two nodes of one name", [](config& c) { c.nodes.push_back(c.nodes[0]); },
         "nodes.n: requests for '/n' would belong to two nodes; it is the name of n"},
    };
    for (const row& r : rows) {
        config c = valid();
        r.spoil(c);
        EXPECT_NE(all_of(c).find(r.expected), std::string::npos) << r.name << ": " << all_of(c);
    }
}

TEST(validate, bounds_what_a_file_can_repeat) {
    struct row {
        const char* name;
        std::size_t most;
        std::function<void(config&, std::size_t)> fill;
    };
    const auto number = [](std::size_t i) { return std::to_string(i); };
    const std::vector<row> rows{
        {"listen: there are more", listeners_most,
         [](config& c, std::size_t n) { c.listen.assign(n, {.host = "127.0.0.1", .port = 0}); }},
        {"nodes: there are more", nodes_most,
         [&](config& c, std::size_t n) {
             c.nodes.assign(n, c.nodes[0]);
             for (std::size_t i = 0; i < n; ++i) {
                 c.nodes[i].name = "n" + number(i);
             }
         }},
        {"nodes.n.aliases: there are more", aliases_most,
         [&](config& c, std::size_t n) {
             for (std::size_t i = 0; i < n; ++i) {
                 c.nodes[0].aliases.push_back("a" + number(i));
             }
         }},
        {"routes: there are more", routes_most,
         [&](config& c, std::size_t n) {
             for (std::size_t i = 0; i < n; ++i) {
                 c.routes["/r" + number(i)] = "n";
             }
         }},
        {"cors.origins: there are more", origins_most,
         [&](config& c, std::size_t n) {
             for (std::size_t i = 0; i < n; ++i) {
                 c.cors.origins.push_back("https://o" + number(i) + ".example");
             }
         }},
        {"threads: 1025 is out of range", threads_most,
         [](config& c, std::size_t n) { c.threads = static_cast<unsigned>(n); }},
    };
    for (const row& r : rows) {
        config most = valid();
        r.fill(most, r.most);
        EXPECT_EQ(all_of(most), "") << r.name;
        config more = valid();
        r.fill(more, r.most + 1);
        EXPECT_NE(all_of(more).find(r.name), std::string::npos) << r.name << ": " << all_of(more);
    }
}

TEST(validate, answer_timeout_must_outlast_a_held_poll) {
    config c = valid();
    c.timeouts.answer = seconds{61};
    EXPECT_EQ(all_of(c), "");
    c.timeouts.answer = seconds{60};
    const auto found = validate(c);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].path, "timeouts.answer");
    EXPECT_EQ(found[0].level, severity::warning);
}

} // namespace
} // namespace boshgate::conf
