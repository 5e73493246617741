#include "discovery/diagnosis.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace boshgate::discovery {
namespace {

const std::vector<diagnosis> some{
    {"proxy", "boshgate.yaml", "", {{.check = "listener", .what = "127.0.0.1 port 80 is free"}}},
    {"node",
     "node-a1",
     "https://node-a1.example.com:7335/httpbinding",
     {{.check = "name", .what = "found"},
      {.check = "certificate",
       .how = verdict::wrong,
       .what = "is not accepted: it signed itself, and that is a long story to be told on more "
               "than one line",
       .mend = "if this is the node's key (compare the pin on the node itself), put this in the "
               "place of nodes.node-a1",
       .yaml = "  node-a1:\n    tls:\n      pins: [sha256//aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
               "aaa=, sha256//b]\n"},
      {.check = "clock", .how = verdict::warning, .what = "is late", .mend = "set it"}}}};

TEST(diagnosis, is_printed_by_node_with_the_mend_below_what_is_wrong) {
    EXPECT_EQ(print(some, false), R"(boshgate.yaml
  ok       listener     127.0.0.1 port 80 is free

node-a1  https://node-a1.example.com:7335/httpbinding
  ok       name         found
  wrong    certificate  is not accepted: it signed itself, and that is a long
                        story to be told on more than one line
           mend: if this is the node's key (compare the pin on the node itself),
           put this in the place of nodes.node-a1:
               node-a1:
                 tls:
                   pins: [sha256//aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=, sha256//b]
  warning  clock        is late
           mend: set it

1 node: 1 wrong, 1 warning
)");
}

TEST(diagnosis, keeps_to_80_columns_but_for_lines_to_copy) {
    for (std::size_t size = 1; size < 60; ++size) {
        std::string words;
        for (std::size_t i = 0; i < 200; i += size + 1) {
            words += std::string(size, 'x') + ' ';
        }
        const std::string text = print(
            {{"node", "n", "", {{.check = "certificate", .what = words, .mend = words}}}}, false);
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 80U + (size > 54 ? size - 54 : 0)) << line;
            EXPECT_FALSE(line.ends_with(' ')) << '\'' << line << '\'';
        }
    }
}

TEST(diagnosis, has_colours_that_do_not_move_anything) {
    std::string text = print(some, true);
    EXPECT_NE(text.find("\x1b[1;31mwrong\x1b[0m"), std::string::npos);
    for (auto at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) {
        text.erase(at, text.find('m', at) - at + 1);
    }
    EXPECT_EQ(text, print(some, false));
}

TEST(diagnosis, sums_up) {
    const auto of = [](std::vector<verdict> all) {
        std::vector<diagnosis> out;
        for (const verdict one : all) {
            out.push_back({"node", "n", "", {{.check = "x", .how = one, .what = "y"}}});
        }
        const std::string text = print(out, false);
        return text.substr(text.rfind('\n', text.size() - 2) + 1);
    };
    EXPECT_EQ(of({}), "all in order\n");
    EXPECT_EQ(of({verdict::ok, verdict::ok}), "2 nodes: all in order\n");
    EXPECT_EQ(of({verdict::warning}), "1 node: nothing wrong, 1 warning\n");
    EXPECT_EQ(of({verdict::warning, verdict::warning}), "2 nodes: nothing wrong, 2 warnings\n");
    EXPECT_EQ(of({verdict::wrong, verdict::ok}), "2 nodes: 1 wrong\n");
}

TEST(diagnosis, the_worst_finding_counts) {
    EXPECT_EQ(worst(std::vector<finding>{}), verdict::ok);
    EXPECT_EQ(worst(some), verdict::wrong);
    EXPECT_EQ(worst(some.front().findings), verdict::ok);
}

TEST(diagnosis, a_node_is_written_as_it_should_stand) {
    conf::node node;
    node.name = "node-a1";
    node.url = {.tls = true, .host = "a.example", .port = 443, .target = "/b"};
    EXPECT_EQ(yaml_of(node), "  node-a1: https://a.example/b\n");
    node.tls.legacy = true;
    EXPECT_EQ(yaml_of(node), "  node-a1:\n    url: https://a.example/b\n    tls:\n      legacy: "
                             "true\n");
}

} // namespace
} // namespace boshgate::discovery
