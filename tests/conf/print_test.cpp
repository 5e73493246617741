#include "conf/print.hpp"

#include "conf/load.hpp"
#include "conf/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace boshgate::conf {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

std::string read_file(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(print, quotes_what_yaml_would_take_for_something_else) {
    for (const char* text : {"a", "https://a.example:80/x", "/srv/webapp", "10.0.0.0/8", "010",
                             "true", "content-type", "_x", "a=b;c%20"}) {
        EXPECT_EQ(yaml_text(text), text);
    }
    for (const char* text : {"",   "null",        "~",  "a b", "a: b", "a #b", "-",
                             "*",  "[::]:80",     "a:", "'a'", "a,b",  "{a}",  "\"",
                             "\\", "caf\xc3\xa9", "@a", "%a",  "!a",   "&a"}) {
        EXPECT_TRUE(yaml_text(text).starts_with('"')) << text;
        const auto loaded = load("prefix: " + yaml_text(text) + "\n", "t");
        EXPECT_EQ(loaded.config.prefix, text);
    }
}

TEST(print, writes_what_load_reads_back) {
    const auto same = [](const config& c) {
        const std::string once = to_yaml(c);
        const auto loaded = load(once, "t");
        std::string problems;
        for (const problem& p : loaded.problems) {
            problems += p.level == severity::error ? to_string(p) + '\n' : "";
        }
        EXPECT_EQ(problems, "") << once;
        EXPECT_EQ(to_yaml(loaded.config), once);
        EXPECT_EQ(loaded.config.timeouts, c.timeouts);
        EXPECT_EQ(loaded.config.limits, c.limits);
        EXPECT_EQ(loaded.config.sessions, c.sessions);
        EXPECT_EQ(loaded.config.health, c.health);
        EXPECT_EQ(loaded.config.admin, c.admin);
        EXPECT_EQ(loaded.config.discovery, c.discovery);
        EXPECT_EQ(loaded.config.cors, c.cors);
        EXPECT_EQ(loaded.config.log, c.log);
        EXPECT_EQ(loaded.config.web_root, c.web_root);
        EXPECT_EQ(loaded.config.nodes.size(), c.nodes.size());
        EXPECT_EQ(loaded.config.listen.size(), c.listen.size());
    };
    int good = 0;
    for (const auto& entry : fs::directory_iterator{fs::path{BOSHGATE_TEST_DIR} / "cases"}) {
        if (entry.path().filename().string().starts_with("good_")) {
            same(load(read_file(entry.path()), "t").config);
            ++good;
        }
    }
    EXPECT_GE(good, 5);
    same(load(read_file(fs::path{BOSHGATE_SOURCE_DIR} / "conf" / "boshgate.yaml"), "t").config);

    config all;
    all.threads = 3;
    all.listen.push_back({"::1",
                          443,
                          listener_tls{{{"a", "b", {}}, {"c d", "e", {}}}, tls_version::v1_3},
                          true,
                          {}});
    all.prefix = "/app";
    all.web_root = web_root{"/srv/a b", {"x.html"},  "y.html",
                            false,      seconds{60}, {{"x-a", ""}, {"x-b", "c: d"}}};
    node n;
    n.name = "n";
    n.url = *parse_http_url("https://[2001:db8::1]:7335/x?y");
    n.aliases = {"m", "[::2]"};
    n.host = "chat.example.com:8443";
    n.tls.pins = {"sha256//EvEXJeNd+dUqlaJ1aikwVa8bcnWr9IaQNlLtRHiGbXM="};
    n.tls.server_name = "s.example";
    n.tls.legacy = true;
    all.nodes.push_back(n);
    all.routes = {{"/a", "n"}, {"/b/c", "n"}};
    all.cors = {{"https://a.example", "https://*.example.com"},
                true,
                seconds{90},
                {},
                {"etag"},
                true,
                false};
    all.trusted_proxies = {"10.0.0.0/8", "::1"};
    all.request_headers = {};
    all.answer_headers = {"set-cookie"};
    all.timeouts.head = milliseconds{1500};
    all.timeouts.drain = milliseconds{0};
    all.limits.fields = 7;
    all.limits.body_bytes = 3 * 1024 * 1024;
    all.discovery.path = "/find/me";
    all.discovery.primary = "n";
    all.discovery.user_header = "x-user";
    all.discovery.step = milliseconds{1500};
    all.discovery.patience = milliseconds{6000};
    all.discovery.steps_max = 7;
    all.discovery.cache = {.users = 7, .keep = milliseconds{90'000}};
    all.discovery.move_at_auth = false;
    all.discovery.keys_file = "/etc/bosh gate/keys";
    all.discovery.hostnames = hostnames_shown::remove;
    all.discovery.questions_per_address = 9;
    all.discovery.lookup = {.path = "/who", .per_address = 9};
    all.discovery.host_meta = true;
    all.health.fall = 7;
    all.health.rise = 3;
    all.health.give_up = milliseconds{9000};
    all.health.jitter = 0;
    all.health.probe = health_probe::tls;
    all.health.domain = "chat.example.com";
    all.health.user = "probe@example.com";
    all.health.session_interval = milliseconds{0};
    all.health.certificate_days = 0;
    all.admin = {"::1", 0, {"boshgate"}, "/etc/bosh gate/tokens"};
    all.sessions.wait_max = seconds{50};
    all.sessions.reorder = milliseconds{1500};
    all.sessions.elsewhere = milliseconds{150};
    all.sessions.replay_bytes = 128 * 1024;
    all.sessions.requests_per_second = 50;
    all.log = {log_level::debug, "a b.log", access_log::off, "-"};
    same(all);
    all.discovery = {};
    all.health.user.clear(); // whom only discovery nodes know
    all.admin = {.host = "", .port = 0, .names = {}, .token_file = ""};
    all.sessions.enabled = false;
    same(all);
}

TEST(print, writes_only_what_differs) {
    config c;
    c.listen.push_back({.host = "127.0.0.1", .port = 80});
    node n;
    n.name = "n";
    n.url = *parse_http_url("http://n.example/x");
    c.nodes.push_back(n);
    EXPECT_EQ(to_yaml(c, {{"", "first\n\nthird"}, {"listen[0]", "a"}, {"nodes.n", "b"}}),
              "# first\n#\n# third\n"
              "listen:\n  # a\n  - address: 127.0.0.1:80\n"
              "nodes:\n  # b\n  n: http://n.example/x\n");
}

} // namespace
} // namespace boshgate::conf
