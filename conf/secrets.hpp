#pragma once
// Files of secrets: discovery.keys_file, which sign and verify the tags of sids, the same in every
// instance, and admin.token_file, whose holders may change something. One a line, 32 bytes in
// hexadecimal; what begins with # is a comment.
//
// Pure: takes the text. What is wrong is told by line; a secret, or a piece of one, is never
// repeated in a message.

#include "conf/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace boshgate::conf {

using secret = std::array<std::uint8_t, 32>;

// More than one is only needed while they are changed.
inline constexpr std::size_t secrets_most = 8;
inline constexpr std::size_t secrets_file_bytes_max = 64 * 1024;

struct secrets {
    std::vector<secret> all;   // in the order of the file: the first signs, all verify
    std::vector<fault> faults; // not empty: `all` must not be used
};

// parse_secret takes 64 hexadecimal digits, nothing else.
[[nodiscard]] std::optional<secret> parse_secret(std::string_view text) noexcept;

// read_secrets takes the whole file. Refused: lines of another length or with other characters, a
// secret that stands there twice, one that is a single byte over and over (somebody's placeholder),
// none at all, and more than secrets_most.
[[nodiscard]] secrets read_secrets(std::string_view text);

} // namespace boshgate::conf
