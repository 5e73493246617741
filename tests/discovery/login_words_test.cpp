#include "discovery/login_words.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::discovery {
namespace {

using routing::binding_condition;

TEST(login_words, the_living_home) {
    std::bitset<4> dead;
    const health_view health{[](const void* whose, node_index node) noexcept {
                                 return static_cast<const std::bitset<4>*>(whose)->test(node);
                             },
                             &dead};
    const login_homes both{1, 2};
    EXPECT_EQ(living_home(both, health), 1);
    EXPECT_EQ(living_home(both, {}), 1) << "nobody knows anything";
    EXPECT_EQ(living_home({}, health), std::nullopt);
    EXPECT_EQ(living_home({3, no_node}, health), 3);
    dead.set(1);
    EXPECT_EQ(living_home(both, health), 2);
    EXPECT_EQ(living_home({1, no_node}, health), std::nullopt);
    dead.set(2);
    EXPECT_EQ(living_home(both, health), std::nullopt);
}

TEST(login_words, homes) {
    EXPECT_TRUE((login_homes{}).none());
    EXPECT_FALSE((login_homes{1, no_node}).none());
    EXPECT_FALSE((login_homes{no_node, 1}).none());
    EXPECT_TRUE((login_homes{1, 2}).has(1));
    EXPECT_TRUE((login_homes{1, 2}).has(2));
    EXPECT_FALSE((login_homes{1, 2}).has(3));
    EXPECT_FALSE((login_homes{1, no_node}).has(no_node));
}

TEST(login_words, what_a_terminate_means) {
    const std::vector<std::pair<binding_condition, step_end>> rows{
        {binding_condition::bad_request, step_end::unacceptable},
        {binding_condition::improper_addressing, step_end::unacceptable},
        {binding_condition::host_unknown, step_end::declined},
        {binding_condition::policy_violation, step_end::declined},
        {binding_condition::host_gone, step_end::refused},
        {binding_condition::internal_server_error, step_end::refused},
        {binding_condition::item_not_found, step_end::refused},
        {binding_condition::other_request, step_end::refused},
        {binding_condition::remote_connection_failed, step_end::refused},
        {binding_condition::system_shutdown, step_end::refused},
        {binding_condition::undefined_condition, step_end::refused},
    };
    EXPECT_EQ(rows.size(), routing::binding_condition_count);
    for (const auto& [condition, expected] : rows) {
        EXPECT_EQ(step_end_of(condition), expected) << routing::name_of(condition);
    }
}

// All names of an enumeration up to its last one: none empty, none twice.
template <class words>
std::vector<std::string_view> names_up_to(words last) {
    std::vector<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        names.push_back(name_of(static_cast<words>(i)));
    }
    const std::set<std::string_view> different(names.begin(), names.end());
    EXPECT_EQ(different.size(), names.size());
    EXPECT_EQ(different.count(""), 0U);
    return names;
}

TEST(login_words, names) {
    EXPECT_EQ(names_up_to(login_reason::see_other),
              (std::vector<std::string_view>{"stored_home", "stored_backup", "first", "second",
                                             "again", "any", "home", "backup", "see_other"}));
    EXPECT_EQ(names_up_to(step_end::left),
              (std::vector<std::string_view>{"under_way", "named_itself", "named_others",
                                             "named_nobody", "named_unknown", "dead", "timeout",
                                             "bad_answer", "refused", "declined", "unacceptable",
                                             "see_other", "limited", "known_dead", "left"}));
    EXPECT_EQ(names_up_to(login_do::fail),
              (std::vector<std::string_view>{"open", "poll", "deliver", "found", "fail"}));
    EXPECT_EQ(names_up_to(login_cache::forget),
              (std::vector<std::string_view>{"keep", "learn", "forget"}));
    EXPECT_EQ(names_up_to(login_failure::gone),
              (std::vector<std::string_view>{"none", "nobody", "homes_down", "refused",
                                             "bad_answer", "steered_away", "limited", "out_of_time",
                                             "out_of_steps", "gone"}));
}

} // namespace
} // namespace boshgate::discovery
