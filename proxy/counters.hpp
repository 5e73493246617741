#pragma once
// What a core counts. Each counter is written by its own core only and may be read by any thread: a
// relaxed load and store, no locked instruction. Sums over the cores are made by whoever shows
// them.

#include "discovery/login_words.hpp"
#include "routing/reason.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace boshgate::proxy {

class counter {
  public:
    void add(std::uint64_t count = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t count = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// name, what it counts (gauges go down again)
#define BOSHGATE_COUNTERS(X)                                                                       \
    X(connections, "open client connections")                                                      \
    X(connections_accepted, "client connections accepted")                                         \
    X(connections_refused, "client connections closed at once: too many of one address")           \
    X(accept_pauses, "pauses in accepting: out of descriptors, or the limit of connections")       \
    X(handshakes, "TLS handshakes with clients")                                                   \
    X(handshakes_resumed, "of these, resumed")                                                     \
    X(exchanges, "exchanges begun")                                                                \
    X(held, "exchanges that a node has not answered yet")                                          \
    X(links, "open links to nodes")                                                                \
    X(links_opened, "links opened")                                                                \
    X(links_reused, "exchanges sent over a link that was open already")                            \
    X(repeats, "requests repeated towards a node after a broken link")                             \
    X(bodies_refused, "requests refused for their <body/>")                                        \
    X(sessions_opened, "sessions opened at a node")                                                \
    X(sessions_untracked, "requests of sessions that the full table could not take up")            \
    X(requests_held_back, "requests that waited for an older one of their session")                \
    X(requests_joined, "copies of a request under way, joined to it")                              \
    X(requests_replayed, "copies of an answered request, answered here")                           \
    X(copies_differing, "copies of a request whose payload was another")                           \
    X(answers_parked, "answers that waited for an older one of their session")                     \
    X(answers_translated, "odd answers of nodes, put into what a BOSH client understands")         \
    X(orphans_ended, "sessions ended because the client left before it knew of them")              \
    X(caxl_discovery, "sessions of CAXL that is known to follow hostnames")                        \
    X(caxl_thin, "sessions of CAXL that is known not to")                                          \
    X(caxl_forgotten, "CAXL users forgotten before their time: too many")                          \
    X(logins, "session requests led to their user's node")                                         \
    X(sessions_moved, "sessions moved to their user's node when SASL named the user")              \
    X(homes_known, "logins whose user's nodes were known from an earlier one")                     \
    X(homes_evicted, "users whose nodes were forgotten for others: too many")                      \
    X(login_steps, "session requests sent to nodes for them")                                      \
    X(lookups, "questions of programs where a user's nodes are")                                   \
    X(questions, "questions to nodes: are you well?")                                              \
    X(questions_unanswered, "of these, not answered well in time")                                 \
    X(nodes_down, "times a node went down")                                                        \
    X(nodes_dead, "times what was held at a node was given up")                                    \
    X(cors_allowed, "requests of pages of other origins that cors.origins lists")                  \
    X(streamed, "answers too large to be kept whole: streamed")                                    \
    X(request_bytes, "bytes of request bodies")                                                    \
    X(answer_bytes, "bytes of answer bodies sent")                                                 \
    X(fields_dropped, "header fields dropped from requests: underscore names")                     \
    X(read_ahead_stops, "times reading stopped because a client sent too far ahead")

// Durations, as a histogram of Prometheus counts them.
class durations {
  public:
    // Upper ends of the buckets, in microseconds; what is longer is in one more. Whole requests
    // take less than a millisecond as a rule, polls up to two minutes.
    static constexpr std::array<std::int64_t, 17> bounds_us{
        500,       1'000,      2'500,      5'000,      10'000,     25'000,
        50'000,    100'000,    250'000,    500'000,    1'000'000,  2'500'000,
        5'000'000, 10'000'000, 30'000'000, 60'000'000, 120'000'000};

    void add(std::int64_t us) noexcept {
        std::size_t i = 0;
        while (i < bounds_us.size() && us > bounds_us[i]) {
            ++i;
        }
        in_[i].add();
        sum_us_.add(us > 0 ? static_cast<std::uint64_t>(us) : 0);
    }
    // How many are in the n-th bucket alone.
    [[nodiscard]] std::uint64_t in(std::size_t n) const noexcept { return in_[n].get(); }
    [[nodiscard]] std::uint64_t sum_us() const noexcept { return sum_us_.get(); }

  private:
    std::array<counter, bounds_us.size() + 1> in_;
    counter sum_us_;
};

// How a client's request came to a node.
enum class request_way : std::uint8_t {
    node,      // by the node's own path, or a route to it
    discovery, // by the path of the discovery endpoint
    page,      // GET and HEAD
};
inline constexpr std::size_t request_ways = 3;

// What a core counts of one node.
struct node_counters {
    std::array<std::array<counter, routing::reason_count>, request_ways> ended;
    durations answers; // of what a node does not hold: session requests, pages
};

struct core_counters {
#define BOSHGATE_COUNTER(name, words) counter name;
    BOSHGATE_COUNTERS(BOSHGATE_COUNTER)
#undef BOSHGATE_COUNTER
    std::array<counter, routing::reason_count>
        ended; // exchanges and connections by the reason they ended for
    std::array<counter, discovery::login_failures> logins_failed; // by what they failed for
    durations own;   // of exchanges with a node, without the time that the node took
    durations polls; // until the node answered requests of sessions, which it may hold
};

} // namespace boshgate::proxy
