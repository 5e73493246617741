#include "conf/suggest.hpp"

#include <algorithm>
#include <array>

namespace boshgate::conf {

namespace {

constexpr std::size_t word_bytes_max = 64;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) noexcept {
    if (a.size() > word_bytes_max || b.size() > word_bytes_max) {
        return word_bytes_max;
    }
    using row = std::array<std::size_t, word_bytes_max + 1>;
    row before_last{}, last{}, now{};
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                                 lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) {
                now[j] = std::min(now[j], before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = now;
    }
    return last[b.size()];
}

std::string_view closest(std::string_view word, std::span<const std::string_view> known) noexcept {
    std::string_view best;
    std::size_t best_distance = word_bytes_max;
    for (const std::string_view candidate : known) {
        const std::size_t distance = edit_distance(word, candidate);
        const std::size_t allowed = std::max(word.size(), candidate.size()) / 3;
        if (distance <= allowed && distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    if (!best.empty()) {
        return best;
    }
    // "head_timeout" for head, "warn" for warning.
    for (const std::string_view candidate : known) {
        const bool holds = candidate.size() >= 3 && word.find(candidate) != std::string_view::npos;
        const bool starts = word.size() >= 3 && candidate.starts_with(word);
        if ((holds || starts) && candidate.size() > best.size()) {
            best = candidate;
        }
    }
    return best;
}

} // namespace boshgate::conf
