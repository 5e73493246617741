#include "proxy/address_counts.hpp"

#include <array>
#include <cstring>

namespace boshgate::proxy {

std::size_t address_hash::operator()(const routing::ip_address& address) const noexcept {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), address.bytes.data(), sizeof words);
    return (words[0] ^ (words[1] * 0x9e3779b97f4a7c15U)) * 0xff51afd7ed558ccdU >> 7U;
}

bool address_counts::enter(const routing::ip_address& address, std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = counts_[address];
    if (limit != 0 && count >= limit) {
        return false;
    }
    ++count;
    return true;
}

void address_counts::leave(const routing::ip_address& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) {
        counts_.erase(found);
    }
}

} // namespace boshgate::proxy
