#pragma once
// Where a node is: the addresses behind its name, and when to look again. Pure: the driver
// (proxy/name_resolver) asks the system and reads the clock. One object belongs to one thread.
//
//     due_at passed -> on_started -> look-up -> on_resolved | on_failed -> tell whoever connects
//
// A name that stops resolving keeps its last good addresses: the node is most likely where it was,
// and a broken name server must not take the chat down.

#include "routing/ip_address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::discovery {

using time_point = std::chrono::steady_clock::time_point;

// More addresses than this are not kept: a node is one machine, with a few interfaces.
inline constexpr std::size_t addresses_max = 8;

// What a look-up has changed.
enum class address_event : std::uint8_t {
    same,      // nothing
    changed,   // another set of addresses: to be told
    failed,    // the first failure in a row: to be logged; the addresses stay
    failing,   // one more failure
    recovered, // it works again, and nothing has changed
};

class node_addresses {
  public:
    // `host`: a name, or a numeric address, which is its own result and is never looked up.
    // `interval`: from the end of one look-up to the next (timeouts.resolve). After a failure the
    // next one comes earlier: after 1 s, 2 s, 4 s ... but never later than `interval`.
    node_addresses(std::string_view host, std::chrono::milliseconds interval);

    // keep takes over the addresses of an older object for the same host (a reload); the next
    // look-up is due at once all the same.
    void keep(const node_addresses& older) { addresses_ = older.addresses_; }

    // When the next look-up is due; nullopt: while one is under way, and for numeric hosts.
    // A new object is due at once.
    [[nodiscard]] std::optional<time_point> due_at() const noexcept { return due_at_; }

    // on_started: the look-up is under way; exactly one of the next two follows.
    void on_started() noexcept { due_at_.reset(); }

    // on_resolved takes the result. Compared as a set, because name servers rotate the order; the
    // old order stays then. Unspecified, multicast and link-local addresses are not used (a name
    // must not lead to a machine's own metadata service); when nothing else is left, or nothing was
    // found, it is a failure.
    [[nodiscard]] address_event on_resolved(const std::vector<routing::ip_address>& found,
                                            time_point now);

    // on_failed takes the reason in words.
    [[nodiscard]] address_event on_failed(std::string_view because, time_point now);

    // At most addresses_max, the preferred ones first. Empty: never resolved yet.
    [[nodiscard]] const std::vector<routing::ip_address>& addresses() const noexcept {
        return addresses_;
    }
    // Why the last look-up failed; empty: it did not.
    [[nodiscard]] const std::string& because() const noexcept { return because_; }
    // When the first of the failures in a row was; nullopt: the last look-up was good.
    [[nodiscard]] std::optional<time_point> failing_since() const noexcept {
        return failing_since_;
    }

  private:
    std::chrono::milliseconds interval_;
    std::vector<routing::ip_address> addresses_;
    std::optional<time_point> due_at_ = time_point::min();
    std::optional<time_point> failing_since_;
    std::string because_;
    std::uint32_t failures_ = 0;
};

} // namespace boshgate::discovery
