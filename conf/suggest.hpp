#pragma once
// "Did you mean": the known word that is nearest to what was written.

#include <span>
#include <string_view>

namespace boshgate::conf {

// edit_distance counts the insertions, deletions, replacements and swaps of neighbours that turn
// one word into the other, ignoring ASCII case. Words longer than 64 bytes are infinitely far
// (returns 64).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b) noexcept;

// closest returns the nearest of `known`: at most a third of the longer word may differ. Failing
// that, a known word that is part of this one or starts with it. An empty view: nothing is near.
[[nodiscard]] std::string_view closest(std::string_view word,
                                       std::span<const std::string_view> known) noexcept;

} // namespace boshgate::conf
