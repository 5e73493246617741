#include "discovery/node_diagnosis.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A configuration with one node, and what is judged against.
struct one_node {
    conf::config config;
    node_rules rules;

    one_node() : config(make()), rules{config, config.nodes.front(), "b.yaml", 0} {}
    one_node(const one_node&) = delete;
    one_node& operator=(const one_node&) = delete;

  private:
    static conf::config make() {
        conf::config config;
        conf::node node;
        node.name = "n";
        node.url = {.tls = false, .host = "n.example", .port = 7336, .target = "/b"};
        node.where = {.line = 3, .column = 1};
        config.nodes.push_back(node);
        return config;
    }
};

bosh_facts good_answer(std::int64_t took_ms = 5) {
    bosh_facts facts;
    facts.answer.status = 200;
    facts.answer.took_ms = took_ms;
    facts.terminates = true;
    facts.condition = "item-not-found";
    return facts;
}

TEST(node_diagnosis, says_where_the_node_is_configured) {
    one_node of;
    EXPECT_EQ(place_of(of.rules), "nodes.n (b.yaml:3)");
    of.config.nodes.front().where = {};
    EXPECT_EQ(place_of(of.rules), "nodes.n");
}

TEST(node_diagnosis, judges_names) {
    const one_node of;
    name_facts facts{.addresses = {"192.0.2.1", "2001:db8::1"}, .tried = 2, .took_ms = slow_ms};
    EXPECT_EQ(judge_name(facts, of.rules).how, verdict::ok);
    EXPECT_EQ(judge_name(facts, of.rules).what,
              "n.example is at 192.0.2.1, 2001:db8::1, found in 1000 ms");
    facts.took_ms = slow_ms + 1;
    EXPECT_EQ(judge_name(facts, of.rules).how, verdict::warning);
    facts.tried = 1;
    EXPECT_TRUE(has(judge_name(facts, of.rules).what, "the first 1 were tried"));
    facts.error = "no such name";
    EXPECT_EQ(judge_name(facts, of.rules).how, verdict::wrong);
    EXPECT_EQ(judge_name(facts, of.rules).what, "n.example does not resolve: no such name");
}

TEST(node_diagnosis, judges_connections_by_the_proxys_own_deadline) {
    const one_node of; // timeouts.connect is 1 s
    const struct {
        link_end end;
        std::int64_t took_ms;
        verdict how;
        std::string what, yaml;
    } cases[] = {
        {link_end::done, 999, verdict::ok, "connected in 999 ms", ""},
        {link_end::done, 1'000, verdict::wrong, "longer than timeouts.connect",
         "timeouts: { connect: 3s }\n"},
        {link_end::refused, 0, verdict::wrong, "refused", ""},
        {link_end::unreachable, 0, verdict::wrong, "there is no way to it (why)", ""},
        {link_end::silent, 5'000, verdict::wrong, "nothing came for 5000 ms", ""},
        {link_end::failed, 0, verdict::wrong, "why", ""},
        {link_end::closed, 0, verdict::wrong, "why", ""},
    };
    for (const auto& one : cases) {
        const finding got =
            judge_connect({"192.0.2.1 port 7", one.end, "why", one.took_ms}, of.rules);
        EXPECT_EQ(got.how, one.how) << got.what;
        EXPECT_TRUE(has(got.what, "192.0.2.1 port 7: " + one.what) || has(got.what, one.what))
            << got.what;
        EXPECT_EQ(got.yaml, one.yaml);
        EXPECT_EQ(got.mend.empty(), one.how == verdict::ok);
    }
}

TEST(node_diagnosis, judges_how_long_an_answer_takes) {
    one_node of;
    of.config.health.timeout = std::chrono::seconds{3};
    const struct {
        std::int64_t took_ms;
        verdict how;
        std::string yaml;
    } cases[] = {
        {1'000, verdict::ok, ""},
        {1'001, verdict::warning, ""},
        {2'999, verdict::warning, ""},
        {3'000, verdict::warning, "health: { timeout: 5s }\n"},
    };
    for (const auto& one : cases) {
        const finding got = judge_bosh(good_answer(one.took_ms), of.rules);
        EXPECT_EQ(got.how, one.how) << one.took_ms;
        EXPECT_EQ(got.yaml, one.yaml) << one.took_ms;
        EXPECT_EQ(got.mend.empty(), one.how == verdict::ok) << one.took_ms;
    }
}

// The answers themselves are tried over sockets, in tests/proxy/doctor_node_test.cpp.
TEST(node_diagnosis, every_meaning_of_an_answer_has_words_and_a_mend) {
    const one_node of;
    for (std::size_t i = 0; i < routing::answer_meaning_count; ++i) {
        const auto meaning = static_cast<routing::answer_meaning>(i);
        bosh_facts facts = good_answer();
        facts.meaning = meaning;
        const finding got = judge_bosh(facts, of.rules);
        const bool bosh = meaning == routing::answer_meaning::bosh;
        EXPECT_EQ(got.how == verdict::ok, bosh) << name_of(meaning);
        EXPECT_FALSE(got.what.empty()) << name_of(meaning);
        EXPECT_EQ(got.mend.empty(), bosh) << name_of(meaning);
    }
    bosh_facts facts = good_answer();
    facts.terminates = false;
    EXPECT_EQ(judge_bosh(facts, of.rules).how, verdict::warning);
}

TEST(node_diagnosis, judges_pages) {
    const struct {
        int status;
        std::string body;
        bool bosh;
        verdict how;
        std::string what;
    } cases[] = {
        {200, "<html><TITLE> It\n works </TITLE><body>no</body>", true, verdict::ok,
         "status 200, \"It works\""},
        {200, "<html><head><style>b {}</style></head><body><h1>Here</h1> it <b>is</b>", true,
         verdict::ok, "status 200, \"Here it is\""},
        {200, "", true, verdict::ok, "status 200, without a text"},
        {200, "\x1b[2J\xff", true, verdict::ok, "status 200, \"[2J\""},
        {200, std::string(40, 'a') + ' ' + std::string(40, 'b'), true, verdict::ok,
         "status 200, \"" + std::string(40, 'a') + " ...\""},
        {404, "none", true, verdict::ok, "status 404, \"none\": not every BOSH server has a page"},
        {404, "none", false, verdict::warning,
         "status 404, \"none\": a BOSH server shows a page of its own there, as a rule"},
    };
    for (const auto& one : cases) {
        answer_facts facts;
        facts.status = one.status;
        facts.body = one.body;
        EXPECT_EQ(judge_page(facts, one.bosh).what, one.what);
        EXPECT_EQ(judge_page(facts, one.bosh).how, one.how) << one.what;
    }
    EXPECT_EQ(judge_page({.end = link_end::closed}, true).how, verdict::warning);
}

TEST(node_diagnosis, judges_clocks) {
    const struct {
        std::int64_t date, asked, answered;
        verdict how;
        std::string what;
        std::int64_t ahead;
    } cases[] = {
        {1000, 1000, 1000, verdict::ok, "agrees", 0},
        // Its Date is cut to whole seconds; and it may have been made at any time between.
        {999, 1000, 1000, verdict::ok, "agrees", 0},
        {1004, 1000, 1005, verdict::ok, "agrees", 0},
        {1001, 1000, 1000, verdict::ok, "agrees", 1},
        {1010, 1000, 1000, verdict::ok, "10 s from", 10},
        {1011, 1000, 1000, verdict::warning, "11 s ahead of", 11},
        {989, 1000, 1000, verdict::warning, "11 s behind", -11},
        {1300, 1000, 1000, verdict::warning, "300 s ahead of", 300},
        {1301, 1000, 1000, verdict::wrong, "301 s ahead of", 301},
    };
    for (const auto& one : cases) {
        answer_facts facts;
        facts.date = one.date;
        facts.asked = one.asked;
        facts.answered = one.answered;
        const finding got = judge_clock(facts);
        EXPECT_EQ(got.how, one.how) << got.what;
        EXPECT_TRUE(has(got.what, one.what)) << got.what;
        EXPECT_EQ(got.measures, (std::vector<measure>{{"ahead_s", one.ahead}}));
    }
    EXPECT_EQ(judge_clock({}).how, verdict::ok);
    EXPECT_TRUE(judge_clock({}).measures.empty());
}

TEST(node_diagnosis, tells_of_an_unknown_domain_for_discovery_nodes_alone) {
    one_node of;
    opening_facts facts;
    facts.domain = "guessed.example";
    facts.answer.status = 200;
    facts.condition = "host-unknown";
    EXPECT_EQ(judge_session(facts, of.rules), std::nullopt);
    of.config.discovery.secondary = "n";
    const auto got = judge_session(facts, of.rules);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->how, verdict::warning);
    EXPECT_TRUE(has(got->mend, "--domain example.com")) << got->mend;
}

TEST(node_diagnosis, puts_addresses_together) {
    const one_node of;
    node_facts facts;
    facts.name = {.addresses = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}, .tried = 3};
    facts.addresses.resize(3);
    facts.addresses[0].connect = {.address = "A", .end = link_end::refused};
    facts.addresses[1].connect = {.address = "B"};
    facts.addresses[1].bosh = good_answer();
    facts.addresses[2].connect = {.address = "C"};
    facts.addresses[2].bosh = good_answer();
    const auto summary = [&] {
        std::string out;
        const diagnosis got = diagnose(facts, of.rules);
        EXPECT_EQ(got.about, "http://n.example:7336/b");
        for (const finding& one : got.findings) {
            out +=
                one.check +
                (one.what.starts_with("A") || one.what.starts_with("B") || one.what.starts_with("C")
                     ? one.what.substr(0, 1)
                     : "") +
                " ";
        }
        return out;
    };
    // All of the first that takes connections; of the others what is worse there.
    EXPECT_EQ(summary(), "name connectB bosh clock connectA connectC ");
    facts.addresses[2].bosh->answer.end = link_end::closed;
    EXPECT_EQ(summary(), "name connectB bosh clock connectA connectC boshC ");
    facts.addresses[1].bosh->answer.end = link_end::closed;
    EXPECT_EQ(summary(), "name connectB bosh connectA connectC ");
    facts.addresses.clear();
    facts.name.error = "none";
    EXPECT_EQ(summary(), "name ");
}

TEST(node_diagnosis, a_handshake_may_take_longer_than_the_proxy_waits) {
    const one_node of;
    node_facts facts;
    facts.name.numeric = true;
    facts.name.addresses = {"192.0.2.1"};
    facts.addresses.resize(1);
    facts.addresses[0].connect.took_ms = 400;
    facts.addresses[0].tls.emplace();
    facts.addresses[0].tls->end = tls_end::done;
    for (const std::int64_t took : {599, 600}) {
        facts.addresses[0].tls->took_ms = took;
        const diagnosis got = diagnose(facts, of.rules);
        ASSERT_EQ(got.findings.size(), 2U);
        EXPECT_EQ(got.findings[1].how, took == 599 ? verdict::ok : verdict::wrong);
        EXPECT_EQ(got.findings[1].yaml, took == 599 ? "" : "timeouts: { connect: 3s }\n");
    }
}

TEST(node_diagnosis, guesses_the_domain_of_the_users) {
    const auto guess = [](const std::vector<std::pair<std::string, std::vector<std::string>>>& all,
                          std::vector<std::string> origins = {}) {
        conf::config config;
        for (const auto& [host, aliases] : all) {
            config.nodes.emplace_back();
            config.nodes.back().url.host = host;
            config.nodes.back().aliases = aliases;
        }
        config.cors.origins = std::move(origins);
        std::string out;
        for (const std::string& one : domains_to_try(config)) {
            out += one + ' ';
        }
        return out;
    };
    EXPECT_EQ(guess({{"192.0.2.1", {"2001:db8::1", "node-a1"}}}), "");
    EXPECT_EQ(guess({{"a.example.com", {}}, {"b.example.com", {}}}),
              "example.com a.example.com b.example.com ");
    EXPECT_EQ(guess({{"192.0.2.1", {"a.example.com:7335"}}}), "example.com a.example.com ");
    EXPECT_EQ(guess({{"example.com", {}}}), "example.com ");
    EXPECT_EQ(guess({{"a.intern.net", {}}}, {"https://chat.example.com:8443", "https://*.x.org",
                                             "*", "null", "https://www.example.com"}),
              "example.com intern.net a.intern.net chat.example.com www.example.com ");
    EXPECT_EQ(guess({{"a.b.c.d", {"a1.b1.c1", "a2.b2.c2", "a3.b3.c3"}}}),
              "b.c.d a.b.c.d b1.c1 a1.b1.c1 b2.c2 a2.b2.c2 ");
}

} // namespace
} // namespace boshgate::discovery
