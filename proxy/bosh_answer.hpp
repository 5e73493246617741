#pragma once
// Answers to requests with a <body/>: what they say about their session, and what of them a client
// may see. bosh_answer.cpp has exchange_take_bosh_answer of exchange.hpp.

#include "routing/http_head.hpp"

namespace boshgate::proxy {

// make_bosh_answer makes the head of an answer with a <body/> that is not the node's own in all:
// kept, translated, or ours (XEP-0124 7.1: 200, text/xml).
void make_bosh_answer(routing::answer_head& head);

} // namespace boshgate::proxy
