// The discovery endpoint through the real proxy: which nodes are asked for whom, which sessions are
// ended, what the client gets.

#include "discovery/failure_signal.hpp"
#include "routing/reason.hpp"
#include "tests/support/login_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace boshgate::tests {
namespace {

using discovery::situation;
using proxy::core_counters;
using routing::reason;
using strings = std::vector<std::string>;

const std::string alice = "alice@example.com";

// What the client is told, as end_of() has it.
std::string told(situation what) {
    const discovery::failure_signal signal = discovery::signal_for(
        what, discovery::client_kind::caxl, discovery::endpoint_kind::discovery, false);
    return signal.form == discovery::signal_form::terminate ? std::string(name_of(signal.condition))
                                                            : std::to_string(signal.status);
}

// Where the login ended: the node, or what the client was told.
std::string end_of(const http_answer& answer) {
    if (const std::string node = session_at(answer); !node.empty()) {
        return node;
    }
    return answer.status == 200 ? terminated(answer) : std::to_string(answer.status);
}

struct walk {
    const char* name;
    std::array<conduct, 4> nodes;
    const char* opened_at;
    strings ended; // in any order: nobody waits for it
    const char* at;
};

void expect_walk(const walk& row, const std::string& discovery = cluster::patient) {
    SCOPED_TRACE(row.name);
    cluster all(row.nodes, discovery);
    const http_answer answer = all.ask(login(alice));
    EXPECT_EQ(end_of(answer), row.at);
    EXPECT_EQ(all.opened_at(), row.opened_at);
    EXPECT_TRUE(all.ended(row.ended.size()));
    strings ended = all.ended();
    std::sort(ended.begin(), ended.end());
    EXPECT_EQ(ended, row.ended);
    EXPECT_EQ(all.total(&core_counters::logins), 1U);
}

const conduct refuses;
const conduct a1_and_b1 = names({"node-a1", "node-b1"});
const conduct nobody = names({});
const std::string page = ok("<!doctype html><p>busy", "Content-Type: text/html\r\n");

TEST(LoginDriver, TheNodesThatAreNamedAreFollowed) {
    const walk rows[] = {
        {"the primary names home and backup",
         {a1_and_b1, nobody, a1_and_b1, a1_and_b1},
         "sd1 a1",
         {"sd1 s-sd1 1001"},
         "a1"},
        {"a home names nobody",
         {a1_and_b1, nobody, nobody, nobody},
         "sd1 a1",
         {"sd1 s-sd1 1001"},
         "a1"},
        {"the primary is home",
         {names({"node-sd1", "node-b1"}), nobody, nobody, nobody},
         "sd1",
         {},
         "sd1"},
        {"nobody is named", {nobody, a1_and_b1, nobody, nobody}, "sd1", {}, "sd1"},
        {"a host that is no node here",
         {names({"node-x9"}), nobody, nobody, nobody},
         "sd1",
         {},
         "sd1"},
        {"one name twice",
         {names({"node-b1", "node-b1"}), nobody, nobody, nobody},
         "sd1 b1",
         {"sd1 s-sd1 1001"},
         "b1"},
        {"a full name, in any case",
         {names({" NODE-A1.Example.COM\n"}), nobody, nobody, nobody},
         "sd1 a1",
         {"sd1 s-sd1 1001"},
         "a1"},
        {"an address",
         {names({"10.0.0.3", "10.0.0.2"}), nobody, nobody, nobody},
         "sd1 b1",
         {"sd1 s-sd1 1001"},
         "b1"},
        {"only the backup is known here",
         {names({"node-x9", "node-b1"}), nobody, nobody, nobody},
         "sd1 b1",
         {"sd1 s-sd1 1001"},
         "b1"},
        {"the home names another",
         {names({"node-a1"}), nobody, names({"node-b1"}), nobody},
         "sd1 a1 b1",
         {"a1 s-a1 1001", "sd1 s-sd1 1001"},
         "b1"},
        {"two nodes name each other",
         {names({"node-a1"}), nobody, names({"node-b1"}), names({"node-a1"})},
         "sd1 a1 b1",
         {"a1 s-a1 1001", "sd1 s-sd1 1001"},
         "b1"},
    };
    for (const walk& row : rows) {
        expect_walk(row);
    }
}

TEST(LoginDriver, NodesThatFailAreReplaced) {
    const std::string streams = " xmlns='urn:ietf:params:xml:ns:xmpp-streams'>";
    const conduct other_host = terminates(
        "remote-stream-error", "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>"
                               "<see-other-host" +
                                   streams +
                                   "node-b1.example.com:5222"
                                   "</see-other-host></stream:error>");
    const strings left_sd1{"sd1 s-sd1 1001"};
    const walk rows[] = {
        {"home refuses", {a1_and_b1, nobody, refuses, nobody}, "sd1 b1", left_sd1, "b1"},
        {"home has a page for it",
         {a1_and_b1, nobody, says(page), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home is out of order",
         {a1_and_b1, nobody, says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home sends away by HTTP",
         {a1_and_b1, nobody,
          says("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home opens nothing",
         {a1_and_b1, nobody, says(ok(answer_to(1))), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home ends it",
         {a1_and_b1, nobody, terminates("remote-connection-failed"), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home shuts down",
         {a1_and_b1, nobody, terminates("system-shutdown"), nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"home sends to another host",
         {names({"node-a1"}), nobody, other_host, nobody},
         "sd1 a1 b1",
         left_sd1,
         "b1"},
        {"the backup is where one was",
         {names({"node-a1", "node-sd1"}), nobody, refuses, nobody},
         "sd1 sd1",
         left_sd1,
         "sd1"},
        {"the secondary knows the new home",
         {names({"node-a1"}), names({"node-b1"}), refuses, nobody},
         "sd1 sd1 sd2 b1",
         {"sd1 s-sd1 1001", "sd1 s-sd1 1001", "sd2 s-sd2 1001"},
         "b1"},
        {"the primary refuses",
         {refuses, a1_and_b1, nobody, nobody},
         "sd2 a1",
         {"sd2 s-sd2 1001"},
         "a1"},
        {"the primary has a page for it",
         {says(page), a1_and_b1, nobody, nobody},
         "sd1 sd2 a1",
         {"sd2 s-sd2 1001"},
         "a1"},
        {"no discovery node is there",
         {refuses, refuses, names({"node-b1"}), nobody},
         "a1 b1",
         {"a1 s-a1 1001"},
         "b1"},
    };
    for (const walk& row : rows) {
        expect_walk(row);
    }
}

// The node that a URL leads to is known only when its port is.
TEST(LoginDriver, SeeOtherUriIsFollowedToNodes) {
    cluster all({names({"node-a1"}), nobody, nobody, nobody});
    all.becomes(a1, terminates("see-other-uri", "<uri>" + all.url(b1) + "</uri>"));
    EXPECT_EQ(session_at(all.ask(login(alice))), "b1");
    EXPECT_EQ(all.opened_at(), "sd1 a1 b1");
}

TEST(LoginDriver, TheClientIsToldWhenThereIsNoNode) {
    const struct {
        const char* name;
        std::array<conduct, 4> nodes;
        situation what;
        reason why;
    } rows[] = {
        {"nobody is there",
         {refuses, refuses, refuses, refuses},
         situation::session_request_no_node,
         reason::no_node},
        {"home and backup are down",
         {a1_and_b1, a1_and_b1, refuses, refuses},
         situation::session_request_no_node,
         reason::no_node},
        {"pages everywhere",
         {says(page), says(page), says(page), says(page)},
         situation::session_request_bad_answer,
         reason::node_not_bosh},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all(row.nodes);
        EXPECT_EQ(end_of(all.ask(login(alice))), told(row.what));
        EXPECT_TRUE(all.proxy().ended(row.why, 1));
    }
}

// A node's own word is the client's, where no other node would say anything else.
TEST(LoginDriver, ATerminateThatIsMeantForTheClientReachesIt) {
    for (const char* condition : {"bad-request", "improper-addressing", "host-unknown"}) {
        SCOPED_TRACE(condition);
        const conduct declines = terminates(condition);
        cluster all({declines, declines, declines, declines});
        EXPECT_EQ(all.ask(login(alice)).body, terminate(condition));
    }
}

// XEP-0124 17.1: to a client without `ver` three of the conditions are HTTP codes, and so they are
// when they come from a node.
TEST(LoginDriver, ARefusalIsToldAsItsClientUnderstandsIt) {
    const auto status = [](int code) {
        return says("HTTP/1.1 " + std::to_string(code) + " No\r\nContent-Length: 0\r\n\r\n");
    };
    const struct {
        const char* name;
        conduct node;
        const char* told;     // condition
        int told_without_ver; // 200: the same
    } rows[] = {
        {"bad-request", terminates("bad-request"), "bad-request", 400},
        {"policy-violation", terminates("policy-violation"), "policy-violation", 403},
        {"host-unknown", terminates("host-unknown"), "host-unknown", 200},
        {"improper-addressing", terminates("improper-addressing"), "improper-addressing", 200},
        {"400", status(400), "bad-request", 400},
        {"403", status(403), "policy-violation", 403},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all({row.node, row.node, row.node, row.node});
        EXPECT_EQ(terminated(all.ask(login(alice))), row.told);
        std::string legacy = login(alice);
        legacy = legacy.substr(legacy.find("<body"));
        legacy.erase(legacy.find(" ver='1.9'"), 10);
        const http_answer answer = all.ask(post("/httpbinding", legacy));
        EXPECT_EQ(answer.status, row.told_without_ver);
        if (row.told_without_ver == 200) {
            EXPECT_EQ(terminated(answer), row.told);
        } else {
            EXPECT_EQ(answer.body, "");
        }
    }
}

TEST(LoginDriver, TheClientGetsTheHomesAnswerAndItsOwnRequestGoesEverywhere) {
    cluster all({a1_and_b1, nobody, a1_and_b1, nobody});
    const http_answer answer = all.ask(login(alice));
    const std::string sid = attribute(answer.body, "sid");
    ASSERT_EQ(session_at(answer), "a1") << answer.body;
    EXPECT_EQ(without_hostnames(answer.body),
              without_hostnames(opened(sid, features_with({"node-a1", "node-b1"}))));
    EXPECT_EQ(answer.field("Content-Type"), "text/xml; charset=utf-8");
    const std::string asked = all.node(sd1).requests()[0].body;
    EXPECT_EQ(asked, login(alice).substr(login(alice).find("<body")));
    EXPECT_EQ(all.node(a1).requests()[0].body, asked);
    EXPECT_EQ(all.node(a1).requests()[0].line(), "POST /httpbinding HTTP/1.1");
    EXPECT_EQ(all.total(&core_counters::login_steps), 2U);
    EXPECT_EQ(all.total(&core_counters::sessions_opened), 1U);
    EXPECT_TRUE(all.proxy().ended(reason::answered, 1)) << "the other exchanges are nobody's";
}

TEST(LoginDriver, OneExtraRoundTripWhenTheHomeIsKnown) {
    for (const bool keeps : {true, false}) {
        SCOPED_TRACE(keeps);
        cluster all({a1_and_b1, nobody, a1_and_b1, nobody},
                    cluster::patient + ", cache: {keep: " + (keeps ? "10m" : "0s") + "}");
        for (const char* from : {"alice@example.com", "Alice@Example.com/desk"}) {
            EXPECT_EQ(session_at(all.ask(login(from))), "a1");
        }
        EXPECT_EQ(all.opened_at(), keeps ? "sd1 a1 a1" : "sd1 a1 sd1 a1");
        EXPECT_EQ(all.total(&core_counters::homes_known), keeps ? 1U : 0U);
    }
}

TEST(LoginDriver, NodesOfSoManyUsersAreKnown) {
    cluster all({a1_and_b1, nobody, a1_and_b1, nobody}, cluster::patient + ", cache: {users: 2}");
    for (const char* from : {"a@example.com", "b@example.com", "a@example.com"}) {
        EXPECT_EQ(session_at(all.ask(login(from))), "a1");
    }
    EXPECT_EQ(all.total(&core_counters::homes_known), 1U);
    EXPECT_EQ(all.total(&core_counters::homes_evicted), 0U);
    for (const char* from : {"c@example.com", "a@example.com", "b@example.com"}) {
        EXPECT_EQ(session_at(all.ask(login(from))), "a1") << from;
    }
    EXPECT_EQ(all.total(&core_counters::homes_known), 2U) << "a was needed later than b";
    EXPECT_EQ(all.total(&core_counters::homes_evicted), 2U);
}

TEST(LoginDriver, AStoredHomeThatFailsIsForgotten) {
    const struct {
        const char* name;
        conduct then;
        const char* opened_at;
        const char* at;
    } rows[] = {
        {"it names another", names({"node-sd2"}), "sd1 a1 a1 sd2", "sd2"},
        {"it ends it", terminates("item-not-found"), "sd1 a1 a1 b1", "b1"},
        {"it has a page for it", says(page), "sd1 a1 a1 b1", "b1"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all({a1_and_b1, nobody, a1_and_b1, nobody});
        EXPECT_EQ(session_at(all.ask(login(alice))), "a1");
        all.becomes(a1, row.then);
        EXPECT_EQ(session_at(all.ask(login(alice))), row.at);
        EXPECT_EQ(all.opened_at(), row.opened_at);
    }
}

// Back home for the next session, once it is there again.
// What this proxy has too many of says nothing about a node.
TEST(LoginDriver, LimitsOfOurOwnAreNoNodesFault) {
    gate until;
    cluster all({a1_and_b1, a1_and_b1, a1_and_b1, nobody}, cluster::patient,
                "limits: {links_per_node: 1}\n");
    const std::string sid = attribute(all.ask(login(alice)).body, "sid");
    const opens_at_end opener(until);
    ASSERT_EQ(all.opened_at(), "sd1 a1");
    all.becomes(a1, hangs(until, {"node-a1", "node-b1"}));
    const auto held = all.proxy().connect();
    held->write(in_session(sid, 1001));
    ASSERT_TRUE(all.asked(a1, 2));

    const http_answer answer = all.ask(login(alice, 2000));
    EXPECT_EQ(end_of(answer), told(situation::session_request_limit));
    EXPECT_EQ(answer.field("Retry-After"), "30");
    EXPECT_TRUE(all.proxy().ended(reason::node_links, 1));
    EXPECT_EQ(all.opened_at(), "sd1 a1") << "the backup is not for that";

    until.open();
    EXPECT_EQ(held->read_answer().status, 200);
    EXPECT_EQ(session_at(all.ask(login(alice, 3000))), "a1");
    EXPECT_EQ(all.opened_at(), "sd1 a1 a1") << "nobody had to ask where the user lives";
}

TEST(LoginDriver, ADeadHomeIsPassedOverWithoutBeingAsked) {
    cluster all({a1_and_b1, nobody, a1_and_b1, a1_and_b1});
    all.dies(a1);
    EXPECT_EQ(session_at(all.ask(login("alice@example.com"))), "b1");
    EXPECT_EQ(session_at(all.ask(login("bob@example.com"))), "b1");
    EXPECT_EQ(all.opened_at(), "sd1 b1 sd1 b1");
    const std::uint64_t steps = all.total(&core_counters::login_steps);
    EXPECT_EQ(steps, 5U) << "bob's home was known to be dead";
}

// Opens the gates before the nodes of a cluster join their threads.
class gated_cluster {
  public:
    gated_cluster(gate& hold, std::array<conduct, 4> nodes, const std::string& discovery,
                  int threads = 1)
        : all(std::move(nodes), discovery, {}, threads), opener_(hold) {}
    cluster all;

  private:
    opens_at_end opener_;
};

const std::string short_steps = "step: 1s, patience: 20s";

// The node that was silent has opened its session when nobody waits for it any more.
TEST(LoginDriver, ANodeThatHangsCostsOneStepAndItsLateSessionIsEnded) {
    const struct {
        const char* name;
        cluster_node hangs;
        const char *opened_at, *at;
        strings ended;
    } rows[] = {
        {"home", a1, "sd1 a1 b1", "b1", {"a1 s-a1 1001", "sd1 s-sd1 1001"}},
        {"primary", sd1, "sd1 sd2 a1", "a1", {"sd1 s-sd1 1001", "sd2 s-sd2 1001"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        gate hold;
        gated_cluster gated(hold, {a1_and_b1, a1_and_b1, a1_and_b1, a1_and_b1}, short_steps);
        gated.all.becomes(row.hangs, hangs(hold, {"node-a1", "node-b1"}));
        EXPECT_EQ(session_at(gated.all.ask(login(alice))), row.at);
        EXPECT_EQ(gated.all.opened_at(), row.opened_at);
        EXPECT_TRUE(gated.all.ended(1));
        hold.open();
        EXPECT_TRUE(gated.all.ended(2));
        strings ended = gated.all.ended();
        std::sort(ended.begin(), ended.end());
        EXPECT_EQ(ended, row.ended);
        EXPECT_EQ(gated.all.total(&core_counters::orphans_ended), 1U);
    }
}

TEST(LoginDriver, ASilentNodeIsPassedOverByTheNext) {
    gate hold;
    gated_cluster gated(hold, {a1_and_b1, nobody, hangs(hold), a1_and_b1}, short_steps);
    EXPECT_EQ(session_at(gated.all.ask(login("alice@example.com"))), "b1");
    EXPECT_EQ(session_at(gated.all.ask(login("bob@example.com"))), "b1");
    EXPECT_EQ(gated.all.opened_at(), "sd1 a1 b1 sd1 b1");
}

TEST(LoginDriver, PatienceEndsALogin) {
    gate hold;
    gated_cluster gated(hold, {hangs(hold), hangs(hold), hangs(hold), hangs(hold)},
                        "step: 300ms, patience: 500ms");
    EXPECT_EQ(end_of(gated.all.ask(login(alice))), told(situation::session_request_no_node));
    EXPECT_TRUE(gated.all.proxy().ended(reason::no_node, 1));
    EXPECT_LE(gated.all.total(&core_counters::login_steps), 3U) << "300, 150 and 50 ms";
}

TEST(LoginDriver, StepsAreBounded) {
    for (const unsigned most : {1U, 2U, 3U}) {
        SCOPED_TRACE(most);
        cluster all({names({"node-a1"}), nobody, names({"node-b1"}), nobody},
                    cluster::patient + ", steps_max: " + std::to_string(most));
        const http_answer answer = all.ask(login(alice));
        EXPECT_EQ(end_of(answer), most >= 3 ? "b1" : told(situation::session_request_no_node));
        EXPECT_EQ(all.total(&core_counters::login_steps), most);
        EXPECT_TRUE(all.ended(most >= 3 ? 2 : most)) << "no session is left behind";
    }
}

// What comes later. ------------------------------------------------------------------------------

// Opens without features; these come with the next answer.
conduct in_two_steps(std::vector<std::string> all) {
    return [all = std::move(all)](const node_request& got, const std::string& sid) {
        const std::uint64_t rid = rid_of(got);
        return node_reply{.bytes = ok(opens(got)    ? opened(sid, {})
                                      : rid == 1001 ? answer_to(rid, features_with(all))
                                                    : answer_to(rid))};
    };
}

TEST(LoginDriver, FeaturesThatComeLaterGoToTheClientsOwnPoll) {
    cluster all({in_two_steps({"node-a1"}), nobody, in_two_steps({"node-a1"}), nobody});
    const http_answer answer = all.ask(login(alice));
    ASSERT_EQ(session_at(answer), "a1");
    const std::string sid = attribute(answer.body, "sid");
    EXPECT_EQ(answer.body, opened(sid, {}));
    ASSERT_TRUE(all.ended(1));
    EXPECT_EQ(all.ended()[0], "sd1 s-sd1 1002") << "behind the poll";
    const std::size_t before = all.node(a1).requests().size();
    EXPECT_EQ(without_hostnames(all.ask(in_session(sid, 1001)).body),
              without_hostnames(answer_to(1001, features_with({"node-a1"}))));
    EXPECT_EQ(all.node(a1).requests().size(), before) << "the node is not asked twice";
    EXPECT_EQ(all.ask(in_session(sid, 1002)).body, answer_to(1002));
    EXPECT_EQ(all.node(a1).requests().size(), before + 1);
}

// Only the client has the next key (XEP-0124 15): it is not asked for more, and stays.
TEST(LoginDriver, WhoHasKeysAsksForTheFeatures) {
    cluster all({in_two_steps({"node-a1"}), nobody, in_two_steps({"node-a1"}), nobody});
    std::string request = login(alice);
    request = request.substr(request.find("<body"));
    request.insert(request.find("/>"), " newkey='ca393b51'");
    const std::string sid = attribute(all.ask(post("/httpbinding", request)).body, "sid");
    EXPECT_EQ(all.opened_at(), "sd1");
    const http_answer features = all.ask(in_session(sid, 1001, {}, " key='bfb06a6f'"));
    EXPECT_EQ(features.body, without_hostnames(answer_to(1001, features_with({"node-a1"}))));
    const std::vector<node_request> got = all.node(sd1).requests();
    ASSERT_EQ(got.size(), 2U) << "the session request and the client's own";
    EXPECT_EQ(attribute(got[1].body, "key"), "bfb06a6f");
    EXPECT_TRUE(all.ended().empty());
}

TEST(LoginDriver, FeaturesThatNeverComeAreABadAnswer) {
    const conduct never = [](const node_request& got, const std::string& sid) {
        return node_reply{.bytes = ok(opens(got) ? opened(sid, {}) : answer_to(rid_of(got)))};
    };
    expect_walk({"primary",
                 {never, names({"node-b1"}), nobody, nobody},
                 "sd1 sd2 b1",
                 {"sd1 s-sd1 1002", "sd2 s-sd2 1001"},
                 "b1"});
}

TEST(LoginDriver, ASessionWhoseClientHasGoneIsEnded) {
    const struct {
        const char* name;
        cluster_node holds;
        strings ended;
    } rows[] = {
        {"while the primary is asked", sd1, {"sd1 s-sd1 1001"}},
        {"while the home is asked", a1, {"a1 s-a1 1001", "sd1 s-sd1 1001"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        gate hold;
        gated_cluster gated(hold, {a1_and_b1, nobody, a1_and_b1, nobody}, cluster::patient);
        gated.all.becomes(row.holds, hangs(hold, {"node-a1", "node-b1"}));
        const auto client = gated.all.proxy().connect();
        client->write(login(alice));
        ASSERT_TRUE(gated.all.asked(row.holds, 1));
        client->reset();
        ASSERT_TRUE(gated.all.proxy().ended(reason::client_closed, 1));
        hold.open();
        EXPECT_TRUE(gated.all.ended(row.ended.size()));
        strings ended = gated.all.ended();
        std::sort(ended.begin(), ended.end());
        EXPECT_EQ(ended, row.ended);
        // Nothing of it stands in anybody's way.
        EXPECT_EQ(session_at(gated.all.ask(login(alice))), "a1");
    }
}

// An answer that is too large to be read is none, and its link ends with whoever asked for it.
TEST(LoginDriver, NobodyIsLeftWhenMoreOfALargeAnswerComes) {
    for (const bool client_leaves : {true, false}) {
        SCOPED_TRACE(client_leaves ? "the client leaves" : "the step is over");
        raw_node large;
        cluster all({nobody, nobody, nobody, nobody},
                    client_leaves ? cluster::patient : short_steps,
                    "limits: {answer_buffer: 4KiB}\n");
        all.proxy().app().set_addresses(sd1, {loopback_address(large.port())}, {});
        const auto client = all.proxy().connect();
        client->write(login(alice));
        const auto link = large.accept();
        std::string request;
        ASSERT_TRUE(link->read(request));
        link->write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<body");
        ASSERT_TRUE(running_proxy::until([&] { return all.total(&core_counters::streamed) == 1; }));
        if (client_leaves) {
            client->reset();
            ASSERT_TRUE(all.proxy().ended(reason::client_closed, 1));
        } else {
            EXPECT_EQ(session_at(client->read_answer()), "sd2");
        }
        link->write(" xmlns=");
        EXPECT_FALSE(link->read(request)) << "nobody reads it";
        EXPECT_TRUE(running_proxy::until([&] { return all.total(&core_counters::held) == 0; }));
        all.dies(sd1);
        EXPECT_EQ(session_at(all.ask(login("bob@example.com"))), "sd2");
    }
}

// But it has opened a session, and says which in its first bytes.
TEST(LoginDriver, TheSessionOfALargeAnswerIsEnded) {
    const std::string filler(300'000, 'x');
    const struct {
        const char* name;
        std::string answer;
        strings ended;
    } rows[] = {
        {"with a length", ok(opened("large", "<x>" + filler + "</x>")), {"sd1 large 1001"}},
        {"in chunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "80000\r\n" +
             opened("large", std::string(0x80000 - opened("large", {}).size(), ' ')) +
             "\r\n0\r\n\r\n",
         {"sd1 large 1001"}},
        {"its sid comes late",
         ok(opened("large", "<x>" + filler + "</x>").insert(5, std::string(5000, ' '))),
         {"sd1 large 1001"}},
        {"no body at all", ok("<html>" + filler), {}},
        {"a tag without an end", ok("<body x='" + std::string(300'000, 'x')), {}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all({says(row.answer), nobody, nobody, nobody}, cluster::patient,
                    "limits: {answer_buffer: 4KiB}\n");
        EXPECT_EQ(session_at(all.ask(login(alice))), "sd2");
        EXPECT_TRUE(all.ended(row.ended.size()));
        EXPECT_TRUE(running_proxy::until([&] { return all.total(&core_counters::held) == 0; }));
        EXPECT_EQ(all.ended(), row.ended);
    }
}

// Nobody waits for the end of a process: what is under way then leaves nothing behind. The test is
// for the sanitizers.
TEST(LoginDriver, TheEndOfTheProcessEndsLogins) {
    for (const bool leaves : {false, true}) {
        SCOPED_TRACE(leaves ? "whose clients have gone" : "whose clients wait");
        gate hold;
        cluster all({hangs(hold), hangs(hold), hangs(hold), hangs(hold)}, cluster::patient, {}, 2);
        const opens_at_end opener(hold);
        std::vector<std::unique_ptr<stream>> clients;
        for (std::uint64_t i = 0; i < 8; ++i) { // of one user: one asks, seven wait
            clients.push_back(all.proxy().connect());
            clients.back()->write(login(alice, 1000 + 10 * i));
        }
        ASSERT_TRUE(running_proxy::until([&] { return all.total(&core_counters::logins) == 8; }));
        if (leaves) {
            for (const auto& one : clients) {
                one->reset();
            }
            ASSERT_TRUE(all.proxy().ended(reason::client_closed, 8));
        }
        all.proxy().end();
    }
}

class LoginDriverCores : public ::testing::TestWithParam<int> {};

TEST_P(LoginDriverCores, OfManyLoginsOfOneUserOneAsks) {
    constexpr std::size_t logins = 6;
    gate hold;
    gated_cluster gated(hold, {hangs(hold, {"node-a1"}), nobody, a1_and_b1, nobody},
                        cluster::patient, GetParam());
    std::vector<std::unique_ptr<stream>> clients;
    for (std::size_t i = 0; i < logins; ++i) {
        clients.push_back(gated.all.proxy().connect());
        clients.back()->write(login(alice));
    }
    ASSERT_TRUE(
        running_proxy::until([&] { return gated.all.total(&core_counters::logins) == logins; }));
    hold.open();
    for (const auto& client : clients) {
        EXPECT_EQ(session_at(client->read_answer()), "a1");
    }
    EXPECT_EQ(gated.all.node(sd1).requests().size(), 2U) << "one session, opened and ended";
    EXPECT_EQ(gated.all.total(&core_counters::login_steps), 1 + logins);
}

// Whoever waits for the first one's word goes on when that one leaves without having got it.
TEST_P(LoginDriverCores, TheNextAsksWhenTheFirstHasGone) {
    gate hold;
    gated_cluster gated(hold, {hangs(hold, {"node-a1"}), nobody, a1_and_b1, nobody},
                        cluster::patient, GetParam());
    const auto first = gated.all.proxy().connect();
    first->write(login(alice));
    ASSERT_TRUE(gated.all.asked(sd1, 1));
    const auto second = gated.all.proxy().connect();
    second->write(login(alice));
    ASSERT_TRUE(running_proxy::until([&] { return gated.all.total(&core_counters::logins) == 2; }));
    first->reset();
    EXPECT_TRUE(gated.all.asked(sd1, 2));
    hold.open();
    EXPECT_EQ(session_at(second->read_answer()), "a1");
    EXPECT_TRUE(gated.all.ended(2));
}

INSTANTIATE_TEST_SUITE_P(Cores, LoginDriverCores, ::testing::Values(1, 2));

} // namespace
} // namespace boshgate::tests
