#pragma once
// The load generator's engine: one thread, one epoll set, thousands of BOSH sessions.
//
// A run has stages: set up (connect, open sessions, warm up, park), traffic, release of the parked
// polls. `load.cpp` walks through them and waits for its controller in between; each stage has a
// deadline. A connection that fails is counted by kind, opened anew and gets a new session.

#include "histogram.hpp"
#include "stream.hpp"
#include "traffic.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bench {

enum class load_mode {
    closed, // each connection: POST, answer, next POST
    rate,   // so many requests a second, whatever the answers do; latency from the scheduled time
    churn,  // each request on a connection of its own; latency from the connect
    mixed,  // each session holds a poll on one connection and sends on its other one
};

struct load_options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::string host = "chat.example.com"; // Host field and SNI
    std::string path = "/node-a1"; // with nodes > 1: followed by the number of the node, 1-based
    unsigned nodes = 1;
    bool tls = false;
    bool resume = false; // churn: offer the newest ticket
    load_mode mode = load_mode::closed;
    unsigned connections = 64;  // that carry traffic
    unsigned sessions = 0;      // spread over the connections; 0: one each
    unsigned parked = 0;        // further connections, each with a held poll
    unsigned warmup = 4;        // requests of each connection that are not measured
    double seconds = 3;         // of traffic; whichever of the two ends first
    std::uint64_t requests = 0; // 0: no limit
    double rate = 1000;         // requests a second, mode rate
    std::size_t body_least = 110, body_most = 1400;
    unsigned wait_s = 250;     // asked of the node: how long it may hold a poll
    unsigned sources = 1;      // client addresses 127.0.0.1 and up, so that churn has ports enough
    unsigned deadline_s = 120; // for each stage
    std::uint64_t seed = 1;
    bool controlled = false; // wait for "go" and "release" on standard input
};

struct load_result {
    std::uint64_t answered = 0;
    double elapsed_s = 0;
    histogram latency;
    std::map<std::string, std::uint64_t> errors;
    unsigned parked = 0;        // polls written
    unsigned park_answered = 0; // of them answered with the session's own <body/>
    std::uint64_t resumed = 0;  // TLS handshakes of measured requests that resumed a session
    std::uint64_t handshakes = 0;
    std::size_t backlog = 0; // mode rate: most requests that were due and found no free connection
    bool in_time = true;     // no stage met its deadline
};

class engine {
  public:
    explicit engine(const load_options& opt);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    void set_up();
    // Handles answers until standard input says `word`; true if it did, false if it ended first.
    bool wait_for(const std::string& word);
    void run_traffic();
    // Waits until every parked poll is answered.
    void await_parked();
    const load_result& result() const { return result_; }

  private:
    enum class phase { closed, connecting, handshaking, idle, waiting };
    struct connection {
        stream io;
        std::uint32_t index = 0;
        phase is = phase::closed;
        bool parked = false;       // this one's job is to hold a poll
        bool ready = false;        // set-up done
        bool polling = false;      // the outstanding request is an empty poll
        std::uint32_t session = 0; // of the outstanding or next request
        std::uint32_t warmed = 0;
        std::uint32_t events = 0;
        std::int64_t started = 0; // ns; what latency is counted from
        std::int64_t sent = 0;    // ns; what the request's deadline is counted from
        std::string path;
        std::string in, out;
        SSL_SESSION* ticket = nullptr;
    };

    void open(connection& it);
    void on_event(connection& it, std::uint32_t events);
    void on_connected(connection& it);
    void read_answer(connection& it);
    void on_answer(connection& it, const http_message& answer);
    bool judge(connection& it, const http_message& answer);
    void advance_set_up(connection& it);
    void set_up_done(connection& it);
    void start_request(connection& it, std::int64_t started);
    void write(connection& it, const std::string& bytes);
    void watch(connection& it, std::uint32_t events);
    void continue_traffic(connection& it);
    void next_churn(connection& it);
    void fail(connection& it, const std::string& kind);
    void open_more();
    void emit_due(std::int64_t now);
    void time_out(std::int64_t now);
    void start_mixed();
    std::uint32_t next_session(const connection& it, std::uint32_t after) const;
    bool turn(std::int64_t timeout_ns);
    bool until(const std::function<bool()>& done, const char* stage);
    void read_control();
    static int keep_ticket(SSL* ssl, SSL_SESSION* session);

    load_options opt_;
    load_result result_;
    poller poll_;
    SSL_CTX* tls_ = nullptr;
    traffic traffic_;
    std::vector<bosh_session> sessions_;
    std::deque<connection> connections_; // traffic first, then parked
    std::uint32_t opened_ = 0, ready_ = 0, setting_up_ = 0, outstanding_ = 0;
    bool running_ = false, stopping_ = false;
    std::uint64_t issued_ = 0;
    std::int64_t traffic_end_ = 0, last_answer_ = 0, next_due_ = 0, next_time_out_check_ = 0;
    std::deque<std::uint32_t> free_;   // mode rate
    std::deque<std::int64_t> backlog_; // mode rate: scheduled times
    std::string control_;              // read from standard input, not yet looked at
    bool control_ended_ = false;
    std::string scratch_;
    std::array<char, 64 * 1024> buffer_{};
};

} // namespace bench
