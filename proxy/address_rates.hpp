#pragma once
// How often an address may do what costs others something: so many times a minute in the mean, as
// many at once. Any core. For what is rare beside a request: it takes a lock.

#include "proxy/address_counts.hpp"
#include "routing/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace boshgate::proxy {

class address_rates {
  public:
    // Addresses that are remembered; one that has its whole allowance again is not. When so many
    // are short of it at once, all others share one allowance.
    explicit address_rates(std::size_t addresses_max = 100'000) : addresses_max_(addresses_max) {}

    // take: one more; false: the address has used up its `per_minute` (0: no limit). `now_ms`: of
    // any steady clock.
    [[nodiscard]] bool take(const routing::ip_address& address, std::uint32_t per_minute,
                            std::uint64_t now_ms);
    [[nodiscard]] std::size_t size() const;

  private:
    struct allowance {
        std::uint64_t spent = 0; // in thousandths of a minute's, at `at_ms`; it wears off by time
        std::uint64_t at_ms = 0;
    };
    [[nodiscard]] static std::uint64_t spent_at(const allowance& one, std::uint32_t per_minute,
                                                std::uint64_t now_ms) noexcept;

    std::size_t addresses_max_;
    mutable std::mutex mutex_;
    // Guarded:
    std::unordered_map<routing::ip_address, allowance, address_hash> by_address_;
    allowance others_;
    std::uint64_t swept_ms_ = 0;
};

} // namespace boshgate::proxy
