#pragma once
// Which node a session request of the discovery endpoint ends at: the state machine of one login.
// It says what to do next; a driver does it and tells what came of it:
//
//     on_start               -> open | found | fail
//     on_opened, on_failed   -> open | poll | deliver | found | fail
//     on_gone                -> fail
//
// and with deliver, found or fail it is over.
//
// The order is CAXL's: the stored home, its backup; the first discovery node, the homes it names;
// the same again if these failed; the second, the homes it names; any living node if no discovery
// node was heard; the end. A node that failed once or is known to be dead is not asked (again). A
// node that names others is believed, but nobody is gone back to on another's word: where living
// nodes name each other in a circle, the login stays with the last.
//
// Where this proxy itself may open no further link to a user's node, that is the end: the node is
// well, and nobody is led past it because of us. In the place of a discovery node the other one is
// asked.
//
// At most one session is open at a time, steps and time are bounded, and every session but the
// delivered one is ended (login_action::leave). Three askers share it: session requests, and two
// that only want to know the homes (`purpose::homes`): the first <auth> of a client that named no
// user before, and people and programs who ask who is where.
//
// What becomes of the user's entry in the cache of homes (login_action::cache; nothing to do for
// requests that name no user):
//
//     what happens                                              the entry
//     a node names homes, and the login ends at one of them     learn: these, from now
//     the same, and only the homes were asked for               learn: these, from now
//     the stored home names itself                              learn: as above, it lives on
//     the stored home or backup names nobody                    keep: until its time is over
//     the stored home or backup is known dead, and passed over  keep: it may come back
//     the stored home or backup fails: no link, silence, a bad  forget, at once; what a node names
//         answer, a terminate, see-other-host                       later in this login is learnt
//     the stored home or backup names other nodes               forget, at once; likewise
//     a limit of ours keeps any of them from being asked        keep
//     a discovery node names nobody, or no node known here      forget
//     nodes name each other in a circle                         forget
//     the request is at fault, time or steps are over, the      as far as one of the above said
//         client leaves, no home is up
//     a session is delivered, and ends later, however           keep: the next login finds out
//
// Pure: times are milliseconds of any steady clock. No memory but the object's own.

#include "discovery/login_words.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace boshgate::discovery {

struct login_rules {
    // More is not recorded, so steps_max counts as no more than this.
    static constexpr std::uint8_t steps_most = 32;

    // A further step with less left than this would only leave a session behind at a node: timers
    // and clocks are not finer, and few nodes answer sooner.
    static constexpr std::int64_t step_least_ms = 5;

    std::uint8_t steps_max = 12; // session requests to nodes
    std::uint8_t polls_max = 2;  // empty requests to one node until its features come
    // For one node: link, answer, polls. Each node that is silent halves what the next ones get, so
    // that they take about two steps from a user however many they are.
    std::chrono::milliseconds step{1000};
    std::chrono::milliseconds patience{5000}; // for the whole login
};

struct login_nodes {
    // The discovery nodes in the order in which they are asked: primary, secondary. Where no user
    // is named, their driver may turn them round, by load. The second may be missing.
    node_index first = no_node;
    node_index second = no_node;
    std::uint16_t count = 0; // nodes of the configuration
    // Where the search for any living node begins: any number, so that not all begin at node 0.
    std::uint16_t spread = 0;
};

struct login_action {
    login_do what = login_do::fail;
    node_index node = no_node;
    login_reason why = login_reason::first; // open
    login_failure failure = login_failure::none;
    // The user's entry in the cache of homes; with any action, the table above.
    login_cache cache = login_cache::keep;
    // The session that is open at this node is to be ended, in the background: nobody waits for
    // that before the next node is opened, and nobody is told how it went. no_node: there is none.
    node_index leave = no_node;
    // open, poll: when on_failed(timeout) is due. Less than half of rules.step away where patience
    // ends before: then a timeout is no sign of a dead node.
    std::int64_t deadline_ms = 0;
};

// What stands in a node's answers so far.
struct node_word {
    bool features = true; // false: <stream:features/> have not come; the rest counts for nothing
    login_homes homes;    // hostnames that lead to nodes: the first is home, the second backup
    std::uint8_t unknown = 0; // hostnames that lead to none
};

class login {
  public:
    // Steps that a login can record: all it may take, and some that it passed over.
    static constexpr std::size_t trace_most = login_rules::steps_most + 16;

    // What `health` refers to outlives the login.
    login(const login_rules& rules, const login_nodes& nodes, health_view health) noexcept
        : rules_(rules), nodes_(nodes), health_(health) {}

    // on_start begins; once. `stored`: what the cache has about the user, perhaps nothing.
    [[nodiscard]] login_action on_start(login_purpose purpose, const login_homes& stored,
                                        std::int64_t now_ms) noexcept;

    // on_opened: the session request, or the poll, was answered with a normal body. Only after
    // open or poll.
    [[nodiscard]] login_action on_opened(const node_word& word, std::int64_t now_ms) noexcept;

    // on_failed: it was not. `how` is one of the failures (else it counts as bad_answer); `other`
    // is the node that see_other leads to, no_node if it leads to none of this configuration. Only
    // after open or poll. An answer that comes after a timeout is the driver's: it ends that
    // session.
    [[nodiscard]] login_action on_failed(step_end how, std::int64_t now_ms,
                                         node_index other = no_node) noexcept;

    // on_gone: nobody waits for the outcome any more. Only before the end.
    [[nodiscard]] login_action on_gone(std::int64_t now_ms) noexcept;

    // The newest word about the user's nodes: a node's, else the cache's.
    [[nodiscard]] const login_homes& homes() const noexcept { return homes_; }
    // What happened so far, in its order. The last one may be under way.
    [[nodiscard]] std::span<const login_step> trace() const noexcept {
        return {trace_.data(), traced_};
    }
    // Session requests that were sent.
    [[nodiscard]] unsigned steps() const noexcept { return steps_; }
    [[nodiscard]] bool over() const noexcept { return over_; }

  private:
    [[nodiscard]] login_action choose(login_action with, bool asked, std::int64_t now_ms) noexcept;
    [[nodiscard]] login_action next(login_action with, std::int64_t now_ms) noexcept;
    [[nodiscard]] login_action open(login_action with, node_index node, login_reason why,
                                    std::int64_t now_ms) noexcept;
    [[nodiscard]] login_action deliver(login_action with, login_cache cache) noexcept;
    [[nodiscard]] login_action found(login_action with, login_cache cache) noexcept;
    [[nodiscard]] login_action give_up(login_action with) noexcept;
    [[nodiscard]] login_action fail(login_action with, login_failure why) noexcept;
    [[nodiscard]] bool may_ask(node_index node, login_reason why, std::int64_t now_ms) noexcept;
    [[nodiscard]] bool was_heard(node_index node) const noexcept;
    [[nodiscard]] bool may_host(node_index node) const noexcept;
    [[nodiscard]] bool has_failed(node_index node) const noexcept;
    [[nodiscard]] bool ended_so(step_end how, node_index node = no_node) const noexcept;
    [[nodiscard]] node_index any_living(std::int64_t now_ms) noexcept;
    void record(node_index node, login_reason why, step_end how, std::int64_t now_ms) noexcept;
    void close_step(step_end how, std::int64_t now_ms) noexcept;
    // The newest step that was taken, not passed over.
    [[nodiscard]] login_step& here() noexcept { return trace_[here_]; }

    login_rules rules_;
    login_nodes nodes_;
    health_view health_;
    std::int64_t began_ms_ = 0;
    std::int64_t step_deadline_ms_ = 0;
    std::array<login_step, trace_most> trace_{};
    std::uint8_t traced_ = 0;
    std::uint8_t here_ = 0;
    std::uint8_t steps_ = 0;
    login_purpose purpose_ = login_purpose::session;
    login_homes homes_;
    node_index asked_last_ = no_node; // the discovery node that spoke last
    bool named_ = false;              // homes_ are a node's word of this login
    std::uint8_t silent_ = 0;         // nodes that timed out; at most steps_most
    bool homes_failed_ = false;       // since asked_last_ spoke
    bool session_open_ = false;       // at here().node
    bool asked_again_ = false;
    bool over_ = false;
};

} // namespace boshgate::discovery
