#pragma once
// The rid window of one session: what becomes of a request, by its rid (XEP-0124 14). The proxy is
// the one place that sees every copy of a request and every broken link, so it decides here what a
// node should never have to:
//
//   forward    write it to the node now
//   hold back  something older has to be in the node first
//   join       the same rid is under way: one request at the node, the newest copy gets the answer
//   replay     the answer is kept here
//   refuse     too old, too far ahead, too many
//
// Two defects of real nodes shape the rules (measured, Prosody 0.12): a held poll N whose link
// broke is forgotten once N+1 arrives before N's repeat; and an N+1 that overtook N swallows later
// data when its link breaks before N arrives. ejabberd never answers a request that overtook. So
//
//   - a request goes out only when its predecessor is surely in, with a longer wait where that had
//     to be sent again; a broken request goes out again before anything newer;
//   - a node gets no more unanswered requests than it granted, whatever the client sends, and
//     nothing that would push an answer that is owed out of its store;
//   - a request whose predecessor never came is refused, not forwarded;
//   - an answer to N+1 says that N's answer is lost: N is asked for again while the node has it.
//
// The simulation (tests/sim) shows what each of them is worth.
//
// Pure: time is given in milliseconds of any steady clock. Not thread-safe; its session's lock
// guards it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace boshgate::routing {

enum class rid_verdict : std::uint8_t {
    forward,
    hold_back,
    join,
    replay,
    too_old,         // its answer is gone: item-not-found (XEP-0124 14.3)
    above_window,    // too far ahead: item-not-found (XEP-0124 14.2)
    too_many,        // more unanswered requests than a window holds: policy-violation (11)
    too_many_copies, // the same rid again and again: policy-violation (14.3)
    other_key,       // the rid was used with another key: item-not-found (15)
    out_of_order     // what it follows did not come in time: an HTTP failure, for the client to
                     // repeat both
};
inline constexpr std::size_t rid_verdict_count = 10;

// As it is printed: "hold_back".
[[nodiscard]] const char* name_of(rid_verdict verdict) noexcept;

// What tells a copy of a request from another one under the same rid: hashes, so that nothing of a
// request has to be kept. A payload that differs is a client's mistake, and told to the caller. A
// key that differs is somebody else's request (XEP-0124 15): it gets nothing of the first one's. So
// the hash of a key must not be one that others can compute. It is odd; 0: there is no key.
struct request_print {
    std::uint32_t key = 0;
    std::uint16_t payload = 0;
};

struct rid_decision {
    rid_verdict verdict = rid_verdict::forward;
    // hold_back: ask again with on_wait_over after this time, if its turn has not come before.
    std::uint32_t wait_ms = 0;
    bool differs = false; // join, replay: the copy has another payload than the first one had

    friend bool operator==(const rid_decision&, const rid_decision&) = default;
};

// The next request whose turn has come, or will come by time alone.
struct rid_turn {
    std::uint64_t rid = 0;
    std::uint32_t wait_ms = 0; // 0: it goes out now, and counts as going out from here on

    friend bool operator==(const rid_turn&, const rid_turn&) = default;
};

struct rid_rules {
    // How long a request waits for an older one that has not come (or has failed). Strophe counts
    // a refusal as an error and ends the session at the fifth: two seconds are too short for it.
    std::uint32_t reorder_ms = 5000;
    // How long after its predecessor was written a request waits for it to be surely in the node.
    // 0: written is in; but a node that reads its links side by side (ejabberd) may swap what came
    // within a millisecond or two.
    std::uint32_t settle_ms = 10;
    // The same, where the predecessor was written before and its link broke. What broke one link
    // may stall the next, and a repeat that comes to Prosody behind a newer request is refused: the
    // session is lost. Nothing but its answer says that it has come, and a node may hold that for
    // the whole `wait`; so it is given as long as stalls last that TCP itself mends.
    std::uint32_t resettle_ms = 3000;
    // How long the first request of an adopted session waits for an older one: after a restart a
    // client comes with all it had under way, in any order (CAXL after half a second).
    std::uint32_t adopt_ms = 750;
    // Not 0: other instances serve the session as well, so what has not come here by this time
    // after a newer one has, is at the node by way of them, or will be. Everybody's requests wait
    // as long, so that it swaps none; longer than two connections of one client differ, or the node
    // gets a newer one first.
    std::uint32_t elsewhere_ms = 0;
    // Copies of one rid, the first one counted.
    std::uint32_t copies = 16;
};

class rid_window {
  public:
    // How many rids are remembered. A node may grant up to window_max `requests`; more are
    // treated as window_max.
    static constexpr std::size_t slots = 16;
    static constexpr unsigned window_max = 12;

    // A session that was opened here: `first` is the rid of its session request, which is answered;
    // `requests` is what the node granted.
    [[nodiscard]] static rid_window opened(std::uint64_t first, unsigned requests) noexcept;
    // A session that was opened elsewhere, or before a restart: `first` is the first rid that is
    // seen here. What came before is the node's to know.
    [[nodiscard]] static rid_window adopted(std::uint64_t first) noexcept;

    // readopt begins anew at a rid that is ahead of the next one, as `adopted` does: the session
    // was used elsewhere since. False, and nothing happens: something of it is under way here, so
    // what lies between may still come.
    [[nodiscard]] bool readopt(std::uint64_t rid) noexcept;
    // Whether a request with the rid is not above the window.
    [[nodiscard]] bool fits(std::uint64_t rid) const noexcept;

    // A request has come. forward: it counts as going out until on_written or on_failed.
    [[nodiscard]] rid_decision on_request(std::uint64_t rid, request_print print,
                                          const rid_rules& rules, std::uint64_t now_ms) noexcept;
    // A request that was held back has waited as long as it was told to: forward, or hold_back for
    // longer. `reorder_over`: it has waited for reorder_ms in all. out_of_order: it counts as
    // failed; at the second time, with three copies come, what it waited for counts as gone
    // elsewhere, and the next copy is judged as an adopted session's first request is. Any other
    // verdict: it is not held back any more.
    [[nodiscard]] rid_decision on_wait_over(std::uint64_t rid, bool reorder_over,
                                            const rid_rules& rules, std::uint64_t now_ms) noexcept;
    // A request that was let out some time ago is about to be written, because a link stands only
    // now: forward, or hold_back where what it follows broke meanwhile and has to go first again.
    [[nodiscard]] rid_decision on_link(std::uint64_t rid, const rid_rules& rules,
                                       std::uint64_t now_ms) noexcept;
    // The request was handed to the kernel whole.
    void on_written(std::uint64_t rid, std::uint64_t now_ms) noexcept;
    // The link broke and the request will go out again: forward (now), or hold_back (something
    // older broke as well and goes first). To be called when the break is seen, before any pause:
    // what is newer must not pass in the meantime, or the node forgets this one.
    [[nodiscard]] rid_decision on_broken(std::uint64_t rid, const rid_rules& rules,
                                         std::uint64_t now_ms) noexcept;
    // The exchange ended without an answer of the node. The client may come with a copy, which is
    // forwarded.
    void on_failed(std::uint64_t rid) noexcept;
    // The node has answered. `kept`: the answer can be replayed. True: it may go down to the client
    // now; false: an older answer goes first, take_parked() will name this rid.
    [[nodiscard]] bool on_answered(std::uint64_t rid, bool kept) noexcept;
    // A parked answer goes down although an older one has not come. False: it was not parked (any
    // more).
    [[nodiscard]] bool on_unparked(std::uint64_t rid) noexcept;
    // Whether the rid's answer is here, and waits for an older one.
    [[nodiscard]] bool parked(std::uint64_t rid) const noexcept {
        return tracked(rid) && at(rid).is == state::parked;
    }
    // The request was made here, for the client: what the client itself sends under its rid is the
    // first of its kind.
    void made_here(std::uint64_t rid) noexcept {
        if (tracked(rid)) {
            at(rid).print.key = any_key;
        }
    }
    // The kept answer is gone.
    void on_dropped(std::uint64_t rid) noexcept;

    // take_turn names the oldest request that is held back and may go out, or will by time alone
    // (wait_ms is not 0). After every event, to be called until it names none, or one by time.
    [[nodiscard]] std::optional<rid_turn> take_turn(const rid_rules& rules,
                                                    std::uint64_t now_ms) noexcept;
    // The oldest request that the node has had whole, and has not answered although it has answered
    // a newer one. Nodes answer in order, so its answer is lost, or some milliseconds away: if it
    // does not come very soon, its link is to be taken for broken. A node keeps the answer for a
    // repeat only until it has answered `requests` newer ones.
    [[nodiscard]] std::optional<std::uint64_t> overtaken() const noexcept;

    // Whether the node still has to know the rid: fewer than `requests` newer ones were sent to it.
    // What decide_repeat asks for (rid_in_window).
    [[nodiscard]] bool known_to_node(std::uint64_t rid) const noexcept;

    // take_parked names an answered rid that waited for an older answer and may go down now. To be
    // called until it names none, after on_answered and on_failed.
    [[nodiscard]] std::optional<std::uint64_t> take_parked() noexcept;

    // Requests that the node has, or will get, and has not answered.
    [[nodiscard]] unsigned unanswered() const noexcept;
    [[nodiscard]] std::uint64_t newest() const noexcept { return top_; }
    // How many rids behind the newest a node still has to know: its `requests`, at least 2.
    [[nodiscard]] unsigned requests() const noexcept { return requests_; }

  private:
    static constexpr std::uint32_t any_key = 2; // no key's hash
    enum class state : std::uint8_t {
        unknown,  // not seen here; the node may know it
        missing,  // a newer one has come, this one has not
        waiting,  // held back
        sending,  // on its way out
        sent,     // written whole
        failed,   // ended without an answer
        answered, // answered, its answer went down
        parked,   // answered, waits for an older answer
    };
    static constexpr std::size_t state_count = static_cast<std::size_t>(state::parked) + 1;
    struct slot {
        request_print print{};
        std::uint8_t copies = 0;
        state is : 3 = state::unknown;
        bool kept : 1 = false;
        bool written : 1 = false;  // whole, at least once: the node may have it
        bool again : 1 = false;    // written, and goes out once more
        bool given_up : 1 = false; // failed, and a copy of a newer one came instead of its own
        bool refused : 1 = false;  // what it follows did not come
    };
    // What a request waits for.
    enum class obstacle : std::uint8_t {
        none,
        settling, // the predecessor was just written, or may come yet, or elsewhere: by time
        busy,     // the predecessor is on its way, or the node has enough: an event will come
        absent,   // the predecessor has not come, or failed unwritten
        lost,     // the predecessor failed, but the node may have it
    };
    struct wait {
        obstacle what = obstacle::none;
        std::uint32_t ms = 0;
    };

    rid_window(std::uint64_t first, unsigned requests) noexcept : top_(first), requests_(requests) {
        in_state(state::unknown) = slots;
    }

    [[nodiscard]] slot& at(std::uint64_t rid) noexcept { return slots_[rid % slots]; }
    [[nodiscard]] const slot& at(std::uint64_t rid) const noexcept { return slots_[rid % slots]; }
    // become is the only way for a slot to get another state: the states are counted, because most
    // questions about all slots have their answer in the counts.
    void become(slot& one, state next) noexcept;
    [[nodiscard]] std::uint8_t& in_state(state which) noexcept {
        return counts_[static_cast<std::size_t>(which)];
    }
    [[nodiscard]] unsigned in_state(state which) const noexcept {
        return counts_[static_cast<std::size_t>(which)];
    }
    [[nodiscard]] unsigned in_flight() const noexcept; // sending or sent
    [[nodiscard]] bool tracked(std::uint64_t rid) const noexcept {
        return rid <= top_ && top_ - rid < slots;
    }
    [[nodiscard]] rid_decision admit(std::uint64_t rid, const rid_rules& rules,
                                     std::uint64_t now_ms) noexcept;
    [[nodiscard]] rid_decision copy(std::uint64_t rid, request_print print, const rid_rules& rules,
                                    std::uint64_t now_ms) noexcept;
    [[nodiscard]] wait waits_for(std::uint64_t rid, const rid_rules& rules,
                                 std::uint64_t now_ms) const noexcept;
    [[nodiscard]] rid_decision go_or_wait(std::uint64_t rid, const rid_rules& rules,
                                          std::uint64_t now_ms) noexcept;
    [[nodiscard]] std::uint64_t oldest() const noexcept {
        return top_ >= slots - 1 ? top_ - (slots - 1) : 0;
    }
    [[nodiscard]] bool node_has_enough(std::uint64_t rid) const noexcept;
    [[nodiscard]] bool older_in_flight(std::uint64_t rid) const noexcept;
    void give_up_gap(std::uint64_t rid) noexcept;

    std::uint64_t top_;               // the newest rid that has come
    std::uint64_t written_at_ms_ = 0; // of the request written last
    std::uint64_t adopted_at_ms_ = 0; // when the first request came, or the first behind a gap
    std::uint64_t missed_at_ms_ = 0;  // when one came last that left some out
    bool adopted_ = false;
    bool gap_given_up_ = false; // adopted_at_ms_ is the time of the next request
    unsigned requests_;
    std::array<slot, slots> slots_{};
    std::array<std::uint8_t, state_count> counts_{}; // of the slots, by state
};

} // namespace boshgate::routing
