// Every limit through the running proxy: what is at it passes, what is one above it does not, and a
// counter tells. (Those of the end and of files: edge_test.cpp, connection_test.cpp.)

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

namespace boshgate::tests {
namespace {

using routing::reason;

node_reply echo(const node_request& request) {
    return {.bytes = ok("<r>" + request.body + "</r>")};
}

TEST(Limits, OfRequestsHoldAtNAndRefuseAtNPlusOne) {
    stub_node node(echo);
    running_proxy proxy(
        config_with_node(node.port(), "limits: {head_bytes: 2KiB, target_bytes: 100B, fields: 10, "
                                      "body_bytes: 1000B, chunk_overhead: 64B}\n"));
    const auto path_of = [](std::size_t bytes) {
        return "/node-a1?" + std::string(bytes - 9, 'q');
    };
    const auto chunked = [](std::size_t bytes, std::size_t extension) {
        return "POST /node-a1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
               [&] {
                   char size[20];
                   std::snprintf(size, sizeof size, "%zx", bytes);
                   return std::string(size);
               }() +
               (extension > 0 ? ";" + std::string(extension - 1, 'e') : "") + "\r\n" +
               std::string(bytes, 'b') + "\r\n0\r\n\r\n";
    };
    const auto fields = [](int count) {
        std::string lines;
        for (int i = 0; i < count; ++i) {
            lines += "A" + std::to_string(i) + ": b\r\n";
        }
        return lines;
    };
    const std::string fixed = post("/node-a1", "", "X: \r\n");
    const auto head_of = [&](std::size_t bytes) {
        return post("/node-a1", "", "X: " + std::string(bytes - fixed.size(), 'x') + "\r\n");
    };
    struct row {
        const char* name;
        std::string at, above;
        int status;
        reason why;
    };
    const std::vector<row> rows{
        {"body by length", post("/node-a1", std::string(1000, 'b')),
         post("/node-a1", std::string(1001, 'b')), 413, reason::body_limit},
        {"body chunked", chunked(1000, 0), chunked(1001, 0), 413, reason::body_limit},
        {"target", post(path_of(100), "b"), post(path_of(101), "b"), 414, reason::target_limit},
        {"fields", post("/node-a1", "b", fields(7)), post("/node-a1", "b", fields(8)), 431,
         reason::fields_limit},
        {"head", head_of(2048), head_of(2049), 431, reason::head_limit},
        {"chunk head", chunked(100, 60), chunked(100, 61), 400, reason::chunk_overhead},
    };
    for (const row& one : rows) {
        SCOPED_TRACE(one.name);
        const std::uint64_t before = proxy.app().ended(one.why);
        EXPECT_EQ(proxy.ask(one.at).status, 200);
        EXPECT_EQ(proxy.app().ended(one.why), before);
        const auto client = proxy.connect();
        client->write(one.above);
        const http_answer answer = client->read_answer();
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Connection"),
                  one.status == 413 && std::string(one.name) == "body by length" ? "" : "close");
        EXPECT_TRUE(proxy.ended(one.why, before + 1));
    }
    EXPECT_EQ(node.requests().size(), rows.size());
}

// An answer whose head has exactly so many bytes, and so many fields besides.
std::string answer_of(std::size_t head_bytes, int fields) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n";
    for (int i = 1; i < fields; ++i) {
        head += "A" + std::to_string(i) + ": b\r\n";
    }
    const std::string rest = "\r\n\r\n";
    if (head_bytes > head.size() + 3 + rest.size()) {
        head += "X: " + std::string(head_bytes - head.size() - 3 - rest.size(), 'x') + rest;
    } else {
        head += "\r\n";
    }
    return head + "<r/>";
}

TEST(Limits, OfAnswersHoldAtNAndRefuseAtNPlusOne) {
    struct row {
        const char* name;
        std::string at, above;
    };
    for (const row& one : {row{"head", answer_of(512, 1), answer_of(513, 1)},
                           {"fields", answer_of(0, 10), answer_of(0, 11)}}) {
        SCOPED_TRACE(one.name);
        // In one piece, and gathered: the head is read in two ways.
        for (const std::size_t pieces : {1U, 5U}) {
            stub_node node([&](const node_request& request) {
                return node_reply{.bytes = request.body == "at" ? one.at : one.above,
                                  .pieces = pieces};
            });
            running_proxy proxy(config_with_node(
                node.port(), "limits: {answer_head_bytes: 512B, answer_fields: 10}\n"));
            EXPECT_EQ(proxy.ask(post("/node-a1", "at")).body, "<r/>");
            EXPECT_EQ(proxy.app().ended(reason::node_head_limit), 0U);
            EXPECT_EQ(proxy.ask(post("/node-a1", "above")).status, 502);
            EXPECT_TRUE(proxy.ended(reason::node_head_limit, 1));
        }
    }
}

TEST(Limits, AnAnswerAboveTheBufferIsStreamed) {
    const auto chunked = [](std::size_t size) {
        char head[80];
        std::snprintf(head, sizeof head,
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
        return head + std::string(size, 'b') + "\r\n0\r\n\r\n";
    };
    struct row {
        const char* name;
        std::string bytes;
        std::uint64_t streamed;
    };
    for (const row& one : {row{"length, at", ok(std::string(2048, 'b')), 0},
                           {"length, above", ok(std::string(2049, 'b')), 1},
                           {"chunked, at", chunked(2048), 0},
                           {"chunked, above", chunked(2049), 1}}) {
        SCOPED_TRACE(one.name);
        raw_node node;
        running_proxy proxy(config_with_node(node.port(), "limits: {answer_buffer: 2KiB}\n"));
        const auto client = proxy.connect();
        client->write(post("/node-a1", "<a/>"));
        const auto link = node.accept();
        std::string input;
        std::string head;
        std::string body;
        ASSERT_TRUE(link->read_message(input, head, body));
        // What arrives in one piece is passed on in one: so the end comes later. Two exchanges of
        // other connections of the same core, and the first part has been read.
        const std::size_t cut = one.bytes.size() - 5;
        link->write(one.bytes.substr(0, cut));
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(proxy.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
        }
        EXPECT_EQ(proxy.app().total(&proxy::core_counters::streamed), one.streamed);
        link->write(one.bytes.substr(cut));
        const http_answer answer = client->read_answer();
        EXPECT_TRUE(answer.complete);
        EXPECT_EQ(answer.body.size(), 2048U + one.streamed);
        EXPECT_EQ(proxy.app().total(&proxy::core_counters::streamed), one.streamed);
    }
}

TEST(Limits, ReadAheadStopsBehindNBytes) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request& request) {
        node_reply reply{.bytes = ok(request.body.substr(0, 8))};
        if (request.body == "held") {
            reply.before = [released] { released.wait(); };
        }
        return reply;
    });
    constexpr std::size_t limit = 1024;
    running_proxy proxy(config_with_node(node.port(), "limits: {pipelined_bytes: 1KiB}\n"));
    const auto client = proxy.connect();
    // Two exchanges of another connection of the same core: what was written before has been read
    // by then, as far as it will be.
    const auto stops = [&] {
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(proxy.ask(post("/node-a1", "other")).status, 200);
        }
        return proxy.app().total(&proxy::core_counters::read_ahead_stops);
    };
    client->write(post("/node-a1", "held"));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    const std::size_t frame = post("/node-a1", std::string(500, 'a')).size() - 500;
    const std::string ahead = post("/node-a1", std::string(limit - frame, 'a'));
    ASSERT_EQ(ahead.size(), limit);
    client->write(ahead.substr(0, limit - 1));
    EXPECT_EQ(stops(), 0U);
    client->write(ahead.substr(limit - 1));
    EXPECT_EQ(stops(), 0U);
    const std::string beyond = post("/node-a1", "beyond");
    client->write(beyond.substr(0, 1));
    EXPECT_EQ(stops(), 1U);
    client->write(beyond.substr(1));
    EXPECT_EQ(stops(), 1U) << "counted once for each time that reading stops";
    release.set_value();
    for (const char* body : {"held", "aaaaaaaa", "beyond"}) {
        EXPECT_EQ(client->read_answer().body, body);
    }
}

std::string on_cores(std::string config, int cores) {
    return config.replace(0, std::string("threads: 1").size(), "threads: " + std::to_string(cores));
}

TEST(Limits, LinksOfANodeAreCountedOverAllCores) {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    stub_node node([released](const node_request&) {
        return node_reply{.bytes = ok("<r/>"), .before = [released] { released.wait(); }};
    });
    running_proxy proxy(
        on_cores(config_with_node(node.port(), "limits: {links_per_node: 5}\n"), 4));
    std::vector<std::unique_ptr<stream>> held;
    for (int i = 0; i < 5; ++i) {
        held.push_back(proxy.connect());
        held.back()->write(post("/node-a1", "held"));
    }
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 5; }));
    for (std::uint64_t i = 1; i <= 20; ++i) { // on whichever cores they land
        ASSERT_EQ(proxy.ask(post("/node-a1", "one more")).status, 503) << i;
        ASSERT_TRUE(proxy.ended(reason::node_links, i));
    }
    EXPECT_EQ(proxy.app().total(&proxy::core_counters::links), 5U);
    release.set_value();
    for (const auto& client : held) {
        EXPECT_EQ(client->read_answer().status, 200);
    }
}

// Clients come all at once to all cores: as many as are allowed are served, not one more, and the
// others in their turn.
TEST(Limits, ConnectionsAreCountedOverAllCores) {
    constexpr std::size_t allowed = 5;
    stub_node node(echo);
    running_proxy proxy(on_cores(config_with_node(node.port(), "limits: {connections: 5}\n"), 4));
    std::vector<std::unique_ptr<stream>> clients;
    for (std::size_t i = 0; i < 6 * allowed; ++i) {
        clients.push_back(proxy.connect());
        clients.back()->write(post("/node-a1", "x"));
    }
    const auto open = [&] { return proxy.app().total(&proxy::core_counters::connections); };
    std::size_t most = 0;
    while (!clients.empty()) {
        std::vector<pollfd> ready;
        ASSERT_TRUE(running_proxy::until([&] {
            most = std::max<std::size_t>(most, open());
            ready.clear();
            for (const auto& client : clients) {
                ready.push_back({client->descriptor(), POLLIN, 0});
            }
            return ::poll(ready.data(), ready.size(), 0) > 0;
        })) << clients.size()
            << " clients wait for ever";
        const auto answered = std::find_if(ready.begin(), ready.end(),
                                           [](const pollfd& one) { return one.revents != 0; });
        const auto client = clients.begin() + (answered - ready.begin());
        ASSERT_EQ((*client)->read_answer().status, 200);
        clients.erase(client);
    }
    EXPECT_LE(most, allowed);
    EXPECT_GT(proxy.app().total(&proxy::core_counters::accept_pauses), 0U);
    EXPECT_EQ(node.requests().size(), 6 * allowed);
}

} // namespace
} // namespace boshgate::tests
