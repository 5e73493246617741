// Sessions through the real proxy: how they are learnt, and what becomes of copies of a request.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;

TEST(Sessions, ASessionIsLearntFromTheNodesAnswer) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    EXPECT_EQ(proxy.app().total(&core_counters::sessions_opened), 1U);
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    // It is known: a rid from before its first one never was, and does not reach the node.
    EXPECT_EQ(terminated(proxy.ask(poll("s", 999))), "item-not-found");
    EXPECT_EQ(node.requests().size(), 2U);
}

TEST(Sessions, RequestsOfAnUnknownSessionArePassedOn) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    for (const char* sid : {"a", "b", "a&amp;b", "\xc3\xa9"}) {
        SCOPED_TRACE(sid);
        EXPECT_EQ(proxy.ask(poll(sid, 7'000'000'000)).body, answer_to(7'000'000'000));
        EXPECT_EQ(proxy.ask(poll(sid, 7'000'000'001)).body, answer_to(7'000'000'001));
    }
    EXPECT_EQ(node.requests().size(), 8U);
}

TEST(Sessions, ASidOfAnyLengthIsPassedOn) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    for (const std::size_t length : {1U, 256U, 257U, 1000U}) {
        SCOPED_TRACE(length);
        const std::string sid(length, 'x');
        EXPECT_EQ(proxy.ask(poll(sid, 5)).body, answer_to(5));
        const std::size_t before = node.requests().size();
        EXPECT_EQ(proxy.ask(poll(sid, 5)).body, answer_to(5));
        EXPECT_EQ(node.requests().size() - before, length > 256 ? 1U : 0U) << "replayed";
    }
}

// Two nodes may give out the same sid; they are two sessions.
TEST(Sessions, ASidIsOfItsNode) {
    stub_node a(bosh_node);
    stub_node b(bosh_node);
    std::string yaml = bosh_config_with_node(a.port());
    const std::string one = "nodes: {";
    yaml.replace(yaml.find(one), one.size(),
                 "nodes: {node-b1: \"http://127.0.0.1:" + std::to_string(b.port()) +
                     "/httpbinding\", ");
    running_proxy proxy(yaml);
    std::string to_b = poll("s", 5);
    to_b.replace(to_b.find("node-a1"), 7, "node-b1");
    EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer_to(5));
    EXPECT_EQ(proxy.ask(to_b).body, answer_to(5));
    EXPECT_EQ(a.requests().size(), 1U);
    EXPECT_EQ(b.requests().size(), 1U);
}

class Joins : public ::testing::TestWithParam<int> {};

TEST_P(Joins, OneRequestAtTheNodeAndTheNewestConnectionGetsTheAnswer) {
    constexpr int copies = 5;
    gate hold;
    stub_node node([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(with_threads(bosh_config_with_node(node.port()), GetParam()));
    std::vector<std::unique_ptr<stream>> clients;
    for (int i = 0; i < copies; ++i) {
        clients.push_back(proxy.connect());
        clients.back()->write(poll("s", 100));
        ASSERT_TRUE(node_has(node, 1));
        ASSERT_TRUE(running_proxy::until([&] {
            return proxy.app().total(&core_counters::requests_joined) ==
                   static_cast<std::uint64_t>(i);
        }));
        if (i > 0) {
            EXPECT_TRUE(clients[static_cast<std::size_t>(i) - 1]->at_end())
                << "connection " << i - 1 << " was superseded";
        }
    }
    hold.open();
    EXPECT_EQ(clients.back()->read_answer().body, answer_to(100));
    EXPECT_EQ(node.requests().size(), 1U);
    // The connection of the newest goes on.
    clients.back()->write(poll("s", 101));
    EXPECT_EQ(clients.back()->read_answer().body, answer_to(101));
}

TEST_P(Joins, ManySessionsAtOnce) {
    stub_node node(bosh_node);
    running_proxy proxy(with_threads(bosh_config_with_node(node.port()), GetParam()));
    constexpr int sessions = 8;
    constexpr std::uint64_t turns = 60;
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int i = 0; i < sessions; ++i) {
        threads.emplace_back([&, i] {
            // Each request comes twice, on two connections: whichever is answered is answered
            // right.
            const std::string sid = "s" + std::to_string(i);
            for (std::uint64_t rid = 1; rid <= turns; ++rid) {
                const auto first = proxy.connect();
                const auto second = proxy.connect();
                first->write(poll(sid, rid));
                second->write(poll(sid, rid));
                const http_answer a = first->read_answer();
                const http_answer b = second->read_answer();
                const std::string right = answer_to(rid);
                const bool good = (a.body == right && (b.body == right || b.status == 0)) ||
                                  (b.body == right && a.status == 0);
                wrong += good ? 0 : 1;
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(node.requests().size(), sessions * turns);
}

INSTANTIATE_TEST_SUITE_P(Cores, Joins, ::testing::Values(1, 2));

TEST(Sessions, AnsweredRequestsAreReplayedOnAnyConnection) {
    stub_node node(bosh_node);
    running_proxy proxy(
        bosh_config_with_node(node.port(), "cors: {origins: [\"https://chat.example.com\"]}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    for (std::uint64_t rid = 1001; rid < 1010; ++rid) {
        SCOPED_TRACE(rid);
        EXPECT_EQ(proxy.ask(poll("s", rid)).body, answer_to(rid));
        std::string again = poll("s", rid);
        again.insert(again.find("Content-Length"), "Origin: https://chat.example.com\r\n");
        const http_answer answer = proxy.ask(again);
        EXPECT_EQ(answer.body, answer_to(rid));
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.field("Content-Type"), "text/xml; charset=utf-8");
        EXPECT_EQ(answer.field("Access-Control-Allow-Origin"), "https://chat.example.com");
    }
    EXPECT_EQ(node.requests().size(), 10U);
    EXPECT_EQ(proxy.app().total(&core_counters::requests_replayed), 9U);
    EXPECT_TRUE(proxy.ended(reason::replayed, 9));
}

// requests + replay_answers answers are kept. Beyond that the node is asked while it still has to
// know the answer; older ones are refused.
TEST(Sessions, SoManyAnswersAreKept) {
    for (const unsigned more : {0U, 1U, 2U, 5U}) {
        SCOPED_TRACE(more);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(
            node.port(), "sessions: {replay_answers: " + std::to_string(more) + "}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        for (std::uint64_t rid = 1001; rid <= 1010; ++rid) {
            EXPECT_EQ(proxy.ask(poll("s", rid)).status, 200);
        }
        const unsigned kept = 2 + more;
        EXPECT_EQ(proxy.ask(poll("s", 1010 - kept + 1)).body, answer_to(1010 - kept + 1));
        EXPECT_EQ(terminated(proxy.ask(poll("s", 1010 - kept))), "item-not-found");
        EXPECT_EQ(node.requests().size(), 11U);
    }
}

TEST(Sessions, AnAnswerBeyondTheBytesOfItsSessionIsAskedForAgain) {
    for (const bool beyond : {false, true}) {
        SCOPED_TRACE(beyond);
        const std::string answer =
            answer_to(5, std::string(1024 + beyond - answer_to(5).size(), ' '));
        stub_node node([&](const node_request&) { return node_reply{.bytes = ok(answer)}; });
        running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {replay_bytes: 1KiB}\n"));
        EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer);
        EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer);
        EXPECT_EQ(node.requests().size(), beyond ? 2U : 1U);
    }
}

TEST(Sessions, AnAnswerBeyondTheBytesOfAllIsAskedForAgain) {
    constexpr std::size_t half = std::size_t{32} * 1024;
    stub_node node([&](const node_request& got) {
        const std::string plain = answer_to(rid_of(got));
        const bool large = attribute(got.body, "sid") != "small";
        return node_reply{
            .bytes =
                ok(large ? answer_to(rid_of(got), std::string(half - plain.size(), ' ')) : plain)};
    });
    running_proxy proxy(bosh_config_with_node(
        node.port(), "sessions: {replay_total: 64KiB, replay_bytes: 32KiB}\n"));
    // Two sessions fill it; a third one has no room.
    for (const char* sid : {"a", "b", "small", "a", "b", "small"}) {
        EXPECT_EQ(proxy.ask(poll(sid, 5)).status, 200);
    }
    EXPECT_EQ(node.requests().size(), 4U);
    EXPECT_EQ(attribute(node.requests()[3].body, "sid"), "small");
}

// Answers go with their session, and leave their room to others.
TEST(Sessions, TheRoomOfASessionThatIsGoneIsFree) {
    constexpr std::size_t size = std::size_t{32} * 1024;
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? bosh_node(got)
                   : node_reply{.bytes = ok(answer_to(rid_of(got), std::string(size / 2, ' ')))};
    });
    running_proxy proxy(bosh_config_with_node(
        node.port(), "sessions: {replay_total: 64KiB, replay_bytes: 32KiB}\n"));
    for (std::uint64_t round = 1; round <= 20; ++round) {
        // The node gives out the same sid anew: the older session is over.
        EXPECT_EQ(proxy.ask(session_request(round * 1000)).status, 200);
        EXPECT_EQ(proxy.ask(poll("s", round * 1000 + 1)).status, 200);
        EXPECT_EQ(proxy.ask(poll("s", round * 1000 + 1)).status, 200);
        ASSERT_EQ(node.requests().size(), 2 * round) << "not replayed";
    }
}

TEST(Sessions, TheOldestKeptAnswersGoFirst) {
    const std::string filling(400, ' ');
    stub_node node([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got), filling))};
    });
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {replay_bytes: 1KiB, replay_answers: 9}\n"));
    for (std::uint64_t rid = 5; rid <= 7; ++rid) {
        EXPECT_EQ(proxy.ask(poll("s", rid)).status, 200);
    }
    EXPECT_EQ(proxy.ask(poll("s", 7)).body, answer_to(7, filling));
    EXPECT_EQ(proxy.ask(poll("s", 6)).body, answer_to(6, filling));
    EXPECT_EQ(node.requests().size(), 3U) << "both were kept";
    EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer_to(5, filling));
    EXPECT_EQ(node.requests().size(), 4U) << "no room for the oldest";
}

TEST(Sessions, AClientThatGoesAwayEndsNothing) {
    gate hold;
    stub_node node([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(poll("s", 100));
    ASSERT_TRUE(node_has(node, 1));
    client->reset();
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::connections) == 0; }));
    hold.open();
    ASSERT_TRUE(proxy.ended(reason::client_closed, 1));
    EXPECT_EQ(proxy.ask(poll("s", 100)).body, answer_to(100));
    EXPECT_EQ(node.requests().size(), 1U);
}

TEST(Sessions, ASessionThatNobodyKnowsOfIsEnded) {
    gate hold;
    stub_node node([&](const node_request& got) {
        const bool opens = attribute(got.body, "sid").empty();
        return node_reply{.bytes = ok(opens ? session_answer("s") : answer_to(rid_of(got))),
                          .before = opens ? hold.wait() : std::function<void()>{}};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port()));
    const auto client = proxy.connect();
    client->write(session_request(1000));
    ASSERT_TRUE(node_has(node, 1));
    client->reset();
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::connections) == 0; }));
    hold.open();
    ASSERT_TRUE(node_has(node, 2));
    const node_request last = node.requests()[1];
    EXPECT_EQ(attribute(last.body, "type"), "terminate");
    EXPECT_EQ(attribute(last.body, "sid"), "s");
    EXPECT_EQ(rid_of(last), 1001U);
    EXPECT_EQ(proxy.app().total(&core_counters::orphans_ended), 1U);
}

// A large answer is passed on while it comes: a copy cannot take it over, and must not disturb it.
TEST(Sessions, ACopyOfARequestWhoseAnswerIsStreamed) {
    raw_node node;
    running_proxy proxy(bosh_config_with_node(node.port()));
    const auto first = proxy.connect();
    first->write(poll("s", 100));
    const auto link = node.accept();
    std::string input;
    std::string head;
    std::string body;
    ASSERT_TRUE(link->read_message(input, head, body));
    const std::string large = answer_to(100, std::string(600'000, ' '));
    const std::string wire = ok(large);
    std::thread writer([&] { link->write(wire.substr(0, wire.size() - 10)); });
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::streamed) == 1; }));
    const auto second = proxy.connect();
    second->write(poll("s", 100));
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::requests_joined) == 1; }));
    std::string got;
    while (got.size() < wire.size() / 2 && first->read(got)) {
    }
    writer.join();
    link->write(wire.substr(wire.size() - 10));
    while (got.find("</body>") == std::string::npos && first->read(got)) {
    }
    EXPECT_NE(got.find("</body>"), std::string::npos) << got.size();
    // It was not kept, so the node is asked for the copy.
    head.clear();
    body.clear();
    ASSERT_TRUE(link->read_message(input, head, body));
    link->write(ok(answer_to(100)));
    EXPECT_EQ(second->read_answer().body, answer_to(100));
}

// A stream that ends early, on either side, has been answered by the node all the same: the copy
// asks for it at once, and does not fail with the first.
TEST(Sessions, ACopyOfAStreamThatBreaksOffAsksTheNode) {
    for (const bool by_client : {true, false}) {
        SCOPED_TRACE(by_client ? "the client goes" : "the link breaks");
        raw_node node;
        running_proxy proxy(bosh_config_with_node(node.port()));
        const auto first = proxy.connect();
        first->write(poll("s", 100));
        auto link = node.accept();
        std::string input;
        std::string head;
        std::string body;
        ASSERT_TRUE(link->read_message(input, head, body));
        const std::string wire = ok(answer_to(100, std::string(600'000, ' ')));
        std::thread writer([&] { link->write(wire.substr(0, 300'000)); });
        ASSERT_TRUE(
            running_proxy::until([&] { return proxy.app().total(&core_counters::streamed) == 1; }));
        const auto second = proxy.connect();
        second->write(poll("s", 100));
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&core_counters::requests_joined) == 1; }));
        std::string got;
        while (got.size() < 250'000 && first->read(got)) {
        }
        writer.join();
        if (by_client) {
            first->reset();
        } else {
            link->reset();
        }
        const auto again = node.accept();
        input.clear();
        head.clear();
        body.clear();
        ASSERT_TRUE(again->read_message(input, head, body));
        again->write(ok(answer_to(100)));
        EXPECT_EQ(second->read_answer().body, answer_to(100));
    }
}

TEST(Sessions, ALargeAnswerWhoseClientHasGoneIsAskedForAgain) {
    const std::string large = answer_to(100, std::string(600'000, ' '));
    gate hold;
    stub_node node(
        [&](const node_request&) { return node_reply{.bytes = ok(large), .before = hold.wait()}; });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port()));
    const auto first = proxy.connect();
    first->write(poll("s", 100));
    ASSERT_TRUE(node_has(node, 1));
    const auto second = proxy.connect();
    second->write(poll("s", 100));
    EXPECT_TRUE(first->at_end());
    hold.open();
    EXPECT_EQ(second->read_answer().body, large);
    EXPECT_EQ(node.requests().size(), 2U);
}

} // namespace
} // namespace boshgate::tests
