// The questions themselves: what a node gets to see of each kind, and what is left of it.

#include "proxy/prober.hpp"

#include "proxy/node_states.hpp"
#include "tests/support/login_cluster.hpp"
#include "tests/support/sasl_features.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using discovery::health_state;
using proxy::core_counters;

const std::string not_found =
    "<body " + bosh_namespace + " type='terminate' condition='item-not-found'/>";

std::string plain_node(std::uint16_t port, const std::string& health,
                       const std::string& more = {}) {
    return bosh_config_with_node(port, "health: {interval: 100ms, timeout: 20s, " + health + "}\n" +
                                           more);
}

bool becomes(running_proxy& proxy, health_state state) {
    return running_proxy::until(
        [&] { return proxy.app().shared().nodes.report(0).state == state; });
}

// How many requests of each kind a node got.
struct seen {
    int questions = 0, opened = 0, polled = 0, ended = 0, other = 0;
};

seen seen_by(const stub_node& node) {
    seen all;
    for (const node_request& got : node.requests()) {
        const std::string sid = attribute(got.body, "sid");
        (sid.starts_with("boshgate-asks")                    ? all.questions
         : attribute(got.body, "type") == "terminate"        ? all.ended
         : sid == "s"                                        ? all.polled
         : sid.empty() && !attribute(got.body, "to").empty() ? all.opened
                                                             : all.other)++;
    }
    return all;
}

TEST(Prober, AsksWithAnInventedSidAndNothingElse) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok(not_found)}; });
    running_proxy proxy(plain_node(node.port(), "jitter: 0"));
    ASSERT_TRUE(node_has(node, 5));
    EXPECT_LE(node.links(), 2) << "over links that stand, but for the first";
    const node_request first = node.requests().front();
    EXPECT_EQ(first.line(), "POST /httpbinding HTTP/1.1");
    EXPECT_EQ(first.field("Content-Length"), std::to_string(first.body.size()));
    EXPECT_EQ(first.field("X-Forwarded-For"), "127.0.0.1");
    const seen all = seen_by(node);
    EXPECT_EQ(all.opened + all.polled + all.ended + all.other, 0);
}

struct session_row {
    const char* name;
    const char* features_in; // "open", "poll", "never"
    const char* health;
    const char* why; // "": it is up
};

TEST(Prober, OpensASessionThatSomebodyCouldLogInToAndEndsIt) {
    for (const session_row& one : {
             session_row{"features at once", "open", "domain: example.com", ""},
             session_row{"features later", "poll", "domain: example.com", ""},
             session_row{"no features", "never", "domain: example.com", "no_mechanisms"},
         }) {
        SCOPED_TRACE(one.name);
        const std::string features = features_with({});
        stub_node node([&](const node_request& got) {
            const std::string sid = attribute(got.body, "sid");
            const std::string at = one.features_in;
            if (sid.starts_with("boshgate-asks") || attribute(got.body, "type") == "terminate") {
                return node_reply{.bytes = ok(not_found)};
            }
            if (sid.empty()) {
                return node_reply{.bytes = ok(opened("s", at == "open" ? features : ""))};
            }
            return node_reply{.bytes = ok(answer_to(rid_of(got), at == "poll" ? features : ""))};
        });
        running_proxy proxy(plain_node(node.port(), one.health));
        ASSERT_TRUE(running_proxy::until([&] {
            const seen all = seen_by(node);
            return all.opened > 0 && all.questions > 2;
        }));
        ASSERT_TRUE(becomes(proxy, *one.why == 0 ? health_state::up : health_state::down));
        EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, one.why);
        EXPECT_TRUE(running_proxy::until([&] {
            const seen all = seen_by(node);
            return all.opened == all.ended;
        })) << "every session that was opened is ended";
        const seen all = seen_by(node);
        EXPECT_EQ(all.other, 0);
        if (*one.why == 0) {
            EXPECT_EQ(all.opened, 1) << "the next one is due in ten minutes";
        }
        for (const node_request& got : node.requests()) {
            if (attribute(got.body, "sid").empty()) {
                EXPECT_EQ(attribute(got.body, "to"), "example.com");
                EXPECT_EQ(attribute(got.body, "from"), "");
                EXPECT_EQ(attribute(got.body, "hold"), "1");
                EXPECT_EQ(attribute(got.body, "xmpp:version"), "1.0");
            }
        }
    }
}

TEST(Prober, ADiscoveryNodeHasToNameANodeForTheUser) {
    std::atomic<bool> knows{true};
    stub_node node([&](const node_request& got) {
        const std::string sid = attribute(got.body, "sid");
        return node_reply{
            .bytes = ok(!sid.empty()
                            ? not_found
                            : opened("s", features_with(knows ? std::vector<std::string>{"node-a1"}
                                                              : std::vector<std::string>{})))};
    });
    const std::string more = "discovery: {path: /httpbinding, primary: node-a1}\n";
    for (const bool known : {true, false}) {
        knows = known;
        running_proxy proxy(plain_node(node.port(), "user: alice@example.com", more));
        if (known) {
            ASSERT_TRUE(running_proxy::until([&] { return seen_by(node).ended > 0; }));
            EXPECT_EQ(proxy.app().shared().nodes.report(0).state, health_state::up);
        } else {
            ASSERT_TRUE(becomes(proxy, health_state::down));
            EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "no_hostnames");
        }
    }
    for (const node_request& got : node.requests()) {
        if (attribute(got.body, "sid").empty()) {
            EXPECT_EQ(attribute(got.body, "from"), "alice@example.com");
            EXPECT_EQ(attribute(got.body, "to"), "example.com");
        }
    }
}

TEST(Prober, TcpOnlyConnects) {
    raw_node node;
    running_proxy proxy(plain_node(node.port(), "probe: tcp"));
    for (int i = 0; i < 3; ++i) {
        const std::unique_ptr<stream> link = node.accept();
        ASSERT_TRUE(link);
        EXPECT_TRUE(link->at_end()) << "nothing is sent, and the link is closed";
    }
    EXPECT_EQ(proxy.app().shared().nodes.report(0).state, health_state::up);
    const refusing_port nobody;
    proxy.app().set_addresses(0, {loopback_address(nobody.port())}, {});
    EXPECT_TRUE(becomes(proxy, health_state::down));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "refused");
    proxy.app().set_addresses(0, {loopback_address(node.port())}, {});
    EXPECT_TRUE(becomes(proxy, health_state::up));
}

TEST(Prober, ANameThatIsGoneIsAReason) {
    stub_node node([](const node_request&) { return node_reply{.bytes = ok(not_found)}; });
    running_proxy proxy(plain_node(node.port(), "jitter: 0"));
    ASSERT_TRUE(node_has(node, 1));
    proxy.app().set_addresses(0, {}, "no such name");
    ASSERT_TRUE(becomes(proxy, health_state::down));
    EXPECT_EQ(proxy.app().shared().nodes.report(0).reason, "unresolved");
    EXPECT_NE(proxy.app().shared().nodes.report(0).evidence.find("no such name"),
              std::string::npos);
    proxy.app().set_addresses(0, {loopback_address(node.port())}, {});
    EXPECT_TRUE(becomes(proxy, health_state::up));
}

} // namespace
} // namespace boshgate::tests
