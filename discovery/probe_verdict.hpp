#pragma once
// What a node's answer to a question says about its health: the one with an invented sid, and the
// one for a session. The shapes of the servers' answers are routing/node_translation's; what a
// question finds out, and at which price, is in XEP-0124 17 and bosh.md 7.

#include "discovery/node_health.hpp"
#include "routing/bosh_body.hpp"
#include "routing/node_translation.hpp"

#include <cstdint>
#include <string_view>

namespace boshgate::discovery {

enum class probe_verdict : std::uint8_t {
    good,
    bad,
    // A 404 is how Openfire and Punjab say that they do not know a sid, and how any HTTP server
    // says that it knows nothing here. A POST without a body tells them apart: BOSH calls it a bad
    // request.
    ask_empty,
    // A session is open, and its features have not come: they do with the answer to the next rid.
    poll,
};

struct probe_finding {
    probe_verdict verdict = probe_verdict::bad;
    health_reason why = health_reason::none; // of bad

    friend bool operator==(const probe_finding&, const probe_finding&) = default;
};

// tells_of_trouble: the node ends the session, and names trouble of its own (XEP-0124 17.2).
[[nodiscard]] bool tells_of_trouble(const routing::body_tag& tag) noexcept;

// find_invented judges the answer to a body with an invented sid. `tag`: of its body, where that is
// a <body/>.
[[nodiscard]] probe_finding find_invented(const routing::node_answer& answer,
                                          const routing::body_tag& tag) noexcept;

// find_session judges the answer to a session request, or to the poll after it (`polled`), whose
// body is `answer.begin` and its tag `tag`. `wants_names`: a user was named, and the node knows
// which nodes users have, so it has to name one.
[[nodiscard]] probe_finding find_session(const routing::node_answer& answer,
                                         const routing::body_tag& tag, bool polled,
                                         bool wants_names) noexcept;

// find_empty judges the answer to a POST without a body, after ask_empty.
[[nodiscard]] probe_finding find_empty(const routing::node_answer& answer) noexcept;

} // namespace boshgate::discovery
