#pragma once
// What an exchange shows about CAXL's own discovery: its session request, the hostnames in an
// answer before login, and what the client does then. caxl_memory keeps it. Sessions of other
// clients, and those that are logged in, cost one comparison.

#include <string_view>

namespace boshgate::proxy {

struct exchange;

// recognise_asker says which client sends a session request: core::tag and core::request have it.
// Sets the client and the user in x.facts.
void recognise_asker(exchange& x);

// note_hostnames looks for hostnames in a <body/> of the node, whose start tag is core::tag.
void note_hostnames(exchange& x, std::string_view body);

// note_step looks at a request of a session before login: does it end the session there, or log in?
// The request is core::tag, and x has been admitted.
void note_step(exchange& x);

} // namespace boshgate::proxy
