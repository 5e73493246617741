#pragma once
// Whom a session request is for, before anybody has logged in. Nothing here is proof: it chooses a
// node and a cached answer, and opens no door.
//
// Four places are looked at, in this order, and the first one that names a user decides, whatever
// the others say; a place that names none, or nobody well-formed, is passed over:
//
//   from    of the <body/> (XEP-0206 4): the client's library says so
//   path    behind the endpoint, /httpbinding/alice@example.com: the page says so
//   query   ?jid=alice@example.com
//   field   a header field of a name that the operator chose: a proxy in front says so
//
// Once for each session, so these may allocate.

#include "routing/bare_jid.hpp"
#include "routing/bosh_body.hpp"
#include "routing/http_head.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace boshgate::routing {

enum class user_hint : std::uint8_t { from, path, query, field };

[[nodiscard]] std::string_view name_of(user_hint which) noexcept;

struct named_user {
    bare_jid user;
    user_hint by;
    friend bool operator==(const named_user&, const named_user&) = default;
};

// Where to look besides the body and the query.
struct hint_places {
    std::string_view segment; // of the path, as route_table::find_discovery returns it
    // Name of the header field, in any letter case; empty: none. Whether the peer may send it is
    // the caller's to judge.
    std::string_view field;
};

// user_in_query reads the parameter `jid` of a query, as user_named_by does.
[[nodiscard]] std::optional<bare_jid> user_in_query(std::string_view query);

// user_named_by reads a session request. Values are decoded as their place has it: references in
// `from`, percent-encoding in path and query, where '+' is itself: no address has a blank, and many
// have a plus. Of several `jid` parameters the first counts; a header field that stands twice names
// nobody.
[[nodiscard]] std::optional<named_user>
user_named_by(const body_tag& body, const request_head& head, const hint_places& places);

} // namespace boshgate::routing
