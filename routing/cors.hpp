#pragma once
// The CORS decision (WHATWG Fetch, "CORS protocol"): which origin may read what, and the header fields that say so.
// Built once for each snapshot; judging an origin allocates nothing.

#include "conf/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace boshgate::routing {

enum class origin_kind : std::uint8_t {
    none,        // no Origin field: not a CORS request
    same_origin, // Origin names this very host: nothing to add, nothing to refuse
    allowed,     // listed
    refused,     // neither
};

// What was decided for one request. Small and trivially copyable: an exchange keeps it while a poll is held.
struct cors_verdict {
    origin_kind kind = origin_kind::none;
    std::uint16_t block = no_block; // index of the precomputed block of answer fields, when the origin is listed exactly

    static constexpr std::uint16_t no_block = 0xffff;
};

// What a preflight asks for.
struct preflight {
    std::string_view method;          // Access-Control-Request-Method
    std::string_view headers;         // Access-Control-Request-Headers, may be empty
    bool private_network = false;     // Access-Control-Request-Private-Network: true
};

class cors_policy {
  public:
    explicit cors_policy(const conf::cors& settings);

    // judge decides on an actual request or a preflight. `origin` is the Origin field (nullopt: there is none; more
    // than one Origin field is to be passed as an empty string, which is refused). `host` is the Host field and
    // `secure` tells whether the client used TLS (as far as we know): an Origin with this authority is same_origin
    // whatever its scheme, because a balancer in front may have ended TLS.
    [[nodiscard]] cors_verdict judge(std::optional<std::string_view> origin, std::string_view host) const noexcept;

    // answer_fields is the block for an actual answer, complete lines with CR LF: Access-Control-Allow-Origin,
    // -Allow-Credentials, -Expose-Headers as they apply, and Vary: Origin whenever the policy depends on the
    // origin, for every verdict. The answer is a view into the policy, except for an origin that was allowed by a
    // pattern: then `origin` must be given again and the block is written to `scratch`.
    [[nodiscard]] std::string_view answer_fields(cors_verdict verdict, std::string_view origin, std::string& scratch) const;

    // preflight_fields is the block for the 204 of an allowed preflight, or nullopt when the requested method or
    // a requested header is not allowed (then: 403 with answer_fields of a refused verdict). Methods offered:
    // GET, HEAD, POST.
    [[nodiscard]] std::optional<std::string> preflight_fields(cors_verdict verdict, std::string_view origin,
                                                              const preflight& asked) const;

    [[nodiscard]] bool enforce() const noexcept { return enforce_; }

  private:
    struct pattern {
        std::string scheme; // "https://"
        std::string suffix; // ".example.com" with port if any
    };

    std::unordered_map<std::string, std::uint16_t> exact_; // origin -> block
    std::vector<std::string> blocks_;                      // by index
    std::vector<pattern> patterns_;
    std::string refused_block_; // what refused, none and same_origin get: Vary or nothing
    std::string pattern_tail_;  // what follows Allow-Origin for origins allowed by pattern
    std::string preflight_tail_; // Allow-Methods, Allow-Headers, Max-Age
    std::vector<std::string> allowed_headers_; // lower case
    bool any_ = false;          // "*"
    bool credentials_ = false;
    bool private_network_ = false;
    bool enforce_ = true;
};

} // namespace boshgate::routing
