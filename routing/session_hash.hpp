#pragma once
// A session as logs and metrics may name it. A sid, with a guess at the rid, is the session
// (XEP-0124 15.2), so it never appears outside of messages: what is printed is a keyed hash of it.
// With a key drawn at start nobody who reads the log can test guesses; with a configured key
// several instances log the same hash.
//
// The hash is SipHash-2-4 (Aumasson, Bernstein 2012): a pseudo-random function for short inputs, so
// it may also index tables whose keys clients choose.

#include <array>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

using session_hash_key = std::array<std::uint8_t, 16>;

// session_hash returns SipHash-2-4 of `sid` under `key`. Equal sids have equal hashes under one
// key.
[[nodiscard]] std::uint64_t session_hash(std::string_view sid,
                                         const session_hash_key& key) noexcept;

// The hash as it is printed: 16 lower-case hex digits, most significant first.
[[nodiscard]] std::array<char, 16> hex_of(std::uint64_t hash) noexcept;

} // namespace boshgate::routing
