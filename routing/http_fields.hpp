#pragma once
// The field lines of a head, the same for requests and answers, and what those fields that frame
// the message mean. The rules are in http_head.hpp; only the head readers include this.

#include "routing/http_bytes.hpp"
#include "routing/http_head.hpp"

namespace boshgate::routing {

enum class head_kind : std::uint8_t { request, answer };

// What the field lines said about the message as a whole.
struct field_facts {
    head_kind kind = head_kind::request;
    bool length = false;     // there is a Content-Length; its value is in the head
    bool coded = false;      // there is a Transfer-Encoding: chunked
    bool close = false;      // Connection lists close
    bool keep_alive = false; // Connection lists keep-alive
    bool expect = false;     // Expect: 100-continue, in HTTP/1.1
};

// read_fields reads field lines up to and including the empty line that ends the head, into `out`,
// whose minor_version must be set. Faults of a byte refuse at that byte, faults of meaning at the
// end of the line.
[[nodiscard]] bytes::outcome read_fields(bytes::cursor& in, std::size_t limit, message_head& out,
                                         field_facts& facts) noexcept;

// valid_authority tells whether this is uri-host [ ":" port ] as the proxy takes it: see
// read_request_head.
[[nodiscard]] bool valid_authority(std::string_view authority) noexcept;

} // namespace boshgate::routing
