// `boshgate doctor` as a command: what it says of the proxy and its machine, its exit status, and
// the object for programs.

#include "proxy/doctor.hpp"

#include "proxy/doctor_self.hpp"
#include "tests/support/bosh_client.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace boshgate::tests {
namespace {

struct outcome {
    int status;
    std::string out, err;
};

node_reply good_node(const node_request& got) {
    return {.bytes = ok(got.line().starts_with("GET")
                            ? "BOSH"
                            : "<body " + bosh_namespace +
                                  " type='terminate' condition='item-not-found'/>")};
}

class doctors_case {
  public:
    // `more`: of the configuration, with its listener.
    outcome run(const std::string& more, proxy::doctor_wishes wishes = {}) {
        wishes.config_file =
            directory.write("boshgate.yaml", more + "nodes:\n  node-a1: http://127.0.0.1:" +
                                                 std::to_string(node.port()) + "/httpbinding\n");
        return run(wishes);
    }
    static outcome run(const proxy::doctor_wishes& wishes) {
        std::ostringstream out;
        std::ostringstream err;
        const int status = proxy::doctor(wishes, out, err);
        return {status, out.str(), err.str()};
    }
    [[nodiscard]] std::string root() const {
        return "web_root: " + directory.path().string() + "\n";
    }

    temp_directory directory;
    stub_node node{good_node};
};

// Ports of the system's choice: whoever else runs on this machine does not matter.
const std::string admin_anywhere = "admin: {address: \"127.0.0.1:0\"}\n";
const std::string anywhere = "listen: [{address: \"127.0.0.1:0\"}]\n" + admin_anywhere;

// With one blank wherever lines were broken or cells filled up.
std::string flat(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const char shown = c == '\n' ? ' ' : c;
        if (shown != ' ' || out.empty() || out.back() != ' ') {
            out += shown;
        }
    }
    return out;
}

void expect_line(const outcome& got, const std::string& part) {
    EXPECT_NE(flat(got.out).find(flat(part)), std::string::npos) << part << '\n'
                                                                 << got.out << got.err;
}

TEST(Doctor, FindsEverythingInOrder) {
    doctors_case of;
    of.directory.write("index.html", "<html/>");
    const outcome got =
        of.run(anywhere + of.root() + "cors: {origins: [\"https://chat.example.com\"]}\n");
    EXPECT_EQ(got.status, 0) << got.out;
    EXPECT_EQ(got.err, "");
    expect_line(got, "/boshgate.yaml\n  ok       configuration  in order\n  ok       listener   ");
    expect_line(got, "127.0.0.1 port 0: the system will choose the port");
    expect_line(got, "and / is its index.html");
    expect_line(got, "https://chat.example.com: allowed, without");
    expect_line(got, "\nnode-a1  http://127.0.0.1:");
    expect_line(got, "answers as a BOSH server does");
    expect_line(got, "\n1 node: all in order\n");
}

TEST(Doctor, WarnsAndIsContent) {
    doctors_case of;
    const outcome got = of.run(anywhere); // nobody can use it
    EXPECT_EQ(got.status, 0) << got.out;
    expect_line(got, "no page can use");
    expect_line(got, "\n1 node: nothing wrong, 1 warning\n");
}

TEST(Doctor, SaysWhatLoadingFoundAndStops) {
    doctors_case of;
    const outcome got = of.run(anywhere + "nodez: 3\n");
    EXPECT_EQ(got.status, 1);
    expect_line(got, "wrong    configuration");
    expect_line(got, "nodez: unknown key, did you mean");
    EXPECT_TRUE(of.node.requests().empty());
    EXPECT_EQ(doctors_case::run(proxy::doctor_wishes{.config_file = "/nowhere/at/all.yaml"}).status,
              1);
}

TEST(Doctor, LooksAtOneNodeAlone) {
    doctors_case of;
    outcome got = of.run(anywhere, {.node = "node-a1"});
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.out.find("listener"), std::string::npos) << got.out;
    got = of.run(anywhere, {.node = "node-a2"});
    EXPECT_EQ(got.status, 2);
    EXPECT_NE(got.err.find("has no node 'node-a2', did you mean node-a1?"), std::string::npos)
        << got.err;
    EXPECT_EQ(got.out, "");
}

TEST(Doctor, TakesADomainThatIsOne) {
    doctors_case of;
    EXPECT_EQ(of.run(anywhere, {.domain = "a'b"}).status, 2);
    EXPECT_EQ(of.run(anywhere, {.domain = std::string(254, 'a')}).status, 2);
    EXPECT_TRUE(of.node.requests().empty());
    const outcome got = of.run(anywhere, {.domain = "example.com"});
    EXPECT_EQ(got.status, 1);
    expect_line(got, "for example.com");
}

TEST(Doctor, PrintsOneObjectForPrograms) {
    doctors_case of;
    const outcome got = of.run(anywhere, {.node = "node-a1", .json = true});
    const auto has = [&](const std::string& part) {
        EXPECT_NE(got.out.find(part), std::string::npos) << part << '\n' << got.out;
    };
    EXPECT_TRUE(got.out.starts_with("{\"verdict\":\"ok\",\"subjects\":[{\"kind\":\"node\",\"name\":"
                                    "\"node-a1\",\"url\":\"http://127.0.0.1:"))
        << got.out;
    has("\"verdict\":\"ok\",\"findings\":[{\"check\":\"connect\",\"verdict\":\"ok\",\"text\":");
    has("\"mend\":null,\"yaml\":null,\"took_ms\":");
    has("{\"check\":\"page\",\"verdict\":\"ok\",\"text\":\"status 200, \\\"BOSH\\\"\",");
    EXPECT_TRUE(got.out.ends_with("}]}]}\n")) << got.out;
}

TEST(Doctor, LeavesOutNodesWhoseTurnDoesNotCome) {
    doctors_case of;
    const outcome got =
        of.run(anywhere + of.root(), {.patience = {.all = std::chrono::milliseconds{0}}});
    EXPECT_EQ(got.status, 1);
    expect_line(got, "was not looked at: 0 s were over");
    EXPECT_TRUE(of.node.requests().empty());
}

TEST(Doctor, TellsWhoHasAPort) {
    doctors_case of;
    const auto listener = [](std::uint16_t port, const std::string& more = {}) {
        return admin_anywhere + "listen: [{address: \"127.0.0.1:" + std::to_string(port) + "\"" +
               more + "}]\n";
    };
    // A socket of this very process that is no proxy's: closed at once when it is asked.
    std::uint16_t taken = 0;
    const int held = listen_on_loopback(taken);
    const outcome other =
        of.run(listener(taken), {.patience = {.step = std::chrono::milliseconds{200}}});
    EXPECT_EQ(other.status, 1);
    expect_line(other, "is taken by ");
    expect_line(other, "process " + std::to_string(::getpid()));
    ::close(held);

    const running_proxy plain(config_with_node(of.node.port()));
    expect_line(of.run(listener(plain.port())), "a boshgate listens there");

    const test_certificate own = make_certificate({.names = {"IP:127.0.0.1"}});
    const std::string tls = ", tls: {certificate: " + of.directory.write("c.pem", own.pem()) +
                            ", key: " + of.directory.write("k.pem", own.key_pem()) + "}";
    const running_proxy secure("threads: 1\nlisten: [{address: \"127.0.0.1:0\"" + tls +
                               "}]\nlog: {access: \"off\"}\nnodes: {n: \"http://127.0.0.1:1/\"}\n");
    const outcome ours = of.run(listener(secure.port(), tls));
    EXPECT_EQ(ours.status, 0) << ours.out;
    expect_line(ours, "a boshgate listens there");
    expect_line(ours, "it signed itself, so browsers warn");
}

TEST(Doctor, TellsAnAddressThatThisMachineDoesNotHave) {
    doctors_case of;
    const outcome got = of.run(admin_anywhere + "listen: [{address: \"192.0.2.1:8443\"}]\n");
    EXPECT_EQ(got.status, 1);
    expect_line(got, "does not have the address");
    expect_line(got, "- address: 0.0.0.0:8443");
}

TEST(Doctor, ComparesDescriptorsWithWhatIsConfigured) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const std::uint64_t most = (limit.rlim_max - 256) / 2;
    ASSERT_LT(most, 10'000'000U);
    doctors_case of;
    const auto with = [&](std::uint64_t connections) {
        return anywhere + of.root() + "limits: {connections: " + std::to_string(connections) +
               "}\n";
    };
    EXPECT_EQ(of.run(with(most)).status, 0);
    const outcome got = of.run(with(most + 1));
    EXPECT_EQ(got.status, 1);
    expect_line(got, "limits: { connections: " + std::to_string(most) + " }");
    // Written by nobody, it is no wish.
    expect_line(of.run(anywhere + of.root()),
                "enough for " + std::to_string(most) + " connections");
}

TEST(Doctor, TellsOfDiscovery) {
    doctors_case of;
    const std::string keys = of.directory.write("keys", std::string(62, 'a') + "b1\n");
    ASSERT_EQ(::chmod(keys.c_str(), 0600), 0);
    const outcome got =
        of.run(anywhere + of.root() +
               "discovery: {path: /httpbinding, primary: node-a1, keys_file: " + keys + "}\n");
    EXPECT_EQ(got.status, 0) << got.out;
    expect_line(got, "/httpbinding asks node-a1 alone");
    expect_line(got, "keys has 1 secret");
    expect_line(got, "the domain of the users is not known");
}

TEST(Doctor, KnowsNoHolderOfAPortThatIsFree) {
    const refusing_port free;
    EXPECT_EQ(proxy::holder_of(free.port()).process, 0);
}

} // namespace
} // namespace boshgate::tests
