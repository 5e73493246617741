#pragma once
// Which library a client is, as far as its reaction to failures depends on it. Told by the session
// request, then kept with the session.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {
class body_tag;
}

namespace boshgate::discovery {

enum class client_kind : std::uint8_t {
    unknown,        // none of the below, or the session request was not seen
    legacy,         // no `ver`: XEP-0124 17.2 demands HTTP codes for three of the conditions
    caxl,           // CAXL; whether it does its own discovery is not known (yet)
    caxl_discovery, // CAXL that was seen to go where the hostnames point
    caxl_thin,      // CAXL that was seen not to: flag off, or the minimal library. The two are the
                    // same on the wire, and react alike
    strophe,
    converse, // Strophe below, with rules of its own on when to reconnect
    stanza,
};
inline constexpr std::size_t client_kind_count = 8;

// recognise_client reads a session request. `tag`: its start tag; `content_type`: the value of that
// header field, empty when there is none. It goes by which attributes are there and what is in
// them: their order changes when a browser serialises a repeat, and User-Agent is the browser's.
// A library that looks like one of these is treated like it.
//
// It never returns caxl_discovery or caxl_thin: the flag is not in the request. See with_evidence.
[[nodiscard]] client_kind recognise_client(const routing::body_tag& tag,
                                           std::string_view content_type) noexcept;

// What a session, or the user's session before it, has shown about CAXL's own discovery.
enum class discovery_evidence : std::uint8_t {
    none,
    // After features whose hostnames lead elsewhere the client ended the session, and the same
    // `from` opened one at one of them.
    followed,
    // After such features it went on to authenticate where it was.
    ignored,
};

// with_evidence makes caxl caxl_discovery or caxl_thin; every other kind stays.
[[nodiscard]] client_kind with_evidence(client_kind kind, discovery_evidence seen) noexcept;

// As it is printed: "caxl_thin".
[[nodiscard]] std::string_view name_of(client_kind who) noexcept;

} // namespace boshgate::discovery
