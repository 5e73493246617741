// A request on its way to a node and its answer on the way back, through the real proxy.

#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <gtest/gtest.h>

namespace boshgate::tests {
namespace {

const std::string poll_body = "<body rid='1' sid='s' xmlns='http://jabber.org/protocol/httpbind'/>";

TEST(Relay, NodeGetsItsOwnUrlAndTheBodyByteForByte) {
    stub_node node([](const node_request& request) {
        return node_reply{ok("<body>" + request.body + "</body>")};
    });
    running_proxy proxy(config_with_node(node.port()));
    const http_answer answer =
        proxy.ask(post("/node-a1?secret=1", poll_body,
                       "User-Agent: test\r\nCookie: x=y\r\nX-Forwarded-For: 6.6.6.6\r\n"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "<body>" + poll_body + "</body>");
    ASSERT_EQ(node.requests().size(), 1U);
    const node_request got = node.requests().front();
    EXPECT_EQ(got.line(), "POST /httpbinding HTTP/1.1");
    EXPECT_EQ(got.body, poll_body);
    EXPECT_EQ(got.field("Host"), "127.0.0.1:" + std::to_string(node.port()));
    EXPECT_EQ(got.field("User-Agent"), "test");
    EXPECT_EQ(got.field("X-Forwarded-For"), "127.0.0.1");
    EXPECT_EQ(got.count("X-Forwarded-For"), 1);
    EXPECT_EQ(got.field("X-Forwarded-Proto"), "http");
    EXPECT_EQ(got.count("Content-Length"), 1);
    EXPECT_EQ(got.count("Cookie"), 0);
    EXPECT_EQ(got.head.find("secret"), std::string::npos);
}

TEST(Relay, LinksAreReusedAndConnectionsKeptAlive) {
    stub_node node([](const node_request&) { return node_reply{ok("<body/>")}; });
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    for (int i = 0; i < 50; ++i) {
        client->write(post("/node-a1", poll_body));
        ASSERT_EQ(client->read_answer().status, 200) << i;
    }
    EXPECT_EQ(node.links(), 1);
}

TEST(Relay, PipelinedRequestsAreAnsweredInOrder) {
    stub_node node([](const node_request& request) { return node_reply{ok(request.body)}; });
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    std::string all;
    for (int i = 0; i < 100; ++i) {
        all += post("/node-a1", "<body>" + std::to_string(i) + "</body>");
    }
    client->write(all);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(client->read_answer().body, "<body>" + std::to_string(i) + "</body>");
    }
}

} // namespace
} // namespace boshgate::tests
