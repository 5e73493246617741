#pragma once
// Base64 as XMPP's SASL has it (RFC 4648 4, RFC 6120 13.9.1), read strictly: one text for each
// sequence of bytes.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace boshgate::routing {

// base64_decode writes what `text` stands for to `room` and returns its length. nullopt: `room` is
// smaller than 3 bytes for each 4 characters, the length is no multiple of 4, a character is not of
// the alphabet (line ends and blanks are not), padding is missing or stands elsewhere than at the
// end, or bits that stand for nothing are set (RFC 4648 3.5).
[[nodiscard]] std::optional<std::size_t> base64_decode(std::string_view text,
                                                       std::span<char> room) noexcept;

} // namespace boshgate::routing
