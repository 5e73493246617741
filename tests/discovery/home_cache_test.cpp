#include "discovery/home_cache.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

using namespace std::chrono_literals;
using homes = home_cache::homes;
using routing::node_index;

const home_cache::time_point start{1000h};
constexpr routing::session_hash_key key{1, 2, 3};

TEST(home_cache, finds_what_was_learnt) {
    home_cache cache(10, 10min, key);
    EXPECT_EQ(cache.find("alice@example.com", start), std::nullopt);
    cache.learn("alice@example.com", {1, 2}, start);
    cache.learn("carol@example.com", {3, {}}, start);
    EXPECT_EQ(cache.find("alice@example.com", start), (homes{1, 2}));
    EXPECT_EQ(cache.find("carol@example.com", start), (homes{3, {}}));
    EXPECT_EQ(cache.find("alice@example.co", start), std::nullopt);
    EXPECT_EQ(cache.find("", start), std::nullopt);
    cache.learn("alice@example.com", {2, {}}, start);
    EXPECT_EQ(cache.find("alice@example.com", start), (homes{2, {}})) << "the later one counts";
    EXPECT_EQ(cache.size(), 2U);
}

TEST(home_cache, keeps_no_longer_than_it_shall) {
    home_cache cache(10, 10min, key);
    cache.learn("alice", {1, 2}, start);
    EXPECT_TRUE(cache.find("alice", start + 10min - 1ns));
    EXPECT_FALSE(cache.find("alice", start + 10min)) << "asking does not make it young again";
    EXPECT_EQ(cache.size(), 0U);
    cache.learn("alice", {1, 2}, start);
    cache.learn("alice", {1, 2}, start + 5min);
    EXPECT_TRUE(cache.find("alice", start + 15min - 1ns)) << "learning does";
    EXPECT_FALSE(cache.find("alice", start + 15min));

    home_cache never(10, 0ms, key);
    never.learn("alice", {1, 2}, start);
    EXPECT_FALSE(never.find("alice", start));
}

TEST(home_cache, forgets_a_node) {
    home_cache cache(10, 10min, key);
    cache.learn("a", {1, 2}, start);
    cache.learn("b", {2, 1}, start);
    cache.learn("c", {2, {}}, start);
    cache.learn("d", {3, 1}, start);
    cache.forget_node(2);
    EXPECT_EQ(cache.find("a", start), (homes{1, {}})) << "a backup is struck out";
    EXPECT_FALSE(cache.find("b", start));
    EXPECT_FALSE(cache.find("c", start));
    EXPECT_EQ(cache.find("d", start), (homes{3, 1}));
    EXPECT_EQ(cache.size(), 2U);
}

TEST(home_cache, takes_other_bounds) {
    home_cache cache(3, 10min, key);
    for (const char* user : {"a", "b", "c"})
        cache.learn(user, {1, {}}, start);
    cache.limit(2, 5min);
    EXPECT_EQ(cache.size(), 2U);
    EXPECT_FALSE(cache.find("a", start)) << "nobody asked for it longest";
    EXPECT_TRUE(cache.find("b", start + 5min - 1ns));
    EXPECT_FALSE(cache.find("b", start + 5min));
    EXPECT_FALSE(cache.learn("d", {1, {}}, start)) << "b has made room";
    EXPECT_TRUE(cache.learn("e", {1, {}}, start)) << "and now it is full";
    cache.limit(0, 5min);
    EXPECT_EQ(cache.size(), 0U);
}

TEST(home_cache, holds_so_many_users_and_drops_the_last_used) {
    home_cache cache(3, 10min, key);
    for (const char* user : {"a", "b", "c"})
        EXPECT_FALSE(cache.learn(user, {1, {}}, start)) << user;
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_TRUE(cache.find("a", start)); // b is now the one that was not used for longest
    EXPECT_TRUE(cache.learn("d", {1, {}}, start)) << "somebody had to go";
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_FALSE(cache.find("b", start));
    EXPECT_FALSE(cache.learn("c", {2, {}}, start)) << "learning is a use, and needs no room";
    cache.learn("e", {1, {}}, start);
    EXPECT_FALSE(cache.find("a", start));
    for (const char* user : {"c", "d", "e"})
        EXPECT_TRUE(cache.find(user, start)) << user;

    home_cache none(0, 10min, key);
    none.learn("a", {1, {}}, start);
    EXPECT_EQ(none.size(), 0U);
    EXPECT_FALSE(none.find("a", start));

    home_cache one(1, 10min, key);
    one.learn("a", {1, {}}, start);
    one.learn("b", {2, {}}, start);
    EXPECT_FALSE(one.find("a", start));
    EXPECT_EQ(one.find("b", start), (homes{2, {}}));
}

TEST(home_cache, takes_names_to_the_limit) {
    home_cache cache(10, 10min, key);
    const std::string longest(home_cache::user_bytes_max, 'u');
    cache.learn(longest, {1, {}}, start);
    cache.learn(longest + "u", {1, {}}, start);
    cache.learn("", {1, {}}, start);
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_TRUE(cache.find(longest, start));
    EXPECT_FALSE(cache.find(longest + "u", start));
}

TEST(home_cache, forgets_a_user) {
    home_cache cache(10, 10min, key);
    cache.learn("a", {1, 2}, start);
    cache.learn("b", {1, 2}, start);
    cache.forget("a");
    cache.forget("nobody");
    EXPECT_FALSE(cache.find("a", start));
    EXPECT_TRUE(cache.find("b", start));
    EXPECT_EQ(cache.size(), 1U);
    cache.learn("a", {2, {}}, start);
    EXPECT_EQ(cache.find("a", start), (homes{2, {}}));
}

// Against a list that is searched from end to end.
TEST(home_cache, does_as_a_plain_list_does) {
    routing::random_source random;
    struct kept {
        std::string user;
        homes where;
        home_cache::time_point at;
    };
    std::vector<kept> list; // the last used first
    constexpr std::size_t users_max = 8;
    home_cache cache(users_max, 100s, key);
    home_cache::time_point now = start;
    for (int i = 0; i < 20'000; ++i) {
        const std::string user = "user" + std::to_string(random.below(12));
        now += std::chrono::seconds(random.below(20));
        const auto known =
            std::find_if(list.begin(), list.end(), [&](const kept& k) { return k.user == user; });
        switch (random.below(7)) {
        case 0:
        case 1:
        case 2: {
            const homes where{static_cast<node_index>(random.below(4)),
                              static_cast<node_index>(random.below(4))};
            cache.learn(user, where, now);
            if (known != list.end())
                list.erase(known);
            else if (list.size() == users_max)
                list.pop_back();
            list.insert(list.begin(), {user, where, now});
            break;
        }
        case 3:
            cache.forget(user);
            if (known != list.end())
                list.erase(known);
            break;
        default: {
            std::optional<homes> wanted;
            if (known != list.end()) {
                const kept found = *known;
                list.erase(known);
                if (now - found.at < 100s) {
                    wanted = found.where;
                    list.insert(list.begin(), found);
                }
            }
            ASSERT_EQ(cache.find(user, now), wanted) << "at " << i;
        }
        }
        ASSERT_EQ(cache.size(), list.size()) << "at " << i;
    }
}

TEST(users_under_way, only_the_first_asks) {
    using turn = users_under_way::turn;
    users_under_way users(2, key);
    EXPECT_EQ(users.begin("a"), turn::first);
    EXPECT_EQ(users.begin("a"), turn::wait);
    EXPECT_EQ(users.begin("b"), turn::first);
    EXPECT_EQ(users.begin("c"), turn::alone) << "one more than there is room for";
    EXPECT_EQ(users.begin("b"), turn::wait);
    EXPECT_EQ(users.size(), 2U);
    users.end("a");
    users.end("a");
    users.end("nobody");
    EXPECT_EQ(users.size(), 1U);
    EXPECT_EQ(users.begin("c"), turn::first);
    EXPECT_EQ(users.begin("a"), turn::alone);
    users.end("b");
    EXPECT_EQ(users.begin("a"), turn::first);

    users_under_way none(0, key);
    EXPECT_EQ(none.begin("a"), turn::alone);
}

TEST(users_under_way, takes_names_to_the_limit) {
    using turn = users_under_way::turn;
    users_under_way users(2, key);
    const std::string longest(home_cache::user_bytes_max, 'u');
    EXPECT_EQ(users.begin(longest), turn::first);
    EXPECT_EQ(users.begin(longest), turn::wait);
    EXPECT_EQ(users.begin(longest + "u"), turn::alone);
    EXPECT_EQ(users.begin(longest + "u"), turn::alone);
}

} // namespace
} // namespace boshgate::discovery
