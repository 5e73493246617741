#pragma once
// One thread of the bench node: its listener (SO_REUSEPORT), its epoll set and its connections. A
// session is one array slot, shared by all threads, that names its held connection; an answer for a
// connection of another thread goes into that thread's inbox.

#include "stream.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// Then the oldest slots are used again.
inline constexpr std::size_t max_sessions = 1'048'576;

struct node_options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0; // 0: the system chooses
    unsigned threads = 1;
    std::size_t answer_bytes = 300; // of the whole <body/> that answers a request with payload
    std::string certificate;        // PEM; together with `key` it means TLS
    std::string key;
};

// A held poll's address: which thread, which of its connections, and which use of that slot.
struct holder {
    std::uint8_t thread = 0; // 1-based; 0: nobody
    std::uint32_t index = 0; // 24 bits
    std::uint32_t use = 0;

    std::uint64_t packed() const {
        return std::uint64_t{thread} << 56 | std::uint64_t{index} << 32 | use;
    }
    static holder unpacked(std::uint64_t value) {
        return {static_cast<std::uint8_t>(value >> 56),
                static_cast<std::uint32_t>(value >> 32) & 0xff'ffffU,
                static_cast<std::uint32_t>(value)};
    }
};

struct node_session {
    std::atomic<std::uint64_t> held{0}; // holder::packed()
    std::atomic<std::uint64_t> last_rid{0};
    std::atomic<std::uint16_t> wait_s{60};
    std::atomic<bool> may_hold{true};
};

// Counted in the session's order of arrival; with two requests in flight over two links a rid may
// overtake its neighbour, so only repeats and jumps are counted.
struct counters {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> sessions{0};
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> held{0};
    std::atomic<std::uint64_t> rid_faults{0};
    std::atomic<std::uint64_t> bad_requests{0};
};

struct shared_state {
    node_options opt;
    SSL_CTX* tls = nullptr;
    std::unique_ptr<node_session[]> sessions = std::make_unique<node_session[]>(max_sessions);
    std::atomic<std::uint32_t> next_session{0};
    counters count;
    std::atomic<bool> stopping{false};
};

struct connection {
    stream io;
    std::uint32_t index = 0;
    std::uint32_t use = 0; // counts up each time the slot is given away
    bool handshaking = false;
    bool wants_write = false;
    std::uint32_t held_session = 0; // valid while is_held
    bool is_held = false;
    std::int64_t held_until = 0; // ns
    std::string in;              // a partial request
    std::string out;             // what the socket did not take
};

struct message {
    holder to;
    bool with_payload = false;
};

class worker {
  public:
    worker(shared_state& shared, std::uint8_t number, int listener);

    void run();
    // From any thread.
    void post(message what);
    // From any thread: ends the current wait.
    void wake();
    // From any thread: answers every held poll.
    void release_all();

    // Of the whole node, in the order of their numbers; set before run().
    std::vector<std::unique_ptr<worker>>* all = nullptr;

  private:
    void build_answers();
    void accept_some();
    void on_event(std::uint32_t index, std::uint32_t events);
    bool read_some(std::uint32_t index);
    std::size_t serve(std::uint32_t index, std::string_view bytes);
    bool handle(std::uint32_t index, const http_message& request);
    void create_session(connection& to, std::string_view body);
    void check_rid(node_session& of, std::string_view body);
    void hold(std::uint32_t index, std::uint32_t session_index);
    void answer_holder(std::uint64_t packed, bool with_payload);
    void answer_held(std::uint32_t index, bool with_payload);
    void answer(connection& to, std::uint32_t session_index, bool with_payload);
    void send(connection& to, std::string_view bytes);
    void drop(std::uint32_t index);
    void read_inbox();
    void expire(std::int64_t now, bool everything);

    shared_state& shared_;
    std::uint8_t number_;
    int listener_;
    int inbox_event_;
    poller poll_;
    std::deque<connection> connections_; // a deque: references stay valid while it grows
    std::vector<std::uint32_t> free_;
    std::mutex inbox_lock_;
    std::vector<message> inbox_;
    std::atomic<bool> release_all_{false};
    std::array<char, 128 * 1024> buffer_{};
    std::string with_payload_, empty_, page_;
    std::size_t with_payload_sid_ = 0, empty_sid_ = 0; // where the sid stands in each
    std::int64_t next_expiry_ = 0;
};

} // namespace bench
