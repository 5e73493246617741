// What clients and nodes see at the discovery endpoint beside the login itself: sids with a tag,
// users named in one of four places, limits, methods, and no host that is not configured.

#include "routing/reason.hpp"
#include "tests/support/login_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using routing::reason;
using strings = std::vector<std::string>;

const std::string alice = "alice@example.com";
const conduct a1_and_b1 = names({"node-a1", "node-b1"});
const conduct nobody = names({});

// sids ----------------------------------------------------------------------------------------

TEST(DiscoveryEndpoint, RequestsOfASessionGoToItsNodeUnderTheNodesOwnSid) {
    cluster all({a1_and_b1, nobody, nobody, nobody});
    const std::string sid = attribute(all.ask(login(alice)).body, "sid");
    ASSERT_TRUE(all.ended(1));
    // A node may say its sid again.
    all.becomes(a1, [](const node_request& got, const std::string& raw) {
        const std::string body = answer_to(rid_of(got));
        return node_reply{.bytes = ok("<body sid='" + raw + "'" + body.substr(5))};
    });
    const std::size_t before = all.node(a1).requests().size();
    for (const std::uint64_t rid : {1001U, 1002U, 1002U, 1003U}) {
        SCOPED_TRACE(rid);
        const std::string plain = answer_to(rid);
        EXPECT_EQ(all.ask(in_session(sid, rid, "<word/>")).body,
                  "<body sid='" + sid + "'" + plain.substr(5));
    }
    const auto requests = all.node(a1).requests();
    ASSERT_EQ(requests.size() - before, 3U) << "the copy got the kept answer";
    for (std::size_t i = 0; i < 3; ++i) {
        const std::string expected = in_session("s-a1", 1001 + i, "<word/>");
        EXPECT_EQ(requests[before + i].body, expected.substr(expected.find("<body")));
    }
    // It is one session, whichever way its requests come: below the node's path it is raw.
    EXPECT_EQ(all.ask(poll("s-a1", 1003, "<word/>")).body,
              "<body sid='" + sid + "'" + answer_to(1003).substr(5));
    EXPECT_EQ(all.node(a1).requests().size(), before + 3);
    EXPECT_EQ(attribute(all.ask(poll("s-a1", 1004)).body, "sid"), "s-a1");
    // Its end.
    EXPECT_EQ(all.ask(in_session(sid, 1005, {}, " type='terminate'")).status, 200);
    EXPECT_EQ(all.ended().back(), "a1 s-a1 1005");
}

TEST(DiscoveryEndpoint, SidsThatWereNotGivenOutHere) {
    cluster all({a1_and_b1, nobody, nobody, nobody});
    const std::string of_a1 = attribute(all.ask(login(alice)).body, "sid");
    // Who names nobody is opened where less is held.
    ASSERT_TRUE(running_proxy::until([&] { return all.total(&core_counters::held) == 0; }));
    const std::string of_sd1 = attribute(all.ask(login({})).body, "sid");
    ASSERT_EQ(of_a1.substr(0, 5), "s-a1.");
    ASSERT_EQ(of_sd1.substr(0, 6), "s-sd1.");
    ASSERT_TRUE(all.ended(1));
    const auto asked = [&] {
        return all.node(sd1).requests().size() + all.node(a1).requests().size() +
               all.node(sd2).requests().size() + all.node(b1).requests().size();
    };
    const std::size_t before = asked();
    std::string flipped = of_a1;
    flipped.back() = flipped.back() == 'A' ? 'B' : 'A';
    const struct {
        const char* name;
        std::string sid;
    } rows[] = {
        {"raw", "s-a1"},
        {"only a tag", of_a1.substr(4)},
        {"another MAC", flipped},
        {"another node", "s-a1" + of_sd1.substr(5)},
        {"another sid", "s-a2" + of_a1.substr(4)},
        {"one byte less", of_a1.substr(0, of_a1.size() - 1)},
        {"one byte more", of_a1 + "A"},
        {"other letters", "S" + of_a1.substr(1)},
        {"tagged twice", of_a1 + of_a1.substr(4)},
        {"long", std::string(4000, 'x')},
        {"not ASCII", "\xc3\xa9" + of_a1},
        {"coded", "&lt;" + of_a1},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(terminated(all.ask(in_session(row.sid, 1001))), "item-not-found");
    }
    EXPECT_EQ(asked(), before) << "no node heard of them";
    EXPECT_TRUE(all.proxy().ended(reason::unknown_sid, std::size(rows)));
    // The very same sid in other words is right.
    std::string coded = of_a1;
    coded.replace(0, 1, "&#115;");
    EXPECT_EQ(all.ask(in_session(coded, 1001)).body, answer_to(1001));
}

TEST(DiscoveryEndpoint, ASidOfAnyBytesCanBeTagged) {
    const strings sids{"a.b", "a_b", "a b", "a&amp;b", "\xc3\xa9", std::string(256, 'x')};
    for (const std::string& raw : sids) {
        SCOPED_TRACE(raw);
        cluster all({says(ok(opened(raw, features_with({})))), nobody, nobody, nobody});
        const std::string sid = attribute(all.ask(login(alice)).body, "sid");
        EXPECT_EQ(sid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789._-"),
                  std::string::npos)
            << sid;
        all.becomes(sd1, nobody);
        EXPECT_EQ(all.ask(in_session(sid, 1001)).body, answer_to(1001));
        EXPECT_EQ(attribute(all.node(sd1).requests().back().body, "sid"), raw);
    }
}

// A session that its client could never go on with is not offered.
TEST(DiscoveryEndpoint, ASidThatIsTooLongIsABadAnswer) {
    const std::string raw(257, 'x');
    cluster all({says(ok(opened(raw, features_with({})))), nobody, nobody, nobody});
    EXPECT_EQ(session_at(all.ask(login(alice))), "sd2");
    ASSERT_TRUE(all.ended(1));
    EXPECT_EQ(all.ended()[0], "sd1 " + raw + " 1001");
}

// What is too large to be gathered is edited all the same, in its first bytes; and only there.
TEST(DiscoveryEndpoint, LargeAnswersHaveTheClientsSid) {
    const std::string filler = "<x sid='s-a1'>" + std::string(300'000, 'y') + "</x>";
    const auto body = [&](const std::string& attributes) {
        return "<body " + attributes + ">" + filler + "</body>";
    };
    const auto in_chunks = [](const std::string& text) {
        std::string all = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n";
        for (const char one : text.substr(0, 300)) { // its start tag in pieces of any size
            all += std::string("1\r\n") + one + "\r\n";
        }
        char size[16];
        std::snprintf(size, sizeof size, "%zx\r\n", text.size() - 300);
        return all + size + text.substr(300) + "\r\n0\r\n\r\n";
    };
    const std::string ns = bosh_namespace;
    const struct {
        const char* name;
        std::string answer; // of the node
        std::string told;   // attributes that the client sees; SID for its own sid
        int status = 200;
    } rows[] = {
        {"no sid", ok(body(ns)), ns},
        {"its sid", ok(body(ns + " sid='s-a1'")), ns + " sid='SID'"},
        {"in other quotes, first", ok(body("sid=\"s-a1\" " + ns)), "sid=\"SID\" " + ns},
        {"in chunks", in_chunks(body(ns + " sid='s-a1'")), ns + " sid='SID'"},
        {"up to the end of the link",
         "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + body(ns + " sid='s-a1'"),
         ns + " sid='SID'"},
        {"a long start tag", ok(body(ns + " sid='s-a1' x='" + std::string(5000, 'z') + "'")),
         ns + " sid='SID' x='" + std::string(5000, 'z') + "'"},
        {"a start tag that is too long",
         ok(body(ns + " sid='s-a1' x='" + std::string(20'000, 'z') + "'")), "", 502},
        {"a page", ok("<html>" + filler), "", 502},
        {"a start tag without an end", ok("<body " + ns + std::string(300'000, ' ')), "", 502},
        {"its end", ok(body(ns + " type='terminate' condition='host-gone'")),
         ns + " type='terminate' condition='host-gone'"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all({a1_and_b1, nobody, nobody, nobody}, cluster::patient,
                    "limits: {answer_buffer: 4KiB}\n");
        const std::string sid = attribute(all.ask(login(alice)).body, "sid");
        ASSERT_EQ(sid.substr(0, 5), "s-a1.");
        all.becomes(a1, [&](const node_request&, const std::string&) {
            return node_reply{.bytes = row.answer,
                              .close = row.answer.find("Content-Length") == std::string::npos};
        });
        const http_answer got = all.ask(in_session(sid, 1001));
        EXPECT_EQ(got.status, row.status);
        if (row.status == 200) {
            std::string expected = body(row.told);
            if (const auto at = expected.find("SID"); at != std::string::npos) {
                expected.replace(at, 3, sid);
            }
            EXPECT_TRUE(got.complete);
            EXPECT_TRUE(got.body == expected) << got.body.substr(0, 200); // all of it is too long
        }
        EXPECT_EQ(all.total(&core_counters::streamed), 1U);
        EXPECT_TRUE(running_proxy::until([&] { return all.total(&core_counters::held) == 0; }));
    }
    // Where to, stands somewhere in what was not read.
    cluster all({a1_and_b1, nobody, nobody, nobody});
    const std::string sid = attribute(all.ask(login(alice)).body, "sid");
    all.becomes(a1, says(ok(body(ns + " type='terminate' condition='see-other-uri'"))));
    EXPECT_EQ(terminated(all.ask(in_session(sid, 1001))), "internal-server-error");
    EXPECT_TRUE(all.proxy().ended(reason::steered_away, 1));
}

// node paths: hostnames -----------------------------------------------------------------------

// Features may come later than with the first answer; until its client has logged in names of nodes
// lead back here, and then nothing is looked at any more.
TEST(DiscoveryEndpoint, NamesInLaterFeaturesLeadBackHere) {
    const std::string features = features_with({"node-a1.example.com", "node-x9"});
    const std::string success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    const struct {
        const char* name;
        const char* hostnames;
        std::string fields; // of the client's requests
        std::string shown;  // between <mechanism> and the end of the list
    } rows[] = {
        {"rewrite", "rewrite", "",
         "<hostname xmlns='urn:xmpp:domain-based-name:0'>/node-a1</hostname>"
         "<hostname xmlns='urn:xmpp:domain-based-name:0'>/node-a1/</hostname>"},
        {"another origin", "rewrite", "Origin: https://chat.example.org\r\n", ""},
        {"remove", "remove", "", ""},
        {"keep", "keep", "",
         "<hostname xmlns='urn:xmpp:domain-based-name:0'>node-a1.example.com</hostname>"
         "<hostname xmlns='urn:xmpp:domain-based-name:0'>node-x9</hostname>"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const conduct later = [&](const node_request& got, const std::string& sid) {
            const std::uint64_t rid = rid_of(got);
            return node_reply{.bytes = ok(opens(got)    ? opened(sid, {})
                                          : rid == 1002 ? answer_to(rid, success)
                                                        : answer_to(rid, features))};
        };
        cluster all({later, nobody, nobody, nobody},
                    cluster::patient + ", hostnames: " + row.hostnames,
                    "cors: {origins: [https://chat.example.org]}\n");
        const auto ask = [&](const std::string& request) {
            return all.ask(post("/node-sd1", request.substr(request.find("<body")), row.fields))
                .body;
        };
        EXPECT_EQ(ask(login(alice)), opened("s-sd1", {}));
        const std::string whole = answer_to(1001, features);
        const std::size_t begin = whole.find("<hostname");
        const std::size_t end = whole.find("</mechanisms>");
        EXPECT_EQ(ask(in_session("s-sd1", 1001)),
                  whole.substr(0, begin) + row.shown + whole.substr(end));
        EXPECT_EQ(ask(in_session("s-sd1", 1002)), answer_to(1002, success));
        EXPECT_EQ(ask(in_session("s-sd1", 1003)), answer_to(1003, features));
    }
}

// users ---------------------------------------------------------------------------------------

TEST(DiscoveryEndpoint, UsersAreNamedInFourPlaces) {
    const std::string field = "X-User: ";
    const std::string trusted = "trusted_proxies: [127.0.0.1]\n";
    const std::string others = "trusted_proxies: [192.0.2.1]\n";
    const struct {
        const char* name;
        std::string from, path, fields, more, seen;
    } rows[] = {
        {"from", "carol@example.com/desk", "/httpbinding/bob@example.com?jid=bob@example.com",
         field + "bob@example.com\r\n", trusted, "carol@example.com/desk"},
        {"path", "", "/HttpBinding/Carol%40example.com?jid=bob@example.com",
         field + "bob@example.com\r\n", trusted, "carol@example.com"},
        {"path, from a server", "example.com", "/httpbinding/carol@example.com",
         field + "bob@example.com\r\n", trusted, "carol@example.com"},
        {"query", "", "/httpbinding?x=1&jid=carol%40example.com", field + "bob@example.com\r\n",
         trusted, "carol@example.com"},
        {"header field", "", "/httpbinding/", field + "carol@example.com\r\n", trusted,
         "carol@example.com"},
        {"header field of somebody", "", "/httpbinding", field + "carol@example.com\r\n", others,
         ""},
        {"nobody", "", "/httpbinding", "", trusted, ""},
        {"no user: a domain", "example.com", "/httpbinding", "", trusted, "example.com"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const bool named = row.seen.starts_with("carol");
        cluster all({a1_and_b1, nobody, nobody, nobody}, cluster::patient + ", user_header: X-User",
                    row.more);
        const http_answer answer = all.ask(login(row.from, 1000, row.path, row.fields));
        EXPECT_EQ(session_at(answer), named ? "a1" : "sd1");
        const node_request asked = all.node(sd1).requests()[0];
        EXPECT_EQ(attribute(asked.body, "from"), row.seen);
        EXPECT_EQ(asked.line(), "POST /httpbinding HTTP/1.1") << "the client's path ends here";
        EXPECT_EQ(asked.field("X-User"), "");
        // The same user, named in another way, is known.
        EXPECT_EQ(session_at(all.ask(login("CAROL@example.com", 2000))), "a1");
        EXPECT_EQ(all.opened_at(), named ? "sd1 a1 a1" : "sd1 sd1 a1");
    }
}

TEST(DiscoveryEndpoint, WhoNamesNobodyIsOpenedWhereLessIsHeld) {
    gate hold;
    cluster all({nobody, nobody, nobody, nobody});
    const opens_at_end opener(hold);
    const std::string sid = attribute(all.ask(login({})).body, "sid");
    all.becomes(sd1, hangs(hold));
    const auto client = all.proxy().connect();
    client->write(in_session(sid, 1001));
    ASSERT_TRUE(all.asked(sd1, 2));
    EXPECT_EQ(session_at(all.ask(login({}))), "sd2");
    EXPECT_EQ(all.opened_at(), "sd1 sd2");
}

// bounds --------------------------------------------------------------------------------------

TEST(DiscoveryEndpoint, QuestionsOfAnAddressAreLimited) {
    constexpr unsigned most = 3;
    cluster all({a1_and_b1, nobody, nobody, nobody},
                cluster::patient + ", questions_per_address: " + std::to_string(most),
                "trusted_proxies: [127.0.0.1]\n");
    const auto from = [](const std::string& user, const std::string& address) {
        return login(user + "@example.com", 1000, "/httpbinding",
                     "X-Forwarded-For: " + address + "\r\n");
    };
    for (unsigned i = 0; i < most; ++i) {
        EXPECT_EQ(session_at(all.ask(from("user" + std::to_string(i), "192.0.2.1"))), "a1");
    }
    const http_answer refused = all.ask(from("more", "192.0.2.1"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("Retry-After"), "30");
    EXPECT_TRUE(all.proxy().ended(reason::address_questions, 1));
    EXPECT_EQ(session_at(all.ask(from("user0", "192.0.2.1"))), "a1") << "needs no question";
    EXPECT_EQ(session_at(all.ask(from("more", "192.0.2.2"))), "a1");
    // Whoever names nobody asks nothing.
    EXPECT_EQ(all.ask(login({}, 1000, "/httpbinding", "X-Forwarded-For: 192.0.2.1\r\n")).status,
              200);
}

// It is kept until the user is known, so that the session can move.
TEST(DiscoveryEndpoint, SessionsOfLongSessionRequestsDoNotMove) {
    constexpr std::size_t most = 4096; // bytes of the request
    const conduct knows_alice = [](const node_request& got, const std::string& sid) {
        const bool named = attribute(got.body, "from") == alice;
        return (named ? names({"node-a1"}) : nobody)(got, sid);
    };
    const auto asking = [](std::size_t length) {
        const std::string body = "<body " + bosh_namespace +
                                 " hold='1' ver='1.9' to='example.com' wait='30' rid='1000' "
                                 "xml:lang='en' x='";
        return post("/httpbinding", body + std::string(length - body.size() - 3, 'x') + "'/>");
    };
    const std::string auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                             "AGFsaWNlAHB3</auth>";
    for (const std::size_t more : {0U, 1U}) {
        SCOPED_TRACE(more);
        cluster all({knows_alice, knows_alice, knows_alice, knows_alice});
        const std::string sid = attribute(all.ask(asking(most + more)).body, "sid");
        EXPECT_EQ(all.ask(in_session(sid, 1001, auth)).body, answer_to(1001));
        EXPECT_EQ(all.total(&core_counters::sessions_moved), 1 - more);
    }
}

TEST(DiscoveryEndpoint, NoHostIsContactedThatIsNotConfigured) {
    stub_node stranger([](const node_request&) { return node_reply{.bytes = ok("<body/>")}; });
    const std::string host = "127.0.0.1:" + std::to_string(stranger.port());
    const std::string url = "http://" + host + "/httpbinding";
    const std::string error =
        "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><see-other-host "
        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" +
        host + "</see-other-host></stream:error>";
    const struct {
        const char* name;
        conduct says;
        const char* at; // "": told that the nodes lead nowhere
    } rows[] = {
        {"a host", names({host, host}), "sd1"},
        {"a URL", names({url, url}), "sd1"},
        {"another path of a node", names({"/httpbinding/x", "//" + host}), "sd1"},
        {"see-other-uri", terminates("see-other-uri", "<uri>" + url + "</uri>"), ""},
        {"see-other-host", terminates("remote-stream-error", error), ""},
        {"a redirect",
         tests::says("HTTP/1.1 302 Found\r\nLocation: " + url + "\r\nContent-Length: 0\r\n\r\n"),
         ""},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        cluster all({row.says, row.says, row.says, row.says});
        const http_answer answer = all.ask(login(alice));
        EXPECT_EQ(session_at(answer), row.at);
        EXPECT_EQ(terminated(answer), *row.at != 0 ? "" : "internal-server-error");
        EXPECT_EQ(answer.body.find(host + "/"), std::string::npos);
    }
    EXPECT_EQ(stranger.links(), 0);
}

// What is edited has to be readable here, whatever the operator passes on.
TEST(DiscoveryEndpoint, NodesAreNotAskedForCodedAnswers) {
    cluster all({a1_and_b1, nobody, nobody, nobody}, cluster::patient,
                "request_headers: [Accept-Encoding, Accept-Language]\n");
    const std::string fields = "Accept-Encoding: gzip\r\nAccept-Language: de\r\n";
    const std::string sid =
        attribute(all.ask(login(alice, 1000, "/httpbinding", fields)).body, "sid");
    std::string request = in_session(sid, 1001);
    request.insert(request.find("\r\n") + 2, fields);
    EXPECT_EQ(all.ask(request).body, answer_to(1001));
    for (const cluster_node which : {sd1, a1}) {
        EXPECT_EQ(all.node(which).requests()[0].field("Accept-Language"), "de");
        for (const node_request& one : all.node(which).requests()) {
            EXPECT_EQ(one.field("Accept-Encoding"), "");
        }
    }
    all.becomes(a1, says(ok("coded", "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n")));
    EXPECT_NE(all.ask(in_session(sid, 1002)).body, "coded");
    EXPECT_TRUE(all.proxy().ended(reason::node_not_bosh, 1));
}

// methods -------------------------------------------------------------------------------------

TEST(DiscoveryEndpoint, GetIsThePrimarysPage) {
    const conduct page = [](const node_request&, const std::string& sid) {
        return node_reply{.bytes = ok("<p>BOSH at " + sid, "Content-Type: text/html\r\n")};
    };
    cluster all({page, page, page, page});
    for (const char* path : {"/httpbinding", "/HTTPBinding/", "/httpbinding/alice@example.com"}) {
        SCOPED_TRACE(path);
        const http_answer answer =
            all.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, "<p>BOSH at s-sd1");
        EXPECT_EQ(all.node(sd1).requests().back().line(), "GET /httpbinding HTTP/1.1");
    }
}

TEST(DiscoveryEndpoint, OtherMethodsAndPaths) {
    cluster all({nobody, nobody, nobody, nobody});
    const auto ask = [&](const std::string& line) {
        return all.ask(line + " HTTP/1.1\r\nHost: a\r\n\r\n");
    };
    EXPECT_EQ(ask("PUT /httpbinding").status, 405);
    EXPECT_EQ(ask("OPTIONS /httpbinding").status, 204);
    EXPECT_EQ(ask("OPTIONS /httpbinding").field("Allow"), "GET, HEAD, OPTIONS, POST");
    EXPECT_EQ(ask("GET /httpbinding/a@example.com/more").status, 404);
    EXPECT_EQ(ask("GET /httpbindingx").status, 404);
    EXPECT_TRUE(all.node(sd1).requests().empty());
}

} // namespace
} // namespace boshgate::tests
