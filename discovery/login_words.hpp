#pragma once
// The words of a login: who is asked for, why a node was asked, what came of it, and how the login
// ended, with the names under which they are printed. login.hpp has the rules.

#include "routing/binding_condition.hpp"
#include "routing/route_table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace boshgate::discovery {

using routing::node_index;
inline constexpr node_index no_node = 0xffff;

// A user's nodes, as far as they are nodes of the configuration. Where only one is known, it is the
// home, whichever it was called.
struct login_homes {
    node_index home = no_node;
    node_index backup = no_node;

    [[nodiscard]] bool none() const noexcept { return home == no_node && backup == no_node; }
    [[nodiscard]] bool has(node_index node) const noexcept {
        return node != no_node && (node == home || node == backup);
    }
    friend bool operator==(const login_homes&, const login_homes&) = default;
};

// Whether a node is known to be dead at this moment. `dead` empty: nobody knows anything.
struct health_view {
    bool (*dead)(const void* whose, node_index node) noexcept = nullptr;
    const void* whose = nullptr;

    [[nodiscard]] bool is_dead(node_index node) const noexcept {
        return dead != nullptr && dead(whose, node);
    }
};

// living_home is the node that a user belongs on now: home, backup if home is known dead; nullopt:
// neither is there or alive.
[[nodiscard]] std::optional<node_index> living_home(const login_homes& homes,
                                                    const health_view& health) noexcept;

enum class login_purpose : std::uint8_t {
    session, // a client waits for its session
    homes,   // only the homes are wanted; every session is ended
};

// Why a node was asked.
enum class login_reason : std::uint8_t {
    stored_home, // from the cache
    stored_backup,
    first,  // the discovery nodes
    second, //
    again,  // the discovery node whose homes have all failed
    any,    // no discovery node was heard
    home,   // by the word of the node before
    backup,
    see_other, // the node before sent the user there
};

// What came of it.
enum class step_end : std::uint8_t {
    under_way,
    named_itself, // as home or backup
    named_others,
    named_nobody,
    named_unknown, // no node of this configuration
    // Failures: the node is not asked again in this login.
    dead,         // no link, or the link broke
    timeout,      // nothing came until the deadline
    bad_answer,   // not BOSH, or features that never come
    refused,      // a terminate: the node cannot at present
    declined,     // a terminate: not this domain, not this client; other nodes will say the same
    unacceptable, // a terminate or 4xx: the request itself is at fault
    see_other,    // see-other-host, see-other-uri
    limited,      // a limit of ours: it could not be asked, and has done nothing
    // Not asked.
    known_dead,
    left, // the login was over before it answered
};

// step_end_of is what a terminate with this condition, or the HTTP status that stands for one,
// means: unacceptable, declined or refused.
[[nodiscard]] step_end step_end_of(routing::binding_condition condition) noexcept;

struct login_step {
    node_index node = no_node;
    login_reason why = login_reason::first;
    step_end how = step_end::under_way;
    std::uint8_t polls = 0;
    std::uint8_t unknown = 0; // names that are no nodes of this configuration
    login_homes named;
    std::uint32_t began_ms = 0; // since the start of the login
    std::uint32_t took_ms = 0;
};

enum class login_do : std::uint8_t {
    open,    // send the session request to `node`; on_opened or on_failed follows by deadline_ms
    poll,    // send one empty request to `node`, with the next rid: features have not come yet
    deliver, // the end: the session at `node` is the client's
    found,   // the end, purpose homes: homes() are they, perhaps none
    fail,    // the end: `failure`
};

enum class login_failure : std::uint8_t {
    none,
    nobody,       // no node is there to ask
    homes_down,   // the user's nodes are known, and none is up
    refused,      // `node` declined, or said unacceptable: its answer is the client's
    bad_answer,   // nobody gave an answer that is BOSH
    steered_away, // sent to a node that is none of this configuration
    limited,      // by limits of ours: the home, or all who know the homes, could not be asked
    out_of_time,
    out_of_steps,
    gone, // on_gone
};

inline constexpr std::size_t login_failures = static_cast<std::size_t>(login_failure::gone) + 1;

enum class login_cache : std::uint8_t { keep, learn /* homes() */, forget };

// As they are printed: "first", "known_dead", "open", "homes_down", "learn".
[[nodiscard]] std::string_view name_of(login_reason why) noexcept;
[[nodiscard]] std::string_view name_of(step_end how) noexcept;
[[nodiscard]] std::string_view name_of(login_do what) noexcept;
[[nodiscard]] std::string_view name_of(login_cache what) noexcept;
[[nodiscard]] std::string_view name_of(login_failure failure) noexcept;

} // namespace boshgate::discovery
