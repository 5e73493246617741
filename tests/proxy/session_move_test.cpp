// Sessions of clients that name their user first in SASL, through the real proxy: which of them
// move to the user's node, what the two nodes get, and that the client sees nothing of it.

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

using proxy::core_counters;
using routing::reason;
using strings = std::vector<std::string>;

// "\0alice\0pw", and "n,,n=alice,r=abc".
const std::string sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const std::string plain = "<auth " + sasl + " mechanism='PLAIN'>AGFsaWNlAHB3</auth>";
const std::string scram =
    "<auth " + sasl + " mechanism='SCRAM-SHA-1'>biwsbj1hbGljZSxyPWFiYw==</auth>";
const std::string sasl2 = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
                          "<initial-response>AGFsaWNlAHB3</initial-response></authenticate>";

std::string auth_with(const std::string& mechanism, const std::string& response) {
    return "<auth " + sasl + " mechanism='" + mechanism + "'>" + response + "</auth>";
}

std::string in_order(strings all) {
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& one : all) {
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
}

std::string body_of(const std::string& request) {
    return request.substr(request.find("<body"));
}

// The body of a request in a session, as a node is to get it.
std::string body_in_session(const std::string& sid, std::uint64_t rid,
                            const std::string& inside = {}) {
    return body_of(in_session(sid, rid, inside));
}

// A node's answer in a session says once more which one it is: the client must not see that.
std::string said_in(const std::string& sid, std::uint64_t rid) {
    return "<body " + bosh_namespace + " sid='" + sid + "'><answer rid='" + std::to_string(rid) +
           "'/></body>";
}

// Opens "s-NODE" for who names nobody, and for who does "u-NODE", with the names of the user's
// nodes, as CUP does it.
conduct homes_are(std::vector<std::string> all) {
    return [all = std::move(all)](const node_request& got, const std::string& sid) {
        if (!opens(got)) {
            return node_reply{.bytes = ok(said_in(attribute(got.body, "sid"), rid_of(got)))};
        }
        const bool named = got.body.find(" from=") != std::string::npos;
        return node_reply{.bytes = ok(named ? opened("u" + sid.substr(1), features_with(all))
                                            : opened(sid, features_with({})))};
    };
}

const conduct refuses;
const conduct nobody = homes_are({});
const conduct at_a1 = homes_are({"node-a1"});
const conduct at_a1_or_b1 = homes_are({"node-a1", "node-b1"});

// As `then`, with other words where a session is granted.
conduct grants(conduct then, const std::string& usual, const std::string& words) {
    return [=](const node_request& got, const std::string& sid) {
        node_reply reply = then(got, sid);
        const std::size_t at = reply.bytes.find(usual);
        if (opens(got) && at != std::string::npos) {
            const std::size_t body = reply.bytes.find("<body");
            reply.bytes = ok(reply.bytes.substr(body).replace(at - body, usual.size(), words));
        }
        return reply;
    };
}

// As `then`; what opens a session for a user waits for the gate.
conduct opens_late(gate& until, conduct then) {
    return [&until, then = std::move(then)](const node_request& got, const std::string& sid) {
        node_reply reply = then(got, sid);
        if (opens(got) && got.body.find(" from=") != std::string::npos) {
            reply.before = until.wait();
        }
        return reply;
    };
}

// Opens without features, which come with the next answer.
conduct features_later(std::vector<std::string> all) {
    return [all = std::move(all)](const node_request& got, const std::string& sid) {
        return node_reply{.bytes = ok(opens(got) ? opened("u" + sid.substr(1), {})
                                                 : answer_to(rid_of(got), features_with(all)))};
    };
}

// Opens, and offers another mechanism.
conduct offers_external() {
    return [](const node_request& got, const std::string& sid) {
        std::string features = features_with({"node-a1"});
        features.replace(features.find("PLAIN"), 5, "EXTERNAL");
        return node_reply{.bytes = ok(opens(got) ? opened("u" + sid.substr(1), features)
                                                 : answer_to(rid_of(got)))};
    };
}

// The cluster with a session at its discovery node that names nobody: "s-sd1", begun with rid 1000.
class unnamed_session {
  public:
    explicit unnamed_session(std::array<conduct, 4> nodes,
                             const std::string& discovery = cluster::patient, int threads = 1,
                             const std::string& more = {}, const std::string& settings = {})
        : all(std::move(nodes), discovery, settings, threads) {
        std::string request = body_of(login(""));
        request.insert(request.find("/>"), more);
        asked = request;
        answer = all.ask(post("/httpbinding", request));
        sid = attribute(answer.body, "sid");
    }

    [[nodiscard]] http_answer ask(std::uint64_t rid, const std::string& inside = {},
                                  const std::string& more = {}) {
        return all.ask(in_session(sid, rid, inside, more));
    }
    // What the client of the session gets from any node.
    [[nodiscard]] std::string answer_for(std::uint64_t rid) const { return said_in(sid, rid); }
    // The node that a request of the session goes to.
    [[nodiscard]] std::string next_at(std::uint64_t rid) {
        std::array<std::size_t, 4> before{};
        for (const cluster_node one : {sd1, sd2, a1, b1}) {
            before[one] = all.node(one).requests().size();
        }
        EXPECT_EQ(ask(rid).body, answer_for(rid));
        const std::string passed = " rid='" + std::to_string(rid) + "'></body>";
        for (const cluster_node one : {sd1, sd2, a1, b1}) {
            const std::vector<node_request> got = all.node(one).requests();
            for (std::size_t i = before[one]; i < got.size(); ++i) {
                if (got[i].body.ends_with(passed)) {
                    return cluster_names[one];
                }
            }
        }
        return {};
    }
    [[nodiscard]] std::uint64_t moved() { return all.total(&core_counters::sessions_moved); }
    [[nodiscard]] bool nothing_is_held() {
        return running_proxy::until([&] { return all.total(&core_counters::held) == 0; });
    }
    // Whether exactly these sessions were ended, in the order of the alphabet.
    void expect_ended(const strings& wanted) {
        EXPECT_TRUE(all.ended(wanted.size())) << "no session is left open";
        EXPECT_EQ(in_order(all.ended()), in_order(wanted));
    }

    cluster all;
    http_answer answer;
    std::string asked; // the session request's body
    std::string sid;   // the client's
};

TEST(SessionMove, TheFirstMessageOfSaslMovesIt) {
    const struct {
        const char* name;
        std::string auth;
    } rows[] = {{"PLAIN", plain}, {"SCRAM", scram}, {"SASL2", sasl2}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        unnamed_session one({at_a1, nobody, at_a1, nobody});
        ASSERT_EQ(session_at(one.answer), "sd1") << one.answer.body;
        const http_answer answer = one.ask(1001, row.auth);
        EXPECT_EQ(answer.body, one.answer_for(1001)) << "under the client's sid";
        EXPECT_EQ(one.moved(), 1U);
        EXPECT_EQ(one.all.opened_at(), "sd1 sd1 a1");

        const std::vector<node_request> got = one.all.node(a1).requests();
        ASSERT_EQ(got.size(), 2U);
        std::string asked = got[0].body;
        const std::string from = " from='alice@example.com'";
        ASSERT_NE(asked.find(from), std::string::npos) << asked;
        EXPECT_EQ(asked.erase(asked.find(from), from.size()), one.asked);
        EXPECT_EQ(got[1].body, body_in_session("u-a1", 1001, row.auth));
        for (const node_request& each : got) {
            EXPECT_EQ(each.line(), "POST /httpbinding HTTP/1.1");
            EXPECT_EQ(each.field("Host"), "127.0.0.1:" + std::to_string(one.all.node(a1).port()));
        }

        EXPECT_EQ(one.next_at(1002), "a1");
        EXPECT_EQ(one.all.node(a1).requests().back().body, body_in_session("u-a1", 1002));
        EXPECT_EQ(attribute(one.ask(1003, {}, " type='terminate'").body, "type"), "terminate");
        one.expect_ended({"sd1 u-sd1 1001", "sd1 s-sd1 1001", "a1 u-a1 1003"});
        EXPECT_TRUE(one.nothing_is_held());
    }
}

// The new node has to find the next rid where its session request's ended.
TEST(SessionMove, ItCountsFromWhereTheClientIs) {
    unnamed_session one({at_a1, nobody, at_a1, nobody});
    EXPECT_EQ(one.next_at(1001), "sd1");
    EXPECT_EQ(one.ask(1002, plain).body, one.answer_for(1002));
    const std::vector<node_request> got = one.all.node(a1).requests();
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(attribute(got[0].body, "rid"), "1001");
    EXPECT_EQ(got[1].body, body_in_session("u-a1", 1002, plain));
    one.expect_ended({"sd1 u-sd1 1002", "sd1 s-sd1 1002"});
}

TEST(SessionMove, ItGoesWhereALoginWouldGo) {
    const struct {
        const char* name;
        std::array<conduct, 4> nodes;
        const char *opened_at, *at;
        strings ended;
    } rows[] = {
        {"home is down",
         {at_a1_or_b1, nobody, refuses, nobody},
         "sd1 sd1 b1",
         "b1",
         {"sd1 u-sd1 1001", "sd1 s-sd1 1001"}},
        {"home ends it",
         {at_a1_or_b1, nobody, terminates("remote-connection-failed"), nobody},
         "sd1 sd1 a1 b1",
         "b1",
         {"sd1 u-sd1 1001", "sd1 s-sd1 1001"}},
        {"home is the other discovery node",
         {homes_are({"node-sd2"}), nobody, nobody, nobody},
         "sd1 sd1 sd2",
         "sd2",
         {"sd1 u-sd1 1001", "sd1 s-sd1 1001"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        unnamed_session one(row.nodes);
        EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
        EXPECT_EQ(one.all.opened_at(), row.opened_at);
        EXPECT_EQ(one.moved(), 1U);
        EXPECT_EQ(one.next_at(1002), row.at);
        one.expect_ended(row.ended);
    }
}

TEST(SessionMove, AKnownHomeIsAskedAtOnce) {
    unnamed_session one({at_a1, nobody, at_a1, nobody});
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    ASSERT_TRUE(one.all.ended(2));
    ASSERT_TRUE(one.nothing_is_held()) << "of two discovery nodes, the one that holds less";
    const http_answer second = one.all.ask(login("", 2000));
    const std::string sid = attribute(second.body, "sid");
    EXPECT_EQ(one.all.ask(in_session(sid, 2001, plain)).body, said_in(sid, 2001));
    EXPECT_EQ(one.all.opened_at(), "sd1 sd1 a1 sd1 a1");
    EXPECT_EQ(one.moved(), 2U);
}

TEST(SessionMove, ItStaysWhenAnythingSpeaksAgainstIt) {
    const strings asked{"sd1 u-sd1 1001"};
    const struct {
        const char* name;
        std::array<conduct, 4> nodes;
        std::string auth = plain;
        const char* opened_at = "sd1";
        strings ended = {};
        std::string discovery = cluster::patient;
        std::string more = {}; // in the session request
    } rows[] = {
        {"the user has no home", {nobody, nobody, nobody, nobody}, plain, "sd1 sd1", asked},
        {"it is at home",
         {homes_are({"node-sd1"}), nobody, nobody, nobody},
         plain,
         "sd1 sd1",
         asked},
        {"the home is no node here",
         {homes_are({"node-x9"}), nobody, nobody, nobody},
         plain,
         "sd1 sd1",
         asked},
        {"home offers other mechanisms",
         {at_a1, nobody, offers_external(), nobody},
         plain,
         "sd1 sd1 a1",
         {"sd1 u-sd1 1001", "a1 u-a1 1001"}},
        {"home takes fewer requests at once",
         {grants(at_a1, "requests='2'", "requests='3'"), nobody, at_a1, nobody},
         plain,
         "sd1 sd1 a1",
         {"sd1 u-sd1 1001", "a1 u-a1 1001"}},
        {"home's features need the rid of the message",
         {at_a1, nobody, features_later({"node-a1"}), nobody},
         plain,
         "sd1 sd1 a1",
         {"sd1 u-sd1 1001", "a1 u-a1 1002"}},
        {"EXTERNAL", {at_a1, nobody, at_a1, nobody}, auth_with("EXTERNAL", "YWxpY2U=")},
        {"ANONYMOUS", {at_a1, nobody, at_a1, nobody}, auth_with("ANONYMOUS", "YWxpY2U=")},
        {"a token",
         {at_a1, nobody, at_a1, nobody},
         auth_with("OAUTHBEARER", "biwsAWF1dGg9QmVhcmVyIHgBAQ==")},
        {"PLAIN without a response", {at_a1, nobody, at_a1, nobody}, auth_with("PLAIN", "")},
        {"as somebody else",
         {at_a1, nobody, at_a1, nobody}, // "bob@example.com\0alice\0pw"
         auth_with("PLAIN", "Ym9iQGV4YW1wbGUuY29tAGFsaWNlAHB3")},
        {"not alone", {at_a1, nobody, at_a1, nobody}, plain + "<presence xmlns='jabber:client'/>"},
        {"move_at_auth: false",
         {at_a1, nobody, at_a1, nobody},
         plain,
         "sd1",
         {},
         cluster::patient + ", move_at_auth: false"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        unnamed_session one(row.nodes, row.discovery, 1, row.more);
        ASSERT_EQ(session_at(one.answer), "sd1") << one.answer.body;
        EXPECT_EQ(one.ask(1001, row.auth).body, one.answer_for(1001));
        EXPECT_EQ(one.all.opened_at(), row.opened_at);
        EXPECT_EQ(one.next_at(1002), "sd1");
        EXPECT_EQ(one.moved(), 0U);
        one.expect_ended(row.ended);
        bool passed = false;
        for (const node_request& got : one.all.node(sd1).requests()) {
            passed = passed || got.body == body_in_session("s-sd1", 1001, row.auth);
        }
        EXPECT_TRUE(passed) << "the message goes to the node as it was";
    }
}

// Who names the user now is told what is told to who did so at once: nobody logs in at a node that
// is not the user's because those are down.
TEST(SessionMove, ItEndsWhenTheUsersNodesAreDown) {
    const struct {
        const char* name;
        std::array<conduct, 4> nodes;
        const char* opened_at;
        strings ended;
    } rows[] = {
        {"home is down, and there is no backup",
         {at_a1, at_a1, refuses, nobody},
         "sd1 sd1 sd1 sd2",
         {"sd1 s-sd1 1001", "sd1 u-sd1 1001", "sd1 u-sd1 1001", "sd2 u-sd2 1001"}},
        {"home and backup are down",
         {at_a1_or_b1, at_a1_or_b1, refuses, refuses},
         "sd1 sd1 sd1 sd2",
         {"sd1 s-sd1 1001", "sd1 u-sd1 1001", "sd1 u-sd1 1001", "sd2 u-sd2 1001"}},
        {"so is the other discovery node",
         {at_a1_or_b1, refuses, refuses, refuses},
         "sd1 sd1 sd1",
         {"sd1 s-sd1 1001", "sd1 u-sd1 1001", "sd1 u-sd1 1001"}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        unnamed_session one(row.nodes);
        ASSERT_EQ(session_at(one.answer), "sd1") << one.answer.body;
        const std::size_t before = one.all.node(sd1).requests().size();
        EXPECT_EQ(terminated(one.ask(1001, plain)), "remote-connection-failed");
        EXPECT_TRUE(one.all.proxy().ended(reason::no_node, 1));
        EXPECT_EQ(one.all.opened_at(), row.opened_at);
        one.expect_ended(row.ended);
        const std::vector<node_request> got = one.all.node(sd1).requests();
        for (std::size_t i = before; i < got.size(); ++i) {
            EXPECT_EQ(got[i].body.find("<auth"), std::string::npos) << "no password goes there";
        }
        EXPECT_EQ(one.moved(), 0U);
        EXPECT_TRUE(one.nothing_is_held());
    }
}

// A session that was opened at the secondary asks there: it has answered just now, and the primary
// may be dead.
TEST(SessionMove, TheNodeOfTheSessionIsAskedFirst) {
    unnamed_session one({refuses, at_a1, at_a1, nobody});
    ASSERT_EQ(session_at(one.answer), "sd2") << one.answer.body;
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    EXPECT_EQ(one.all.opened_at(), "sd2 sd2 a1");
    EXPECT_EQ(one.moved(), 1U);
}

// A limit of ours is no reason to send anybody away, nor a sign of anything.
TEST(SessionMove, ItStaysWhenLimitsOfOursForbidToAsk) {
    gate until;
    unnamed_session one({at_a1, at_a1, at_a1, nobody}, cluster::patient, 1, {},
                        "limits: {links_per_node: 2}\n");
    const opens_at_end opener(until);
    one.all.becomes(a1, hangs(until, {"node-a1"}));
    const std::array others{one.all.proxy().connect(), one.all.proxy().connect()};
    for (const auto& other : others) {
        other->write(post("/node-a1", body_of(login("bob@example.com"))));
    }
    ASSERT_TRUE(one.all.asked(a1, 2));
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    EXPECT_EQ(one.next_at(1002), "sd1");
    EXPECT_EQ(one.moved(), 0U);
}

// What is refused here has not used up the one try: it says nothing about the session.
TEST(SessionMove, ARequestThatIsRefusedIsNotTheOne) {
    cluster all({at_a1, nobody, at_a1, nobody}, cluster::patient, "trusted_proxies: [127.0.0.1]\n");
    const std::string secure = "X-Forwarded-Proto: https\r\n";
    const std::string sid = attribute(all.ask(login("", 1000, "/httpbinding", secure)).body, "sid");
    const std::string auth = body_of(in_session(sid, 1001, plain));
    EXPECT_EQ(all.ask(post("/httpbinding", auth)).status, 0) << "closed without an answer";
    ASSERT_TRUE(all.proxy().ended(reason::not_secure, 1));
    EXPECT_EQ(all.opened_at(), "sd1");
    EXPECT_EQ(all.ask(post("/httpbinding", auth, secure)).body, said_in(sid, 1001));
    EXPECT_EQ(all.opened_at(), "sd1 sd1 a1");
    EXPECT_EQ(all.total(&core_counters::sessions_moved), 1U);
}

// Keys go through one connection manager only (XEP-0124 15).
TEST(SessionMove, ASessionWithKeysStays) {
    unnamed_session one({at_a1, nobody, at_a1, nobody}, cluster::patient, 1, " newkey='ca393b51'");
    ASSERT_EQ(session_at(one.answer), "sd1") << one.answer.body;
    EXPECT_EQ(one.ask(1001, plain, " key='bfb06a6f'").body, one.answer_for(1001));
    EXPECT_EQ(one.all.opened_at(), "sd1");
    EXPECT_EQ(one.moved(), 0U);
}

TEST(SessionMove, OneMessageHasOneTry) {
    const struct {
        const char* name;
        std::string first;
        const char* opened_at;
    } rows[] = {
        {"another mechanism", auth_with("EXTERNAL", "="), "sd1"},
        {"the user had no home", plain, "sd1 sd1"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        unnamed_session one({nobody, nobody, at_a1, nobody});
        EXPECT_EQ(one.ask(1001, row.first).body, one.answer_for(1001));
        one.all.becomes(sd1, at_a1);
        EXPECT_EQ(one.ask(1002, plain).body, one.answer_for(1002));
        EXPECT_EQ(one.all.opened_at(), row.opened_at);
        EXPECT_EQ(one.moved(), 0U);
        EXPECT_EQ(one.next_at(1003), "sd1");
    }
}

// An answer is waited for as long as the node holds a request, not as long as the first one would.
TEST(SessionMove, ItsNewNodesWaitCounts) {
    gate hold;
    unnamed_session one({at_a1, nobody, grants(at_a1, "wait='30'", "wait='1'"), nobody},
                        cluster::patient, 1, {}, "sessions: {answer_margin: 500ms}\n");
    const opens_at_end opener(hold);
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    ASSERT_EQ(one.moved(), 1U);
    one.all.becomes(a1, [&](const node_request&, const std::string&) {
        return node_reply{.bytes = ok(answer_to(1)), .before = hold.wait()};
    });
    EXPECT_EQ(one.ask(1002).status, 504) << "after 1.5 s; the test has not got 30";
    EXPECT_TRUE(one.all.proxy().ended(reason::node_answer_timeout, 1));
}

TEST(SessionMove, ItStaysWhileAnotherRequestIsUnderWay) {
    gate hold;
    unnamed_session one({at_a1, nobody, at_a1, nobody});
    const opens_at_end opener(hold);
    one.all.becomes(sd1, [&hold](const node_request& got, const std::string& sid) {
        node_reply reply = at_a1(got, sid);
        if (!opens(got) && rid_of(got) == 1001) {
            reply.before = hold.wait();
        }
        return reply;
    });
    const auto poll = one.all.proxy().connect();
    poll->write(in_session(one.sid, 1001));
    ASSERT_TRUE(one.all.asked(sd1, 2));
    EXPECT_EQ(one.ask(1002, plain).body, one.answer_for(1002));
    EXPECT_EQ(one.all.opened_at(), "sd1");
    EXPECT_EQ(one.moved(), 0U);
    hold.open();
    EXPECT_EQ(poll->read_answer().body, one.answer_for(1001));
    EXPECT_EQ(one.next_at(1003), "sd1");
}

// While it moves. --------------------------------------------------------------------------------

class SessionMoveCores : public ::testing::TestWithParam<int> {};

TEST_P(SessionMoveCores, ACopyOfTheMessageGetsItsAnswer) {
    gate hold;
    unnamed_session one({at_a1, nobody, at_a1, nobody}, cluster::patient, GetParam());
    const opens_at_end opener(hold);
    one.all.becomes(a1, opens_late(hold, at_a1));
    const auto first = one.all.proxy().connect();
    first->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(one.all.asked(a1, 1));
    const auto copy = one.all.proxy().connect();
    copy->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(
        running_proxy::until([&] { return one.all.total(&core_counters::requests_joined) == 1; }));
    hold.open();
    EXPECT_EQ(copy->read_answer().body, one.answer_for(1001));
    EXPECT_EQ(one.all.node(a1).requests().size(), 2U) << "a session, and the message once";
    EXPECT_EQ(one.moved(), 1U);
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001)) << "a late copy: the kept answer";
    EXPECT_EQ(one.all.node(a1).requests().size(), 2U);
    EXPECT_EQ(one.next_at(1002), "a1");
    one.expect_ended({"sd1 u-sd1 1001", "sd1 s-sd1 1001"});
    EXPECT_TRUE(one.nothing_is_held());
}

TEST_P(SessionMoveCores, TheNextRequestWaitsForTheMove) {
    gate hold;
    unnamed_session one({at_a1, nobody, at_a1, nobody}, cluster::patient, GetParam());
    const opens_at_end opener(hold);
    one.all.becomes(a1, opens_late(hold, at_a1));
    const auto first = one.all.proxy().connect();
    first->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(one.all.asked(a1, 1));
    const std::size_t before = one.all.node(sd1).requests().size();
    const auto next = one.all.proxy().connect();
    next->write(in_session(one.sid, 1002));
    ASSERT_TRUE(running_proxy::until([&] { return one.all.total(&core_counters::held) >= 3; }))
        << "two of the client, one of the move";
    hold.open();
    EXPECT_EQ(first->read_answer().body, one.answer_for(1001));
    EXPECT_EQ(next->read_answer().body, one.answer_for(1002));
    const std::vector<node_request> got = one.all.node(a1).requests();
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[2].body, body_in_session("u-a1", 1002));
    EXPECT_TRUE(one.all.ended(2));
    EXPECT_EQ(one.all.node(sd1).requests().size(), before + 1) << "the end of the first session";
}

// The message goes on to the first node, for its client's next copy; what the home opens in the end
// is ended.
TEST_P(SessionMoveCores, AClientThatLeavesMeanwhileLeavesNothing) {
    gate hold;
    unnamed_session one({at_a1, nobody, at_a1, nobody}, cluster::patient, GetParam());
    const opens_at_end opener(hold);
    one.all.becomes(a1, opens_late(hold, at_a1));
    const auto client = one.all.proxy().connect();
    client->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(one.all.asked(a1, 1));
    client->reset();
    ASSERT_TRUE(one.all.asked(sd1, 4)) << "two sessions, an end, the message";
    hold.open();
    one.expect_ended({"sd1 u-sd1 1001", "a1 u-a1 1001"});
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    EXPECT_EQ(one.all.node(sd1).requests().size(), 4U) << "its kept answer";
    EXPECT_EQ(one.next_at(1002), "sd1");
    EXPECT_EQ(one.moved(), 0U);
    EXPECT_TRUE(one.nothing_is_held());
}

// The test is for the sanitizers. Its client has gone over to a copy, on another core perhaps.
TEST_P(SessionMoveCores, TheEndOfTheProcessEndsIt) {
    gate hold;
    unnamed_session one({at_a1, nobody, at_a1, nobody}, cluster::patient, GetParam());
    const opens_at_end opener(hold);
    one.all.becomes(a1, opens_late(hold, at_a1));
    const auto first = one.all.proxy().connect();
    first->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(one.all.asked(a1, 1));
    const auto copy = one.all.proxy().connect();
    copy->write(in_session(one.sid, 1001, plain));
    ASSERT_TRUE(one.all.proxy().ended(reason::superseded, 1));
    one.all.proxy().end();
}

INSTANTIATE_TEST_SUITE_P(Cores, SessionMoveCores, ::testing::Values(1, 2));

TEST(SessionMove, ASilentNodeCostsNoMoreThanPatience) {
    gate hold;
    unnamed_session one({at_a1, at_a1, nobody, nobody}, "step: 300ms, patience: 500ms");
    const opens_at_end opener(hold);
    for (const cluster_node each : {sd1, sd2, a1, b1}) {
        one.all.becomes(each, opens_late(hold, at_a1));
    }
    EXPECT_EQ(one.ask(1001, plain).body, one.answer_for(1001));
    EXPECT_EQ(one.moved(), 0U);
    EXPECT_LE(one.all.total(&core_counters::login_steps), 4U) << "the first, then 300, 150, 50 ms";
    const std::size_t opened = (one.all.opened_at().size() + 1) / 3 - 1; // "sd1 ..." or "a1 "
    EXPECT_GE(opened, 1U);
    hold.open();
    EXPECT_TRUE(running_proxy::until([&] {
        return one.all.total(&core_counters::orphans_ended) >= 1;
    })) << "what is opened too late is ended";
    EXPECT_EQ(one.next_at(1002), "sd1");
}

} // namespace
} // namespace boshgate::tests
