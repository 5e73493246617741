#include "conf/apache_lines.hpp"

#include "conf/apache_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::conf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<apache_line> all_lines(std::string_view text, const apache_variables& variables = {}) {
    apache_lines lines{text};
    std::vector<apache_line> all;
    while (auto line = lines.next(variables)) {
        all.push_back(std::move(*line));
    }
    return all;
}

TEST(apache_lines, splits_words_as_httpd_does) {
    EXPECT_THAT(apache_words(""), IsEmpty());
    EXPECT_THAT(apache_words(" a  b\tc "), ElementsAre("a", "b", "c"));
    EXPECT_THAT(apache_words(R"("a b" 'c d' e"f)"), ElementsAre("a b", "c d", "e\"f"));
    EXPECT_THAT(apache_words(R"("a \"b\" \\ \n")"), ElementsAre(R"(a "b" \ \n)"));
    EXPECT_THAT(apache_words(R"("a"b)"), ElementsAre("a", "b"));
    EXPECT_THAT(apache_words(R"("open)"), ElementsAre("open"));
    EXPECT_THAT(apache_words(R"("" x)"), ElementsAre("", "x"));
    EXPECT_THAT(apache_words("\"\\"), ElementsAre("\\"));
}

TEST(apache_lines, knows_directives_and_sections) {
    const auto lines = all_lines("Listen 80\n"
                                 "  <VirtualHost *:443 [::]:443>\n"
                                 "\t<Location \"/a>b\">\r\n"
                                 "</Location>\n"
                                 "</VIRTUALHOST>");
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0].kind, apache_line_kind::directive);
    EXPECT_EQ(lines[0].name, "listen");
    EXPECT_THAT(lines[0].args, ElementsAre("80"));
    EXPECT_EQ(lines[1].kind, apache_line_kind::open);
    EXPECT_EQ(lines[1].name, "virtualhost");
    EXPECT_THAT(lines[1].args, ElementsAre("*:443", "[::]:443"));
    EXPECT_EQ(lines[1].text, "<VirtualHost *:443 [::]:443>");
    EXPECT_THAT(lines[2].args, ElementsAre("/a>b"));
    EXPECT_EQ(lines[3].kind, apache_line_kind::close);
    EXPECT_EQ(lines[4].name, "virtualhost");
    EXPECT_EQ(lines[4].number, 5);
}

TEST(apache_lines, joins_continued_lines_also_comments) {
    const auto lines = all_lines("# one \\\nProxyPass /hidden http://a/\n"
                                 "ProxyPass \\\r\n  /a \\\n  http://a/\n"
                                 "\n   \nEnd \\\\\nLast \\");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].name, "proxypass");
    EXPECT_THAT(lines[0].args, ElementsAre("/a", "http://a/"));
    EXPECT_EQ(lines[0].number, 3);
    EXPECT_EQ(lines[1].name, "end") << "an escaped backslash does not continue a line";
    EXPECT_EQ(lines[1].number, 8);
    EXPECT_EQ(lines[2].name, "last");
}

TEST(apache_lines, replaces_variables_once) {
    const apache_variables variables{{"a", "1"}, {"b", "${a}"}, {"", "empty"}};
    const auto args = [&](std::string_view text) { return all_lines(text, variables).at(0).args; };
    EXPECT_THAT(args("x ${a}-${a}"), ElementsAre("1-1"));
    EXPECT_THAT(args("x ${b}"), ElementsAre("${a}"));
    EXPECT_THAT(args("x ${unknown} $a %{a}"), ElementsAre("${unknown}", "$a", "%{a}"));
    EXPECT_THAT(args("x ${open"), ElementsAre("${open"));
    EXPECT_THAT(args("x ${}"), ElementsAre("empty"));
    EXPECT_EQ(all_lines("x ${a}", variables)[0].text, "x ${a}") << "notes show what was written";
}

TEST(apache_lines, bounds_a_line) {
    const apache_variables variables{{"v", std::string(1000, 'v')}};
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "${v}";
    }
    EXPECT_LE(all_lines("x " + many, variables).at(0).args.at(0).size(), apache_line_bytes_max);
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += std::string(1000, 'a') + "\\\n";
    }
    const auto lines = all_lines(text + "\nNext line");
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].text.size(), apache_line_bytes_max);
    EXPECT_EQ(lines[1].name, "next");
}

} // namespace
} // namespace boshgate::conf
