#include "proxy/command_line.hpp"

#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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
                                                  {"check", "-c", ""},
                                                  {"check", "--config="},
                                                  {"check", "-c", "a", "-c", "b"},
                                                  {"check", "-c", "a", "b"},
                                                  {"check", "-c", "a", "--json"},
                                                  {"discover"},
                                                  {"discover", "-c", "a"},
                                                  {"discover", "-c", "a", ""},
                                                  {"discover", "alice@example.com"},
                                                  {"discover", "-c", "a", "b@c", "d@e"},
                                                  {"doctor"},
                                                  {"doctor", "-c", "a", "node-a1"},
                                                  {"doctor", "-c", "a", "--node"},
                                                  {"doctor", "-c", "a", "--node", ""},
                                                  {"nodes"},
                                                  {"nodes", "drain", "node-a1"},
                                                  {"nodes", "-c", "a", "drain"},
                                                  {"nodes", "-c", "a", "drain", "b", "c"},
                                                  {"nodes", "-c", "a", "b"},
                                                  {"import-apache", "-c"},
                                                  {"import-apache"},
                                                  {"import-apache", "a", "b"}}) {
        const outcome got = run(words);
        EXPECT_EQ(got.status, 2);
        EXPECT_NE(got.err.find("boshgate serve -c FILE"), std::string::npos);
        EXPECT_EQ(got.out, "");
    }
}

TEST(CommandLine, SlipsGetACorrection) {
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"serv"}, "unknown command 'serv', did you mean serve?"},
        {{"Check"}, "unknown command 'Check', did you mean check?"},
        {{"apache-import"}, "unknown command 'apache-import'\n"},
        {{"import_apache"}, "unknown command 'import_apache', did you mean import-apache?"},
        {{"--versoin"}, "unknown option '--versoin', did you mean --version?"},
        {{"check", "--confg=x"}, "unknown option '--confg=x', did you mean --config?"},
        {{"check", "-config=x"}, "unknown option '-config=x', did you mean --config?"},
        {{"check", "-x"}, "unknown option '-x'"},
        {{"check", "b.yaml"}, "'b.yaml' is not expected, did you mean -c b.yaml?"},
        {{"serve", "-c"}, "-c needs a FILE"},
        {{"check", "-c", "a", "--json"}, "unknown option '--json'\n"},
        {{"discover", "-c", "a", "b@c", "--jsn"}, "unknown option '--jsn', did you mean --json?"},
        {{"discover", "-c", "a", "b@c", "d@e"}, "'d@e' is not expected\n"},
        {{"discover", "-c", "a"}, "discover needs a JID, such as alice@example.com"},
        {{"discover", "b@c"}, "discover needs -c FILE"},
        {{"doctr"}, "unknown command 'doctr', did you mean doctor?"},
        {{"doctor", "-c", "a", "--nod", "b"}, "unknown option '--nod', did you mean --node?"},
        {{"doctor", "-c", "a", "--node"}, "--node needs a NAME"},
        {{"doctor", "-c", "a", "--domain"}, "--domain needs a DOMAIN"},
        {{"doctor", "-c", "a", "--node", "b", "--node", "c"}, "one --node is enough"},
        {{"discover", "-c", "a", "b@c", "--node", "d"}, "unknown option '--node'\n"},
        {{"dicover"}, "unknown command 'dicover', did you mean discover?"},
        {{"nodes", "drain", "b"}, "nodes needs -c FILE"},
        {{"nodes", "-c", "a", "drian", "b"}, "did you mean drain?"},
        {{"nodes", "-c", "a", "disable"}, "disable needs the NAME of one node"},
        {{"nodes", "-c", "a", "--jsn"}, "unknown option '--jsn'"},
        {{"serve"}, "serve needs -c FILE"},
        {{"serve", "-c", "a", "--config=b"}, "one FILE is enough"},
    };
    for (const auto& [words, expected] : cases) {
        const outcome got = run(words);
        EXPECT_EQ(got.status, 2) << expected;
        EXPECT_NE(got.err.find(expected), std::string::npos) << expected << '\n' << got.err;
    }
}

TEST(CommandLine, VersionAndHelpGoToStandardOutput) {
    EXPECT_EQ(run({"--version"}).out, "boshgate " BOSHGATE_VERSION "\n");
    for (const std::vector<std::string>& words : {std::vector<std::string>{"--help"},
                                                  {"-h"},
                                                  {"help"},
                                                  {"help", "serve"},
                                                  {"serve", "--help"},
                                                  {"check", "-c", "x", "-h"},
                                                  {"import-apache", "--help"}}) {
        const outcome got = run(words);
        EXPECT_EQ(got.status, 0) << words.back();
        EXPECT_EQ(got.err, "") << words.back();
        EXPECT_NE(got.out.find("import-apache"), std::string::npos) << words.back();
    }
}

TEST(CommandLine, TheConfigurationIsNamedInFourWays) {
    const temp_directory directory;
    const std::string file = directory.write("boshgate.yaml", good);
    for (const std::vector<std::string>& words : {std::vector<std::string>{"check", "-c", file},
                                                  {"check", "-c" + file},
                                                  {"check", "--config", file},
                                                  {"check", "--config=" + file}}) {
        const outcome got = run(words);
        EXPECT_EQ(got.status, 0) << words[1] << got.err;
        EXPECT_EQ(got.out, file + ": in order: 1 listener, 1 node\n") << words[1];
    }
}

TEST(CommandLine, DoctorLooksAtWhatItIsAskedFor) {
    const temp_directory directory;
    const std::string file = directory.write("boshgate.yaml", good);
    EXPECT_NE(run({"doctor", "--node", "node-a2", "-c", file}).err.find("did you mean node-a1?"),
              std::string::npos);
    EXPECT_NE(run({"doctor", "-c", file, "--domain", "a'b"}).err.find("'a'b' is no domain"),
              std::string::npos);
    const outcome got = run({"doctor", "-c", file + ".gone", "--json"});
    EXPECT_EQ(got.status, 1);
    EXPECT_TRUE(got.out.starts_with("{\"verdict\":\"wrong\",\"subjects\":[{")) << got.out;
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

// Wrong values and wrong files, mixed, each with the place of its key and in the file's order.
TEST(CommandLine, CheckTellsWrongValuesAndWrongFilesTogether) {
    const temp_directory directory;
    const auto one = make_certificate({.names = {"DNS:a.example"}});
    const auto other = make_certificate({.names = {"DNS:b.example"}});
    const std::string pem = directory.write("one.pem", one.pem());
    const std::string key = directory.write("one.key", one.key_pem());
    const std::string strange = directory.write("other.key", other.key_pem());
    const std::string at = directory.path().string();
    const std::string file =
        directory.write("boshgate.yaml", "listen:\n"
                                         "  - { address: 127.0.0.1:8443, tls: { certificate: " +
                                             pem + ", key: " + strange +
                                             " } }\n"
                                             "  - address: 127.0.0.1:8444\n"
                                             "    tls:\n"
                                             "      certificates:\n"
                                             "        - { certificate: " +
                                             pem + ", key: " + key +
                                             " }\n"
                                             "        - { certificate: " +
                                             at + "/no.pem, key: " + at +
                                             "/no.key }\n"
                                             "      min_vresion: 1.3\n"
                                             "web_root: " +
                                             at +
                                             "/no-root\n"
                                             "nodes:\n"
                                             "  a: { url: https://a.example/x, tls: { ca_file: " +
                                             at +
                                             "/no-ca.pem } }\n"
                                             "  b: { url: htps://b.example/x }\n"
                                             "timeouts: { head: 10 }\n"
                                             "log: { file: " +
                                             at + "/none/events.log, access_file: " + at + " }\n");
    const outcome got = run({"check", "-c", file});
    EXPECT_EQ(got.status, 1);
    EXPECT_EQ(got.out, "");
    const std::string gone = ": No such file or directory";
    // Where a value stands, as messages say it.
    const auto of = [text = directory.read("boshgate.yaml")](const std::string& value) {
        const std::size_t found = text.find(value);
        const std::size_t line_start = text.rfind('\n', found) + 1;
        const auto end = text.begin() + static_cast<std::ptrdiff_t>(found);
        return ":" + std::to_string(1 + std::count(text.begin(), end, '\n')) + ":" +
               std::to_string(found - line_start + 1) + ": ";
    };
    const std::vector<std::string> expected{
        of(strange) + "listen[0].tls.key: " + strange +
            ": the key does not belong to the certificate in " + pem,
        of(at + "/no.pem") + "listen[1].tls.certificates[1].certificate: " + at + "/no.pem" + gone,
        of(at + "/no.key") + "listen[1].tls.certificates[1].key: " + at + "/no.key" + gone,
        ":8:7: listen[1].tls.min_vresion: unknown key, did you mean min_version?",
        ":9:11: web_root: " + at + "/no-root" + gone,
        of(at + "/no-ca.pem") + "nodes.a.tls.ca_file: " + at + "/no-ca.pem" + gone,
        ":12:13: nodes.b.url: ",
        ":13:19: timeouts.head: ",
        ":14:14: log.file: " + at + "/none" + gone +
            "; make the directory, writable for the user that runs boshgate",
        of(at + " }") + "log.access_file: " + at + ": is a directory; a file in it is wanted",
    };
    std::istringstream lines{got.err};
    std::string line;
    for (const std::string& part : expected) {
        ASSERT_TRUE(std::getline(lines, line)) << part;
        EXPECT_EQ(line.compare(0, file.size(), file), 0) << line;
        EXPECT_NE(line.find(part), std::string::npos) << line << "\nhas not: " << part;
    }
    EXPECT_FALSE(std::getline(lines, line)) << line;
}

TEST(CommandLine, CheckDoesNotRepeatWhatFollowsFromAnotherMistake) {
    const temp_directory directory;
    const outcome got =
        run({"check", "-c",
             directory.write("boshgate.yaml",
                             "listen: [{address: \"127.0.0.1:1\", tls: {certificate: \"\"}}]\n"
                             "nodes: {a: {url: \"https://a/x\", tls: {pins: [short]}}}\n"
                             "web_root: {path: \"\"}\nlog: {file: \"\"}\n")});
    EXPECT_EQ(std::count(got.err.begin(), got.err.end(), '\n'), 5) << got.err;
}

TEST(CommandLine, CheckWarnsAndIsContent) {
    const temp_directory directory;
    const outcome got =
        run({"check", "-c",
             directory.write("boshgate.yaml",
                             "listen: [{address: \"127.0.0.1:8080\"}]\nnodes:\n"
                             "  a: { url: https://a/x, tls: { verify: false, legacy: true } }\n"
                             "web_root: { path: " +
                                 directory.path().string() + ", fallback: app.html }\n")});
    EXPECT_EQ(got.status, 0);
    const auto has = [&](const std::string& part) {
        EXPECT_NE(got.err.find(part), std::string::npos) << part << '\n' << got.err;
    };
    has(":3:41: warning: nodes.a.tls.verify: is off: ");
    has(":3:56: warning: nodes.a.tls.legacy: is on: ");
    has(": warning: web_root.fallback: " + directory.path().string() + "/app.html: No such file");
    EXPECT_EQ(got.err.find("error"), std::string::npos) << got.err;
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

TEST(CommandLine, ImportApacheStopsAtWhatIsNoConfiguration) {
    const temp_directory directory;
    const outcome binary =
        run({"import-apache", directory.write("a.out", std::string("Listen 80\nx\0y", 13))});
    EXPECT_EQ(binary.status, 1);
    EXPECT_EQ(binary.out, "");
    EXPECT_NE(binary.err.find("a.out:2: not carried over: the file as a whole: it is not a text"),
              std::string::npos)
        << binary.err;
    const outcome folder = run({"import-apache", directory.path().string()});
    EXPECT_EQ(folder.status, 1);
    EXPECT_NE(folder.err.find("Is a directory"), std::string::npos) << folder.err;
    // Devices that are included are passed over, and noted.
    const outcome device = run({"import-apache", directory.write("d.conf", "Include /dev/zero\n")});
    EXPECT_EQ(device.status, 1);
    EXPECT_NE(device.err.find("could not be read"), std::string::npos) << device.err;
}

} // namespace
} // namespace boshgate::tests
