// Deadlines of links, and of slow peers that do move. They are configured short and waited for; the
// peers of a test are slow on purpose, by waiting in vain for something to read.

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace boshgate::tests {
namespace {

using namespace std::chrono_literals;
using routing::reason;

// More than the kernel takes for a node that reads nothing.
const std::string large_body(16 * 1024 * 1024, 'b');

TEST(Deadlines, ANodeThatDoesNotTakeItsRequest) {
    raw_node node;
    running_proxy proxy(config_with_node(
        node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"
                     "limits: {body_bytes: 32MiB}\ntimeouts: {node_write: 300ms}\n"));
    const auto client = proxy.connect();
    client->write(post("/node-a1", large_body, "Origin: https://chat.example.com\r\n"));
    const http_answer answer = client->read_answer();
    EXPECT_EQ(answer.status, 504);
    EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    EXPECT_TRUE(proxy.ended(reason::node_write_timeout, 1));
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::repeats), 0U);
    EXPECT_TRUE(running_proxy::until([&] {
        return proxy.app().total(&proxy::core_counters::links) == 0;
    })) << "half a request lies on that link";
}

// http-proxy.md 5.2: of such a link nobody knows where the next request would begin.
TEST(Deadlines, ANodeThatAnswersBeforeItHasReadTheRequestLosesItsLink) {
    raw_node node;
    running_proxy proxy(config_with_node(node.port(), "limits: {body_bytes: 32MiB}\n"));
    const auto client = proxy.connect();
    client->write(post("/node-a1", large_body));
    const auto early = node.accept();
    std::string some;
    ASSERT_TRUE(early->read(some));
    early->write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nearly");
    http_answer answer = client->read_answer();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.body, "early");
    EXPECT_TRUE(proxy.ended(reason::answered, 1));
    EXPECT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&proxy::core_counters::links) == 0; }));
    // The client's side is in order: its request was read whole before.
    client->write(post("/node-a1", "<a/>"));
    const auto fresh = node.accept();
    std::string input;
    std::string head;
    std::string body;
    ASSERT_TRUE(fresh->read_message(input, head, body));
    EXPECT_EQ(body, "<a/>");
    fresh->write(ok("<r/>"));
    EXPECT_EQ(client->read_answer().body, "<r/>");
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::links_reused), 0U);
}

TEST(Deadlines, AnIdleLinkClosesAndNoClientNotices) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; });
    running_proxy proxy(config_with_node(node.port(), "timeouts: {link_idle: 150ms}\n"));
    const auto client = proxy.connect();
    for (int i = 1; i <= 2; ++i) {
        client->write(post("/node-a1", "<a/>"));
        ASSERT_EQ(client->read_answer().status, 200) << i;
        EXPECT_EQ(node.links(), i);
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&proxy::core_counters::links) == 0; }));
    }
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::connections), 1U);
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::repeats), 0U);
}

// Takes the next request off a link.
void take_request(stream& link) {
    std::string input;
    std::string head;
    std::string body;
    ASSERT_TRUE(link.read_message(input, head, body));
}

TEST(Deadlines, AnAnswerThatTricklesIsOverdueAsAWhole) {
    raw_node node;
    running_proxy proxy(config_with_node(node.port(), "timeouts: {answer: 300ms}\n"));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "<a/>"));
    const auto link = node.accept();
    take_request(*link);
    link->write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    int sent = 0;
    for (; sent < 1000 && !link->at_end(10ms); ++sent) {
        link->write("x");
    }
    EXPECT_LT(sent, 1000) << "a byte each 10 ms kept the answer alive";
    EXPECT_EQ(client->read_answer().status, 504);
    EXPECT_TRUE(proxy.ended(reason::node_answer_timeout, 1));
}

TEST(Deadlines, AStreamedAnswerMayTakeLongAsLongAsItMoves) {
    raw_node node;
    running_proxy proxy(
        config_with_node(node.port(), "limits: {answer_buffer: 1KiB}\ntimeouts: {answer: 1s}\n"));
    constexpr int pieces = 15;
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(1000 * (pieces + 1)) + "\r\n\r\n";
    for (const bool whole : {true, false}) {
        SCOPED_TRACE(whole ? "to the end" : "then nothing more");
        const auto client = proxy.connect();
        client->write(post("/node-a1", "<a/>"));
        const auto link = node.accept();
        take_request(*link);
        link->write(head + std::string(1000, 'x'));
        for (int i = 0; i < (whole ? pieces : 1); ++i) {
            ASSERT_FALSE(link->at_end(100ms)) << "cut although it moved";
            link->write(std::string(1000, 'x'));
        }
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.complete, whole);
        EXPECT_TRUE(proxy.ended(whole ? reason::answered : reason::node_answer_timeout, 1));
        link->close(); // the next request gets a link of its own
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&proxy::core_counters::links) == 0; }));
    }
}

TEST(Deadlines, AClientMayTakeItsTimeAsLongAsItTakesSome) {
    temp_directory root;
    root.write("large.bin", std::string(40'000'000, 'x'));
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; });
    running_proxy proxy(config_with_node(node.port(), "web_root: " + root.path().string() +
                                                          "\ntimeouts: {client_write: 1s}\n"));
    const auto client = proxy.connect();
    const auto idle = proxy.connect();
    client->write("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    std::size_t taken = 0;
    std::size_t next = 0;
    std::string piece;
    while (taken < 40'000'000 && client->read(piece)) {
        taken += piece.size();
        piece.clear();
        if (taken >= next) {
            next += 1'000'000;
            ASSERT_FALSE(idle->at_end(50ms)); // two seconds in all
        }
    }
    EXPECT_GE(taken, 40'000'000U);
    EXPECT_TRUE(proxy.ended(reason::file, 1));
    EXPECT_EQ(proxy.app().ended(reason::client_write_timeout), 0U);
}

TEST(Deadlines, OneForThePROXYHeaderAndTheHandshake) {
    const test_certificate own = make_certificate({.common_name = "proxy"});
    temp_directory files;
    const std::string tls = "{certificate: " + files.write("cert.pem", own.pem()) +
                            ", key: " + files.write("key.pem", own.key_pem()) + "}";
    refusing_port nobody;
    running_proxy proxy("threads: 1\nlisten: [{address: \"127.0.0.1:0\", proxy_protocol: true, "
                        "tls: " +
                        tls +
                        "}]\nnodes: {node-a1: \"http://127.0.0.1:" + std::to_string(nobody.port()) +
                        "/\"}\nlog: {access: \"off\"}\ntimeouts: {tls_handshake: 1s}\n");
    const auto first = proxy.connect();
    ASSERT_FALSE(first->at_end(500ms));
    const auto second = proxy.connect(); // ends half a second after the first, unless that one's
                                         // header gave it a second deadline
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::connections) == 2; }));
    first->write("PROXY TCP4 203.0.113.9 127.0.0.1 5555 443\r\n\x16\x03\x01");
    EXPECT_TRUE(first->at_end());
    EXPECT_FALSE(second->at_end(0ms));
    EXPECT_TRUE(proxy.ended(reason::handshake_timeout, 2));
}

} // namespace
} // namespace boshgate::tests
