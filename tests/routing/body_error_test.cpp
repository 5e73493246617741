#include "routing/body_error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace boshgate::routing {
namespace {

TEST(body_error, every_error_has_a_name_words_and_what_the_client_is_told) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < body_error_count; ++i) {
        const auto why = static_cast<body_error>(i);
        EXPECT_TRUE(names.insert(name_of(why)).second) << i;
        EXPECT_FALSE(words_of(why).empty()) << name_of(why);
        if (why == body_error::none) {
            EXPECT_EQ(condition_of(why), "");
            EXPECT_EQ(legacy_status_of(why), 0);
        } else if (name_of(why).ends_with("_limit")) {
            EXPECT_EQ(condition_of(why), "policy-violation") << name_of(why);
            EXPECT_EQ(legacy_status_of(why), 403) << name_of(why);
        } else {
            EXPECT_EQ(condition_of(why), "bad-request") << name_of(why);
            EXPECT_EQ(legacy_status_of(why), 400) << name_of(why);
        }
    }
    EXPECT_EQ(name_of(body_error::repeated_attribute), "repeated_attribute");
}

} // namespace
} // namespace boshgate::routing
