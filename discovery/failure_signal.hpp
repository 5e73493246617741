#pragma once
// What a client is told when its request cannot be answered by its node: one table, by what
// happened, who the client is, and where it asked. Libraries differ in what brings them back: what
// makes one reconnect at once ends another for good. Three things only may be told: an HTTP
// failure, a terminate with a condition, or the end of the connection. Never a normal body that no
// node made: the node would wait for a rid that never comes, or write into an answer nobody reads.
// Never HTML in a 200, never a redirect.
//
// SIGNALS.md shows the table beside what real clients did with each signal.

#include "discovery/client_kind.hpp"
#include "routing/binding_condition.hpp"
#include "routing/body_error.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::discovery {

// What happened. session_request_*: there is no session yet. session_*: a request that belongs to
// one.
enum class situation : std::uint8_t {
    // The node is declared dead, or was silent until the deadline; no other may take the request.
    session_request_node_dead,
    // The exchange failed, repeats included; the node counts as alive: a blip.
    session_request_failed,
    // The discovery endpoint has no node left to try.
    session_request_no_node,
    // Too many sessions, of one address or in all; too many that never finish SASL; too many links
    // to the node, or no file descriptor left for one.
    session_request_limit,
    // The node's answer is not BOSH, and translate_answer found no meaning in it.
    session_request_bad_answer,
    // The proxy is shutting down.
    session_request_draining,
    // The node says see-other-uri, and nothing here leads to it.
    session_request_steered_away,

    // The node is declared dead: everything its sessions hold is freed with this.
    session_node_dead,
    // The exchange failed, repeats included; the node counts as alive, the session may live.
    session_exchange_failed,
    // Nothing came from the node within the granted wait and the margin.
    session_overdue,
    // The node does not know the session any more (it was restarted), the sid's tag is not ours, or
    // it was never a sid: told alike, so that nobody learns which (XEP-0124 14.3).
    session_unknown,
    // The node was taken out of the configuration.
    session_node_removed,
    // As session_request_bad_answer, session_request_steered_away.
    session_bad_answer,
    session_steered_away,
    // The time to drain is over: what is held is cut.
    session_draining,
    // rid outside of the window, or its answer is no longer kept, or the same rid with another
    // content.
    session_bad_rid,
    // rids before this one never came, and it has waited for them long enough.
    session_rid_gap,
    // More requests than `requests` allows, or the same rid over and over.
    session_overactive,
    // A session that was opened over TLS, and a request of it over plain HTTP (XEP-0124 19.1).
    session_not_secure,

    // The <body/> breaks a rule or a limit; or stanzas came without a sid.
    bad_request,
    request_too_large,
};
inline constexpr std::size_t situation_count = 21;

// Where the request came in.
enum class endpoint_kind : std::uint8_t {
    node_path, // the client chose the node
    discovery, // the proxy did, and can choose another for the next session
};

enum class signal_form : std::uint8_t {
    status,    // an HTTP failure
    terminate, // 200 with a terminate
    close,     // end the connection without an answer
};

struct failure_signal {
    signal_form form = signal_form::status;
    std::uint16_t status = 503; // of form status: 403, 404, 400, 502, 503, 504
    // Of form terminate.
    routing::binding_condition condition = routing::binding_condition::item_not_found;
    std::uint16_t retry_after_s = 0; // of form status: Retry-After in seconds; 0: no such field

    friend bool operator==(const failure_signal&, const failure_signal&) = default;
};

// signal_for looks the signal up. `reused`: the client's connection has carried an exchange before.
// Browsers repeat a request by themselves, unseen by the library, when a reused connection ends
// before any byte of the answer; on a fresh one the script sees the failure. So a close is only
// chosen where it is reused, but for session_not_secure.
//
// Every request of a session that is held when its signal is a terminate gets the same terminate:
// an empty body for the others would be made up.
[[nodiscard]] failure_signal signal_for(situation what, client_kind who, endpoint_kind where,
                                        bool reused) noexcept;

// signal_for_body is the signal for a <body/> that was refused; `why` is not none.
[[nodiscard]] failure_signal signal_for_body(routing::body_error why, client_kind who) noexcept;

// The bytes of the answer's body: the terminate; empty for the other forms (an HTTP failure is
// explained in plain text by whoever sends it). Of static storage.
[[nodiscard]] std::string_view body_of(const failure_signal& signal) noexcept;

// As they are printed: "session_node_dead", "terminate".
[[nodiscard]] std::string_view name_of(situation what) noexcept;
[[nodiscard]] std::string_view name_of(signal_form form) noexcept;

} // namespace boshgate::discovery
