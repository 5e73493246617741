#include "discovery/node_slots.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

std::vector<conf::node> nodes(const std::vector<std::string>& names) {
    std::vector<conf::node> all;
    for (const std::string& name : names) {
        all.push_back({});
        all.back().name = name;
        all.back().url.host = name + ".example.com";
    }
    return all;
}

std::vector<std::string> numbered(std::size_t from, std::size_t count) {
    std::vector<std::string> all;
    for (std::size_t i = from; i < from + count; ++i) {
        all.push_back("n" + std::to_string(i));
    }
    return all;
}

// "a b -c d": a node that was taken out stands behind a minus sign.
std::string printed(const node_slots& slots) {
    std::string text;
    for (std::size_t i = 0; i < slots.nodes.size(); ++i) {
        text += (text.empty() ? "" : " ") + std::string(slots.removed_in[i] != 0 ? "-" : "") +
                slots.nodes[i].name;
    }
    return text;
}

TEST(node_slots, a_process_begins_in_the_order_of_the_file) {
    const node_slots slots = lay_out(nodes({"a", "b", "c"}));
    EXPECT_EQ(printed(slots), "a b c");
    EXPECT_EQ(slots.most, 67U);
    EXPECT_EQ(slots_for(0), 64U);
    EXPECT_EQ(slots_for(64), 128U);
    EXPECT_EQ(slots_for(65), 130U);
}

TEST(node_slots, a_node_keeps_its_slot_as_long_as_its_name) {
    struct {
        const char* what;
        std::vector<std::string> then;
        const char* expected;
    } const cases[] = {
        {"the same", {"a", "b", "c"}, "a b c"},
        {"another order", {"c", "a", "b"}, "a b c"},
        {"one more in front", {"d", "a", "b", "c"}, "a b c d"},
        {"one taken out", {"a", "c"}, "a -b c"},
        {"one in place of another", {"a", "d", "c"}, "a -b c d"},
        {"all others", {"x", "y"}, "-a -b -c x y"},
        {"another letter case", {"A", "b", "c"}, "A b c"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.what);
        const relaid made = lay_out(nodes(one.then), lay_out(nodes({"a", "b", "c"})), 2, 1);
        EXPECT_EQ(printed(made.slots), one.expected);
        EXPECT_EQ(made.without, 0U);
        EXPECT_EQ(made.slots.most, 67U);
    }
}

TEST(node_slots, who_comes_back_gets_its_slot_again_as_it_is_now) {
    const node_slots first = lay_out(nodes({"a", "b"}));
    const node_slots second = lay_out(nodes({"a"}), first, 2, 1).slots;
    EXPECT_EQ(printed(second), "a -b");
    EXPECT_EQ(second.removed_in[1], 2U);
    EXPECT_EQ(second.nodes[1].url.host, "b.example.com");
    std::vector<conf::node> back = nodes({"b", "a"});
    back[0].url.host = "elsewhere.example.com";
    const node_slots third = lay_out(back, second, 3, 1).slots;
    EXPECT_EQ(printed(third), "a b");
    EXPECT_EQ(third.nodes[1].url.host, "elsewhere.example.com");
}

TEST(node_slots, those_there_and_those_removed_stand_in_their_slots) {
    const node_slots slots = lay_out(nodes({"a", "c"}), lay_out(nodes({"a", "b"})), 2, 1).slots;
    const auto hosts = [](const std::vector<conf::node>& all) {
        std::string text;
        for (const conf::node& one : all) {
            text += one.name + "=" + one.url.host + " ";
        }
        return text;
    };
    EXPECT_EQ(hosts(nodes_there(slots)), "a=a.example.com b= c=c.example.com ");
    EXPECT_EQ(hosts(nodes_removed(slots)), "a= b=b.example.com c= ");
}

TEST(node_slots, as_many_nodes_as_there_are_slots_and_one_more) {
    const node_slots slots = lay_out(nodes({"a"}));
    std::vector<std::string> names = numbered(0, 64);
    names.push_back("a");
    const relaid full = lay_out(nodes(names), slots, 2, 1);
    EXPECT_EQ(full.without, 0U);
    EXPECT_EQ(full.slots.nodes.size(), 65U);
    names.push_back("one more");
    EXPECT_EQ(lay_out(nodes(names), slots, 2, 1).without, 1U);
    EXPECT_EQ(lay_out(nodes(names), full.slots, 3, 3).without, 1U);
}

TEST(node_slots, a_slot_is_anothers_when_no_snapshot_is_left_in_which_it_was_the_nodes) {
    // 65 slots: a, 64 others. Then b for a.
    const node_slots first = lay_out(nodes({"a"}));
    std::vector<std::string> others = numbered(0, 64);
    std::vector<std::string> all = others;
    all.push_back("a");
    const node_slots second = lay_out(nodes(all), first, 2, 1).slots;
    const node_slots third = lay_out(nodes(others), second, 3, 1).slots;
    EXPECT_EQ(third.removed_in[0], 3U);
    std::vector<std::string> with_b = others;
    with_b.push_back("b");
    for (const std::uint64_t oldest : {1U, 2U}) {
        const relaid early = lay_out(nodes(with_b), third, 4, oldest);
        EXPECT_EQ(early.without, 1U) << oldest;
        EXPECT_EQ(early.resting, 1U) << oldest;
    }
    const relaid late = lay_out(nodes(with_b), third, 4, 3);
    EXPECT_EQ(late.without, 0U);
    EXPECT_EQ(late.slots.nodes[0].name, "b");
    EXPECT_EQ(late.slots.removed_in[0], 0U);
    // While it rests it stays the old node's, however often others are laid out.
    const node_slots fourth = lay_out(nodes(others), third, 4, 1).slots;
    EXPECT_EQ(fourth.removed_in[0], 3U) << "gone since then, not since now";
}

} // namespace
} // namespace boshgate::discovery
