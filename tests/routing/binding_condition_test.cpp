#include "routing/binding_condition.hpp"

#include "routing/bosh_body.hpp"

#include <gtest/gtest.h>

#include <set>

namespace boshgate::routing {
namespace {

TEST(binding_condition, every_terminate_is_an_empty_body_with_its_condition) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < binding_condition_count; ++i) {
        const auto condition = static_cast<binding_condition>(i);
        const std::string_view name = name_of(condition);
        EXPECT_TRUE(names.insert(name).second) << name;
        const std::string_view body = terminate_body(condition);
        body_tag tag;
        ASSERT_TRUE(check_body(body, body_limits{}, tag).ok()) << body;
        EXPECT_TRUE(tag.self_closed()) << body;
        EXPECT_TRUE(tag.is(body_attribute::type, "terminate")) << body;
        EXPECT_TRUE(tag.is(body_attribute::condition, name)) << body;
        EXPECT_EQ(tag.attributes().size(), 3U) << body;
        // CAXL looks for the text, not for its meaning.
        EXPECT_TRUE(body.starts_with("<body xmlns='http://jabber.org/protocol/httpbind' ")) << body;
    }
}

// XEP-0124 17.1 knows three codes and no other.
TEST(binding_condition, three_have_a_code_for_legacy_clients) {
    for (std::size_t i = 0; i < binding_condition_count; ++i) {
        const auto condition = static_cast<binding_condition>(i);
        const int status = legacy_status_of(condition);
        switch (condition) {
        case binding_condition::bad_request:
            EXPECT_EQ(status, 400);
            break;
        case binding_condition::policy_violation:
            EXPECT_EQ(status, 403);
            break;
        case binding_condition::item_not_found:
            EXPECT_EQ(status, 404);
            break;
        default:
            EXPECT_EQ(status, 0) << name_of(condition);
        }
    }
}

} // namespace
} // namespace boshgate::routing
