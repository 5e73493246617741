#include "routing/name_set.hpp"

#include "routing/ascii.hpp"
#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace boshgate::routing {
namespace {

TEST(name_set, contains_names_in_any_case) {
    const name_set set({"Accept", "accept-language", "USER-AGENT", "x_y", "~"});
    for (const char* name : {"accept", "ACCEPT", "Accept-Language", "User-Agent", "X_Y", "~"})
        EXPECT_TRUE(set.contains(name)) << name;
    // Of the same first letter, the same length, both, and those that only folding makes alike.
    for (const char* name : {"", "accep", "accepts", "origin", "accepT-languagf", "aser-agent",
                             "user-agens", "x-y", "x\x7fy", "^", "\x1e", "\x41"})
        EXPECT_FALSE(set.contains(name)) << name;
    EXPECT_FALSE(name_set().contains("accept"));
}

TEST(name_set, supports_names_up_to_its_limit) {
    const std::string longest(name_set::longest, 'a');
    const std::string beyond = longest + 'a';
    const name_set set({longest, beyond, ""});
    EXPECT_TRUE(set.contains(longest));
    EXPECT_FALSE(set.contains(beyond));
    EXPECT_FALSE(set.contains(std::string(64, 'a')));
    EXPECT_FALSE(set.contains(std::string(128, 'a')));
    EXPECT_FALSE(set.contains(""));
}

TEST(name_set, agrees_with_a_list) {
    random_source random;
    const auto name = [&random] {
        std::string text(1 + random.below(12), '\0');
        for (char& c : text)
            c = "aAbBzZ-~^_@`[{09"[random.below(16)];
        return text;
    };
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> list(random.below(20));
        std::generate(list.begin(), list.end(), name);
        const name_set set(list);
        for (int i = 0; i < 200; ++i) {
            std::string asked = name();
            if (!list.empty() && random.below(2) == 0) {
                asked = list[random.below(list.size())];
                asked[random.below(asked.size())] ^= static_cast<char>(random.below(2) * 0x20);
            }
            const bool listed =
                std::any_of(list.begin(), list.end(), [&asked](const std::string& one) {
                    return to_lower(one) == to_lower(asked);
                });
            ASSERT_EQ(set.contains(asked), listed) << asked;
        }
    }
}

} // namespace
} // namespace boshgate::routing
