#include "conf/load.hpp"

#include "conf/bounds.hpp"
#include "conf/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace boshgate::conf {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::string read_file(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::string all_of(const std::vector<problem>& problems) {
    std::string text;
    for (const problem& p : problems) {
        text += to_string(p) + '\n';
    }
    return text;
}

// tests/conf/cases/NAME.yaml must report exactly NAME.expected; nothing when there is no such file.
TEST(load, reports_what_stands_beside_each_case) {
    int cases = 0, good = 0;
    for (const auto& entry : fs::directory_iterator{fs::path{BOSHGATE_TEST_DIR} / "cases"}) {
        fs::path path = entry.path();
        if (path.extension() != ".yaml") {
            continue;
        }
        const auto loaded = load(read_file(path), path.filename().string());
        const std::string name = path.filename().string();
        const std::string expected = read_file(path.replace_extension(".expected"));
        EXPECT_EQ(all_of(loaded.problems), expected) << name;
        EXPECT_EQ(name.starts_with("good_"), expected.empty()) << name;
        ++cases;
        good += expected.empty() ? 1 : 0;
    }
    EXPECT_GE(cases, 30);
    EXPECT_GE(good, 5);
}

TEST(load, reads_the_ten_lines_of_the_readme) {
    const auto text = read_file(fs::path{BOSHGATE_TEST_DIR} / "cases" / "good_ten_lines.yaml");
    const auto [c, problems, marks] = load(text, "boshgate.yaml");
    ASSERT_THAT(problems, IsEmpty()) << all_of(problems);
    ASSERT_EQ(c.listen.size(), 1U);
    EXPECT_EQ(c.listen[0].host, "0.0.0.0");
    EXPECT_EQ(c.listen[0].port, 8443);
    ASSERT_TRUE(c.listen[0].tls);
    ASSERT_EQ(c.listen[0].tls->certificates.size(), 1U);
    EXPECT_EQ(c.listen[0].tls->certificates[0].certificate, "/etc/boshgate/fullchain.pem");
    EXPECT_EQ(c.listen[0].tls->certificates[0].key, "/etc/boshgate/key.pem");
    EXPECT_EQ(c.listen[0].where.line, 2);
    ASSERT_TRUE(c.web_root);
    EXPECT_EQ(c.web_root->path, "/srv/webapp");
    ASSERT_EQ(c.nodes.size(), 4U);
    EXPECT_EQ(c.nodes[0].name, "node-sd1");
    EXPECT_EQ(c.nodes[2].url, (http_url{true, "node-a1.example.com", 7335, "/httpbinding"}));
    EXPECT_THAT(c.nodes[3].aliases, ElementsAre("10.0.0.22"));
    EXPECT_EQ(c.nodes[3].where.line, 9);
    EXPECT_THAT(c.cors.origins, ElementsAre("https://chat.example.com"));
    EXPECT_EQ(mark_of(marks, "nodes.node-b1.aliases[0]").line, 9);
    EXPECT_EQ(mark_of(marks, "nodes.node-b1.tls.pins[3]").line, 9) << "the nearest thing around";
}

TEST(load, reads_every_kind_of_value) {
    const auto [c, problems, marks] = load(R"(
threads: 4
listen:
  - { address: "[::1]:443", tls: { certificates: [{ certificate: a.pem, key: a.key },
        { certificate: b.pem, key: b.key }], min_version: 1.3 } }
  - { address: 127.0.0.1:80, proxy_protocol: true }
prefix: /app
web_root: { path: w, index: [a.html, b.html], fallback: f/x.html, precompressed: false, max_age: 2h,
            headers: { X-Frame-Options: "", X-Other: a b } }
nodes:
  n: { url: "https://h:1/p?q", host: "x:2",
       tls: { ca_file: ca.pem, server_name: s.example, legacy: true } }
  m: { url: "https://h2", tls: { verify: false } }
routes: { /a: n, /b/c: m }
cors: { origins: ["*"], max_age: 1h, allow_headers: [], expose_headers: [etag],
        private_network: true, enforce: false }
trusted_proxies: [10.0.0.0/8]
request_headers: [cookie]
answer_headers: []
timeouts: { head: 1500ms, drain: 0s }
limits: { body_bytes: 2MiB, fields: 7 }
health: { interval: 2s, timeout: 300ms, rise: 4, fall: 3, give_up: 5s, jitter: 20, probe: tcp,
  domain: example.com, user: a@example.com, session_interval: 1h, certificate_days: 30 }
admin: { address: "[::1]:9000", names: [boshgate], token_file: tokens }
discovery: { path: /find, primary: n, secondary: m, user_header: x-user, step: 700ms, patience: 4s,
             steps_max: 9, cache: { users: 12, keep: 0s }, move_at_auth: false, keys_file: keys,
             hostnames: keep, questions_per_address: 0, lookup: { path: /who, per_address: 0 },
             host_meta: true }
sessions: { enabled: true, max: 5, wait_max: 50s, hold_max: 1, answer_margin: 600ms,
            replay_total: 1GiB, authentication_timeout: 0s }
log: { level: debug, file: a.log, access: json, access_file: b.log }
)",
                                           "t.yaml");
    ASSERT_THAT(problems, IsEmpty()) << all_of(problems);
    EXPECT_EQ(c.threads, 4U);
    ASSERT_EQ(c.listen.size(), 2U);
    EXPECT_EQ(c.listen[0].host, "::1");
    ASSERT_EQ(c.listen[0].tls->certificates.size(), 2U);
    EXPECT_EQ(c.listen[0].tls->certificates[1].key, "b.key");
    EXPECT_EQ(c.listen[0].tls->certificates[1].where.line, 5);
    EXPECT_EQ(c.listen[0].tls->min_version, tls_version::v1_3);
    EXPECT_FALSE(c.listen[0].proxy_protocol);
    EXPECT_TRUE(c.listen[1].proxy_protocol);
    EXPECT_FALSE(c.listen[1].tls);
    EXPECT_EQ(c.prefix, "/app");
    EXPECT_THAT(c.web_root->index, ElementsAre("a.html", "b.html"));
    EXPECT_EQ(c.web_root->fallback, "f/x.html");
    EXPECT_FALSE(c.web_root->precompressed);
    EXPECT_EQ(c.web_root->max_age, seconds{7200});
    EXPECT_THAT(c.web_root->headers,
                ElementsAre(std::pair<const std::string, std::string>{"X-Frame-Options", ""},
                            std::pair<const std::string, std::string>{"X-Other", "a b"}));
    ASSERT_EQ(c.nodes.size(), 2U);
    EXPECT_EQ(c.nodes[0].url.target, "/p?q");
    EXPECT_EQ(c.nodes[0].host, "x:2");
    EXPECT_EQ(c.nodes[0].tls.ca_file, "ca.pem");
    EXPECT_EQ(c.nodes[0].tls.server_name, "s.example");
    EXPECT_TRUE(c.nodes[0].tls.legacy);
    EXPECT_TRUE(c.nodes[0].tls.verify);
    EXPECT_FALSE(c.nodes[1].tls.verify);
    EXPECT_EQ(c.routes.at("/a"), "n");
    EXPECT_EQ(c.routes.at("/b/c"), "m");
    EXPECT_EQ(c.cors.max_age, seconds{3600});
    EXPECT_THAT(c.cors.allow_headers, IsEmpty());
    EXPECT_THAT(c.cors.expose_headers, ElementsAre("etag"));
    EXPECT_TRUE(c.cors.private_network);
    EXPECT_FALSE(c.cors.enforce);
    EXPECT_THAT(c.trusted_proxies, ElementsAre("10.0.0.0/8"));
    EXPECT_THAT(c.request_headers, ElementsAre("cookie"));
    EXPECT_THAT(c.answer_headers, IsEmpty());
    EXPECT_EQ(c.timeouts.head, milliseconds{1500});
    EXPECT_EQ(c.timeouts.drain, milliseconds{0});
    EXPECT_EQ(c.timeouts.idle, timeouts{}.idle);
    EXPECT_EQ(c.limits.body_bytes, 2U * 1024 * 1024);
    EXPECT_EQ(c.limits.fields, 7U);
    EXPECT_TRUE(c.sessions.enabled);
    EXPECT_EQ(c.sessions.max, 5U);
    const health_config health{.interval = milliseconds{2'000},
                               .timeout = milliseconds{300},
                               .rise = 4,
                               .fall = 3,
                               .give_up = milliseconds{5'000},
                               .jitter = 20,
                               .probe = health_probe::tcp,
                               .domain = "example.com",
                               .user = "a@example.com",
                               .session_interval = milliseconds{3'600'000},
                               .certificate_days = 30};
    EXPECT_EQ(c.health, health);
    EXPECT_EQ(c.admin, (admin_config{"::1", 9000, {"boshgate"}, "tokens"}));
    EXPECT_EQ(c.sessions.wait_max, seconds{50});
    EXPECT_EQ(c.sessions.hold_max, 1U);
    EXPECT_EQ(c.sessions.answer_margin, milliseconds{600});
    EXPECT_EQ(c.sessions.replay_total, 1024U * 1024 * 1024);
    EXPECT_EQ(c.sessions.authentication_timeout, milliseconds{0});
    EXPECT_EQ(c.sessions.reorder, sessions_config{}.reorder);
    discovery_config discovery;
    discovery.path = "/find";
    discovery.primary = "n";
    discovery.secondary = "m";
    discovery.user_header = "x-user";
    discovery.step = milliseconds{700};
    discovery.patience = milliseconds{4000};
    discovery.steps_max = 9;
    discovery.cache = {.users = 12, .keep = milliseconds{0}};
    discovery.move_at_auth = false;
    discovery.keys_file = "keys";
    discovery.hostnames = hostnames_shown::keep;
    discovery.questions_per_address = 0;
    discovery.lookup = {.path = "/who", .per_address = 0};
    discovery.host_meta = true;
    EXPECT_EQ(c.discovery, discovery);
    EXPECT_EQ(c.log.level, log_level::debug);
    EXPECT_EQ(c.log.access, access_log::json);
    EXPECT_EQ(c.log.file, "a.log");
    EXPECT_EQ(c.log.access_file, "b.log");
}

// "nodes.node-a1.tls.pins" -> "nodes.<name>.tls.pins", "listen[1].tls" -> "listen[].tls"; items of
// lists and entries of free maps are values, not keys.
std::string general_path(std::string path) {
    path = std::regex_replace(path, std::regex{R"(\[\d+\])"}, "[]");
    path = std::regex_replace(path, std::regex{R"(^nodes\.[^.]+)"}, "nodes.<name>");
    return path;
}

std::set<std::string> keys_in(const source_marks& marks) {
    std::set<std::string> keys;
    for (const auto& [path, where] : marks) {
        const std::string key = general_path(path);
        const bool entry = key.empty() || key.ends_with("[]") || key == "nodes.<name>" ||
                           key.starts_with("routes[\"") || key.starts_with("web_root.headers.");
        if (!entry) {
            keys.insert(key);
        }
    }
    return keys;
}

TEST(load, example_has_every_key_and_no_other) {
    const auto text = read_file(fs::path{BOSHGATE_SOURCE_DIR} / "conf" / "boshgate.yaml");
    const auto loaded = load(text, "boshgate.yaml");
    EXPECT_THAT(loaded.problems, IsEmpty()) << all_of(loaded.problems);
    const auto known = every_key();
    EXPECT_EQ(keys_in(loaded.marks), (std::set<std::string>{known.begin(), known.end()}));
}

TEST(load, example_shows_the_defaults) {
    const auto text = read_file(fs::path{BOSHGATE_SOURCE_DIR} / "conf" / "boshgate.yaml");
    const config shown = load(text, "boshgate.yaml").config;
    const config standard;
    EXPECT_EQ(shown.threads, standard.threads);
    EXPECT_EQ(shown.prefix, standard.prefix);
    EXPECT_EQ(shown.trusted_proxies, standard.trusted_proxies);
    EXPECT_EQ(shown.request_headers, standard.request_headers);
    EXPECT_EQ(shown.answer_headers, standard.answer_headers);
    EXPECT_EQ(shown.cors, standard.cors);
    EXPECT_EQ(shown.timeouts, standard.timeouts);
    EXPECT_EQ(shown.limits, standard.limits);
    EXPECT_EQ(shown.sessions, standard.sessions);
    EXPECT_EQ(shown.health, standard.health);
    EXPECT_EQ(shown.admin, standard.admin);
    discovery_config discovery = shown.discovery;
    discovery.path = discovery.primary = discovery.secondary = "";
    EXPECT_EQ(discovery, standard.discovery);
    EXPECT_EQ(shown.log, standard.log);
    ASSERT_TRUE(shown.web_root);
    web_root files = *shown.web_root;
    files.path.clear();
    EXPECT_EQ(files, web_root{});
    ASSERT_EQ(shown.listen.size(), 2U);
    EXPECT_EQ(shown.listen[0].tls->min_version, listener_tls{}.min_version);
    EXPECT_EQ(shown.listen[0].proxy_protocol, listener{}.proxy_protocol);
    ASSERT_EQ(shown.nodes.size(), 3U);
    EXPECT_EQ(shown.nodes[2].aliases, node{}.aliases);
    EXPECT_EQ(shown.nodes[2].host, node{}.host);
    EXPECT_EQ(shown.nodes[2].tls, node_tls{});
}

// The struct members of config.hpp are the keys: "struct timeouts" in config.hpp and "timeouts."
// here.
TEST(load, every_field_of_config_has_its_key) {
    const std::string text = read_file(fs::path{BOSHGATE_SOURCE_DIR} / "conf" / "config.hpp");
    const std::map<std::string, std::string> prefixes{
        {"certificate_files", "listen[].tls.certificates[]."},
        {"listener_tls", "listen[].tls."},
        {"listener", "listen[]."},
        {"node_tls", "nodes.<name>.tls."},
        {"node", "nodes.<name>."},
        {"cors", "cors."},
        {"web_root", "web_root."},
        {"log", "log."},
        {"timeouts", "timeouts."},
        {"limits", "limits."},
        {"sessions_config", "sessions."},
        {"discovery_config", "discovery."},
        {"discovery_cache", "discovery.cache."},
        {"discovery_lookup", "discovery.lookup."},
        {"health_config", "health."},
        {"admin_config", "admin."},
        {"config", ""},
    };
    // What the file writes in another way: address is host and port, a node's key is its name, the
    // single certificate is a list of one.
    const std::set<std::string> unwritten{"listen[].host", "listen[].port", "nodes.<name>.name",
                                          "admin.host", "admin.port"};
    const std::set<std::string> synthetic{"listen[].address", "listen[].tls.certificate",
                                          "listen[].tls.key", "admin.address"};
    std::set<std::string> fields;
    const std::regex structs{R"(struct (\w+) \{([^]*?)\n\};)"};
    const std::regex member{R"(\n    [\w:<>, ]+? (\w+)(?: = [^;]*|\{[^;]*\})?;)"};
    for (std::sregex_iterator s{text.begin(), text.end(), structs}, end; s != end; ++s) {
        const auto prefix = prefixes.find((*s)[1]);
        if (prefix == prefixes.end()) {
            continue; // mark, http_url: values, not sections
        }
        const std::string body = (*s)[2];
        for (std::sregex_iterator m{body.begin(), body.end(), member}; m != end; ++m) {
            const std::string field = prefix->second + std::string{(*m)[1]};
            if (!field.ends_with(".where") && !unwritten.contains(field)) {
                fields.insert(field);
            }
        }
    }
    std::set<std::string> keys;
    for (const std::string& key : every_key()) {
        if (!synthetic.contains(key)) {
            keys.insert(key);
        }
    }
    EXPECT_EQ(fields, keys);
}

std::string with(const std::string& more) {
    return "listen: [ { address: 127.0.0.1:80 } ]\nnodes: { n: http://n.example/x }\n" + more;
}

TEST(load, takes_each_duration_to_its_bounds_and_not_beyond) {
    for (const timeout_bound& b : timeout_bounds) {
        const auto head = "timeouts: { " + std::string{b.key} + ": ";
        for (const milliseconds good : {b.least, b.most}) {
            const auto loaded = load(with(head + print_duration(good) + " }"), "t");
            EXPECT_FALSE(has_errors(loaded.problems)) << b.key << all_of(loaded.problems);
            EXPECT_EQ(loaded.config.timeouts.*b.field, good) << b.key;
        }
        const auto above = load(with(head + print_duration(b.most + milliseconds{1}) + " }"), "t");
        EXPECT_TRUE(has_errors(above.problems)) << b.key;
        if (b.least > milliseconds{0}) {
            const auto below =
                load(with(head + print_duration(b.least - milliseconds{1}) + " }"), "t");
            EXPECT_TRUE(has_errors(below.problems)) << b.key;
        }
    }
}

// What must stand beside a number, because of a rule between the two.
const std::map<std::string_view, std::string> companions{
    {"target_bytes", "head_bytes: 256KiB, "},
    {"head_bytes", "target_bytes: 64B, "},
    {"per_address", "max: 10000000, "},
    {"replay_bytes", "replay_total: 16MiB, "},
    {"step", "patience: 30s, "},
    {"patience", "step: 50ms, "},
};

// `open` and `close` stand around the key, `companions` beside it; `section` finds it in what was
// loaded.
template <class Bounds, class Section>
void expect_bounds(const Bounds& bounds, const std::string& open, Section section,
                   const std::string& close = " }",
                   const std::map<std::string_view, std::string>& beside_it = companions) {
    for (const auto& b : bounds) {
        const auto beside = beside_it.find(b.key);
        const std::string head =
            open + (beside == beside_it.end() ? "" : beside->second) + std::string{b.key} + ": ";
        const auto text = [&](std::uint64_t n) {
            return with(head + print_value(b.unit, n) + close);
        };
        for (const std::uint64_t good : {b.least, b.most, b.or_zero ? 0 : b.least}) {
            const auto loaded = load(text(good), "t");
            EXPECT_THAT(loaded.problems, IsEmpty()) << b.key << all_of(loaded.problems);
            EXPECT_EQ(b.get(section(loaded.config)), good) << b.key;
        }
        EXPECT_TRUE(has_errors(load(text(b.most + 1), "t").problems)) << b.key;
        if (b.least > 0) {
            EXPECT_TRUE(has_errors(load(text(b.least - 1), "t").problems)) << b.key;
            EXPECT_EQ(has_errors(load(text(0), "t").problems), !b.or_zero) << b.key;
        }
    }
}

TEST(load, takes_each_number_to_its_bounds_and_not_beyond) {
    expect_bounds(limit_bounds, "limits: { ", [](const config& c) { return c.limits; });
    expect_bounds(session_bounds, "sessions: { ", [](const config& c) { return c.sessions; });
    expect_bounds(health_bounds, "health: { ", [](const config& c) { return c.health; });
    expect_bounds(discovery_bounds, "discovery: { ", [](const config& c) { return c.discovery; });
    expect_bounds(
        discovery_cache_bounds, "discovery: { cache: { ",
        [](const config& c) { return c.discovery.cache; }, " } }");
    expect_bounds(discovery_lookup_bounds, "discovery: { lookup: { ",
                  [](const config& c) { return c.discovery.lookup; }, " } }", {});
}

TEST(load, reads_the_short_form_of_discovery) {
    const auto loaded = load(with("discovery: { path: /httpbinding, primary: n }\n"), "t");
    EXPECT_THAT(loaded.problems, IsEmpty()) << all_of(loaded.problems);
    discovery_config expected;
    expected.path = "/httpbinding";
    expected.primary = "n";
    EXPECT_EQ(loaded.config.discovery, expected);
}

TEST(load, has_bounds_of_its_own) {
    const std::string base = with("");
    const auto padded = [&](std::size_t bytes) {
        return base + '#' + std::string(bytes - base.size() - 1, 'x');
    };
    EXPECT_THAT(load(padded(config_bytes_max), "t").problems, IsEmpty());
    EXPECT_EQ(all_of(load(padded(config_bytes_max + 1), "t").problems),
              "t: the file is larger than 1048576 bytes\n");

    const auto nested = [&](int depth) {
        return with("x: " + std::string(static_cast<std::size_t>(depth), '[') +
                    std::string(static_cast<std::size_t>(depth), ']'));
    };
    const auto deepest =
        all_of(load(nested(config_depth_max - 1), "t").problems); // the root is one
    EXPECT_EQ(deepest.find("nested deeper"), std::string::npos) << deepest;
    const auto deeper = all_of(load(nested(config_depth_max), "t").problems);
    EXPECT_NE(deeper.find("the file is nested deeper than 8 levels"), std::string::npos) << deeper;
    const auto very_deep = all_of(load(with("x: " + std::string(100'000, '[')), "t").problems);
    EXPECT_NE(very_deep.find("nested deeper"), std::string::npos);

    const auto valued = [&](std::size_t values) {
        std::string list = "trusted_proxies: [";
        for (std::size_t i = 0; i < values; ++i) {
            list += i == 0 ? "\"::1\"" : ",a";
        }
        return list + "]";
    };
    constexpr std::size_t around = 3; // the root, the key and the list
    const auto most = all_of(load(valued(config_values_max - around), "t").problems);
    EXPECT_EQ(most.find("more than 100000 values"), std::string::npos);
    const auto more = all_of(load(valued(config_values_max - around + 1), "t").problems);
    EXPECT_NE(more.find("more than 100000 values"), std::string::npos);
}

TEST(load, shows_a_bounded_number_of_problems) {
    const auto wrong = [&](std::size_t keys) {
        std::string text = with("");
        for (std::size_t i = 0; i < keys; ++i) {
            text += "x" + std::to_string(i) + ": 1\n";
        }
        return load(text, "t").problems;
    };
    EXPECT_EQ(wrong(problems_max).size(), problems_max);
    const auto more = wrong(problems_max + 2);
    ASSERT_EQ(more.size(), problems_max + 1);
    EXPECT_EQ(to_string(more.back()), "t: 2 more problems are not shown");
}

TEST(load, never_lets_a_wrong_value_through_as_another) {
    // The default stays; has_errors() keeps anybody from using it.
    const auto loaded = load(with("timeouts: { head: 20 }\nthreads: 010\nprefix: [a]\n"), "t");
    EXPECT_TRUE(has_errors(loaded.problems));
    EXPECT_EQ(loaded.config.timeouts.head, timeouts{}.head);
    EXPECT_EQ(loaded.config.threads, 0U);
    EXPECT_EQ(loaded.config.prefix, "");
}

TEST(load, counts_columns_after_a_byte_order_mark) {
    EXPECT_EQ(all_of(load("\xef\xbb\xbf"
                          "thread: 1\n",
                          "t")
                         .problems)
                  .substr(0, 6),
              "t:1:1:");
}

} // namespace
} // namespace boshgate::conf
