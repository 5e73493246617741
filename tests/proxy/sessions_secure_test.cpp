// A session that was opened over TLS is not served without it (XEP-0124 19.1). What counts is the
// client's own connection: behind a trusted balancer, what that says of it.

#include "proxy/tls_context.hpp"
#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using routing::reason;

const std::string over_tls = "X-Forwarded-Proto: https\r\n";
const std::string plainly = "X-Forwarded-Proto: http\r\n";

std::string with(const std::string& fields, std::string request) {
    return request.insert(request.find("Content-Length"), fields);
}

TEST(SessionSecure, TheListenersOfTheProxyItself) {
    temp_directory directory;
    const test_certificate own = make_certificate({.common_name = "proxy.example.com"});
    stub_node node(bosh_node);
    running_proxy proxy("threads: 1\nlisten:\n  - {address: \"127.0.0.1:0\", tls: {certificate: " +
                        directory.write("cert.pem", own.pem()) +
                        ", key: " + directory.write("key.pem", own.key_pem()) +
                        "}}\n  - {address: \"127.0.0.1:0\"}\nhealth: {interval: 0s}\n"
                        "log: {access: \"off\"}\nnodes: {node-a1: \"http://127.0.0.1:" +
                        std::to_string(node.port()) + "/httpbinding\"}\n");
    const proxy::ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    stream client(connect_to_loopback(proxy.port(0)), context.get(), stream::role::client,
                  "proxy.example.com");
    ASSERT_TRUE(client.usable());
    client.write(session_request(1000));
    ASSERT_EQ(client.read_answer().body, session_answer("s"));
    const auto other = proxy.connect(1);
    other->write(poll("s", 1001));
    const http_answer none = other->read_answer();
    EXPECT_EQ(none.status, 0) << none.head << none.body;
    EXPECT_TRUE(other->at_end());
    EXPECT_TRUE(proxy.ended(reason::not_secure, 1));
    EXPECT_EQ(node.requests().size(), 1U) << "it never reached the node";
    client.write(poll("s", 1001));
    EXPECT_EQ(client.read_answer().body, answer_to(1001)) << "the session goes on where it belongs";
}

// What each request of a session came over; the last one is the question.
TEST(SessionSecure, WhatABalancerSaysCounts) {
    struct row {
        const char* name;
        std::string opened, used;
        bool known; // false: this proxy has not seen the session being opened
        bool served;
        const char* trusted = "trusted_proxies: [127.0.0.1]\n";
    };
    const std::vector<row> rows{
        {"TLS all the way", over_tls, over_tls, true, true},
        {"opened over TLS, used without", over_tls, plainly, true, false},
        {"opened over TLS, used by a balancer that does not say", over_tls, "", true, false},
        {"never TLS", plainly, plainly, true, true},
        {"TLS later", plainly, over_tls, true, true},
        {"taken up over TLS, used without", over_tls, plainly, false, false},
        {"taken up without, used over TLS", plainly, over_tls, false, true},
        {"taken up without, used without", plainly, plainly, false, true},
        {"said by nobody who is trusted", over_tls, plainly, true, true, ""},
    };
    for (const row& one : rows) {
        for (const bool reused : {false, true}) {
            SCOPED_TRACE(std::string(one.name) + (reused ? ", on a used connection" : ""));
            stub_node node(bosh_node);
            running_proxy proxy(bosh_config_with_node(node.port(), one.trusted));
            ASSERT_EQ(
                proxy.ask(with(one.opened, one.known ? session_request(1000) : poll("s", 1000)))
                    .status,
                200);
            const auto client = proxy.connect();
            if (reused) {
                client->write("OPTIONS * HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n");
                ASSERT_EQ(client->read_answer().status, 204);
            }
            const std::size_t before = node.requests().size();
            client->write(with(one.used, poll("s", 1001)));
            const http_answer answer = client->read_answer();
            EXPECT_EQ(answer.body, one.served ? answer_to(1001) : "");
            EXPECT_EQ(answer.status, one.served ? 200 : 0);
            EXPECT_EQ(node.requests().size() - before, one.served ? 1U : 0U);
            EXPECT_TRUE(proxy.ended(reason::not_secure, one.served ? 0 : 1));
            EXPECT_EQ(proxy.ask(with(one.opened, poll("s", one.served ? 1002 : 1001))).status, 200)
                << "the session lives";
        }
    }
}

// A plain request says nothing about the session: neither that it is authenticated, nor anything
// that an answer of the past would tell.
TEST(SessionSecure, NothingIsLearntFromARequestThatIsRefused) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(),
                                              "trusted_proxies: [127.0.0.1]\n"
                                              "sessions: {unauthenticated_per_address: 1}\n"));
    ASSERT_EQ(proxy.ask(with(over_tls, session_request(1000))).status, 200);
    ASSERT_EQ(proxy.ask(with(over_tls, poll("s", 1001))).body, answer_to(1001));
    EXPECT_EQ(proxy.ask(with(plainly, poll("s", 1001))).status, 0) << "no kept answer";
    EXPECT_EQ(proxy
                  .ask(with(plainly, poll("s", 1002, "",
                                          " xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'")))
                  .status,
              0);
    EXPECT_TRUE(proxy.ended(reason::not_secure, 2));
    EXPECT_EQ(proxy.ask(with(over_tls, session_request(3000))).status, 503)
        << "the first session still counts as unauthenticated";
    EXPECT_EQ(proxy.ask(with(over_tls, poll("s", 1002))).body, answer_to(1002));
}

} // namespace
} // namespace boshgate::tests
