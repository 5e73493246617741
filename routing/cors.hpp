#pragma once
// The CORS decision (WHATWG Fetch, "CORS protocol"): which origin may read what, and the header
// fields that say so. Built once for each snapshot, read by every core; judging an origin allocates
// nothing.
//
// Mistakes that this shape excludes: no origin is ever echoed that is not listed or inside a listed
// pattern, patterns are anchored at both ends with their dot and their port, "*" and "null" never
// come with credentials, and the same block of fields fits refusals and errors as well as good
// answers.

#include "conf/config.hpp"
#include "routing/http_head.hpp"
#include "routing/text_table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

enum class origin_kind : std::uint8_t {
    none,        // no Origin field: not a CORS request
    same_origin, // Origin names this very host: nothing to add, nothing to refuse
    allowed,     // listed
    refused,     // neither
};

// What was decided for one request. Small and trivially copyable: an exchange keeps it while a poll
// is held. It means something to the policy that made it only: keep the snapshot as long as the
// verdict.
struct cors_verdict {
    origin_kind kind = origin_kind::none;
    std::uint16_t block =
        no_block; // index of the precomputed block, when the origin is listed exactly

    static constexpr std::uint16_t no_block = 0xffff;
};

// What a preflight asks for.
struct preflight {
    std::string_view method;      // Access-Control-Request-Method
    std::string_view headers;     // Access-Control-Request-Headers, may be empty
    bool private_network = false; // Access-Control-Request-Private-Network: true
};

// Bounds. A longer origin is refused; a preflight that asks for more is not allowed.
inline constexpr std::size_t origin_bytes_max = 512; // twice the longest scheme, host name and port
inline constexpr std::size_t preflight_headers_bytes_max = 2048;
inline constexpr std::size_t preflight_headers_max = 64;
// More names in a node's Vary than this become "*", which asks more of caches, never less.
inline constexpr std::size_t vary_names_max = 32;

// origin_of returns the Origin field as cors_policy::judge wants it: nullopt when there is none, an
// empty string when there is more than one.
[[nodiscard]] std::optional<std::string_view> origin_of(const request_head& head) noexcept;

// origin_of_refused finds the Origin in the bytes of a head that was refused or is incomplete, so
// that a listed page can read the refusal. Only a whole line that begins with "Origin:" counts, and
// only when there is one of them; nullopt otherwise. It decides who may read an answer of ours,
// nothing else.
[[nodiscard]] std::optional<std::string_view> origin_of_refused(std::string_view head) noexcept;

// read_preflight returns what a CORS preflight asks for, or nullopt when the request is none: a
// preflight is OPTIONS with Origin and Access-Control-Request-Method; any other OPTIONS is a
// question about the server. Request-Headers fields that an intermediary split are joined in
// `scratch`, which must outlive the result.
[[nodiscard]] std::optional<preflight> read_preflight(const request_head& head,
                                                      std::string& scratch);

class cors_policy {
  public:
    // Origins are taken as browsers write them: letters are folded to lower case, a default port
    // and one final slash are dropped. "*" allows everybody, sandboxed pages ("null") too: browsers
    // read it so whatever we would decide. Entries that are no origin, and combinations that no
    // browser accepts ("*" or "null" with credentials), lose what is wrong with them here: the
    // loader has refused them before.
    explicit cors_policy(const conf::cors& settings);

    // judge decides on an actual request or a preflight. `origin` is the Origin field (see
    // origin_of). Listed origins and patterns are compared byte for byte: browsers send lower case
    // and no default port. `host` is the Host field and `secure` tells whether the client is known
    // to have used TLS: an Origin with this authority is same_origin; where TLS is not known its
    // scheme does not count, because a balancer in front may have ended TLS, but an http page is
    // never same_origin with a host that is known to be https.
    [[nodiscard]] cors_verdict judge(std::optional<std::string_view> origin, std::string_view host,
                                     bool secure = false) const noexcept;

    // answer_fields is the block for an actual answer, complete lines with CR LF:
    // Access-Control-Allow-Origin, -Allow-Credentials, -Expose-Headers as they apply, and Vary:
    // Origin whenever the policy depends on the origin, for every verdict; with "*" a constant
    // Allow-Origin: * and no Vary. The answer is a view into the policy, except for an origin that
    // was allowed by a pattern: then `origin` must be given again and the block is written to
    // `scratch`. An origin that is not the judged one gets no permission.
    [[nodiscard]] std::string_view answer_fields(cors_verdict verdict, std::string_view origin,
                                                 std::string& scratch) const;

    // preflight_fields is the block for the 204 of an allowed preflight, or nullopt when the
    // origin, the requested method or a requested header is not allowed (then: 403 with
    // answer_fields of a refused verdict). Methods offered: GET, HEAD, POST, compared with case. Of
    // the headers, those asked for are echoed; the CORS-safelisted ones are always allowed,
    // Authorization only if it is listed by name, even where "*" is.
    [[nodiscard]] std::optional<std::string>
    preflight_fields(cors_verdict verdict, std::string_view origin, const preflight& asked) const;

    [[nodiscard]] bool enforce() const noexcept { return enforce_; }

  private:
    void add_origin(std::string_view entry);
    [[nodiscard]] bool matches_pattern(std::string_view origin) const noexcept;
    [[nodiscard]] bool header_allowed(std::string_view lower_case_name) const noexcept;
    [[nodiscard]] std::string allow_lines(std::string_view origin) const;
    [[nodiscard]] std::optional<std::string> allow_headers(std::string_view asked) const;

    text_table exact_;                  // origin -> block
    std::vector<std::string> blocks_;   // by index
    std::vector<std::string> origins_;  // by index of their block
    std::vector<std::string> patterns_; // what follows the "*": ".example.com:8443"
    std::string
        common_block_; // every answer without a permission of its own: Vary, or "*", or nothing
    std::string pattern_tail_;   // what follows Allow-Origin for origins allowed by pattern
    std::string preflight_tail_; // what is the same in all preflight answers: Max-Age and Vary
    std::vector<std::string> allowed_headers_; // lower case, sorted
    bool any_ = false;                         // "*"
    bool any_header_ = false;                  // "*" among allow_headers
    bool credentials_ = false;
    bool private_network_ = false;
    bool enforce_ = true;
};

// merge_vary returns `block` (from answer_fields, or empty) with the names of a node's own Vary
// fields added to its Vary line: one line, no name twice, "*" alone if it is among them (RFC
// 9110 12.5.5). The node's own Vary lines must not be written besides. Values that are no lists of
// names count as "*".
[[nodiscard]] std::string merge_vary(std::span<const std::string_view> node_values,
                                     std::string_view block);

} // namespace boshgate::routing
