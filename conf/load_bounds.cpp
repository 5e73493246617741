// Sections of the file that are read by the tables of bounds.hpp.

#include "conf/bounds.hpp"
#include "conf/load_keys.hpp"
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

void out_of_range(reader& in, const place& at, const std::string& least, const std::string& most) {
    in.report(at, {in_quotes(at.value.text) + " is out of range", least + " to " + most, {}});
}

void read_limit(reader& in, const limit_bound& bound, const place& at, limits& out) {
    const bool bytes = bound.unit == limit_unit::bytes;
    const auto value = bytes ? in.take(at, "a size such as 64KiB", parse_size)
                             : in.take(at, "a plain whole number", parse_count);
    if (!value) {
        return;
    }
    if (!bytes && at.value.quoted) {
        in.report(at, {in_quotes(at.value.text) + " is a text, because of its quotes",
                       "a plain whole number", at.value.text});
    } else if (*value < bound.least || *value > bound.most) {
        const auto print = [bytes](std::uint64_t n) {
            return bytes ? print_size(n) : std::to_string(n);
        };
        out_of_range(in, at, print(bound.least), print(bound.most));
    } else {
        bound.set(out, *value);
    }
}

} // namespace

void read_timeouts(reader& in, const place& at, config& out) {
    read_bounds(in, at, timeout_bounds, [&](const timeout_bound& bound, const place& entry) {
        const auto value = in.take(entry, "a duration such as 30s", parse_duration);
        if (!value) {
            return;
        }
        if (*value < bound.least || *value > bound.most) {
            out_of_range(in, entry, print_duration(bound.least), print_duration(bound.most));
            return;
        }
        out.timeouts.*bound.field = *value;
    });
}

void read_limits(reader& in, const place& at, config& out) {
    read_bounds(in, at, limit_bounds, [&](const limit_bound& bound, const place& entry) {
        read_limit(in, bound, entry, out.limits);
    });
}

void list_bound_keys(std::vector<std::string>& out) {
    for (const timeout_bound& bound : timeout_bounds) {
        out.push_back("timeouts." + std::string{bound.key});
    }
    for (const limit_bound& bound : limit_bounds) {
        out.push_back("limits." + std::string{bound.key});
    }
}

} // namespace boshgate::conf
