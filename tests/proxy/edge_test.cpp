// Who the client is (PROXY protocol, trusted proxies), files and nodes side by side, limits of
// connections, and the end.

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using routing::reason;

node_reply plain(const node_request&) {
    return {.bytes = ok("<r/>")};
}

TEST(Edge, ProxyProtocolNamesTheClient) {
    stub_node node(plain);
    running_proxy proxy("threads: 1\nlisten: [{address: \"127.0.0.1:0\", proxy_protocol: "
                        "true}]\nsessions: {enabled: false}\nnodes: {node-a1: \"http://127.0.0.1:" +
                        std::to_string(node.port()) + "/httpbinding\"}\nlog: {access: \"off\"}\n");
    const std::string v2(
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\x7f\0\0\x01\x30\x39\x01\xbb", 28);
    struct row {
        const char* name;
        std::string header, address;
    };
    for (const row& one :
         {row{"version 1", "PROXY TCP4 203.0.113.9 127.0.0.1 5555 443\r\n", "203.0.113.9"},
          {"version 1, IPv6", "PROXY TCP6 2001:db8::7 ::1 5555 443\r\n", "2001:db8::7"},
          {"version 1, unknown", "PROXY UNKNOWN\r\n", "127.0.0.1"},
          {"version 2", v2, "198.51.100.7"}}) {
        SCOPED_TRACE(one.name);
        const std::string whole = one.header + post("/node-a1", "<a/>");
        // In one piece, and cut inside and behind the header.
        for (const std::size_t cut :
             {std::size_t{0}, std::size_t{3}, one.header.size(), one.header.size() + 5}) {
            const auto client = proxy.connect();
            if (cut > 0) {
                client->write(whole.substr(0, cut));
            }
            client->write(whole.substr(cut));
            ASSERT_EQ(client->read_answer().status, 200) << "cut at " << cut;
            EXPECT_EQ(node.requests().back().field("X-Forwarded-For"), one.address);
        }
    }
    const auto bare = proxy.connect();
    bare->write(post("/node-a1", "<a/>"));
    EXPECT_EQ(bare->read_answer().status, 0) << "a connection without the header was served";
    EXPECT_TRUE(proxy.ended(reason::bad_proxy_header, 1));
}

TEST(Edge, ForwardedAddressesAreBelievedFromTrustedProxiesOnly) {
    stub_node node(plain);
    struct row {
        const char* trusted;
        const char* fields;
        const char* address;
        const char* protocol;
    };
    for (const row& one :
         {row{"", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n", "127.0.0.1", "http"},
          {"trusted_proxies: [127.0.0.1]\n",
           "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n", "6.6.6.6", "https"},
          {"trusted_proxies: [127.0.0.0/8]\n", "X-Forwarded-For: 1.1.1.1, 6.6.6.6, 127.9.9.9\r\n",
           "6.6.6.6", "http"},
          {"trusted_proxies: [10.0.0.0/8]\n", "X-Forwarded-For: 6.6.6.6\r\n", "127.0.0.1",
           "http"}}) {
        SCOPED_TRACE(std::string(one.trusted) + one.fields);
        running_proxy proxy(config_with_node(node.port(), one.trusted));
        ASSERT_EQ(proxy
                      .ask(post("/node-a1", "<a/>",
                                std::string(one.fields) + "X_Forwarded_For: 7.7.7.7\r\nForwarded: "
                                                          "for=8.8.8.8\r\nX-Real-IP: 9.9.9.9\r\n"))
                      .status,
                  200);
        const node_request got = node.requests().back();
        EXPECT_EQ(got.count("X-Forwarded-For"), 1);
        EXPECT_EQ(got.field("X-Forwarded-For"), one.address);
        EXPECT_EQ(got.count("X-Forwarded-Proto"), 1);
        EXPECT_EQ(got.field("X-Forwarded-Proto"), one.protocol);
        EXPECT_EQ(got.count("Forwarded") + got.count("X-Real-IP") + got.count("X_Forwarded_For"),
                  0);
    }
}

TEST(Edge, HopByHopFieldsEndHere) {
    stub_node node(plain);
    running_proxy proxy(
        config_with_node(node.port(), "request_headers: [accept, x-one, x-two, user-agent]\n"));
    ASSERT_EQ(proxy
                  .ask(post("/node-a1", "<a/>",
                            "Connection: keep-alive, X-One, X-Forwarded-For\r\nX-One: 1\r\nX-Two: "
                            "2\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                            "Proxy-Authorization: x\r\nProxy-Connection: close\r\nUpgrade: "
                            "h2c\r\nTrailer: X\r\nAuthorization: y\r\nX-Three: 3\r\n"))
                  .status,
              200);
    const node_request got = node.requests().back();
    for (const char* name :
         {"Connection", "X-One", "Keep-Alive", "TE", "Proxy-Authorization", "Proxy-Connection",
          "Upgrade", "Trailer", "Authorization", "X-Three", "Cookie", "Origin"}) {
        EXPECT_EQ(got.count(name), 0) << name;
    }
    EXPECT_EQ(got.field("X-Two"), "2");
    EXPECT_EQ(got.field("X-Forwarded-For"), "127.0.0.1")
        << "a nomination must not strip our own field";
}

TEST(Edge, FilesAndNodesShareTheOrigin) {
    temp_directory root;
    root.write("index.html", "<!doctype html>hello");
    std::string large;
    for (int i = 0; large.size() < 5'000'000; ++i) {
        large += std::to_string(i) + "\n";
    }
    root.write("large.txt", large);
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port(), "web_root: " + root.path().string() + "\n"));
    const auto client = proxy.connect();
    client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    http_answer answer = client->read_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "<!doctype html>hello");
    EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
    const std::string etag = answer.field("ETag");
    client->write("GET /index.html HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + etag + "\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 304);
    client->write("GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    answer = client->read_answer();
    EXPECT_TRUE(answer.body == large);
    client->write("GET /large.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1000000-1000009\r\n\r\n");
    answer = client->read_answer();
    EXPECT_EQ(answer.status, 206);
    EXPECT_EQ(answer.body, large.substr(1'000'000, 10));
    client->write("HEAD /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    answer = client->read_answer(true);
    EXPECT_EQ(answer.field("Content-Length"), std::to_string(large.size()));
    client->write(post("/node-a1", "<a/>"));
    EXPECT_EQ(client->read_answer().body, "<r/>");
    client->write("GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 404);
    EXPECT_EQ(node.requests().size(), 1U);
}

TEST(Edge, MethodsOfFilesAndOfPathsThatNobodyKnows) {
    temp_directory root;
    root.write("index.html", "page");
    root.write("app/index.html", "page");
    root.write("empty/other.html", "page");
    stub_node node(plain);
    const std::string of_files = "GET, HEAD, OPTIONS";
    const std::string of_nodes = "GET, HEAD, OPTIONS, POST";
    struct row {
        const char* line;
        int status;
        std::string allow;
    };
    const std::vector<row> rows{
        {"POST /", 405, of_files},
        {"DELETE /", 405, of_files},
        {"OPTIONS /", 204, of_files},
        {"POST /index.html?x=1", 405, of_files},
        {"POST /app", 405, of_files},
        {"POST /app/", 405, of_files},
        {"PUT /app/index.html", 405, of_files},
        {"OPTIONS /app/index.html", 204, of_files},
        {"PUT /node-a1", 405, of_nodes},
        {"OPTIONS /node-a1", 204, of_nodes},
        {"OPTIONS *", 204, of_nodes},
        {"POST /empty/", 404, ""},
        {"OPTIONS /empty/", 404, ""},
        {"POST /nowhere", 404, ""},
        {"DELETE /nowhere", 404, ""},
        {"OPTIONS /nowhere", 404, ""},
        {"POST /../index.html", 404, ""},
        {"OPTIONS /%2e%2e/index.html", 404, ""},
    };
    for (const bool fallback : {false, true}) {
        running_proxy proxy(config_with_node(
            node.port(), "cors: {origins: [\"https://chat.example.com\"]}\nweb_root: {path: " +
                             root.path().string() +
                             (fallback ? ", fallback: index.html}\n" : "}\n")));
        const auto ask = [&](const std::string& line, const std::string& fields) {
            return proxy.ask(line + " HTTP/1.1\r\nHost: a\r\nOrigin: https://chat.example.com\r\n" +
                             fields + "\r\n");
        };
        for (const row& one : rows) {
            SCOPED_TRACE(std::string(one.line) + (fallback ? ", with a fallback" : ""));
            const http_answer answer = ask(one.line, "");
            EXPECT_EQ(answer.status, one.status);
            EXPECT_EQ(answer.field("Allow"), one.allow);
            EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        }
        // The preflight passes, so that the page can read the 404 of the request behind it.
        const http_answer preflight =
            ask("OPTIONS /nowhere", "Access-Control-Request-Method: POST\r\n");
        EXPECT_EQ(preflight.status, 204);
        EXPECT_EQ(preflight.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_TRUE(proxy.ended(reason::preflight, 1));
        const http_answer behind = ask("POST /nowhere", "");
        EXPECT_EQ(behind.status, 404);
        EXPECT_EQ(behind.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    }
    EXPECT_EQ(node.links(), 0);
}

TEST(Edge, ASlowReaderOfALargeFileIsBoundedAndEndsAtItsDeadline) {
    temp_directory root;
    root.write("large.bin", std::string(50'000'000, 'x'));
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port(), "web_root: " + root.path().string() +
                                                          "\ntimeouts: {client_write: 300ms}\n"));
    const auto client = proxy.connect();
    client->write("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(proxy.ended(reason::client_write_timeout, 1))
        << "a client that reads nothing was kept";
}

TEST(Edge, AClientThatLeavesInTheMiddleOfAFileIsNotAFileError) {
    temp_directory root;
    root.write("large.bin", std::string(50'000'000, 'x'));
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port(), "web_root: " + root.path().string() + "\n"));
    const auto client = proxy.connect();
    client->write("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string some;
    ASSERT_TRUE(client->read(some));
    client->reset();
    EXPECT_TRUE(proxy.ended(reason::client_closed, 1));
    EXPECT_EQ(proxy.app().ended(reason::file_error), 0U);
}

TEST(Edge, ConnectionsOfOneAddressAreLimited) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port(), "limits: {connections_per_address: 2}\n"));
    auto one = proxy.connect();
    auto two = proxy.connect();
    for (const auto* client : {&one, &two}) {
        (*client)->write(post("/node-a1", "<a/>"));
        ASSERT_EQ((*client)->read_answer().status, 200);
    }
    EXPECT_EQ(proxy.ask(post("/node-a1", "<a/>")).status, 0);
    EXPECT_TRUE(proxy.ended(reason::address_limit, 1));
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::connections_refused), 1U);
    two.reset();
    EXPECT_TRUE(
        running_proxy::until([&] { return proxy.ask(post("/node-a1", "<a/>")).status == 200; }));
}

TEST(Edge, AtTheLimitOfConnectionsAcceptingPausesAndGoesOn) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(node.port(), "limits: {connections: 2}\n"));
    auto one = proxy.connect();
    auto two = proxy.connect();
    for (const auto* client : {&one, &two}) {
        (*client)->write(post("/node-a1", "<a/>"));
        ASSERT_EQ((*client)->read_answer().status, 200);
    }
    const auto waiting = proxy.connect(); // the kernel accepts, the proxy does not yet
    waiting->write(post("/node-a1", "<a/>"));
    EXPECT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::accept_pauses) > 0; }));
    EXPECT_EQ(node.requests().size(), 2U);
    one.reset();
    EXPECT_EQ(waiting->read_answer().status, 200);
}

TEST(Edge, DrainLetsHeldPollsEndAndCutsTheRest) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request& request) {
        node_reply reply{.bytes = ok(request.body)};
        if (request.body == "held") {
            reply.before = [released] { released.wait(); };
        }
        return reply;
    });
    auto proxy = std::make_unique<running_proxy>(config_with_node(node.port()));
    const auto idle = proxy->connect();
    idle->write(post("/node-a1", "x"));
    ASSERT_EQ(idle->read_answer().status, 200);
    const auto held = proxy->connect();
    held->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 2; }));
    const std::uint16_t port = proxy->port();
    proxy->app().drain(std::chrono::seconds{60});
    EXPECT_TRUE(idle->at_end()) << "an idle connection is closed at once";
    EXPECT_TRUE(running_proxy::until([&] {
        try {
            shutdown_and_close(connect_to_loopback(port));
            return false;
        } catch (const std::exception&) {
            return true;
        }
    })) << "the listener is still open";
    release.set_value();
    const http_answer answer = held->read_answer();
    EXPECT_EQ(answer.body, "held");
    EXPECT_EQ(answer.field("Connection"), "close");
    proxy->app().join(); // returns: nothing is left

    std::promise<void> never;
    std::shared_future<void> not_released = never.get_future().share();
    stub_node hanging([not_released](const node_request&) {
        return node_reply{.bytes = ok("late"), .before = [not_released] { not_released.wait(); }};
    });
    running_proxy cut(config_with_node(hanging.port()));
    const auto client = cut.connect();
    client->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return hanging.requests().size() == 1; }));
    cut.app().drain(std::chrono::milliseconds{100});
    EXPECT_EQ(client->read_answer().status, 0);
    cut.app().join();
    never.set_value();
}

TEST(Edge, PreflightsAreAnsweredHere) {
    stub_node node(plain);
    running_proxy proxy(config_with_node(
        node.port(), "cors: {origins: [\"https://chat.example.com\"], credentials: true}\n"));
    const auto ask = [&](const std::string& origin, const std::string& headers) {
        return proxy.ask(
            "OPTIONS /node-a1 HTTP/1.1\r\nHost: a\r\nOrigin: " + origin +
            "\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: " +
            headers + "\r\n\r\n");
    };
    const http_answer allowed = ask("https://chat.example.com", "content-type");
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(allowed.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    EXPECT_EQ(allowed.count("Access-Control-Allow-Origin"), 1);
    EXPECT_EQ(allowed.field("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(allowed.field("Access-Control-Max-Age"), "7200");
    for (const http_answer& refused : {ask("https://evil.example.net", "content-type"),
                                       ask("https://chat.example.com", "x-evil")}) {
        EXPECT_EQ(refused.status, 403);
        EXPECT_EQ(refused.count("Access-Control-Allow-Origin"), 0);
        EXPECT_NE(refused.field("Vary").find("Origin"), std::string::npos);
    }
    // The POST itself is judged too, also one that needs no preflight.
    const http_answer posted =
        proxy.ask(post("/node-a1", "<a/>", "Origin: https://evil.example.net\r\n"));
    EXPECT_EQ(posted.status, 403);
    EXPECT_EQ(node.links(), 0);
}

} // namespace
} // namespace boshgate::tests
