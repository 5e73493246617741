#pragma once
// Counts by client address, for the limits of connections and sessions. Any core.

#include "routing/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace boshgate::proxy {

struct address_hash {
    std::size_t operator()(const routing::ip_address& address) const noexcept;
};

class address_counts {
  public:
    // One more; false, and not counted, when the address has `limit` already (0: no limit).
    [[nodiscard]] bool enter(const routing::ip_address& address, std::uint32_t limit);
    void leave(const routing::ip_address& address);

  private:
    std::mutex mutex_;
    std::unordered_map<routing::ip_address, std::uint32_t, address_hash> counts_; // guarded
};

} // namespace boshgate::proxy
