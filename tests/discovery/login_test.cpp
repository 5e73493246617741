#include "discovery/login.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace boshgate::discovery {
namespace {

// Two discovery nodes, which are nobody's home unless a test says so, and two pairs of homes.
enum : node_index { sd1, sd2, a1, b1, a2, b2, node_count };
constexpr std::array<const char*, node_count> node_text{"sd1", "sd2", "a1", "b1", "a2", "b2"};
constexpr login_homes pair_1{a1, b1};
constexpr login_homes pair_2{a2, b2};

std::string text_of(node_index node) {
    return node < node_count ? node_text[node] : "-";
}

// What a node does with one session request.
struct reply {
    step_end how = step_end::named_nobody; // or a failure
    node_word word;
    node_index other = no_node;
    unsigned late = 0; // so many answers come without features
};
reply names(const login_homes& homes, std::uint8_t unknown = 0) {
    return {.word = {.homes = homes, .unknown = unknown}};
}
reply nobody() {
    return {};
}
reply names_unknown(std::uint8_t number = 1) {
    return {.word = {.unknown = number}};
}
reply fails(step_end how) {
    return {.how = how};
}
reply sends_to(node_index other) {
    return {.how = step_end::see_other, .other = other};
}
reply late(unsigned answers, reply with) {
    with.late = answers;
    return with;
}
const reply killed = fails(step_end::dead);
const reply frozen = fails(step_end::timeout);

// All nodes agree that the user's nodes are `user`; `differing` say something else, the last reply
// for ever.
struct world {
    login_homes user = pair_1;
    std::map<node_index, std::vector<reply>> differing;
    std::vector<node_index> known_dead;
    login_homes stored;
    login_purpose purpose = login_purpose::session;
    login_nodes nodes{.first = sd1, .second = sd2, .count = node_count, .spread = 0};
    login_rules rules;
};

// Plays a login: an answer takes 10 ms, a refused link 1 ms, silence until the deadline. The story
// tells each step, the end, the time, and what was learnt; what must hold in every login is checked
// on the way.
class player {
  public:
    explicit player(const world& in) : in_(in), one_(in.rules, in.nodes, {&player::is_dead, this}) {
        for (const node_index node : in.known_dead) {
            dead_.set(node);
        }
    }

    std::string play() {
        act(one_.on_start(in_.purpose, in_.stored, began));
        while (!one_.over()) {
            act(answer());
        }
        for (const login_step& step : one_.trace()) {
            story_ += text_of(step.node) + " " + std::string(name_of(step.why)) + " " +
                      std::string(name_of(step.how));
            story_ += step.polls != 0 ? " polls " + std::to_string(step.polls) : "";
            story_ += "; ";
        }
        story_ += end_ + " " + std::to_string(now_ - began) + " ms, " + cache_;
        EXPECT_EQ(open_.to_string(), std::bitset<node_count>(keeps_).to_string())
            << "sessions left open: " << story_;
        EXPECT_LE(one_.steps(), in_.rules.steps_max) << story_;
        return story_;
    }

    [[nodiscard]] const login& played() const { return one_; }

  private:
    static constexpr std::int64_t began = 1'000'000;

    static bool is_dead(const void* whose, node_index node) noexcept {
        return static_cast<const player*>(whose)->dead_.test(node);
    }

    // Does what the login says, but for the answer.
    void act(const login_action& action) {
        if (action.leave != no_node) {
            EXPECT_TRUE(open_.test(action.leave)) << "leaves what is not open";
            open_.reset(action.leave);
        }
        if (action.cache != login_cache::keep) {
            cache_ = std::string(name_of(action.cache));
        }
        doing_ = action;
        switch (action.what) {
        case login_do::open: {
            EXPECT_TRUE(open_.none()) << "two sessions at once";
            EXPECT_FALSE(failed_.test(action.node)) << "a failed node again";
            EXPECT_FALSE(dead_.test(action.node)) << "a dead node";
            const auto found = in_.differing.find(action.node);
            reply_ =
                found == in_.differing.end() ? names(in_.user) : take(action.node, found->second);
            late_ = reply_.late;
            break;
        }
        case login_do::poll:
            EXPECT_TRUE(open_.test(action.node));
            break;
        case login_do::deliver:
            EXPECT_TRUE(open_.test(action.node));
            keeps_.set(action.node);
            end_ = "deliver " + text_of(action.node);
            break;
        case login_do::found:
            end_ = "found " + text_of(one_.homes().home) + " " + text_of(one_.homes().backup);
            break;
        case login_do::fail:
            end_ = "fail " + std::string(name_of(action.failure));
            end_ += action.node == no_node ? "" : " " + text_of(action.node);
            break;
        }
        if (cache_ == "learn") {
            cache_ += " " + text_of(one_.homes().home) + " " + text_of(one_.homes().backup);
        }
    }

    login_action answer() {
        const node_index node = doing_.node;
        const reply& what = reply_;
        if (what.how == step_end::timeout) {
            now_ = doing_.deadline_ms;
        } else {
            now_ += what.how == step_end::dead ? 1 : 10;
        }
        if (what.how != step_end::named_nobody) {
            failed_.set(node);
            return one_.on_failed(what.how, now_, what.other);
        }
        open_.set(node);
        if (late_ != 0) {
            --late_;
            const login_action next = one_.on_opened({.features = false}, now_);
            if (next.what != login_do::poll) {
                failed_.set(node);
            }
            return next;
        }
        return one_.on_opened(what.word, now_);
    }

    reply take(node_index node, const std::vector<reply>& from) {
        const std::size_t turn = turns_[node]++;
        return from[std::min(turn, from.size() - 1)];
    }

    world in_;
    login one_;
    std::int64_t now_ = began;
    login_action doing_;
    reply reply_;
    unsigned late_ = 0;
    std::map<node_index, std::size_t> turns_;
    std::bitset<node_count> dead_, failed_, open_, keeps_;
    std::string end_, cache_ = "keep";
    std::string story_;
};

struct row {
    const char* name;
    world in;
    const char* expected;
};

void expect_all(const std::vector<row>& rows) {
    for (const row& one : rows) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(player(one.in).play(), one.expected);
    }
}

// The rows of issue 4 that count: which node, how many requests, how long.
TEST(login, every_row_of_the_table_without_a_cache) {
    expect_all({
        {"home and backup, all up",
         {},
         "sd1 first named_others; a1 home named_itself; deliver a1 20 ms, learn a1 b1"},
        {"home only",
         {.user = {a1, no_node}},
         "sd1 first named_others; a1 home named_itself; deliver a1 20 ms, learn a1 -"},
        {"home only, said twice",
         {.user = {a1, a1}},
         "sd1 first named_others; a1 home named_itself; deliver a1 20 ms, learn a1 -"},
        {"nobody named", {.user = {}}, "sd1 first named_nobody; deliver sd1 10 ms, forget"},
        {"the discovery node is home",
         {.user = {sd1, sd2}},
         "sd1 first named_itself; deliver sd1 10 ms, learn sd1 sd2"},
        {"the discovery node is backup, home is up",
         {.user = {a1, sd1}},
         "sd1 first named_itself; a1 home named_itself; deliver a1 20 ms, learn a1 sd1"},
        {"home killed",
         {.differing = {{a1, {killed}}}},
         "sd1 first named_others; a1 home dead; b1 backup named_itself; deliver b1 21 ms, learn a1 "
         "b1"},
        {"home frozen",
         {.differing = {{a1, {frozen}}}},
         "sd1 first named_others; a1 home timeout; b1 backup named_itself; deliver b1 1020 ms, "
         "learn a1 b1"},
        {"home known to be dead",
         {.known_dead = {a1}},
         "sd1 first named_others; a1 home known_dead; b1 backup named_itself; deliver b1 20 ms, "
         "learn a1 b1"},
        {"home's answer is no BOSH",
         {.differing = {{a1, {fails(step_end::bad_answer)}}}},
         "sd1 first named_others; a1 home bad_answer; b1 backup named_itself; deliver b1 30 ms, "
         "learn a1 b1"},
        {"home shuts down",
         {.differing = {{a1, {fails(step_end::refused)}}}},
         "sd1 first named_others; a1 home refused; b1 backup named_itself; deliver b1 30 ms, learn "
         "a1 b1"},
        {"home only, killed",
         {.user = {a1, no_node}, .differing = {{a1, {killed}}}},
         "sd1 first named_others; a1 home dead; sd1 again named_others; sd2 second named_others; "
         "fail homes_down 31 ms, keep"},
        {"home killed, the discovery node is backup",
         {.user = {a1, sd1}, .differing = {{a1, {killed}}}},
         "sd1 first named_itself; a1 home dead; sd1 backup named_itself; deliver sd1 21 ms, learn "
         "a1 sd1"},
        {"home known to be dead, the discovery node is backup",
         {.user = {a1, sd1}, .known_dead = {a1}},
         "sd1 first named_itself; a1 home known_dead; deliver sd1 10 ms, learn a1 sd1"},
        {"home and backup killed",
         {.differing = {{a1, {killed}}, {b1, {killed}}}},
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again named_others; sd2 second "
         "named_others; fail homes_down 32 ms, keep"},
        {"home and backup frozen",
         {.differing = {{a1, {frozen}}, {b1, {frozen}}}},
         "sd1 first named_others; a1 home timeout; b1 backup timeout; sd1 again named_others; sd2 "
         "second named_others; fail homes_down 1530 ms, keep"},
        {"home and backup known to be dead",
         {.known_dead = {a1, b1}},
         "sd1 first named_others; a1 home known_dead; b1 backup known_dead; sd2 second "
         "named_others; fail homes_down 20 ms, keep"},
        {"home and backup killed, the user is moved meanwhile",
         {.differing = {{a1, {killed}}, {b1, {killed}}, {sd1, {names(pair_1), names(pair_2)}}}},
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again named_others; a2 home "
         "named_others; sd2 second named_others; fail homes_down 42 ms, keep"},
        {"home and backup killed, the user is moved to homes that are killed: asked again once "
         "only",
         {.differing = {{a1, {killed}},
                        {b1, {killed}},
                        {a2, {killed}},
                        {b2, {killed}},
                        {sd1, {names(pair_1), names(pair_2)}}}},
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again named_others; a2 home "
         "dead; b2 backup dead; sd2 second named_others; fail homes_down 34 ms, keep"},
        {"primary killed",
         {.differing = {{sd1, {killed}}}},
         "sd1 first dead; sd2 second named_others; a1 home named_itself; deliver a1 21 ms, learn "
         "a1 b1"},
        {"primary frozen",
         {.differing = {{sd1, {frozen}}}},
         "sd1 first timeout; sd2 second named_others; a1 home named_itself; deliver a1 1020 ms, "
         "learn a1 b1"},
        {"primary known to be dead",
         {.known_dead = {sd1}},
         "sd1 first known_dead; sd2 second named_others; a1 home named_itself; deliver a1 20 ms, "
         "learn a1 b1"},
        {"primary and home killed",
         {.differing = {{sd1, {killed}}, {a1, {killed}}}},
         "sd1 first dead; sd2 second named_others; a1 home dead; b1 backup named_itself; deliver "
         "b1 22 ms, learn a1 b1"},
        {"primary, home and backup killed",
         {.differing = {{sd1, {killed}}, {a1, {killed}}, {b1, {killed}}}},
         "sd1 first dead; sd2 second named_others; a1 home dead; b1 backup dead; sd2 again "
         "named_others; fail homes_down 23 ms, keep"},
        {"both discovery nodes killed",
         {.differing = {{sd1, {killed}}, {sd2, {killed}}}},
         "sd1 first dead; sd2 second dead; a1 any named_itself; deliver a1 12 ms, learn a1 b1"},
        {"both discovery nodes known to be dead",
         {.known_dead = {sd1, sd2}},
         "sd1 first known_dead; sd2 second known_dead; a1 any named_itself; deliver a1 10 ms, "
         "learn a1 b1"},
        {"everything killed",
         {.differing = {{sd1, {killed}},
                        {sd2, {killed}},
                        {a1, {killed}},
                        {b1, {killed}},
                        {a2, {killed}},
                        {b2, {killed}}}},
         "sd1 first dead; sd2 second dead; a1 any dead; b1 any dead; a2 any dead; b2 any dead; "
         "fail nobody 6 ms, keep"},
        {"everything frozen",
         {.differing = {{sd1, {frozen}},
                        {sd2, {frozen}},
                        {a1, {frozen}},
                        {b1, {frozen}},
                        {a2, {frozen}},
                        {b2, {frozen}}}},
         "sd1 first timeout; sd2 second timeout; a1 any timeout; b1 any timeout; a2 any timeout; "
         "b2 any timeout; fail nobody 1968 ms, keep"},
        {"everything known to be dead",
         {.known_dead = {sd1, sd2, a1, b1, a2, b2}},
         "sd1 first known_dead; sd2 second known_dead; a1 any known_dead; b1 any known_dead; a2 "
         "any known_dead; b2 any known_dead; fail nobody 0 ms, keep"},
    });
}

TEST(login, with_a_cache) {
    expect_all({
        {"all up",
         {.stored = pair_1},
         "a1 stored_home named_itself; deliver a1 10 ms, learn a1 b1"},
        {"home only",
         {.user = {a1, no_node}, .stored = {a1, no_node}},
         "a1 stored_home named_itself; deliver a1 10 ms, learn a1 -"},
        {"home names nobody",
         {.differing = {{a1, {nobody()}}}, .stored = pair_1},
         "a1 stored_home named_nobody; deliver a1 10 ms, keep"},
        {"home names an unknown node",
         {.differing = {{a1, {names_unknown()}}}, .stored = pair_1},
         "a1 stored_home named_unknown; deliver a1 10 ms, forget"},
        {"home killed",
         {.differing = {{a1, {killed}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup named_itself; deliver b1 11 ms, learn a1 b1"},
        {"home killed, its backup names nobody",
         {.differing = {{a1, {killed}}, {b1, {nobody()}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup named_nobody; deliver b1 11 ms, forget"},
        {"home frozen",
         {.differing = {{a1, {frozen}}}, .stored = pair_1},
         "a1 stored_home timeout; b1 stored_backup named_itself; deliver b1 1010 ms, learn a1 b1"},
        {"home known to be dead",
         {.known_dead = {a1}, .stored = pair_1},
         "a1 stored_home known_dead; b1 stored_backup named_itself; deliver b1 10 ms, learn a1 b1"},
        {"home known to be dead, its backup names nobody",
         {.differing = {{b1, {nobody()}}}, .known_dead = {a1}, .stored = pair_1},
         "a1 stored_home known_dead; b1 stored_backup named_nobody; deliver b1 10 ms, keep"},
        {"home only, known to be dead",
         {.known_dead = {a1}, .stored = {a1, no_node}},
         "a1 stored_home known_dead; sd1 first named_others; b1 backup named_itself; deliver b1 20 "
         "ms, learn a1 b1"},
        {"home and backup killed",
         {.differing = {{a1, {killed}}, {b1, {killed}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup dead; sd1 first named_others; sd2 second "
         "named_others; fail homes_down 22 ms, forget"},
        {"home and backup known to be dead",
         {.known_dead = {a1, b1}, .stored = pair_1},
         "a1 stored_home known_dead; b1 stored_backup known_dead; sd1 first named_others; sd2 "
         "second named_others; fail homes_down 20 ms, keep"},
        {"home and backup killed, the user lives elsewhere",
         {.user = pair_2, .differing = {{a1, {killed}}, {b1, {killed}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup dead; sd1 first named_others; a2 home "
         "named_itself; deliver a2 22 ms, learn a2 b2"},
        {"home and backup killed, nobody is named now",
         {.user = {}, .differing = {{a1, {killed}}, {b1, {killed}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup dead; sd1 first named_nobody; deliver sd1 12 ms, "
         "forget"},
        {"both discovery nodes killed",
         {.differing = {{sd1, {killed}}, {sd2, {killed}}}, .stored = pair_1},
         "a1 stored_home named_itself; deliver a1 10 ms, learn a1 b1"},
        {"both discovery nodes and home killed",
         {.differing = {{sd1, {killed}}, {sd2, {killed}}, {a1, {killed}}}, .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup named_itself; deliver b1 11 ms, learn a1 b1"},
        {"both discovery nodes, home and backup killed",
         {.differing = {{sd1, {killed}}, {sd2, {killed}}, {a1, {killed}}, {b1, {killed}}},
          .stored = pair_1},
         "a1 stored_home dead; b1 stored_backup dead; sd1 first dead; sd2 second dead; a2 any "
         "named_others; fail homes_down 14 ms, forget"},
        {"the discovery node is home, and dead",
         {.user = {sd1, sd2}, .differing = {{sd1, {killed}}}, .stored = {sd1, sd2}},
         "sd1 stored_home dead; sd2 stored_backup named_itself; deliver sd2 11 ms, learn sd1 sd2"},
    });
}

// The node is well, and it is the user's: nobody is led past it, and nothing is forgotten.
TEST(login, limits_of_our_own) {
    const reply ours = fails(step_end::limited);
    expect_all({
        {"stored home",
         {.differing = {{a1, {ours}}}, .stored = pair_1},
         "a1 stored_home limited; fail limited 10 ms, keep"},
        {"stored backup, home known to be dead",
         {.differing = {{b1, {ours}}}, .known_dead = {a1}, .stored = pair_1},
         "a1 stored_home known_dead; b1 stored_backup limited; fail limited 10 ms, keep"},
        {"home",
         {.differing = {{a1, {ours}}}},
         "sd1 first named_others; a1 home limited; fail limited 20 ms, keep"},
        {"primary",
         {.differing = {{sd1, {ours}}}},
         "sd1 first limited; sd2 second named_others; a1 home named_itself; deliver a1 30 ms, "
         "learn a1 b1"},
        {"primary, where the user lives",
         {.user = {sd1, sd2}, .differing = {{sd1, {ours}}}},
         "sd1 first limited; sd2 second named_itself; fail limited 20 ms, keep"},
        {"both discovery nodes: nobody else is bothered",
         {.differing = {{sd1, {ours}}, {sd2, {ours}}}},
         "sd1 first limited; sd2 second limited; fail limited 20 ms, keep"},
        {"primary dead, secondary limited",
         {.differing = {{sd1, {killed}}, {sd2, {ours}}}},
         "sd1 first dead; sd2 second limited; fail limited 11 ms, keep"},
        {"home and backup killed, the primary when it is asked again",
         {.differing = {{sd1, {names(pair_1), ours}}, {a1, {killed}}, {b1, {killed}}}},
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again limited; sd2 second "
         "named_others; fail homes_down 32 ms, keep"},
        {"only the homes are asked for",
         {.differing = {{sd1, {ours}}, {sd2, {ours}}}, .purpose = login_purpose::homes},
         "sd1 first limited; sd2 second limited; fail limited 20 ms, keep"},
    });
}

TEST(login, a_user_who_was_moved) {
    expect_all({
        {"the stored home names the new one",
         {.user = pair_2, .stored = pair_1},
         "a1 stored_home named_others; a2 home named_itself; deliver a2 20 ms, learn a2 b2"},
        {"the stored home sends there",
         {.user = pair_2, .differing = {{a1, {sends_to(a2)}}}, .stored = pair_1},
         "a1 stored_home see_other; a2 see_other named_itself; deliver a2 20 ms, learn a2 b2"},
        {"the stored home sends there, and that is dead",
         {.user = pair_2, .differing = {{a1, {sends_to(a2)}}, {a2, {killed}}}, .stored = pair_1},
         "a1 stored_home see_other; a2 see_other dead; b1 backup named_others; b2 backup "
         "named_itself; deliver b2 31 ms, learn a2 b2"},
        {"the stored home sends nowhere known",
         {.user = pair_2,
          .differing = {{a1, {sends_to(no_node)}}, {b1, {killed}}},
          .stored = pair_1},
         "a1 stored_home see_other; b1 stored_backup dead; sd1 first named_others; a2 home "
         "named_itself; deliver a2 31 ms, learn a2 b2"},
        {"the stored home sends to a node known to be dead",
         {.user = pair_2,
          .differing = {{a1, {sends_to(a2)}}},
          .known_dead = {a2},
          .stored = pair_1},
         "a1 stored_home see_other; a2 see_other known_dead; b1 stored_backup named_others; b2 "
         "backup named_itself; deliver b2 30 ms, learn a2 b2"},
        {"the discovery node sends to the home",
         {.differing = {{sd1, {sends_to(a1)}}}},
         "sd1 first see_other; a1 see_other named_itself; deliver a1 20 ms, learn a1 b1"},
        {"the discovery nodes send to each other",
         {.differing = {{sd1, {sends_to(sd2)}}, {sd2, {sends_to(sd1)}}}},
         "sd1 first see_other; sd2 see_other see_other; a1 any named_itself; deliver a1 30 ms, "
         "learn a1 b1"},
        {"every node sends nowhere known",
         {.differing = {{sd1, {sends_to(no_node)}},
                        {sd2, {sends_to(no_node)}},
                        {a1, {sends_to(no_node)}},
                        {b1, {sends_to(no_node)}},
                        {a2, {sends_to(no_node)}},
                        {b2, {sends_to(no_node)}}}},
         "sd1 first see_other; sd2 second see_other; a1 any see_other; b1 any see_other; a2 any "
         "see_other; b2 any see_other; fail steered_away 60 ms, keep"},
        {"the stored home names new ones, and nobody else is up",
         {.user = pair_2,
          .differing = {{sd1, {killed}}, {sd2, {killed}}, {a2, {killed}}, {b2, {killed}}},
          .stored = pair_1},
         "a1 stored_home named_others; a2 home dead; b2 backup dead; sd1 first dead; sd2 second "
         "dead; b1 any named_others; fail homes_down 24 ms, forget"},
        {"the stored home is a discovery node, and names a new one that is killed",
         {.user = pair_2,
          .differing = {{a2, {killed}},
                        {sd1, {names({a2, no_node}), names(pair_1)}},
                        {a1, {names(pair_1)}}},
          .stored = {sd1, no_node}},
         "sd1 stored_home named_others; a2 home dead; sd1 again named_others; a1 home "
         "named_itself; deliver a1 31 ms, learn a1 b1"},
        {"home and backup change places",
         {.user = {b1, a1}, .stored = pair_1},
         "a1 stored_home named_itself; b1 home named_itself; deliver b1 20 ms, learn b1 a1"},
        {"home and backup change places, and the new home is dead",
         {.user = {b1, a1}, .differing = {{b1, {killed}}}, .stored = pair_1},
         "a1 stored_home named_itself; b1 home dead; a1 backup named_itself; deliver a1 21 ms, "
         "learn b1 a1"},
        {"the same, and the old one is not the backup any more when it is asked again",
         {.user = {b1, a1},
          .differing = {{b1, {killed}}, {a1, {names({b1, a1}), names({b1, no_node})}}},
          .stored = pair_1},
         "a1 stored_home named_itself; b1 home dead; a1 backup named_others; sd1 first "
         "named_others; sd2 second named_others; fail homes_down 41 ms, keep"},
        {"only the backup has changed",
         {.user = {a1, b2}, .stored = pair_1},
         "a1 stored_home named_itself; deliver a1 10 ms, learn a1 b2"},
        {"the home, as the discovery node says it, names another",
         {.differing = {{a1, {names(pair_2)}}, {a2, {names(pair_2)}}}},
         "sd1 first named_others; a1 home named_others; a2 home named_itself; deliver a2 30 ms, "
         "learn a2 b2"},
        {"another that is dead",
         {.differing = {{a1, {names({a2, no_node})}}, {a2, {killed}}}},
         "sd1 first named_others; a1 home named_others; a2 home dead; sd1 again named_others; b1 "
         "backup named_itself; deliver b1 41 ms, learn a1 b1"},
    });
}

TEST(login, circles_end) {
    expect_all({
        {"two homes name each other",
         {.differing = {{a1, {names({b1, no_node})}}, {b1, {names({a1, no_node})}}}},
         "sd1 first named_others; a1 home named_others; b1 home named_others; deliver b1 30 ms, "
         "forget"},
        {"two stored homes name each other",
         {.differing = {{a1, {names({b1, no_node})}}, {b1, {names({a1, no_node})}}},
          .stored = pair_1},
         "a1 stored_home named_others; b1 home named_others; deliver b1 20 ms, forget"},
        {"home and discovery node name each other",
         {.differing = {{a1, {names({sd1, no_node})}}}},
         "sd1 first named_others; a1 home named_others; deliver a1 20 ms, forget"},
        {"a long circle",
         {.differing = {{sd1, {names({sd2, no_node})}},
                        {sd2, {names({a1, no_node})}},
                        {a1, {names({b1, no_node})}},
                        {b1, {names({a2, no_node})}},
                        {a2, {names({b2, no_node})}},
                        {b2, {names({sd1, no_node})}}}},
         "sd1 first named_others; sd2 home named_others; a1 home named_others; b1 home "
         "named_others; a2 home named_others; b2 home named_others; deliver b2 60 ms, forget"},
        {"backups name each other",
         {.differing = {{a1, {killed}}, {b1, {names({a1, b2})}}, {b2, {names({a1, b1})}}}},
         "sd1 first named_others; a1 home dead; b1 backup named_others; b2 backup named_others; "
         "deliver b2 31 ms, forget"},
        {"each names the other as home and itself as backup",
         {.differing = {{a1, {names({b1, a1})}}, {b1, {names({a1, b1})}}}},
         "sd1 first named_others; a1 home named_itself; b1 home named_itself; deliver b1 30 ms, "
         "learn a1 b1"},
        {"the first and the second discovery node name each other",
         {.differing = {{sd1, {names({sd2, no_node})}}, {sd2, {names({sd1, no_node})}}}},
         "sd1 first named_others; sd2 home named_others; deliver sd2 20 ms, forget"},
    });
}

TEST(login, unknown_names_and_late_features) {
    expect_all({
        {"only unknown names",
         {.differing = {{sd1, {names_unknown(2)}}}},
         "sd1 first named_unknown; deliver sd1 10 ms, forget"},
        {"an unknown home, a known backup",
         {.user = {no_node, b1}},
         "sd1 first named_others; b1 home named_itself; deliver b1 20 ms, learn b1 -"},
        {"features come with the first poll",
         {.differing = {{sd1, {late(1, names(pair_1))}}}},
         "sd1 first named_others polls 1; a1 home named_itself; deliver a1 30 ms, learn a1 b1"},
        {"features come with the second poll",
         {.differing = {{sd1, {late(2, names(pair_1))}}}},
         "sd1 first named_others polls 2; a1 home named_itself; deliver a1 40 ms, learn a1 b1"},
        {"features would come with the third poll",
         {.differing = {{sd1, {late(3, names(pair_1))}}}},
         "sd1 first bad_answer polls 2; sd2 second named_others; a1 home named_itself; deliver a1 "
         "50 ms, learn a1 b1"},
        {"features of the home come with the second poll",
         {.differing = {{a1, {late(2, names(pair_1))}}}},
         "sd1 first named_others; a1 home named_itself polls 2; deliver a1 40 ms, learn a1 b1"},
        {"features of the home never come",
         {.differing = {{a1, {late(9, nobody())}}}},
         "sd1 first named_others; a1 home bad_answer polls 2; b1 backup named_itself; deliver b1 "
         "50 ms, learn a1 b1"},
        {"no poll allowed",
         {.differing = {{sd1, {late(1, nobody())}}}, .rules = {.polls_max = 0}},
         "sd1 first bad_answer; sd2 second named_others; a1 home named_itself; deliver a1 30 ms, "
         "learn a1 b1"},
    });
}

TEST(login, refusals) {
    const reply declines = fails(step_end::declined);
    const reply refuses = fails(step_end::refused);
    expect_all({
        {"the request is at fault",
         {.differing = {{sd1, {fails(step_end::unacceptable)}}}},
         "sd1 first unacceptable; fail refused sd1 10 ms, keep"},
        {"the stored home says the request is at fault",
         {.differing = {{a1, {fails(step_end::unacceptable)}}}, .stored = pair_1},
         "a1 stored_home unacceptable; fail refused a1 10 ms, keep"},
        {"primary declines",
         {.differing = {{sd1, {declines}}}},
         "sd1 first declined; sd2 second named_others; a1 home named_itself; deliver a1 30 ms, "
         "learn a1 b1"},
        {"both discovery nodes decline: nobody else is bothered",
         {.differing = {{sd1, {declines}}, {sd2, {declines}}}},
         "sd1 first declined; sd2 second declined; fail refused sd2 20 ms, keep"},
        {"primary declines, secondary is dead",
         {.differing = {{sd1, {declines}}, {sd2, {killed}}}},
         "sd1 first declined; sd2 second dead; fail refused sd1 11 ms, keep"},
        {"home and backup decline",
         {.differing = {{a1, {declines}}, {b1, {declines}}}},
         "sd1 first named_others; a1 home declined; b1 backup declined; sd1 again named_others; "
         "sd2 second named_others; fail homes_down 50 ms, keep"},
        {"both discovery nodes shut down",
         {.differing = {{sd1, {refuses}}, {sd2, {refuses}}}},
         "sd1 first refused; sd2 second refused; a1 any named_itself; deliver a1 30 ms, learn a1 "
         "b1"},
        {"no node speaks BOSH",
         {.differing = {{sd1, {fails(step_end::bad_answer)}}}, .nodes = {.first = sd1, .count = 1}},
         "sd1 first bad_answer; fail bad_answer 10 ms, keep"},
        {"the only node shuts down",
         {.differing = {{sd1, {refuses}}}, .nodes = {.first = sd1, .count = 1}},
         "sd1 first refused; fail nobody 10 ms, keep"},
    });
}

TEST(login, where_discovery_begins) {
    expect_all({
        {"turned round, for a client that names nobody",
         {.user = {}, .nodes = {.first = sd2, .second = sd1, .count = node_count}},
         "sd2 first named_nobody; deliver sd2 10 ms, forget"},
        {"no secondary, primary killed",
         {.differing = {{sd1, {killed}}}, .nodes = {.first = sd1, .count = node_count}},
         "sd1 first dead; sd2 any named_others; a1 home named_itself; deliver a1 21 ms, learn a1 "
         "b1"},
        {"the search for a living node begins in the middle",
         {.known_dead = {sd1, sd2, b1},
          .nodes = {.first = sd1, .second = sd2, .count = node_count, .spread = 3}},
         "sd1 first known_dead; sd2 second known_dead; b1 any known_dead; a2 any named_others; a1 "
         "home named_itself; deliver a1 20 ms, learn a1 b1"},
        {"and goes round",
         {.known_dead = {sd1, sd2, b2},
          .nodes = {.first = sd1, .second = sd2, .count = node_count, .spread = 65535}},
         "sd1 first known_dead; sd2 second known_dead; b1 any named_itself; a1 home named_itself; "
         "deliver a1 20 ms, learn a1 b1"},
        {"nodes of another configuration are never asked",
         {.user = {a2, b2}, .nodes = {.first = sd1, .second = sd2, .count = 4}},
         "sd1 first named_others; sd2 second named_others; fail homes_down 20 ms, keep"},
        {"no node at all", {.nodes = {}}, "fail nobody 0 ms, keep"},
    });
}

TEST(login, only_the_homes) {
    const auto homes = login_purpose::homes;
    expect_all({
        {"named", {.purpose = homes}, "sd1 first named_others; found a1 b1 10 ms, learn a1 b1"},
        {"of the discovery node itself",
         {.user = {sd1, a1}, .purpose = homes},
         "sd1 first named_itself; found sd1 a1 10 ms, learn sd1 a1"},
        {"nobody",
         {.user = {}, .purpose = homes},
         "sd1 first named_nobody; found - - 10 ms, forget"},
        {"unknown",
         {.differing = {{sd1, {names_unknown()}}}, .purpose = homes},
         "sd1 first named_unknown; found - - 10 ms, forget"},
        {"stored: nothing is asked",
         {.stored = pair_2, .purpose = homes},
         "found a2 b2 0 ms, keep"},
        {"stored, home known to be dead",
         {.known_dead = {a2}, .stored = pair_2, .purpose = homes},
         "found a2 b2 0 ms, keep"},
        {"stored, both known to be dead",
         {.known_dead = {a2, b2}, .stored = pair_2, .purpose = homes},
         "sd1 first named_others; found a1 b1 10 ms, learn a1 b1"},
        {"stored, both known to be dead, and nobody is named now",
         {.user = {}, .known_dead = {a2, b2}, .stored = pair_2, .purpose = homes},
         "sd1 first named_nobody; found - - 10 ms, forget"},
        {"homes that are down are homes",
         {.differing = {{a1, {killed}}}, .known_dead = {b1}, .purpose = homes},
         "sd1 first named_others; found a1 b1 10 ms, learn a1 b1"},
        {"primary frozen",
         {.differing = {{sd1, {frozen}}}, .purpose = homes},
         "sd1 first timeout; sd2 second named_others; found a1 b1 1010 ms, learn a1 b1"},
        {"primary sends to the home",
         {.differing = {{sd1, {sends_to(a1)}}}, .purpose = homes},
         "sd1 first see_other; a1 see_other named_itself; found a1 b1 20 ms, learn a1 b1"},
        {"and that names nobody",
         {.differing = {{sd1, {sends_to(a1)}}, {a1, {nobody()}}}, .purpose = homes},
         "sd1 first see_other; a1 see_other named_nobody; found a1 - 20 ms, learn a1 -"},
        {"late features",
         {.differing = {{sd1, {late(1, names(pair_1))}}}, .purpose = homes},
         "sd1 first named_others polls 1; found a1 b1 20 ms, learn a1 b1"},
        {"everything known to be dead",
         {.known_dead = {sd1, sd2, a1, b1, a2, b2}, .purpose = homes},
         "sd1 first known_dead; sd2 second known_dead; a1 any known_dead; b1 any known_dead; a2 "
         "any known_dead; b2 any known_dead; fail nobody 0 ms, keep"},
    });
}

world with_rules(login_rules rules, world in = {}) {
    in.rules = rules;
    return in;
}

TEST(login, bounds) {
    using std::chrono::milliseconds;
    const world homes_killed{.differing = {{a1, {killed}}, {b1, {killed}}}};
    const world all_silent{.differing = {{sd1, {frozen}}, {sd2, {frozen}}, {a1, {frozen}}}};
    expect_all({
        {"five steps needed, five allowed", with_rules({.steps_max = 5}, homes_killed),
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again named_others; sd2 second "
         "named_others; fail homes_down 32 ms, keep"},
        {"five steps needed, four allowed", with_rules({.steps_max = 4}, homes_killed),
         "sd1 first named_others; a1 home dead; b1 backup dead; sd1 again named_others; fail "
         "out_of_steps 22 ms, keep"},
        {"two steps needed, two allowed", with_rules({.steps_max = 2}),
         "sd1 first named_others; a1 home named_itself; deliver a1 20 ms, learn a1 b1"},
        {"two steps needed, one allowed", with_rules({.steps_max = 1}),
         "sd1 first named_others; fail out_of_steps 10 ms, keep"},
        {"no step allowed", with_rules({.steps_max = 0}), "fail out_of_steps 0 ms, keep"},
        {"patience ends with the first answer", with_rules({.patience = milliseconds{10}}),
         "sd1 first named_others; fail out_of_time 10 ms, keep"},
        {"too little is left after the first answer", with_rules({.patience = milliseconds{14}}),
         "sd1 first named_others; fail out_of_time 10 ms, keep"},
        {"enough is left after the first answer", with_rules({.patience = milliseconds{15}}),
         "sd1 first named_others; a1 home named_itself; deliver a1 20 ms, learn a1 b1"},
        {"the first answer is the last, and late: it still counts",
         with_rules({.patience = milliseconds{1}}, {.user = {}}),
         "sd1 first named_nobody; deliver sd1 10 ms, forget"},
        {"patience cuts a step short", with_rules({.patience = milliseconds{1200}}, all_silent),
         "sd1 first timeout; sd2 second timeout; fail out_of_time 1200 ms, keep"},
        {"patience ends with a step", with_rules({.patience = milliseconds{1500}}, all_silent),
         "sd1 first timeout; sd2 second timeout; fail out_of_time 1500 ms, keep"},
    });
}

bool all_dead(const void*, node_index) noexcept {
    return true;
}

TEST(login, records_no_more_nodes_than_it_has_room_for) {
    for (const std::uint16_t count : std::vector<std::uint16_t>{15, 16, 17, 1000}) {
        login one({}, {.first = 0, .second = 1, .count = count}, {all_dead, nullptr});
        const login_action action = one.on_start(login_purpose::session, {}, 0);
        EXPECT_EQ(action.what, login_do::fail) << count;
        EXPECT_EQ(one.trace().size(), std::min<std::size_t>(count, 16)) << count;
    }
}

TEST(login, takes_no_more_steps_than_it_can_record) {
    for (const std::uint8_t steps_max : std::vector<std::uint8_t>{31, 32, 33, 255}) {
        login one({.steps_max = steps_max}, {.first = 0, .second = 1, .count = 300}, {});
        login_action action = one.on_start(login_purpose::session, {}, 0);
        while (!one.over()) {
            ASSERT_EQ(action.what, login_do::open);
            action = one.on_failed(step_end::dead, 0);
        }
        EXPECT_EQ(action.failure, login_failure::out_of_steps);
        EXPECT_EQ(one.steps(), std::min<unsigned>(steps_max, login_rules::steps_most));
        EXPECT_EQ(one.trace().size(), one.steps());
    }
}

TEST(login, deadlines) {
    using std::chrono::milliseconds;
    const login_rules rules{.step = milliseconds{1000}, .patience = milliseconds{1800}};
    login one(rules, {.first = sd1, .second = sd2, .count = node_count}, {});
    EXPECT_EQ(one.on_start(login_purpose::session, pair_1, 5000).deadline_ms, 6000);
    // Polls have the time of their step.
    EXPECT_EQ(one.on_opened({.features = false}, 5900).deadline_ms, 6000);
    // Each silent node halves what the next one gets.
    const login_action backup = one.on_failed(step_end::timeout, 6000);
    EXPECT_EQ(backup.leave, a1) << "its session was open";
    EXPECT_EQ(backup.deadline_ms, 6500);
    EXPECT_EQ(one.on_failed(step_end::timeout, 6500).deadline_ms, 6750);
    // And no more than patience.
    EXPECT_EQ(one.on_failed(step_end::timeout, 6750).deadline_ms, 6800);
    EXPECT_EQ(one.on_failed(step_end::timeout, 6800).failure, login_failure::out_of_time);
}

// Or the user would be told nothing for longer than he waits.
TEST(login, silent_nodes_take_two_steps_however_many_they_are) {
    const login_rules rules;
    for (const std::uint16_t nodes : std::vector<std::uint16_t>{3, 4, 6, 12, 100}) {
        login one(rules, {.first = 0, .second = 1, .count = nodes}, {});
        std::int64_t now_ms = 0;
        for (login_action action = one.on_start(login_purpose::session, {}, now_ms); !one.over();
             action = one.on_failed(step_end::timeout, now_ms))
            now_ms = action.deadline_ms;
        EXPECT_EQ(one.steps(), std::min<unsigned>(nodes, rules.steps_max));
        EXPECT_LE(now_ms, 2 * rules.step.count() + rules.steps_max * login_rules::step_least_ms);
    }
}

TEST(login, a_client_that_leaves) {
    const login_nodes nodes{.first = sd1, .second = sd2, .count = node_count};
    {
        login one({}, nodes, {});
        EXPECT_EQ(one.on_start(login_purpose::session, {}, 0).node, sd1);
        const login_action gone = one.on_gone(7);
        EXPECT_EQ(gone.what, login_do::fail);
        EXPECT_EQ(gone.failure, login_failure::gone);
        EXPECT_EQ(gone.cache, login_cache::keep);
        EXPECT_EQ(gone.leave, no_node) << "the answer is under way";
        EXPECT_EQ(one.trace()[0].how, step_end::left);
        EXPECT_EQ(one.trace()[0].took_ms, 7U);
        EXPECT_TRUE(one.over());
    }
    {
        login one({}, nodes, {});
        EXPECT_EQ(one.on_start(login_purpose::session, {}, 0).node, sd1);
        EXPECT_EQ(one.on_opened({.features = false}, 5).what, login_do::poll);
        EXPECT_EQ(one.on_gone(7).leave, sd1) << "a session is open";
    }
    {
        login one({}, nodes, {});
        EXPECT_EQ(one.on_start(login_purpose::session, {}, 0).node, sd1);
        EXPECT_EQ(one.on_opened({.homes = pair_1}, 5).leave, sd1);
        EXPECT_EQ(one.on_gone(7).leave, no_node) << "it has been left";
    }
}

TEST(login, an_answer_is_no_failure) {
    for (const step_end how :
         {step_end::under_way, step_end::named_itself, step_end::named_others,
          step_end::named_nobody, step_end::named_unknown, step_end::known_dead, step_end::left}) {
        login one({}, {.first = sd1, .second = sd2, .count = node_count}, {});
        EXPECT_EQ(one.on_start(login_purpose::session, {}, 0).node, sd1);
        EXPECT_EQ(one.on_failed(how, 1).node, sd2);
        EXPECT_EQ(one.trace()[0].how, step_end::bad_answer) << name_of(how);
    }
}

TEST(login, tells_its_steps) {
    login one({}, {.first = sd1, .second = sd2, .count = node_count}, {});
    EXPECT_EQ(one.on_start(login_purpose::session, {}, 100).why, login_reason::first);
    EXPECT_EQ(one.on_opened({.features = false}, 110).what, login_do::poll);
    EXPECT_EQ(one.on_opened({.homes = {a1, no_node}, .unknown = 1}, 130).why, login_reason::home);
    const login_step& first = one.trace()[0];
    EXPECT_EQ(first.node, sd1);
    EXPECT_EQ(first.why, login_reason::first);
    EXPECT_EQ(first.how, step_end::named_others);
    EXPECT_EQ(first.polls, 1);
    EXPECT_EQ(first.unknown, 1);
    EXPECT_EQ(first.named, (login_homes{a1, no_node}));
    EXPECT_EQ(first.began_ms, 0U);
    EXPECT_EQ(first.took_ms, 30U);
    const login_step& second = one.trace()[1];
    EXPECT_EQ(second.node, a1);
    EXPECT_EQ(second.how, step_end::under_way);
    EXPECT_EQ(second.began_ms, 30U);
    EXPECT_EQ(one.steps(), 2U);
    EXPECT_FALSE(one.over());
}

// Every login under way has one: no memory but this, and not much of it.
TEST(login, is_small) {
    EXPECT_LE(sizeof(login), 1152U);
}

} // namespace
} // namespace boshgate::discovery
