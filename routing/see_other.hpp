#pragma once
// A node's see-other-uri (XEP-0124 17.2): the client is to go on at another URL, which is the
// node's view of the world and takes the client around the proxy. CAXL follows it, with the same
// sid; over http it refuses what is neither its own host nor below it. So the URL is replaced by
// the proxied one of the node that it leads to:
//
//     find_see_other -> see_other_target -> body_edits::replace_text
//
// Where it leads to no node, or the answer is for the discovery endpoint (there the sid carries its
// node, and cannot move), the client gets session_steered_away or session_request_steered_away of
// discovery/failure_signal instead. Rare, so these may allocate.

#include "routing/bosh_body.hpp"
#include "routing/route_table.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {

// Where the URL stands. Right after it was found; the document must stay where it is.
struct see_other {
    byte_range range;         // of the content of <uri/>
    std::string_view written; // without white space around it
    bool coded = false;       // references in it: decode with xml::decode_value
};

// find_see_other finds the <uri/> of a terminate with the condition see-other-uri. nullopt: the
// answer is none, or its <uri/> is missing, empty, or more than text; or its payload is refused.
[[nodiscard]] std::optional<see_other> find_see_other(const body_tag& tag,
                                                      const body_limits& limits) noexcept;

// find_see_other_host finds the text of the stream error see-other-host (RFC 6120 4.9.3.19) in a
// terminate: a host, and perhaps a port, without white space around it, as it was written. nullopt:
// it is none, or its payload is refused.
[[nodiscard]] std::optional<std::string_view>
find_see_other_host(const body_tag& tag, const body_limits& limits) noexcept;

// node_of_url finds the node that a URL leads to: host, alias or address with the port as in the
// routes, and the same path as the node's own. The scheme does not matter, one port speaks one.
// Host letters in any case. nullopt: no node of this configuration.
[[nodiscard]] std::optional<node_index>
node_of_url(std::string_view url, const conf::config& config, const route_table& routes);

// see_other_target is what a client gets to see instead of such a URL: the public URL of the node,
// `base` ("https://chat.example.com": scheme and authority that the client used, no slash) with
// prefix and name. Absolute, because CAXL compares scheme and host with its own page's, and follows
// nothing that has none. nullopt: the URL leads to no node.
[[nodiscard]] std::optional<std::string> see_other_target(const see_other& found,
                                                          std::string_view base,
                                                          const conf::config& config,
                                                          const route_table& routes);

} // namespace boshgate::routing
