#include "discovery/proxy_diagnosis.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(proxy_diagnosis, takes_over_what_loading_has_found) {
    EXPECT_EQ(judge_configuration({}),
              (std::vector<finding>{{.check = "configuration", .what = "in order"}}));
    const std::vector<finding> got =
        judge_configuration({{"b.yaml", 3, 1, "nodez", "unknown key", {}, "nodes"},
                             {"b.yaml", 4, 2, "cors", "is loud", {}, {}, conf::severity::warning}});
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].how, verdict::wrong);
    EXPECT_EQ(got[0].what, "b.yaml:3:1: nodez: unknown key, did you mean nodes?");
    EXPECT_EQ(got[1].how, verdict::warning);
    EXPECT_EQ(got[1].what, "b.yaml:4:2: cors: is loud");
}

TEST(proxy_diagnosis, judges_ports) {
    const struct {
        port_state state;
        std::string holder;
        verdict how;
        std::string what, mend, yaml;
    } cases[] = {
        {port_state::free, "", verdict::ok, "is free", "", ""},
        {port_state::ours, "boshgate, process 7", verdict::ok,
         "boshgate listens there (boshgate, p", "", ""},
        {port_state::taken, "nginx, process 7", verdict::wrong, "is taken by nginx, process 7",
         "end it", ""},
        {port_state::taken, "", verdict::wrong, "is taken", "ss -ltnp sport = :443", ""},
        {port_state::forbidden, "", verdict::warning, "may not listen", "CAP_NET_BIND_SERVICE", ""},
        {port_state::no_address, "", verdict::wrong, "does not have the address", "ip address",
         "address: 0.0.0.0:443"},
        {port_state::failed, "", verdict::wrong, "strange", "listen elsewhere", ""},
    };
    for (const auto& one : cases) {
        const finding got =
            judge_port({"192.0.2.1 port 443", 443, one.state, "strange", one.holder});
        EXPECT_EQ(got.how, one.how) << got.what;
        EXPECT_TRUE(has(got.what, one.what)) << got.what;
        EXPECT_TRUE(has(got.mend, one.mend)) << got.mend;
        EXPECT_EQ(got.mend.empty(), one.mend.empty()) << got.mend;
        EXPECT_TRUE(has(got.yaml, one.yaml)) << got.yaml;
        EXPECT_EQ(got.yaml.empty(), one.yaml.empty()) << got.yaml;
    }
    EXPECT_TRUE(has(judge_port({"::1 port 0", 0, port_state::free, "", ""}).what, "will choose"));
}

TEST(proxy_diagnosis, judges_descriptors_to_the_last_one) {
    const struct {
        std::uint32_t connections; // 0: none are configured
        std::uint64_t limit;
        verdict how;
        std::string what, mend, yaml;
    } cases[] = {
        {1'000, 2'256, verdict::ok, "needs 2256", "", ""},
        {1'000, 2'255, verdict::wrong, "needs 2256", "LimitNOFILE=2256",
         "limits: { connections: 999 }\n"},
        {1'000, 256, verdict::wrong, "needs 2256", "LimitNOFILE=2256", ""},
        {0, 2'256, verdict::ok, "enough for 1000 connections", "", ""},
        {0, 2'255, verdict::warning, "enough for 999 connections", "LimitNOFILE=65536", ""},
        {0, 100, verdict::warning, "enough for 0 connections", "LimitNOFILE=65536", ""},
    };
    for (const auto& one : cases) {
        conf::config config;
        config.limits.connections = one.connections;
        const finding got = judge_descriptors({.limit = one.limit}, {config, "b.yaml"});
        EXPECT_EQ(got.how, one.how) << got.what;
        EXPECT_TRUE(has(got.what, one.what)) << got.what;
        EXPECT_TRUE(has(got.mend, one.mend)) << got.mend;
        EXPECT_EQ(got.yaml, one.yaml);
    }
    const conf::config config;
    EXPECT_TRUE(has(judge_descriptors({.limit = 9'999, .process = 7}, {config, ""}).what,
                    "the boshgate that runs (process 7) may open 9999 files"));
}

TEST(proxy_diagnosis, judges_files) {
    conf::config config;
    const proxy_rules rules{config, "b.yaml"};
    EXPECT_EQ(judge_files({}, rules), std::nullopt);
    config.web_root = conf::web_root{.path = "/srv/www"};
    EXPECT_EQ(judge_files({"index.html"}, rules)->what,
              "/srv/www is readable, and / is its index.html");
    EXPECT_EQ(judge_files({}, rules)->how, verdict::warning);
    EXPECT_TRUE(has(judge_files({}, rules)->what, "so / is 404"));
    config.web_root->fallback = "app.html";
    EXPECT_TRUE(has(judge_files({}, rules)->what, "so / is its app.html"));
    config.web_root->index.clear();
    EXPECT_EQ(judge_files({}, rules)->how, verdict::ok);
}

TEST(proxy_diagnosis, judges_discovery) {
    conf::config config;
    const proxy_rules rules{config, "b.yaml"};
    EXPECT_TRUE(judge_discovery(0, rules).empty());
    for (const char* name : {"sd1", "sd2"}) {
        config.nodes.emplace_back();
        config.nodes.back().name = name;
    }
    config.discovery.path = "/httpbinding";
    config.discovery.primary = "sd1";
    std::vector<finding> got = judge_discovery(0, rules);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].how, verdict::warning);
    EXPECT_EQ(got[0].yaml, "secondary: sd2\n");
    EXPECT_TRUE(has(got[1].what, "signed by the process alone")) << got[1].what;
    config.nodes.pop_back();
    EXPECT_EQ(judge_discovery(0, rules)[0].yaml, "");
    config.discovery.secondary = "sd2";
    config.discovery.keys_file = "/etc/keys";
    got = judge_discovery(1, rules);
    EXPECT_EQ(worst(got), verdict::ok);
    EXPECT_EQ(got[0].what, "/httpbinding asks sd1, and sd2 when that fails");
    EXPECT_EQ(got[1].what, "/etc/keys has 1 secret");
}

// What each page would see, by the policy of the request path itself.
TEST(proxy_diagnosis, judges_origins) {
    const auto judge = [](const conf::cors& settings, bool web_root = false) {
        conf::config config;
        config.cors = settings;
        if (web_root) {
            config.web_root = conf::web_root{.path = "/srv"};
        }
        const routing::cors_policy policy(settings);
        std::vector<cors_facts> facts = origins_to_try(settings);
        for (cors_facts& one : facts) {
            ask_policy(policy, one);
        }
        std::string out;
        for (const finding& one : judge_cors(facts, {config, "b.yaml"})) {
            out += std::string(name_of(one.how)) + ": " + one.what + " [" + one.yaml + "]\n";
        }
        return out;
    };
    EXPECT_EQ(judge({}, true), "ok: pages of other origins are refused with 403 []\n");
    EXPECT_EQ(judge({}),
              "warning: pages of other origins are refused with 403, and there is no web_root: no "
              "page can use the nodes [cors: { origins: [https://chat.example.com] }\n]\n");
    EXPECT_EQ(
        judge({.origins = {"https://chat.example.com", "https://*.example.org"},
               .credentials = true}),
        "ok: https://chat.example.com: allowed, with credentials; browsers keep that for 2h []\n"
        "ok: https://*.example.org (tried as https://any.example.org): allowed, with "
        "credentials; browsers keep that for 2h []\n"
        "ok: all other pages are refused with 403 []\n");
    EXPECT_EQ(judge({.origins = {"*"}}), "ok: * (tried as https://elsewhere.invalid): allowed, "
                                         "without credentials; browsers keep that for 2h []\n");
    EXPECT_EQ(judge({.origins = {"https://a.example"}, .enforce = false}),
              "ok: https://a.example: allowed, without credentials; browsers keep that for 2h []\n"
              "ok: all other pages reach the nodes, and their browsers keep the answers from them "
              "[]\n");
    // A policy that does not do what the list says.
    conf::config config;
    EXPECT_EQ(judge_cors({{.origin = "https://a.example", .entry = "https://a.example"}},
                         {config, "b.yaml"})
                  .front()
                  .how,
              verdict::wrong);
}

TEST(proxy_diagnosis, shows_origins_up_to_its_bound) {
    for (const std::size_t count : {origins_shown, origins_shown + 1}) {
        conf::config config;
        for (std::size_t i = 0; i < count; ++i) {
            config.cors.origins.push_back("https://a" + std::to_string(i) + ".example");
        }
        const auto got = judge_cors(origins_to_try(config.cors), {config, "b.yaml"});
        // Those of the list, the one that is not listed, and a line about the rest.
        EXPECT_EQ(got.size(), origins_shown + 1 + (count > origins_shown ? 1 : 0));
        EXPECT_EQ(has(got.back().what, "20 of 21 origins"), count > origins_shown);
    }
}

TEST(proxy_diagnosis, tells_whose_clock_is_wrong) {
    const struct {
        std::vector<std::int64_t> ahead;
        std::string what; // empty: nobody can tell
        verdict how = verdict::ok;
    } cases[] = {
        {{}, ""},
        {{400}, ""},
        {{0, 0, 400}, ""},
        {{10, 11}, ""},
        {{11, 12}, "is 11 s behind those of all nodes", verdict::warning},
        {{-400, -401, -400}, "is 401 s ahead of those of all nodes", verdict::wrong},
        {{-20, 20}, ""},
    };
    for (const auto& one : cases) {
        const auto got = judge_own_clock(one.ahead);
        ASSERT_EQ(got.has_value(), !one.what.empty());
        if (got) {
            EXPECT_TRUE(has(got->what, one.what)) << got->what;
            EXPECT_EQ(got->how, one.how);
        }
    }
}

} // namespace
} // namespace boshgate::discovery
