// What sessions may use: their number, their rate, their time without a password; and <body/>s that
// no node is to see.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;

// A node that gives each session a sid of its own: its rid.
node_reply many_sessions(const node_request& request) {
    return {.bytes = ok(attribute(request.body, "sid").empty()
                            ? session_answer("s" + std::to_string(rid_of(request)))
                            : answer_to(rid_of(request)))};
}

TEST(SessionLimits, SoManySessionsAndNoMore) {
    struct limit {
        const char* key;
        reason why;
    };
    for (const limit& one :
         {limit{"max", reason::sessions}, limit{"per_address", reason::address_sessions},
          limit{"unauthenticated_per_address", reason::address_unauthenticated}}) {
        SCOPED_TRACE(one.key);
        stub_node node(many_sessions);
        running_proxy proxy(
            bosh_config_with_node(node.port(), "sessions: {" + std::string(one.key) + ": 3}\n"));
        for (std::uint64_t rid : {1000U, 2000U, 3000U}) {
            EXPECT_EQ(proxy.ask(session_request(rid)).status, 200) << rid;
        }
        const http_answer refused = proxy.ask(session_request(4000));
        EXPECT_EQ(refused.status, 503);
        EXPECT_EQ(refused.field("Retry-After"), "30");
        EXPECT_TRUE(proxy.ended(one.why, 1));
        EXPECT_EQ(node.requests().size(), 3U);
        // Open sessions go on.
        for (std::uint64_t rid : {1000U, 2000U, 3000U}) {
            EXPECT_EQ(proxy.ask(poll("s" + std::to_string(rid), rid + 1)).body, answer_to(rid + 1));
        }
    }
}

TEST(SessionLimits, AFullTablePassesOnWhatItDoesNotKnow) {
    stub_node node(many_sessions);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {max: 1}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(proxy.ask(poll("elsewhere", 5)).body, answer_to(5));
    }
    EXPECT_EQ(proxy.app().total(&core_counters::sessions_untracked), 3U);
    EXPECT_EQ(node.requests().size(), 4U);
}

// A session request that failed leaves no trace in the counts.
TEST(SessionLimits, SessionRequestsThatFailGiveTheirPlaceBack) {
    std::atomic<bool> fails{true};
    stub_node node([&](const node_request& got) {
        return fails ? node_reply{.bytes = ok("<html/>", "Content-Type: text/html\r\n")}
                     : many_sessions(got);
    });
    running_proxy proxy(bosh_config_with_node(
        node.port(), "sessions: {per_address: 2, unauthenticated_per_address: 2}\n"));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 502);
    }
    fails = false;
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 200);
    EXPECT_EQ(proxy.ask(session_request(3000)).status, 503);
}

TEST(SessionLimits, SuccessMakesRoomForOthers) {
    stub_node node([](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? many_sessions(got)
                   : node_reply{
                         .bytes = ok(answer_to(
                             rid_of(got), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"))};
    });
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {unauthenticated_per_address: 1}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 503);
    EXPECT_EQ(proxy.ask(poll("s1000", 1001)).status, 200);
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 200);
}

TEST(SessionLimits, WithoutSuccessInTimeTheSessionEnds) {
    stub_node node(many_sessions);
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {authentication_timeout: 1s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(proxy.ask(poll("s1000", 1001)).body, answer_to(1001));
    std::uint64_t rid = 1001;
    EXPECT_TRUE(running_proxy::until(
        [&] { return terminated(proxy.ask(poll("s1000", ++rid))) == "policy-violation"; }));
    EXPECT_TRUE(proxy.ended(reason::unauthenticated, 1));
    // A session that was opened elsewhere is not sent away for what is not known of it.
    EXPECT_EQ(proxy.ask(poll("elsewhere", 5)).body, answer_to(5));
}

// What a client says of itself does not count: neither a restart, nor its words in the node's
// mouth.
TEST(SessionLimits, OnlyTheNodesSuccessIsOne) {
    const std::string success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    const struct {
        const char* name;
        std::string more;
        std::string answer; // inside of the node's
        int later;          // the status of a further session request
    } cases[] = {
        {"a restart", " xmlns:xmpp='urn:xmpp:xbosh' xmpp:restart='true'",
         "<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>", 503},
        {"an echo", "", "<iq xmlns='jabber:client' type='error'>" + success + "</iq>", 503},
        {"success", "", success, 200},
        {"success of SASL2", "", "<success xmlns='urn:xmpp:sasl:2'/>", 200},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        stub_node node([&c](const node_request& got) {
            return attribute(got.body, "sid").empty()
                       ? many_sessions(got)
                       : node_reply{.bytes = ok(answer_to(rid_of(got), c.answer))};
        });
        running_proxy proxy(
            bosh_config_with_node(node.port(), "sessions: {unauthenticated_per_address: 1}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        EXPECT_EQ(proxy.ask(poll("s1000", 1001, "", c.more)).status, 200);
        EXPECT_EQ(proxy.ask(session_request(2000)).status, c.later);
    }
}

TEST(SessionLimits, RequestsOfASecond) {
    stub_node node(many_sessions);
    // The second may pass while they are sent, which allows further ones: few, on a machine that is
    // not stopped for long.
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {requests_per_second: 20}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto client = proxy.connect();
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t passed = 0;
    std::string told;
    while (told.empty() && passed < 2000) {
        client->write(poll("s1000", 1001 + passed));
        const http_answer answer = client->read_answer();
        told = terminated(answer);
        passed += told.empty() ? 1 : 0;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    EXPECT_EQ(told, "policy-violation");
    EXPECT_GE(passed, 20U);
    EXPECT_LE(static_cast<double>(passed), 20 + 20 * took.count() + 1);
    EXPECT_TRUE(proxy.ended(reason::request_rate, 1));
}

TEST(SessionLimits, BadBodiesReachNoNode) {
    struct body {
        const char* name;
        std::string text;
        bool legacy = false; // a session request without `ver`: an HTTP code
    };
    const std::string open = "<body " + bosh_namespace + " ";
    const std::vector<body> bodies{
        {"empty", ""},
        {"white space", " \n"},
        {"no XML", "hello"},
        {"JSON", "{\"rid\": 1}"},
        {"another root", "<html/>"},
        {"another namespace", "<body xmlns='jabber:client' sid='s' rid='5'/>"},
        {"no namespace", "<body sid='s' rid='5'/>"},
        {"broken off", open + "sid='s' rid='5'>"},
        {"an end tag too many", open + "sid='s' rid='5'/></body>"},
        {"two roots", open + "sid='s' rid='5'/><body/>"},
        {"a comment", open + "sid='s' rid='5'><!-- x --></body>"},
        {"a processing instruction", open + "sid='s' rid='5'><?x y?></body>"},
        {"a document type", "<!DOCTYPE body [<!ENTITY a 'b'>]>" + open + "sid='s' rid='5'/>"},
        {"an unknown entity", open + "sid='&a;' rid='5'/>"},
        {"text", open + "sid='s' rid='5'>hello</body>"},
        {"an attribute twice", open + "sid='s' rid='5' rid='5'/>"},
        {"no UTF-8", open + "sid='\xff' rid='5'/>"},
        {"a NUL", open + "sid='s' rid='5'>" + std::string(1, '\0') + "</body>"},
        {"an unbound prefix", open + "sid='s' rid='5'><x:y/></body>"},
        {"no rid", open + "sid='s'/>"},
        {"a rid that is no number", open + "sid='s' rid='-5'/>"},
        {"a rid beyond 2^53-1", open + "sid='s' rid='9007199254740992'/>"},
        {"a session request without ver that is no good",
         open + "to='example.com' rid='x' wait='60' hold='1'/>", true},
    };
    stub_node node(bosh_node);
    running_proxy proxy(
        bosh_config_with_node(node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"));
    std::uint64_t count = 0;
    const auto client = proxy.connect();
    for (const body& one : bodies) {
        SCOPED_TRACE(one.name);
        client->write(post("/node-a1", one.text, "Origin: https://chat.example.com\r\n"));
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, one.legacy ? 400 : 200) << answer.body;
        EXPECT_EQ(terminated(answer), one.legacy ? "" : "bad-request");
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_EQ(answer.head.find("html"), std::string::npos) << answer.head;
        EXPECT_EQ(proxy.app().total(&core_counters::bodies_refused), ++count);
    }
    EXPECT_EQ(node.requests().size(), 0U);
    client->write(poll("s", 5));
    EXPECT_EQ(client->read_answer().body, answer_to(5)) << "the connection goes on";
}

// wait and hold are lowered, never raised, and nothing else is touched.
TEST(SessionLimits, WaitAndHoldAreLowered) {
    struct clamp {
        const char* keys;
        const char* wait;
        const char* hold;
    };
    for (const clamp& one : {clamp{"", "30", "1"}, clamp{"wait_max: 30s", "30", "1"},
                             clamp{"wait_max: 29s", "29", "1"}, clamp{"wait_max: 10m", "30", "1"},
                             clamp{"hold_max: 1", "30", "1"}, clamp{"hold_max: 2", "30", "1"}}) {
        SCOPED_TRACE(one.keys);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(
            node.port(), *one.keys == '\0' ? "" : "sessions: {" + std::string(one.keys) + "}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
        ASSERT_EQ(node.requests().size(), 1U);
        std::string expected = session_request(1000);
        expected.erase(0, expected.find("<body"));
        expected.replace(expected.find("wait='30'"), 9, "wait='" + std::string(one.wait) + "'");
        EXPECT_EQ(node.requests()[0].body, expected);
    }
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {hold_max: 1}\n"));
    std::string two = session_request(1000);
    two.replace(two.find("hold='1'"), 8, "hold='2'");
    EXPECT_EQ(proxy.ask(two).status, 200);
    EXPECT_EQ(attribute(node.requests().at(0).body, "hold"), "1");
}

} // namespace
} // namespace boshgate::tests
