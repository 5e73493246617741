// Health in the running proxy: what probers find, what traffic shows, what becomes of requests, and
// what the operator wishes. The machine behind it is tested in discovery/node_health_test.cpp.

#include "proxy/node_states.hpp"

#include "routing/reason.hpp"
#include "tests/support/login_cluster.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace boshgate::tests {
namespace {

using discovery::health_state;
using discovery::node_wish;
using proxy::core_counters;
using proxy::node_report;
using routing::reason;

const std::string not_found =
    "<body " + bosh_namespace + " type='terminate' condition='item-not-found'/>";
const std::string quick = "health: {interval: 100ms, timeout: 20s, give_up: 10m}\n";
const std::string never = "health: {interval: 0s}\n";

bool is_question(const node_request& got) {
    return attribute(got.body, "sid").starts_with("boshgate-asks");
}

// Answers questions as Prosody does, and everything else as bosh_node.
node_reply well(const node_request& got) {
    return is_question(got) ? node_reply{.bytes = ok(not_found)} : bosh_node(got);
}

std::string answered(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " x\r\nContent-Type: text/html\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

bool becomes(running_proxy& proxy, health_state state, routing::node_index node = 0) {
    return running_proxy::until(
        [&] { return proxy.app().shared().nodes.report(node).state == state; });
}

TEST(NodeStates, ANodeThatIsWellIsAskedAndUp) {
    stub_node node(well);
    running_proxy proxy(bosh_config_with_node(node.port(), quick));
    ASSERT_TRUE(node_has(node, 5));
    const node_report report = proxy.app().shared().nodes.report(0);
    EXPECT_EQ(report.state, health_state::up);
    EXPECT_EQ(report.reason, "");
    EXPECT_EQ(report.evidence, "");
    EXPECT_EQ(report.held, 0U);
    EXPECT_GT(report.since_unix_ms, 1'600'000'000'000);
    EXPECT_EQ(proxy.app().total(&core_counters::questions_unanswered), 0U);
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_down), 0U);
}

TEST(NodeStates, WhatIsOnlyForwardedIsNotAsked) {
    stub_node node(well);
    running_proxy proxy(config_with_node(node.port(), quick));
    EXPECT_EQ(proxy.ask(session_request(1)).status, 200);
    EXPECT_EQ(proxy.app().total(&core_counters::questions), 0U);
}

TEST(NodeStates, AnHttpServerWithoutBoshIsDownAndComesBack) {
    std::atomic<bool> off{true};
    stub_node node([&](const node_request& got) {
        return off ? node_reply{.bytes = answered(404, "<html>Not Found</html>")} : well(got);
    });
    running_proxy proxy(bosh_config_with_node(node.port(), quick));
    ASSERT_TRUE(becomes(proxy, health_state::down));
    const node_report report = proxy.app().shared().nodes.report(0);
    EXPECT_EQ(report.reason, "no_bosh");
    EXPECT_EQ(report.words, "speaks no BOSH at its URL");
    EXPECT_NE(report.evidence.find("HTTP 404"), std::string::npos) << report.evidence;
    off = false;
    EXPECT_TRUE(becomes(proxy, health_state::up));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "");
}

TEST(NodeStates, OpenfiresPageForUnknownSidsIsAGoodAnswer) {
    stub_node node([](const node_request& got) {
        return node_reply{.bytes = got.body.empty() ? answered(400, "<html/>")
                                                    : answered(404, "<html/>")};
    });
    running_proxy proxy(bosh_config_with_node(node.port(), quick));
    ASSERT_TRUE(node_has(node, 8));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).state, health_state::up);
    EXPECT_EQ(proxy.app().total(&core_counters::questions_unanswered), 0U);
}

TEST(NodeStates, AKilledNodeIsDownWithTheNextRequest) {
    stub_node node(well);
    const refusing_port nobody;
    // Asked so rarely that only the request can have shown it.
    running_proxy proxy(bosh_config_with_node(
        node.port(), "health: {interval: 1h, timeout: 20s}\nsessions: {repeat_budget: 0s}\n"));
    ASSERT_TRUE(node_has(node, 1));
    proxy.app().set_addresses(0, {loopback_address(nobody.port())}, {});
    EXPECT_EQ(proxy.ask(session_request(1)).status, 503);
    ASSERT_TRUE(becomes(proxy, health_state::down));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "refused");
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_down), 1U);
}

TEST(NodeStates, ASilentNodeIsDownThenGivenUpAndItsFirstWordEndsThat) {
    gate hold;
    std::atomic<bool> silent{false};
    stub_node node([&](const node_request& got) {
        node_reply reply = well(got);
        if (silent || attribute(got.body, "sid") == "s") {
            reply.before = hold.wait();
        }
        return reply;
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(
        node.port(), "health: {interval: 100ms, timeout: 50ms, give_up: 100ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto held = proxy.connect();
    held->write(poll("s", 1001));
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().shared().nodes.report(0).held == 1; }));
    silent = true;
    ASSERT_TRUE(becomes(proxy, health_state::down));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "silent");
    EXPECT_EQ(terminated(held->read_answer()), "item-not-found");
    EXPECT_EQ(terminated(proxy.ask(poll("s", 1002))), "item-not-found") << "at once";
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 1U);
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_down), 1U);
    silent = false;
    hold.open();
    EXPECT_TRUE(becomes(proxy, health_state::up));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
}

TEST(NodeStates, ASlowNodeIsWaitedForAndLosesNothing) {
    gate hold;
    std::atomic<int> questions{0};
    std::atomic<bool> slow{true}; // until somebody has seen it
    stub_node node([&](const node_request& got) {
        node_reply reply = well(got);
        if (is_question(got) && questions++ >= 2 && slow) {
            reply.before = hold.wait();
        }
        return reply;
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(
        node.port(), "health: {interval: 100ms, timeout: 50ms, fall: 100, give_up: 10m}\n"));
    ASSERT_TRUE(becomes(proxy, health_state::suspect));
    slow = false;
    EXPECT_TRUE(becomes(proxy, health_state::up)) << "the next question was answered";
    hold.open(); // a late answer is an answer
    EXPECT_TRUE(becomes(proxy, health_state::up));
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 0U);
}

TEST(NodeStates, ADownNodesSessionsGoOnAndNewOnesAreRefusedButOneAnInterval) {
    std::atomic<bool> off{false};
    stub_node node([&](const node_request& got) {
        const bool page = off && (is_question(got) || opens(got) || rid_of(got) == 1001);
        return page ? node_reply{.bytes = answered(200, "<html/>")} : bosh_node(got);
    });
    stub_node other(well);
    running_proxy proxy(
        "threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\nlog: {access: \"off\"}\n"
        "health: {interval: 1h, timeout: 20s, fall: 1}\nnodes: {node-a1: \"http://127.0.0.1:" +
        std::to_string(node.port()) +
        "/b\", node-b1: \"http://127.0.0.1:" + std::to_string(other.port()) + "/b\"}\n");
    ASSERT_TRUE(node_has(node, 1));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    off = true;
    EXPECT_EQ(proxy.ask(poll("s", 1001)).status, 502);
    ASSERT_TRUE(becomes(proxy, health_state::down)) << "the page made it asked";
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 502) << "the first one tries";
    const http_answer refused = proxy.ask(session_request(3000));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("Retry-After"), "5");
    EXPECT_TRUE(proxy.ended(reason::node_dead, 1));
    EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002)) << "who is there stays";
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 0U);
}

// Where all look bad the fault is more likely ours: a choice is made all the same.
TEST(NodeStates, OneNodeThatIsDownIsAvoidedAndAllOfThemAreNot) {
    const refusing_port nobody;
    stub_node node(well);
    running_proxy proxy(
        "threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\nlog: {access: \"off\"}\n" + quick +
        "nodes: {node-a1: \"http://127.0.0.1:" + std::to_string(nobody.port()) +
        "/b\", node-b1: \"http://127.0.0.1:" + std::to_string(node.port()) + "/b\"}\n");
    proxy::node_states& nodes = proxy.app().shared().nodes;
    const auto avoided = [&](routing::node_index which) {
        using namespace std::chrono;
        return nodes.avoided(
            which,
            static_cast<std::uint64_t>(
                duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count()));
    };
    ASSERT_TRUE(becomes(proxy, health_state::down));
    EXPECT_TRUE(avoided(0));
    EXPECT_FALSE(avoided(1));
    proxy.app().set_addresses(1, {loopback_address(nobody.port())}, {});
    ASSERT_TRUE(becomes(proxy, health_state::down, 1));
    EXPECT_FALSE(avoided(0));
    EXPECT_FALSE(avoided(1));
    nodes.wish(0, node_wish::drain);
    EXPECT_TRUE(avoided(0)) << "the operator is not mistaken";
    EXPECT_FALSE(avoided(1));
}

TEST(NodeStates, ADrainedNodeGetsNoNewSessionsAndKeepsTheOld) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), never));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    proxy.app().shared().nodes.wish(0, node_wish::drain);
    const node_report report = proxy.app().shared().nodes.report(0);
    EXPECT_EQ(report.state, health_state::draining);
    EXPECT_EQ(report.measured, health_state::up);
    EXPECT_EQ(report.wish, node_wish::drain);
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 503);
    EXPECT_TRUE(proxy.ended(reason::node_drained, 1));
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    proxy.app().shared().nodes.wish(0, node_wish::none);
    EXPECT_EQ(proxy.app().shared().nodes.report(0).state, health_state::up);
    EXPECT_EQ(proxy.ask(session_request(3000)).status, 200);
}

TEST(NodeStates, ADisabledNodesSessionsAreEnded) {
    gate hold;
    stub_node node([&](const node_request& got) {
        node_reply reply = bosh_node(got);
        if (rid_of(got) == 1001) {
            reply.before = hold.wait();
        }
        return reply;
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), never));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto held = proxy.connect();
    held->write(poll("s", 1001));
    ASSERT_TRUE(node_has(node, 2));
    proxy.app().shared().nodes.wish(0, node_wish::disable);
    EXPECT_EQ(terminated(held->read_answer()), "item-not-found");
    EXPECT_EQ(terminated(proxy.ask(poll("s", 1002))), "item-not-found");
    EXPECT_EQ(proxy.ask(session_request(2000)).status, 503);
    EXPECT_TRUE(proxy.ended(reason::node_disabled, 3));
    EXPECT_EQ(node.requests().size(), 2U) << "nothing of it reached the node";
    proxy.app().shared().nodes.wish(0, node_wish::none);
    EXPECT_EQ(proxy.ask(session_request(3000)).status, 200);
}

TEST(NodeStates, DiscoveryPassesOverWhomTheOperatorDrains) {
    cluster all({names({"node-a1", "node-b1"}), names({"node-a1", "node-b1"}),
                 names({"node-a1", "node-b1"}), names({"node-a1", "node-b1"})});
    all.proxy().app().shared().nodes.wish(a1, node_wish::drain);
    EXPECT_EQ(all.ask(login("alice@example.com")).status, 200);
    EXPECT_EQ(all.opened_at(), "sd1 b1");
    all.proxy().app().shared().nodes.wish(a1, node_wish::none);
    EXPECT_EQ(all.ask(login("bob@example.com")).status, 200);
    EXPECT_EQ(all.opened_at(), "sd1 b1 sd1 a1");
}

} // namespace
} // namespace boshgate::tests
