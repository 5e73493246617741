// What the proxy tells of itself: the nodes of a user (GET /discover?jid=), and where its discovery
// endpoint is (XEP-0156).

#include "tests/support/login_cluster.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace boshgate::tests {
namespace {

using routing::reason;

std::string get(const std::string& target, const std::string& fields = {},
                const std::string& verb = "GET") {
    return verb + " " + target + " HTTP/1.1\r\nHost: chat.example.com\r\n" + fields + "\r\n";
}

const std::string asked = "/Discover?jid=Alice%40example.com/desk";
const std::string lookup = cluster::patient + ", lookup: {path: /discover}";

std::string told(const std::string& home, const std::string& backup) {
    return "{\"jid\":\"alice@example.com\",\"home\":" + home + ",\"backup\":" + backup + "}\n";
}

const conduct both = names({"node-a1", "node-b1.example.com"});

TEST(Lookup, TellsTheNodesAsPathsAndEndsWhatItOpened) {
    const struct {
        std::string name;
        std::array<conduct, 4> nodes;
        int status;
        std::string body; // empty: not looked at
        std::string asked;
        std::size_t ended;
    } cases[] = {
        {"home and backup",
         {both, both, both, both},
         200,
         told("\"/node-a1\"", "\"/node-b1\""),
         "sd1",
         1},
        {"home only",
         {names({"10.0.0.2"}), both, both, both},
         200,
         told("\"/node-a1\"", "null"),
         "sd1",
         1},
        {"nobody is named", {names({}), both, both, both}, 200, told("null", "null"), "sd1", 1},
        {"no node of ours",
         {names({"elsewhere"}), both, both, both},
         200,
         told("null", "null"),
         "sd1",
         1},
        {"an unknown user",
         {terminates("bad-request"), both, both, both},
         200,
         told("null", "null"),
         "sd1",
         0},
        {"the primary is down",
         {conduct{}, both, both, both},
         200,
         told("\"/node-a1\"", "\"/node-b1\""),
         "sd2",
         1},
        {"all are down", {conduct{}, conduct{}, conduct{}, conduct{}}, 503, "", "", 0},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        cluster all(one.nodes, lookup);
        const http_answer got = all.ask(get(asked));
        EXPECT_EQ(got.status, one.status) << got.body;
        EXPECT_EQ(all.opened_at(), one.asked);
        EXPECT_TRUE(all.ended(one.ended));
        EXPECT_EQ(all.ended().size(), one.ended);
        EXPECT_TRUE(all.proxy().ended(one.status == 200 ? reason::lookup : reason::no_node, 1));
        EXPECT_EQ(got.field("Cache-Control"), "no-store");
        if (one.status == 200) {
            EXPECT_EQ(got.body, one.body);
            EXPECT_EQ(got.field("Content-Type"), "application/json");
        }
    }
}

// What tells users apart is the answer's text alone; and who has no nodes is asked for every time.
TEST(Lookup, AnUnknownUserAndOneWithoutNodesCannotBeToldApart) {
    cluster nodeless({names({}), both, both, both}, lookup);
    cluster unknown({terminates("bad-request"), both, both, both}, lookup);
    for (int i = 1; i <= 2; ++i) {
        const http_answer first = nodeless.ask(get(asked));
        const http_answer second = unknown.ask(get(asked));
        EXPECT_EQ(first.status, second.status);
        EXPECT_EQ(first.body, second.body);
        EXPECT_EQ(first.field("Content-Length"), second.field("Content-Length"));
        EXPECT_EQ(nodeless.opened_at(), i == 1 ? "sd1" : "sd1 sd1");
        EXPECT_EQ(unknown.opened_at(), nodeless.opened_at());
    }
}

TEST(Lookup, AnswersFromTheCacheAndFillsIt) {
    cluster all({both, both, both, both}, lookup);
    EXPECT_EQ(all.ask(get(asked)).body, told("\"/node-a1\"", "\"/node-b1\""));
    EXPECT_EQ(all.ask(get(asked)).body, told("\"/node-a1\"", "\"/node-b1\""));
    EXPECT_EQ(all.opened_at(), "sd1");
    EXPECT_EQ(session_at(all.ask(login("alice@example.com"))), "a1");
    EXPECT_EQ(all.opened_at(), "sd1 a1");
}

TEST(Lookup, RefusesWhatIsNoQuestion) {
    cluster all({both, both, both, both}, lookup, "cors: {origins: [\"https://good.example\"]}\n");
    const struct {
        std::string name, request;
        int status;
        reason why;
    } cases[] = {
        {"no parameter", get("/discover"), 400, reason::no_user},
        {"a domain", get("/discover?jid=example.com"), 400, reason::no_user},
        {"another parameter", get("/discover?user=alice@example.com"), 400, reason::no_user},
        {"another page", get(asked, "Origin: https://bad.example\r\n"), 403,
         reason::origin_refused},
        {"POST", get(asked, "Content-Length: 0\r\n", "POST"), 405, reason::method},
        {"below it", get("/discover/alice@example.com"), 404, reason::no_route},
    };
    std::map<reason, std::uint64_t> counts;
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(all.ask(one.request).status, one.status);
        EXPECT_TRUE(all.proxy().ended(one.why, ++counts[one.why]));
    }
    EXPECT_EQ(all.opened_at(), "");
    const http_answer listed = all.ask(get(asked, "Origin: https://good.example\r\n"));
    EXPECT_EQ(listed.status, 200);
    EXPECT_EQ(listed.field("Access-Control-Allow-Origin"), "https://good.example");
    const http_answer own = all.ask(get(asked, "Origin: http://chat.example.com\r\n"));
    EXPECT_EQ(own.status, 200);
    EXPECT_EQ(own.field("Access-Control-Allow-Origin"), "");
}

TEST(Lookup, IsLimitedForEachAddress) {
    const struct {
        std::string name, keys;
        std::vector<int> statuses;
    } cases[] = {
        {"lookups", "lookup: {path: /discover, per_address: 2}", {200, 200, 429}},
        {"those that ask", "questions_per_address: 1, lookup: {path: /discover}", {200, 429}},
        {"no limit", "questions_per_address: 0, lookup: {path: /discover, per_address: 0}",
         std::vector<int>(40, 200)},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        cluster all({both, both, both, both}, cluster::patient + ", " + one.keys);
        for (std::size_t i = 0; i < one.statuses.size(); ++i) {
            const http_answer got =
                all.ask(get("/discover?jid=user" + std::to_string(i) + "@example.com"));
            EXPECT_EQ(got.status, one.statuses[i]) << i;
            EXPECT_EQ(got.field("Retry-After"), got.status == 429 ? "60" : "") << i;
        }
    }
}

// The node still thinks: its session is ended when it answers, and nobody is told.
TEST(Lookup, EndsTheSessionOfAClientThatHasLeft) {
    gate answer;
    cluster all({hangs(answer, {"node-a1"}), both, both, both}, lookup);
    {
        const auto client = all.proxy().connect();
        client->write(get(asked));
        EXPECT_TRUE(all.asked(sd1, 1));
        client->reset();
    }
    EXPECT_TRUE(all.proxy().ended(reason::client_closed, 1));
    answer.open();
    EXPECT_TRUE(all.ended(1));
}

TEST(Lookup, IsOffByDefault) {
    cluster all({both, both, both, both});
    EXPECT_EQ(all.ask(get(asked)).status, 404);
    EXPECT_EQ(all.ask(get("/.well-known/host-meta")).status, 404);
    EXPECT_EQ(all.opened_at(), "");
}

TEST(HostMeta, NamesTheEndpointUnderTheClientsOwnHost) {
    cluster all({both, both, both, both}, cluster::patient + ", host_meta: true",
                "prefix: /app\ntrusted_proxies: [127.0.0.1]\n"
                "cors: {origins: [\"https://good.example\"], credentials: true}\n");
    const std::string xrd = "<?xml version='1.0' encoding='utf-8'?>\n"
                            "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n"
                            "  <Link rel='urn:xmpp:alt-connections:xbosh' href='";
    const std::string other = "Origin: https://anybody.example\r\n";
    const http_answer xml = all.ask(get("/.well-known/host-meta", other));
    EXPECT_EQ(xml.status, 200);
    EXPECT_EQ(xml.body, xrd + "http://chat.example.com/app/httpbinding'/>\n</XRD>\n");
    EXPECT_EQ(xml.field("Content-Type"), "application/xrd+xml");
    const http_answer json =
        all.ask(get("/.well-known/host-meta.json", other + "X-Forwarded-For: 192.0.2.1\r\n"
                                                           "X-Forwarded-Proto: https\r\n"));
    EXPECT_EQ(json.body, "{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:xbosh\",\"href\":"
                         "\"https://chat.example.com/app/httpbinding\"}]}\n");
    EXPECT_EQ(json.field("Content-Type"), "application/json");
    for (const http_answer* one : {&xml, &json}) {
        EXPECT_EQ(one->field("Access-Control-Allow-Origin"), "*");
        EXPECT_EQ(one->field("Access-Control-Allow-Credentials"), "");
    }
    EXPECT_TRUE(all.proxy().ended(reason::host_meta, 2));
    EXPECT_EQ(all.ask("GET /.well-known/host-meta HTTP/1.0\r\n\r\n").status, 404);
    EXPECT_EQ(all.ask(get("/.well-known/host-meta", "Content-Length: 0\r\n", "POST")).status, 405);
}

TEST(HostMeta, LeavesTheFileOfTheWebRootAloneWhenItIsOff) {
    const temp_directory root;
    root.write("index.html", "start");
    std::filesystem::create_directory(root.path() / ".well-known");
    root.write(".well-known/host-meta", "a file");
    const std::string files = "web_root: " + root.path().string() + "\n";
    cluster off({both, both, both, both}, cluster::patient, files);
    EXPECT_EQ(off.ask(get("/.well-known/host-meta")).body, "a file");
    cluster on({both, both, both, both}, cluster::patient + ", host_meta: true", files);
    EXPECT_NE(on.ask(get("/.well-known/host-meta")).body, "a file");
}

} // namespace
} // namespace boshgate::tests
