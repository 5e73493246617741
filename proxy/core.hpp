#pragma once
// A core: one thread, its event loop, and everything that only it may touch. Cores share nothing on
// the request path but the snapshot (read only) and a few limits counted over all of them
// (shared_state).

#include "proxy/address_rates.hpp"
#include "proxy/block_pool.hpp"
#include "proxy/counters.hpp"
#include "proxy/event_loop.hpp"
#include "proxy/exchange.hpp"
#include "proxy/node_states.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/transport.hpp"
#include "proxy/user_homes.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace boshgate::proxy {

class connection;
class link;
class listener;
class login_driver;
class prober;
struct core_reload;
struct told_addresses;

// All living objects of one kind, for the end of the core. T keeps its place in `registered_at`.
template <typename T>
class registry {
  public:
    void add(T& one) {
        one.registered_at = static_cast<std::uint32_t>(all_.size());
        all_.push_back(&one);
    }
    void remove(T& one) noexcept {
        all_[one.registered_at] = all_.back();
        all_[one.registered_at]->registered_at = one.registered_at;
        all_.pop_back();
    }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    // A copy: what is called on the objects may end them.
    [[nodiscard]] std::vector<T*> copy() const { return all_; }
    [[nodiscard]] T& back() const noexcept { return *all_.back(); }

  private:
    std::vector<T*> all_;
};

// A socket address that fits every family we speak.
struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] bool operator==(const socket_address& other) const noexcept {
        return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
    }
};

// Limits that hold over all cores. Touched once for each connection or link, not for each exchange.
class shared_state {
  public:
    explicit shared_state(const snapshot& settings);

    std::vector<std::atomic<std::uint32_t>> links; // by node
    session_table sessions;
    caxl_memory caxl;
    user_homes homes;         // of the users of the discovery endpoint
    address_rates questions;  // where a user is: logins that had to ask
    address_rates lookups;    // the same, of programs
    std::vector<core*> cores; // filled before any of them runs
    node_states nodes;

    // adopt takes over the bounds of another snapshot, and forgets what was known of nodes that are
    // not there any more. Control thread.
    void adopt(const snapshot& before, const snapshot& now);

    // A place among the open connections of all cores, taken before one is accepted so that `limit`
    // is never exceeded; false: all are taken.
    [[nodiscard]] bool enter_connection(std::uint32_t limit) noexcept {
        if (connections_.fetch_add(1, std::memory_order_relaxed) < limit) {
            return true;
        }
        leave_connection();
        return false;
    }
    void leave_connection() noexcept { connections_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t open_connections() const noexcept {
        return connections_.load(std::memory_order_relaxed);
    }

    address_counts connections_of; // by client address

  private:
    std::atomic<std::uint32_t> connections_{0};
};

// The links of one core to one node.
struct node_links {
    std::vector<link*> idle;               // the back is the freshest
    std::vector<socket_address> addresses; // empty: the name does not resolve
    std::string unresolved_because;
    std::string handshake_failed_because; // of the last TLS handshake that failed
    std::uint32_t generation = 0; // counts changes of the addresses: links to old ones are not kept
    std::size_t next_address = 0; // moves on when a connect fails
    counter busy;                 // links that wait for an answer; other cores read it
};

struct core {
    core(unsigned index, std::shared_ptr<const snapshot> settings, shared_state& shared,
         access_log& log);
    ~core();
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    // drain begins the end: listeners close, idle connections close, answers carry Connection:
    // close. After `limit` all that is left is cut. The loop stops when the last connection of all
    // cores has gone: a core without any may have the request at the node whose answer another
    // core's copy waits for. Of several drains the one whose limit ends first counts.
    void drain(std::chrono::milliseconds limit);
    // cut ends all connections at once. Only while draining.
    void cut();
    // start_probing begins to watch over the nodes: core 0, when all cores are there.
    void start_probing();
    // free_polls ends what is held at a node that is given up, spread over a moment: its clients
    // come back all at once.
    void free_polls(routing::node_index node, routing::reason why);
    // look_at has the node's prober see whether it is to be asked now: core 0.
    void look_at(routing::node_index node);
    // Which nodes are better left alone by who has a choice. Valid as long as the core.
    [[nodiscard]] discovery::health_view health() const noexcept;
    // adopt goes on with another snapshot: the next request is served by it. What is under way goes
    // on with the one that it began with.
    void adopt(const core_reload& change);
    // set_addresses: this is where the node is now.
    void set_addresses(const told_addresses& told);
    // connection_gone is called by every connection when it ends.
    void connection_gone();
    // date_line is the line of a Date header field, made once a second.
    [[nodiscard]] std::string_view date_line();

    // State first, then the loop, then what hangs on it: members die in reverse order.
    unsigned index;
    std::shared_ptr<const snapshot> settings;
    shared_state& shared;
    access_log& log;
    core_counters counters;
    std::vector<node_counters> node_counts; // by node index
    std::unique_ptr<shared_buffers> buffers = std::make_unique<shared_buffers>();
    routing::request_head request; // of the request that is being read
    routing::answer_head answer;   // of the answer that is being read
    std::string out;               // an answer's head and small body, flat, for one send
    std::string scratch;           // CORS block of an origin allowed by pattern
    block_pool blocks;
    exchange_pool exchanges;
    event_loop loop;
    std::vector<node_links> nodes; // by node index
    std::vector<std::unique_ptr<listener>> listeners;
    registry<connection> connections;
    registry<link> links;
    registry<exchange_wait> waits;
    registry<login_driver> logins;
    routing::body_tag tag; // of the body that is being read
    std::string kept;      // a kept answer on its way down
    std::string edited;    // a body that was changed
    bool draining = false;

  private:
    struct drain_deadline;
    struct sweeper;
    void adopt_listeners(const core_reload& change);
    void adopt_nodes(const snapshot& before);
    void close_idle_links(routing::node_index node);
    void watch_nodes();
    std::unique_ptr<drain_deadline> drain_deadline_;
    std::unique_ptr<sweeper> sweeper_;             // core 0 only
    std::vector<std::unique_ptr<prober>> probers_; // core 0 only; by node; nullptr: it was removed
    bool probing_ = false;
    std::int64_t date_second_ = -1;
    std::string date_line_;
};

} // namespace boshgate::proxy
