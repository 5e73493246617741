#pragma once
// Dates in header fields (RFC 9110 5.6.7).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {

// http_date prints IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT". Times outside of the years 0 to
// 9999 are moved to the nearest one inside: the form has four digits.
[[nodiscard]] std::string http_date(std::int64_t seconds_since_epoch);

// read_http_date reads IMF-fixdate and the two obsolete forms, RFC 850 and asctime. nullopt:
// anything else, and days that do not exist. The day's name must be one, but need not fit the date.
// Two-digit years are 1970 to 2069: the RFC's rule (at most 50 years ahead) would need a clock.
[[nodiscard]] std::optional<std::int64_t> read_http_date(std::string_view text) noexcept;

} // namespace boshgate::routing
