#include "conf/secrets.hpp"

#include "conf/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace boshgate::conf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// 64 digits: a number, then 01 02 ... 1f.
std::string line_of(int number) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < 32; ++i) {
        const int byte = i == 0 ? number : i;
        text += digits[static_cast<std::size_t>(byte / 16)];
        text += digits[static_cast<std::size_t>(byte % 16)];
    }
    return text;
}

secret secret_of(int number) {
    secret made{};
    for (std::size_t i = 0; i < made.size(); ++i) {
        made[i] = static_cast<std::uint8_t>(i == 0 ? static_cast<std::size_t>(number) : i);
    }
    return made;
}

TEST(secrets, are_read_in_the_order_of_the_file) {
    std::string upper = line_of(0xfe);
    for (char& c : upper) {
        c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    const struct {
        const char* name;
        std::string text;
        std::vector<secret> expected;
    } rows[] = {
        {"one", line_of(1) + "\n", {secret_of(1)}},
        {"no line end", line_of(1), {secret_of(1)}},
        {"two", line_of(9) + "\n" + line_of(1) + "\n", {secret_of(9), secret_of(1)}},
        {"comments and blank lines",
         "# first\n\n  \t\n" + line_of(1) + "\n  # second\n" + line_of(2) + " # since May\n#",
         {secret_of(1), secret_of(2)}},
        {"carriage returns, blanks",
         " " + line_of(1) + "\r\n\r\n\t" + line_of(2) + " \r\n",
         {secret_of(1), secret_of(2)}},
        {"capitals", upper, {secret_of(0xfe)}},
    };
    for (const auto& row : rows) {
        const secrets found = read_secrets(row.text);
        EXPECT_THAT(found.faults, IsEmpty()) << row.name;
        EXPECT_EQ(found.all, row.expected) << row.name;
    }
}

TEST(secrets, say_what_is_wrong_by_line_and_never_what_stands_there) {
    const std::string good = line_of(1);
    const std::string wanted =
        ", expected 64 hexadecimal digits, as 'openssl rand -hex 32' writes\n";
    const struct {
        const char* name;
        std::string text, expected;
    } rows[] = {
        {"empty", "", "there is no secret in it" + wanted},
        {"only comments", "# x\n\n", "there is no secret in it" + wanted},
        {"short", good + "\n" + line_of(2).substr(1),
         "line 2 is no secret of 32 bytes: it has 63 characters" + wanted},
        {"long", "#\n" + good + "0",
         "line 2 is no secret of 32 bytes: it has 65 characters" + wanted},
        {"a letter", "x", "line 1 is no secret of 32 bytes: it has 1 character" + wanted},
        {"not hexadecimal", good.substr(1) + "g",
         "line 1 is no secret of 32 bytes: it has 64 characters, not all of them hexadecimal "
         "digits" +
             wanted},
        {"NUL", good.substr(1) + std::string(1, '\0'),
         "line 1 is no secret of 32 bytes: it has 64 characters, not all of them hexadecimal "
         "digits" +
             wanted},
        {"a placeholder", std::string(64, '0'),
         "line 1 is one byte over and over, which anybody would guess" + wanted},
        {"twice", good + "\n\n" + line_of(2) + "\n" + good,
         "line 4 repeats the secret of line 1\n"},
        {"two wrong lines", "a\nbc\n" + good,
         "line 1 is no secret of 32 bytes: it has 1 character" + wanted +
             "line 2 is no secret of 32 bytes: it has 2 characters" + wanted},
    };
    for (const auto& row : rows) {
        std::string text;
        for (const fault& why : read_secrets(row.text).faults) {
            text += why.what + (why.expected.empty() ? "" : ", expected " + why.expected) + "\n";
        }
        EXPECT_EQ(text, row.expected) << row.name;
    }
}

TEST(secrets, are_eight_at_most) {
    std::string text;
    for (int i = 1; i <= static_cast<int>(secrets_most); ++i) {
        text += line_of(i + 100) + "\n";
    }
    EXPECT_EQ(read_secrets(text).all.size(), secrets_most);
    EXPECT_THAT(read_secrets(text).faults, IsEmpty());
    const auto more = read_secrets(text + line_of(1) + "\n" + line_of(2)).faults;
    ASSERT_EQ(more.size(), 1U);
    EXPECT_EQ(more[0].what, "line 9 is one secret too many");
    EXPECT_EQ(more[0].expected, "at most 8");
}

} // namespace
} // namespace boshgate::conf
