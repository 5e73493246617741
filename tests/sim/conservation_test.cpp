// Plays many worlds and says what has to hold in all of them: every stanza comes once, in order,
// and no session ends but by a defect of the node or of the client, which are counted and bounded.
//
// seeds.hpp has the variables that choose the worlds.
#include "tests/sim/seeds.hpp"
#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::sim {
namespace {

const char* name_of(node_kind kind) {
    return kind == node_kind::prosody ? "Prosody" : "ejabberd";
}

constexpr client_kind all[] = {client_kind::strophe, client_kind::stanza, client_kind::caxl,
                               client_kind::eager};
// Those that repeat what failed. CAXL repeats something else.
constexpr client_kind sound[] = {client_kind::strophe, client_kind::stanza, client_kind::eager};

result play(const scenario& what, const char* name) {
    const auto [traced, first, worlds] = seeds::chosen();
    result all_of_them;
    for (std::uint64_t seed = first; seed != first + worlds; ++seed) {
        all_of_them.add(run(what, seed, traced));
    }
    std::printf("%s, %s, %s: seeds %llu to %llu, %s\n", name, name_of(what.node),
                name_of(what.client), static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(first + worlds - 1), all_of_them.text().c_str());
    return all_of_them;
}

// Five in a hundred exchanges meet one of these; none of them swallows without a word.
fault_rates loud() {
    fault_rates rates;
    rates.refused = rates.lost_request = rates.cut_early = rates.cut_held = rates.lost_answer = 8;
    return rates;
}

std::uint64_t count(const result& of, const std::string& cause) {
    const auto found = of.ends.find(cause);
    return found == of.ends.end() ? 0 : found->second;
}

std::uint64_t sum(const result& of) {
    std::uint64_t ended = 0;
    for (const auto& [cause, number] : of.ends) {
        ended += number;
    }
    return ended;
}

// n in a thousand, and a few, so that one bad world in a short run is no failure.
std::uint64_t per_thousand(std::uint64_t n, std::uint64_t of) {
    return 2 + of * n / 1000;
}

constexpr const char* refused = "node refused a repeat";

// Whatever breaks: no stanza twice, no world without an end, no more kept than is allowed.
void expect_bounds(const result& got) {
    EXPECT_EQ(got.doubled, 0U) << got.text();
    EXPECT_EQ(got.most_live <= 4 && got.most_kept <= 4, true) << got.text();
    EXPECT_GT(got.up, 100 * got.worlds) << got.text();
    EXPECT_GT(got.down, 100 * got.worlds) << got.text();
    for (const auto verdict :
         {routing::rid_verdict::too_old, routing::rid_verdict::above_window,
          routing::rid_verdict::too_many, routing::rid_verdict::too_many_copies}) {
        EXPECT_EQ(got.verdicts[static_cast<std::size_t>(verdict)], 0U)
            << routing::name_of(verdict) << ": " << got.text();
    }
}

TEST(conservation, where_nothing_breaks_nothing_is_seen) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : all) {
            scenario quiet;
            quiet.node = node;
            quiet.client = client;
            const result got = play(quiet, "quiet");
            expect_bounds(got);
            EXPECT_EQ(got.lost + got.stuck + sum(got) + got.failures + got.repeats, 0U)
                << got.text();
        }
    }
}

TEST(conservation, links_to_the_node_break) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : all) {
            scenario broken;
            broken.node = node;
            broken.client = client;
            broken.node_side = loud();
            const result got = play(broken, "links break");
            expect_bounds(got);
            EXPECT_GT(got.repeats, 10 * got.worlds) << got.text();
            EXPECT_EQ(got.stuck, 0U) << got.text();
            EXPECT_LE(got.failures, per_thousand(1, got.turns)) << got.text();
            if (node == node_kind::prosody) {
                // What comes between two breaks of which the node has not heard goes to the first.
                EXPECT_LE(got.lost, got.faults / 2000) << got.text();
                // A held poll's link breaks while the next request is in the air.
                EXPECT_LE(count(got, refused), per_thousand(1, got.faults)) << got.text();
                EXPECT_EQ(sum(got), count(got, refused)) << got.text();
            } else {
                // ejabberd does not notice that a repeat has broken, too, and answers it.
                EXPECT_LE(got.lost, per_thousand(3, got.faults)) << got.text();
                EXPECT_LE(count(got, "node: crash"), per_thousand(1, got.faults)) << got.text();
                EXPECT_EQ(sum(got), count(got, "node: crash")) << got.text();
            }
        }
    }
}

TEST(conservation, connections_of_clients_break) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : sound) {
            scenario broken;
            broken.node = node;
            broken.client = client;
            broken.client_side = loud();
            broken.client_side.stalled = 8;
            const result got = play(broken, "connections break");
            expect_bounds(got);
            EXPECT_GT(got.failures, 10 * got.worlds) << got.text();
            EXPECT_EQ(got.lost + got.stuck + got.repeats + got.echoed, 0U) << got.text();
            // Strophe's pauses between repeats outlast ejabberd's patience.
            EXPECT_LE(count(got, "node: inactivity"), per_thousand(1, got.faults)) << got.text();
            EXPECT_EQ(sum(got), count(got, "node: inactivity") +
                                    count(got, "client gave up: errors in a row"))
                << got.text();
            EXPECT_LE(sum(got), per_thousand(1, got.faults)) << got.text();
        }
    }
}

// CAXL repeats its newest request, not the one that failed: what that was answered with is lost by
// the client itself.
TEST(conservation, connections_of_caxl_break) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        scenario broken;
        broken.node = node;
        broken.client = client_kind::caxl;
        broken.client_side = loud();
        const result got = play(broken, "connections break");
        expect_bounds(got);
        EXPECT_GT(got.forgotten, 0U) << got.text();
        EXPECT_LE(got.lost, 8 * got.forgotten) << got.text();
        EXPECT_LE(got.stuck, got.forgotten) << got.text(); // the last of all may be among them
        EXPECT_EQ(got.repeats + got.echoed, 0U) << got.text();
        EXPECT_EQ(sum(got), count(got, "client gave up: errors in a row")) << got.text();
    }
}

TEST(conservation, both_sides_break) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : sound) {
            scenario broken;
            broken.node = node;
            broken.client = client;
            broken.client_side = broken.node_side = loud();
            const result got = play(broken, "both sides break");
            expect_bounds(got);
            EXPECT_EQ(got.stuck, 0U) << got.text();
            EXPECT_LE(got.lost, per_thousand(3, got.faults)) << got.text();
            EXPECT_LE(sum(got), per_thousand(3, got.faults)) << got.text();
        }
    }
}

TEST(conservation, every_link_breaks_at_once) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : sound) {
            scenario broken;
            broken.node = node;
            broken.client = client;
            broken.storms = 60;
            const result got = play(broken, "storms");
            expect_bounds(got);
            EXPECT_EQ(got.stuck, 0U) << got.text();
            EXPECT_LE(got.lost,
                      node == node_kind::prosody ? got.faults / 2000 : per_thousand(15, got.faults))
                << got.text();
            EXPECT_LE(sum(got), per_thousand(3, got.faults)) << got.text();
        }
    }
}

// What stands between the proxy and a node may take a request and pass it on seconds later; a
// repeat as well. Nothing newer may have gone to the node by then.
TEST(conservation, repeats_are_stalled) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : all) {
            scenario stalled;
            stalled.node = node;
            stalled.client = client;
            stalled.node_side = loud();
            stalled.node_side.stalled = 30;
            const result got = play(stalled, "stalled");
            expect_bounds(got);
            EXPECT_GT(got.repeats, 10 * got.worlds) << got.text();
            EXPECT_EQ(got.stuck, 0U) << got.text();
            EXPECT_LE(got.lost, per_thousand(1, got.faults)) << got.text();
            // With half a second for a repeat it is 2 to 3 in a thousand faults. What is left are
            // stalls of what was no repeat, of which nothing can be known.
            EXPECT_LE(count(got, refused), got.faults / 1000) << got.text();
            EXPECT_LE(sum(got), per_thousand(5, got.faults)) << got.text();
        }
    }
}

TEST(conservation, links_swallow) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : sound) {
            scenario broken;
            broken.node = node;
            broken.client = client;
            broken.node_side.silent_before = broken.node_side.silent_after = 3;
            const result got = play(broken, "links swallow");
            expect_bounds(got);
            EXPECT_GT(got.repeats, got.worlds) << got.text();
            EXPECT_EQ(got.lost + got.stuck, 0U) << got.text();
            EXPECT_LE(sum(got), per_thousand(5, got.faults)) << got.text();
        }
    }
}

TEST(conservation, the_proxy_starts_again) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : sound) {
            scenario restarted;
            restarted.node = node;
            restarted.client = client;
            restarted.restarts = 5;
            const result got = play(restarted, "restarts");
            expect_bounds(got);
            EXPECT_EQ(got.lost + got.stuck, 0U) << got.text();
            // A client that repeats one of two requests seconds later is too late for its node.
            EXPECT_LE(sum(got), per_thousand(25, 5 * got.worlds)) << got.text();
        }
    }
}

// Three instances behind a balancer that sends each request to the next one. An eager client has no
// place here: what it sends beyond its node's `requests` no instance can hold back for the others.
scenario several(node_kind node, client_kind client) {
    scenario what;
    what.node = node;
    what.client = client;
    what.instances = 3;
    what.proxy.rules.elsewhere_ms = 100;
    return what;
}

TEST(conservation, instances_serve_a_session_by_turns) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client :
             {client_kind::strophe, client_kind::stanza, client_kind::caxl}) {
            const result got = play(several(node, client), "instances");
            expect_bounds(got);
            EXPECT_EQ(got.lost + got.stuck, 0U) << got.text();
            if (node == node_kind::prosody) {
                EXPECT_EQ(sum(got) + got.failures + got.repeats, 0U) << got.text();
            } else {
                // Two requests that are written at once may come to it swapped.
                EXPECT_LE(sum(got), 2 + got.turns / 20'000) << got.text();
            }
        }
    }
}

TEST(conservation, instances_are_killed) {
    for (const node_kind node : {node_kind::prosody, node_kind::ejabberd}) {
        for (const client_kind client : {client_kind::strophe, client_kind::stanza}) {
            scenario killed = several(node, client);
            killed.restarts = 30;
            killed.away = second;
            const result got = play(killed, "instances are killed");
            expect_bounds(got);
            EXPECT_EQ(got.stuck, 0U) << got.text();
            const std::uint64_t kills = 30 * got.worlds;
            if (node == node_kind::prosody) {
                EXPECT_GT(got.forgotten_by_node, kills / 100) << got.text();
                EXPECT_LE(sum(got), per_thousand(5, kills)) << got.text();
                // What overtook and broke swallows what comes next (bosh.md 2.3): an answer, which
                // may hold some forty stanzas, in a run of a few worlds.
                EXPECT_LE(got.lost, 50 + got.down / 200) << got.text();
            } else {
                EXPECT_EQ(got.lost + got.forgotten_by_node, 0U) << got.text();
                EXPECT_LE(sum(got), per_thousand(15, kills)) << got.text();
            }
        }
    }
}

} // namespace
} // namespace boshgate::sim
