// Sessions where something goes wrong at an awkward moment: nothing crashes, hangs or is lost
// count of.

#include "conf/config.hpp"
#include "proxy/session.hpp"
#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;
using std::chrono::milliseconds;

const std::string httpbind = "xmlns='http://jabber.org/protocol/httpbind'";
const std::string preflight = "OPTIONS /node-a1 HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n";

std::string in_session(const std::string& sid, std::uint64_t rid, const std::string& inside = {}) {
    return post("/node-a1", "<body " + httpbind + " sid='" + sid + "' rid='" + std::to_string(rid) +
                                "'>" + inside + "</body>");
}

std::string opens_session(std::uint64_t rid) {
    return post("/node-a1", "<body " + httpbind + " rid='" + std::to_string(rid) +
                                "' to='example.com' wait='1' hold='1' ver='1.6'/>");
}

std::string opened(const std::string& more) {
    return "<body " + httpbind + " sid='s' wait='1' hold='1' inactivity='30'" + more + "/>";
}

const std::string nothing = "<body " + httpbind + "/>";

// So many exchanges have begun, and each has ended for a reason.
bool all_ended(running_proxy& proxy, std::uint64_t exchanges) {
    const auto in_all = [&] {
        std::uint64_t sum = 0;
        for (std::size_t why = 0; why < routing::reason_count; ++why) {
            sum += proxy.app().ended(static_cast<reason>(why));
        }
        return sum;
    };
    return running_proxy::until([&] {
        return proxy.app().total(&core_counters::exchanges) == exchanges &&
               proxy.app().total(&core_counters::held) == 0 && in_all() >= exchanges;
    });
}

// The kernel takes so long to get rid of a request that the session's own time is over by then.
TEST(SessionsEdge, ANodeThatReadsTheRequestTooLateIsOverdue) {
    raw_node node;
    running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {answer_margin: 500ms}\n"
                                                           "limits: {body_bytes: 16MiB}\n"));
    const auto client = proxy.connect();
    client->write(opens_session(10));
    const auto link = node.accept();
    std::string input, head, body;
    ASSERT_TRUE(link->read_message(input, head, body));
    link->write(ok(opened(" requests='2'")));
    ASSERT_EQ(client->read_answer().status, 200);
    std::thread writes(
        [&] { client->write(in_session("s", 11, std::string(8 * 1024 * 1024, ' '))); });
    EXPECT_FALSE(client->at_end(milliseconds{1800})) << "no answer before the request is out";
    std::thread reads([&] {
        std::string sink;
        while (link->read(sink)) {
            sink.clear();
        }
    });
    writes.join();
    EXPECT_EQ(client->read_answer().status, 504);
    reads.join();
    EXPECT_TRUE(all_ended(proxy, 2));
}

// An exchange that has waited once (as a copy) ends like any other, also where its client is told
// by a close.
TEST(SessionsEdge, ACopyWhoseConnectionIsClosedAsASignalEnds) {
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future().share();
    stub_node node([&](const node_request&) {
        return node_reply{.bytes = "", .close = true, .before = [gone] { gone.wait(); }};
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    const auto first = proxy.connect();
    const auto second = proxy.connect();
    second->write(preflight);
    ASSERT_EQ(second->read_answer().status, 204);
    first->write(in_session("s", 10));
    ASSERT_TRUE(running_proxy::until([&] { return node.requests().size() == 1; }));
    second->write(in_session("s", 10));
    EXPECT_TRUE(first->at_end());
    go.set_value();
    EXPECT_TRUE(second->at_end());
    EXPECT_TRUE(proxy.ended(reason::node_closed, 2)) << "the leader and its copy";
    EXPECT_TRUE(all_ended(proxy, 3));
}

// Cores read the clock for themselves: what one has just used is not old for another.
TEST(SessionsEdge, ASessionUsedAMomentLaterThanNowIsNotOld) {
    conf::sessions_config settings;
    proxy::session_table table(settings, 1);
    const routing::ip_address client{};
    ASSERT_EQ(table.enter_request(client), reason::none);
    table.open(0, "s", 7, 10, {.inactivity = 30, .requests = 2}, client, 1'000'000);
    for (std::uint64_t round = 0; round < proxy::session_table::sweep_parts; ++round) {
        table.sweep(round, 999'999);
    }
    EXPECT_EQ(table.size(), 1U);
    proxy::exchange x;
    x.rid = 11;
    const proxy::admission verdict = table.admit(x, {.node = 0, .sid = "s", .hash = 7}, 999'999);
    EXPECT_EQ(verdict.refused, reason::none) << "not a session that never authenticated";
    EXPECT_EQ(verdict.decision.verdict, routing::rid_verdict::forward);
    EXPECT_TRUE(table.answered(x, "<body/>", false, false, 999'999));
}

// A client that was served by another instance for a while comes back far ahead.
TEST(SessionsEdge, ASessionThatWasUsedElsewhereIsTakenUpAnew) {
    constexpr std::uint64_t begin = 1'000'000;
    constexpr std::uint64_t stale_ms = 10'000; // proxy/session_members.cpp
    using routing::rid_verdict;
    struct {
        const char* name;
        bool held;              // a poll is at the node
        std::uint64_t later_ms; // than the last use
        std::uint64_t rid;
        rid_verdict expected;
    } const cases[] = {
        {"far ahead, after a while", false, stale_ms + 1, 500, rid_verdict::hold_back},
        {"a gap, after a while", false, stale_ms + 1, 14, rid_verdict::hold_back},
        {"the next, after a while", false, stale_ms + 1, 12, rid_verdict::forward},
        {"far ahead, a moment too early", false, stale_ms, 500, rid_verdict::above_window},
        {"far ahead, while a poll is held", true, stale_ms + 1, 500, rid_verdict::above_window},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        const conf::sessions_config settings;
        proxy::session_table table(settings, 1);
        const routing::ip_address client{};
        ASSERT_EQ(table.enter_request(client), reason::none);
        table.open(0, "s", 7, 10, {.inactivity = 30, .requests = 2}, client, begin);
        const auto admitted = [&](proxy::exchange& x, std::uint64_t rid, std::uint64_t now) {
            x.rid = rid;
            return table.admit(x, {.node = 0, .sid = "s", .hash = 7}, now).decision;
        };
        proxy::exchange first;
        ASSERT_EQ(admitted(first, 11, begin).verdict, rid_verdict::forward);
        if (!c.held) {
            EXPECT_TRUE(table.answered(first, "<body/>", false, false, begin));
        }
        proxy::exchange x;
        const std::uint64_t now = begin + c.later_ms;
        const routing::rid_decision decision = admitted(x, c.rid, now);
        EXPECT_EQ(decision.verdict, c.expected);
        if (decision.verdict == rid_verdict::hold_back) {
            // As at a session that is not known: older ones may come for a moment, then it goes.
            EXPECT_EQ(decision.wait_ms, routing::rid_rules{}.adopt_ms);
            EXPECT_EQ(table.wait_over(x, false, now + decision.wait_ms).verdict,
                      rid_verdict::forward);
        }
        if (x.of != nullptr) {
            EXPECT_TRUE(table.answered(x, "<body/>", false, false, now));
            proxy::exchange next;
            EXPECT_EQ(admitted(next, c.rid + 1, now).verdict, rid_verdict::forward);
            EXPECT_TRUE(table.answered(next, "<body/>", false, false, now));
        }
        if (c.held) {
            EXPECT_TRUE(table.answered(first, "<body/>", false, false, now));
        }
    }
}

// A sid that no node has confirmed is kept while a request of it is under way, and no longer.
TEST(SessionsEdge, InventedSidsLeaveNothingBehind) {
    struct {
        const char* name;
        node_reply reply;
    } const cases[] = {
        {"answered with an end",
         {.bytes = ok("<body " + httpbind + " type='terminate' condition='item-not-found'/>")}},
        {"not answered", {.bytes = "", .close = true}},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        stub_node node([&](const node_request&) { return one.reply; });
        running_proxy proxy(bosh_config_with_node(node.port(), "sessions: {per_address: 1}\n"));
        for (int i = 0; i < 4; ++i) {
            const http_answer answer = proxy.ask(in_session("invented" + std::to_string(i), 10));
            EXPECT_EQ(answer.status, one.reply.close ? 503 : 200);
        }
        EXPECT_EQ(proxy.app().total(&core_counters::sessions_untracked), 0U);
    }
}

// A page is asked for once: that says nothing about the node's death, and ends nobody's poll.
TEST(SessionsEdge, AFailedPageFreesNoPolls) {
    std::uint16_t port = 0;
    const int listening = listen_on_loopback(port);
    running_proxy proxy(bosh_config_with_node(port));
    const auto poll = proxy.connect();
    poll->write(in_session("s", 10));
    stream link(::accept(listening, nullptr, nullptr), nullptr, stream::role::server);
    std::string input, head, body;
    ASSERT_TRUE(link.read_message(input, head, body));
    ::shutdown(listening, SHUT_RDWR);
    ::close(listening);
    EXPECT_EQ(proxy.ask("GET /node-a1 HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n").status, 503);
    EXPECT_EQ(proxy.app().total(&core_counters::nodes_dead), 0U);
    EXPECT_FALSE(poll->at_end(milliseconds{600})) << "the poll is held";
    link.write(ok(nothing));
    EXPECT_EQ(poll->read_answer().body, nothing);
}

TEST(SessionsEdge, OnlyBoshPassesAsAnAnswer) {
    struct {
        const char* name;
        std::string bytes;
        int status;
        std::string type;
    } const cases[] = {
        {"as it should be", ok(nothing), 200, "text/xml; charset=utf-8"},
        {"typed as a page", ok(nothing, "Content-Type: text/html\r\n"), 200,
         "text/xml; charset=utf-8"},
        {"without a type", ok(nothing, ""), 200, "text/xml; charset=utf-8"},
        {"a page that begins like one", ok("<body><h1>It works!</h1></body>"), 502,
         "text/plain; charset=utf-8"},
        {"a page, too large to be kept whole",
         "HTTP/1.1 404 Not Found\r\nContent-Length: 400000\r\n\r\n" + std::string(400'000, 'x'),
         502, "text/plain; charset=utf-8"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        stub_node node([&](const node_request&) { return node_reply{.bytes = one.bytes}; });
        running_proxy proxy(bosh_config_with_node(node.port()));
        const http_answer answer = proxy.ask(in_session("s", 10));
        EXPECT_EQ(answer.status, one.status);
        EXPECT_EQ(answer.field("Content-Type"), one.type);
    }
}

// A node that grants no number sets no limit: a third request does not wait for two held ones.
TEST(SessionsEdge, WithoutRequestsNothingIsHeldBack) {
    std::promise<void> go;
    const std::shared_future<void> held = go.get_future().share();
    stub_node node([&](const node_request& got) {
        node_reply reply{.bytes = ok(nothing)};
        if (got.body.find("sid=") == std::string::npos) {
            reply.bytes = ok(opened(""));
        } else {
            reply.before = [held] { held.wait(); };
        }
        return reply;
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    ASSERT_EQ(proxy.ask(opens_session(10)).status, 200);
    std::vector<std::unique_ptr<stream>> clients;
    for (std::uint64_t rid = 11; rid <= 13; ++rid) {
        clients.push_back(proxy.connect());
        clients.back()->write(in_session("s", rid));
        EXPECT_TRUE(running_proxy::until([&] { return node.requests().size() == rid - 9; })) << rid;
    }
    go.set_value();
    for (const auto& one : clients) {
        EXPECT_EQ(one->read_answer().body, nothing);
    }
}

// Requests overtake each other, come twice, and their clients leave at any moment, on several
// cores.
TEST(SessionsEdge, NothingIsLostCountOfWhenClientsLeaveAnyTime) {
    constexpr int sessions = 6;
    constexpr std::uint64_t turns = 60;
    const unsigned seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::atomic<unsigned> answered{0};
    stub_node node([&](const node_request&) {
        // Now and then a link breaks. (One that only fell silent would be waited for.)
        const bool breaks = ++answered % 13 == 0;
        return node_reply{.bytes = breaks ? "" : ok(nothing), .close = breaks};
    });
    std::string yaml = bosh_config_with_node(node.port(), "sessions: {reorder: 50ms}\n");
    yaml.replace(yaml.find("threads: 1"), 10, "threads: 3");
    running_proxy proxy(yaml);
    std::vector<std::thread> threads;
    for (int i = 0; i < sessions; ++i) {
        threads.emplace_back([&, i] {
            std::mt19937 random(seed + static_cast<unsigned>(i));
            const std::string sid = "s" + std::to_string(i);
            for (std::uint64_t turn = 0; turn < turns; ++turn) {
                std::vector<std::unique_ptr<stream>> three;
                for (int n = 0; n < 3; ++n) {
                    three.push_back(proxy.connect());
                }
                const std::uint64_t rid = 10 + turn * 2;
                three[0]->write(in_session(sid, rid + 1));
                three[1]->write(in_session(sid, rid));
                three[2]->write(in_session(sid, rid + random() % 2));
                for (auto& one : three) {
                    if (random() % 3 == 0) {
                        one->reset();
                    } else {
                        std::string some;
                        [[maybe_unused]] const bool got = one->read(some, milliseconds{300});
                    }
                }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    // What was written last is read, and counted, before the end of its connection.
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::connections) == 0; }));
    EXPECT_TRUE(all_ended(proxy, proxy.app().total(&core_counters::exchanges)));
}

} // namespace
} // namespace boshgate::tests
