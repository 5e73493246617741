#include "proxy/command_line.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

struct outcome {
    int status;
    std::string out, err;
};

outcome run(const std::vector<std::string>& words) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = proxy::run_command(words, out, err);
    return {status, out.str(), err.str()};
}

const std::string good = "listen: [{address: \"127.0.0.1:8080\"}]\n"
                         "nodes: {node-a1: \"http://node-a1.example.com:7336/httpbinding\"}\n";

TEST(CommandLine, WordsThatMakeNoSenseGetTheUsageAndStatusTwo) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"start"},
                                                  {"serve"},
                                                  {"check"},
                                                  {"check", "file"},
                                                  {"check", "-c"},
                                                  {"import-apache"},
                                                  {"import-apache", "a", "b"}}) {
        const outcome got = run(words);
        EXPECT_EQ(got.status, 2);
        EXPECT_NE(got.err.find("boshgate serve -c FILE"), std::string::npos);
        EXPECT_EQ(got.out, "");
    }
}

TEST(CommandLine, VersionAndHelpGoToStandardOutput) {
    EXPECT_EQ(run({"--version"}).out, "boshgate " BOSHGATE_VERSION "\n");
    EXPECT_EQ(run({"--help"}).status, 0);
    EXPECT_NE(run({"--help"}).out.find("import-apache"), std::string::npos);
}

TEST(CommandLine, CheckSaysAllThatIsWrongInOneRun) {
    const temp_directory directory;
    const std::string file =
        directory.write("boshgate.yaml", "listn: []\nlisten: [{address: nowhere}]\n"
                                         "nodes: {node-a1: \"htps://a\"}\ntimeouts: {head: 10}\n");
    const outcome got = run({"check", "-c", file});
    EXPECT_EQ(got.status, 1);
    EXPECT_NE(got.err.find(file + ":1:1: listn: "), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("did you mean listen"), std::string::npos) << got.err;
    EXPECT_NE(got.err.find(file + ":2:"), std::string::npos) << got.err;
    EXPECT_NE(got.err.find(file + ":3:"), std::string::npos) << got.err;
    EXPECT_NE(got.err.find(file + ":4:"), std::string::npos) << got.err;
}

TEST(CommandLine, CheckLooksAtTheFilesThatAreNamed) {
    const temp_directory directory;
    EXPECT_EQ(run({"check", "-c", directory.write("good.yaml", good)}).status, 0);
    const outcome no_root =
        run({"check", "-c", directory.write("root.yaml", good + "web_root: /nowhere/at/all\n")});
    EXPECT_EQ(no_root.status, 1);
    EXPECT_NE(no_root.err.find("/nowhere/at/all"), std::string::npos) << no_root.err;
    const outcome no_certificate =
        run({"check", "-c",
             directory.write(
                 "tls.yaml",
                 "listen: [{address: \"127.0.0.1:8443\", tls: {certificate: /nowhere/c.pem, key: "
                 "/nowhere/k.pem}}]\nnodes: {node-a1: \"http://a:1/\"}\n")});
    EXPECT_EQ(no_certificate.status, 1);
    EXPECT_NE(no_certificate.err.find("/nowhere/c.pem"), std::string::npos) << no_certificate.err;
    const outcome missing = run({"check", "-c", directory.path().string() + "/absent.yaml"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_NE(missing.err.find("No such file"), std::string::npos) << missing.err;
}

TEST(CommandLine, CheckFindsTwoSpellingsOfOneAddress) {
    const temp_directory directory;
    const outcome got =
        run({"check", "-c",
             directory.write("two.yaml",
                             "listen: [{address: \"127.0.0.1:8080\"}]\nnodes:\n"
                             "  a: {url: \"http://a:1/\", aliases: [\"2001:db8::1\"]}\n"
                             "  b: {url: \"http://b:1/\", aliases: [\"2001:db8:0:0::1\"]}\n")});
    EXPECT_EQ(got.status, 1);
    EXPECT_NE(got.err.find("2001:db8"), std::string::npos) << got.err;
}

TEST(CommandLine, ServeRefusesAConfigurationThatIsNotInOrder) {
    const temp_directory directory;
    EXPECT_EQ(run({"serve", "-c", directory.write("bad.yaml", "nodes: 3\n")}).status, 1);
}

TEST(CommandLine, ImportApacheFollowsIncludesAndListsWhatItLeft) {
    const temp_directory directory;
    directory.write("nodes/b.conf",
                    "ProxyPass /node-b1 http://node-b1.example.com:7336/httpbinding\n");
    directory.write("nodes/a.conf",
                    "ProxyPass /node-a1 http://node-a1.example.com:7336/httpbinding\n");
    const std::string file = directory.write(
        "httpd.conf", "Listen 8080\nInclude nodes/*.conf\nProxyPassMatch ^/x(.*)$ http://x/$1\n");
    const outcome got = run({"import-apache", file});
    EXPECT_EQ(got.status, 0);
    EXPECT_NE(got.out.find("node-a1"), std::string::npos);
    EXPECT_NE(got.out.find("node-b1"), std::string::npos);
    EXPECT_NE(got.err.find("httpd.conf:3"), std::string::npos) << got.err;
    // What it prints is in order as it stands.
    EXPECT_EQ(run({"check", "-c", directory.write("imported.yaml", got.out)}).status, 0);
    EXPECT_EQ(run({"import-apache", directory.write("empty.conf", "ServerAdmin a@b\n")}).status, 1);
}

} // namespace
} // namespace boshgate::tests
