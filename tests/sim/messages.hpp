#pragma once
// What travels in a simulated world: a request is its rid and the numbers of its stanzas, an answer
// the numbers of its stanzas. Stanzas of the client and of the server are numbered apart, from 0.

#include <cstdint>
#include <vector>

namespace boshgate::sim {

using stanzas = std::vector<std::uint32_t>;

struct request {
    std::uint64_t rid = 0;
    stanzas payload;
};

struct answer {
    enum class kind : std::uint8_t {
        body,           // 200 with a normal body
        item_not_found, // terminate
        other_request,  // terminate
        internal_error, // terminate
        policy,         // terminate, policy-violation
        unavailable,    // HTTP 503
    };
    kind is = kind::body;
    stanzas payload;
    stanzas echoed; // stanzas of the request that come back (ejabberd)

    [[nodiscard]] bool terminates() const noexcept {
        return is != kind::body && is != kind::unavailable;
    }
};

} // namespace boshgate::sim
