#include "discovery/node_addresses.hpp"

#include <algorithm>

namespace boshgate::discovery {
namespace {

using routing::ip_address;

constexpr std::chrono::milliseconds first_retry{1000};
constexpr std::uint32_t doublings_max = 16; // 2^16 s is beyond every interval

bool contains(const std::vector<ip_address>& list, const ip_address& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

// Addresses that a name server has no business to name.
bool usable(const ip_address& address) noexcept {
    const auto& bytes = address.bytes;
    if (address.is_v4()) {
        const bool unspecified = bytes[12] == 0;
        const bool link_local = bytes[12] == 169 && bytes[13] == 254;
        return !unspecified && !link_local && bytes[12] < 224; // multicast, broadcast
    }
    const bool unspecified =
        std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    return !unspecified && !link_local && bytes[0] != 0xff;
}

// Usable ones, each once, at most addresses_max: those that are known already before new ones, so
// that a long list in changing order does not look like a change each time.
std::vector<ip_address> bounded(const std::vector<ip_address>& found,
                                const std::vector<ip_address>& known) {
    std::vector<ip_address> list;
    for (const ip_address& one : found)
        if (usable(one) && !contains(list, one))
            list.push_back(one);
    if (list.size() > addresses_max) {
        std::stable_partition(list.begin(), list.end(),
                              [&known](const ip_address& one) { return contains(known, one); });
        list.resize(addresses_max);
    }
    return list;
}

bool same_set(const std::vector<ip_address>& a, const std::vector<ip_address>& b) {
    return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&b](const ip_address& one) {
               return contains(b, one);
           });
}

} // namespace

node_addresses::node_addresses(std::string_view host, std::chrono::milliseconds interval)
    : interval_(interval) {
    if (const auto numeric = ip_address::parse(host)) {
        addresses_.push_back(*numeric);
        due_at_.reset();
    }
}

address_event node_addresses::on_resolved(const std::vector<ip_address>& found, time_point now) {
    std::vector<ip_address> list = bounded(found, addresses_);
    if (list.empty())
        return on_failed(
            found.empty() ? "the name has no address"
                          : "the name has no address but link-local, multicast or unspecified ones",
            now);
    const bool failed_before = failing_since_.has_value();
    failing_since_.reset();
    because_.clear();
    failures_ = 0;
    due_at_ = now + interval_;
    if (!same_set(list, addresses_)) {
        addresses_ = std::move(list);
        return address_event::changed;
    }
    return failed_before ? address_event::recovered : address_event::same;
}

address_event node_addresses::on_failed(std::string_view because, time_point now) {
    because_ = because;
    const auto wait = first_retry * (std::int64_t{1} << std::min(failures_, doublings_max));
    due_at_ = now + std::min<std::chrono::milliseconds>(wait, interval_);
    ++failures_;
    if (failing_since_)
        return address_event::failing;
    failing_since_ = now;
    return address_event::failed;
}

} // namespace boshgate::discovery
