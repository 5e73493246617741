#pragma once
// Durations, sizes and counts as an operator writes them: "30s", "64KiB", "100". Strict on purpose:
// one spelling for each value, no sign, no blank, no fraction, no leading zero; a duration or size
// without its unit is refused, because "idle: 75" means seconds to one product and milliseconds to
// the next.

#include "conf/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace boshgate::conf {

// parse_duration reads a number with the unit ms, s, m or h: "250ms", "30s", "2m", "1h".
[[nodiscard]] result<std::chrono::milliseconds> parse_duration(std::string_view text);

// parse_size reads a number of bytes with the unit B, KiB, MiB or GiB (powers of 1024).
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

// parse_count reads a plain decimal number without a unit.
[[nodiscard]] result<std::uint64_t> parse_count(std::string_view text);

// The shortest spelling that the readers above take back: 90000 ms -> "90s", 65536 -> "64KiB".
[[nodiscard]] std::string print_duration(std::chrono::milliseconds duration);
[[nodiscard]] std::string print_size(std::uint64_t bytes);

} // namespace boshgate::conf
