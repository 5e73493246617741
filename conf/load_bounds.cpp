// Sections of the file that are read by the tables of bounds.hpp.

#include "conf/bounds.hpp"
#include "conf/load_keys.hpp"
#include "conf/load_numbers.hpp"
#include "conf/units.hpp"

namespace boshgate::conf {

namespace {

template <std::size_t N, class Bound>
constexpr std::array<std::string_view, N> names_of(const std::array<Bound, N>& bounds) {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) {
        names[i] = bounds[i].key;
    }
    return names;
}

// Calls read(bound, place) for each entry that has a bound; reports the others.
template <std::size_t N, class Bound, class Read>
void read_bounds(reader& in, const place& at, const std::array<Bound, N>& bounds, Read read) {
    const auto entries = in.entries(at, "a map of 'key: value'");
    if (!entries) {
        return;
    }
    const auto names = names_of(bounds);
    for (const place& entry : *entries) {
        const auto found = std::find(names.begin(), names.end(), entry.key);
        if (found == names.end()) {
            unknown_key(in, entry, names);
        } else {
            read(bounds[static_cast<std::size_t>(found - names.begin())], entry);
        }
    }
}

// `enabled` and the numbers are one table to the reader.
constexpr std::array<std::string_view, session_bounds.size() + 1> session_keys = [] {
    std::array<std::string_view, session_bounds.size() + 1> names{"enabled"};
    std::transform(session_bounds.begin(), session_bounds.end(), names.begin() + 1,
                   [](const session_bound& bound) { return bound.key; });
    return names;
}();

} // namespace

void out_of_range(reader& in, const place& at, const std::string& range) {
    in.report(at, {in_quotes(at.value.text) + " is out of range", range, {}});
}

std::optional<std::uint64_t> read_number(reader& in, const place& at, bound_unit unit) {
    switch (unit) {
    case bound_unit::bytes:
        return in.take(at, "a size such as 64KiB", parse_size);
    case bound_unit::duration: {
        const auto time = in.take(at, "a duration such as 30s", parse_duration);
        return time ? std::optional{static_cast<std::uint64_t>(time->count())} : std::nullopt;
    }
    case bound_unit::whole_seconds: {
        constexpr seconds none{-1};
        seconds time = none;
        in.read(at, time);
        return time == none ? std::nullopt
                            : std::optional{static_cast<std::uint64_t>(time.count())};
    }
    case bound_unit::count:
        break;
    }
    const auto count = in.take(at, "a plain whole number", parse_count);
    if (count && at.value.quoted) {
        in.report(at, {in_quotes(at.value.text) + " is a text, because of its quotes",
                       "a plain whole number", at.value.text});
        return std::nullopt;
    }
    return count;
}

void read_timeouts(reader& in, const place& at, config& out) {
    read_bounds(in, at, timeout_bounds, [&](const timeout_bound& bound, const place& entry) {
        const auto value = in.take(entry, "a duration such as 30s", parse_duration);
        if (!value) {
            return;
        }
        if (*value < bound.least || *value > bound.most) {
            out_of_range(in, entry,
                         print_duration(bound.least) + " to " + print_duration(bound.most));
            return;
        }
        out.timeouts.*bound.field = *value;
    });
}

void read_limits(reader& in, const place& at, config& out) {
    read_bounds(in, at, limit_bounds, [&](const limit_bound& bound, const place& entry) {
        read_bounded(in, bound, entry, out.limits);
    });
}

void read_sessions(reader& in, const place& at, config& out) {
    const auto entries = in.entries(at, "a map of 'key: value'");
    if (!entries) {
        return;
    }
    for (const place& entry : *entries) {
        const auto found = std::find(session_keys.begin(), session_keys.end(), entry.key);
        if (found == session_keys.end()) {
            unknown_key(in, entry, session_keys);
        } else if (found == session_keys.begin()) {
            in.read(entry, out.sessions.enabled);
        } else {
            read_bounded(
                in, session_bounds.at(static_cast<std::size_t>(found - session_keys.begin() - 1)),
                entry, out.sessions);
        }
    }
}

void list_bound_keys(std::vector<std::string>& out) {
    for (const timeout_bound& bound : timeout_bounds) {
        out.push_back("timeouts." + std::string{bound.key});
    }
    for (const limit_bound& bound : limit_bounds) {
        out.push_back("limits." + std::string{bound.key});
    }
    for (const std::string_view key : session_keys) {
        out.push_back("sessions." + std::string{key});
    }
}

} // namespace boshgate::conf
