#pragma once
// What the whole process knows of each node: its health, the operator's wish, when it spoke last.
// Written when something changes, from any core and the control thread; the request path reads a
// few atomics. discovery/node_health decides; probers on core 0 ask (prober.hpp).

#include "discovery/node_health.hpp"
#include "proxy/snapshot.hpp"
#include "routing/reason.hpp"
#include "routing/route_table.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

struct core;
using discovery::node_death;

// What becomes of a client's request for a node.
enum class admittance : std::uint8_t {
    goes,     // to the node
    tries,    // to a node that is down, to see whether it is: for a moment
    dead,     // it ends at once
    drained,  // likewise: the operator wants no new sessions there
    disabled, // likewise: nor anything else
};

// What people and programs are told of a node.
struct node_report {
    discovery::health_state state = discovery::health_state::up;
    // What was measured, also while the operator's wish lies over it: up, suspect or down.
    discovery::health_state measured = discovery::health_state::up;
    std::string_view reason;        // why it is not up, a name: "no_bosh"; empty while it is
    std::string_view words;         // the same in words that follow "the node"; empty while it is
    std::string evidence;           // what was seen last that spoke against it, in words
    std::int64_t since_unix_ms = 0; // when `state` began
    discovery::node_wish wish = discovery::node_wish::none;
    std::uint64_t held = 0; // requests that it has not answered, on all cores
    // When the certificate that it showed last expires, seconds since the epoch; 0: none was seen.
    std::int64_t certificate_expires = 0;
};

// What a broken link or exchange says about the node; none: nothing, it was our own doing.
[[nodiscard]] discovery::health_reason health_reason_of(routing::reason why) noexcept;

class node_states {
  public:
    // `cores` outlives this, and `settings` until adopt(); the list is filled before any core runs.
    node_states(const snapshot& settings, const std::vector<core*>& cores);
    ~node_states();
    node_states(const node_states&) = delete;
    node_states& operator=(const node_states&) = delete;

    // For people and programs. Any thread.
    [[nodiscard]] node_report report(routing::node_index node) const;
    // wish says what the operator wants of a node. drain: no new sessions, what is there ends in
    // its time. disable: what is there ends too, now. none: it is served as its health is.
    void wish(routing::node_index node, discovery::node_wish wanted);

    // The node has answered. Any core, every answer.
    void heard(core& by, routing::node_index node, std::uint64_t now_ms) {
        shared& of = *nodes_[node];
        if (now_ms - of.last_word_ms.load(std::memory_order_relaxed) > 100) {
            of.last_word_ms.store(now_ms, std::memory_order_relaxed); // else all write one line
        }
        if (of.death.load(std::memory_order_relaxed) == node_death::silent) {
            life(by, node);
        }
    }
    // It has spoken BOSH, and not of trouble.
    void word(core& by, routing::node_index node) {
        if (nodes_[node]->not_up.load(std::memory_order_relaxed)) {
            good_word(by, node);
        }
    }
    [[nodiscard]] std::uint64_t last_word_ms(routing::node_index node) const noexcept {
        return nodes_[node]->last_word_ms.load(std::memory_order_relaxed);
    }
    [[nodiscard]] node_death death_of(routing::node_index node) const noexcept {
        return nodes_[node]->death.load(std::memory_order_relaxed);
    }
    [[nodiscard]] discovery::health_state measured(routing::node_index node) const noexcept {
        return nodes_[node]->state.load(std::memory_order_relaxed);
    }
    [[nodiscard]] discovery::node_wish wish_of(routing::node_index node) const noexcept {
        return nodes_[node]->wish.load(std::memory_order_relaxed);
    }
    // Requests that the node has not answered, on all cores.
    [[nodiscard]] std::uint64_t held_at(routing::node_index node) const noexcept;

    // Whether who has a choice should go elsewhere. Where all nodes that the operator leaves in use
    // look bad it is more likely us: then none of them is avoided.
    [[nodiscard]] bool avoided(routing::node_index node, std::uint64_t now_ms) const noexcept;

    // admit says what becomes of a client's request for this node. Of those for a session, the
    // first one after an interval tries a node that is down.
    [[nodiscard]] admittance admit(routing::node_index node, bool opens_session,
                                   std::uint64_t now_ms) noexcept;

    // What traffic shows; see discovery/node_health. `why` is what the link or exchange ended for.
    // Until the node speaks, or a moment has passed, who has a choice goes elsewhere at once.
    void link_failed(core& by, routing::node_index node, routing::reason why);
    void no_link(core& by, routing::node_index node, routing::reason why);
    void link_stands(core& by, routing::node_index node) {
        if (nodes_[node]->not_up.load(std::memory_order_relaxed)) {
            link_word(by, node);
        }
    }
    // An answer told of trouble, or did not come in time: the node is asked.
    void hint(core& by, routing::node_index node);
    // A link stands whose node showed a certificate that expires then, seconds since the epoch.
    void certificate_seen(core& by, routing::node_index node, std::int64_t expires);

    // For the probers: what to do now, and what came of it.
    [[nodiscard]] discovery::probe_plan next_probe(core& by, routing::node_index node);
    void probe_answered(core& by, routing::node_index node, discovery::probe_kind kind,
                        std::uint64_t sent_ms);
    // One was answered after it had failed as silent.
    void probe_answered_late(core& by, routing::node_index node, std::uint64_t sent_ms);
    void probe_failed(core& by, routing::node_index node, discovery::probe_kind kind,
                      discovery::health_reason why, const std::string& evidence,
                      std::uint64_t sent_ms);
    // It could not be asked.
    void probe_dropped(core& by, routing::node_index node);

    // A reload. adopt: these are the nodes now (control thread, before the cores; wish() too is
    // asked there). forget: a node is another one or elsewhere; `same`: its name is the same, and
    // what the operator wishes of it (core 0, whose probers are the only ones that find it silent).
    void adopt(const snapshot& now);
    void forget(routing::node_index node, bool same);

  private:
    // One node, on lines of its own: cores read other nodes' while this one changes.
    struct alignas(64) shared {
        explicit shared(std::uint32_t seed) : health(seed) {}

        std::atomic<std::uint64_t> last_word_ms{0}; // within a tenth of a second
        std::atomic<std::uint64_t> doubted_ms{0};   // when it failed somebody last
        std::atomic<std::uint64_t> tried_ms{0};     // when a request tried it while it was down
        std::atomic<std::int64_t> certificate_expires{0};
        std::atomic<std::int64_t> certificate_warned{0}; // when the log did, seconds
        std::atomic<discovery::health_state> state{discovery::health_state::up};
        std::atomic<node_death> death{node_death::none};
        std::atomic<discovery::node_wish> wish{discovery::node_wish::none};
        std::atomic<bool> there{false}; // in the configuration
        std::atomic<bool> coming_back{false};
        std::atomic<bool> not_up{false}; // words and links are worth telling
        std::atomic<bool> looked{false}; // its prober was told to look, and has not yet
        mutable std::mutex mutex;        // of what follows
        discovery::node_health health;
        std::string evidence;
        std::int64_t since_unix_ms = 0;    // of the state that is shown
        std::int64_t measured_unix_ms = 0; // when it went down or came back
    };

    void life(core& by, routing::node_index node);
    void good_word(core& by, routing::node_index node);
    void link_word(core& by, routing::node_index node);
    template <typename Event>
    void change(core& by, routing::node_index node, const Event& event);
    void publish(shared& of) const noexcept;
    void tell(core& by, routing::node_index node, const struct health_turn& turn) const;
    void free_polls(routing::node_index node, routing::reason why) const;
    void look_now(routing::node_index node) const;
    [[nodiscard]] bool looks_bad(const shared& of, std::uint64_t now_ms) const noexcept;
    [[nodiscard]] bool all_look_bad(std::uint64_t now_ms) const noexcept;

    const snapshot* settings_; // the control thread's
    const std::vector<core*>& cores_;
    std::atomic<std::int64_t> interval_ms_;      // as in health_rules
    std::vector<std::unique_ptr<shared>> nodes_; // as many as there can be; by node
};

} // namespace boshgate::proxy
