#pragma once
// What to do when an exchange with a node goes wrong: one table, by the moment of the failure and
// by the kind of the request. HTTP forbids a proxy to repeat a POST (RFC 9110 9.2.2) unless it
// knows that the request may be repeated; the rid is that knowledge (XEP-0124 14.3), so a request
// with a sid may be sent again, unchanged, to the same node. The table is about one exchange; that
// the rids of a session stay in order is its window's business.
//
// Pure: the caller brings counts and times, and does what is decided.

#include "routing/bosh_body.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

// When the exchange with the node failed.
enum class node_failure : std::uint8_t {
    not_sent,       // name, connect or TLS failed: no byte of the request can have reached the node
    idle_closed,    // a link that was used before closed before any byte of the answer: it may have
                    // died idle
    fresh_closed,   // a fresh link closed before any byte of the answer
    broke_off,      // the answer broke off; the client has nothing of it
    broke_off_late, // the answer broke off; the client has part of it
    overdue,        // no complete answer within the deadline
    gateway_error,  // 502, 503 or 504, from a box in between: BOSH nodes do not send them
    server_error,   // 500
    client_left,    // nothing failed, but the client that waits for the answer went away
};
inline constexpr std::size_t node_failure_count = 9;

// What was asked, as far as repeating depends on it.
enum class request_class : std::uint8_t {
    page,            // GET or HEAD: safe by definition
    session_request, // no sid yet: a repeat opens a second session, the first runs out by itself
    with_sid,        // rid protects it
    restart,         // with xmpp:restart
    terminate,       // ends the session or a stream
    pause,           // its answer is not stored (XEP-0124 14.3), and some nodes never answer it
    keyed, // part of a key sequence: a node may check the key before it looks for the stored answer
};
inline constexpr std::size_t request_class_count = 7;

// The class of a request with a <body/>. A key counts before everything else.
[[nodiscard]] request_class class_of(const body_tag& tag) noexcept;

enum class repeat_action : std::uint8_t {
    repeat_same_node, // send it again, unchanged, on a fresh link to the same node
    repeat_any_node,  // the same, or on another node where the route has one
    fail,         // tell the client honestly: HTTP failure or terminate body, the caller's choice
    close_client, // end the client's connection: the answer cannot be completed nor taken back
    keep_waiting, // let the node finish, keep its answer for the client's own repeat
    keep_and_terminate, // let the node finish, then end the session that nobody knows of
    abandon,            // close the link: nobody needs the answer
};

// Why it was decided so, for the log.
enum class repeat_cause : std::uint8_t {
    nothing_sent,      // the node has seen nothing
    safe_method,       // GET and HEAD may be repeated
    orphan_at_worst,   // a second session request leaves a session that runs out
    rid_protects,      // the node knows the rid, or takes the request as new
    gone_either_way,   // a repeated terminate finds the session ended, or ends it
    shown_in_part,     // the client has part of the answer
    answer_not_stored, // the node cannot give the answer again
    key_sequence,      // the node might refuse the second use of the key
    too_late,          // the time that a repeat would need has gone into waiting
    final_answer,      // the same request would get the same answer
    client_may_repeat, // the client's own repeat will ask for the answer
    nobody_waits,      // the answer is of no use any more
    out_of_repeats,    // a repeat would be right, but enough were made
    out_of_time,       // a repeat would be right, but the budget does not reach
    forgotten_by_node, // the rid is too far behind: the node has dropped its answer
};

struct repeat_limits {
    unsigned repeats = 2;  // of a request that may have reached the node
    unsigned connects = 4; // of a request that was not sent at all
    std::chrono::milliseconds first_pause{
        250}; // before repeating after gateway_error; doubles each time
    std::chrono::milliseconds least_budget{100}; // less time left than this: no further repeat
};

struct repeat_question {
    node_failure failure = node_failure::not_sent;
    request_class request = request_class::with_sid;
    unsigned connects_repeated = 0; // repeats so far that followed not_sent
    unsigned sends_repeated = 0;    // repeats so far that followed any other failure
    // Until the client's own timer or the session's inactivity, whichever is first.
    std::chrono::milliseconds budget_left{0};
    // Whether the node still has to know the rid: it is among the last `requests` that were sent.
    // Of no meaning for page and session_request.
    bool rid_in_window = true;
};

struct repeat_decision {
    repeat_action action = repeat_action::fail;
    repeat_cause cause = repeat_cause::too_late;
    std::chrono::milliseconds pause{0}; // before the repeat; the caller may add jitter
    bool item_not_found_is_success =
        false; // of the repeat's answer: a terminate that got through before

    friend bool operator==(const repeat_decision&, const repeat_decision&) = default;
};

// decide_repeat answers the question. It decides a repeat only while it can be made: within the
// limits, with pause + least_budget inside the budget.
[[nodiscard]] repeat_decision decide_repeat(const repeat_question& question,
                                            const repeat_limits& limits) noexcept;

// As they are printed: "repeat_same_node", "rid_protects", "idle_closed", "with_sid".
[[nodiscard]] std::string_view name_of(repeat_action action) noexcept;
[[nodiscard]] std::string_view name_of(repeat_cause cause) noexcept;
[[nodiscard]] std::string_view name_of(node_failure failure) noexcept;
[[nodiscard]] std::string_view name_of(request_class request) noexcept;

} // namespace boshgate::routing
