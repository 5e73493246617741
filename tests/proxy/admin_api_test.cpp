#include "proxy/admin_api.hpp"

#include "tests/support/running_admin.hpp"
#include "tests/support/running_proxy.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>

#include <boost/json.hpp>

namespace boshgate::tests {
namespace {

namespace json = boost::json;
using proxy::admin_server;

const std::string bearer = "Authorization: Bearer " + std::string(64, 'a') + "\r\n";

// The API of a running proxy.
class api {
  public:
    explicit api(const std::string& yaml)
        : proxy_(yaml),
          admin_(
              [this](admin_server& to, boost::asio::io_context& context) {
                  add_all(to, {.control = context, .proxy = proxy_.app(), .unresolved = [this] {
                                   return unresolved_.load();
                               }});
              },
              {{}, {*conf::parse_secret(std::string(64, 'a'))}}) {}

    [[nodiscard]] running_proxy& proxy() noexcept { return proxy_; }
    [[nodiscard]] const running_admin& admin() const noexcept { return admin_; }
    void set_unresolved(std::size_t count) noexcept { unresolved_ = count; }
    [[nodiscard]] json::object get(const std::string& target) const {
        return json::parse(admin_.get(target).body).as_object();
    }

  private:
    std::atomic<std::size_t> unresolved_ = 0;
    running_proxy proxy_;
    running_admin admin_;
};

std::set<std::string> keys_of(const json::object& of) {
    std::set<std::string> keys;
    for (const auto& [key, value] : of) {
        keys.emplace(key);
    }
    return keys;
}

const std::string config = with_threads(
    bosh_config_with_node(1, "discovery: {path: /find, primary: node-a1}\nprefix: /app\n"), 2);

TEST(AdminApi, IsAliveWhileItsCoresAre) {
    const api of(config);
    EXPECT_EQ(of.admin().get("/livez").body, "alive\n");
}

TEST(AdminApi, IsReadyWhenNamesAreKnownAndUntilItDrains) {
    api of(config);
    of.set_unresolved(2);
    const http_answer early = of.admin().get("/readyz");
    EXPECT_EQ(early.status, 503);
    EXPECT_EQ(early.body, "starting: the names of 2 nodes are still being looked up\n");
    EXPECT_EQ(of.get("/api/v1/status").at("state"), "starting");
    of.set_unresolved(0);
    EXPECT_EQ(of.admin().get("/readyz").status, 200);
    EXPECT_EQ(of.get("/api/v1/status").at("state"), "ready");
    of.proxy().app().drain(read_limit);
    const http_answer late = of.admin().get("/readyz");
    EXPECT_EQ(late.status, 503);
    EXPECT_EQ(late.body, "draining: no new connections are taken\n");
    EXPECT_EQ(of.get("/api/v1/status").at("state"), "draining");
}

TEST(AdminApi, TellsTheStatus) {
    const api of(config);
    const json::object status = of.get("/api/v1/status");
    EXPECT_EQ(keys_of(status),
              (std::set<std::string>{"version", "state", "pid", "started_unix_ms", "uptime_ms",
                                     "cores", "listeners", "connections", "sessions", "exchanges",
                                     "links", "nodes", "discovery"}));
    EXPECT_EQ(status.at("version"), BOSHGATE_VERSION);
    EXPECT_EQ(status.at("cores"), 2);
    EXPECT_EQ(status.at("nodes"), 1);
    EXPECT_EQ(status.at("discovery"),
              json::parse(R"({"path":"/app/find","primary":"node-a1","secondary":null})"));
    EXPECT_EQ(status.at("listeners").at(0).at("address"), "127.0.0.1");
    EXPECT_EQ(api(bosh_config_with_node(1)).get("/api/v1/status").at("discovery"), nullptr);
}

TEST(AdminApi, TellsOfNodesAndTakesWishes) {
    const api of(config);
    const json::object node = of.get("/api/v1/nodes").at("nodes").at(0).as_object();
    EXPECT_EQ(keys_of(node),
              (std::set<std::string>{"name", "path", "url", "aliases", "role", "state", "measured",
                                     "reason", "words", "evidence", "since_unix_ms", "wish",
                                     "sessions", "held", "links", "answers", "answer_time",
                                     "certificate_expires_unix_ms"}));
    EXPECT_EQ(node.at("name"), "node-a1");
    EXPECT_EQ(node.at("path"), "/app/node-a1");
    EXPECT_EQ(node.at("url"), "http://127.0.0.1:1/httpbinding");
    EXPECT_EQ(node.at("role"), "primary");
    EXPECT_EQ(node.at("state"), "up");
    EXPECT_EQ(node.at("reason"), nullptr);

    struct order {
        const char *word, *state, *wish;
    };
    for (const order& one : {order{"drain", "draining", "drain"},
                             {"disable", "disabled", "disable"},
                             {"enable", "up", "none"}}) {
        const std::string target = "/api/v1/nodes/node-a1/" + std::string(one.word);
        EXPECT_EQ(of.admin().post(target).status, 401) << one.word;
        const http_answer got = of.admin().post(target, bearer);
        EXPECT_EQ(got.status, 200) << got.body;
        EXPECT_EQ(json::parse(got.body).at("state"), one.state);
        const json::object now = of.get("/api/v1/nodes/node-a1");
        EXPECT_EQ(now.at("state"), one.state);
        EXPECT_EQ(now.at("wish"), one.wish);
    }
}

TEST(AdminApi, SaysWhichNodeWasMeant) {
    const api of(config);
    const std::pair<std::string, const char*> cases[] = {
        {of.admin().get("/api/v1/nodes/node-a2").body, "did you mean node-a1?"},
        {of.admin().post("/api/v1/nodes/node-a2/drain", bearer).body, "did you mean node-a1?"},
        {of.admin().post("/api/v1/nodes/zzz/drain", bearer).body, "there is no node 'zzz'"},
        {of.admin().post("/api/v1/nodes/node-a1/stop", bearer).body, "NAME/drain, NAME/disable"},
        {of.admin().post("/api/v1/nodes/node-a1", bearer).body, "NAME/drain, NAME/disable"},
        {of.admin().post("/api/v1/nodes/drain", bearer).body, "NAME/drain, NAME/disable"},
    };
    for (const auto& [body, part] : cases) {
        EXPECT_NE(body.find(part), std::string::npos) << part << body;
    }
}

TEST(AdminApi, LooksUpWhereAUserWouldGo) {
    const api of(config);
    EXPECT_EQ(of.get("/api/v1/lookup?jid=Alice@example.com/desk"),
              json::parse(R"({"jid":"alice@example.com","cached":null,"next":"node-a1",
                              "why":"first","words":"the user's nodes are not known at this moment;)"
                          R"( the primary discovery node is asked first"})"));
    const json::object asked = of.get("/api/v1/lookup?jid=alice@example.com&ask=true");
    EXPECT_EQ(asked.at("asked").at("failure"), "nobody");
    EXPECT_EQ(asked.at("asked").at("steps").at(0).at("outcome"), "dead");
    EXPECT_EQ(of.admin().get("/api/v1/lookup").status, 400);
    EXPECT_EQ(of.admin().get("/api/v1/lookup?jid=nobody").status, 400);
    EXPECT_EQ(api(bosh_config_with_node(1)).admin().get("/api/v1/lookup?jid=a@b").status, 404);
}

TEST(AdminApi, LooksUpWhatALoginHasLearnt) {
    api of("threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\n"
           "nodes: {sd: \"http://127.0.0.1:1/x\", home: \"http://127.0.0.1:1/y\",\n"
           "        back: \"http://127.0.0.1:1/z\"}\n"
           "discovery: {path: /find, primary: sd}\nhealth: {interval: 0s}\n"
           "log: {access: \"off\"}\n");
    static_cast<void>(
        of.proxy().app().shared().homes.learn("alice@example.com", {.home = 1, .backup = 2}));
    const std::string question = "/api/v1/lookup?jid=alice@example.com";
    json::object got = of.get(question);
    EXPECT_EQ(got.at("cached"), json::parse(R"({"home":"home","backup":"back"})"));
    EXPECT_EQ(got.at("next"), "home");
    EXPECT_EQ(got.at("why"), "stored_home");
    EXPECT_EQ(of.admin().post("/api/v1/nodes/home/drain", bearer).status, 200);
    got = of.get(question);
    EXPECT_EQ(got.at("next"), "back");
    EXPECT_EQ(got.at("words"), "it is the user's backup; the home is not in use: home is draining");
    EXPECT_EQ(of.admin().post("/api/v1/nodes/back/disable", bearer).status, 200);
    got = of.get(question);
    EXPECT_EQ(got.at("next"), "sd");
    EXPECT_EQ(got.at("words"), "the user's nodes are not in use (home is draining, back is "
                               "disabled); the primary discovery node is asked first");
    EXPECT_EQ(of.admin().post("/api/v1/nodes/sd/disable", bearer).status, 200);
    EXPECT_EQ(of.get(question).at("next"), nullptr);
}

} // namespace
} // namespace boshgate::tests
