#pragma once
// Keeps the addresses of all nodes up to date, off the data path. It lives on the control thread:
// its io_context calls everything here, and everything that is handed in. The system's look-up
// blocks, for half a minute when a name server is silent, so a few threads of its own do that; one
// slow name never holds up the others. When to look is decided by discovery/node_addresses.

#include "discovery/node_addresses.hpp"
#include "routing/route_table.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace boshgate::proxy {

struct socket_address; // core.hpp

[[nodiscard]] socket_address with_port(const routing::ip_address& address, std::uint16_t port);

struct looked_up {
    std::vector<routing::ip_address> addresses;
    std::string error; // in words; empty: `addresses` is the answer
};

// system_look_up asks getaddrinfo(3): files, DNS and whatever else nsswitch.conf names. It blocks.
[[nodiscard]] looked_up system_look_up(const std::string& host);

class name_resolver {
  public:
    // Asks for a host's addresses; called on any of the look-up threads, may block.
    using look_up = std::function<looked_up(const std::string& host)>;
    // The addresses of a node, with its port, whenever they have changed, and once at the start.
    // Empty: the name has never been resolved yet, and `because` says why.
    using listener =
        std::function<void(routing::node_index node, const std::vector<socket_address>& addresses,
                           const std::string& because)>;

    struct watched {
        std::string name; // for the log
        std::string host; // as in the node's URL; empty: there is no node with this index
        std::uint16_t port = 0;
    };

    // How many look-ups run at the same time. One that blocks takes one place; the rest queue, each
    // node at most once.
    static constexpr std::size_t threads = 4;

    // `context` must outlive this object.
    name_resolver(boost::asio::io_context& context, listener changed, look_up how = system_look_up);
    // Does not wait for a look-up that hangs: its thread ends by itself, and nobody hears of it.
    ~name_resolver();
    name_resolver(const name_resolver&) = delete;
    name_resolver& operator=(const name_resolver&) = delete;

    // watch replaces the list of nodes, which is by index (start and reload). Numeric hosts are
    // told at once, before it returns, and so are the addresses of hosts that were watched before,
    // or looked up ahead.
    void watch(const std::vector<watched>& nodes, std::chrono::milliseconds interval);

    // look_ahead finds out the addresses of hosts that are not watched yet, so that watch can tell
    // them at once. It waits for that, at most for `patience`.
    void look_ahead(const std::vector<watched>& nodes, std::chrono::milliseconds patience);

    // How many nodes have no answer yet, good or bad: at the start, the caller may give them a
    // moment.
    [[nodiscard]] std::size_t unanswered() const noexcept;

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace boshgate::proxy
