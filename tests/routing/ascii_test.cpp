#include "routing/ascii.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

// Every byte at every place of a word, because words are taken whole.
TEST(to_lower, changes_capital_ascii_letters_and_nothing_else) {
    for (std::size_t size = 1; size <= 17; ++size)
        for (std::size_t at = 0; at < size; ++at)
            for (int byte = 0; byte < 256; ++byte) {
                std::string text(size, 'Z'), expected(size, 'z');
                text[at] = static_cast<char>(byte);
                expected[at] = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32)
                                                          : static_cast<char>(byte);
                ASSERT_EQ(to_lower(text), expected) << byte << " at " << at << " of " << size;
            }
    EXPECT_EQ(to_lower(""), "");
}

// Each byte against each, at every place of texts of every kind of length.
TEST(equal_ignoring_case, folds_ascii_letters_and_nothing_else) {
    for (std::size_t size = 1; size <= 17; ++size)
        for (std::size_t at = 0; at < size; ++at) {
            std::string left(size, 'q');
            std::string right(size, 'Q');
            for (int a = 0; a < 256; ++a)
                for (int b = 0; b < 256; ++b) {
                    left[at] = static_cast<char>(a);
                    right[at] = static_cast<char>(b);
                    if (equal_ignoring_case(left, right) !=
                        (ascii_lower(left[at]) == ascii_lower(right[at])))
                        FAIL() << a << " and " << b << " at " << at << " of " << size;
                }
        }
    EXPECT_TRUE(equal_ignoring_case("", ""));
    EXPECT_FALSE(equal_ignoring_case("", "a"));
    EXPECT_FALSE(equal_ignoring_case("abcdefgh", "abcdefghi"));
}

TEST(is_token, takes_token_characters_only) {
    constexpr std::string_view lawful = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "abcdefghijklmnopqrstuvwxyz"; // RFC 9110 5.6.2
    EXPECT_TRUE(is_token(lawful));
    EXPECT_FALSE(is_token(""));
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        const bool expected = lawful.find(c) != std::string_view::npos;
        EXPECT_EQ(is_token(std::string("a") + c), expected) << byte;
        EXPECT_EQ(is_token(c + std::string("a")), expected) << byte;
    }
}

TEST(next_element, cuts_lists_at_their_commas) {
    std::string_view list = " a\t, ,b b,";
    EXPECT_EQ(next_element(list), "a");
    EXPECT_EQ(next_element(list), "");
    EXPECT_EQ(next_element(list), "b b");
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(next_element(list), "");
}

TEST(ascii, hex_digits_have_values) {
    const std::string_view digits = "0123456789abcdef", capitals = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const auto at = std::min(digits.find(c), capitals.find(c));
        EXPECT_EQ(hex_digit(c), at == std::string_view::npos ? -1 : static_cast<int>(at)) << byte;
    }
}

TEST(ascii, escapes_are_two_digits_behind_a_percent_sign) {
    struct {
        std::string_view text;
        std::optional<char> wanted;
    } const cases[] = {
        {"%41", 'A'},          {"%41bc", 'A'},        {"%fF", '\xff'},      {"%00", '\0'},
        {"", std::nullopt},    {"%", std::nullopt},   {"%4", std::nullopt}, {"%4g", std::nullopt},
        {"%g4", std::nullopt}, {"%+1", std::nullopt}, {"41", std::nullopt}, {"a%41", std::nullopt},
    };
    for (const auto& c : cases)
        EXPECT_EQ(escaped_byte(c.text), c.wanted) << c.text;
}

} // namespace
} // namespace boshgate::routing
