// What clients do with rids, ends, pauses and further streams, through the real proxy.
// tests/scenarios.md says what each of these is about.

#include "conf/config.hpp"
#include "proxy/session.hpp"
#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;

bool total_is(running_proxy& proxy, proxy::counter core_counters::*which, std::uint64_t count) {
    return running_proxy::until([&] { return proxy.app().total(which) == count; });
}

// Another payload under a rid that was sent: the node sees neither it nor a second request.
TEST(ScenarioSession, AnotherRequestUnderTheSameRid) {
    const std::string other = poll("s", 1001, "<presence xmlns='jabber:client'/>");
    gate hold;
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? bosh_node(got)
                   : node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto first = proxy.connect();
    first->write(poll("s", 1001));
    ASSERT_TRUE(node_has(node, 2));
    const auto second = proxy.connect();
    second->write(other);
    EXPECT_TRUE(first->at_end()) << "the newest copy gets the answer";
    EXPECT_EQ(proxy.app().total(&core_counters::copies_differing), 1U);
    hold.open();
    EXPECT_EQ(second->read_answer().body, answer_to(1001));
    EXPECT_EQ(proxy.ask(other).body, answer_to(1001)) << "the answer of the first";
    EXPECT_EQ(proxy.app().total(&core_counters::copies_differing), 2U);
    EXPECT_EQ(node.requests().size(), 2U);
}

// Somebody who saw the sid and a rid, but has not the key, gets nothing of the client's.
TEST(ScenarioSession, ACopyWithAnotherKeyGetsNothing) {
    const std::string key = "bfb06a6f113cd6fd3838ab9d300fdb4fe3da2f7d"; // XEP-0124 15, example
    std::string upper = key;
    for (char& one : upper) {
        one = static_cast<char>(std::toupper(static_cast<unsigned char>(one)));
    }
    const auto with = [](const std::string& value) {
        return poll("s", 1001, "", value.empty() ? "" : " key='" + value + "'");
    };
    const std::string others[] = {"", "113cd6fd3838ab9d300fdb4fe3da2f7dbfb06a6f", key + key};
    gate hold;
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? bosh_node(got)
                   : node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto first = proxy.connect();
    first->write(with(key));
    ASSERT_TRUE(node_has(node, 2));
    for (const std::string& other : others) {
        EXPECT_EQ(terminated(proxy.ask(with(other))), "item-not-found") << other;
    }
    EXPECT_TRUE(proxy.ended(reason::rid_key, 3));
    const auto second = proxy.connect();
    second->write(with(upper)); // the same key
    EXPECT_TRUE(first->at_end());
    hold.open();
    EXPECT_EQ(second->read_answer().body, answer_to(1001)) << "the session lives on";
    for (const std::string& other : others) {
        EXPECT_EQ(terminated(proxy.ask(with(other))), "item-not-found") << other;
    }
    EXPECT_EQ(proxy.ask(with(key)).body, answer_to(1001));
    EXPECT_EQ(node.requests().size(), 2U);
}

// A copy of a request that waits for an older one waits with it.
TEST(ScenarioSession, ACopyOfAnOvertakingRequestIsJoined) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto first = proxy.connect();
    first->write(poll("s", 1002));
    ASSERT_TRUE(total_is(proxy, &core_counters::requests_held_back, 1));
    const auto second = proxy.connect();
    second->write(poll("s", 1002));
    EXPECT_TRUE(first->at_end());
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(second->read_answer().body, answer_to(1002));
    EXPECT_EQ(node.requests().size(), 3U) << "one request upstream for each rid";
}

// What waited in vain leaves nothing behind.
TEST(ScenarioSession, AGapThatStaysCostsNothing) {
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 100ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(proxy.ask(poll("s", 1002)).status, 503);
    EXPECT_TRUE(total_is(proxy, &core_counters::held, 0));
    EXPECT_EQ(node.requests().size(), 1U);
}

// `requests` is 2. What exceeds it waits here; what exceeds all tolerance is told so.
TEST(ScenarioSession, MoreUnansweredRequestsThanGranted) {
    gate hold;
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? bosh_node(got)
                   : node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    std::vector<std::unique_ptr<stream>> clients;
    for (std::uint64_t rid = 1001; rid <= 1004; ++rid) {
        clients.push_back(proxy.connect());
        clients.back()->write(poll("s", rid));
        ASSERT_TRUE(total_is(proxy, &core_counters::held, rid - 1000)) << rid;
    }
    EXPECT_EQ(terminated(proxy.ask(poll("s", 1005))), "policy-violation");
    EXPECT_TRUE(proxy.ended(reason::too_many_requests, 1));
    ASSERT_TRUE(node_has(node, 3));
    EXPECT_EQ(node.requests().size(), 3U) << "no more than two at the node";
    hold.open();
    for (std::uint64_t rid = 1001; rid <= 1004; ++rid) {
        EXPECT_EQ(clients[rid - 1001]->read_answer().body, answer_to(rid));
    }
}

// Two instances in front of one node: what neither knows is passed on by both.
TEST(ScenarioSession, TwoInstancesServeOneSession) {
    stub_node node(bosh_node);
    running_proxy one(bosh_config_with_node(node.port()));
    running_proxy two(bosh_config_with_node(node.port()));
    EXPECT_EQ(one.ask(session_request(1000)).body, session_answer("s"));
    for (std::uint64_t rid = 1001; rid < 1006; rid += 2) {
        EXPECT_EQ(two.ask(poll("s", rid)).body, answer_to(rid));
        if (rid == 1001) {
            EXPECT_EQ(one.ask(poll("s", 1001)).body, answer_to(1001)) << "the node's to repeat";
        }
        EXPECT_EQ(two.ask(poll("s", rid + 1)).body, answer_to(rid + 1));
    }
}

TEST(ScenarioSession, ATerminateGoesOutOnceAndEndsWhatIsHeld) {
    gate hold;
    stub_node node([&](const node_request& got) {
        const std::string type = attribute(got.body, "type");
        if (attribute(got.body, "sid").empty()) {
            return bosh_node(got);
        }
        const std::string end = "<body " + bosh_namespace + " type='terminate'/>";
        return type == "terminate"
                   ? node_reply{.bytes = ok(end)}
                   : node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {reorder: 10s}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const auto held = proxy.connect();
    held->write(poll("s", 1001));
    ASSERT_TRUE(node_has(node, 2));
    const std::string bye = poll("s", 1002, "<presence type='unavailable' xmlns='jabber:client'/>",
                                 " type='terminate'");
    const auto leaving = proxy.connect();
    leaving->write(bye);
    ASSERT_TRUE(node_has(node, 3));
    EXPECT_NE(node.requests()[2].body.find("unavailable"), std::string::npos);
    hold.open(); // the node answers what it held, too
    EXPECT_EQ(held->read_answer().body, answer_to(1001));
    EXPECT_EQ(attribute(leaving->read_answer().body, "type"), "terminate");
    // The client has not got it and says it again.
    const http_answer again = proxy.ask(bye);
    EXPECT_EQ(attribute(again.body, "type"), "terminate");
    EXPECT_EQ(node.requests().size(), 3U) << "the terminate went out once";
}

// A terminate whose answer was lost is repeated; that the node knows nothing of the session any
// more is what was wanted.
TEST(ScenarioSession, ARepeatedTerminateMayFindTheSessionGone) {
    std::atomic<int> ends{0};
    stub_node node([&](const node_request& got) {
        if (attribute(got.body, "type") != "terminate") {
            return bosh_node(got);
        }
        return ++ends == 1 ? node_reply{.bytes = "", .close = true}
                           : node_reply{.bytes = ok("<body " + bosh_namespace +
                                                    " type='terminate' "
                                                    "condition='item-not-found'/>")};
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(terminated(proxy.ask(poll("s", 1001, "", " type='terminate'"))), "item-not-found");
    EXPECT_EQ(ends, 2);
}

// `stream` in a terminate ends that stream; the session and its answers stay.
TEST(ScenarioSession, TheEndOfAStreamIsNotTheEndOfItsSession) {
    stub_node node([](const node_request& got) {
        const std::string end =
            "<body " + bosh_namespace + " type='terminate' stream='two'><a xmlns='u'/></body>";
        return attribute(got.body, "type") == "terminate" ? node_reply{.bytes = ok(end)}
                                                          : bosh_node(got);
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const std::string end_stream = poll("s", 1001, "", " type='terminate' stream='two'");
    EXPECT_EQ(attribute(proxy.ask(end_stream).body, "stream"), "two");
    EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002));
    EXPECT_EQ(attribute(proxy.ask(end_stream).body, "stream"), "two");
    EXPECT_EQ(node.requests().size(), 3U) << "the copy was replayed";
}

// Some nodes never answer a pause. It goes out once, and what follows goes on.
TEST(ScenarioSession, APauseThatIsNeverAnswered) {
    gate hold;
    stub_node node([&](const node_request& got) {
        if (attribute(got.body, "sid").empty()) {
            return node_reply{.bytes = ok(session_answer("s", 1))};
        }
        return attribute(got.body, "pause").empty()
                   ? bosh_node(got)
                   : node_reply{.bytes = "", .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(
        bosh_config_with_node(node.port(), "sessions: {answer_margin: 500ms, reorder: 100ms}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    EXPECT_EQ(proxy.ask(poll("s", 1001, "", " pause='60'")).status, 504);
    EXPECT_EQ(node.requests().size(), 2U);
    EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002));
    EXPECT_TRUE(total_is(proxy, &core_counters::held, 0));
    EXPECT_EQ(node.requests().size(), 3U) << "the pause was sent again";
}

// CAXL waits two seconds for the answer to its restart. The copy gets the stored one.
TEST(ScenarioSession, ARestartThatIsRepeated) {
    const std::string restart =
        poll("s", 1001, "", " to='example.com' xmlns:xmpp='urn:xmpp:xbosh' xmpp:restart='true'");
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    proxy.connect()->write(restart); // and goes away
    ASSERT_TRUE(node_has(node, 2));
    EXPECT_EQ(proxy.ask(restart).body, answer_to(1001));
    EXPECT_EQ(proxy.ask(restart).body, answer_to(1001));
    EXPECT_EQ(node.requests().size(), 2U) << "the node restarted the stream once";
}

// Acknowledgements and times are between client and node, both ways.
TEST(ScenarioSession, AcknowledgementsPassBothWays) {
    const std::string told = "<body ack='1000' report='999' time='1500' " + bosh_namespace + "/>";
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty() ? bosh_node(got) : node_reply{.bytes = ok(told)};
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000, " ack='1'")).status, 200);
    const std::string request = poll("s", 1001, "", " ack='1000' report='999' time='42'");
    EXPECT_EQ(proxy.ask(request).body, told);
    EXPECT_EQ(node.requests().back().body, request.substr(request.find("<body")));
}

// The node has ended a session that was idle for too long: its word is passed on.
TEST(ScenarioSession, ASessionThatTheNodeHasForgotten) {
    const std::string gone =
        "<body type='terminate' condition='item-not-found' " + bosh_namespace + "/>";
    stub_node node([&](const node_request& got) {
        return attribute(got.body, "sid").empty() ? bosh_node(got) : node_reply{.bytes = ok(gone)};
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(1000)).status, 200);
    const http_answer answer = proxy.ask(poll("s", 1001));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, gone);
}

// What the proxy knows of a session goes when the node has given it up, and a little later.
TEST(ScenarioSession, AnIdleSessionIsForgottenInTime) {
    struct time {
        std::uint16_t inactivity; // s, as the node granted it; 0: it said nothing
        std::uint64_t lives_ms;
    };
    for (const time& one : {time{60, 70'000}, time{30, 40'000}, time{0, 150'000}}) {
        SCOPED_TRACE(one.inactivity);
        const conf::sessions_config settings;
        proxy::session_table table(settings, 1);
        const routing::ip_address client;
        ASSERT_EQ(table.enter_request(client), reason::none);
        const proxy::session_facts facts{.wait = 30, .inactivity = one.inactivity, .requests = 2};
        table.open(0, "s", 7, 1000, facts, client, 5);
        const auto sweep_all = [&](std::uint64_t now_ms) {
            for (std::uint64_t round = 0; round < proxy::session_table::sweep_parts; ++round) {
                table.sweep(round, now_ms);
            }
            return table.size();
        };
        EXPECT_EQ(sweep_all(5 + one.lives_ms), 1U);
        EXPECT_EQ(sweep_all(5 + one.lives_ms + 1), 0U);
    }
}

} // namespace
} // namespace boshgate::tests
