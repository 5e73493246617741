// How connections end: the last answer must arrive, and nobody may keep the end waiting.

#include "proxy/tls_context.hpp"
#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include <sys/socket.h>

namespace boshgate::tests {
namespace {

using routing::reason;

node_reply plain(const node_request&) {
    return {.bytes = ok("<r/>")};
}

std::uint64_t open_connections(running_proxy& proxy) {
    return proxy.app().total(&proxy::core_counters::connections);
}

// What the kernel has to say of a connection; ECONNRESET or EPIPE after a reset.
int error_of(const stream& client) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(client.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

TEST(Closing, WhatAClientStillSendsDoesNotResetItsLastAnswer) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port()));
    struct row {
        const char* name;
        std::string bytes;
        int status;
    };
    for (const row& one :
         {row{"an answer of a node", post("/node-a1", "<a/>", "Connection: close\r\n"), 200},
          {"a refusal", "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404},
          {"HTTP/1.0", "OPTIONS /node-a1 HTTP/1.0\r\n\r\n", 204}}) {
        SCOPED_TRACE(one.name);
        const auto client = proxy.connect();
        client->write(one.bytes);
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Connection"), "close");
        EXPECT_TRUE(client->at_end());
        for (int i = 0; i < 3; ++i) { // at a closed socket the first one meets a reset
            EXPECT_TRUE(client->write(post("/node-a1", "too late"))) << i;
        }
        EXPECT_EQ(error_of(*client), 0);
        client->end_writing();
        EXPECT_TRUE(running_proxy::until([&] { return open_connections(proxy) == 0; }));
        EXPECT_EQ(error_of(*client), 0);
    }
    EXPECT_EQ(node.requests().size(), 1U) << "a request behind the last one was served";
    EXPECT_EQ(proxy.app().ended(reason::client_closed), 0U);
}

TEST(Closing, AClientThatNeverClosesIsNotWaitedForLong) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "<a/>", "Connection: close\r\n"));
    EXPECT_EQ(client->read_answer().status, 200);
    EXPECT_TRUE(running_proxy::until([&] { return open_connections(proxy) == 0; }));
}

TEST(Closing, AClientThatResetsBehindItsLastAnswerIsNotAFailure) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "<a/>", "Connection: close\r\n"));
    EXPECT_EQ(client->read_answer().status, 200);
    client->reset();
    EXPECT_TRUE(running_proxy::until([&] { return open_connections(proxy) == 0; }));
    EXPECT_EQ(proxy.app().ended(reason::client_closed), 0U);
}

TEST(Closing, OverTlsTheLastAnswerIsFollowedByACloseNotify) {
    const test_certificate own = make_certificate({.common_name = "proxy"});
    temp_directory files;
    const std::string tls = "{certificate: " + files.write("cert.pem", own.pem()) +
                            ", key: " + files.write("key.pem", own.key_pem()) + "}";
    refusing_port nobody;
    running_proxy proxy("threads: 1\nlisten: [{address: \"127.0.0.1:0\", tls: " + tls +
                        "}]\nnodes: {node-a1: \"http://127.0.0.1:" + std::to_string(nobody.port()) +
                        "/\"}\nlog: {access: \"off\"}\n");
    const proxy::ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    stream client(connect_to_loopback(proxy.port()), context.get(), stream::role::client);
    ASSERT_TRUE(client.usable());
    client.write("OPTIONS /node-a1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 204);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN)
        << "a bare FIN could be anybody's";
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(client.write("OPTIONS /node-a1 HTTP/1.1\r\nHost: a\r\n\r\n")) << i;
    }
    EXPECT_EQ(error_of(client), 0);
    client.end_writing();
    EXPECT_TRUE(running_proxy::until([&] { return open_connections(proxy) == 0; }));
    EXPECT_TRUE(proxy.ended(reason::options, 1));
}

TEST(Closing, OfTwoDrainsTheShorterCounts) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("late"), .before = [released] { released.wait(); }};
    });
    using std::chrono::hours;
    using std::chrono::milliseconds;
    for (const bool shorter_first : {false, true}) {
        SCOPED_TRACE(shorter_first ? "shorter first" : "shorter second");
        const std::size_t before = node.requests().size();
        running_proxy proxy(config_with_node(node.port()));
        const auto client = proxy.connect();
        client->write(post("/node-a1", "held"));
        ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == before + 1; }));
        proxy.app().drain(shorter_first ? milliseconds{50} : milliseconds{hours{1}});
        proxy.app().drain(shorter_first ? milliseconds{hours{1}} : milliseconds{50});
        EXPECT_TRUE(client->at_end()) << "the longer limit holds";
        proxy.app().cut(); // so that a failure does not take an hour
        proxy.app().join();
    }
    release.set_value();
}

} // namespace
} // namespace boshgate::tests
