#pragma once
// What a node's answer means when it is not the plain 200 with a <body/> that XEP-0124 promises.
// Servers answer unknown sessions, bad requests and their own trouble with HTTP codes, with pages
// or with nothing at all; a box in between adds its own. A client must see none of that: HTML in a
// 200 loses it a rid, a 4xx ends a session, an empty answer is taken for one.

#include "routing/binding_condition.hpp"
#include "routing/body_error.hpp"
#include "routing/repeat_rules.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

// What was asked, as far as the meaning of an odd answer depends on it.
enum class asked_for : std::uint8_t {
    session,     // no sid
    in_session,  // with a sid
    termination, // a terminate, or anything still open in a session that was sent one
};

// An answer as far as it was read.
struct node_answer {
    int status = 200;              // final: 200 to 599
    std::string_view content_type; // value of the field; empty: none
    std::string_view begin;        // the first bytes of the body; empty: there is no body
    // What read_body_tag or check_body said of the body; of no meaning when begin is empty.
    body_error body = body_error::none;
};

enum class answer_action : std::uint8_t {
    pass,      // the node's body goes to the client, with 200
    terminate, // 200 with terminate_body(condition); or, for clients without `ver`, `status`
    repeat,    // the link failed: ask decide_repeat with `failure`; when it says fail, answer
               // `status`
    fail,      // the node failed, and a repeat there would not help; another node may do
};

// How an answer was understood, for the log.
enum class answer_meaning : std::uint8_t {
    bosh,              // a <body/> in a 200
    bosh_other_status, // a <body/>, though the status says something else: clients would not read
                       // it
    unknown_session,   // 404
    bad_request,       // 400
    refused,           // 403, 413
    crashed,           // 500 without a body
    ended,             // empty after a terminate
    redirect,          // 3xx: its target would take the client around the proxy
    wrong_path,        // 404 for a session request: URL or Host are not the node's
    box_in_between,    // 408, 502, 503, 504
    too_many_requests, // 429
    unexpected_status, // any other
    empty,             // no body
    html,              // a page
    not_bosh,          // anything else
};
inline constexpr std::size_t answer_meaning_count = 15;

struct answer_translation {
    answer_action action = answer_action::pass;
    answer_meaning meaning = answer_meaning::bosh;
    // Of terminate.
    binding_condition condition = binding_condition::internal_server_error;
    // Of terminate for clients without `ver` (200: they get the terminate); of repeat and fail.
    std::uint16_t status = 200;
    // Of repeat and fail: what decide_repeat is asked with.
    node_failure failure = node_failure::server_error;
    // Of pass: the node's Content-Type is not right for a <body/>; send terminate_content_type.
    bool retype = false;

    friend bool operator==(const answer_translation&, const answer_translation&) = default;
};

// translate_answer says what to do with an answer to a POST of a <body/>.
[[nodiscard]] answer_translation translate_answer(const node_answer& answer,
                                                  asked_for what) noexcept;

// As they are printed: "pass", "unknown_session"; and in words for the log.
[[nodiscard]] std::string_view name_of(answer_action action) noexcept;
[[nodiscard]] std::string_view name_of(answer_meaning meaning) noexcept;
[[nodiscard]] std::string_view words_of(answer_meaning meaning) noexcept;

} // namespace boshgate::routing
