#pragma once
// What the pure code knows of an HTTP/1 message head: views into the bytes it was read from, nothing owned.
//
// The reader is strict by construction: whatever two HTTP implementations could understand differently is
// refused (RFC 9112; smuggling classes CL.TE, TE.TE, CL.0, obs-fold, bare LF ...). It decides the framing of
// the body once, for everybody after it.

#include "routing/reason.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boshgate::routing {

// Fields that the proxy itself acts on, or drops, get a name; all others are `other`.
enum class field_id : std::uint8_t {
    other,
    accept_encoding,
    access_control, // any Access-Control-* of an answer
    access_control_request_headers,
    access_control_request_method,
    access_control_request_private_network,
    connection,
    content_encoding,
    content_length,
    content_type,
    date,
    expect,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    location,
    origin,
    proxy_connection, // and Proxy-Authenticate, Proxy-Authorization: hop-by-hop
    range,
    server,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    vary,
    x_forwarded_for,
    x_forwarded_proto,
    forwarded, // and X-Real-IP, X-Forwarded-Host, -Port, -Server: never believed, never passed on
};

struct field {
    field_id id = field_id::other;
    std::string_view name;  // as sent; compare case-insensitively
    std::string_view value; // without leading and trailing blanks
};

enum class method : std::uint8_t { get, head, post, options, other };

// How the end of the body is found.
enum class framing : std::uint8_t {
    none,        // no body
    length,      // Content-Length
    chunked,     // Transfer-Encoding: chunked
    until_close, // answers only: the link's end is the body's end
};

// A compile-time ceiling for conf::limits::fields and answer_fields.
inline constexpr std::size_t fields_ceiling = 256;

struct message_head {
    std::array<field, fields_ceiling> field_store;
    std::size_t field_count = 0;
    framing body = framing::none;
    std::uint64_t content_length = 0; // when body == framing::length
    int minor_version = 1;            // HTTP/1.0 or HTTP/1.1
    bool keep_alive = true;           // from version and Connection; the message allows another one after it

    [[nodiscard]] std::span<const field> fields() const noexcept { return {field_store.data(), field_count}; }
    // find returns the first field with this id, or nullptr. field_id::other is not a legal argument.
    [[nodiscard]] const field* find(field_id id) const noexcept;
};

struct request_head : message_head {
    routing::method verb = method::other;
    std::string_view verb_text;   // as sent
    std::string_view target;      // as sent
    std::string_view path;        // origin-form path, of an absolute-form target too; without query; never empty
    std::string_view query;       // after '?', may be empty
    std::string_view host;        // value of Host; empty only in HTTP/1.0
    bool expect_continue = false; // Expect: 100-continue
};

struct answer_head : message_head {
    int status = 0; // 100 ... 599
};

struct head_limits {
    std::size_t bytes = 16 * 1024; // request line and fields with their line ends
    std::size_t target = 8 * 1024;
    std::size_t fields = 100; // at most fields_ceiling
};

enum class read_state : std::uint8_t {
    complete, // `consumed` bytes were the head
    partial,  // more bytes are needed
    refused,  // `why` says why; the connection cannot be used any more
};

struct read_result {
    read_state state = read_state::partial;
    std::size_t consumed = 0;
    reason why = reason::none;
};

// read_request_head reads one request head from the start of `bytes`. One pass, no allocation.
// Leading CR LF pairs before the request line are skipped (RFC 9112 2.2), at most four.
// A head that can be refused already is refused even if it is not complete yet.
// Refusals: the 400, 414 and 431 rows of reason.hpp, bad_expectation (417), coded_body is not its business.
// Views in `out` point into `bytes`. `out` is only meaningful when the state is complete.
[[nodiscard]] read_result read_request_head(std::string_view bytes, const head_limits& limits,
                                            request_head& out) noexcept;

// read_answer_head reads the head of a node's answer. `to_head` says that the request was HEAD (no body
// follows whatever the fields say); 1xx, 204 and 304 have no body either. Unlike requests, a node's answer may
// lack the blank and the reason phrase after the status ("HTTP/1.1 200"). Everything ambiguous is refused:
// why is node_bad_answer or node_head_limit.
[[nodiscard]] read_result read_answer_head(std::string_view bytes, const head_limits& limits, bool to_head,
                                           answer_head& out) noexcept;

// named_by_connection tells whether a Connection field of this message lists `name` (hop-by-hop, RFC 9110 7.6.1).
[[nodiscard]] bool named_by_connection(const message_head& head, std::string_view name) noexcept;

// equal_ignoring_case compares ASCII letters without case, other bytes exactly.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

} // namespace boshgate::routing
