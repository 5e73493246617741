// `boshgate discover`: what it prints of a login, its exit status, and that it leaves no session
// behind.

#include "proxy/discover.hpp"

#include "tests/support/bosh_client.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

struct outcome {
    int status;
    std::string out, err;
};

// Two nodes that are asked, and two where users live; a node without a conduct takes no connection.
class lab {
  public:
    using names = std::vector<std::string>; // that a node's features have
    struct conduct {
        bool up = true;
        names all;
        std::string says;   // instead: the answer to every session request
        bool later = false; // the features come with the answer to a poll
    };
    using conducts = std::array<conduct, 4>;

    explicit lab(conducts all) : conducts_(std::move(all)) {
        std::string yaml = "listen: [{address: \"127.0.0.1:8080\"}]\nnodes:\n";
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            nodes_[i] = std::make_unique<stub_node>(
                [this, i](const node_request& got) { return answer(i, got); });
            const std::uint16_t port = conducts_[i].up ? nodes_[i]->port() : nobody_.port();
            yaml += "  " + called[i] + ": {url: \"http://127.0.0.1:" + std::to_string(port) +
                    "/httpbinding\", aliases: [" + called[i] + ".example.com]}\n";
        }
        file_ = directory_.write("boshgate.yaml",
                                 yaml + "discovery: {path: /httpbinding, primary: node-sd1, "
                                        "secondary: node-sd2, step: 20s, patience: 30s}\n");
    }

    outcome run(const std::string& user, bool json = false) {
        std::ostringstream out;
        std::ostringstream err;
        const int status = proxy::discover(file_, user, json, out, err);
        return {status, out.str(), err.str()};
    }

    // Sessions that were opened and not ended with the next rid.
    [[nodiscard]] std::vector<std::string> left() const {
        const std::lock_guard lock(mutex_);
        return open_;
    }
    [[nodiscard]] std::string first_body(std::size_t node) const {
        const auto all = nodes_[node]->requests();
        return all.empty() ? "" : all.front().body;
    }

    inline static const std::array<std::string, 4> called{"node-sd1", "node-sd2", "node-a1",
                                                          "node-b1"};

  private:
    static std::string features(const names& all) {
        std::string text = "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"
                           "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                           "<mechanism>PLAIN</mechanism>";
        for (const std::string& one : all) {
            text += "<hostname xmlns='urn:xmpp:domain-based-name:0'>" + one + "</hostname>";
        }
        return text + "</mechanisms></stream:features>";
    }

    node_reply answer(std::size_t which, const node_request& got) {
        const conduct& how = conducts_[which];
        const std::string sid = attribute(got.body, "sid");
        const std::lock_guard lock(mutex_);
        if (sid.empty()) {
            if (!how.says.empty()) {
                return {.bytes = ok(how.says)};
            }
            const std::string opened = "s" + std::to_string(++count_);
            open_.push_back(opened);
            return {.bytes = ok("<body " + bosh_namespace + " sid='" + opened + "' wait='30'>" +
                                (how.later ? "" : features(how.all)) + "</body>")};
        }
        if (attribute(got.body, "type") == "terminate") {
            std::erase(open_, sid);
            return {.bytes = ok("<body " + bosh_namespace + " type='terminate'/>")};
        }
        return {.bytes = ok("<body " + bosh_namespace + ">" + features(how.all) + "</body>")};
    }

    conducts conducts_;
    refusing_port nobody_;
    temp_directory directory_;
    std::string file_;
    mutable std::mutex mutex_;
    std::vector<std::string> open_; // guarded by mutex_
    int count_ = 0;                 // guarded by mutex_
    std::array<std::unique_ptr<stub_node>, 4> nodes_;
};

// Times are not told twice alike.
std::string without_times(const std::string& text) {
    return std::regex_replace(std::regex_replace(text, std::regex(" +\\d+ ms +\\+\\d+ ms"), "  T"),
                              std::regex("_ms\":\\d+"), "_ms\":0");
}

const lab::names both{"node-a1", "node-b1"};

TEST(Discover, PrintsTheHomesTheWayThereAndAStatusForScripts) {
    const std::string terminate = "<body " + bosh_namespace + " type='terminate' condition='";
    const struct {
        std::string name;
        lab::conducts nodes;
        int status;
        std::string printed;
    } cases[] = {
        {"all up",
         {{{.all = both}, {.all = both}, {.all = both}, {.all = both}}},
         0,
         "a@example.com: home node-a1, backup node-b1; a session opens at node-a1\n"
         "  T  node-sd1  primary      names node-a1 and node-b1\n"
         "  T  node-a1   home         names node-a1 and node-b1\n"},
        {"home down",
         {{{.all = both}, {.all = both}, {.up = false}, {.all = both}}},
         0,
         "a@example.com: home node-a1, backup node-b1; a session opens at node-b1\n"
         "  T  node-sd1  primary      names node-a1 and node-b1\n"
         "  T  node-a1   home         the node refused the connection\n"
         "  T  node-b1   backup       names node-a1 and node-b1\n"},
        {"primary down, features later, one name",
         {{{.up = false}, {.all = {"node-b1"}, .later = true}, {}, {.all = {"node-b1"}}}},
         0,
         "a@example.com: home node-b1; a session opens at node-b1\n"
         "  T  node-sd1  primary      the node refused the connection\n"
         "  T  node-sd2  secondary    names node-b1\n"
         "  T  node-b1   home         names node-b1\n"},
        {"home and backup down",
         {{{.all = both}, {.all = both}, {.up = false}, {.up = false}}},
         1,
         "a@example.com: home node-a1, backup node-b1; no session: none of these can be reached\n"
         "  T  node-sd1  primary      names node-a1 and node-b1\n"
         "  T  node-a1   home         the node refused the connection\n"
         "  T  node-b1   backup       the node refused the connection\n"
         "  T  node-sd1  asked again  names node-a1 and node-b1\n"
         "  T  node-sd2  secondary    names node-a1 and node-b1\n"},
        {"nobody is named",
         {{{}, {}, {}, {}}},
         1,
         "a@example.com: no home is known; a session opens at node-sd1\n"
         "  T  node-sd1  primary      names nobody\n"},
        {"a stranger is named",
         {{{.all = {"elsewhere"}}, {}, {}, {}}},
         1,
         "a@example.com: no home is known; a session opens at node-sd1\n"
         "  T  node-sd1  primary      names nobody, and 'elsewhere', which is no node here\n"
         "no node of this configuration is called 'elsewhere': add it to the aliases of the node "
         "that "
         "it means, or add that node\n"},
        {"the domain is not served",
         {{{.says = terminate + "host-unknown'/>"},
           {.says = terminate + "host-unknown'/>"},
           {},
           {}}},
         1,
         "a@example.com: no home is known; no session: the node refuses it\n"
         "  T  node-sd1  primary      does not serve this user\n"
         "  T  node-sd2  secondary    does not serve this user\n"},
        {"everything is down",
         {{{.up = false}, {.up = false}, {.up = false}, {.up = false}}},
         1,
         ""},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        lab nodes(one.nodes);
        const outcome got = nodes.run("A@Example.com/desk");
        EXPECT_EQ(got.status, one.status);
        EXPECT_EQ(got.err, "");
        if (one.printed.empty()) {
            EXPECT_TRUE(got.out.starts_with(
                "a@example.com: no home is known; no session: no node answers\n"))
                << got.out;
            EXPECT_EQ(std::count(got.out.begin(), got.out.end(), '\n'), 5) << got.out;
        } else {
            EXPECT_EQ(without_times(got.out), one.printed);
        }
        EXPECT_EQ(nodes.left(), std::vector<std::string>{}) << "sessions that nobody ended";
    }
}

TEST(Discover, PrintsOneObjectForPrograms) {
    lab nodes(lab::conducts{{{.all = both}, {}, {.up = false}, {.all = both}}});
    const outcome got = nodes.run("a\\b@example.com", true);
    EXPECT_EQ(got.status, 0) << got.err;
    EXPECT_EQ(without_times(got.out),
              "{\"jid\":\"a\\\\b@example.com\",\"home\":\"node-a1\",\"backup\":\"node-b1\","
              "\"opened\":\"node-b1\",\"failure\":null,\"steps\":["
              "{\"node\":\"node-sd1\",\"why\":\"first\",\"outcome\":\"named_others\","
              "\"home\":\"node-a1\",\"backup\":\"node-b1\",\"reason\":null,\"unknown_names\":[],"
              "\"polls\":0,\"began_ms\":0,\"took_ms\":0},"
              "{\"node\":\"node-a1\",\"why\":\"home\",\"outcome\":\"dead\",\"home\":null,"
              "\"backup\":null,\"reason\":\"node_refused\",\"unknown_names\":[],\"polls\":0,"
              "\"began_ms\":0,\"took_ms\":0},"
              "{\"node\":\"node-b1\",\"why\":\"backup\",\"outcome\":\"named_itself\","
              "\"home\":\"node-a1\",\"backup\":\"node-b1\",\"reason\":null,\"unknown_names\":[],"
              "\"polls\":0,\"began_ms\":0,\"took_ms\":0}]}\n");
}

TEST(Discover, AsksWithoutAPasswordAndAsTheUser) {
    lab nodes(lab::conducts{});
    EXPECT_EQ(nodes.run("a@example.com").status, 1);
    const std::string asked = nodes.first_body(0);
    EXPECT_EQ(attribute(asked, "from"), "a@example.com");
    EXPECT_EQ(attribute(asked, "to"), "example.com");
    EXPECT_EQ(attribute(asked, "wait"), "30"); // discovery.patience
    EXPECT_EQ(asked.find("<auth"), std::string::npos);
}

TEST(Discover, SaysWhatIsMissing) {
    const temp_directory directory;
    const std::string bare = "listen: [{address: \"127.0.0.1:8080\"}]\n"
                             "nodes: {node-a1: \"http://127.0.0.1:7336/httpbinding\"}\n";
    const struct {
        std::string name, yaml, user;
        int status;
        std::string expected;
    } cases[] = {
        {"no endpoint", bare, "a@example.com", 1, "there is no discovery endpoint"},
        {"wrong file", "listn: []\n", "a@example.com", 1, "did you mean listen"},
        {"a domain", bare, "example.com", 2, "'example.com' is no user"},
        {"no JID", bare, "a'b@example.com", 2, "is no user"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.name);
        std::ostringstream out;
        std::ostringstream err;
        EXPECT_EQ(
            proxy::discover(directory.write("boshgate.yaml", one.yaml), one.user, false, out, err),
            one.status);
        EXPECT_NE(err.str().find(one.expected), std::string::npos) << err.str();
        EXPECT_EQ(out.str(), "");
    }
}

} // namespace
} // namespace boshgate::tests
