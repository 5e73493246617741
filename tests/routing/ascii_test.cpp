#include "routing/ascii.hpp"

#include <gtest/gtest.h>

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

TEST(is_token, takes_token_characters_only) {
    EXPECT_TRUE(is_token("x-Request_Id.1!#$%&'*+^`|~"));
    for (const char c : std::string_view("\0\t \"(),/:;<=>?@[\\]{}\x7f\x80\xff", 25))
        EXPECT_FALSE(is_token(std::string("a") + c)) << static_cast<int>(c);
    EXPECT_FALSE(is_token(""));
}

TEST(next_element, cuts_lists_at_their_commas) {
    std::string_view list = " a\t, ,b b,";
    EXPECT_EQ(next_element(list), "a");
    EXPECT_EQ(next_element(list), "");
    EXPECT_EQ(next_element(list), "b b");
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(next_element(list), "");
}

} // namespace
} // namespace boshgate::routing
