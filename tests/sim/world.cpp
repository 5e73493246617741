#include "tests/sim/world.hpp"

#include <algorithm>
#include <sstream>

namespace boshgate::sim {

namespace {

// Numbers that must come once each, in order. A gap is counted as lost when it is seen; what fills
// it later is swapped.
class sequence {
  public:
    explicit sequence(const schedule& when) : when_(when) {}
    void take(std::uint32_t number, result& into) {
        if (number == next_) {
            ++next_;
        } else if (number > next_) {
            into.lost += number - next_;
            when_.say("world", "lost before", number);
            next_ = number + 1;
        } else {
            when_.say("world", "doubled", number);
            ++into.doubled;
        }
    }
    [[nodiscard]] std::uint32_t next() const noexcept { return next_; }

  private:
    const schedule& when_;
    std::uint32_t next_ = 0;
};

struct world {
    world(const scenario& scene, std::uint64_t seed) : what(scene), luck(seed) {
        // At times near the end of what a rid may be.
        first = luck.in_thousand(50) ? (std::uint64_t{1} << 53) - 100'000 : luck.below(1U << 31);
        node = make_node(what.node, when,
                         {.first = first,
                          .wait = what.proxy.wait,
                          .inactivity = (what.node == node_kind::prosody ? 60 : 30) * second,
                          .take = [this](std::uint32_t n) { up.take(n, out); }});
        proxies.resize(what.instances);
        open_proxy(proxies[0], routing::rid_window::opened(first, what.proxy.requests));
        client = std::make_unique<client_model>(
            when, client_model::settings{
                      .kind = what.client,
                      .first = first,
                      .wait = what.proxy.wait,
                      .open = [this](wire::asker from) { return connection(std::move(from)); },
                      .take = [this](std::uint32_t n) { down.take(n, out); },
                      .echo = [this](std::uint32_t) { ++out.echoed; }});
    }

    using instance = std::unique_ptr<proxy_model>;

    void open_proxy(instance& which, routing::rid_window window) {
        which = std::make_unique<proxy_model>(
            when, what.proxy, window, [this](wire::asker from) { return link(std::move(from)); });
    }

    // The instance that takes the next exchange: as a balancer does it, round robin, and past one
    // that takes nobody.
    std::size_t next_instance() {
        do {
            turn = (turn + 1) % proxies.size();
        } while (proxies.size() > 1 && turn == away);
        return turn;
    }

    std::shared_ptr<wire> link(wire::asker from) {
        std::erase_if(links, [](const auto& one) { return one.expired(); });
        const auto made = std::make_shared<wire>(
            when, luck, calm ? none : what.node_side, out.faults,
            wire::delays{.unacknowledged = what.link_timeout}, what.proxy.wait, std::move(from),
            wire::answerer{
                [this](const std::shared_ptr<wire>& w, const request& r) { node->asked(w, r); },
                [this](const std::shared_ptr<wire>& w) { node->closed(w); }});
        links.push_back(made);
        return made;
    }

    std::shared_ptr<wire> connection(wire::asker from) {
        return std::make_shared<wire>(
            when, luck, calm ? none : what.client_side, out.faults,
            wire::delays{5 * millisecond, 60 * millisecond}, what.proxy.wait, std::move(from),
            wire::answerer{[this](const std::shared_ptr<wire>& w, const request& r) {
                               instance& to = proxies[next_instance()];
                               if (!to) {
                                   open_proxy(to, routing::rid_window::adopted(r.rid));
                               }
                               to->asked(w, r);
                           },
                           [this](const std::shared_ptr<wire>& w) {
                               for (const instance& one : proxies) {
                                   if (one) {
                                       one->closed(w);
                                   }
                               }
                           }});
    }

    void write(bool from_client) {
        if (calm) {
            return;
        }
        if (from_client) {
            client->push(written_up++);
        } else {
            node->push(written_down++);
        }
        // In bursts: every third one follows at once.
        const microseconds pause =
            luck.in_thousand(300) ? luck.below(20 * millisecond) : luck.below(2 * what.gap);
        when.after(pause, [this, from_client] { write(from_client); });
    }

    void collect(const proxy_model& from) {
        const proxy_counts& counts = from.counts();
        out.repeats += counts.repeats;
        out.forgotten_by_node += counts.forgotten;
        for (std::size_t i = 0; i < routing::rid_verdict_count; ++i) {
            out.verdicts[i] += counts.verdicts[i];
        }
        out.most_live = std::max(out.most_live, counts.most_live);
        out.most_kept = std::max(out.most_kept, counts.most_kept);
    }

    void storm() {
        for (const auto& one : links) {
            if (const auto open = one.lock()) {
                open->cut();
            }
        }
    }

    void restart() {
        const std::size_t which = luck.below(proxies.size());
        if (instance& one = proxies[which]; one) {
            one->stop();
            collect(*one);
            // Timers of the old one still name it.
            gone.push_back(std::move(one));
        }
        if (what.away != 0) {
            away = which;
            when.after(what.away, [this, which] {
                if (away == which) {
                    away = nobody;
                }
            });
        }
    }

    scenario what;
    schedule when;
    dice luck;
    const fault_rates none{};
    bool calm = false;
    std::uint64_t first = 0;
    result out;
    sequence up{when}, down{when};
    std::uint32_t written_up = 0, written_down = 0;
    std::unique_ptr<node_model> node;
    std::vector<instance> proxies;
    std::size_t turn = 0;
    static constexpr std::size_t nobody = ~std::size_t{0};
    std::size_t away = nobody; // the instance that takes nobody
    std::vector<instance> gone;
    std::unique_ptr<client_model> client;
    std::vector<std::weak_ptr<wire>> links;
};

std::string cause_of(const world& it) {
    std::string why = it.client->ended();
    if (it.node->ended() != nullptr) {
        return "node: " + std::string(it.node->ended());
    }
    const bool refused = std::any_of(it.proxies.begin(), it.proxies.end(), [](const auto& one) {
        return one && one->counts().refusals != 0;
    });
    if (why == "terminated") {
        return refused ? "proxy refused" : "node refused a repeat";
    }
    return "client " + why;
}

} // namespace

result run(const scenario& what, std::uint64_t seed, bool traced) {
    world it(what, seed);
    it.when.traced = traced;
    it.client->start();
    it.when.after(it.luck.below(second), [&it] { it.write(true); });
    it.when.after(it.luck.below(second), [&it] { it.write(false); });
    for (unsigned i = 0; i < what.restarts; ++i) {
        it.when.after(it.luck.below(what.busy), [&it] { it.restart(); });
    }
    for (unsigned i = 0; i < what.storms; ++i) {
        it.when.after(it.luck.below(what.busy), [&it] { it.storm(); });
    }
    const auto over = [&it] { return it.client->ended() != nullptr; };
    while (!over() && it.when.step(what.busy)) {
    }
    // Nothing breaks any more: in bounded time everything has to come.
    it.calm = true;
    const auto all = [&it] {
        return it.up.next() == it.written_up && it.down.next() == it.written_down;
    };
    const microseconds end = it.when.now() + 400 * second;
    while (!over() && !all() && it.when.step(end)) {
    }
    result& out = it.out;
    out.worlds = 1;
    out.steps = it.when.steps();
    out.turns = it.client->turns();
    out.up = it.up.next();
    out.down = it.down.next();
    out.failures = it.client->failures();
    out.forgotten = it.client->forgotten();
    if (over()) {
        out.ends[cause_of(it)] = 1;
    } else if (!all()) {
        out.stuck = 1;
    }
    for (const auto& one : it.proxies) {
        if (one) {
            it.collect(*one);
        }
    }
    if (out.lost != 0 || out.doubled != 0 || out.stuck != 0 || !out.ends.empty()) {
        out.first_bad = seed;
    }
    return out;
}

void result::add(const result& other) {
    worlds += other.worlds;
    steps += other.steps;
    turns += other.turns;
    up += other.up;
    down += other.down;
    failures += other.failures;
    faults += other.faults;
    repeats += other.repeats;
    forgotten += other.forgotten;
    forgotten_by_node += other.forgotten_by_node;
    echoed += other.echoed;
    lost += other.lost;
    doubled += other.doubled;
    stuck += other.stuck;
    for (const auto& [why, count] : other.ends) {
        ends[why] += count;
    }
    for (std::size_t i = 0; i < routing::rid_verdict_count; ++i) {
        verdicts[i] += other.verdicts[i];
    }
    most_live = std::max(most_live, other.most_live);
    most_kept = std::max(most_kept, other.most_kept);
    if (first_bad == 0) {
        first_bad = other.first_bad;
    }
}

std::string result::text() const {
    std::ostringstream out;
    out << worlds << " worlds, " << steps << " steps, " << turns << " turns, " << faults
        << " faults, " << up << " up, " << down << " down; failures seen " << failures
        << ", repeats " << repeats << "; lost " << lost << ", doubled " << doubled << ", stuck "
        << stuck << ", echoed " << echoed << ", forgotten by client " << forgotten << ", by node "
        << forgotten_by_node << "; most live " << most_live << ", most kept " << most_kept
        << "\n    verdicts:";
    for (std::size_t i = 0; i < routing::rid_verdict_count; ++i) {
        out << ' ' << name_of(static_cast<routing::rid_verdict>(i)) << ' ' << verdicts[i];
    }
    for (const auto& [why, count] : ends) {
        out << "\n    ended " << count << ": " << why;
    }
    if (first_bad != 0) {
        out << "\n    first seed with a fault: " << first_bad;
    }
    return out.str();
}

} // namespace boshgate::sim
