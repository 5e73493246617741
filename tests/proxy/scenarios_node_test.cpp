// Odd answers of nodes to requests with a <body/>, and nodes that are away, through the real proxy.
// tests/scenarios.md says what each of these is about.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string right_type = "text/xml; charset=utf-8";

// Opens session "s", and answers everything else with these bytes.
stub_node::handler opens_then(std::string bytes) {
    return [bytes = std::move(bytes)](const node_request& got) {
        return attribute(got.body, "sid").empty() ? bosh_node(got) : node_reply{.bytes = bytes};
    };
}

// A body in a 200 whose type is wrong is passed on with the right one: XMLHttpRequest parses no
// other.
TEST(ScenarioNode, TheTypeOfABodyIsMended) {
    for (const char* fields :
         {"Content-Type: text/html\r\n", "Content-Type: text/xml; charset=utf8\r\n",
          "Content-Type: text/plain; charset=utf-8\r\n", ""}) {
        SCOPED_TRACE(fields);
        stub_node node([&](const node_request& got) {
            return node_reply{.bytes =
                                  ok(attribute(got.body, "sid").empty() ? session_answer("s")
                                                                        : answer_to(rid_of(got)),
                                     fields)};
        });
        running_proxy proxy(bosh_config_with_node(node.port()));
        const http_answer opened = proxy.ask(session_request(1000));
        EXPECT_EQ(opened.field("Content-Type"), right_type);
        EXPECT_EQ(opened.body, session_answer("s"));
        const http_answer answer = proxy.ask(poll("s", 1001));
        EXPECT_EQ(answer.field("Content-Type"), right_type);
        EXPECT_EQ(answer.body, answer_to(1001));
    }
}

TEST(ScenarioNode, WhatIsNoBoshIsNoSuccess) {
    struct fault {
        const char* name;
        std::string bytes;
        reason why;
    };
    const std::vector<fault> faults{
        {"another root", ok("<bodyx " + bosh_namespace + "/>"), reason::node_not_bosh},
        {"another namespace", ok("<body xmlns='jabber:client'/>"), reason::node_not_bosh},
        {"an attribute twice", ok("<body " + bosh_namespace + " polling='5' polling='5'/>"),
         reason::node_not_bosh},
        {"two sids", ok("<body " + bosh_namespace + " sid='a' sid='b'/>"), reason::node_not_bosh},
        {"a start tag without an end", ok("<body " + bosh_namespace), reason::node_not_bosh},
        {"JSON", ok("{}", "Content-Type: application/json\r\n"), reason::node_not_bosh},
        {"gzip that nobody asked for",
         ok("\x1f\x8b\x08", "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n"),
         reason::node_not_bosh},
        {"a redirect",
         "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://10.0.0.1/\r\nContent-Length: "
         "0\r\n\r\n",
         reason::node_not_bosh},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
         reason::node_bad_answer},
        {"length and coding",
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         reason::node_bad_answer},
        {"a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         reason::node_bad_answer},
        {"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
         reason::node_bad_answer},
        {"bytes behind the body", ok("<body " + bosh_namespace + "/>") + "HTTP/1.1 200 OK\r\n\r\n",
         reason::node_bad_answer},
    };
    for (const fault& one : faults) {
        SCOPED_TRACE(one.name);
        stub_node node(opens_then(one.bytes));
        running_proxy proxy(bosh_config_with_node(
            node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        std::string request = poll("s", 1001);
        request.insert(request.find("Content-Length"), "Origin: https://chat.example.com\r\n");
        const http_answer answer = proxy.ask(request);
        EXPECT_EQ(answer.status, 502) << answer.body;
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_EQ(answer.head.find("10.0.0.1"), std::string::npos);
        EXPECT_TRUE(proxy.ended(one.why, 1));
        EXPECT_EQ(node.requests().size(), 2U) << "the same again would be answered the same";
    }
}

// However a node writes its answer, and however it comes in: the session is known.
TEST(ScenarioNode, ASessionIsLearntHoweverItIsWritten) {
    const std::string sid = "a&amp;b";
    const std::vector<std::string> answers{
        "<body " + bosh_namespace + " sid='" + sid + "' wait='30' requests='2'><f/></body>",
        "<body requests=\"2\" sid=\"" + sid +
            "\" xmlns=\"http://jabber.org/protocol/httpbind\" wait=\"30\"/>",
        "<?xml version='1.0'?>\n<body wait='30'\n\tsid = '" + sid + "'\n" + bosh_namespace + "/>",
        "<b:body xmlns:b='http://jabber.org/protocol/httpbind' inactivity='30' b:sid='x' sid='" +
            sid + "'/>",
    };
    for (const std::string& written : answers) {
        for (const std::size_t pieces : {1U, 7U, 60U}) {
            SCOPED_TRACE(std::to_string(pieces) + " pieces: " + written);
            stub_node node([&](const node_request& got) {
                return attribute(got.body, "sid").empty()
                           ? node_reply{.bytes = ok(written), .pieces = pieces}
                           : bosh_node(got);
            });
            running_proxy proxy(bosh_config_with_node(node.port()));
            EXPECT_EQ(proxy.ask(session_request(1000)).body, written);
            EXPECT_EQ(proxy.app().total(&core_counters::sessions_opened), 1U);
            EXPECT_EQ(terminated(proxy.ask(poll(sid, 999))), "item-not-found") << "it is known";
            EXPECT_EQ(node.requests().size(), 1U);
            EXPECT_EQ(proxy.ask(poll(sid, 1001)).body, answer_to(1001));
        }
    }
}

TEST(ScenarioNode, SessionAnswersThatOpenNothing) {
    struct answer {
        const char* name;
        std::string body;
        int status;
        std::uint64_t opened;
    };
    const std::vector<answer> answers{
        {"no sid", "<body " + bosh_namespace + " wait='30'/>", 200, 0},
        {"an empty sid", "<body " + bosh_namespace + " sid='' wait='30'/>", 200, 0},
        {"two sids", "<body " + bosh_namespace + " sid='a' sid='b'/>", 502, 0},
        {"an end", "<body " + bosh_namespace + " type='terminate' condition='host-unknown'/>", 200,
         0},
        {"no features yet", "<body " + bosh_namespace + " sid='s' wait='30'/>", 200, 1},
    };
    for (const answer& one : answers) {
        SCOPED_TRACE(one.name);
        stub_node node([&](const node_request&) { return node_reply{.bytes = ok(one.body)}; });
        running_proxy proxy(bosh_config_with_node(node.port()));
        const http_answer got = proxy.ask(session_request(1000));
        EXPECT_EQ(got.status, one.status);
        if (one.status == 200) {
            EXPECT_EQ(got.body, one.body);
        }
        EXPECT_EQ(proxy.app().total(&core_counters::sessions_opened), one.opened);
    }
}

// What a node says about its own end, or its stream's, is the client's to know, to the byte.
TEST(ScenarioNode, EndsThatTheNodeTellsPassUnchanged) {
    for (const std::string& end :
         {"<body type='terminate' condition='system-shutdown' " + bosh_namespace + "/>",
          "<body " + bosh_namespace + " condition='remote-connection-failed' type='terminate'/>",
          "<body " + bosh_namespace +
              " type='terminate' condition='remote-stream-error' "
              "xmlns:stream='http://etherx.jabber.org/streams'><stream:error><see-other-host "
              "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>node-b1</see-other-host></stream:error>"
              "</body>"}) {
        SCOPED_TRACE(end);
        stub_node node(opens_then(ok(end)));
        running_proxy proxy(bosh_config_with_node(node.port()));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        EXPECT_EQ(proxy.ask(poll("s", 1001)).body, end);
        EXPECT_EQ(proxy.ask(poll("s", 1001)).body, end) << "and to the copy";
        EXPECT_EQ(node.requests().size(), 2U);
    }
}

// A node that grants more than was asked holds its answer for what it granted, and clients go by
// that, too.
TEST(ScenarioNode, AWaitAboveTheOneAskedForIsWaitedFor) {
    gate hold;
    stub_node node([&](const node_request& got) {
        const bool opens = attribute(got.body, "sid").empty();
        return node_reply{.bytes = ok(opens ? session_answer("s", 2) : answer_to(rid_of(got))),
                          .before = opens ? std::function<void()>{} : hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {answer_margin: 500ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000, "", 1)).status, 200);
    const auto began = steady_clock::now();
    EXPECT_EQ(proxy.ask(poll("s", 1001)).status, 504);
    EXPECT_GE(steady_clock::now() - began, milliseconds{2000});
}

std::string two_nodes(std::uint16_t a, std::uint16_t b) {
    std::string yaml =
        bosh_config_with_node(a, "cors: {origins: [\"https://chat.example.com\"]}\n");
    const std::string one = "nodes: {";
    return yaml.replace(yaml.find(one), one.size(),
                        "nodes: {node-b1: \"http://127.0.0.1:" + std::to_string(b) +
                            "/httpbinding\", ");
}

std::string to_b(std::string request) {
    return request.replace(request.find("node-a1"), 7, "node-b1");
}

std::string from_page(std::string request) {
    return request.insert(request.find("Content-Length"), "Origin: https://chat.example.com\r\n");
}

TEST(ScenarioNode, ANodeThatIsAwayConcernsNoOther) {
    refusing_port nobody;
    stub_node node(bosh_node);
    running_proxy proxy(two_nodes(node.port(), nobody.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    EXPECT_EQ(proxy.ask(to_b(session_request(1000))).status, 503);
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 1U);
    EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002));
}

TEST(ScenarioNode, WhenAllAreAwayPagesCanReadItAndWhenTheyAreBackAllIsWell) {
    refusing_port a;
    refusing_port b;
    running_proxy proxy(two_nodes(a.port(), b.port()));
    for (const std::string& request : {session_request(1000), to_b(session_request(1000))}) {
        const http_answer answer = proxy.ask(from_page(request));
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_EQ(answer.head.find("text/html"), std::string::npos);
    }
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 2U);
    stub_node node(bosh_node);
    proxy.app().set_addresses(0, {loopback_address(node.port())}, {});
    proxy.app().set_addresses(1, {loopback_address(node.port())}, {});
    EXPECT_TRUE(running_proxy::until(
        [&] { return proxy.ask(session_request(1000)).body == session_answer("s"); }));
    EXPECT_TRUE(running_proxy::until(
        [&] { return proxy.ask(to_b(session_request(1000))).body == session_answer("s"); }));
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(proxy.ask(to_b(poll("s", 1001))).body, answer_to(1001));
}

} // namespace
} // namespace boshgate::tests
