#include "conf/units.hpp"

#include "conf/problem.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace boshgate::conf {

namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

// Ascending; the first one is the base.
constexpr std::array<unit, 4> duration_units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<unit, 4> size_units{
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

// What people write who come from elsewhere; only ever used for "did you mean".
struct spelling {
    std::string_view written;
    std::string_view unit_name;
    std::uint64_t times = 1;
};
constexpr std::array<spelling, 22> duration_spellings{{
    {"msec", "ms"},   {"millis", "ms"}, {"milliseconds", "ms"}, {"sec", "s"},  {"secs", "s"},
    {"second", "s"},  {"seconds", "s"}, {"min", "m"},           {"mins", "m"}, {"minute", "m"},
    {"minutes", "m"}, {"hr", "h"},      {"hrs", "h"},           {"hour", "h"}, {"hours", "h"},
    {"d", "h", 24},   {"day", "h", 24}, {"days", "h", 24},      {"MS", "ms"},  {"S", "s"},
    {"M", "m"},       {"H", "h"},
}};
constexpr std::array<spelling, 21> size_spellings{{
    {"b", "B"},    {"byte", "B"}, {"bytes", "B"}, {"k", "KiB"},   {"K", "KiB"}, {"kb", "KiB"},
    {"kB", "KiB"}, {"KB", "KiB"}, {"kib", "KiB"}, {"Kib", "KiB"}, {"m", "MiB"}, {"M", "MiB"},
    {"mb", "MiB"}, {"MB", "MiB"}, {"mib", "MiB"}, {"Mib", "MiB"}, {"g", "GiB"}, {"G", "GiB"},
    {"gb", "GiB"}, {"GB", "GiB"}, {"gib", "GiB"},
}};

constexpr std::string_view duration_wanted = "a duration such as 250ms, 30s, 2m or 1h";
constexpr std::string_view size_wanted = "a size such as 512B, 64KiB or 1MiB";
constexpr std::string_view count_wanted = "a plain whole number";

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

fault bad(std::string_view text, std::string_view why, std::string_view wanted,
          std::string hint = {}) {
    return {in_quotes(text) + ' ' + std::string{why}, std::string{wanted}, std::move(hint)};
}

// A number at the start of a text, and what follows it.
struct number {
    std::uint64_t value = 0;
    std::string_view rest;
};

result<number> leading_number(std::string_view text, std::string_view wanted) {
    if (text.empty()) {
        return bad(text, "is empty", wanted);
    }
    if (text.front() == '-') {
        return bad(text, "is negative", wanted);
    }
    if (!is_digit(text.front())) {
        return bad(text, "does not start with a digit", wanted);
    }
    number found;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), found.value);
    if (ec == std::errc::result_out_of_range) {
        return bad(text, "is too large", wanted);
    }
    found.rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (text.front() == '0' && found.value != 0) {
        return bad(text, "has a leading zero", wanted,
                   std::to_string(found.value) + std::string{found.rest});
    }
    if (text.starts_with("00")) {
        return bad(text, "has a leading zero", wanted, '0' + std::string{found.rest});
    }
    return found;
}

std::optional<std::uint64_t> scaled(std::uint64_t value, std::uint64_t factor) noexcept {
    // Durations end up in signed 64-bit milliseconds; sizes that large make no sense either.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value > most / factor) {
        return std::nullopt;
    }
    return value * factor;
}

std::string print(std::uint64_t value, std::span<const unit> units) {
    const unit* best = &units.front();
    for (const unit& u : units) {
        if (value != 0 && value % u.factor == 0) {
            best = &u;
        }
    }
    return std::to_string(value / best->factor) + std::string{best->name};
}

// "1.5s" -> "1500ms", "0.5MiB" -> "512KiB"; nothing when the fraction is not a whole number of base
// units.
std::string without_fraction(const number& whole, std::span<const unit> units) {
    std::uint64_t fraction = 0, scale = 1;
    std::string_view rest = whole.rest.substr(1);
    while (!rest.empty() && is_digit(rest.front()) && scale < 1'000'000) {
        fraction = fraction * 10 + static_cast<std::uint64_t>(rest.front() - '0');
        scale *= 10;
        rest.remove_prefix(1);
    }
    for (const unit& u : units) {
        const auto base = scaled(whole.value, u.factor);
        if (rest == u.name && scale > 1 && base && fraction * u.factor % scale == 0) {
            return print(*base + fraction * u.factor / scale, units);
        }
    }
    return {};
}

std::string respelled(const number& read, std::span<const spelling> spellings) {
    std::string_view rest = read.rest;
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '_')) {
        rest.remove_prefix(1);
    }
    for (const spelling& s : spellings) {
        if (rest == s.written || rest == s.unit_name) {
            const auto value = scaled(read.value, s.times);
            return value ? std::to_string(*value) + std::string{s.unit_name} : std::string{};
        }
    }
    return {};
}

// "1h30m" -> "90m": a sum of known units, which other products take.
std::string summed(std::string_view text, std::span<const unit> units) {
    std::uint64_t sum = 0;
    while (!text.empty()) {
        const auto read = leading_number(text, {});
        if (!read) {
            return {};
        }
        std::size_t letters = 0;
        while (letters < read->rest.size() && !is_digit(read->rest[letters])) {
            ++letters;
        }
        std::optional<std::uint64_t> part;
        for (const unit& u : units) {
            if (read->rest.substr(0, letters) == u.name) {
                part = scaled(read->value, u.factor);
            }
        }
        if (!part || sum + *part < sum) {
            return {};
        }
        sum += *part;
        text = read->rest.substr(letters);
    }
    return print(sum, units);
}

struct measure {
    std::span<const unit> units;
    std::span<const spelling> spellings;
    std::string_view wanted;
    std::string_view bare_unit; // what a number without a unit most likely meant
};

result<std::uint64_t> parse_measure(std::string_view text, const measure& m) {
    const auto read = leading_number(text, m.wanted);
    if (!read) {
        return read.why();
    }
    for (const unit& u : m.units) {
        if (read->rest == u.name) {
            if (const auto value = scaled(read->value, u.factor)) {
                return *value;
            }
            return bad(text, "is too large", m.wanted);
        }
    }
    if (read->rest.empty()) {
        std::string hint = m.bare_unit == "B"
                               ? print(read->value, m.units)
                               : std::to_string(read->value) + std::string{m.bare_unit};
        return bad(text, "has no unit", m.wanted, std::move(hint));
    }
    if (read->rest.front() == '.') {
        return bad(text, "has a fraction", m.wanted, without_fraction(*read, m.units));
    }
    std::string hint = respelled(*read, m.spellings);
    if (hint.empty()) {
        hint = summed(text, m.units);
    }
    return bad(text, "has an unknown unit", m.wanted, std::move(hint));
}

} // namespace

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto read =
        parse_measure(text, {duration_units, duration_spellings, duration_wanted, "s"});
    if (!read) {
        return read.why();
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(*read)};
}

result<std::uint64_t> parse_size(std::string_view text) {
    return parse_measure(text, {size_units, size_spellings, size_wanted, "B"});
}

result<std::uint64_t> parse_count(std::string_view text) {
    const auto read = leading_number(text, count_wanted);
    if (!read) {
        return read.why();
    }
    if (!read->rest.empty()) {
        // "1_000", "1,000" and "1'000" are how people group digits.
        std::string digits;
        for (const char c : text) {
            if (is_digit(c)) {
                digits += c;
            } else if (c != '_' && c != ',' && c != '\'') {
                return bad(text, "is not a whole number", count_wanted);
            }
        }
        return bad(text, "is not a whole number", count_wanted, std::move(digits));
    }
    return read->value;
}

std::string print_duration(std::chrono::milliseconds duration) {
    if (duration == std::chrono::milliseconds::zero()) {
        return "0s";
    }
    if (duration < std::chrono::milliseconds::zero()) {
        return '-' + print_duration(-duration); // never read, but a check may have to name it
    }
    return print(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string print_size(std::uint64_t bytes) {
    return print(bytes, size_units);
}

} // namespace boshgate::conf
