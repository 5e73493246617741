#pragma once
// Answers to requests with a <body/>: what they say about their session, and what of them a client
// may see. bosh_answer.cpp has exchange_take_bosh_answer of exchange.hpp.

#include "proxy/session.hpp"
#include "proxy/snapshot.hpp"
#include "routing/bosh_body.hpp"
#include "routing/http_head.hpp"
#include "routing/ip_address.hpp"
#include "routing/route_table.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace boshgate::proxy {

struct core;
struct exchange;

// make_bosh_answer makes the head of an answer with a <body/> that is not the node's own in all:
// kept, translated, or ours (XEP-0124 7.1: 200, text/xml).
void make_bosh_answer(routing::answer_head& head);

// What the proxy needs to end a session that nobody knows of, or will ever use.
struct session_to_end {
    routing::node_index node = 0;
    std::string_view sid;       // as the node wrote it, without '
    std::uint64_t rid = 0;      // the next one
    routing::ip_address client; // on whose behalf it was opened
    bool secure = false;
};
// exchange_end_session sends a terminate, and does not wait for what comes of it.
void exchange_end_session(core& home, const std::shared_ptr<const snapshot>& settings,
                          const session_to_end& what);

// read_granted puts into `facts` what a node grants with its answer to a session request: wait,
// inactivity, requests (XEP-0124 7.2).
void read_granted(const routing::body_tag& tag, session_facts& facts) noexcept;

// exchange_deliver_session gives the client of the discovery endpoint the session that was opened
// for it at x.node. `answer`: the node's to the session request; `features`: its answer to the next
// rid, where it was asked for that as well; else empty.
void exchange_deliver_session(exchange& x, std::string_view answer, std::string_view features);

} // namespace boshgate::proxy
