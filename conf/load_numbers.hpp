#pragma once
// Readers of numbers that have a row in a table of bounds.hpp: the unit and the range come from
// there.

#include "conf/bounds.hpp"
#include "conf/load_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace boshgate::conf {

// read_number returns the number that stands at a place, in its unit; nullopt (reported): there is
// none.
[[nodiscard]] std::optional<std::uint64_t> read_number(reader& in, const place& at,
                                                       bound_unit unit);

// out_of_range reports a value, and the range as print_range writes it.
void out_of_range(reader& in, const place& at, const std::string& range);

template <class Section>
void read_bounded(reader& in, const number_bound<Section>& bound, const place& at, Section& out) {
    const auto value = read_number(in, at, bound.unit);
    if (value && !bound.allows(*value)) {
        out_of_range(in, at, print_range(bound));
    } else if (value) {
        bound.set(out, *value);
    }
}

// read_by reads an entry by the row of its key, which must be in the table: for tables of keys that
// hold more than numbers.
template <const auto& Bounds, class Section>
void read_by(reader& in, const place& at, Section& out) {
    const auto row = std::find_if(Bounds.begin(), Bounds.end(),
                                  [&](const auto& bound) { return bound.key == at.key; });
    read_bounded(in, *row, at, out);
}

} // namespace boshgate::conf
