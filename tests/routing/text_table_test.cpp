#include "routing/text_table.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

#include <map>

namespace boshgate::routing {
namespace {

TEST(text_table, finds_nothing_while_empty) {
    const text_table table;
    EXPECT_EQ(table.find("a"), std::nullopt);
    EXPECT_EQ(table.find(""), std::nullopt);
    EXPECT_EQ(table.size(), 0u);
}

TEST(text_table, keeps_the_first_value_of_a_text) {
    text_table table;
    EXPECT_TRUE(table.insert("/a", 1));
    EXPECT_FALSE(table.insert("/a", 2));
    EXPECT_EQ(table.find("/a"), 1);
    EXPECT_EQ(table.size(), 1u);
}

TEST(text_table, tells_similar_texts_apart) {
    text_table table;
    ASSERT_TRUE(table.insert(std::string("a\0", 2), 1));
    ASSERT_TRUE(table.insert("a", 2));
    ASSERT_TRUE(table.insert("\xff", 3));
    ASSERT_TRUE(table.insert("aaaaaaaa", 4));
    ASSERT_TRUE(table.insert("aaaaaaaaa", 5));
    EXPECT_EQ(table.find(std::string("a\0", 2)), 1);
    EXPECT_EQ(table.find("a"), 2);
    EXPECT_EQ(table.find("\xff"), 3);
    EXPECT_EQ(table.find("aaaaaaaa"), 4);
    EXPECT_EQ(table.find("aaaaaaaaa"), 5);
    EXPECT_EQ(table.find(std::string("a\0\0", 3)), std::nullopt);
    EXPECT_EQ(table.find("aaaaaaa"), std::nullopt);
    EXPECT_EQ(table.find(""), std::nullopt);
}

TEST(text_table, agrees_with_the_standard_map) {
    random_source random;
    text_table table;
    std::map<std::string, std::uint16_t> model;
    const auto any_text = [&random] {
        std::string text;
        for (auto left = 1 + random.below(20); left > 0; --left)
            text += "ab"[random.below(2)];
        return text;
    };
    for (int i = 0; i < 20'000; ++i) {
        const auto text = any_text();
        const auto value = static_cast<std::uint16_t>(random());
        ASSERT_EQ(table.insert(text, value), model.try_emplace(text, value).second) << text;
    }
    ASSERT_EQ(table.size(), model.size());
    for (const auto& [text, value] : model)
        ASSERT_EQ(table.find(text), value) << text;
    for (int i = 0; i < 20'000; ++i) {
        const auto text = any_text();
        ASSERT_EQ(table.find(text).has_value(), model.contains(text)) << text;
    }
}

} // namespace
} // namespace boshgate::routing
