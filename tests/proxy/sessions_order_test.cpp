// The order of a session's requests and answers, its window, and its deadlines.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A node that holds each request until its rid is let go.
class holding_node {
  public:
    holding_node() : node([this](const node_request& got) { return answer(got); }) {}
    ~holding_node() {
        for (auto& [rid, one] : gates_) {
            one.open();
        }
    }
    void release(std::uint64_t rid) {
        const std::lock_guard lock(mutex_);
        gates_[rid].open();
    }
    [[nodiscard]] std::vector<std::uint64_t> rids() const {
        std::vector<std::uint64_t> all;
        for (const node_request& one : node.requests()) {
            all.push_back(rid_of(one));
        }
        return all;
    }

  private:
    node_reply answer(const node_request& got) {
        if (attribute(got.body, "sid").empty()) {
            return bosh_node(got);
        }
        const std::lock_guard lock(mutex_);
        return {.bytes = ok(answer_to(rid_of(got))), .before = gates_[rid_of(got)].wait()};
    }
    std::mutex mutex_;
    std::map<std::uint64_t, gate> gates_;

  public:
    stub_node node; // last: its threads use the others
};

using rids = std::vector<std::uint64_t>;

TEST(SessionOrder, AnOvertakingRequestWaitsForTheOneBefore) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto newer = proxy.connect();
    newer->write(poll("s", 1002));
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::requests_held_back) == 1; }));
    EXPECT_EQ(node.requests().size(), 1U);
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(newer->read_answer().body, answer_to(1002));
    EXPECT_EQ(node.requests().size(), 3U);
}

// Several instances serve a session: what has not come here has gone to the node by another one.
TEST(SessionOrder, WhatWentThroughAnotherInstanceIsWaitedForOnlyAMoment) {
    stub_node node(bosh_node);
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {reorder: 10s, elsewhere: 50ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    for (const std::uint64_t rid : {1002U, 1005U, 1200U, 1201U}) {
        const auto before = steady_clock::now();
        EXPECT_EQ(proxy.ask(poll("s", rid)).body, answer_to(rid)) << rid;
        const auto took = steady_clock::now() - before;
        EXPECT_EQ(took >= milliseconds{50}, rid != 1201U) << rid << ": the one before was here";
        EXPECT_LT(took, std::chrono::seconds{9}) << rid;
    }
}

TEST(SessionOrder, ARequestGoesOutWhenTheOneBeforeIsWrittenWhole) {
    raw_node node;
    running_proxy proxy(bosh_config_with_node(
        node.port(),
        "sessions: {reorder: 10s}\ntimeouts: {node_write: 1m}\nlimits: {body_bytes: 32MiB}\n"));
    std::string input;
    std::string head;
    std::string body;
    const auto opener = proxy.connect();
    opener->write(session_request(1000));
    const auto first = node.accept();
    ASSERT_TRUE(first->read_message(input, head, body));
    first->write(ok(session_answer("s")));
    ASSERT_EQ(opener->read_answer().status, 200);
    // More than the system takes for a node that does not read.
    const auto older = proxy.connect();
    const std::string large = "<m>" + std::string(6'000'000, 'x') + "</m>";
    std::thread writer([&] { older->write(poll("s", 1001, large)); });
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::links_reused) == 1; }));
    writer.join();
    const auto newer = proxy.connect();
    newer->write(poll("s", 1002));
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::requests_held_back) == 1; }));
    EXPECT_EQ(proxy.app().total(&core_counters::links), 1U) << "no link was opened for it";
    ASSERT_TRUE(first->read_message(input, head, body));
    EXPECT_GT(body.size(), large.size());
    const auto second = node.accept(); // now it comes
    std::string other_input;
    ASSERT_TRUE(second->read_message(other_input, head, body));
    EXPECT_EQ(attribute(body, "rid"), "1002");
    first->write(ok(answer_to(1001)));
    second->write(ok(answer_to(1002)));
    EXPECT_EQ(older->read_answer().body, answer_to(1001));
    EXPECT_EQ(newer->read_answer().body, answer_to(1002));
}

TEST(SessionOrder, AGapThatStaysIsToldWithoutAskingTheNode) {
    for (const char* reorder : {"0s", "100ms"}) {
        SCOPED_TRACE(reorder);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(
            node.port(), "sessions: {reorder: " + std::string(reorder) + "}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        EXPECT_EQ(proxy.ask(poll("s", 1002)).status, 503);
        EXPECT_TRUE(proxy.ended(reason::rid_gap, 1));
        EXPECT_EQ(node.requests().size(), 1U);
        // Both come again, in order.
        EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
        EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002));
    }
}

TEST(SessionOrder, AnswersGoDownInTheOrderOfRids) {
    holding_node held;
    running_proxy proxy(bosh_config_with_node(held.node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto older = proxy.connect();
    older->write(poll("s", 1001));
    ASSERT_TRUE(node_has(held.node, 2));
    const auto newer = proxy.connect();
    newer->write(poll("s", 1002));
    ASSERT_TRUE(node_has(held.node, 3));
    held.release(1002);
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::answers_parked) == 1; }));
    EXPECT_EQ(proxy.app().ended(reason::answered), 1U) << "the session request only";
    held.release(1001);
    EXPECT_EQ(older->read_answer().body, answer_to(1001));
    EXPECT_EQ(newer->read_answer().body, answer_to(1002));
}

// The newest connection takes over the answer, and waits no longer for the older one than the first
// would have.
TEST(SessionOrder, ACopyOfAParkedAnswerWaitsNoLongerThanTheFirst) {
    holding_node held;
    running_proxy proxy(bosh_config_with_node(held.node.port(), "sessions: {reorder: 1500ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto older = proxy.connect();
    older->write(poll("s", 1001));
    ASSERT_TRUE(node_has(held.node, 2));
    const auto newer = proxy.connect();
    newer->write(poll("s", 1002));
    ASSERT_TRUE(node_has(held.node, 3));
    held.release(1002);
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::answers_parked) == 1; }));
    const auto copy = proxy.connect();
    copy->write(poll("s", 1002));
    EXPECT_TRUE(newer->at_end());
    EXPECT_EQ(copy->read_answer().body, answer_to(1002)); // the session's wait is 30 s
    EXPECT_TRUE(proxy.ended(reason::replayed, 1));
    held.release(1001);
    EXPECT_EQ(older->read_answer().body, answer_to(1001));
}

// Whatever cores the two connections are on. With no time to wait, the newer request may be told of
// the gap; then it comes again.
TEST(SessionOrder, TurnsAreGivenAcrossCores) {
    for (const char* reorder : {"10s", "10ms"}) {
        SCOPED_TRACE(reorder);
        stub_node node(bosh_node);
        running_proxy proxy(
            with_threads(bosh_config_with_node(
                             node.port(), "sessions: {reorder: " + std::string(reorder) + "}\n"),
                         2));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        for (std::uint64_t rid = 1001; rid < 1200; rid += 2) {
            const auto newer = proxy.connect();
            const auto older = proxy.connect();
            newer->write(poll("s", rid + 1));
            older->write(poll("s", rid));
            ASSERT_EQ(older->read_answer().body, answer_to(rid));
            http_answer answer = newer->read_answer();
            if (answer.status == 503) {
                answer = proxy.ask(poll("s", rid + 1));
            }
            ASSERT_EQ(answer.body, answer_to(rid + 1));
        }
        EXPECT_EQ(node.requests().size(), 201U);
    }
}

// No more requests at the node than it granted: a further one waits, without a limit of its own,
// and without work meanwhile.
TEST(SessionOrder, TheNodeGetsNoMoreThanItGranted) {
    for (const char* reorder : {"0s", "50ms"}) {
        SCOPED_TRACE(reorder);
        holding_node held;
        running_proxy proxy(bosh_config_with_node(
            held.node.port(), "sessions: {reorder: " + std::string(reorder) + "}\n"));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        std::vector<std::unique_ptr<stream>> clients;
        for (std::uint64_t rid = 1001; rid <= 1003; ++rid) {
            clients.push_back(proxy.connect());
            clients.back()->write(poll("s", rid));
            if (rid < 1003) {
                ASSERT_TRUE(node_has(held.node, rid - 999));
            }
        }
        ASSERT_TRUE(running_proxy::until(
            [&] { return proxy.app().total(&core_counters::requests_held_back) == 1; }));
        EXPECT_EQ(held.rids().size(), 3U);
        held.release(1001);
        EXPECT_EQ(clients[0]->read_answer().body, answer_to(1001));
        ASSERT_TRUE(node_has(held.node, 4));
        held.release(1002);
        held.release(1003);
        EXPECT_EQ(clients[1]->read_answer().body, answer_to(1002));
        EXPECT_EQ(clients[2]->read_answer().body, answer_to(1003));
        EXPECT_EQ(held.rids(), (rids{1000, 1001, 1002, 1003}));
    }
}

// `requests` is 2, and two more are tolerated.
TEST(SessionOrder, TheWindowOfRids) {
    struct place {
        std::uint64_t rid;
        const char* condition; // "": it is passed on
    };
    for (const place& one :
         {place{1000, "item-not-found"}, place{999, "item-not-found"}, place{1001, ""},
          place{1005, "item-not-found"}, place{9007199254740991, "item-not-found"}}) {
        SCOPED_TRACE(one.rid);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(node.port()));
        EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
        EXPECT_EQ(terminated(proxy.ask(poll("s", one.rid))), one.condition);
        EXPECT_EQ(node.requests().size(), *one.condition == '\0' ? 2U : 1U);
        EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001)) << "the session goes on";
    }
}

TEST(SessionOrder, TheFarthestRidWaitsForItsTurn) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    std::map<std::uint64_t, std::unique_ptr<stream>> clients;
    for (std::uint64_t rid = 1004; rid > 1000; --rid) {
        clients[rid] = proxy.connect();
        clients[rid]->write(poll("s", rid));
        ASSERT_TRUE(running_proxy::until([&] {
            return proxy.app().total(&core_counters::exchanges) == 1006 - rid;
        })) << rid;
    }
    for (std::uint64_t rid = 1001; rid <= 1004; ++rid) {
        EXPECT_EQ(clients[rid]->read_answer().body, answer_to(rid));
    }
    EXPECT_EQ(node.requests().size(), 5U);
}

TEST(SessionOrder, TheSameRequestAgainAndAgain) {
    constexpr int copies = 16; // routing/rid_window.hpp
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    for (int i = 0; i < copies; ++i) {
        EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer_to(5)) << i;
    }
    EXPECT_EQ(terminated(proxy.ask(poll("s", 5))), "policy-violation");
    EXPECT_TRUE(proxy.ended(reason::too_many_copies, 1));
    EXPECT_EQ(node.requests().size(), 1U);
    EXPECT_EQ(proxy.ask(poll("s", 6)).body, answer_to(6));
}

// An answer is awaited for what the node granted, and a margin.
TEST(SessionOrder, ThePollsDeadlineIsTheSessionsOwn) {
    gate hold;
    stub_node node([&](const node_request& got) {
        const bool opens = attribute(got.body, "sid").empty();
        return node_reply{.bytes = ok(opens ? session_answer("s", 1) : answer_to(rid_of(got))),
                          .before = opens ? std::function<void()>{} : hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {answer_margin: 500ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto began = steady_clock::now();
    EXPECT_EQ(proxy.ask(poll("s", 1001)).status, 504);
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
    EXPECT_GE(took, milliseconds{1450});
    EXPECT_LT(took, milliseconds{5000});
    EXPECT_TRUE(proxy.ended(reason::node_answer_timeout, 1));
    EXPECT_EQ(node.requests().size(), 2U) << "not piled up";
}

// A session request is held too; its deadline follows what it asks for.
TEST(SessionOrder, TheSessionRequestsDeadlineIsItsOwn) {
    gate hold;
    stub_node node(
        [&](const node_request&) { return node_reply{.bytes = "", .before = hold.wait()}; });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {answer_margin: 500ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000, "", 1)).status, 503);
    EXPECT_TRUE(proxy.ended(reason::node_answer_timeout, 1));
    EXPECT_EQ(node.requests().size(), 1U);
}

} // namespace
} // namespace boshgate::tests
