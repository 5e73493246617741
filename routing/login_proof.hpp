#pragma once
// Whether a node's answer shows that the client is logged in. Only what the node itself says
// counts: what a client sends, a restart of the stream for instance, is a claim.

#include "routing/bosh_body.hpp"

namespace boshgate::routing {

// shows_login looks at the elements directly under the <body/> of a node's answer: a <success/> of
// SASL (RFC 6120 6.3.10) or SASL2 (XEP-0388 2.6), or a <message/> or <presence/> that is no error:
// XEP-0078 knows no success that could be told from other answers, but nobody gets stanzas of
// others before it. What stands deeper may be an echo of the client's own words. False too where
// the payload is not well-formed or exceeds the limits.
[[nodiscard]] bool shows_login(const body_tag& tag, const body_limits& limits) noexcept;

} // namespace boshgate::routing
