#pragma once
// What a node offers before a login: the SASL mechanisms in its stream features.

#include "routing/bosh_body.hpp"

#include <string>

namespace boshgate::routing {

// sasl_mechanisms lists what an answer offers by SASL (RFC 6120 6.3.3) and by SASL2 (XEP-0388 2.2),
// each name with the protocol in front ("1:PLAIN", "2:PLAIN"), in the order of the alphabet, none
// twice, a blank between two: equal lists are equal offers. Empty: it offers nothing, or the
// payload is not well-formed or exceeds the limits.
[[nodiscard]] std::string sasl_mechanisms(const body_tag& tag, const body_limits& limits);

} // namespace boshgate::routing
