#pragma once
// A session whose user is only known from its first SASL message moves to the user's node then,
// and nobody notices: a session is opened there with the rid just below, in the words of the
// client's own session request; the message is passed on to it; the first session is ended. The
// client goes on under the sid that it was given, which the session remembers (session::place).
//
// It stays where it is when anything speaks against a move: the user has no node, or is there
// already; something else of it is under way; the two nodes offer different mechanisms, or the new
// one takes fewer requests at once than the client was told; nobody knows the user's nodes in time,
// or limits of ours keep them from being asked. Where they are known and none is up it ends: its
// client is told so, as one is that named its user before.

#include "routing/bosh_body.hpp"
#include "routing/http_head.hpp"
#include "routing/route_table.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct exchange;

// How a session that can move began.
struct session_origin {
    std::string request;    // the body of the session request, as nodes get it
    std::string domain;     // its `to`
    std::string mechanisms; // that the node offered: sasl_mechanisms()
};

// Where a session that has moved is.
struct session_place {
    routing::node_index node = 0;
    std::string sid;   // the node's own
    std::string shown; // that its client uses
};

// What a request that may move its session waits with.
struct session_move;
struct session_move_end {
    void operator()(session_move* one) const noexcept;
};
using session_move_ptr = std::unique_ptr<session_move, session_move_end>;

// origin_of keeps what a session request has to be kept for; `tag`: of it, `body`: as nodes get it.
// nullptr: its session cannot move (keys, XEP-0124 15, go through one connection manager only).
[[nodiscard]] std::unique_ptr<session_origin> origin_of(const routing::body_tag& tag,
                                                        std::string_view body);

// prepare_move looks whether a request of the discovery endpoint, with its tag in core::tag and its
// head in core::request, is the one that its session may move with; x.move is set then, and when
// the request is admitted the session has had its try. `sid`: the raw one; `shown`: the one that
// the client uses.
void prepare_move(exchange& x, std::string_view sid, std::string_view shown);

// start_move begins, for the leader of a session whose turn has come, and sends x in the end.
void start_move(exchange& x);

// follow_move makes a request, prepared for where its session was when it came, one for where that
// is now: it may have waited for its turn while its session moved. False: it cannot follow, for its
// session went to a node that was not there when it came (a reload); its client's next copy can.
[[nodiscard]] bool follow_move(exchange& x);

} // namespace boshgate::proxy
