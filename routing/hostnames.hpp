#pragma once
// The host names that a node hands out among its SASL mechanisms: a user's home and backup node, as
// servers of the early XEP-0233 drafts send them. Here is only where they stand; what they mean,
// and what a client gets to see instead, is decided in discovery/, and body_edits writes it.

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
    bool plain = false;         // nothing but text in it, and not only white space
    bool prefixed = false;      // its name: CAXL does not see such a one
    byte_range element;         // from its `<` to behind its last `>`
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

// find_hostname_elements finds every one of them, plain or not, up to out.size(), for whoever takes
// them away; `count` may be more than that. Of a self-closed one `range` is empty.
[[nodiscard]] hostnames_found find_hostname_elements(const body_tag& tag, const body_limits& limits,
                                                     std::span<hostname_text> out) noexcept;

} // namespace boshgate::routing
