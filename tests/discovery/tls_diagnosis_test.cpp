#include "discovery/tls_diagnosis.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::discovery {
namespace {

constexpr std::int64_t now = 1'800'000'000;
constexpr std::int64_t day = 86'400;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

conf::node a_node() {
    conf::node node;
    node.name = "n";
    node.url = {.tls = true, .host = "n.example", .port = 443, .target = "/b"};
    return node;
}

tls_facts accepted(std::int64_t not_after = now + 100 * day) {
    tls_facts facts;
    facts.end = tls_end::done;
    facts.version = "TLSv1.3";
    facts.cipher = "AES";
    facts.pin = "sha256//x";
    facts.expected_name = "n.example";
    facts.trusted_by = "CN=root";
    facts.chain = {{"CN=n", "CN=between", {"n.example"}, now - day, not_after},
                   {"CN=between", "CN=root", {}, now - day, now + 900 * day}};
    return facts;
}

tls_facts refused(std::vector<trust_problem> why, bool signed_itself = false) {
    tls_facts facts = accepted();
    facts.problems = std::move(why);
    facts.chain.front().signed_itself = signed_itself;
    facts.trusted_by.clear();
    return facts;
}

finding certificate(const tls_facts& facts, const conf::node& node = a_node()) {
    const std::vector<finding> got = judge_tls(facts, {node, "nodes.n (b.yaml:3)", now});
    EXPECT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].check, "tls");
    EXPECT_EQ(got[1].check, "certificate");
    EXPECT_EQ(got[2].check, "pin");
    EXPECT_EQ(got[2].what, facts.pin);
    return got[1];
}

TEST(tls_diagnosis, warns_when_a_certificate_is_about_to_end) {
    const struct {
        std::int64_t left;
        verdict how;
        std::string expected;
        std::int64_t days;
    } cases[] = {
        {100 * day, verdict::ok, "100 days left", 100},
        {14 * day, verdict::ok, "14 days left", 14},
        {14 * day - 1, verdict::warning, "13 days left", 13},
        {day, verdict::warning, "1 day left", 1},
        {0, verdict::warning, "0 days left", 0},
    };
    for (const auto& one : cases) {
        const finding got = certificate(accepted(now + one.left));
        EXPECT_EQ(got.how, one.how) << one.left;
        EXPECT_TRUE(has(got.what, one.expected)) << got.what;
        EXPECT_EQ(got.measures, (std::vector<measure>{{"days_left", one.days}}));
    }
    EXPECT_EQ(certificate(accepted()).what,
              "signed by CN=between, below CN=root, 2 certificates sent; for n.example; 100 days "
              "left");
}

TEST(tls_diagnosis, a_pin_does_not_mind_dates_and_names) {
    conf::node node = a_node();
    node.tls.pins = {"sha256//x"};
    const finding got = certificate(accepted(now - day), node);
    EXPECT_EQ(got.how, verdict::ok);
    EXPECT_TRUE(has(got.what, "its key is pinned")) << got.what;
    EXPECT_TRUE(has(got.what, "expired 1 day ago, which a pin does not mind")) << got.what;
    EXPECT_EQ(got.measures.front().value, -1);
}

TEST(tls_diagnosis, tells_each_reason_and_the_lines_that_mend_it) {
    const trust_problem name{trust_fault::wrong_name, "hostname mismatch"};
    const trust_problem expired{trust_fault::expired, "certificate has expired"};
    const trust_problem weak{trust_fault::weak, "EE certificate key too weak"};
    const trust_problem strange{trust_fault::other, "invalid purpose"};
    const trust_problem stranger{trust_fault::unknown_authority, "unable to get local issuer"};
    const struct {
        std::string why;
        tls_facts facts;
        std::string what, mend, yaml;
    } cases[] = {
        {"self-signed", refused({{trust_fault::signed_itself, "self-signed"}}, true),
         "it signed itself", "if this is the node's key", "pins: [sha256//x]"},
        {"pin", refused({{trust_fault::wrong_pin, "application"}}, true),
         "none of the configured pins", "changed on purpose", "pins: [sha256//x]"},
        {"name", refused({name}), "it is for n.example, not for n.example",
         "correct the host of the URL", "server_name: n.example"},
        {"name and date", refused({name, expired}), "n.example; it has expired", "renew",
         "pins: [sha256//x]"},
        {"authority", refused({stranger}), "no authority that is trusted signed it (",
         "tls.ca_file", "pins: [sha256//x]"},
        {"weak", refused({weak}), "too weak", "tls.ca_file", "pins: [sha256//x]"},
        {"two of a kind", refused({strange, strange}), "is not accepted: invalid purpose (",
         "tls.ca_file", "pins: [sha256//x]"},
    };
    for (const auto& one : cases) {
        const finding got = certificate(one.facts);
        EXPECT_EQ(got.how, verdict::wrong) << one.why;
        EXPECT_TRUE(has(got.what, one.what)) << one.why << ": " << got.what;
        EXPECT_TRUE(has(got.mend, one.mend)) << one.why << ": " << got.mend;
        EXPECT_TRUE(has(got.mend, "put this in the place of nodes.n (b.yaml:3)")) << got.mend;
        EXPECT_TRUE(has(got.yaml, one.yaml)) << one.why << ": " << got.yaml;
    }
    // Only who owns the name can say what stands for the star.
    tls_facts pattern = refused({name});
    pattern.chain.front().names = {"*.n.example"};
    EXPECT_TRUE(has(certificate(pattern).yaml, "pins"));
    // A chain that the node did not send may be all that is missing.
    tls_facts alone = refused({stranger});
    alone.chain.resize(1);
    EXPECT_TRUE(has(certificate(alone).what, "leaves out the certificates between"));
    // What pins replace goes.
    conf::node with_file = a_node();
    with_file.tls.ca_file = "/ca.pem";
    EXPECT_FALSE(has(certificate(refused({stranger}), with_file).yaml, "ca_file"));
}

TEST(tls_diagnosis, tells_why_a_handshake_fails) {
    const struct {
        tls_end end;
        std::string what, mend, yaml;
    } cases[] = {
        {tls_end::plain_http, "speaks HTTP without TLS", "TLS port", "n: http://n.example:443/b"},
        {tls_end::legacy, "too old", "update the node", "legacy: true"},
        {tls_end::silent, "it hangs", "restart it", ""},
        {tls_end::closed, "closes the connection", "the node's BOSH port", ""},
        {tls_end::failed, "the handshake fails: no luck", "log", ""},
    };
    const conf::node node = a_node();
    for (const auto& one : cases) {
        tls_facts facts;
        facts.end = one.end;
        facts.error = "no luck";
        const std::vector<finding> got = judge_tls(facts, {node, "nodes.n", now});
        ASSERT_EQ(got.size(), 1U);
        EXPECT_EQ(got[0].how, verdict::wrong);
        EXPECT_TRUE(has(got[0].what, one.what)) << got[0].what;
        EXPECT_TRUE(has(got[0].mend, one.mend)) << got[0].mend;
        EXPECT_TRUE(has(got[0].yaml, one.yaml)) << got[0].yaml;
        EXPECT_EQ(got[0].yaml.empty(), one.yaml.empty()) << got[0].yaml;
    }
}

TEST(tls_diagnosis, tells_that_legacy_is_not_needed) {
    conf::node node = a_node();
    node.tls.legacy = true;
    tls_facts facts = accepted();
    EXPECT_TRUE(has(judge_tls(facts, {node, "", now})[0].what, "may not be needed"));
    facts.version = "TLSv1.1";
    EXPECT_FALSE(has(judge_tls(facts, {node, "", now})[0].what, "may not be needed"));
}

TEST(tls_diagnosis, judges_our_own_certificates_as_browsers_do) {
    const trust_problem stranger{trust_fault::unknown_authority, "unable to get local issuer"};
    own_certificate good{"0.0.0.0 port 443", "/etc/c.pem", accepted().chain, {}, "CN=root"};
    const struct {
        std::string why;
        std::int64_t left;
        std::vector<trust_problem> problems;
        bool signed_itself;
        std::size_t sent;
        verdict how;
        std::string what, mend;
    } cases[] = {
        {"good", 14 * day, {}, false, 2, verdict::ok, "for n.example; 14 days left; signed by", ""},
        {"soon", 14 * day - 1, {}, false, 2, verdict::warning, "13 days left", "renew /etc/c.pem"},
        {"ended", -1, {}, false, 2, verdict::wrong, "expired 1 day ago", "renew /etc/c.pem"},
        {"own signature",
         99 * day,
         {stranger},
         true,
         1,
         verdict::warning,
         "it signed itself",
         "from an authority"},
        {"leaf alone",
         99 * day,
         {stranger},
         false,
         1,
         verdict::warning,
         "no chain leads from it",
         "append the certificate"},
        {"stranger",
         99 * day,
         {stranger},
         false,
         2,
         verdict::warning,
         "no chain leads from it",
         "all certificates between"},
        {"odd",
         99 * day,
         {{trust_fault::other, "bad purpose"}},
         false,
         2,
         verdict::warning,
         "bad purpose",
         "renew"},
    };
    for (const auto& one : cases) {
        own_certificate facts = good;
        facts.problems = one.problems;
        facts.chain.resize(one.sent);
        facts.chain.front().not_after = now + one.left;
        facts.chain.front().signed_itself = one.signed_itself;
        const finding got = judge_own_certificate(facts, now);
        EXPECT_EQ(got.how, one.how) << one.why;
        EXPECT_TRUE(has(got.what, one.what)) << one.why << ": " << got.what;
        EXPECT_TRUE(has(got.mend, one.mend)) << one.why << ": " << got.mend;
        EXPECT_EQ(got.mend.empty(), one.mend.empty()) << one.why << ": " << got.mend;
    }
    good.chain.front().not_before = now + 2 * day;
    EXPECT_TRUE(has(judge_own_certificate(good, now).what, "not valid before 2 days from now"));
}

} // namespace
} // namespace boshgate::discovery
