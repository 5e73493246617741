#include "proxy/snapshot.hpp"

#include "conf/load.hpp"
#include "proxy/secrets_file.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

namespace boshgate::tests {
namespace {

struct outcome {
    std::shared_ptr<const proxy::snapshot> compiled;
    std::string problems;
};

outcome compile(const std::string& more, const std::string& nodes = "a: http://a.example/x") {
    conf::loaded loaded =
        conf::load("listen: [ { address: 127.0.0.1:0 } ]\nnodes: { " + nodes + " }\n" + more, "f");
    conf::findings found{loaded.marks, "f"};
    outcome made;
    for (const conf::problem& one : loaded.problems) {
        made.problems += conf::to_string(one) + "\n";
    }
    if (made.problems.empty()) {
        made.compiled = proxy::compile(std::move(loaded.config), found);
    }
    for (const conf::problem& one : found.take()) {
        made.problems += conf::to_string(one) + "\n";
    }
    return made;
}

using tag_keys = std::vector<routing::tag_key>;

std::string digits_of(char first) {
    return first + std::string("01122334455667788990aabbccddeeff00112233445566778899aabbccddeef");
}

// The secret that digits_of(first) stands for.
routing::tag_key key_of(char first) {
    const std::string digits = digits_of(first);
    routing::tag_key key{};
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
    }
    return key;
}

// What a proxy with these secrets, and node a, makes of a sid.
std::string tagged_with(const tag_keys& keys) {
    const std::vector<std::string> names{"a"};
    routing::sid_tagger::tagged_room room;
    return std::string(routing::sid_tagger(keys, names).tag("sid", 0, room));
}

std::string tagged_by(const outcome& made) {
    routing::sid_tagger::tagged_room room;
    return std::string(made.compiled->tags->tag("sid", 0, room));
}

bool knows(const outcome& made, std::string_view sid) {
    routing::sid_tagger::raw_room room;
    return made.compiled->tags->untag(sid, room).has_value();
}

TEST(Snapshot, HasTheSecretsOfSidsOnlyWithADiscoveryEndpoint) {
    const temp_directory directory;
    const std::string file = directory.write("keys", digits_of('1') + "\n" + digits_of('2') + "\n");
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);

    const outcome none = compile("");
    ASSERT_TRUE(none.compiled) << none.problems;
    EXPECT_FALSE(none.compiled->tags);

    const std::string endpoint = "discovery: { path: /httpbinding, primary: a";
    const outcome own = compile(endpoint + " }");
    ASSERT_TRUE(own.compiled) << own.problems;
    EXPECT_EQ(tagged_by(own), tagged_with({proxy::secret_of_process()}));
    EXPECT_EQ(own.problems, "");

    const outcome read = compile(endpoint + ", keys_file: " + file + " }");
    ASSERT_TRUE(read.compiled) << read.problems;
    EXPECT_EQ(tagged_by(read), tagged_with({key_of('1')})) << "the first signs";
    EXPECT_TRUE(knows(read, tagged_with({key_of('2')}))) << "the second verifies";
    EXPECT_FALSE(knows(read, tagged_with({key_of('3')})));
    EXPECT_EQ(read.problems, "");

    const outcome absent = compile(endpoint + ", keys_file: " + file + ".old }");
    EXPECT_FALSE(absent.compiled);
    EXPECT_EQ(absent.problems,
              "f:3:57: discovery.keys_file: " + file + ".old: No such file or directory\n");
}

TEST(Snapshot, RefusesNodesThatSidsCouldNotTell) {
    // Found by search: the first 36 bits of the SHA-256 of both names are the same.
    const std::string nodes = "node-31705: http://a.example/x, node-40730: http://b.example/x";
    EXPECT_TRUE(compile("", nodes).compiled) << "sids of nodes' own paths have no tag";
    const outcome got = compile("discovery: { path: /httpbinding, primary: node-31705 }", nodes);
    EXPECT_FALSE(got.compiled);
    EXPECT_EQ(got.problems,
              "f:2:54: nodes.node-40730: in sids this name could not be told from 'node-31705', by "
              "a rare accident, expected another name\n");
}

TEST(Snapshot, WarnsOfFilesThatTheDiscoveryEndpointHides) {
    const temp_directory directory;
    directory.write("app/httpbinding/index.html", "x");
    const std::string root = directory.path().string();
    const auto check = [&](const std::string& path) {
        return compile("prefix: /app\nweb_root: " + root + "\ndiscovery: { path: " + path +
                       ", primary: a }")
            .problems;
    };
    EXPECT_EQ(check("/other"), "");
    EXPECT_EQ(
        check("/httpbinding"),
        "f:5:20: warning: discovery.path: requests for '/app/httpbinding' go to the discovery "
        "endpoint; " +
            root + "/app/httpbinding is never served\n");
}

} // namespace
} // namespace boshgate::tests
