// What a connection accepts and refuses, and how it ends: framing, limits, deadlines, methods.
// Deadlines are configured short and waited for; nothing here measures time.

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <future>

#include <sys/socket.h>

namespace boshgate::tests {
namespace {

using routing::reason;

node_reply echo(const node_request& request) {
    return {.bytes = ok("<r>" + request.body + "</r>")};
}

struct malformed {
    const char* name;
    std::string bytes;
    int status;
};

TEST(Connection, RefusesMalformedFramingClosesAndSendsNothingToTheNode) {
    const std::string host = "Host: a\r\n";
    const std::vector<malformed> cases{
        {"CL and TE",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"TE and CL",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
         400},
        {"two CL",
         "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
         400},
        {"two equal CL",
         "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
         400},
        {"CL list", "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\na", 400},
        {"CL sign", "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na", 400},
        {"CL negative", "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\na", 400},
        {"CL leading zeros", "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: 001\r\n\r\na",
         400},
        {"CL overflow",
         "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551617\r\n\r\na",
         400},
        {"TE gzip", "POST /node-a1 HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\na", 400},
        {"TE twice",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
         400},
        {"TE xchunked",
         "POST /node-a1 HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        {"TE on 1.0",
         "POST /node-a1 HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"obs-fold",
         "POST /node-a1 HTTP/1.1\r\n" + host + "A: b\r\n c\r\nContent-Length: 0\r\n\r\n", 400},
        {"bare LF", "POST /node-a1 HTTP/1.1\n" + host + "Content-Length: 0\r\n\r\n", 400},
        {"space before colon", "POST /node-a1 HTTP/1.1\r\n" + host + "Content-Length : 0\r\n\r\n",
         400},
        {"NUL in value", std::string("POST /node-a1 HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n", 44),
         400},
        {"no Host", "POST /node-a1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400},
        {"two Hosts", "POST /node-a1 HTTP/1.1\r\n" + host + host + "Content-Length: 0\r\n\r\n",
         400},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"HTTP/0.9", "GET /node-a1\r\n\r\n", 400},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
        {"CONNECT", "CONNECT node-a1:443 HTTP/1.1\r\nHost: node-a1:443\r\n\r\n", 400},
        {"chunk size junk",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
         400},
        {"chunk bare LF",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked\r\n\r\n4\nabcd\r\n0\r\n\r\n",
         400},
        {"chunk overlong",
         "POST /node-a1 HTTP/1.1\r\n" + host +
             "Transfer-Encoding: chunked\r\n\r\n4\r\nabcde\r\n0\r\n\r\n",
         400},
        {"unknown expectation",
         "POST /node-a1 HTTP/1.1\r\n" + host + "Expect: tea\r\nContent-Length: 0\r\n\r\n", 417},
    };
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    for (const malformed& one : cases) {
        SCOPED_TRACE(one.name);
        const auto client = proxy.connect();
        // What follows must not be taken for a request.
        client->write(one.bytes +
                      "POST /node-a1 HTTP/1.1\r\nHost: smuggled\r\nContent-Length: 0\r\n\r\n");
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Connection"), "close");
        EXPECT_TRUE(client->at_end());
    }
    EXPECT_EQ(node.links(), 0);
}

TEST(Connection, ChunkedRequestReachesTheNodeWithALengthAndWithoutTrailers) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    const std::string head =
        "POST /node-a1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string body =
        "3;ext=1\r\n<a>\r\n4\r\n</a>\r\n0\r\nX-Evil: 1\r\nContent-Length: 9\r\n\r\n";
    // In every two pieces it can come in, on one connection.
    const std::string whole = head + body;
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        client->write(whole.substr(0, cut));
        client->write(whole.substr(cut));
        ASSERT_EQ(client->read_answer().body, "<r><a></a></r>") << "cut at " << cut;
    }
    for (const node_request& got : node.requests()) {
        EXPECT_EQ(got.field("Content-Length"), "7");
        EXPECT_EQ(got.count("Transfer-Encoding"), 0);
        EXPECT_EQ(got.head.find("Evil"), std::string::npos);
    }
}

TEST(Connection, RequestInAnyTwoPiecesIsTheSameRequest) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    const std::string whole = post("/node-a1", "<body>0123456789</body>");
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        client->write(whole.substr(0, cut));
        client->write(whole.substr(cut));
        ASSERT_EQ(client->read_answer().body, "<r><body>0123456789</body></r>") << "cut at " << cut;
    }
}

TEST(Connection, TooLargeABodyIsRefusedBeforeItIsSent) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port(), "limits: {body_bytes: 1000B}\n"));
    const auto client = proxy.connect();
    client->write("POST /node-a1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                  "1001\r\n\r\n");
    const http_answer answer = client->read_answer();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_EQ(node.links(), 0);
}

TEST(Connection, ExpectIsAnsweredHereAndNeverForwarded) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(
        "POST /node-a1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    std::string interim;
    ASSERT_TRUE(client->read(interim));
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(node.links(), 0) << "a link was opened before the body was here";
    client->write("<a/>");
    EXPECT_EQ(client->read_answer().body, "<r><a/></r>");
    EXPECT_EQ(node.requests().front().count("Expect"), 0);
}

TEST(Connection, DeadlinesEndSlowClients) {
    stub_node node(echo);
    running_proxy proxy(
        config_with_node(node.port(), "timeouts: {head: 150ms, body: 150ms, idle: 150ms}\n"));
    const auto slow_head = proxy.connect();
    slow_head->write("POST /node-a1 HTTP/1.1\r\nHost: a\r\n");
    http_answer answer = slow_head->read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_TRUE(slow_head->at_end());

    const auto slow_body = proxy.connect();
    slow_body->write("POST /node-a1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n<a");
    answer = slow_body->read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_TRUE(slow_body->at_end());

    const auto idle = proxy.connect();
    EXPECT_EQ(idle->read_answer().status, 0) << "an idle connection is closed in silence";
    EXPECT_EQ(node.links(), 0) << "a slow client opened a link";
    EXPECT_TRUE(proxy.ended(reason::head_timeout, 1));
    EXPECT_TRUE(proxy.ended(reason::body_timeout, 1));
    EXPECT_TRUE(proxy.ended(reason::idle_timeout, 1));
}

TEST(Connection, DribbledHeadHasOneDeadlineInAll) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port(), "timeouts: {head: 300ms}\n"));
    const auto client = proxy.connect();
    std::string answer;
    const std::string head = post("/node-a1", "", "X: " + std::string(500, 'x') + "\r\n");
    std::size_t sent = 0;
    for (; sent < head.size() && answer.empty(); ++sent) {
        client->write(head.substr(sent, 1));
        client->read(answer, std::chrono::milliseconds{10});
    }
    EXPECT_LT(sent, head.size()) << "a byte each 10 ms kept the head alive";
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST(Connection, MethodsAndUnknownPaths) {
    stub_node node(echo);
    running_proxy proxy(
        config_with_node(node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"));
    struct row {
        const char* method;
        const char* path;
        int status;
        const char* allow;
    };
    for (const row& one : {row{"PUT", "/node-a1", 405, "GET, HEAD, OPTIONS, POST"},
                           {"DELETE", "/node-a1", 405, "GET, HEAD, OPTIONS, POST"},
                           {"TRACE", "/node-a1", 405, "GET, HEAD, OPTIONS, POST"},
                           {"PROPFIND", "/node-a1", 405, "GET, HEAD, OPTIONS, POST"},
                           {"OPTIONS", "/node-a1", 204, "GET, HEAD, OPTIONS, POST"},
                           {"OPTIONS", "*", 204, "GET, HEAD, OPTIONS, POST"},
                           {"OPTIONS", "/nowhere", 404, ""},
                           {"GET", "/nowhere", 404, ""},
                           {"POST", "/nowhere", 404, ""},
                           {"PUT", "/nowhere", 404, ""}}) {
        SCOPED_TRACE(std::string(one.method) + " " + one.path);
        const http_answer answer =
            proxy.ask(std::string(one.method) + " " + one.path +
                      " HTTP/1.1\r\nHost: a\r\nOrigin: https://chat.example.com\r\nContent-Length: "
                      "0\r\n\r\n");
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Allow"), one.allow);
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_EQ(answer.field("Vary"), "Origin");
    }
    EXPECT_EQ(node.links(), 0);
}

TEST(Connection, PagesOfANodeAreFetchedWithGet) {
    stub_node node([](const node_request&) {
        return node_reply{.bytes = ok("<html>BOSH</html>", "Content-Type: text/html\r\n")};
    });
    running_proxy proxy(config_with_node(node.port()));
    const http_answer page = proxy.ask("GET /node-a1?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "<html>BOSH</html>");
    const http_answer head = proxy.ask("HEAD /node-a1 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("Content-Length"), "17");
    for (const node_request& got : node.requests()) {
        EXPECT_EQ(got.line(), "GET /httpbinding HTTP/1.1");
    }
}

// A browser hides an answer without CORS fields from the script, which then sees a dead network.
TEST(Connection, AListedPageCanReadEveryRefusal) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port(),
                                         "cors: {origins: [\"https://chat.example.com\"]}\nlimits: "
                                         "{target_bytes: 100B, fields: 10}\n"
                                         "timeouts: {head: 150ms, body: 150ms}\n"));
    const std::string origin = "Host: a\r\nOrigin: https://chat.example.com\r\n";
    std::string many;
    for (int i = 0; i < 20; ++i) {
        many += "A" + std::to_string(i) + ": b\r\n";
    }
    struct row {
        const char* name;
        std::string bytes;
        int status;
        reason why;
    };
    for (const row& one :
         {row{"bad length", "POST /node-a1 HTTP/1.1\r\n" + origin + "Content-Length: +1\r\n\r\n",
              400, reason::bad_length},
          {"expectation",
           "POST /node-a1 HTTP/1.1\r\n" + origin + "Expect: tea\r\nContent-Length: 1\r\n\r\na", 417,
           reason::bad_expectation},
          {"fields", "POST /node-a1 HTTP/1.1\r\n" + origin + many + "\r\n", 431,
           reason::fields_limit},
          {"slow head", "POST /node-a1 HTTP/1.1\r\n" + origin, 408, reason::head_timeout},
          {"slow body", "POST /node-a1 HTTP/1.1\r\n" + origin + "Content-Length: 9\r\n\r\na", 408,
           reason::body_timeout},
          {"target", "POST /" + std::string(100, 'x') + " HTTP/1.1\r\n" + origin + "\r\n", 414,
           reason::target_limit},
          {"coded body",
           "POST /node-a1 HTTP/1.1\r\n" + origin +
               "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
           415, reason::coded_body}}) {
        SCOPED_TRACE(one.name);
        const http_answer answer = proxy.ask(one.bytes);
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
        EXPECT_TRUE(proxy.ended(one.why, 1));
    }
    const http_answer twice =
        proxy.ask("POST /node-a1 HTTP/1.1\r\n" + origin +
                  "Origin: https://evil.example.net\r\nContent-Length: +1\r\n\r\n");
    EXPECT_EQ(twice.status, 400);
    EXPECT_EQ(twice.count("Access-Control-Allow-Origin"), 0);
}

TEST(Connection, Http10) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto closing = proxy.connect();
    closing->write("POST /node-a1 HTTP/1.0\r\nContent-Length: 1\r\n\r\na");
    EXPECT_EQ(closing->read_answer().body, "<r>a</r>");
    EXPECT_TRUE(closing->at_end());
    const auto keeping = proxy.connect();
    for (int i = 0; i < 3; ++i) {
        keeping->write(
            "POST /node-a1 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na");
        const http_answer answer = keeping->read_answer();
        EXPECT_EQ(answer.body, "<r>a</r>");
        EXPECT_EQ(answer.field("Connection"), "keep-alive");
    }
}

TEST(Connection, HalfClosedClientStillGetsItsAnswer) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "<a/>"));
    client->end_writing();
    EXPECT_EQ(client->read_answer().body, "<r><a/></r>");
    EXPECT_TRUE(client->at_end());
}

TEST(Connection, ClientThatLeavesDoesNotEndItsHeldPoll) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request& request) {
        node_reply reply{.bytes = ok("<r/>")};
        if (request.body == "held") {
            reply.before = [released] { released.wait(); };
        }
        return reply;
    });
    running_proxy proxy(config_with_node(node.port()));
    auto client = proxy.connect();
    client->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    client->reset();
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::connections) == 0; }));
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::held), 1U)
        << "the exchange towards the node was ended";
    release.set_value();
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&proxy::core_counters::held) == 0; }));
    EXPECT_TRUE(proxy.ended(reason::client_closed, 1));
    // The link is whole: it serves the next one.
    EXPECT_EQ(proxy.ask(post("/node-a1", "next")).status, 200);
    EXPECT_EQ(node.links(), 1);
}

TEST(Connection, ReadsAheadOnlySoFar) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request& request) {
        node_reply reply{.bytes = ok(request.body.substr(0, 8))};
        if (request.body == "held") {
            reply.before = [released] { released.wait(); };
        }
        return reply;
    });
    running_proxy proxy(config_with_node(node.port(), "limits: {pipelined_bytes: 4KiB}\n"));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    // Far more than is read ahead, and than socket buffers hold.
    const std::string more = post("/node-a1", std::string(500'000, 'm'));
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 0; i < 30; ++i) {
            client->write(more);
        }
    });
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::read_ahead_stops) > 0; }));
    release.set_value();
    EXPECT_EQ(client->read_answer().body, "held");
    for (int i = 0; i < 30; ++i) {
        ASSERT_EQ(client->read_answer().body, "mmmmmmmm") << i;
    }
    writer.get();
}

TEST(Connection, BodiesAreBoundedWhoeverAnswers) {
    temp_directory root;
    root.write("index.html", "page");
    stub_node node(echo);
    running_proxy proxy(config_with_node(
        node.port(), "limits: {body_bytes: 2KiB}\nweb_root: " + root.path().string() + "\n"));
    struct row {
        const char* line;
        int status;
    };
    for (const row& one : {row{"OPTIONS /node-a1", 204}, row{"OPTIONS /index.html", 204},
                           row{"GET /index.html", 200}, row{"GET /node-a1", 200},
                           row{"POST /node-a1", 200}, row{"HEAD /index.html", 200}}) {
        SCOPED_TRACE(one.line);
        const bool to_head = std::string(one.line).starts_with("HEAD");
        const std::string start =
            std::string(one.line) + " HTTP/1.1\r\nHost: a\r\nContent-Length: ";
        const auto client = proxy.connect();
        client->write(start + "2048\r\n\r\n" + std::string(2048, 'b'));
        EXPECT_EQ(client->read_answer(to_head).status, one.status);
        client->write(start + "2049\r\n\r\n");
        EXPECT_EQ(client->read_answer(to_head).status, 413);
        EXPECT_TRUE(client->at_end());
    }
}

TEST(Connection, HalfClosedClientGetsAllItsPipelinedAnswers) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("<r/>"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    const std::string local = "OPTIONS /node-a1 HTTP/1.1\r\nHost: a\r\n\r\n";
    client->write(post("/node-a1", "held"));
    client->write(local + local + local + post("/node-a1", "last"));
    client->end_writing();
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    release.set_value();
    EXPECT_EQ(client->read_answer().body, "<r/>");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client->read_answer().status, 204) << i;
    }
    EXPECT_EQ(client->read_answer().body, "<r/>");
    EXPECT_TRUE(client->at_end());
    EXPECT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::connections) == 0; }));
}

TEST(Connection, HalfARequestBehindAHalfClosedOneEndsTheConnectionAtOnce) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("<r/>"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "held") + "POST /node-a1 HTT");
    client->end_writing();
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    release.set_value();
    EXPECT_EQ(client->read_answer().body, "<r/>");
    EXPECT_TRUE(client->at_end());
    EXPECT_TRUE(proxy.ended(reason::client_closed, 1));
}

TEST(Connection, AClientThatNeverStopsSendingIsCutAfterItsRefusal) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write("nonsense\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 400);
    const std::string piece(1024 * 1024, 'x');
    int taken = 0;
    while (taken < 256 && client->write(piece)) {
        ++taken;
    }
    EXPECT_LT(taken, 256) << "MiB were read and thrown away";
    EXPECT_EQ(proxy.ask(post("/node-a1", "<a/>")).status, 200);
}

TEST(Connection, BytesLeftInTheKernelAreReadAwayBehindARefusal) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("<r/>"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port(), "limits: {pipelined_bytes: 4KiB}\n"));
    const auto client = proxy.connect();
    client->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    client->write("nonsense\r\n\r\n" + std::string(400'000, 'x'));
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::read_ahead_stops) > 0; }));
    client->end_writing();
    release.set_value();
    EXPECT_EQ(client->read_answer().body, "<r/>");
    EXPECT_EQ(client->read_answer().status, 400);
    char byte = 0;
    EXPECT_EQ(::recv(client->descriptor(), &byte, 1, 0), 0) << "reset: " << std::strerror(errno);
}

TEST(Connection, DroppedFieldsAreCountedOnceForEachRequest) {
    stub_node node(echo);
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write("POST /node-a1 HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nContent-Length: 2\r\n\r\na");
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&proxy::core_counters::connections) == 1; }));
    client->write("b");
    EXPECT_EQ(client->read_answer().status, 200);
    client->write(
        "POST /node-a1 HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\na\r\n0\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 200);
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::fields_dropped), 2U);
}

TEST(Connection, AHeldPageEndsWithItsClient) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("page"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write("GET /node-a1 HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    client->reset();
    EXPECT_TRUE(running_proxy::until([&] {
        return proxy.app().total(&proxy::core_counters::held) == 0;
    })) << "nobody waits for a page whose client has left";
    EXPECT_TRUE(proxy.ended(reason::client_closed, 1));
    release.set_value();
}

} // namespace
} // namespace boshgate::tests
