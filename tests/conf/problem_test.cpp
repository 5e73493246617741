#include "conf/problem.hpp"

#include <gtest/gtest.h>

namespace boshgate::conf {
namespace {

TEST(problem, prints_what_there_is) {
    problem p{"a.yaml", 7, 12, "nodes.n.url", "'x' is wrong", "a URL", "y", severity::error};
    EXPECT_EQ(to_string(p),
              "a.yaml:7:12: nodes.n.url: 'x' is wrong, expected a URL, did you mean y?");
    p.did_you_mean.clear();
    EXPECT_EQ(to_string(p), "a.yaml:7:12: nodes.n.url: 'x' is wrong, expected a URL");
    p.level = severity::warning;
    p.expected.clear();
    EXPECT_EQ(to_string(p), "a.yaml:7:12: warning: nodes.n.url: 'x' is wrong");
    p.did_you_mean = "b\xc3\xbc\x1b";
    EXPECT_EQ(to_string(p),
              "a.yaml:7:12: warning: nodes.n.url: 'x' is wrong, did you mean b\\xc3\\xbc\\x1b?");
    p.did_you_mean.clear();
    p.line = 0;
    p.path.clear();
    EXPECT_EQ(to_string(p), "a.yaml: warning: 'x' is wrong");
}

TEST(problem, tells_errors_from_warnings) {
    problem warning;
    warning.level = severity::warning;
    EXPECT_FALSE(has_errors({}));
    EXPECT_FALSE(has_errors({warning, warning}));
    EXPECT_TRUE(has_errors({warning, problem{}}));
}

TEST(problem, shows_no_byte_that_a_terminal_would_act_on) {
    EXPECT_EQ(in_quotes(""), "''");
    EXPECT_EQ(in_quotes("a b~"), "'a b~'");
    EXPECT_EQ(in_quotes(std::string_view{"\x00\x1b[31m\x7f\r\n\xc3\xa9", 11}),
              "'\\x00\\x1b[31m\\x7f\\x0d\\x0a\\xc3\\xa9'");
    EXPECT_EQ(in_quotes(std::string(60, 'a')), '\'' + std::string(60, 'a') + '\'');
    EXPECT_EQ(in_quotes(std::string(61, 'a')), '\'' + std::string(60, 'a') + "...'");
}

TEST(problem, builds_paths) {
    EXPECT_EQ(child_path("", "nodes"), "nodes");
    EXPECT_EQ(child_path("nodes", "node-a1"), "nodes.node-a1");
    EXPECT_EQ(child_path("nodes", "a.b"), "nodes[\"a.b\"]");
    EXPECT_EQ(child_path("routes", "/x"), "routes[\"/x\"]");
    EXPECT_EQ(child_path("nodes", ""), "nodes[\"\"]");
    EXPECT_EQ(child_path("nodes", "\n"), "nodes[\"\\x0a\"]");
    EXPECT_EQ(item_path("listen", 3), "listen[3]");
}

TEST(problem, knows_what_lies_within_what) {
    EXPECT_TRUE(is_within("a.b", "a"));
    EXPECT_TRUE(is_within("a[0]", "a"));
    EXPECT_TRUE(is_within("a", "a"));
    EXPECT_TRUE(is_within("a", ""));
    EXPECT_FALSE(is_within("ab", "a"));
    EXPECT_FALSE(is_within("a", "a.b"));
}

TEST(problem, finds_the_nearest_mark) {
    const source_marks marks{{"", {1, 1}},
                             {"nodes", {2, 1}},
                             {"nodes.n.aliases[0]", {3, 5}},
                             {"nodes[\"a.b\"]", {4, 3}}};
    struct row {
        const char* path;
        int line;
    };
    for (const auto& [path, line] : {row{"nodes.n.aliases[0]", 3},
                                     {"nodes.n.aliases[1]", 2},
                                     {"nodes.m.url", 2},
                                     {"nodes[\"a.b\"].url", 4},
                                     {"nodes[\"c.d\"].tls.pins[1]", 2},
                                     {"other.x", 1},
                                     {"", 1}}) {
        EXPECT_EQ(mark_of(marks, path).line, line) << path;
    }
    EXPECT_EQ(mark_of({}, "a.b").line, 0);
}

} // namespace
} // namespace boshgate::conf
