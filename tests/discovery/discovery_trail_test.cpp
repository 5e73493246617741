#include "discovery/discovery_trail.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

constexpr routing::node_index sd = 0, home = 1, backup = 2, other = 3;

constexpr nodes_told nothing{};
constexpr nodes_told both{{home, backup}, 2, 2};
constexpr nodes_told one{{home}, 1, 1};
constexpr nodes_told one_twice{{home, home}, 2, 2};
constexpr nodes_told one_of_two_known{{backup}, 1, 2};
constexpr nodes_told one_is_here{{home, sd}, 2, 2};
constexpr nodes_told none_known{{}, 0, 2};

struct event {
    enum class kind : std::uint8_t { asks, told, leaves, authenticates } what;
    routing::node_index at = sd;
    nodes_told names = nothing;
    std::uint64_t after_ms = 10;
};
constexpr auto asks = event::kind::asks;
constexpr auto told = event::kind::told;
constexpr auto leaves = event::kind::leaves;
constexpr auto authenticates = event::kind::authenticates;

constexpr auto none = discovery_evidence::none;
constexpr auto followed = discovery_evidence::followed;
constexpr auto ignored = discovery_evidence::ignored;

struct story {
    const char* name;
    std::vector<event> events;
    discovery_evidence seen;
};

constexpr std::uint64_t hop = discovery_trail::hop_ms;
constexpr std::uint64_t decision = discovery_trail::decision_ms;

const std::vector<story>& stories() {
    static const std::vector<story> all{
        {"goes home", {{asks}, {told, sd, both}, {leaves}, {asks, home}}, followed},
        {"goes to the backup", {{told, sd, both}, {leaves}, {asks, backup}}, followed},
        {"one name, and goes there", {{told, sd, one}, {leaves}, {asks, home}}, followed},
        {"goes to the one that is ours",
         {{told, sd, one_of_two_known}, {leaves}, {asks, backup}},
         followed},
        {"goes elsewhere", {{told, sd, both}, {leaves}, {asks, other}}, none},
        {"comes back to where it was", {{told, sd, both}, {leaves}, {asks, sd}}, none},
        {"asks elsewhere first, then at home",
         {{told, sd, both}, {leaves}, {asks, sd}, {asks, home}},
         followed},
        {"at home in the last moment",
         {{told, sd, both}, {leaves}, {asks, home, nothing, hop}},
         followed},
        {"at home too late", {{told, sd, both}, {leaves}, {asks, home, nothing, hop + 1}}, none},
        {"a second session without an end of the first", {{told, sd, both}, {asks, home}}, none},
        {"an end of another session", {{told, sd, both}, {leaves, other}, {asks, home}}, none},
        {"an end in the last moment",
         {{told, sd, both}, {leaves, sd, nothing, decision}, {asks, home}},
         followed},
        {"an end too late",
         {{told, sd, both}, {leaves, sd, nothing, decision + 1}, {asks, home}},
         none},
        {"an end without names", {{leaves}, {asks, home}}, none},
        {"logs in where it is", {{asks}, {told, sd, both}, {authenticates}}, ignored},
        {"the same node twice, and logs in where it is",
         {{told, sd, one_twice}, {authenticates}},
         ignored},
        {"one of two is ours, and logs in where it is",
         {{told, sd, one_of_two_known}, {authenticates}},
         ignored},
        {"one name, and logs in where it is", {{told, sd, one}, {authenticates}}, none},
        {"is there already", {{told, sd, one_is_here}, {authenticates}}, none},
        {"is there already, and leaves", {{told, sd, one_is_here}, {leaves}, {asks, home}}, none},
        {"names that are not ours", {{told, sd, none_known}, {authenticates}}, none},
        {"no names", {{told, sd, nothing}, {authenticates}}, none},
        {"logs in in the last moment",
         {{told, sd, both}, {authenticates, sd, nothing, decision}},
         ignored},
        {"logs in too late", {{told, sd, both}, {authenticates, sd, nothing, decision + 1}}, none},
        {"logs in elsewhere", {{told, sd, both}, {authenticates, other}}, none},
        {"names that are taken back",
         {{told, sd, both}, {told, sd, nothing}, {authenticates}},
         none},
        {"what is known stays", {{told, sd, both}, {authenticates}, {asks, home}}, ignored},
        {"a logout behind it is no hop",
         {{told, sd, both}, {authenticates}, {leaves}, {asks, home}},
         ignored},
        {"a page that was changed: now it discovers",
         {{told, sd, both}, {authenticates}, {told, sd, both}, {leaves}, {asks, home}},
         followed},
        {"a page that was changed: no more",
         {{told, sd, both}, {leaves}, {asks, home}, {told, sd, both}, {authenticates}},
         ignored},
    };
    return all;
}

TEST(discovery_trail, concludes_from_what_nobody_else_would_do) {
    for (const story& one_story : stories()) {
        discovery_trail trail;
        std::uint64_t now = 1'000'000;
        discovery_evidence said = none;
        for (const event& e : one_story.events) {
            now += e.after_ms;
            switch (e.what) {
            case asks:
                said = trail.on_session_request(e.at, now);
                break;
            case told:
                trail.on_hostnames(e.at, e.names, now);
                break;
            case leaves:
                trail.on_left(e.at, now);
                break;
            case authenticates:
                said = trail.on_authentication(e.at, now);
                break;
            }
        }
        EXPECT_EQ(trail.seen(), one_story.seen) << one_story.name;
        EXPECT_EQ(said, one_story.seen) << one_story.name << ": what the last event returned";
    }
}

// Two cores' clocks: an event that seems to lie before the one it follows.
TEST(discovery_trail, a_clock_that_lags_is_no_age) {
    discovery_trail trail;
    trail.on_hostnames(sd, both, 5'000);
    trail.on_left(sd, 4'999);
    EXPECT_EQ(trail.on_session_request(home, 4'998), followed);
}

} // namespace
} // namespace boshgate::discovery
