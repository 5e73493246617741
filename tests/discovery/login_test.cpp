#include "discovery/login.hpp"

#include <gtest/gtest.h>

namespace boshgate::discovery {
namespace {

TEST(login, opens_at_the_first_discovery_node_and_goes_home) {
    login one({}, {.first = 0, .second = 1, .count = 4}, {});
    const login_action first = one.on_start(login_purpose::session, {}, 1000);
    EXPECT_EQ(first.what, login_do::open);
    EXPECT_EQ(first.node, 0);
    EXPECT_EQ(first.deadline_ms, 2000);
    const login_action second = one.on_opened({.homes = {2, 3}}, 1010);
    EXPECT_EQ(second.what, login_do::open);
    EXPECT_EQ(second.node, 2);
    EXPECT_EQ(second.leave, 0);
    const login_action third = one.on_opened({.homes = {2, 3}}, 1020);
    EXPECT_EQ(third.what, login_do::deliver);
    EXPECT_EQ(third.node, 2);
    EXPECT_EQ(third.leave, no_node);
    EXPECT_EQ(third.cache, login_cache::learn);
    EXPECT_EQ(one.homes(), (login_homes{2, 3}));
}

} // namespace
} // namespace boshgate::discovery
