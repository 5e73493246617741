#include "routing/rid_window.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace boshgate::routing {

// How GoogleTest prints them.
void PrintTo(rid_verdict verdict, std::ostream* out) {
    *out << name_of(verdict);
}
void PrintTo(const rid_decision& decision, std::ostream* out) {
    *out << name_of(decision.verdict) << ", wait " << decision.wait_ms
         << (decision.differs ? ", differs" : "");
}
void PrintTo(const rid_turn& turn, std::ostream* out) {
    *out << turn.rid << " in " << turn.wait_ms;
}

namespace {

using verdict = rid_verdict;

constexpr rid_rules rules{
    .reorder_ms = 2000, .settle_ms = 10, .resettle_ms = 500, .adopt_ms = 300, .copies = 4};
constexpr request_print hash{.payload = 7};
constexpr request_print other_payload{.payload = 8};
constexpr request_print keyed{.key = 5, .payload = 7};
constexpr std::uint64_t first = 1000; // the session request

const rid_decision forward{.verdict = verdict::forward};
rid_decision hold(std::uint32_t ms) {
    return {.verdict = verdict::hold_back, .wait_ms = ms};
}

// A window, and the time at it.
struct bench {
    rid_window window = rid_window::opened(first, 2);
    std::uint64_t now = 100'000;

    rid_decision ask(std::uint64_t rid, request_print print = hash) {
        return window.on_request(rid, print, rules, now);
    }
    void written(std::uint64_t rid) { window.on_written(rid, now); }
    // Comes, goes out, is in for good.
    void in(std::uint64_t rid) {
        ASSERT_EQ(ask(rid), forward) << rid;
        written(rid);
        now += rules.settle_ms;
    }
    void answered(std::uint64_t rid) {
        in(rid);
        ASSERT_TRUE(window.on_answered(rid, true)) << rid;
    }
    rid_decision broken(std::uint64_t rid) { return window.on_broken(rid, rules, now); }
    rid_decision over(std::uint64_t rid, bool reorder_over) {
        return window.on_wait_over(rid, reorder_over, rules, now);
    }
    std::optional<rid_turn> turn() { return window.take_turn(rules, now); }
};

TEST(rid_window, every_verdict_has_a_name) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < rid_verdict_count; ++i)
        names.insert(name_of(static_cast<verdict>(i)));
    EXPECT_EQ(names.size(), rid_verdict_count);
    EXPECT_EQ(names.count(""), 0U);
    EXPECT_EQ(name_of(verdict::hold_back), std::string("hold_back"));
}

// What a request gets, after what went before.
TEST(rid_window, decides_by_the_state_of_the_rid) {
    struct {
        const char* name;
        std::function<void(bench&)> before;
        std::uint64_t rid;
        request_print print;
        rid_decision expected;
    } const cases[] = {
        {"the first one", [](bench&) {}, first + 1, hash, forward},
        {"the session request again", [](bench&) {}, first, hash, {verdict::too_old}},
        {"before the session request", [](bench&) {}, first - 1, hash, {verdict::too_old}},
        {"far before", [](bench&) {}, 1, hash, {verdict::too_old}},
        {"a copy on its way",
         [](bench& b) { (void)b.ask(first + 1); },
         first + 1,
         hash,
         {verdict::join}},
        {"a copy of one in the node",
         [](bench& b) { b.in(first + 1); },
         first + 1,
         hash,
         {verdict::join}},
        {"a copy with another payload",
         [](bench& b) { b.in(first + 1); },
         first + 1,
         other_payload,
         {verdict::join, 0, true}},
        {"a copy of one held back",
         [](bench& b) { (void)b.ask(first + 2); },
         first + 2,
         hash,
         {verdict::join}},
        {"a copy of an answered one",
         [](bench& b) { b.answered(first + 1); },
         first + 1,
         hash,
         {verdict::replay}},
        {"the same with another payload",
         [](bench& b) { b.answered(first + 1); },
         first + 1,
         other_payload,
         {verdict::replay, 0, true}},
        {"an answer that was not kept: the node has it",
         [](bench& b) {
             b.in(first + 1);
             (void)b.window.on_answered(first + 1, false);
         },
         first + 1, hash, forward},
        {"an answer that was dropped: the node has it",
         [](bench& b) {
             b.answered(first + 1);
             b.window.on_dropped(first + 1);
         },
         first + 1, hash, forward},
        {"the same, one newer: the node has two",
         [](bench& b) {
             b.answered(first + 1);
             b.answered(first + 2);
             b.window.on_dropped(first + 1);
         },
         first + 1, hash, forward},
        {"the same, two newer: the node has dropped it as well",
         [](bench& b) {
             b.answered(first + 1);
             b.answered(first + 2);
             b.answered(first + 3);
             b.window.on_dropped(first + 1);
         },
         first + 1,
         hash,
         {verdict::too_old}},
        {"behind one that is just written",
         [](bench& b) {
             (void)b.ask(first + 1);
             b.written(first + 1);
             b.now += 9;
         },
         first + 2, hash, hold(1)},
        {"behind one that has settled", [](bench& b) { b.in(first + 1); }, first + 2, hash,
         forward},
        {"behind one on its way", [](bench& b) { (void)b.ask(first + 1); }, first + 2, hash,
         hold(2000)},
        {"behind one that has not come", [](bench&) {}, first + 2, hash, hold(2000)},
        {"behind an answered one", [](bench& b) { b.answered(first + 1); }, first + 2, hash,
         forward},
        {"behind one that failed unwritten",
         [](bench& b) {
             (void)b.ask(first + 1);
             b.window.on_failed(first + 1);
         },
         first + 2, hash, hold(2000)},
        {"behind one that failed in the node",
         [](bench& b) {
             b.in(first + 1);
             b.window.on_failed(first + 1);
         },
         first + 2, hash, hold(2000)},
        {"a copy of a failed one",
         [](bench& b) {
             b.in(first + 1);
             b.window.on_failed(first + 1);
         },
         first + 1, hash, forward},
        {"a third one, the node has granted two",
         [](bench& b) {
             b.in(first + 1);
             b.in(first + 2);
         },
         first + 3, hash, hold(2000)},
        {"the fourth one, of which two are held back",
         [](bench& b) {
             b.in(first + 1);
             b.in(first + 2);
             (void)b.ask(first + 3);
         },
         first + 4, hash, hold(2000)},
        {"a fifth one, four are unanswered",
         [](bench& b) {
             b.in(first + 1);
             b.in(first + 2);
             (void)b.ask(first + 3);
             (void)b.ask(first + 4);
         },
         first + 5,
         hash,
         {verdict::too_many}},
        {"the end of the window", [](bench&) {}, first + 4, hash, hold(2000)},
        {"one above the window", [](bench&) {}, first + 5, hash, {verdict::above_window}},
        {"the greatest number", [](bench&) {}, ~std::uint64_t{0}, hash, {verdict::above_window}},
        {"zero", [](bench&) {}, 0, hash, {verdict::too_old}},
    };
    for (const auto& c : cases) {
        bench b;
        c.before(b);
        EXPECT_EQ(b.ask(c.rid, c.print), c.expected) << c.name;
    }
}

// Whoever has the rid but not the key has nothing (XEP-0124 15).
TEST(rid_window, what_has_another_key_is_no_copy) {
    constexpr request_print guessed{.key = 9, .payload = 7};
    constexpr request_print without{.payload = 7};
    constexpr request_print other{.key = 5, .payload = 8};
    struct {
        const char* name;
        std::function<void(bench&)> before;
        rid_decision copy; // what one with the right key gets
    } const cases[] = {
        {"held back", [](bench&) {}, {verdict::join}},
        {"on its way", [](bench& b) { b.answered(first + 1); }, {verdict::join}},
        {"answered",
         [](bench& b) {
             b.answered(first + 1);
             EXPECT_EQ(b.ask(first + 2, keyed), forward);
             b.written(first + 2);
             EXPECT_TRUE(b.window.on_answered(first + 2, true));
         },
         {verdict::replay}},
        {"answered, not kept",
         [](bench& b) {
             b.answered(first + 1);
             EXPECT_EQ(b.ask(first + 2, keyed), forward);
             b.written(first + 2);
             EXPECT_TRUE(b.window.on_answered(first + 2, false));
         },
         forward},
        {"failed",
         [](bench& b) {
             b.answered(first + 1);
             EXPECT_EQ(b.ask(first + 2, keyed), forward);
             b.window.on_failed(first + 2);
         },
         forward},
    };
    for (const auto& c : cases) {
        bench b;
        c.before(b);
        if (c.copy.verdict == verdict::join)
            (void)b.ask(first + 2, keyed);
        // However often somebody guesses, that takes nothing from the client.
        for (std::uint32_t i = 0; i <= rules.copies; ++i)
            EXPECT_EQ(b.ask(first + 2, i % 2 == 0 ? guessed : without),
                      (rid_decision{verdict::other_key}))
                << c.name << i;
        EXPECT_EQ(b.ask(first + 2, keyed), c.copy) << c.name;
        if (c.copy != forward) {
            rid_decision differing = c.copy;
            differing.differs = true;
            EXPECT_EQ(b.ask(first + 2, other), differing) << c.name;
        }
        EXPECT_EQ(b.ask(first + 3, without).verdict == verdict::other_key, false) << c.name;
    }
    bench b;
    EXPECT_EQ(b.ask(first, keyed), (rid_decision{verdict::too_old})) << "the session request";
}

TEST(rid_window, what_was_asked_for_the_client_is_answered_to_whatever_it_sends) {
    bench b;
    b.answered(first + 1);
    b.window.made_here(first + 1);
    EXPECT_EQ(b.ask(first + 1, keyed), (rid_decision{verdict::replay})) << "and does not differ";
    EXPECT_EQ(b.ask(first + 1, keyed), (rid_decision{verdict::replay}));
    EXPECT_EQ(b.ask(first + 1), (rid_decision{verdict::other_key}));
    b.window.on_dropped(first + 1);
    EXPECT_EQ(b.ask(first + 1, keyed), forward) << "the node has it";
    b.window.made_here(1); // forgotten: nothing

    bench dropped;
    dropped.answered(first + 1);
    dropped.window.made_here(first + 1);
    dropped.window.on_dropped(first + 1);
    EXPECT_EQ(dropped.ask(first + 1, keyed), forward) << "the node has it";
}

// A window is two wider than what the node granted, at least 2 and at most window_max.
TEST(rid_window, is_as_wide_as_the_node_granted) {
    struct {
        unsigned granted, width, known;
    } const cases[] = {{0, 4, 2},    {1, 4, 2},    {2, 4, 2},    {3, 5, 3},     {5, 7, 5},
                       {11, 13, 11}, {12, 14, 12}, {13, 14, 13}, {255, 14, 255}};
    for (const auto& c : cases) {
        rid_window window = rid_window::opened(first, c.granted);
        EXPECT_EQ(window.requests(), c.known) << c.granted;
        rid_window other = window;
        EXPECT_EQ(window.on_request(first + c.width, hash, rules, 0).verdict, verdict::hold_back)
            << c.granted;
        EXPECT_EQ(other.on_request(first + c.width + 1, hash, rules, 0).verdict,
                  verdict::above_window)
            << c.granted;
        // As many may be unanswered.
        rid_window full = rid_window::opened(first, c.granted);
        for (unsigned i = 1; i <= c.width; ++i) {
            const auto got = full.on_request(first + i, hash, rules, 0).verdict;
            EXPECT_TRUE(got == verdict::forward || got == verdict::hold_back) << c.granted;
        }
        EXPECT_EQ(full.unanswered(), c.width) << c.granted;
        EXPECT_EQ(full.on_request(first + c.width + 1, hash, rules, 0).verdict, verdict::too_many)
            << c.granted;
    }
}

TEST(rid_window, copies_of_one_rid_are_counted) {
    struct {
        const char* name;
        std::function<void(bench&)> before;
        verdict expected;
    } const cases[] = {
        {"held back", [](bench& b) { (void)b.ask(first + 2); }, verdict::join},
        {"on its way",
         [](bench& b) {
             (void)b.ask(first + 2);
             b.in(first + 1);
             b.now += 10;
             (void)b.turn();
         },
         verdict::join},
        {"answered",
         [](bench& b) {
             b.answered(first + 1);
             b.answered(first + 2);
         },
         verdict::replay},
    };
    for (const auto& c : cases) {
        bench b;
        c.before(b);
        for (std::uint32_t copy = 2; copy <= rules.copies; ++copy)
            EXPECT_EQ(b.ask(first + 2).verdict, c.expected) << c.name << ", copy " << copy;
        EXPECT_EQ(b.ask(first + 2).verdict, verdict::too_many_copies) << c.name;
    }
    // Failures do not set the count back.
    bench b;
    for (std::uint32_t copy = 1; copy <= rules.copies; ++copy) {
        EXPECT_EQ(b.ask(first + 1), forward) << copy;
        b.window.on_failed(first + 1);
    }
    EXPECT_EQ(b.ask(first + 1).verdict, verdict::too_many_copies);
}

TEST(rid_window, a_request_goes_out_when_its_predecessor_is_in) {
    bench b;
    EXPECT_EQ(b.ask(first + 2), hold(2000));
    EXPECT_EQ(b.turn(), std::nullopt);
    EXPECT_EQ(b.ask(first + 1), forward);
    EXPECT_EQ(b.turn(), std::nullopt); // on its way is not in
    b.written(first + 1);
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 10}));
    b.now += 9;
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 1}));
    EXPECT_EQ(b.over(first + 2, false), hold(1));
    b.now += 1;
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));
    EXPECT_EQ(b.turn(), std::nullopt); // named once
    EXPECT_EQ(b.over(first + 2, false), (rid_decision{verdict::join}));
}

TEST(rid_window, an_answer_ends_the_settling) {
    bench b;
    (void)b.ask(first + 1);
    b.written(first + 1);
    EXPECT_EQ(b.ask(first + 2), hold(10));
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));
}

TEST(rid_window, without_settling_written_is_in) {
    rid_rules at_once = rules;
    at_once.settle_ms = 0;
    rid_window window = rid_window::opened(first, 2);
    EXPECT_EQ(window.on_request(first + 1, hash, at_once, 5), forward);
    window.on_written(first + 1, 5);
    EXPECT_EQ(window.on_request(first + 2, hash, at_once, 5), forward);
}

TEST(rid_window, behind_a_repeat_the_wait_is_longer) {
    bench b;
    b.in(first + 1);
    b.now += 20'000;
    EXPECT_EQ(b.broken(first + 1), forward); // nothing older
    EXPECT_EQ(b.ask(first + 2), hold(2000)); // on its way again
    b.written(first + 1);
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 500}));
    b.now += 499;
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 1}));
    b.now += 1;
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));

    // A client's own repeat of a failed request is one, too; of one that was never written, not.
    struct {
        bool was_written;
        std::uint32_t wait;
    } const cases[] = {{true, 500}, {false, 10}};
    for (const auto& c : cases) {
        bench other;
        EXPECT_EQ(other.ask(first + 1), forward);
        if (c.was_written)
            other.written(first + 1);
        other.window.on_failed(first + 1);
        EXPECT_EQ(other.ask(first + 1), forward);
        other.written(first + 1);
        EXPECT_EQ(other.ask(first + 2), hold(c.wait)) << c.was_written;
    }
}

TEST(rid_window, a_link_that_was_never_made_is_no_repeat) {
    bench b;
    EXPECT_EQ(b.ask(first + 1), forward);
    EXPECT_EQ(b.broken(first + 1), forward); // connect failed
    b.written(first + 1);
    EXPECT_EQ(b.ask(first + 2), hold(10));
}

TEST(rid_window, of_two_broken_ones_the_older_goes_first) {
    for (const bool older_is_seen_first : {true, false}) {
        bench b;
        b.in(first + 1);
        b.in(first + 2);
        if (older_is_seen_first) {
            EXPECT_EQ(b.broken(first + 1), forward);
            EXPECT_EQ(b.broken(first + 2), hold(2000));
        } else {
            EXPECT_EQ(b.broken(first + 2), forward); // the older one is in, as far as one knows
            EXPECT_EQ(b.broken(first + 1), forward);
            continue;
        }
        EXPECT_EQ(b.turn(), std::nullopt);
        b.written(first + 1);
        EXPECT_EQ(b.turn(), (rid_turn{first + 2, 500}));
        b.now += 500;
        EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));
        EXPECT_EQ(b.window.unanswered(), 2U);
    }
}

// Its turn had come, but no link: by the time that one stands the turn may be over.
TEST(rid_window, what_waited_for_its_link_looks_again) {
    struct {
        const char* name;
        std::function<void(bench&)> meanwhile;
        rid_decision expected;
    } const cases[] = {
        {"nothing", [](bench&) {}, forward},
        {"the older one was answered",
         [](bench& b) { EXPECT_TRUE(b.window.on_answered(first + 1, true)); }, forward},
        {"the older one failed", [](bench& b) { b.window.on_failed(first + 1); }, forward},
        {"the older one broke, and looks for a link as well",
         [](bench& b) { EXPECT_EQ(b.broken(first + 1), forward); }, hold(2000)},
        {"the older one broke, and was just written again",
         [](bench& b) {
             EXPECT_EQ(b.broken(first + 1), forward);
             b.written(first + 1);
             b.now += 1;
         },
         hold(499)},
        {"the same, long ago",
         [](bench& b) {
             EXPECT_EQ(b.broken(first + 1), forward);
             b.written(first + 1);
             b.now += 500;
         },
         forward},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        bench b;
        b.in(first + 1);
        ASSERT_EQ(b.ask(first + 2), forward);
        c.meanwhile(b);
        EXPECT_EQ(b.window.on_link(first + 2, rules, b.now), c.expected);
        EXPECT_EQ(b.window.on_link(first + 9, rules, b.now), forward) << "not known";
    }
    bench b;
    b.in(first + 1);
    ASSERT_EQ(b.ask(first + 2), forward);
    ASSERT_EQ(b.broken(first + 1), forward);
    ASSERT_EQ(b.window.on_link(first + 2, rules, b.now), hold(2000));
    EXPECT_EQ(b.turn(), std::nullopt);
    b.written(first + 1);
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 500}));
}

TEST(rid_window, a_break_of_what_is_not_under_way_changes_nothing) {
    bench b;
    b.answered(first + 1);
    (void)b.broken(first + 1);
    (void)b.broken(first + 100);
    EXPECT_EQ(b.ask(first + 1), (rid_decision{verdict::replay}));
}

// What happens when reorder_ms is over depends on what is waited for.
TEST(rid_window, waits_for_the_predecessor_as_long_as_that_helps) {
    struct {
        const char* name;
        std::function<void(bench&)> before;
        rid_decision expected;
    } const cases[] = {
        {"it has not come", [](bench&) {}, {verdict::out_of_order}},
        {"it failed unwritten",
         [](bench& b) {
             (void)b.ask(first + 1);
             b.window.on_failed(first + 1);
         },
         {verdict::out_of_order}},
        {"it failed, but the node may have it",
         [](bench& b) {
             b.in(first + 1);
             b.window.on_failed(first + 1);
         },
         forward},
        {"it is on its way", [](bench& b) { (void)b.ask(first + 1); }, hold(2000)},
        {"it is on its way again",
         [](bench& b) {
             b.in(first + 1);
             (void)b.broken(first + 1);
         },
         hold(2000)},
        {"it settles",
         [](bench& b) {
             (void)b.ask(first + 1);
             b.written(first + 1);
         },
         hold(10)},
    };
    for (const auto& c : cases) {
        bench b;
        c.before(b);
        EXPECT_EQ(b.ask(first + 2).verdict, verdict::hold_back) << c.name;
        EXPECT_EQ(b.over(first + 2, false).verdict, verdict::hold_back) << c.name;
        EXPECT_EQ(b.over(first + 2, true), c.expected) << c.name;
    }
}

TEST(rid_window, what_was_out_of_order_may_come_again) {
    bench b;
    EXPECT_EQ(b.ask(first + 2), hold(2000));
    EXPECT_EQ(b.over(first + 2, true), (rid_decision{verdict::out_of_order}));
    EXPECT_EQ(b.window.unanswered(), 0U);
    EXPECT_EQ(b.ask(first + 2), hold(2000));
    b.in(first + 1);
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));
    b.written(first + 2);
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_TRUE(b.window.on_answered(first + 2, true));
}

// Another instance may have had it.
TEST(rid_window, what_is_waited_for_in_vain_too_often_is_the_nodes_to_know) {
    struct {
        const char* name;
        std::function<void(bench&)> before;
    } const cases[] = {
        {"it has not come", [](bench&) {}},
    };
    for (const auto& c : cases) {
        bench b;
        b.answered(first + 1);
        c.before(b);
        for (int time = 0; time < 3; ++time) {
            EXPECT_EQ(b.ask(first + 3), hold(2000)) << c.name << time;
            b.now += 2000;
            EXPECT_EQ(b.over(first + 3, true), (rid_decision{verdict::out_of_order}))
                << c.name << time;
        }
        b.now += 60'000;
        EXPECT_EQ(b.ask(first + 3), hold(300)) << c.name << ": the older may come yet";
        b.now += 299;
        EXPECT_EQ(b.over(first + 3, false), hold(1)) << c.name;
        b.now += 1;
        EXPECT_EQ(b.turn(), (rid_turn{first + 3, 0})) << c.name;
        b.written(first + 3);
        EXPECT_TRUE(b.window.on_answered(first + 3, true)) << c.name;
        EXPECT_EQ(b.ask(first + 4), forward) << c.name << ": as if nothing had been";
        EXPECT_EQ(b.ask(first + 2), forward) << c.name << ": the node's to judge";
    }
    // One that was here and failed has gone nowhere else: its client comes with it again.
    bench here;
    here.answered(first + 1);
    (void)here.ask(first + 2);
    here.window.on_failed(first + 2);
    for (int time = 0; time < 3; ++time) {
        EXPECT_EQ(here.ask(first + 3), hold(2000)) << time;
        here.now += 60'000;
        EXPECT_EQ(here.over(first + 3, true), (rid_decision{verdict::out_of_order})) << time;
    }
    EXPECT_EQ(here.ask(first + 2), forward);
    // Copies that wait with it are no further times.
    bench b;
    EXPECT_EQ(b.ask(first + 2), hold(2000));
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::join}));
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::join}));
    EXPECT_EQ(b.over(first + 2, true), (rid_decision{verdict::out_of_order}));
    EXPECT_EQ(b.ask(first + 2), hold(2000));
}

TEST(rid_window, begins_anew_where_nothing_is_under_way) {
    struct {
        const char* name;
        std::function<void(bench&)> before;
        std::uint64_t rid;
        bool anew;
    } const cases[] = {
        {"nothing has come", [](bench&) {}, first + 100, true},
        {"all is answered", [](bench& b) { b.answered(first + 1); }, first + 3, true},
        {"one has failed",
         [](bench& b) {
             b.in(first + 1);
             b.window.on_failed(first + 1);
         },
         first + 3, true},
        {"the newest again", [](bench& b) { b.answered(first + 1); }, first + 1, false},
        {"one is held back", [](bench& b) { (void)b.ask(first + 2); }, first + 100, false},
        {"one is on its way", [](bench& b) { (void)b.ask(first + 1); }, first + 100, false},
        {"one is in the node", [](bench& b) { b.in(first + 1); }, first + 100, false},
        {"an answer waits",
         [](bench& b) {
             b.in(first + 1);
             b.in(first + 2);
             (void)b.window.on_answered(first + 2, true);
         },
         first + 100, false},
    };
    for (const auto& c : cases) {
        bench b;
        b.window = rid_window::opened(first, 3);
        c.before(b);
        EXPECT_EQ(b.window.readopt(c.rid), c.anew) << c.name;
        EXPECT_EQ(b.window.requests(), 3U) << c.name;
        if (!c.anew) {
            continue;
        }
        EXPECT_EQ(b.ask(c.rid), hold(300)) << c.name;
        b.now += 300;
        EXPECT_EQ(b.turn(), (rid_turn{c.rid, 0})) << c.name;
        EXPECT_EQ(b.ask(c.rid + 6).verdict, verdict::above_window) << c.name;
        EXPECT_EQ(b.ask(c.rid + 5).verdict, verdict::hold_back) << c.name << ": as wide as ever";
    }
}

TEST(rid_window, a_copy_of_the_newer_says_that_the_failed_one_will_not_come) {
    bench b;
    b.in(first + 1);
    b.window.on_failed(first + 1);
    EXPECT_EQ(b.ask(first + 2), hold(2000));
    EXPECT_EQ(b.turn(), std::nullopt);
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::join}));
    EXPECT_EQ(b.turn(), (rid_turn{first + 2, 0}));

    // Not where the node cannot have the failed one: it must not get a hole.
    bench other;
    (void)other.ask(first + 1);
    other.window.on_failed(first + 1);
    EXPECT_EQ(other.ask(first + 2), hold(2000));
    EXPECT_EQ(other.ask(first + 2), (rid_decision{verdict::join}));
    EXPECT_EQ(other.turn(), std::nullopt);
}

TEST(rid_window, a_node_gets_no_more_than_it_granted) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_EQ(b.ask(first + 3), hold(2000));
    EXPECT_EQ(b.over(first + 3, true), hold(2000)); // time alone does not help
    EXPECT_EQ(b.turn(), std::nullopt);
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.turn(), (rid_turn{first + 3, 0}));
}

// A node stores as many answers as it granted requests. What is answered behind an answer that is
// lost would push that out.
TEST(rid_window, an_answer_that_is_owed_stays_in_the_store_of_the_node) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_TRUE(b.window.on_answered(first + 2, false)); // went down, another may come
    EXPECT_EQ(b.ask(first + 3), hold(2000));
    EXPECT_EQ(b.turn(), std::nullopt);
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.turn(), (rid_turn{first + 3, 0}));
}

TEST(rid_window, a_node_knows_a_rid_until_enough_newer_ones_were_sent) {
    bench b;
    b.in(first + 1);
    EXPECT_TRUE(b.window.known_to_node(first + 1));
    b.in(first + 2);
    EXPECT_EQ(b.ask(first + 3), hold(2000)); // has come, was not sent
    EXPECT_TRUE(b.window.known_to_node(first + 1));
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.turn(), (rid_turn{first + 3, 0}));
    EXPECT_FALSE(b.window.known_to_node(first + 1));
    EXPECT_TRUE(b.window.known_to_node(first + 2));
    EXPECT_FALSE(b.window.known_to_node(first + 4));
    EXPECT_FALSE(b.window.known_to_node(1));
}

TEST(rid_window, answers_go_down_in_order) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_FALSE(b.window.on_answered(first + 2, true));
    EXPECT_EQ(b.window.take_parked(), std::nullopt);
    EXPECT_EQ(b.window.overtaken(), first + 1);
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::join})); // parked: joined, not replayed
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.window.overtaken(), std::nullopt);
    EXPECT_EQ(b.window.take_parked(), first + 2);
    EXPECT_EQ(b.window.take_parked(), std::nullopt);
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::replay}));
}

TEST(rid_window, a_parked_answer_goes_down_when_the_older_one_fails) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_FALSE(b.window.on_answered(first + 2, true));
    b.window.on_failed(first + 1);
    EXPECT_EQ(b.window.take_parked(), first + 2);
}

TEST(rid_window, a_parked_answer_can_be_let_go) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_FALSE(b.window.on_answered(first + 2, true));
    EXPECT_TRUE(b.window.on_unparked(first + 2));
    EXPECT_EQ(b.ask(first + 2), (rid_decision{verdict::replay}));
    EXPECT_EQ(b.window.take_parked(), std::nullopt);
    EXPECT_FALSE(b.window.on_unparked(first + 1)); // not parked: nothing
    EXPECT_EQ(b.window.unanswered(), 1U);
}

TEST(rid_window, an_answer_that_is_not_kept_does_not_wait) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_TRUE(b.window.on_answered(first + 2, false));
    EXPECT_EQ(b.window.overtaken(), first + 1);
}

TEST(rid_window, an_overtaken_one_is_repeated_at_once) {
    bench b;
    b.in(first + 1);
    b.in(first + 2);
    EXPECT_EQ(b.window.overtaken(), std::nullopt);
    EXPECT_FALSE(b.window.on_answered(first + 2, true));
    EXPECT_EQ(b.window.overtaken(), first + 1);
    EXPECT_EQ(b.broken(first + 1), forward);
    EXPECT_EQ(b.window.overtaken(), std::nullopt); // its repeat is on its way
    b.written(first + 1);
    EXPECT_EQ(b.window.overtaken(), first + 1);
}

TEST(rid_window, an_adopted_session_begins_with_what_comes_first) {
    for (const std::uint64_t begin : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{500}}) {
        bench b;
        b.window = rid_window::adopted(begin);
        const bool alone = begin == 0; // nothing is older
        EXPECT_EQ(b.ask(begin).verdict, alone ? verdict::forward : verdict::hold_back) << begin;
        EXPECT_EQ(b.window.newest(), begin);
        EXPECT_EQ(b.window.requests(), 5U);
    }
    bench b;
    b.window = rid_window::adopted(500);
    // Older ones may come yet.
    EXPECT_EQ(b.ask(500), hold(300));
    EXPECT_EQ(b.turn(), (rid_turn{500, 300}));
    b.now += 299;
    EXPECT_EQ(b.over(500, false), hold(1));
    b.now += 1;
    EXPECT_EQ(b.turn(), (rid_turn{500, 0}));
    b.written(500);
    // What comes from now on is not held back, and what came before is the node's to know.
    EXPECT_EQ(b.ask(499), forward);
    EXPECT_EQ(b.ask(499), (rid_decision{verdict::join}));
    b.written(499);
    EXPECT_TRUE(b.window.on_answered(499, true));
    EXPECT_EQ(b.ask(499), (rid_decision{verdict::replay}));
    EXPECT_EQ(b.ask(500 - rid_window::slots + 1), forward);
    EXPECT_EQ(b.ask(500 - rid_window::slots), (rid_decision{verdict::too_old}));
}

TEST(rid_window, of_what_comes_to_an_adopted_session_the_older_goes_first) {
    bench b;
    b.window = rid_window::adopted(500);
    EXPECT_EQ(b.ask(500), hold(300));
    b.now += 100;
    EXPECT_EQ(b.ask(499), hold(200));
    EXPECT_EQ(b.turn(), (rid_turn{499, 200}));
    b.now += 200;
    EXPECT_EQ(b.turn(), (rid_turn{499, 0}));
    EXPECT_EQ(b.turn(), std::nullopt); // 500 waits for 499 to be written
    b.written(499);
    EXPECT_EQ(b.turn(), (rid_turn{500, 10}));
}

// Other instances serve the session as well.
TEST(rid_window, what_went_by_way_of_another_instance_is_waited_for_only_a_moment) {
    rid_rules shared = rules;
    shared.elsewhere_ms = 50;
    const auto ask = [&](bench& b, std::uint64_t rid) {
        return b.window.on_request(rid, hash, shared, b.now);
    };
    struct {
        const char* name;
        std::function<void(bench&)> before; // 30 ms later...
        std::uint64_t rid;                  // ...this one comes
        rid_decision gets;
    } const cases[] = {
        {"one is left out", [](bench&) {}, first + 2, hold(50)},
        {"several are left out", [](bench&) {}, first + 4, hold(50)},
        {"the wait is from when one was left out", [&](bench& b) { (void)ask(b, first + 3); },
         first + 2, hold(20)},
        {"none is left out", [](bench& b) { b.answered(first + 1); }, first + 2, forward},
        {"one was here, and failed",
         [&](bench& b) {
             (void)ask(b, first + 1);
             b.window.on_failed(first + 1);
         },
         first + 2, hold(2000)},
        {"a session that was opened elsewhere",
         [](bench& b) { b.window = rid_window::adopted(first + 7); }, first + 7, hold(50)},
        {"it was taken up again", [](bench& b) { (void)b.window.readopt(first + 99); }, first + 99,
         hold(50)},
        {"above the window all the same", [](bench&) {}, first + 5, {verdict::above_window}},
    };
    for (const auto& c : cases) {
        bench b;
        c.before(b);
        b.now += 30;
        EXPECT_EQ(ask(b, c.rid), c.gets) << c.name;
    }
}

TEST(rid_window, what_other_instances_may_have_goes_out_when_the_moment_is_over) {
    rid_rules shared = rules;
    shared.elsewhere_ms = 50;
    bench b;
    EXPECT_EQ(b.window.on_request(first + 2, hash, shared, b.now), hold(50));
    b.now += 49;
    EXPECT_EQ(b.window.take_turn(shared, b.now), (rid_turn{first + 2, 1}));
    EXPECT_EQ(b.window.on_wait_over(first + 2, false, shared, b.now), hold(1));
    b.now += 1;
    EXPECT_EQ(b.window.on_wait_over(first + 2, false, shared, b.now), forward);
    b.written(first + 2);
    // The one that was left out comes here after all: the node is to judge.
    EXPECT_EQ(b.window.on_request(first + 1, hash, shared, b.now), forward);

    // It comes in time: first things first.
    bench in_time;
    EXPECT_EQ(in_time.window.on_request(first + 2, hash, shared, in_time.now), hold(50));
    in_time.now += 49;
    EXPECT_EQ(in_time.window.on_request(first + 1, hash, shared, in_time.now), forward);
    in_time.now += 1;
    EXPECT_EQ(in_time.window.take_turn(shared, in_time.now), std::nullopt);
    in_time.written(first + 1);
    EXPECT_EQ(in_time.window.take_turn(shared, in_time.now), (rid_turn{first + 2, 10}));

    // Nobody knew yet of other instances when it came.
    bench late;
    EXPECT_EQ(late.ask(first + 2), hold(2000));
    late.now += 20;
    EXPECT_EQ(late.window.take_turn(shared, late.now), (rid_turn{first + 2, 30}));
}

TEST(rid_window, fits_what_is_not_above_it) {
    const bench b; // two requests, and two that are tolerated
    for (const std::uint64_t rid : {std::uint64_t{0}, first, first + 1, first + 4}) {
        EXPECT_TRUE(b.window.fits(rid)) << rid;
    }
    for (const std::uint64_t rid : {first + 5, ~std::uint64_t{0}}) {
        EXPECT_FALSE(b.window.fits(rid)) << rid;
    }
}

TEST(rid_window, works_up_to_the_last_rid) {
    // XEP-0124 14.1: never above 2^53 - 1. The window itself knows no such end.
    for (const std::uint64_t last :
         {(std::uint64_t{1} << 53) - 1, std::uint64_t{20}, std::uint64_t{15}, std::uint64_t{16}}) {
        bench b;
        b.window = rid_window::opened(last - 10, 2);
        for (std::uint64_t rid = last - 9; rid <= last; ++rid)
            b.answered(rid);
        EXPECT_EQ(b.window.newest(), last);
        EXPECT_EQ(b.ask(last), (rid_decision{verdict::replay})) << last;
    }
}

TEST(rid_window, remembers_as_many_as_it_has_slots) {
    bench b;
    for (std::uint64_t i = 1; i <= 3 * rid_window::slots; ++i)
        b.answered(first + i);
    const std::uint64_t newest = first + 3 * rid_window::slots;
    EXPECT_EQ(b.ask(newest - rid_window::slots + 1), (rid_decision{verdict::replay}));
    EXPECT_EQ(b.ask(newest - rid_window::slots), (rid_decision{verdict::too_old}));
    EXPECT_EQ(b.window.unanswered(), 0U);
    // Events of what is forgotten do nothing.
    b.written(first + 1);
    b.window.on_failed(first + 1);
    b.window.on_dropped(first + 1);
    EXPECT_FALSE(b.window.on_unparked(first + 1));
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.over(first + 1, true), (rid_decision{verdict::join}));
    EXPECT_EQ(b.window.unanswered(), 0U);
}

TEST(rid_window, does_not_move_over_what_is_unanswered) {
    bench b;
    b.window = rid_window::opened(first, 12);
    b.in(first + 1);
    for (std::uint64_t i = 2; i <= 12; ++i) {
        b.in(first + i);
        EXPECT_TRUE(b.window.on_answered(first + i, false)) << i;
    }
    // The node is given no more; here they are kept, as long as there is a place.
    for (std::uint64_t i = 13; i <= rid_window::slots; ++i)
        EXPECT_EQ(b.ask(first + i), hold(2000)) << i;
    EXPECT_EQ(b.ask(first + 1 + rid_window::slots), (rid_decision{verdict::too_many}));
    EXPECT_EQ(b.window.newest(), first + rid_window::slots);
    EXPECT_TRUE(b.window.on_answered(first + 1, true));
    EXPECT_EQ(b.ask(first + 1 + rid_window::slots), hold(2000));
}

} // namespace
} // namespace boshgate::routing
