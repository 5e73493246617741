#include "proxy/address_rates.hpp"

#include <algorithm>

namespace boshgate::proxy {

namespace {

constexpr std::uint64_t minute_ms = 60'000;
constexpr std::uint64_t whole = 60'000; // one of them, in the unit of `spent`: one lasts
                                        // minute_ms / per_minute milliseconds
constexpr std::uint64_t sweep_pause_ms = 1'000;

} // namespace

// In the unit of `spent` a millisecond gives back per_minute.
std::uint64_t address_rates::spent_at(const allowance& one, std::uint32_t per_minute,
                                      std::uint64_t now_ms) noexcept {
    const std::uint64_t passed = now_ms > one.at_ms ? now_ms - one.at_ms : 0;
    const std::uint64_t given_back = std::min(passed, minute_ms) * per_minute;
    return one.spent > given_back ? one.spent - given_back : 0;
}

bool address_rates::take(const routing::ip_address& address, std::uint32_t per_minute,
                         std::uint64_t now_ms) {
    if (per_minute == 0) {
        return true;
    }
    const std::lock_guard lock(mutex_);
    auto found = by_address_.find(address);
    if (found == by_address_.end() && by_address_.size() >= addresses_max_ &&
        now_ms >= swept_ms_ + sweep_pause_ms) {
        swept_ms_ = now_ms;
        std::erase_if(by_address_, [&](const auto& one) {
            return spent_at(one.second, per_minute, now_ms) == 0;
        });
    }
    allowance* mine = &others_;
    if (found != by_address_.end()) {
        mine = &found->second;
    } else if (by_address_.size() < addresses_max_) {
        mine = &by_address_[address];
    }
    mine->spent = spent_at(*mine, per_minute, now_ms);
    mine->at_ms = now_ms;
    if (mine->spent + whole > std::uint64_t{per_minute} * whole) {
        return false;
    }
    mine->spent += whole;
    return true;
}

std::size_t address_rates::size() const {
    const std::lock_guard lock(mutex_);
    return by_address_.size();
}

} // namespace boshgate::proxy
