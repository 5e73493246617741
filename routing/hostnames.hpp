#pragma once
// The host names that a node hands out among its SASL mechanisms: a user's home and backup node, as
// servers of the early XEP-0233 drafts send them. Here is only where they stand; what they mean,
// and what a client gets to see instead, is decided elsewhere, and body_edits::replace_text writes
// it.

#include "routing/bosh_body.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace boshgate::routing {

// A <hostname> among the SASL mechanisms (XEP-0233 as far as clients read it).
struct hostname_text {
    byte_range range;           // of the element's content
    std::string_view written;   // the content without white space around it
    bool coded = false;         // references in it: decode with xml::decode_value
    bool for_mechanism = false; // it has a `mechanism` attribute: not about nodes (XEP-0233 0.2)
};

// find_hostnames finds the `hostname` children, of any namespace, of `mechanisms` of
// urn:ietf:params:xml:ns:xmpp-sasl, in their order, up to out.size(). One that is empty, or
// contains elements or CDATA sections, is left out. The payload is checked as check_payload does;
// count is 0 where it is refused.
struct hostnames_found {
    body_error why = body_error::none;
    std::size_t count = 0;
};
[[nodiscard]] hostnames_found find_hostnames(const body_tag& tag, const body_limits& limits,
                                             std::span<hostname_text> out) noexcept;

} // namespace boshgate::routing
