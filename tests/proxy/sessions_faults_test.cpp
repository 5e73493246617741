// Links that break under the requests of sessions, by the moment and the kind of request; nodes
// that are away for a moment or for good; and the end of the proxy.

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
using std::chrono::milliseconds;

// One break, then the node is well again.
struct moment {
    const char* name;
    node_reply reply;
};

const std::vector<moment>& moments() {
    static const std::vector<moment> all{
        {"closed before an answer", {.bytes = "", .close = true}},
        {"reset before an answer", {.bytes = "", .reset = true}},
        {"broken off in the head", {.bytes = "HTTP/1.1 200 OK\r\nConte", .close = true}},
        {"broken off in the body",
         {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<body", .close = true}},
        {"broken off in a chunk",
         {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n<body",
          .reset = true}},
        {"a gateway's 502", {.bytes = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"}},
        {"a gateway's 504",
         {.bytes = "HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/html\r\n"
                   "Content-Length: 7\r\n\r\n<html/>"}},
    };
    return all;
}

struct kind {
    const char* name;
    std::string bytes;
    std::string answer;
    bool repeated; // what a node does not store, or may take amiss, is not
};

const std::vector<kind>& kinds() {
    static const std::vector<kind> all{
        {"session request", session_request(1000), session_answer("s"), true},
        {"poll", poll("s", 1001), answer_to(1001), true},
        {"message", poll("s", 1001, "<message xmlns='jabber:client'/>"), answer_to(1001), true},
        {"restart", poll("s", 1001, "", " xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'"),
         answer_to(1001), true},
        {"terminate", poll("s", 1001, "", " type='terminate'"), answer_to(1001), true},
        {"pause", poll("s", 1001, "", " pause='60'"), answer_to(1001), false},
        {"keyed", poll("s", 1001, "", " key='abc'"), answer_to(1001), false},
    };
    return all;
}

TEST(SessionFaults, OneBreakIsNotSeen) {
    for (const moment& when : moments()) {
        for (const kind& what : kinds()) {
            for (const bool reused : {false, true}) {
                SCOPED_TRACE(when.name);
                SCOPED_TRACE(what.name);
                SCOPED_TRACE(reused ? "link reused" : "link fresh");
                std::atomic<bool> breaks{false};
                stub_node node([&](const node_request& got) {
                    return breaks.exchange(false) ? when.reply : bosh_node(got);
                });
                running_proxy proxy(bosh_config_with_node(node.port()));
                ASSERT_EQ(proxy.ask(session_request(1000)).status, 200);
                if (!reused) {
                    node.close_links();
                    ASSERT_TRUE(running_proxy::until(
                        [&] { return proxy.app().total(&core_counters::links) == 0; }));
                }
                const std::size_t before = node.requests().size();
                breaks = true;
                const http_answer answer = proxy.ask(what.bytes);
                if (!what.repeated) {
                    EXPECT_GE(answer.status, 500);
                    EXPECT_EQ(node.requests().size() - before, 1U);
                    continue;
                }
                EXPECT_EQ(answer.status, 200);
                EXPECT_EQ(answer.body, what.answer);
                ASSERT_EQ(node.requests().size() - before, 2U);
                EXPECT_EQ(node.requests()[before].body, node.requests()[before + 1].body);
                EXPECT_EQ(node.requests()[before].head, node.requests()[before + 1].head);
            }
        }
    }
}

// A pause and a keyed request were not sent when the connect failed: nothing speaks against them.
TEST(SessionFaults, ANodeThatIsAwayForAMoment) {
    for (const kind& what : kinds()) {
        SCOPED_TRACE(what.name);
        refusing_port place;
        running_proxy proxy(bosh_config_with_node(place.port()));
        const auto client = proxy.connect();
        client->write(what.bytes);
        stub_node node(bosh_node);
        ASSERT_TRUE(running_proxy::until([&] {
            return proxy.app().total(&core_counters::links_opened) >= 2;
        })) << "it is tried again";
        proxy.app().set_addresses(0, {loopback_address(node.port())}, {});
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, what.answer);
        EXPECT_EQ(node.requests().size(), 1U);
    }
}

// A node that takes no connections is dead: what it holds is freed, with the truth about the
// session; once it is back, it serves.
TEST(SessionFaults, WhatADeadNodeHoldsIsFreed) {
    raw_node node;
    running_proxy proxy(bosh_config_with_node(node.port()));
    constexpr int polls = 10;
    std::vector<std::unique_ptr<stream>> held;
    std::vector<std::unique_ptr<stream>> links;
    for (int i = 0; i < polls; ++i) {
        held.push_back(proxy.connect());
        held.back()->write(poll("s" + std::to_string(i), 5));
    }
    for (int i = 0; i < polls; ++i) {
        links.push_back(node.accept());
    }
    const refusing_port nobody;
    proxy.app().set_addresses(0, {loopback_address(nobody.port())}, {});
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 503);
    for (int i = 0; i < polls; ++i) {
        EXPECT_EQ(terminated(held[static_cast<std::size_t>(i)]->read_answer()), "item-not-found")
            << i;
    }
    EXPECT_TRUE(proxy.ended(reason::node_dead, polls));
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 1U);
    stub_node back(bosh_node);
    proxy.app().set_addresses(0, {loopback_address(back.port())}, {});
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
}

// Held polls get their answers while the proxy drains; what is left is cut without an answer.
TEST(SessionFaults, Draining) {
    for (const bool answers : {true, false}) {
        SCOPED_TRACE(answers);
        gate hold;
        stub_node node([&](const node_request& got) {
            return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
        });
        const opens_at_end opener(hold);
        running_proxy proxy(bosh_config_with_node(node.port()));
        const auto first = proxy.connect();
        first->write(poll("s", 5));
        ASSERT_TRUE(node_has(node, 1));
        const auto copy = proxy.connect();
        copy->write(poll("s", 5));
        EXPECT_TRUE(first->at_end());
        proxy.app().drain(answers ? milliseconds{60'000} : milliseconds{50});
        if (answers) {
            hold.open();
            EXPECT_EQ(copy->read_answer().body, answer_to(5));
        } else {
            EXPECT_EQ(copy->read_answer().status, 503);
        }
        EXPECT_TRUE(copy->at_end());
        proxy.app().join();
    }
}

// What is cut at the end of the drain: browsers ask again by themselves where the connection had
// served before, and the next instance answers; on a fresh one the library has to be told.
TEST(SessionFaults, WhatIsLeftAtTheEndOfTheDrain) {
    struct row {
        const char* name;
        std::string request;
        bool reused;
        int status;
    };
    for (const row& one : {row{"a poll, fresh", poll("s", 5), false, 503},
                           row{"a poll, reused", poll("s", 5), true, 0},
                           row{"a session request, fresh", session_request(1000), false, 503},
                           row{"a session request, reused", session_request(1000), true, 0}}) {
        SCOPED_TRACE(one.name);
        gate hold;
        stub_node node([&](const node_request& got) {
            return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
        });
        const opens_at_end opener(hold);
        running_proxy proxy(bosh_config_with_node(
            node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"));
        const auto client = proxy.connect();
        if (one.reused) {
            client->write("OPTIONS * HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n");
            ASSERT_EQ(client->read_answer().status, 204);
        }
        std::string request = one.request;
        request.insert(request.find("Content-Length"), "Origin: https://chat.example.com\r\n");
        client->write(request);
        ASSERT_TRUE(node_has(node, 1));
        proxy.app().drain(milliseconds{50});
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, one.status);
        if (one.status != 0) {
            EXPECT_TRUE(answer.complete);
            EXPECT_EQ(answer.field("Retry-After"), "5");
            EXPECT_EQ(answer.field("Connection"), "close");
            EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com")
                << "a page must be able to read it";
        }
        EXPECT_TRUE(client->at_end());
        proxy.app().join();
    }
}

// The request is one core's and the copy that waits for its answer another's, every other time:
// the kernel spreads connections. A core that has no connection left still gets that answer.
TEST(SessionFaults, DrainingCoresWaitForEachOther) {
    for (int time = 0; time < 8; ++time) {
        SCOPED_TRACE(time);
        gate hold;
        stub_node node([&](const node_request& got) {
            return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
        });
        const opens_at_end opener(hold);
        running_proxy proxy(with_threads(bosh_config_with_node(node.port()), 2));
        const auto first = proxy.connect();
        first->write(poll("s", 5));
        ASSERT_TRUE(node_has(node, 1));
        const auto copy = proxy.connect();
        copy->write(poll("s", 5));
        EXPECT_TRUE(first->at_end());
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&core_counters::connections) == 1; }));
        proxy.app().drain(milliseconds{60'000});
        EXPECT_FALSE(copy->at_end(milliseconds{50})) << "its answer is on its way";
        hold.open();
        EXPECT_EQ(copy->read_answer().body, answer_to(5));
        EXPECT_TRUE(copy->at_end());
        proxy.app().join();
    }
}

} // namespace
} // namespace boshgate::tests
