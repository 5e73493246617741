#include "proxy/nodes_command.hpp"

#include "proxy/command_line.hpp"
#include "tests/support/running_admin.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

namespace boshgate::tests {
namespace {

using proxy::admin_error;
using proxy::admin_request;
using proxy::admin_text;
using proxy::at_once;
using proxy::nodes_table;
using proxy::time_in_words;

const std::string token = std::string(63, 'a') + "c";

constexpr const char* answer =
    R"({"nodes":[
  {"name":"node-a1","state":"up","measured":"up","words":null,"evidence":null,
   "since_unix_ms":1000000,"wish":"none","sessions":12,"held":7,"tomorrow":[]},
  {"name":"b","state":"draining","measured":"up","words":null,"evidence":"an old one",
   "since_unix_ms":1170000,"wish":"drain","sessions":3,"held":1234},
  {"name":"node-c","state":"disabled","measured":"down","words":"speaks no BOSH at its URL",
   "evidence":"404","since_unix_ms":1000,"wish":"disable","sessions":0,"held":0},
  {"name":"node-d","state":"down","measured":"down","words":"takes no connections: refused",
   "evidence":null,"since_unix_ms":1179500,"wish":"none","sessions":0,"held":0}]})";

TEST(NodesCommand, MakesATable) {
    EXPECT_EQ(
        nodes_table(answer, 1'180'000),
        "node     state     since   sessions  held  why\n"
        "node-a1  up        3 min         12     7\n"
        "b        draining  10 s           3  1234  the operator's wish (an old one)\n"
        "node-c   disabled  19 min         0     0  the operator's wish; down: speaks no BOSH "
        "at its URL (404)\n"
        "node-d   down      0 s            0     0  takes no connections: refused\n");
    EXPECT_EQ(nodes_table(R"({"name":"n","state":"up","wish":"none","measured":"up"})", 0),
              "node  state  since  sessions  held  why\n"
              "n     up     0 s           0     0\n");
}

TEST(NodesCommand, SaysHowLong) {
    constexpr std::int64_t second = 1000;
    const std::pair<std::int64_t, const char*> cases[] = {
        {-5, "0 s"},
        {999, "0 s"},
        {119 * second, "119 s"},
        {120 * second, "2 min"},
        {7199 * second, "119 min"},
        {7200 * second, "2 h"},
        {48 * 3600 * second - 1, "47 h"},
        {48 * 3600 * second, "2 days"},
    };
    for (const auto& [ms, words] : cases) {
        EXPECT_EQ(time_in_words(ms), words) << ms;
    }
}

struct outcome {
    int status;
    std::string out, err;
};

outcome run(const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> words{"nodes", "-c", file};
    words.insert(words.end(), more.begin(), more.end());
    std::ostringstream out;
    std::ostringstream err;
    const int status = proxy::run_command(words, out, err);
    return {status, out.str(), err.str()};
}

std::string config(const std::string& admin) {
    return "listen: [{address: \"127.0.0.1:8080\", tls: {certificate: /no, key: /no}}]\n"
           "nodes: {node-a1: \"http://a.example/x\"}\nadmin: {" +
           admin + "}\n";
}

std::string address_of(const running_admin& admin) {
    return "address: \"127.0.0.1:" + std::to_string(admin.port()) + "\"";
}

TEST(NodesCommand, AsksTheRunningProcess) {
    const running_admin admin(
        [](proxy::admin_server& to, boost::asio::io_context& /*context*/) {
            to.get("/api/v1/nodes", at_once([](const admin_request& /*asked*/) {
                       return proxy::admin_answer{.body = answer};
                   }));
            to.post("/api/v1/nodes/", at_once([](const admin_request& asked) {
                        if (asked.tail != "node-a1/drain") {
                            return admin_error(404, "node", "there is no node 'x'");
                        }
                        return proxy::admin_answer{.body = R"({"name":"node-a1"})"};
                    }));
        },
        {{}, {*conf::parse_secret(token)}});
    const temp_directory directory;
    const std::string tokens = directory.write("tokens", "# ours\n" + token + "\n");
    std::filesystem::permissions(tokens, std::filesystem::perms::owner_read);
    const std::string file =
        directory.write("a.yaml", config(address_of(admin) + ", token_file: " + tokens));

    const outcome listed = run(file, {});
    EXPECT_EQ(listed.status, 0) << listed.err << "the process's certificates are not looked at";
    EXPECT_EQ(listed.out.substr(0, 15), "node     state ");
    EXPECT_EQ(run(file, {"--json"}).out, answer);
    const outcome drained = run(file, {"drain", "node-a1", "--json"});
    EXPECT_EQ(drained.status, 0) << drained.err;
    EXPECT_EQ(drained.out, R"({"name":"node-a1"})");
    const outcome unknown = run(file, {"drain", "x"});
    EXPECT_EQ(unknown.status, 1);
    EXPECT_EQ(unknown.err, "boshgate: there is no node 'x'\n");

    const std::string wrong = directory.write("wrong", std::string(63, 'a') + "b\n");
    std::filesystem::permissions(wrong, std::filesystem::perms::owner_read);
    const outcome refused =
        run(directory.write("b.yaml", config(address_of(admin) + ", token_file: " + wrong)),
            {"drain", "node-a1"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.err, "boshgate: this needs a token of admin.token_file: Authorization: "
                           "Bearer TOKEN\n");
}

TEST(NodesCommand, SaysWhyItCannot) {
    std::uint16_t nobody = 0;
    shutdown_and_close(listen_on_loopback(nobody));
    const std::string gone = "address: \"127.0.0.1:" + std::to_string(nobody) + "\"";
    const temp_directory directory;
    struct mistake {
        std::string admin;
        std::vector<std::string> words;
        std::string expected;
    };
    const mistake cases[] = {
        {gone, {}, ": Connection refused. Does boshgate run, with this configuration?"},
        {gone, {"drain", "node-a1"}, "admin.token_file is not set, so nobody may change anything"},
        {gone + ", token_file: /no/tokens", {"drain", "node-a1"}, "/no/tokens: No such file"},
        {"address: \"\"", {}, "admin.address is \"\", so this boshgate cannot be asked"},
        {"address: \"127.0.0.1:0\"", {}, "admin.address has port 0"},
        {"adress: x", {}, "unknown key, did you mean address?"},
    };
    for (const mistake& one : cases) {
        const outcome got = run(directory.write("c.yaml", config(one.admin)), one.words);
        EXPECT_EQ(got.status, 1) << one.admin;
        EXPECT_EQ(got.out, "") << one.admin;
        EXPECT_NE(got.err.find(one.expected), std::string::npos) << one.admin << got.err;
    }
    EXPECT_NE(run("/no/file", {}).err.find("/no/file: cannot be opened"), std::string::npos);
}

TEST(NodesCommand, KnowsWhenSomebodyElseAnswers) {
    const running_admin stranger([](proxy::admin_server& to, boost::asio::io_context& /*context*/) {
        to.get("/api/v1/nodes",
               at_once([](const admin_request& /*asked*/) { return admin_text(200, "<html>"); }));
    });
    const temp_directory directory;
    const outcome got = run(directory.write("d.yaml", config(address_of(stranger))), {});
    EXPECT_EQ(got.status, 1);
    EXPECT_NE(got.err.find("is no boshgate"), std::string::npos) << got.err;
}

} // namespace
} // namespace boshgate::tests
