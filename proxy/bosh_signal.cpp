#include "proxy/bosh_signal.hpp"

#include "proxy/core.hpp"
#include "proxy/exchange.hpp"

namespace boshgate::proxy {

using discovery::situation;
using routing::reason;

namespace {

situation of_session_request(reason why, bool dead) noexcept {
    switch (why) {
    case reason::node_bad_answer:
    case reason::node_head_limit:
    case reason::node_redirect:
    case reason::node_not_bosh:
        return situation::session_request_bad_answer;
    case reason::node_dead:
    case reason::node_drained:
    case reason::node_disabled:
    case reason::node_answer_timeout:
    case reason::node_unresolved:
    case reason::node_certificate:
        return situation::session_request_node_dead;
    case reason::sessions:
    case reason::address_sessions:
    case reason::address_unauthenticated:
    case reason::address_questions:
    case reason::node_links:
    case reason::descriptors:
        return situation::session_request_limit;
    case reason::draining:
        return situation::session_request_draining;
    case reason::steered_away:
        return situation::session_request_steered_away;
    case reason::no_node:
    case reason::node_removed:
        return situation::session_request_no_node;
    default:
        return dead ? situation::session_request_node_dead : situation::session_request_failed;
    }
}

situation in_session(reason why, bool dead) noexcept {
    switch (why) {
    case reason::node_bad_answer:
    case reason::node_head_limit:
    case reason::node_redirect:
    case reason::node_not_bosh:
        return situation::session_bad_answer;
    case reason::node_dead:
    case reason::node_disabled:
    case reason::node_unresolved:
        return situation::session_node_dead;
    case reason::no_node: // a login ends, of a user who was named in the session
        return situation::session_request_no_node;
    case reason::node_answer_timeout:
        return situation::session_overdue;
    case reason::rid_old:
    case reason::rid_window:
    case reason::rid_key:
        return situation::session_bad_rid;
    case reason::rid_gap:
        return situation::session_rid_gap;
    case reason::too_many_requests:
    case reason::too_many_copies:
    case reason::request_rate:
    case reason::unauthenticated:
        return situation::session_overactive;
    case reason::not_secure:
        return situation::session_not_secure;
    case reason::draining:
        return situation::session_draining;
    case reason::steered_away:
        return situation::session_steered_away;
    case reason::unknown_sid:
        return situation::session_unknown;
    case reason::node_removed:
        return situation::session_node_removed;
    default:
        return dead ? situation::session_node_dead : situation::session_exchange_failed;
    }
}

} // namespace

discovery::failure_signal signal_of(const exchange& x, reason why, bool reused) noexcept {
    const bool dead = x.home->shared.nodes.death_of(x.node) != node_death::none;
    const situation what = x.opens_session ? of_session_request(why, dead) : in_session(why, dead);
    return discovery::signal_for(what, x.facts.client,
                                 x.tagged ? discovery::endpoint_kind::discovery
                                          : discovery::endpoint_kind::node_path,
                                 reused);
}

} // namespace boshgate::proxy
