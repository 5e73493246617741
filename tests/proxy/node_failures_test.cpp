// Nodes that refuse, stall, break off or talk nonsense: an honest HTTP error with CORS, within the
// deadlines, and a reason.

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

namespace boshgate::tests {
namespace {

using routing::reason;

const std::string cors = "cors: {origins: [\"https://chat.example.com\"]}\n";
const std::string request =
    post("/node-a1", "<body rid='2' sid='s' xmlns='http://jabber.org/protocol/httpbind'/>",
         "Origin: https://chat.example.com\r\n");

struct fault {
    const char* name;
    node_reply reply;
    int status;
    reason why;
};

TEST(NodeFailures, EachGetsItsHonestAnswer) {
    const std::string forever(300, 'a');
    const std::vector<fault> faults{
        {"closes without an answer", {.bytes = "", .close = true}, 502, reason::node_closed},
        {"resets without an answer", {.bytes = "", .reset = true}, 502, reason::node_reset},
        {"breaks off inside the head",
         {.bytes = "HTTP/1.1 200 OK\r\nConte", .close = true},
         502,
         reason::node_truncated},
        {"breaks off inside the body",
         {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .close = true},
         502,
         reason::node_truncated},
        {"breaks off inside a chunk",
         {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", .close = true},
         502,
         reason::node_truncated},
        {"talks nonsense",
         {.bytes = "SMTP ready\r\n\r\n", .close = true},
         502,
         reason::node_bad_answer},
        {"bare LF",
         {.bytes = "HTTP/1.1 200 OK\nContent-Length: 0\n\n", .close = true},
         502,
         reason::node_bad_answer},
        {"two lengths",
         {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"},
         502,
         reason::node_bad_answer},
        {"length and coding",
         {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n0\r\n\r\n"},
         502,
         reason::node_bad_answer},
        {"unknown coding",
         {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", .close = true},
         502,
         reason::node_bad_answer},
        {"bad chunk",
         {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
         502,
         reason::node_bad_answer},
        {"endless 1xx",
         {.bytes =
              [] {
                  std::string all;
                  for (int i = 0; i < 20; ++i) {
                      all += "HTTP/1.1 103 Early Hints\r\n\r\n";
                  }
                  return all;
              }()},
         502,
         reason::node_bad_answer},
        {"switches protocols",
         {.bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"},
         502,
         reason::node_bad_answer},
        {"huge head",
         {.bytes = "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"},
         502,
         reason::node_head_limit},
        {"bytes behind the body",
         {.bytes = ok("<r/>") + "HTTP/1.1 200 OK\r\n\r\n"},
         502,
         reason::node_bad_answer},
        {"bytes behind 204",
         {.bytes = "HTTP/1.1 204 No Content\r\n\r\nabc"},
         502,
         reason::node_bad_answer},
        {"bytes behind the last chunk",
         {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nabc"},
         502,
         reason::node_bad_answer},
        {"redirects",
         {.bytes = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"},
         502,
         reason::node_redirect},
    };
    for (const fault& one : faults) {
        SCOPED_TRACE(one.name);
        stub_node node([&](const node_request&) { return one.reply; });
        running_proxy proxy(config_with_node(node.port(), cors));
        const http_answer answer = proxy.ask(request);
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_TRUE(answer.field("Content-Type").starts_with("text/plain")) << answer.head;
        EXPECT_EQ(answer.head.find("10.0.0.1"), std::string::npos);
        EXPECT_TRUE(proxy.ended(one.why, 1));
    }
}

TEST(NodeFailures, RefusedConnection) {
    refusing_port nobody;
    running_proxy proxy(config_with_node(nobody.port(), cors));
    const http_answer answer = proxy.ask(request);
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    EXPECT_TRUE(proxy.ended(reason::node_refused, 1));
}

TEST(NodeFailures, UnresolvedName) {
    refusing_port nobody;
    running_proxy proxy(config_with_node(nobody.port(), cors));
    proxy.app().set_addresses(0, {}, "no such host");
    EXPECT_EQ(proxy.ask(request).status, 503);
    EXPECT_TRUE(proxy.ended(reason::node_unresolved, 1));
}

TEST(NodeFailures, StallsEndAtTheDeadline) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("late"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port(), cors + "timeouts: {answer: 200ms}\n"));
    const http_answer answer = proxy.ask(request);
    EXPECT_EQ(answer.status, 504);
    EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    EXPECT_TRUE(proxy.ended(reason::node_answer_timeout, 1));
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::repeats), 0U)
        << "an overdue request was repeated";
    EXPECT_EQ(node.requests().size(), 1U);
    release.set_value();
}

TEST(NodeFailures, IdleLinkThatTheNodeClosedIsReplacedUnseen) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok("<r/>")}; });
    running_proxy proxy(config_with_node(node.port(), cors));
    const auto client = proxy.connect();
    for (int i = 0; i < 20; ++i) {
        client->write(request);
        ASSERT_EQ(client->read_answer().status, 200) << i;
        node.close_links();
    }
}

TEST(NodeFailures, RequestOnALinkThatDiesAtThatMomentIsRepeatedOnce) {
    std::atomic<int> seen{0};
    stub_node node([&](const node_request& got) {
        ++seen;
        // The second request on the first link finds it closing.
        return got.link == 0 && got.number == 1
                   ? node_reply{.bytes = "", .reset = true}
                   : node_reply{.bytes = ok("<body xmlns='http://jabber.org/protocol/httpbind'/>")};
    });
    running_proxy proxy(bosh_config_with_node(node.port(), cors));
    const auto client = proxy.connect();
    for (int i = 0; i < 2; ++i) {
        client->write(post("/node-a1", "<body xmlns='http://jabber.org/protocol/httpbind' "
                                       "sid='s' rid='" +
                                           std::to_string(100 + i) + "'/>"));
        ASSERT_EQ(client->read_answer().status, 200) << i;
    }
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(node.requests()[1].head, node.requests()[2].head);
    EXPECT_EQ(node.requests()[1].body, node.requests()[2].body);
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::repeats), 1U);
}

TEST(NodeFailures, ANodeThatMovesIsFollowedAtOnce) {
    stub_node before([](const node_request&) { return node_reply{.bytes = ok("before")}; });
    stub_node after([](const node_request&) { return node_reply{.bytes = ok("after")}; });
    running_proxy proxy(config_with_node(before.port(), cors));
    const auto client = proxy.connect();
    client->write(request);
    ASSERT_EQ(client->read_answer().body, "before");
    proxy.app().set_addresses(0, {loopback_address(after.port())}, {});
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&proxy::core_counters::links) == 0; }));
    client->write(request);
    EXPECT_EQ(client->read_answer().body, "after") << "an idle link to the old place was used";
}

TEST(NodeFailures, LinksAreBoundedForEachNode) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("<r/>"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port(), cors + "limits: {links_per_node: 3}\n"));
    std::vector<std::unique_ptr<stream>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(proxy.connect());
        clients.back()->write(request);
    }
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 3; }));
    EXPECT_EQ(proxy.ask(request).status, 503);
    EXPECT_TRUE(proxy.ended(reason::node_links, 1));
    release.set_value();
    for (const auto& client : clients) {
        EXPECT_EQ(client->read_answer().status, 200);
    }
    EXPECT_EQ(proxy.ask(request).status, 200);
}

// Every way a whole answer can be framed and cut into pieces gives the client the same bytes.
TEST(NodeAnswers, AnyFramingInAnyPieces) {
    const std::string body = "<body>" + std::string(300, 'b') + "</body>";
    const auto chunked = [&] {
        char size[20];
        std::snprintf(size, sizeof size, "%zx", body.size() - 10);
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + body.substr(0, 5) +
               "\r\n" + size + ";x=y\r\n" + body.substr(5, body.size() - 10) + "\r\n5\r\n" +
               body.substr(body.size() - 5) + "\r\n0\r\nTrailer: evil\r\n\r\n";
    }();
    struct row {
        const char* name;
        std::string bytes;
        bool close;
    };
    const std::vector<row> rows{
        {"length", ok(body), false},
        {"chunked", chunked, false},
        {"until close", "HTTP/1.1 200 OK\r\n\r\n" + body, true},
        {"HTTP/1.0",
         "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
         true},
        {"after 100 Continue", "HTTP/1.1 100 Continue\r\n\r\n" + ok(body), false},
        {"status without a phrase",
         "HTTP/1.1 200\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
         false},
    };
    for (const row& one : rows) {
        for (const std::size_t pieces : {1U, 2U, 3U, 7U, 50U}) {
            SCOPED_TRACE(std::string(one.name) + " in pieces: " + std::to_string(pieces));
            stub_node node([&](const node_request&) {
                return node_reply{.bytes = one.bytes, .pieces = pieces, .close = one.close};
            });
            running_proxy proxy(config_with_node(node.port(), cors));
            const http_answer answer = proxy.ask(request);
            EXPECT_EQ(answer.status, 200);
            EXPECT_EQ(answer.body, body);
            EXPECT_EQ(answer.field("Content-Length"), std::to_string(body.size()));
            EXPECT_EQ(answer.count("Trailer"), 0);
        }
    }
}

TEST(NodeAnswers, LargeOnesAreStreamedByteForByteInBoundedMemory) {
    std::string large;
    for (int i = 0; large.size() < 3'000'000; ++i) {
        large += std::to_string(i) + ",";
    }
    char size[20];
    std::snprintf(size, sizeof size, "%zx", large.size());
    const std::vector<std::pair<const char*, std::string>> rows{
        {"length", ok(large)},
        {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(size) +
                        "\r\n" + large + "\r\n0\r\n\r\n"},
        {"until close", "HTTP/1.1 200 OK\r\n\r\n" + large},
    };
    for (const auto& row : rows) {
        const std::string name = row.first;
        const std::string& bytes = row.second;
        for (const std::string version : {"1.1", "1.0"}) {
            SCOPED_TRACE(name + ", HTTP/" + version);
            stub_node node([&](const node_request&) {
                return node_reply{.bytes = bytes, .close = name == "until close"};
            });
            running_proxy proxy(
                config_with_node(node.port(), cors + "limits: {answer_buffer: 64KiB}\n"));
            const http_answer answer = proxy.ask("POST /node-a1 HTTP/" + version +
                                                 "\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
            EXPECT_EQ(answer.status, 200);
            EXPECT_TRUE(answer.complete);
            EXPECT_EQ(answer.body.size(), large.size());
            EXPECT_TRUE(answer.body == large);
            EXPECT_EQ(proxy.app().total(&proxy::core_counters::streamed), 1U);
        }
    }
}

TEST(NodeAnswers, StreamThatBreaksOffIsNotTakenForWhole) {
    const std::string part =
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(500'000, 'p');
    stub_node node([&](const node_request&) { return node_reply{.bytes = part, .close = true}; });
    running_proxy proxy(config_with_node(node.port(), cors + "limits: {answer_buffer: 64KiB}\n"));
    const http_answer answer = proxy.ask(request);
    EXPECT_FALSE(answer.complete);
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().ended(reason::node_truncated) == 1U; }));
}

TEST(NodeAnswers, AClientThatTakesNothingOfAStreamIsCountedAsWhatItIs) {
    const std::string large = ok(std::string(50'000'000, 'p'));
    stub_node node([&](const node_request&) { return node_reply{.bytes = large}; });
    running_proxy proxy(config_with_node(node.port(), cors + "timeouts: {client_write: 300ms}\n"));
    const auto client = proxy.connect();
    client->write(request);
    EXPECT_TRUE(proxy.ended(reason::client_write_timeout, 1));
    EXPECT_EQ(proxy.app().ended(reason::client_closed), 0U);
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::held), 0U);
}

TEST(NodeAnswers, FieldsAreListedNeverCopiedBlindly) {
    stub_node node([](const node_request&) {
        return node_reply{
            .bytes =
                ok("x",
                   "Content-Type: text/xml; charset=utf-8\r\nSet-Cookie: a=b\r\nServer: prosody\r\n"
                   "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n"
                   "Connection: keep-alive, X-Hop, ETag\r\nX-Hop: 1\r\nETag: \"e\"\r\nVary: "
                   "Accept-Language\r\n")};
    });
    running_proxy proxy(config_with_node(node.port(), cors));
    const http_answer answer = proxy.ask(request);
    EXPECT_EQ(answer.field("Content-Type"), "text/xml; charset=utf-8");
    EXPECT_EQ(answer.count("Set-Cookie"), 0);
    EXPECT_EQ(answer.count("Server"), 0);
    EXPECT_EQ(answer.count("X-Hop"), 0);
    EXPECT_EQ(answer.count("ETag"), 0) << "Connection names it";
    EXPECT_EQ(answer.count("Access-Control-Allow-Origin"), 1);
    EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    EXPECT_EQ(answer.count("Access-Control-Allow-Credentials"), 0);
    EXPECT_EQ(answer.count("Vary"), 1);
    EXPECT_NE(answer.field("Vary").find("Origin"), std::string::npos);
    EXPECT_NE(answer.field("Vary").find("Accept-Language"), std::string::npos);
    EXPECT_EQ(answer.count("Date"), 1);
}

} // namespace
} // namespace boshgate::tests
