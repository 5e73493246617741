#include "proxy/recent_counts.hpp"

namespace boshgate::proxy {

void recent_counts::read(std::size_t which, std::uint64_t value, std::int64_t now_ms) {
    one& of = all_.at(which);
    if (value <= of.value) {
        return;
    }
    const std::int64_t number = now_ms / minute_ms;
    minute& now = of.ring[static_cast<std::size_t>(number) % minutes];
    if (now.number != number) {
        now = {.number = number, .count = 0};
    }
    now.count += value - of.value;
    of.value = value;
    of.last_ms = now_ms;
}

std::uint64_t recent_counts::lately(std::size_t which, std::int64_t now_ms) const {
    const std::int64_t number = now_ms / minute_ms;
    std::uint64_t sum = 0;
    for (const minute& each : all_.at(which).ring) {
        if (each.number >= 0 && each.number + static_cast<std::int64_t>(minutes) > number) {
            sum += each.count;
        }
    }
    return sum;
}

} // namespace boshgate::proxy
