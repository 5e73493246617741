#pragma once
// What a reload of the configuration changes, as one core gets it. The control thread prepares all
// of it, so that a core only puts pointers in place: nothing is read, opened, built or destroyed on
// a core.

#include "proxy/snapshot.hpp"
#include "routing/route_table.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boshgate::proxy {

struct socket_address; // core.hpp

// Where a node is; no addresses: its name does not resolve, `because` says why.
struct told_addresses {
    routing::node_index node = 0;
    std::vector<socket_address> addresses;
    std::string because;
};

struct core_reload {
    std::shared_ptr<const snapshot> settings; // with a control block of the core's own
    // By place in the old configuration, a listener's place in the new one; nullopt: it is gone.
    std::vector<std::optional<std::size_t>> listeners;
    struct opened_listener {
        std::size_t index;
        int descriptor;
    };
    std::vector<opened_listener> opened;
    std::vector<told_addresses> addresses;
};

// What has happened to a node between two snapshots.
enum class node_change : std::uint8_t {
    none,
    added,   // also: it came back
    removed, // it was there
    moved,   // other host, port, path or Host field
    trusted, // at the same place, by other rules of trust (or with TLS, or without it)
};
[[nodiscard]] node_change change_of(const snapshot& before, const snapshot& now,
                                    routing::node_index node) noexcept;

// listeners_kept says which listeners stay: by place in `before`, the place in `now` of the one
// with the same address; nullopt: it is gone. Of several with one address (port 0) each has one
// partner.
[[nodiscard]] std::vector<std::optional<std::size_t>>
listeners_kept(const std::vector<conf::listener>& before, const std::vector<conf::listener>& now);

// changes_between says in a line what is different: "2 nodes added (a, b); 1 listener removed
// (0.0.0.0 port 80); certificates of 1 listener renewed; timeouts, cors". "nothing" if nothing is.
[[nodiscard]] std::string changes_between(const snapshot& before, const snapshot& now);

// What a process cannot change while it runs, as "threads: takes effect at the next start"; empty:
// nothing of it has changed.
[[nodiscard]] std::vector<std::string> needs_start(const conf::config& before,
                                                   const conf::config& now);

} // namespace boshgate::proxy
