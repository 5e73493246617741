// CAXL that discovers by itself, CAXL that does not, and CAXL of which nobody knows yet: told apart
// by what they do with hostnames, and told what brings each of them back.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"
#include "tests/support/sasl_features.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;

// What the 2014.04 library sends (caxl.md a).
std::string caxl_request(const std::string& node, std::uint64_t rid,
                         const std::string& from = "alice@example.com") {
    return post("/" + node, "<body " + bosh_namespace +
                                " xml:lang='en-US' xmlns:xmpp='urn:xmpp:xbosh' hold='1' ver='1.9' "
                                "to='example.com' wait='30' xmpp:version='1.0' from='" +
                                from + "' rid='" + std::to_string(rid) + "'/>");
}

std::string in_session(const std::string& node, const std::string& sid, std::uint64_t rid,
                       const std::string& inside = {}, const std::string& more = {}) {
    return post("/" + node, "<body " + bosh_namespace + " sid='" + sid + "' rid='" +
                                std::to_string(rid) + "'" + more + ">" + inside + "</body>");
}

const std::string auth =
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AA</auth>";
const std::string success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
const std::string is_held = "<held xmlns='test'/>";
const std::string terminate = " type='terminate'";

// A cluster: a node for discovery, a home and a backup. Each opens the session that is its own
// name; node-sd1 hands out names with it, and with an answer to <later/>.
class cluster {
  public:
    explicit cluster(const std::vector<std::string>& names, const std::string& more = {},
                     const std::vector<std::string>& later = {})
        : sd_([=, this](const node_request& got) {
              return answer(got, "sd", features_with(names), features_with(later));
          }),
          home_(
              [this](const node_request& got) { return answer(got, "a", features_with({}), {}); }),
          backup_(
              [this](const node_request& got) { return answer(got, "b", features_with({}), {}); }),
          proxy_("threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\nlog: {access: \"off\"}\n"
                 "health: {interval: 0s}\nnodes:\n" +
                 node("node-sd1", sd_) + node("node-a1", home_) + node("node-b1", backup_) + more) {
    }

    [[nodiscard]] running_proxy& proxy() { return proxy_; }
    http_answer ask(const std::string& request) { return proxy_.ask(request); }

    // held sends a poll that the node holds until the end of the test.
    std::unique_ptr<stream> held(const std::string& node, const std::string& sid,
                                 std::uint64_t rid) {
        auto client = proxy_.connect();
        const std::uint64_t before = proxy_.app().total(&core_counters::held);
        client->write(in_session(node, sid, rid, is_held));
        EXPECT_TRUE(running_proxy::until(
            [&] { return proxy_.app().total(&core_counters::held) == before + 1; }));
        return client;
    }

    // The node (0, 1, 2: as configured) takes no connections any more.
    void dies(routing::node_index which) {
        proxy_.app().set_addresses(which, {loopback_address(nobody_.port())}, {});
        const std::string name = which == 0 ? "node-sd1" : "node-a1";
        EXPECT_EQ(ask(post("/" + name, "<body " + bosh_namespace +
                                           " content='text/xml; charset=utf-8' to='example.com' "
                                           "rid='1' wait='60' hold='1' ver='1.6'/>"))
                      .status,
                  503);
        EXPECT_EQ(proxy_.app().total(&core_counters::nodes_dead), 1U);
    }

    [[nodiscard]] std::uint64_t discovers() {
        return proxy_.app().total(&core_counters::caxl_discovery);
    }
    [[nodiscard]] std::uint64_t thin() { return proxy_.app().total(&core_counters::caxl_thin); }

  private:
    static std::string node(const std::string& name, const stub_node& at) {
        return "  " + name + ": {url: \"http://127.0.0.1:" + std::to_string(at.port()) +
               "/httpbinding\", aliases: [" + name + ".example.com]}\n";
    }

    node_reply answer(const node_request& got, const std::string& sid, const std::string& first,
                      const std::string& later) {
        if (attribute(got.body, "sid").empty()) {
            return {.bytes = ok("<body " + bosh_namespace + " sid='" + sid +
                                "' wait='30' requests='2' inactivity='60'>" + first + "</body>")};
        }
        if (got.body.find(is_held) != std::string::npos) {
            return {.bytes = ok(answer_to(rid_of(got))), .before = hold_.wait()};
        }
        const bool asks = got.body.find("<later") != std::string::npos;
        return {.bytes =
                    ok(answer_to(rid_of(got), asks                                       ? later
                                              : got.body.find(auth) != std::string::npos ? success
                                                                                         : ""))};
    }

    gate hold_;
    stub_node sd_, home_, backup_;
    opens_at_end opener_{hold_};
    refusing_port nobody_;
    running_proxy proxy_;
};

const std::vector<std::string> home_and_backup{"node-a1", "node-b1"};

// The user's first session goes where each kind of CAXL goes, and its node dies.
TEST(CaxlEvidence, EachKindIsToldWhatBringsItBack) {
    struct row {
        const char* name;
        std::vector<std::string> names;
        bool goes_home;   // discovers
        std::string lost; // what the session hears
        std::string dead; // what a session request hears; "": 503
    };
    for (const row& one : std::vector<row>{
             {"discovers", home_and_backup, true, "system-shutdown", "remote-connection-failed"},
             {"does not", home_and_backup, false, "item-not-found", ""},
             {"nobody knows", {}, false, "item-not-found", "remote-connection-failed"}}) {
        SCOPED_TRACE(one.name);
        cluster nodes(one.names);
        ASSERT_EQ(nodes.ask(caxl_request("node-sd1", 1000)).status, 200);
        std::string node = "node-sd1", sid = "sd";
        if (one.goes_home) {
            ASSERT_EQ(nodes.ask(in_session(node, sid, 1001, {}, terminate)).status, 200);
            node = "node-a1";
            sid = "a";
            ASSERT_EQ(nodes.ask(caxl_request(node, 1000)).status, 200);
        }
        ASSERT_EQ(nodes.ask(in_session(node, sid, 1001, auth)).status, 200);
        const auto poll = nodes.held(node, sid, 1002);
        nodes.dies(one.goes_home ? 1 : 0);
        EXPECT_EQ(terminated(poll->read_answer()), one.lost);
        const http_answer again = nodes.ask(caxl_request(node, 5000));
        EXPECT_EQ(again.status, one.dead.empty() ? 503 : 200);
        EXPECT_EQ(terminated(again), one.dead);
        const http_answer somebody = nodes.ask(caxl_request(node, 6000, "bob@example.com"));
        EXPECT_EQ(terminated(somebody), "remote-connection-failed") << "another user";
    }
}

struct ending {
    const char* name;
    std::vector<std::string> names;
    std::vector<std::string> requests;
    std::uint64_t discovers, thin;
    std::vector<std::string> later{};
};

std::string asks(const std::string& node, const std::string& from = "alice@example.com") {
    return caxl_request(node, 1000, from);
}

TEST(CaxlEvidence, WhatCounts) {
    const std::string leaves = in_session("node-sd1", "sd", 1001, {}, terminate);
    const std::string logs_in = in_session("node-sd1", "sd", 1001, auth);
    const std::string waits = in_session("node-sd1", "sd", 1001, "<later xmlns='test'/>");
    for (const ending& one : std::vector<ending>{
             {"goes home", home_and_backup, {asks("node-sd1"), leaves, asks("node-a1")}, 1, 0},
             {"goes to the backup",
              home_and_backup,
              {asks("node-sd1"), leaves, asks("node-b1")},
              1,
              0},
             {"by another name",
              {"NODE-A1.example.com", " node-b1\n"},
              {asks("node-sd1"), leaves, asks("node-a1.example.com")},
              1,
              0},
             {"the home alone", {"node-a1"}, {asks("node-sd1"), leaves, asks("node-a1")}, 1, 0},
             {"with a resource, then without",
              home_and_backup,
              {asks("node-sd1", "alice@example.com/x"), leaves, asks("node-a1")},
              1,
              0},
             {"a name in references",
              {"node&#45;a1"},
              {asks("node-sd1"), leaves, asks("node-a1")},
              1,
              0},
             {"features that come late",
              {},
              {asks("node-sd1"), waits, in_session("node-sd1", "sd", 1002, {}, terminate),
               asks("node-a1")},
              1,
              0,
              home_and_backup},
             {"another user goes there",
              home_and_backup,
              {asks("node-sd1"), leaves, asks("node-a1", "bob@example.com")},
              0,
              0},
             {"another client goes there",
              home_and_backup,
              {asks("node-sd1"), leaves,
               post("/node-a1", "<body " + bosh_namespace +
                                    " rid='5' to='example.com' "
                                    "from='alice@example.com' "
                                    "wait='30' hold='1' ver='1.6'/>")},
              0,
              0},
             {"goes nowhere", home_and_backup, {asks("node-sd1"), leaves, asks("node-sd1")}, 0, 0},
             {"logs in where it is", home_and_backup, {asks("node-sd1"), logs_in}, 0, 1},
             {"logs in, and once more",
              home_and_backup,
              {asks("node-sd1"), logs_in, logs_in, asks("node-a1")},
              0,
              2},
             {"with one name CAXL stays anyhow", {"node-a1"}, {asks("node-sd1"), logs_in}, 0, 0},
             {"one of the names is where it is",
              {"node-a1", "node-sd1"},
              {asks("node-sd1"), logs_in},
              0,
              0},
             {"names of others", {"x", "y"}, {asks("node-sd1"), logs_in}, 0, 0},
             {"a URL is no name for CAXL",
              {"http://node-a1.example.com/httpbinding", "node-b1"},
              {asks("node-sd1"), logs_in},
              0,
              0},
             {"no names", {}, {asks("node-sd1"), logs_in}, 0, 0},
             {"a logout is no hop",
              home_and_backup,
              {asks("node-sd1"), logs_in, in_session("node-sd1", "sd", 1002, {}, terminate),
               asks("node-a1")},
              0,
              2},
             {"names that come after the login",
              {},
              {asks("node-sd1"), logs_in,
               in_session("node-sd1", "sd", 1002, "<later xmlns='test'/>"),
               in_session("node-sd1", "sd", 1003, {}, terminate), asks("node-a1")},
              0,
              0,
              home_and_backup},
             {"who is not CAXL",
              home_and_backup,
              {post("/node-sd1",
                    "<body " + bosh_namespace +
                        " rid='1000' to='example.com' wait='30' hold='1' ver='1.6' content='x'/>"),
               leaves, asks("node-a1")},
              0,
              0}}) {
        SCOPED_TRACE(one.name);
        cluster nodes(one.names, {}, one.later);
        for (const std::string& request : one.requests) {
            EXPECT_EQ(nodes.ask(request).status, 200) << request;
        }
        EXPECT_EQ(nodes.discovers(), one.discovers);
        EXPECT_EQ(nodes.thin(), one.thin);
    }
}

// Who is led by the proxy has seen no hostnames: that he stays says nothing.
TEST(CaxlEvidence, TheDiscoveryEndpointIsNoEvidence) {
    cluster nodes(home_and_backup, "discovery: {path: /httpbinding, primary: node-sd1}\n");
    const http_answer answer = nodes.ask(asks("httpbinding"));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::string sid = attribute(answer.body, "sid");
    ASSERT_NE(sid, "") << answer.body;
    EXPECT_EQ(nodes.ask(in_session("httpbinding", sid, 1001, auth)).body, answer_to(1001, success));
    EXPECT_EQ(nodes.ask(asks("node-a1")).status, 200);
    EXPECT_EQ(nodes.discovers(), 0U);
    EXPECT_EQ(nodes.thin(), 0U);
}

// The bound is that of sessions: as many users as there may be sessions.
TEST(CaxlEvidence, SoManyUsersAreRemembered) {
    cluster nodes(home_and_backup, "sessions: {max: 2}\n");
    const auto forgotten = [&] {
        return nodes.proxy().app().total(&core_counters::caxl_forgotten);
    };
    const auto logs_in = [&](const std::string& user) {
        // The node calls every session the same, so that there is one at a time.
        EXPECT_EQ(nodes.ask(asks("node-sd1", user)).status, 200) << user;
        EXPECT_EQ(nodes.ask(in_session("node-sd1", "sd", 1001, auth)).status, 200) << user;
    };
    logs_in("a@example.com");
    logs_in("b@example.com");
    EXPECT_EQ(nodes.thin(), 2U);
    EXPECT_EQ(forgotten(), 0U);
    logs_in("c@example.com");
    EXPECT_EQ(nodes.thin(), 3U);
    EXPECT_EQ(forgotten(), 1U);
    EXPECT_EQ(nodes.ask(asks("node-sd1", "c@example.com")).status, 200);
    EXPECT_EQ(nodes.thin(), 4U) << "known by now";
    EXPECT_EQ(nodes.ask(asks("node-sd1", "a@example.com")).status, 200);
    EXPECT_EQ(nodes.thin(), 4U) << "forgotten";
}

} // namespace
} // namespace boshgate::tests
