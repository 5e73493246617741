// A reload through the running proxy: what changes at once, what goes on as it was, and what is
// refused whole.

#include "proxy/reload.hpp"

#include "routing/reason.hpp"
#include "tests/support/login_cluster.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;
using proxy::ssl_ctx_ptr;
using routing::reason;
using testing::HasSubstr;

struct named_node {
    std::string name;
    std::uint16_t port;
    std::string path = "/httpbinding";
};

std::string config_of(const std::vector<named_node>& nodes, const std::string& more = {},
                      const std::string& listen = "{address: \"127.0.0.1:0\"}") {
    std::string yaml = "threads: 1\nlisten: [" + listen + "]\nlog: {access: \"off\"}\n" +
                       "health: {interval: 0s}\nnodes:\n";
    for (const named_node& one : nodes) {
        yaml += "  " + one.name + ": \"http://127.0.0.1:" + std::to_string(one.port) + one.path +
                "\"\n";
    }
    return yaml + more;
}

std::string poll_at(const std::string& node, const std::string& sid, std::uint64_t rid,
                    const std::string& inside = {}) {
    return post("/" + node, "<body " + bosh_namespace + " sid='" + sid + "' rid='" +
                                std::to_string(rid) + "'>" + inside + "</body>");
}

TEST(Reload, SessionsGoOnAndACopyIsStillAnsweredFromWhatIsKept) {
    stub_node node(bosh_node);
    running_proxy proxy(config_of({{"node-a1", node.port()}}));
    const auto client = proxy.connect();
    client->write(session_request(1000));
    EXPECT_EQ(client->read_answer().body, session_answer("s"));
    client->write(poll("s", 1001));
    EXPECT_EQ(client->read_answer().body, answer_to(1001));
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(proxy.reload(config_of({{"node-a1", node.port()}})), "");
    }
    client->write(poll("s", 1001));
    EXPECT_EQ(client->read_answer().body, answer_to(1001)) << "the same connection, replayed";
    EXPECT_EQ(terminated(proxy.ask(poll("s", 999))), "item-not-found") << "its window is known";
    EXPECT_EQ(node.requests().size(), 2U);
    client->write(poll("s", 1002));
    EXPECT_EQ(client->read_answer().body, answer_to(1002));
    EXPECT_EQ(node.links(), 1) << "the link to a node that stays is kept";
}

TEST(Reload, AHeldPollIsAnsweredBesideOthersOfTheNewConfiguration) {
    gate hold;
    stub_node old([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    stub_node added(bosh_node);
    const opens_at_end opener(hold);
    running_proxy proxy(config_of({{"node-a1", old.port()}}));
    const auto held = proxy.connect();
    held->write(poll("s", 7));
    ASSERT_TRUE(node_has(old, 1));
    EXPECT_EQ(proxy.ask(poll_at("node-b1", "s", 1)).status, 404);
    // The new one stands first in the file: indices stay all the same.
    ASSERT_EQ(proxy.reload(config_of({{"node-b1", added.port()}, {"node-a1", old.port()}})), "");
    EXPECT_EQ(proxy.ask(poll_at("node-b1", "s", 1)).body, answer_to(1));
    EXPECT_EQ(added.requests().size(), 1U);
    hold.open();
    EXPECT_EQ(held->read_answer().body, answer_to(7));
    held->write(poll("s", 8));
    EXPECT_EQ(held->read_answer().body, answer_to(8));
    EXPECT_EQ(old.requests().size(), 2U);
}

TEST(Reload, ANodeThatMovedIsAskedAtItsNewPlaceAndKeepsItsSessions) {
    stub_node before(bosh_node);
    stub_node after(bosh_node);
    running_proxy proxy(config_of({{"node-a1", before.port()}}));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    ASSERT_EQ(proxy.reload(config_of({{"node-a1", after.port(), "/elsewhere"}})), "");
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(before.requests().size(), 1U);
    ASSERT_EQ(after.requests().size(), 1U);
    EXPECT_EQ(after.requests()[0].line(), "POST /elsewhere HTTP/1.1");
    EXPECT_EQ(after.requests()[0].field("Host"), "127.0.0.1:" + std::to_string(after.port()));
    EXPECT_EQ(terminated(proxy.ask(poll("s", 900))), "item-not-found") << "it is known still";
}

// The request was written for the old place, and its turn comes when the node has moved.
TEST(Reload, ARequestThatWaitsForItsTurnGoesWhereTheNodeIsThen) {
    stub_node before(bosh_node);
    stub_node after(bosh_node);
    running_proxy proxy(
        config_of({{"node-a1", before.port()}}, "sessions: {reorder: 10s, replay_answers: 2}\n"));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    const auto early = proxy.connect();
    early->write(poll("s", 1002, "<late/>"));
    ASSERT_TRUE(running_proxy::until(
        [&] { return proxy.app().total(&core_counters::requests_held_back) == 1; }));
    ASSERT_EQ(proxy.reload(config_of({{"node-a1", after.port(), "/elsewhere"}},
                                     "sessions: {reorder: 10s, replay_answers: 2}\n")),
              "");
    EXPECT_EQ(proxy.ask(poll("s", 1001)).body, answer_to(1001));
    EXPECT_EQ(early->read_answer().body, answer_to(1002));
    EXPECT_EQ(before.requests().size(), 1U);
    ASSERT_EQ(after.requests().size(), 2U);
    EXPECT_EQ(after.requests()[1].line(), "POST /elsewhere HTTP/1.1");
    EXPECT_THAT(after.requests()[1].body, HasSubstr("<late/>"));
}

TEST(Reload, SessionsOfANodeThatIsTakenOutEndHonestly) {
    gate hold;
    stub_node gone([&](const node_request& got) {
        node_reply reply = bosh_node(got);
        if (rid_of(got) == 1001) {
            reply.before = hold.wait();
        }
        return reply;
    });
    stub_node stays(bosh_node);
    const opens_at_end opener(hold);
    const named_node stays_as{"node-b1", stays.port()};
    running_proxy proxy(config_of({{"node-a1", gone.port()}, stays_as}));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    const auto held = proxy.connect();
    held->write(poll("s", 1001));
    ASSERT_TRUE(node_has(gone, 2));
    ASSERT_EQ(proxy.reload(config_of({stays_as})), "");

    EXPECT_EQ(terminated(proxy.ask(poll("s", 1002))), "host-gone");
    EXPECT_NE(terminated(proxy.ask(session_request(5))), "") << "nobody opens one there";
    EXPECT_EQ(proxy.ask("GET /node-a1 HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
    EXPECT_EQ(gone.requests().size(), 2U);
    hold.open();
    EXPECT_EQ(held->read_answer().body, answer_to(1001)) << "what it held was let end";
    EXPECT_TRUE(proxy.ended(reason::node_removed, 2));

    // It comes back, and is found as it was.
    ASSERT_EQ(proxy.reload(config_of({stays_as, {"node-a1", gone.port()}})), "");
    EXPECT_EQ(proxy.ask(poll("s", 1002)).body, answer_to(1002));
    EXPECT_EQ(terminated(proxy.ask(poll("s", 900))), "item-not-found") << "it is known still";
}

TEST(Reload, ASlotGoesToAnotherNodeWithNothingOfTheOldOneInIt) {
    stub_node node(bosh_node);
    running_proxy proxy(config_of({{"node-a1", node.port()}}));
    EXPECT_EQ(proxy.ask(session_request(1000)).body, session_answer("s"));
    std::vector<named_node> all;
    for (int i = 0; i < 64; ++i) {
        all.push_back({"n" + std::to_string(i), node.port()});
    }
    std::vector<named_node> full = all;
    full.push_back({"node-a1", node.port()});
    ASSERT_EQ(proxy.reload(config_of(full)), "") << "as many as there is room for";
    ASSERT_EQ(proxy.reload(config_of(all)), "");
    all.push_back({"node-b1", node.port()});
    ASSERT_TRUE(running_proxy::until([&] { return proxy.app().forget_old() == 0; }));
    ASSERT_EQ(proxy.reload(config_of(all)), "") << "in the place of node-a1";
    EXPECT_EQ(proxy.app().settings().nodes[0].name, "node-b1");
    EXPECT_EQ(proxy.ask(poll_at("node-b1", "s", 900)).body, answer_to(900))
        << "not the session of that name at node-a1";
    all.push_back({"node-c1", node.port()});
    EXPECT_THAT(proxy.reload(config_of(all)),
                HasSubstr("this process has room for 65 nodes, and 66 are configured, expected a "
                          "restart, which makes room"));
    EXPECT_EQ(proxy.ask(poll_at("node-b1", "s", 901)).body, answer_to(901))
        << "nothing has changed";
}

TEST(Reload, ASlotThatIsStillInUseIsNotGivenAway) {
    gate hold;
    stub_node held_at([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    stub_node node(bosh_node);
    const opens_at_end opener(hold);
    running_proxy proxy(config_of({{"node-a1", held_at.port()}}));
    const auto held = proxy.connect();
    held->write(poll("s", 1));
    ASSERT_TRUE(node_has(held_at, 1));
    std::vector<named_node> all;
    for (int i = 0; i < 65; ++i) {
        all.push_back({"n" + std::to_string(i), node.port()});
    }
    EXPECT_THAT(proxy.reload(config_of(all)),
                HasSubstr("1 places are still used by requests for nodes that were taken out"));
    hold.open();
    EXPECT_EQ(held->read_answer().body, answer_to(1));
    ASSERT_TRUE(running_proxy::until([&] {
        all.pop_back();
        const bool first = proxy.reload(config_of(all)).empty(); // node-a1 is taken out
        all.push_back({"n64", node.port()});
        return first && proxy.app().forget_old() == 0 && proxy.reload(config_of(all)).empty();
    }));
    EXPECT_EQ(proxy.ask(poll_at("n64", "s", 1)).body, answer_to(1));
}

TEST(Reload, WhatIsWrongChangesNothing) {
    stub_node node(bosh_node);
    const std::string good = config_of({{"node-a1", node.port()}});
    running_proxy proxy(good);
    const temp_directory directory;
    const refusing_port taken;
    const std::string port = "127.0.0.1:" + std::to_string(taken.port());
    struct {
        const char* what;
        std::string yaml;
        std::string says;
    } const cases[] = {
        {"no YAML", "nodes: [", ""},
        {"an unknown key", good + "nonsense: 1\n", "nonsense"},
        {"a file that is not there", good + "web_root: /nowhere/at/all\n", "/nowhere/at/all"},
        {"a port that is taken",
         config_of({{"node-b1", node.port()}}, {},
                   "{address: \"127.0.0.1:0\"}, {address: \"" + port + "\"}"),
         "cannot listen on 127.0.0.1 port " + std::to_string(taken.port())},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what);
        const std::string problem = proxy.reload(one.yaml);
        EXPECT_NE(problem, "");
        EXPECT_THAT(problem, HasSubstr(one.says));
        EXPECT_EQ(proxy.ask(poll("s", 1)).body, answer_to(1));
        EXPECT_EQ(proxy.ask(poll_at("node-b1", "s", 1)).status, 404);
    }
}

TEST(Reload, ListenersComeAndGoAndConnectionsStay) {
    stub_node node(bosh_node);
    const std::vector<named_node> nodes{{"node-a1", node.port()}};
    const std::string any = "{address: \"127.0.0.1:0\"}";
    running_proxy proxy(config_of(nodes, {}, any));
    const std::uint16_t first = proxy.port();
    const auto old = proxy.connect();
    old->write(poll("s", 1));
    EXPECT_EQ(old->read_answer().body, answer_to(1));

    // One more, of another address family's loopback name, and the first keeps its socket.
    ASSERT_EQ(proxy.reload(config_of(nodes, {}, "{address: \"127.0.0.2:0\"}, " + any)), "");
    EXPECT_EQ(proxy.port(1), first) << "by its address, not by its place";
    EXPECT_EQ(proxy.ask(poll("s", 2), 1).body, answer_to(2));

    ASSERT_EQ(proxy.reload(config_of(nodes, {}, "{address: \"127.0.0.2:0\"}")), "");
    EXPECT_THROW(static_cast<void>(connect_to_loopback(first)), std::exception) << "it is closed";
    old->write(poll("s", 3));
    EXPECT_EQ(old->read_answer().body, answer_to(3)) << "its connections live on";
}

TEST(Reload, AClientInAProxyHeaderOfAListenerThatGoesIsLetGo) {
    stub_node node(bosh_node);
    const std::vector<named_node> nodes{{"node-a1", node.port()}};
    const std::string other = "{address: \"127.0.0.2:0\"}";
    running_proxy proxy(
        config_of(nodes, {}, "{address: \"127.0.0.1:0\", proxy_protocol: true}, " + other));
    const auto client = proxy.connect();
    client->write("PROXY TCP4 ");
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::connections) == 1; }));
    ASSERT_EQ(proxy.reload(config_of(nodes, {}, other)), "");
    EXPECT_TRUE(client->at_end());
}

TEST(Reload, BoundsAndTimesAreNewFromTheNextRequestOn) {
    stub_node node(bosh_node);
    const std::vector<named_node> nodes{{"node-a1", node.port()}};
    running_proxy proxy(config_of(nodes));
    const auto client = proxy.connect();
    client->write(poll("s", 1, std::string(3000, ' ')));
    EXPECT_EQ(client->read_answer().body, answer_to(1));
    ASSERT_EQ(proxy.reload(config_of(nodes, "limits: {body_bytes: 1KiB}\nsessions: {max: 1}\n"
                                            "cors: {origins: [\"https://chat.example.com\"]}\n")),
              "");
    client->write(poll("s", 2, std::string(3000, ' ')));
    EXPECT_EQ(client->read_answer().status, 413);
    EXPECT_EQ(proxy.ask(session_request(5)).status, 503) << "there is one session already";
    const std::string origin = "Origin: https://chat.example.com\r\n";
    EXPECT_EQ(proxy.ask(post("/node-a1", "<body " + bosh_namespace + " sid='s' rid='2'/>", origin))
                  .field("Access-Control-Allow-Origin"),
              "https://chat.example.com");
}

std::string chunk(const std::string& data) {
    std::array<char, 17> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), data.size(), 16).ptr;
    return std::string(digits.begin(), end) + "\r\n" + data + "\r\n";
}

// The head was judged by one snapshot, the body comes under another.
TEST(Reload, ARequestWhoseBodyIsOnItsWayIsServedByTheNewConfiguration) {
    stub_node before(bosh_node);
    stub_node after(bosh_node);
    const std::string body = "<body " + bosh_namespace + " sid='s' rid='1'/>";
    const std::string whole = post("/node-a1", body);
    const std::string chunked_head =
        "POST /node-a1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::pair<std::string, std::string> halves[] = {
        {whole.substr(0, whole.size() - 5), whole.substr(whole.size() - 5)},
        {chunked_head + chunk(body.substr(0, 20)), chunk(body.substr(20)) + "0\r\n\r\n"},
    };
    for (const auto& [first, second] : halves) {
        SCOPED_TRACE(first);
        running_proxy proxy(config_of({{"node-x", before.port()}, {"node-a1", before.port()}}));
        const auto client = proxy.connect();
        client->write(first);
        // Answered by the same core: so it has read the other one's bytes.
        ASSERT_EQ(proxy.ask(poll("other", 1)).status, 200);
        ASSERT_EQ(proxy.reload(config_of({{"node-a1", after.port()}})), "");
        const std::size_t asked = after.requests().size();
        client->write(second);
        EXPECT_EQ(client->read_answer().body, answer_to(1));
        EXPECT_EQ(after.requests().size(), asked + 1);
    }
}

TEST(Reload, HomesStayKnownAndThoseOfANodeThatGoesAreForgotten) {
    cluster all(
        {names({"node-a1", "node-b1"}), names({"node-a1", "node-b1"}), names({}), names({})});
    const auto yaml = [&](bool with_a1) {
        std::string text = "threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\n"
                           "log: {access: \"off\"}\nhealth: {interval: 0s}\nnodes:\n";
        for (const routing::node_index i : {b1, sd2, a1, sd1}) { // in another order
            if (with_a1 || i != a1) {
                text += "  node-" + std::string(cluster_names[i]) + ": \"" + all.url(i) + "\"\n";
            }
        }
        return text + "discovery: {path: /httpbinding, primary: node-sd1, secondary: node-sd2, "
                      "step: 20s, patience: 30s}\n";
    };
    const std::string alice = "alice@example.com";
    EXPECT_EQ(session_at(all.ask(login(alice))), "a1");
    EXPECT_EQ(all.opened_at(), "sd1 a1");
    const std::string sid = attribute(all.ask(login(alice, 2000)).body, "sid");
    EXPECT_EQ(all.opened_at(), "sd1 a1 a1");
    ASSERT_EQ(all.proxy().reload(yaml(true)), "");
    EXPECT_EQ(session_at(all.ask(login(alice, 3000))), "a1");
    EXPECT_EQ(all.opened_at(), "sd1 a1 a1 a1") << "no discovery node is asked";
    EXPECT_THAT(all.ask(in_session(sid, 3001)).body, HasSubstr(answer_to(3001).substr(5)))
        << "sids are signed by the key of the process still";

    ASSERT_EQ(all.proxy().reload(yaml(false)), "");
    EXPECT_EQ(terminated(all.ask(in_session(sid, 3002))), "host-gone");
    EXPECT_EQ(session_at(all.ask(login(alice, 4000))), "b1");
    EXPECT_EQ(all.opened_at(), "sd1 a1 a1 a1 sd1 b1") << "a1 is not asked for anything";
}

class ReloadTls : public testing::Test {
  protected:
    std::string config(std::uint16_t node_port, const std::string& node_tls = {}) {
        const std::string certificate = directory_.write("cert.pem", own_.pem());
        const std::string key = directory_.write("key.pem", own_.key_pem());
        return "threads: 1\nlisten:\n  - {address: \"127.0.0.1:0\", tls: {certificate: " +
               certificate + ", key: " + key + "}}\nlog: {access: \"off\"}\nnodes:\n  node-a1:\n" +
               "    url: \"" + (node_tls.empty() ? "http" : "https") +
               "://127.0.0.1:" + std::to_string(node_port) + "/httpbinding\"\n" +
               (node_tls.empty() ? ""
                                 : "    host: node-a1.example.com\n    tls: {" + node_tls + "}\n") +
               "health: {interval: 0s}\n";
    }
    [[nodiscard]] test_certificate named(const std::string& name) {
        return make_certificate({.common_name = name, .names = {"DNS:" + name}}, &authority_);
    }
    static std::string shown_to(stream& client) {
        X509* peer = SSL_get0_peer_certificate(client.ssl());
        std::array<char, 256> text{};
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, text.data(),
                                  static_cast<int>(text.size()));
        return text.data();
    }

    temp_directory directory_;
    test_certificate authority_ = make_certificate({.common_name = "CA", .authority = true});
    test_certificate own_ = named("old.example.com");
};

TEST_F(ReloadTls, ARenewedCertificateIsShownFromTheNextConnectionOn) {
    stub_node node(bosh_node);
    running_proxy proxy(config(node.port()));
    const ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    stream before(connect_to_loopback(proxy.port()), context.get(), stream::role::client);
    ASSERT_TRUE(before.usable());
    EXPECT_EQ(shown_to(before), "old.example.com");
    before.write(poll("s", 1));
    EXPECT_EQ(before.read_answer().body, answer_to(1));

    own_ = named("new.example.com");
    const std::string renewed = config(node.port());
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(proxy.reload(renewed), "");
    }
    stream after(connect_to_loopback(proxy.port()), context.get(), stream::role::client);
    ASSERT_TRUE(after.usable());
    EXPECT_EQ(shown_to(after), "new.example.com");
    before.write(poll("s", 2));
    EXPECT_EQ(before.read_answer().body, answer_to(2)) << "the old connection lives on";

    // A key that does not fit: the old one stays.
    directory_.write("key.pem", named("another").key_pem());
    EXPECT_NE(proxy.reload(renewed), "");
    stream still(connect_to_loopback(proxy.port()), context.get(), stream::role::client);
    EXPECT_EQ(shown_to(still), "new.example.com");
}

// Whoever is in the middle of its handshake has the old context, which nothing else holds any more.
TEST_F(ReloadTls, AHandshakeGoesOnAcrossReloads) {
    stub_node node(bosh_node);
    running_proxy proxy(config(node.port()));
    const ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    const int descriptor = connect_to_loopback(proxy.port());
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    SSL* ssl = SSL_new(context.get());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    EXPECT_EQ(SSL_do_handshake(ssl), -1);
    char* hello = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &hello));
    ASSERT_GT(size, 100U);
    stream wire(descriptor, nullptr, stream::role::client);
    wire.write({hello, 50});
    ASSERT_TRUE(
        running_proxy::until([&] { return proxy.app().total(&core_counters::connections) == 1; }));
    own_ = named("new.example.com");
    const std::string renewed = config(node.port());
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(proxy.reload(renewed), "");
    }
    EXPECT_EQ(proxy.app().forget_old(), 0U);
    wire.write({hello + 50, size - 50});
    std::string answer;
    ASSERT_TRUE(wire.read(answer));
    BIO_write(in, answer.data(), static_cast<int>(answer.size()));
    while (SSL_do_handshake(ssl) != 1) {
        std::string more;
        ASSERT_TRUE(wire.read(more));
        BIO_write(in, more.data(), static_cast<int>(more.size()));
    }
    SSL_free(ssl);
}

TEST_F(ReloadTls, ANodeIsTrustedByTheNewRulesAndItsTicketIsKeptWhereTheyAreTheSame) {
    const test_certificate shown = named("node-a1.example.com");
    const ssl_ctx_ptr tls(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(tls.get(), shown.certificate.get());
    SSL_CTX_use_PrivateKey(tls.get(), shown.key.get());
    stub_node node(bosh_node, tls.get());
    const std::string ca = "ca_file: " + directory_.write("ca.pem", authority_.pem());
    running_proxy proxy(config(node.port(), ca));
    const ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
    const auto ask = [&](std::uint64_t rid) {
        stream client(connect_to_loopback(proxy.port()), context.get(), stream::role::client);
        client.write(poll("s", rid));
        return client.read_answer();
    };
    EXPECT_EQ(ask(1).body, answer_to(1));
    const auto first = proxy.app().settings().nodes[0].tls;
    ASSERT_EQ(proxy.reload(config(node.port(), ca)), "");
    EXPECT_EQ(proxy.app().settings().nodes[0].tls, first);
    EXPECT_EQ(ask(2).body, answer_to(2));
    EXPECT_EQ(node.links(), 1);

    // Another authority under the same name: nobody resumes, nobody goes on over an idle link.
    const test_certificate other = make_certificate({.common_name = "other", .authority = true});
    directory_.write("ca.pem", other.pem());
    ASSERT_EQ(proxy.reload(config(node.port(), ca)), "");
    EXPECT_NE(proxy.app().settings().nodes[0].tls, first);
    EXPECT_NE(ask(3).status, 200);
    directory_.write("ca.pem", authority_.pem());
    ASSERT_EQ(proxy.reload(config(node.port(), ca)), "");
    EXPECT_EQ(ask(3).body, answer_to(3));
}

class ReloadUnderLoad : public testing::TestWithParam<int> {};

// Chats, logins and new connections, while nodes come, go and move and limits change under them.
TEST_P(ReloadUnderLoad, NoRequestIsLost) {
    constexpr int chats = 6;
    constexpr int reloads = 60;
    stub_node node(bosh_node);
    stub_node other(bosh_node);
    stub_node extra(bosh_node);
    const auto yaml = [&](int turn) {
        std::vector<named_node> nodes{{"node-a1", (turn % 3 == 2 ? other : node).port(),
                                       turn % 2 == 0 ? "/httpbinding" : "/elsewhere"}};
        if (turn % 2 == 1) {
            nodes.insert(nodes.begin(), {"extra-" + std::to_string(turn), extra.port()});
        }
        return with_threads(
            config_of(nodes, "sessions: {replay_answers: " + std::to_string(turn % 4) +
                                 "}\nlimits: {fields: " + std::to_string(50 + turn) +
                                 "}\ncors: {origins: [\"https://o" + std::to_string(turn % 5) +
                                 ".example.com\"]}\n"),
            GetParam());
    };
    running_proxy proxy(yaml(0));
    std::atomic<bool> ending{false};
    std::atomic<int> wrong{0};
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    // Asked here: the list of ports is the reloading thread's.
    const auto connect = [port = proxy.port()] {
        return std::make_unique<stream>(connect_to_loopback(port), nullptr, stream::role::client);
    };
    for (int i = 0; i < chats; ++i) {
        threads.emplace_back([&, i] {
            const std::string sid = "s" + std::to_string(i);
            std::unique_ptr<stream> client = connect();
            for (std::uint64_t rid = 1; !ending; ++rid) {
                if (rid % 10 == 0) {
                    client = connect();
                }
                client->write(poll(sid, rid, "<word/>"));
                const http_answer answer = client->read_answer();
                wrong += answer.body == answer_to(rid) ? 0 : 1;
                ++done;
            }
        });
    }
    for (int turn = 1; turn <= reloads; ++turn) {
        const int before = done;
        ASSERT_EQ(proxy.reload(yaml(turn)), "") << turn;
        ASSERT_TRUE(running_proxy::until([&] { return done > before + chats; })) << turn;
    }
    ending = true;
    for (std::thread& one : threads) {
        one.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(running_proxy::until([&] { return proxy.app().forget_old() == 0; }))
        << "no old snapshot is held by what is idle";
}

INSTANTIATE_TEST_SUITE_P(Cores, ReloadUnderLoad, ::testing::Values(1, 2));

TEST(Reload, IsRefusedWhileDraining) {
    gate hold;
    stub_node node([&](const node_request& got) {
        return node_reply{.bytes = ok(answer_to(rid_of(got))), .before = hold.wait()};
    });
    const opens_at_end opener(hold);
    running_proxy proxy(config_of({{"node-a1", node.port()}}));
    const auto client = proxy.connect();
    client->write(poll("s", 1));
    ASSERT_TRUE(node_has(node, 1));
    proxy.app().drain(std::chrono::seconds{20});
    EXPECT_THAT(proxy.reload(config_of({{"node-a1", node.port()}})), HasSubstr("shutting down"));
    hold.open();
    EXPECT_EQ(client->read_answer().body, answer_to(1));
}

TEST(Reload, SaysWhatHasChangedAndWhatNeedsAStart) {
    stub_node node(bosh_node);
    const named_node a{"a", node.port()};
    const named_node b{"b", node.port()};
    const std::string first = config_of({a, b});
    struct {
        std::string then;
        std::string says;
    } const cases[] = {
        {first, "nothing"},
        {config_of({b, a}), "nothing"},
        {config_of({a}), "1 node removed (b)"},
        {config_of({a, b, {"c", node.port()}, {"d", node.port()}}), "2 nodes added (c, d)"},
        {config_of({a, {"b", node.port(), "/x"}}, "prefix: /app\n"),
         "1 node moved (b); routes changed"},
        {config_of({a, b}, "timeouts: {idle: 10s}\nlimits: {fields: 50}\n"),
         "timeouts changed; limits changed"},
        {config_of({a, b}, {}, "{address: \"127.0.0.1:0\"}, {address: \"127.0.0.2:0\"}"),
         "1 listener opened (127.0.0.2 port 0)"},
    };
    for (const auto& one : cases) {
        running_proxy proxy(first);
        const proxy::predecessor before = proxy.app().before();
        ASSERT_EQ(proxy.reload(one.then), "");
        EXPECT_EQ(proxy::changes_between(*before.now, proxy.app().settings()), one.says);
        EXPECT_THAT(proxy::needs_start(before.now->config, proxy.app().settings().config),
                    testing::IsEmpty());
    }
    running_proxy proxy(first);
    const proxy::predecessor before = proxy.app().before();
    ASSERT_EQ(proxy.reload(with_threads(first, 2)), "");
    EXPECT_THAT(proxy::needs_start(before.now->config, proxy.app().settings().config),
                testing::ElementsAre("threads: takes effect at the next start"));
    EXPECT_EQ(proxy.ask(poll_at("a", "s", 1)).body, answer_to(1));
}

} // namespace
} // namespace boshgate::tests
