#include "tests/sim/login_world.hpp"

#include "discovery/home_cache.hpp"

#include <algorithm>
#include <bitset>
#include <chrono>
#include <memory>
#include <sstream>

namespace boshgate::sim {
namespace {

using namespace discovery;

constexpr microseconds keep = 60 * second;
constexpr microseconds probe = second;
constexpr login_rules rules;

struct running {
    std::uint64_t number = 0;
    std::size_t user = 0;
    login_purpose purpose = login_purpose::session;
    microseconds began = 0;
    microseconds changed_before = 0;
    std::unique_ptr<login> machine;
    login_action doing;
    std::uint64_t turn = 0;   // of what is under way: what comes later than the next is nothing
    unsigned features_in = 0; // answers until there are any
    std::bitset<cluster_nodes> failed, open;
};
using running_login = std::shared_ptr<running>;

struct login_world {
    login_world(const login_scenario& scene, std::uint64_t which)
        : what(scene),
          seed(which),
          luck(which),
          nodes(when, luck, scene.cluster),
          cache(1000, std::chrono::milliseconds(keep / millisecond), {}) {}

    // What goes on

    login_result play() {
        out.worlds = 1;
        const auto some_time = [&] { return luck.below(what.busy); };
        for (unsigned i = 0; i != what.logins; ++i) {
            when.after(some_time(), [this] { begin(); });
        }
        trouble(what.kills, node_state::killed);
        trouble(what.freezes, node_state::frozen);
        trouble(what.leaves, node_state::leaving);
        for (unsigned i = 0; i != what.moves; ++i) {
            when.after(some_time(), [this] { nodes.move(luck.below(what.cluster.users)); });
        }
        for (unsigned i = 0; i != what.no_discovery; ++i) {
            when.after(some_time(), [this] { several_down(0, 1); });
        }
        for (unsigned i = 0; i != what.no_node; ++i) {
            when.after(some_time(), [this] { several_down(0, cluster_nodes - 1); });
        }
        when.after(probe, [this] { ask_the_dead(); });
        while (when.step(what.busy + 60 * second)) {
        }
        if (under_way != 0) {
            wrong("logins without an end", {});
        }
        return std::move(out);
    }

    void trouble(unsigned times, node_state state) {
        for (unsigned i = 0; i != times; ++i) {
            when.after(luck.below(what.busy), [this, state] {
                down(static_cast<node_index>(luck.below(cluster_nodes)), state,
                     luck.between(2, 20) * second);
            });
        }
    }

    void several_down(node_index from, node_index to) {
        const microseconds length = luck.between(5, 15) * second;
        const node_state state = luck.in_thousand(500) ? node_state::killed : node_state::frozen;
        for (node_index node = from; node <= to; ++node) {
            down(node, state, length);
        }
    }

    void down(node_index node, node_state state, microseconds length) {
        nodes.set(node, state);
        const unsigned turn = ++node_turns[node];
        when.after(length, [this, node, turn] {
            if (turn == node_turns[node]) {
                nodes.set(node, node_state::up);
            }
        });
    }

    // The proxy's health: what failed is dead until it answers a question.
    void ask_the_dead() {
        for (node_index node = 0; node != cluster_nodes; ++node) {
            if (nodes.state(node) == node_state::up) {
                dead.reset(node);
            }
        }
        when.after(probe, [this] { ask_the_dead(); });
    }

    static bool is_dead(const void* whose, node_index node) noexcept {
        return static_cast<const login_world*>(whose)->dead.test(node);
    }

    // The driver

    [[nodiscard]] std::int64_t now_ms() const { return static_cast<std::int64_t>(when.now_ms()); }
    [[nodiscard]] home_cache::time_point clock() const {
        return home_cache::time_point(std::chrono::microseconds(when.now()));
    }

    void begin() {
        const auto one = std::make_shared<running>();
        one->number = ++out.logins;
        one->user = luck.below(what.cluster.users);
        one->purpose = luck.in_thousand(100) ? login_purpose::homes : login_purpose::session;
        one->began = when.now();
        one->changed_before = nodes.changed(one->user);
        one->machine = std::make_unique<login>(
            rules,
            login_nodes{.first = 0,
                        .second = what.secondary ? node_index{1} : no_node,
                        .count = cluster_nodes,
                        .spread = static_cast<std::uint16_t>(luck.below(65536))},
            health_view{&login_world::is_dead, this});
        login_homes stored;
        if (const auto found = cache.find(name(*one), clock()); found && what.cached) {
            stored = {found->home, found->backup.value_or(no_node)};
        }
        ++under_way;
        when.say("login", "begins", one->number);
        if (luck.in_thousand(what.gone_in_thousand)) {
            when.after(luck.between(1, 300) * millisecond, [this, one] {
                if (!one->machine->over()) {
                    act(one, one->machine->on_gone(now_ms()));
                }
            });
        }
        act(one, one->machine->on_start(one->purpose, stored, now_ms()));
    }

    [[nodiscard]] static std::string name(const running& one) {
        return "user" + std::to_string(one.user) + "@example.com";
    }

    void act(const running_login& one, const login_action& action) {
        one->doing = action;
        ++one->turn;
        if (action.leave != no_node) {
            if (!one->open.test(action.leave)) {
                wrong("leaves what is not open", one);
            }
            one->open.reset(action.leave);
        }
        if (action.cache == login_cache::forget) {
            cache.forget(name(*one));
        } else if (action.cache == login_cache::learn) {
            const login_homes& homes = one->machine->homes();
            home_cache::homes found{homes.home, std::nullopt};
            if (homes.backup != no_node) {
                found.backup = homes.backup;
            }
            cache.learn(name(*one), found, clock());
        }
        switch (action.what) {
        case login_do::open:
            open(one);
            return;
        case login_do::poll:
            answer_later(one);
            return;
        case login_do::deliver:
        case login_do::found:
        case login_do::fail:
            end(one);
        }
    }

    void open(const running_login& one) {
        const node_index node = one->doing.node;
        when.say("login", "opens at", node);
        ++out.opened;
        if (one->failed.test(node)) {
            wrong("asks a node that failed", one);
        }
        if (dead.test(node)) {
            wrong("asks a node that is known to be dead", one);
        }
        if (one->open.any()) {
            wrong("two sessions at once", one);
        }
        one->features_in = 0;
        if (luck.in_thousand(what.cluster.late_in_thousand)) {
            one->features_in = static_cast<unsigned>(luck.between(1, 3));
        }
        answer_later(one);
    }

    void answer_later(const running_login& one) {
        const std::uint64_t turn = one->turn;
        const auto current = [one, turn] { return turn == one->turn && !one->machine->over(); };
        const auto deadline = static_cast<microseconds>(one->doing.deadline_ms) * millisecond;
        const microseconds left = deadline > when.now() ? deadline - when.now() : 0;
        when.after(left, [this, one, current] {
            if (current()) {
                fail(one, step_end::timeout);
            }
        });
        const bool refuses = nodes.state(one->doing.node) == node_state::killed;
        when.after(refuses ? millisecond : luck.between(2, 150) * millisecond,
                   [this, one, current] {
                       if (current()) {
                           answer(one);
                       }
                   });
    }

    void fail(const running_login& one, step_end how, node_index other = no_node) {
        const node_index node = one->doing.node;
        one->failed.set(node);
        // Features that never come are a timeout of a node that speaks.
        const bool silent = how == step_end::timeout && nodes.state(node) != node_state::up;
        if (how == step_end::dead || silent) {
            dead.set(node);
        }
        if (how != step_end::timeout && how != step_end::bad_answer) {
            one->open.reset(node); // it ended with the link, or the node ended it
        }
        act(one, one->machine->on_failed(how, now_ms(), other));
    }

    void answer(const running_login& one) {
        const node_index node = one->doing.node;
        switch (nodes.state(node)) {
        case node_state::killed:
            fail(one, step_end::dead);
            return;
        case node_state::frozen:
            return;
        case node_state::leaving:
            fail(one, step_end::refused);
            return;
        case node_state::up:
            break;
        }
        const cluster::view known = nodes.known_at(node, one->user);
        const bool speaks = node <= 1 || what.cluster.speech == home_speech::names;
        if (!speaks && !known.homes.none() && !known.homes.has(node)) {
            fail(one, step_end::see_other, known.homes.home);
            return;
        }
        one->open.set(node);
        node_word word{.features = one->features_in == 0};
        if (!word.features) {
            --one->features_in;
        } else if (speaks) {
            word.homes = known.homes;
            word.unknown = known.unknown;
        }
        const login_action next = one->machine->on_opened(word, now_ms());
        if (!word.features && next.what != login_do::poll) {
            one->failed.set(node);
        }
        act(one, next);
    }

    // The judge

    void end(const running_login& one) {
        --under_way;
        const login_action& last = one->doing;
        if (last.what == login_do::deliver) {
            if (!one->open.test(last.node)) {
                wrong("delivers what is not open", one);
            }
            one->open.reset(last.node);
        }
        if (one->open.any()) {
            wrong("leaves a session open", one);
        }
        const unsigned steps = one->machine->steps();
        ++out.steps[steps];
        const std::uint64_t took_ms = (when.now() - one->began) / millisecond;
        out.longest_ms = std::max(out.longest_ms, took_ms);
        if (steps > rules.steps_max) {
            wrong("too many steps", one);
        }
        if (took_ms > static_cast<std::uint64_t>(rules.patience.count())) {
            wrong("too long", one);
        }
        if (last.what == login_do::fail) {
            ++out.failed[std::string(name_of(last.failure))];
        }
        if (last.failure == login_failure::gone) {
            return;
        }
        const microseconds settled = what.cluster.lag + 2 * probe;
        const microseconds changed = nodes.changed(one->user);
        const bool calm =
            changed == one->changed_before && (changed == 0 || changed + settled < one->began);
        out.calm += calm;
        if (last.what == login_do::found) {
            judge_found(one);
        } else if (calm) {
            judge_calm(one);
        } else {
            judge_unsettled(one);
        }
    }

    [[nodiscard]] bool up(node_index node) const {
        return node != no_node && nodes.state(node) == node_state::up;
    }

    // Nothing has changed: it must be the home, or else the backup, or an honest failure.
    void judge_calm(const running_login& one) {
        const cluster::view truth = nodes.truth(one->user);
        const login_action& last = one->doing;
        if (one->purpose == login_purpose::homes) {
            if (up(0) || (what.secondary && up(1))) {
                wrong("finds no homes, and a discovery node is up", one);
            }
            return;
        }
        if (truth.homes.none()) {
            judge_nowhere(one);
            return;
        }
        node_index right = no_node;
        for (const node_index node : {truth.homes.backup, truth.homes.home}) {
            right = up(node) && !one->failed.test(node) ? node : right;
        }
        if (last.what == login_do::fail) {
            if (right != no_node && anybody_to_ask(one)) {
                wrong("fails, and a home is up", one);
            }
        } else if (last.node == truth.homes.backup && unseen(*one)) {
            ++out.unseen;
        } else if (last.node != right) {
            wrong("is at a wrong node", one);
        } else {
            ++(right == truth.homes.home ? out.at_home : out.at_backup);
        }
    }

    // A backup takes the user. If it names nobody either, it is not seen that the home is up: when
    // it was the home before, until the cache's time is over; when no discovery node is left.
    [[nodiscard]] bool unseen(const running& one) const {
        const microseconds moved = nodes.moved(one.user);
        const bool outdated = moved != 0 && one.began < moved + what.cluster.lag + keep;
        return what.cluster.speech == home_speech::sends_away &&
               (outdated || one.doing.why == login_reason::any);
    }

    // Nobody names a node for such a user: a session anywhere will do.
    void judge_nowhere(const running_login& one) {
        if (one->doing.what != login_do::fail) {
            ++out.where_it_is;
        } else if (anybody_to_ask(one)) {
            wrong("fails, and a node is up", one);
        }
    }

    // Whether a node is up that this login could have heard. (Features that come too late make a
    // node that is up one that failed.)
    [[nodiscard]] bool anybody_to_ask(const running_login& one) const {
        for (node_index node = 0; node != cluster_nodes; ++node) {
            if (up(node) && !one->failed.test(node)) {
                return true;
            }
        }
        return false;
    }

    // The world changed: it must be where the user was to be found lately, or a failure.
    void judge_unsettled(const running_login& one) {
        const login_action& last = one->doing;
        if (last.what == login_do::fail) {
            return;
        }
        const microseconds lately = what.cluster.lag + 10 * second;
        const microseconds from = one->began > lately ? one->began - lately : 0;
        const cluster::view truth = nodes.truth(one->user);
        if (truth.homes.home == last.node) {
            ++out.at_home;
        } else if (truth.homes.backup == last.node) {
            ++out.at_backup;
        } else if (nodes.had_no_homes(one->user, from)) {
            ++out.where_it_is;
        } else if (nodes.was_at(last.node, one->user, from)) {
            ++out.moved_before;
        } else {
            wrong("is where the user never was", one);
        }
    }

    // The cache may be as old as it may be.
    void judge_found(const running_login& one) {
        ++out.homes_found;
        const login_homes& homes = one->machine->homes();
        const microseconds oldest = keep + what.cluster.lag;
        const microseconds from = one->began > oldest ? one->began - oldest : 0;
        bool right = false;
        if (!homes.none()) {
            right = nodes.was_at(homes.home, one->user, from);
        } else {
            // A node that was asked because no discovery node is left may name nobody.
            const bool knew = what.cluster.speech == home_speech::names ||
                              one->machine->trace().back().why != login_reason::any;
            right = !knew || nodes.had_no_homes(one->user, from);
        }
        if (!right) {
            wrong("finds homes that never were", one);
        }
    }

    void wrong(const char* why, const running_login& one) {
        ++out.wrong;
        if (!out.first_wrong.empty()) {
            return;
        }
        std::ostringstream story;
        story << why << ": seed " << seed;
        if (one) {
            const cluster::view truth = nodes.truth(one->user);
            story << ", login " << one->number << " of user " << one->user << ", homes "
                  << truth.homes.home << ' ' << truth.homes.backup << " at "
                  << static_cast<double>(when.now()) / second << " s:";
            for (const login_step& step : one->machine->trace()) {
                story << ' ' << step.node << ' ' << name_of(step.why) << ' ' << name_of(step.how)
                      << ';';
            }
            story << ' ' << name_of(one->doing.what) << ' ' << one->doing.node << ' '
                  << name_of(one->doing.failure);
        }
        out.first_wrong = story.str();
    }

    const login_scenario& what;
    std::uint64_t seed;
    schedule when;
    dice luck;
    cluster nodes;
    home_cache cache;
    std::bitset<cluster_nodes> dead; // as far as the proxy knows
    std::array<unsigned, cluster_nodes> node_turns{};
    std::uint64_t under_way = 0;
    login_result out;
};

} // namespace

login_result run(const login_scenario& what, std::uint64_t seed, bool traced) {
    login_world world(what, seed);
    world.when.traced = traced;
    return world.play();
}

void login_result::add(const login_result& other) {
    worlds += other.worlds;
    logins += other.logins;
    calm += other.calm;
    at_home += other.at_home;
    at_backup += other.at_backup;
    where_it_is += other.where_it_is;
    homes_found += other.homes_found;
    moved_before += other.moved_before;
    unseen += other.unseen;
    opened += other.opened;
    wrong += other.wrong;
    longest_ms = std::max(longest_ms, other.longest_ms);
    for (const auto& [why, count] : other.failed) {
        failed[why] += count;
    }
    for (std::size_t i = 0; i != steps.size(); ++i) {
        steps[i] += other.steps[i];
    }
    if (first_wrong.empty()) {
        first_wrong = other.first_wrong;
    }
}

std::size_t login_result::most_steps() const {
    std::size_t most = steps.size() - 1;
    while (most != 0 && steps[most] == 0) {
        --most;
    }
    return most;
}

std::string login_result::text() const {
    std::ostringstream told;
    told << worlds << " worlds, " << logins << " logins (" << calm << " in calm), " << opened
         << " sessions opened; at home " << at_home << ", at the backup " << at_backup
         << ", no homes " << where_it_is << ", moved just before " << moved_before
         << ", at a backup that does not tell " << unseen << ", homes found " << homes_found
         << "; failed";
    for (const auto& [why, count] : failed) {
        told << ' ' << why << ' ' << count;
    }
    told << "; longest " << longest_ms << " ms; steps";
    for (std::size_t i = 0; i <= most_steps(); ++i) {
        told << ' ' << steps[i];
    }
    if (wrong != 0) {
        told << "\n    wrong " << wrong << ", first: " << first_wrong;
    }
    return told.str();
}

} // namespace boshgate::sim
