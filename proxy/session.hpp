#pragma once
// A session: what the proxy keeps about one BOSH session of a node (XEP-0124), and the table in
// which all cores find it. It is soft state: a request whose session is not known here is passed
// on, and the session is learnt from it.
//
// The table is cut into shards, each with a lock. The lock guards everything in the shard's
// sessions, and is held for a call of the rid window and a few list operations, never across I/O.
// An exchange of a session is a member of it, whatever core serves it; where one member's event
// concerns another (a turn, an answer, a newer copy) the other gets a wake on its own core.

#include "discovery/client_kind.hpp"
#include "discovery/hostname_edit.hpp"
#include "proxy/address_counts.hpp"
#include "proxy/caxl_memory.hpp"
#include "proxy/session_move.hpp"
#include "routing/bosh_body.hpp"
#include "routing/ip_address.hpp"
#include "routing/reason.hpp"
#include "routing/rid_window.hpp"
#include "routing/route_table.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {
struct sessions_config;
}

namespace boshgate::proxy {

struct exchange;

// How a session is found.
struct session_key {
    routing::node_index node; // that it was opened at
    std::string_view sid;     // that node's own
    std::uint64_t hash;       // session_hash of it
};

// What a node granted, and what the client is: from the session request and its answer. All times
// in seconds; 0: not known.
struct session_facts {
    std::uint16_t wait = 0;
    std::uint16_t inactivity = 0;
    std::uint8_t requests = 0;
    discovery::client_kind client = discovery::client_kind::unknown;
    bool authenticated = false; // SASL has succeeded, or it is not known that it has not
    bool secure = false;        // its first request that was seen here came over TLS
    // How its client will read names of nodes in its features.
    discovery::name_reading reading = discovery::name_reading::caxl_2014;
    user_hash user = 0; // of CAXL: whose session it is
};

// What a member is to its session.
enum class session_role : std::uint8_t {
    none,
    leader,    // its request is the one that goes to the node
    held_back, // the same, but its turn has not come
    parked,    // its answer is kept and waits for an older one to go down first
    joined,    // a copy: waits for the leader's answer
};

// Why an exchange is woken on its core.
enum class wake_kind : std::uint8_t {
    turn,       // write the request now
    rearm,      // the turn comes by time: ask again after `argument` milliseconds
    replay,     // the answer of the rid is kept: take it
    failed,     // the leader ended without an answer; `argument` is the reason
    overtaken,  // the node has answered a newer request: this one's answer may be lost
    superseded, // a newer copy of the request has come; this one gets no answer
};

// An answer that can be given again.
struct kept_answer {
    std::uint64_t rid = 0; // 0: the place is free
    std::string body;
};

struct session {
    session(std::string_view sid_, std::uint64_t hash_, routing::node_index node_,
            const routing::rid_window& window_)
        : hash(hash_), sid(sid_), window(window_), node(node_) {}

    session* next = nullptr; // of the same bucket
    std::uint64_t hash;
    std::string sid;
    routing::rid_window window;
    exchange* members = nullptr;
    std::vector<kept_answer> kept;
    std::uint64_t begun_ms = 0;
    std::uint64_t used_ms = 0;
    std::uint64_t allowance_at_ms = 0; // of the rate limit
    std::uint32_t kept_bytes = 0;
    std::uint32_t allowance = 0; // requests left, in thousandths
    routing::node_index node;
    session_facts facts;
    std::shared_ptr<const session_origin> origin; // while it can move
    std::unique_ptr<session_place> place;         // nullptr: it is where it was opened
    bool alive = false;            // the node has answered a request of it otherwise than by an end
    bool ended = false;            // the node has ended it; kept for copies of the last requests
    std::uint8_t held_back = 0;    // members with that role
    std::uint8_t parked = 0;       // rids whose answers wait
    bool counted = false;          // as one of its address
    bool counted_unproven = false; // as one of its address that has not authenticated
    routing::ip_address client;
};

// Wakes that are owed: they are counted under the shard's lock, and sent when it is free again.
class wake_list {
  public:
    wake_list() = default;
    ~wake_list();
    wake_list(const wake_list&) = delete;
    wake_list& operator=(const wake_list&) = delete;
    void add(exchange& x, wake_kind kind, std::uint32_t argument = 0);

  private:
    struct wake {
        exchange* who;
        wake_kind kind;
        std::uint32_t argument;
    };
    std::vector<wake> owed_;
};

// The time since then, 0 for one that lies ahead: each core reads the clock for itself, and another
// may have read it a moment later.
[[nodiscard]] inline std::uint64_t elapsed_ms(std::uint64_t now_ms,
                                              std::uint64_t since_ms) noexcept {
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

// How a request may go on.
struct admission {
    routing::rid_decision decision;
    bool tracked = false; // false: no session (the table is full): pass it on as it is
    routing::reason refused = routing::reason::none;
    session_facts facts;
};

class session_table {
  public:
    // `nodes`: how many there can be.
    session_table(const conf::sessions_config& settings, std::size_t nodes);
    ~session_table();
    session_table(const session_table&) = delete;
    session_table& operator=(const session_table&) = delete;

    // enter_request asks whether a session request of this address may go on; a reason: it may not.
    // leave_request gives that back when no session came of it.
    [[nodiscard]] routing::reason enter_request(const routing::ip_address& client);
    void leave_request(const routing::ip_address& client);

    // open makes a session of a session request's answer. It takes over what enter_request
    // counted. A sid that is known already is replaced: the node has ended the older one.
    // `next`: the node's answer to the next rid, where the proxy has asked for that itself; it is
    // kept for the client's request. `origin`: of one that can move; else nullptr.
    void open(routing::node_index node, std::string_view sid, std::uint64_t hash,
              std::uint64_t first_rid, const session_facts& facts,
              const routing::ip_address& client, std::uint64_t now_ms, std::string_view next = {},
              std::unique_ptr<session_origin> origin = {});

    // origin_of is asked for the request of a session with this rid. nullptr: the session cannot
    // move, or not with this request, because others of it are under way. It has one try, which
    // admit takes.
    [[nodiscard]] std::shared_ptr<const session_origin> origin_of(const session_key& key,
                                                                  std::uint64_t rid);
    // moved: the session of x is at another place from here on, where it has what `granted` says of
    // wait and inactivity; place_now says so to its next requests. nullopt: it is where
    // it was opened, or is not known.
    void moved(const exchange& x, session_place place, const session_facts& granted);
    [[nodiscard]] std::optional<session_place> place_now(const session_key& key);
    // The same for a member.
    [[nodiscard]] std::optional<session_place> place_now(const exchange& x);

    // admit decides about a request of this session. forward, hold_back, join: x is a member from
    // here on. replay: take_kept() has the answer, x is a member until then. Where x may move its
    // session (x.move) it has its try only if it is the first, and goes on at once.
    [[nodiscard]] admission admit(exchange& x, const session_key& key, std::uint64_t now_ms);
    // retry asks again for a member whose answer was not kept after all.
    [[nodiscard]] routing::rid_decision retry(exchange& x, std::uint64_t now_ms);
    // The time that a held-back member was told to wait is over. out_of_order: it has failed, and
    // is no member any more.
    [[nodiscard]] routing::rid_decision wait_over(exchange& x, bool reorder_over,
                                                  std::uint64_t now_ms);
    // It has shown which client it is: its session has x.facts.client from here on.
    void recognised(const exchange& x);
    // The leader's link stands, and was not there when it got its turn: hold_back, where its turn
    // is over again.
    [[nodiscard]] routing::rid_decision ready(exchange& x, std::uint64_t now_ms);
    // The leader's request was handed to the kernel whole.
    void written(exchange& x, std::uint64_t now_ms);
    // The leader's link broke; its request will go out again, now or in its turn.
    [[nodiscard]] routing::rid_decision broken(exchange& x, std::uint64_t now_ms);
    // The leader has an answer of the node: a body to keep, or nullopt. True: it goes down now, and
    // x is no member any more. False: x is parked, a wake or unpark() brings it on. An answer that
    // nobody waits for is kept all the same.
    // `ends`: it says that the session is over. `wanted`: a client waits for it.
    [[nodiscard]] bool answered(exchange& x, std::optional<std::string_view> body, bool ends,
                                bool wanted, std::uint64_t now_ms);
    // An answer to the member shows that its client has authenticated (routing/login_proof.hpp).
    void logged_in(const exchange& x);
    // A parked answer goes down although an older one has not come.
    void unpark(exchange& x);
    // take_kept copies the kept answer of the member's rid, and ends its membership. False: it is
    // gone; x is a member still.
    [[nodiscard]] bool take_kept(exchange& x, std::string& body);
    // Whether the node has to know the answer to the member's rid still, if it has given one.
    [[nodiscard]] bool known_to_node(const exchange& x);
    // The leader ended without an answer of the node.
    void failed(exchange& x, routing::reason why, std::uint64_t now_ms);
    // leave takes a member out that waits (joined, parked, or a leader that never was).
    void leave(exchange& x);

    // sweep drops sessions that ran out of time. One call looks at a part of the table; `round`
    // counts the calls.
    void sweep(std::uint64_t round, std::uint64_t now_ms);
    static constexpr std::uint64_t sweep_parts = 16;

    // limit: other bounds from here on (a reload). Any thread.
    void limit(const conf::sessions_config& settings) noexcept;
    // forget_node drops the sessions of a node of which no request is under way any more: its index
    // is going to stand for another one.
    void forget_node(routing::node_index node);

    // A longer sid is passed on without a session: servers in use issue 50 bytes at most.
    static constexpr std::size_t sid_max = 256;

    // A link to the node broke: for a while its requests wait until their predecessors are surely
    // in.
    void node_broke(routing::node_index node, std::uint64_t now_ms) noexcept {
        broke_ms_[node].store(now_ms, std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }
    // Sessions at a node, where they are now.
    [[nodiscard]] std::uint32_t at(routing::node_index node) const noexcept {
        return at_[node].load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t kept_bytes() const noexcept {
        return kept_bytes_.load(std::memory_order_relaxed);
    }

  private:
    static constexpr std::size_t shard_count = 64;

    struct alignas(64) shard {
        std::mutex mutex;
        std::vector<session*> buckets; // a power of two
        std::size_t size = 0;
    };

    [[nodiscard]] shard& shard_of(std::uint64_t hash) noexcept {
        return shards_[hash % shard_count];
    }
    [[nodiscard]] static session** place_of(shard& in, std::uint64_t hash, std::string_view sid,
                                            routing::node_index node) noexcept;
    void insert(shard& in, std::unique_ptr<session> made);
    void drop(shard& in, session** place);
    [[nodiscard]] session* adopt(shard& in, exchange& x, const session_key& key,
                                 std::uint64_t now_ms);
    [[nodiscard]] bool within_rate(session& of, std::uint64_t now_ms) const;
    [[nodiscard]] routing::rid_rules rules_for(const session& of,
                                               std::uint64_t now_ms) const noexcept;
    [[nodiscard]] routing::reason refusal_of(session& of, std::uint64_t now_ms);
    void follow(session& of, exchange& x, const routing::rid_decision& decision, wake_list& woken);
    void fail_members(shard& in, exchange& x, routing::reason why, std::uint64_t now_ms,
                      wake_list& woken);
    void drop_unproven(shard& in, session& of);
    void give_turns(session& of, std::uint64_t now_ms, wake_list& woken,
                    const exchange* told = nullptr);
    static void give_parked(session& of, wake_list& woken);
    [[nodiscard]] bool keep(session& of, std::uint64_t rid, std::string_view body);
    void forget_kept(session& of, kept_answer& one);
    void proven(session& of);

    // conf::sessions_config, as all cores read it while a reload changes it. Each number stands for
    // itself.
    struct bounds {
        std::atomic<std::uint32_t> max;
        std::atomic<std::uint32_t> per_address;
        std::atomic<std::uint32_t> unauthenticated_per_address;
        std::atomic<std::uint32_t> requests_per_second;
        std::atomic<std::uint32_t> replay_answers;
        std::atomic<std::uint32_t> replay_bytes;
        std::atomic<std::uint64_t> replay_total;
        std::atomic<std::uint32_t> reorder_ms;
        std::atomic<std::uint32_t> elsewhere_ms;
        std::atomic<std::uint64_t> authentication_ms;
    };
    template <typename T>
    [[nodiscard]] static T read(const std::atomic<T>& bound) noexcept {
        return bound.load(std::memory_order_relaxed);
    }

    bounds bounds_;
    std::array<shard, shard_count> shards_;
    std::vector<std::atomic<std::uint64_t>> broke_ms_; // by node; 0: not lately
    std::atomic<std::size_t> size_{0};
    std::vector<std::atomic<std::uint32_t>> at_; // by node
    std::atomic<std::size_t> moved_{0};          // sessions that are not where they were opened
    std::atomic<std::uint64_t> kept_bytes_{0};
    address_counts by_address_;
    address_counts unproven_;
};

} // namespace boshgate::proxy
