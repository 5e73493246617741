#pragma once
// Who is about to log in, told by the first message of SASL: `<auth/>` (RFC 6120 6.4.2) or
// `<authenticate/>` (XEP-0388 2.3) with a mechanism whose initial response begins with a user's
// name: PLAIN (RFC 4616) and SCRAM (RFC 5802 5). For clients that have named no user before. The
// name is not proved yet: it only chooses the node that is to prove it.
//
// Whatever is unusual names nobody, and the session stays where it is: another identity to act
// for, tokens and certificates, mechanisms where the node speaks first.
//
// Once for each session, so this may allocate. The response may hold a password: it is decoded to
// the stack and wiped.

#include "routing/bare_jid.hpp"
#include "routing/bosh_body.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace boshgate::routing {

enum class sasl_outcome : std::uint8_t {
    user,            // the user is known
    no_auth,         // nothing here begins SASL, or the payload is refused
    not_alone,       // something stands beside it in the same <body/>
    bad_mechanism,   // none, or not a mechanism's name (RFC 4422 3.1)
    other_mechanism, // its first message names nobody, or nobody we could tell
    no_response,     // no initial response, or an empty one ("=")
    too_long,        // the response has more than sasl_response_max characters
    bad_base64,      // or it is more than plain text
    bad_response,    // not what the mechanism says
    other_identity,  // the user wants to act as somebody else
    no_user,         // the name makes no address in this domain
};

[[nodiscard]] std::string_view name_of(sasl_outcome what) noexcept;

// Longest initial response that is looked at, in characters of base64.
inline constexpr std::size_t sasl_response_max = 4096;

struct sasl_start {
    sasl_outcome what = sasl_outcome::no_auth;
    std::string_view mechanism;   // in the document; empty: no_auth, not_alone, bad_mechanism
    std::optional<bare_jid> user; // of sasl_outcome::user
};

// sasl_user_of reads the body that begins SASL. domain: the one that the session was opened to
// (`to` of its session request), in which the user's name is meant; a name that brings a domain
// along must bring this one. An authorization identity must be the user's own address (RFC 6120
// 6.3.8).
[[nodiscard]] sasl_start sasl_user_of(const body_tag& tag, const body_limits& limits,
                                      std::string_view domain);

} // namespace boshgate::routing
