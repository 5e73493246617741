// TLS on both sides of the running proxy: who is believed, what is refused, and that bytes stay the
// same.

#include "proxy/tls_context.hpp"
#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>

namespace boshgate::tests {
namespace {

using proxy::ssl_ctx_ptr;
using routing::reason;

ssl_ctx_ptr server_context(const test_certificate& certificate) {
    ssl_ctx_ptr made(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(made.get(), certificate.certificate.get());
    SSL_CTX_use_PrivateKey(made.get(), certificate.key.get());
    return made;
}

ssl_ctx_ptr client_context() {
    return ssl_ctx_ptr(SSL_CTX_new(TLS_client_method()));
}

// A proxy with one TLS listener, one plain one, and one TLS node.
class TlsRelay : public testing::Test {
  protected:
    std::string config(std::uint16_t node_port, const std::string& node_tls,
                       const std::string& more = {}) {
        const std::string certificate = directory_.write("cert.pem", own_.pem());
        const std::string key = directory_.write("key.pem", own_.key_pem());
        return "threads: 1\nlisten:\n  - {address: \"127.0.0.1:0\", tls: {certificate: " +
               certificate + ", key: " + key +
               "}}\n  - {address: \"127.0.0.1:0\"}\nsessions: {enabled: false}\nnodes:\n  "
               "node-a1:\n    url: "
               "\"https://127.0.0.1:" +
               std::to_string(node_port) +
               "/httpbinding\"\n    host: node-a1.example.com\n    tls: {" + node_tls +
               "}\nlog: {access: \"off\"}\n" + more;
    }
    std::string ca_file() { return directory_.write("ca.pem", authority_.pem()); }

    temp_directory directory_;
    test_certificate authority_ = make_certificate({.common_name = "CA", .authority = true});
    test_certificate own_ =
        make_certificate({.common_name = "proxy", .names = {"DNS:proxy.example.com"}}, &authority_);
    test_certificate node_ = make_certificate(
        {.common_name = "node", .names = {"DNS:node-a1.example.com"}}, &authority_);
};

TEST_F(TlsRelay, BodiesOfAllSizesPassBothWaysUnchanged) {
    const ssl_ctx_ptr tls = server_context(node_);
    stub_node node(
        [](const node_request& request) { return node_reply{.bytes = ok(request.body)}; },
        tls.get());
    running_proxy proxy(config(node.port(), "ca_file: " + ca_file()));
    const ssl_ctx_ptr context = client_context();
    stream client(connect_to_loopback(proxy.port(0)), context.get(), stream::role::client,
                  "proxy.example.com");
    ASSERT_TRUE(client.usable());
    for (const std::size_t size : {1U, 2U, 100U, 1400U, 16'383U, 16'384U, 16'385U, 65'536U, 70'000U,
                                   262'144U, 262'145U, 1'048'576U}) {
        std::string body;
        for (std::size_t i = 0; i < size; ++i) {
            body.push_back(static_cast<char>((i * 2654435761U) >> 24 & 0xff));
        }
        client.write(post("/node-a1", body));
        const http_answer answer = client.read_answer();
        ASSERT_EQ(answer.status, 200) << size;
        ASSERT_TRUE(answer.complete) << size;
        ASSERT_TRUE(answer.body == body) << size;
    }
    EXPECT_EQ(node.links(), 1);
    EXPECT_EQ(node.requests().front().field("X-Forwarded-Proto"), "https");
    EXPECT_EQ(node.requests().front().field("Host"), "node-a1.example.com");
}

TEST_F(TlsRelay, NodesAreVerified) {
    const std::string pin = proxy::spki_pin(node_.certificate.get());
    const test_certificate other = make_certificate(
        {.common_name = "other", .names = {"DNS:elsewhere.example.com"}}, &authority_);
    struct row {
        const char* name;
        const test_certificate* shown;
        std::string settings;
        int status;
    };
    const std::vector<row> rows{
        {"known authority and right name", &node_, "ca_file: " + ca_file(), 200},
        {"unknown authority", &node_, "", 502},
        {"wrong name", &other, "ca_file: " + ca_file(), 502},
        {"name override", &other, "ca_file: " + ca_file() + ", server_name: elsewhere.example.com",
         200},
        {"right pin, unknown authority", &node_, "pins: [\"" + pin + "\"]", 200},
        {"wrong pin, known authority", &other, "pins: [\"" + pin + "\"]", 502},
        {"verification off", &other, "verify: false", 200},
    };
    for (const row& one : rows) {
        SCOPED_TRACE(one.name);
        const ssl_ctx_ptr tls = server_context(*one.shown);
        stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; },
                       tls.get());
        running_proxy proxy(config(node.port(), one.settings));
        EXPECT_EQ(proxy.ask(post("/node-a1", "<a/>"), 1).status, one.status);
        if (one.status == 502) {
            EXPECT_TRUE(proxy.ended(reason::node_certificate, 1));
            EXPECT_TRUE(node.requests().empty())
                << "a request went to a node that was not accepted";
        }
    }
}

TEST_F(TlsRelay, APlainNodeBehindAnHttpsUrlIsAFailedHandshake) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; });
    running_proxy proxy(config(node.port(), "verify: false", "timeouts: {connect: 500ms}\n"));
    const http_answer answer = proxy.ask(post("/node-a1", "<a/>"), 1);
    EXPECT_TRUE(answer.status == 502 || answer.status == 504) << answer.status;
}

TEST_F(TlsRelay, ClientSessionsAreResumed) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; }, nullptr);
    running_proxy proxy(config(node.port(), "verify: false"));
    const ssl_ctx_ptr context = client_context();
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT);
    SSL_SESSION* session = nullptr;
    for (int i = 0; i < 2; ++i) {
        const int descriptor = connect_to_loopback(proxy.port(0));
        SSL* ssl = SSL_new(context.get());
        SSL_set_fd(ssl, descriptor);
        if (session != nullptr) {
            SSL_set_session(ssl, session);
        }
        ASSERT_EQ(SSL_connect(ssl), 1);
        EXPECT_EQ(SSL_session_reused(ssl), i);
        const std::string request = "OPTIONS /node-a1 HTTP/1.1\r\nHost: a\r\n\r\n";
        SSL_write(ssl, request.data(), static_cast<int>(request.size()));
        char piece[1000];
        EXPECT_GT(SSL_read(ssl, piece, sizeof piece), 0); // with it comes the ticket
        SSL_SESSION_free(session);
        session = SSL_get1_session(ssl);
        SSL_shutdown(ssl); // OpenSSL does not resume a session that was not closed
        SSL_free(ssl);
        shutdown_and_close(descriptor);
    }
    SSL_SESSION_free(session);
    EXPECT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::handshakes_resumed) == 1; }));
}

// A link that ends, however it ends, must not take the node's session along: the next link resumes.
TEST_F(TlsRelay, LinksResumeTheSessionOfTheirNode) {
    struct row {
        const char* name;
        int version;
        bool tickets;
        bool close_notify;
    };
    for (const row& one : {row{"TLS 1.3", TLS1_3_VERSION, true, true},
                           {"TLS 1.3, FIN alone", TLS1_3_VERSION, true, false},
                           {"TLS 1.2 with tickets", TLS1_2_VERSION, true, true},
                           {"TLS 1.2 with tickets, FIN alone", TLS1_2_VERSION, true, false},
                           {"TLS 1.2 with session ids", TLS1_2_VERSION, false, true}}) {
        SCOPED_TRACE(one.name);
        const ssl_ctx_ptr tls = server_context(node_);
        SSL_CTX_set_min_proto_version(tls.get(), one.version);
        SSL_CTX_set_max_proto_version(tls.get(), one.version);
        const std::string name = "node";
        SSL_CTX_set_session_id_context(tls.get(),
                                       reinterpret_cast<const unsigned char*>(name.data()),
                                       static_cast<unsigned>(name.size()));
        if (!one.tickets) {
            SSL_CTX_set_options(tls.get(), SSL_OP_NO_TICKET);
        }
        stub_node node(
            [&](const node_request&) {
                return node_reply{.bytes = ok("<r/>", "Connection: close\r\n"),
                                  .close = true,
                                  .close_notify = one.close_notify};
            },
            tls.get());
        running_proxy proxy(config(node.port(), "ca_file: " + ca_file()));
        for (int i = 0; i < 4; ++i) {
            ASSERT_EQ(proxy.ask(post("/node-a1", "<a/>"), 1).status, 200) << i;
            ASSERT_TRUE(running_proxy::until(
                [&] { return proxy.app().total(&proxy::core_counters::links) == 0; }));
        }
        EXPECT_EQ(node.links(), 4);
        EXPECT_EQ(SSL_CTX_sess_accept_good(tls.get()), 4);
        EXPECT_EQ(SSL_CTX_sess_hits(tls.get()), 3) << "resumed handshakes";
    }
}

TEST_F(TlsRelay, GarbageAndPlainHttpOnTheTlsPortEndTheConnection) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; });
    running_proxy proxy(config(node.port(), "verify: false", "timeouts: {tls_handshake: 200ms}\n"));
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                                     std::string(500, 'x'), std::string("\x16\x03\x01", 3)}) {
        const auto client = proxy.connect(0);
        client->write(bytes);
        EXPECT_EQ(client->read_answer().status, 0);
    }
    EXPECT_TRUE(running_proxy::until([&] {
        return proxy.app().ended(reason::handshake_failed) +
                   proxy.app().ended(reason::handshake_timeout) ==
               3;
    }));
    EXPECT_EQ(node.links(), 0);
}

TEST_F(TlsRelay, AnAnswerThatEndsWithItsLinkNeedsACloseNotify) {
    const ssl_ctx_ptr tls = server_context(node_);
    for (const std::size_t size : {std::size_t{10}, std::size_t{300'000}}) {
        for (const bool said : {false, true}) {
            SCOPED_TRACE(std::to_string(size) + (said ? ", close_notify" : ", FIN alone"));
            stub_node node(
                [&](const node_request&) {
                    return node_reply{.bytes = "HTTP/1.1 200 OK\r\n\r\n" + std::string(size, 'p'),
                                      .close = true,
                                      .close_notify = said};
                },
                tls.get());
            running_proxy proxy(config(node.port(), "ca_file: " + ca_file()));
            // With a key nothing is repeated, so that one break is one answer.
            const http_answer answer = proxy.ask(
                post("/node-a1", "<body xmlns='http://jabber.org/protocol/httpbind' rid='1' "
                                 "sid='s' key='k'/>"),
                1);
            EXPECT_EQ(answer.complete && answer.status == 200, said) << answer.status;
            EXPECT_TRUE(proxy.ended(said ? reason::answered : reason::node_truncated, 1));
        }
    }
}

TEST_F(TlsRelay, AnEndlessAnswerLeavesOthersTheirTurn) {
    const auto other_served = std::make_shared<std::atomic<bool>>(false);
    std::uint16_t port = 0;
    const int listening = listen_on_loopback(port);
    std::thread endless([listening, other_served] {
        stream link(::accept(listening, nullptr, nullptr), nullptr, stream::role::server);
        std::string input;
        std::string head;
        std::string body;
        link.read_message(input, head, body);
        const std::string piece(1024 * 1024, 'e');
        link.write("HTTP/1.1 200 OK\r\n\r\n");
        while (!*other_served && link.write(piece)) {
        }
    });
    {
        std::string text = config(port, "verify: false");
        text.replace(text.find("https://127"), 5, "http");
        text.erase(text.find("    tls: {verify"), 24);
        running_proxy proxy(text);
        const ssl_ctx_ptr context = client_context();
        stream client(connect_to_loopback(proxy.port(0)), context.get(), stream::role::client,
                      "proxy.example.com");
        client.write("GET /node-a1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        std::thread reader([&client] {
            std::string input;
            while (client.read(input)) {
                input.clear();
            }
        });
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&proxy::core_counters::streamed) == 1; }));
        for (int i = 0; i < 20; ++i) {
            ASSERT_EQ(proxy.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 1).status, 404) << i;
        }
        *other_served = true;
        endless.join();
        reader.join();
    }
    shutdown_and_close(listening);
}

} // namespace
} // namespace boshgate::tests
