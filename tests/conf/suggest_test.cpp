#include "conf/suggest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace boshgate::conf {
namespace {

TEST(suggest, counts_edits) {
    struct row {
        const char *a, *b;
        std::size_t distance;
    };
    for (const auto& [a, b, distance] : {row{"", "", 0},
                                         {"", "abc", 3},
                                         {"abc", "abc", 0},
                                         {"ABC", "abc", 0},
                                         {"abc", "abd", 1},
                                         {"abc", "ab", 1},
                                         {"abc", "xabc", 1},
                                         {"abcd", "abdc", 1},
                                         {"kitten", "sitting", 3},
                                         {"ca", "abc", 3}}) {
        EXPECT_EQ(edit_distance(a, b), distance) << a << ' ' << b;
        EXPECT_EQ(edit_distance(b, a), distance) << b << ' ' << a;
    }
}

TEST(suggest, gives_up_on_long_words) {
    const std::string word(64, 'a');
    EXPECT_EQ(edit_distance(word, word), 0U);
    EXPECT_EQ(edit_distance(word + 'a', word + 'a'), 64U);
}

TEST(suggest, finds_the_nearest_word_or_none) {
    constexpr std::array<std::string_view, 6> words{"listen",   "limits", "nodes",
                                                    "web_root", "head",   "warning"};
    struct row {
        const char *word, *found;
    };
    for (const auto& [word, found] : {row{"listne", "listen"},
                                      {"Listen", "listen"},
                                      {"limit", "limits"},
                                      {"web-root", "web_root"},
                                      {"webroot", "web_root"},
                                      {"node", "nodes"},
                                      {"head_timeout", "head"},
                                      {"warn", "warning"},
                                      {"wa", ""},
                                      {"xyz", ""},
                                      {"", ""}}) {
        EXPECT_EQ(closest(word, words), found) << word;
    }
    EXPECT_EQ(closest("listen", {}), "");
}

} // namespace
} // namespace boshgate::conf
