#include "proxy/caxl_memory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::proxy {
namespace {

using discovery::discovery_evidence;
using discovery::nodes_told;

constexpr routing::node_index sd = 0, home = 1, backup = 2;
constexpr nodes_told both{{home, backup}, 2, 2};
constexpr nodes_told leads_nowhere{{sd}, 1, 1};

// A user who was told of other nodes, and logged in where he was.
void stays(caxl_memory& memory, user_hash user, std::uint64_t now_ms, bool forgets = false) {
    EXPECT_EQ(memory.on_hostnames(user, sd, both, now_ms), forgets) << user;
    EXPECT_EQ(memory.on_authentication(user, sd, now_ms), discovery_evidence::ignored) << user;
}

TEST(CaxlMemory, UsersAreKnownByAddressAndBareJid) {
    const routing::session_hash_key key{1}, other_key{2};
    const auto here = routing::ip_address::v4(0x7f000001), there = routing::ip_address::v4(1);
    const user_hash alice = user_hash_of(here, "alice@example.com", key);
    EXPECT_NE(alice, 0U);
    EXPECT_EQ(user_hash_of(here, "alice@example.com", key), alice);
    EXPECT_EQ(user_hash_of(here, "alice@example.com/work", key), alice);
    EXPECT_NE(user_hash_of(here, "bob@example.com", key), alice);
    EXPECT_NE(user_hash_of(there, "alice@example.com", key), alice);
    EXPECT_NE(user_hash_of(here, "alice@example.com", other_key), alice);
    EXPECT_EQ(user_hash_of(here, "Alice@Example.COM", key), alice);
    for (const char* from : {"", "/resource", "example.com", "a b@example.com"}) {
        EXPECT_EQ(user_hash_of(here, from, key), 0U) << from;
    }
}

TEST(CaxlMemory, EachUserIsJudgedAlone) {
    caxl_memory memory(10);
    EXPECT_FALSE(memory.on_hostnames(1, sd, both, 0));
    EXPECT_FALSE(memory.on_hostnames(2, sd, both, 0));
    memory.on_left(1, sd, 1);
    EXPECT_EQ(memory.on_session_request(2, home, 2), discovery_evidence::none);
    EXPECT_EQ(memory.on_session_request(1, home, 2), discovery_evidence::followed);
    EXPECT_EQ(memory.on_authentication(2, sd, 2), discovery_evidence::ignored);
    EXPECT_EQ(memory.on_session_request(1, sd, 1000), discovery_evidence::followed);
    EXPECT_EQ(memory.on_session_request(2, sd, 1000), discovery_evidence::ignored);
}

TEST(CaxlMemory, WhoProvesNothingTakesNoPlace) {
    caxl_memory memory(10);
    EXPECT_EQ(memory.on_session_request(1, sd, 0), discovery_evidence::none);
    memory.on_left(1, sd, 0);
    EXPECT_EQ(memory.on_authentication(1, sd, 0), discovery_evidence::none);
    EXPECT_FALSE(memory.on_hostnames(1, sd, leads_nowhere, 0));
    EXPECT_FALSE(memory.on_hostnames(1, sd, {}, 0));
    EXPECT_EQ(memory.size(), 0U);
}

TEST(CaxlMemory, SoManyUsersAndNoMore) {
    for (const std::size_t most : {1U, 2U, 100U}) {
        SCOPED_TRACE(most);
        caxl_memory memory(most);
        for (user_hash user = 1; user <= most; ++user) {
            stays(memory, user, user);
        }
        EXPECT_EQ(memory.size(), most);
        // Heard of again: no longer the one to go, unless nobody else is there.
        EXPECT_EQ(memory.on_session_request(1, sd, 1000), discovery_evidence::ignored);
        const user_hash newest = most + 1, oldest = most == 1 ? 1 : 2;
        stays(memory, newest, 1001, true);
        EXPECT_EQ(memory.size(), most);
        EXPECT_EQ(memory.on_session_request(oldest, sd, 1002), discovery_evidence::none);
        EXPECT_EQ(memory.on_session_request(newest, sd, 1002), discovery_evidence::ignored);
        if (most > 1) {
            EXPECT_EQ(memory.on_session_request(1, sd, 1002), discovery_evidence::ignored);
        }
    }
}

TEST(CaxlMemory, UsersAreForgottenInTime) {
    caxl_memory memory(10);
    stays(memory, 1, 0);
    EXPECT_EQ(memory.on_session_request(1, sd, caxl_memory::kept_ms), discovery_evidence::ignored)
        << "heard of in the last moment";
    EXPECT_EQ(memory.on_session_request(1, sd, 2 * caxl_memory::kept_ms + 1),
              discovery_evidence::none);
    stays(memory, 2, 3 * caxl_memory::kept_ms);
    stays(memory, 3, 3 * caxl_memory::kept_ms + 1);
    EXPECT_EQ(memory.size(), 3U);
    memory.forget_old(4 * caxl_memory::kept_ms);
    EXPECT_EQ(memory.size(), 2U);
    memory.forget_old(4 * caxl_memory::kept_ms + 1);
    EXPECT_EQ(memory.size(), 1U);
    EXPECT_EQ(memory.on_session_request(3, sd, 4 * caxl_memory::kept_ms + 1),
              discovery_evidence::ignored);
}

TEST(CaxlMemory, ForgettingTakesItsTime) {
    caxl_memory memory(10'000);
    const std::size_t users = caxl_memory::forgotten_at_once + 1;
    for (user_hash user = 1; user <= users; ++user) {
        stays(memory, user, 0);
    }
    memory.forget_old(caxl_memory::kept_ms + 1);
    EXPECT_EQ(memory.size(), 1U);
    memory.forget_old(caxl_memory::kept_ms + 1);
    EXPECT_EQ(memory.size(), 0U);
}

TEST(CaxlMemory, AReloadBringsOtherBounds) {
    caxl_memory memory(3);
    for (const user_hash user : {1U, 2U, 3U}) {
        stays(memory, user, user);
    }
    memory.limit(2);
    EXPECT_EQ(memory.size(), 2U);
    EXPECT_EQ(memory.on_session_request(1, sd, 10), discovery_evidence::none) << "the oldest";
    EXPECT_EQ(memory.on_session_request(2, sd, 10), discovery_evidence::ignored);
    stays(memory, 4, 11, true);
}

TEST(CaxlMemory, WhatWasSeenOfANodeProvesNothingAboutTheNextOneInItsPlace) {
    caxl_memory memory(3);
    for (const routing::node_index gone : {sd, home, backup}) {
        memory.limit(0);
        memory.limit(3);
        ASSERT_FALSE(memory.on_hostnames(1, sd, both, 1));
        memory.forget_node(gone);
        EXPECT_EQ(memory.on_authentication(1, sd, 2), discovery_evidence::none) << gone;
    }
    ASSERT_FALSE(memory.on_hostnames(2, sd, both, 1));
    memory.forget_node(7);
    EXPECT_EQ(memory.on_authentication(2, sd, 2), discovery_evidence::ignored);
}

} // namespace
} // namespace boshgate::proxy
