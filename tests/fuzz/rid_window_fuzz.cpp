// Drives the window of one session with any events in any order, against a plain account of what
// the node has been given. The input: one byte chooses the session, then pairs of event and rid.
#include "routing/rid_window.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <map>

namespace {

using namespace boshgate;
using namespace boshgate::fuzz;
using routing::rid_decision;
using routing::rid_verdict;
using routing::rid_window;

constexpr routing::rid_rules alone{
    .reorder_ms = 40, .settle_ms = 3, .resettle_ms = 9, .adopt_ms = 15, .copies = 5};

// Other instances serve the session as well.
constexpr routing::rid_rules one_of_several() {
    routing::rid_rules rules = alone;
    rules.elsewhere_ms = 7;
    return rules;
}

// What a driver would know of one rid.
struct exchange {
    enum class state { held, sending, sent, parked, answered, failed } is = state::held;
    bool kept = false;
    bool reached = false;   // written whole at least once
    bool given_up = false;  // failed, and then a newer one came again
    std::uint32_t key = 0;  // of the first copy
    unsigned refused = 0;   // times that it was out of order
    bool elsewhere = false; // failed unwritten, and waited for in vain
};
using state = exchange::state;

class session {
  public:
    session(const routing::rid_rules& with, std::uint64_t first, unsigned requests, bool adopted)
        : rules_(with),
          window_(adopted ? rid_window::adopted(first) : rid_window::opened(first, requests)),
          first_(first),
          adopted_(adopted) {}

    void event(std::uint8_t what, std::uint64_t rid) {
        now_ += what >> 5;
        const bool known = known_.count(rid) != 0;
        switch (what & 0x0f) {
        case 0:
        case 1:
            ask(rid, {.payload = static_cast<std::uint16_t>(what & 0x0f)});
            break;
        case 2:
            if (known && known_[rid].is == state::held) {
                const bool over = (what & 0x10) != 0;
                decided(rid, window_.on_wait_over(rid, over, rules_, now_), over);
            }
            break;
        case 3:
            window_.on_written(rid, now_);
            if (known && known_[rid].is == state::sending) {
                known_[rid].is = state::sent;
                known_[rid].reached = true;
            }
            break;
        case 4:
            if (known && under_way(known_[rid])) {
                known_[rid].is = state::held;
                decided(rid, window_.on_broken(rid, rules_, now_), false);
            }
            break;
        case 5:
            if (known && (under_way(known_[rid]) || known_[rid].is == state::held)) {
                window_.on_failed(rid);
                known_[rid].is = state::failed;
            }
            break;
        case 6:
            if (known && known_[rid].is == state::sent) {
                answered(rid, (what & 0x10) != 0);
            }
            break;
        case 7:
            if (window_.on_unparked(rid)) {
                require(known && known_[rid].is == state::parked, "only what is parked is let go");
                known_[rid].is = state::answered;
            }
            break;
        case 8:
            window_.on_dropped(rid);
            if (known) {
                known_[rid].kept = false;
            }
            break;
        case 10:
            ask(rid, {.key = 3});
            break;
        case 9:
            readopt(rid);
            break;
        case 11:
            if (known && known_[rid].is == state::sending &&
                window_.on_link(rid, rules_, now_).verdict == routing::rid_verdict::hold_back) {
                known_[rid].is = state::held;
            }
            break;
        default:
            now_ += what;
            break;
        }
        turns();
        parked();
        check();
    }

    // Only time passes, and the node answers: everything has to come to an end.
    void finish() {
        for (int round = 0; round < 4 * static_cast<int>(rid_window::slots); ++round) {
            now_ += rules_.reorder_ms;
            for (auto& [rid, one] : known_) {
                if (one.is == state::sending) {
                    event(3, rid);
                }
                if (one.is == state::sent) {
                    event(0x16, rid); // kept
                }
                if (one.is == state::held) {
                    event(0x12, rid); // reorder is over
                }
            }
        }
        for (const auto& [rid, one] : known_) {
            require(one.is == state::answered || one.is == state::failed,
                    "every request comes to an end");
        }
        require(window_.unanswered() == 0, "nothing is owed in the end");
    }

  private:
    static bool under_way(const exchange& one) {
        return one.is == state::sending || one.is == state::sent;
    }

    void ask(std::uint64_t rid, routing::request_print print) {
        const bool known = known_.count(rid) != 0;
        const bool remembered = rid + rid_window::slots > window_.newest();
        const bool leaves_out = rid > window_.newest() + 1;
        const bool fits = window_.fits(rid);
        const rid_decision decision = window_.on_request(rid, print, rules_, now_);
        require(fits == (decision.verdict != rid_verdict::above_window), "what fits is not above");
        if (leaves_out && window_.newest() == rid) {
            left_out_at_ = now_;
        }
        switch (decision.verdict) {
        case rid_verdict::forward:
        case rid_verdict::hold_back:
            require(!known || known_[rid].is == state::failed || known_[rid].is == state::answered,
                    "what is under way is not taken for new");
            require(adopted_ || rid > first_, "nothing before the session goes out");
            require(!known || known_[rid].is != state::answered || !known_[rid].kept,
                    "an answer that is here is not asked for");
            require(!known || known_[rid].key == print.key, "nothing goes out for another key");
            known_[rid].is = state::held;
            known_[rid].key = print.key;
            decided(rid, decision, false);
            break;
        case rid_verdict::other_key:
            require(known && known_[rid].key != print.key, "only another key is refused as one");
            break;
        case rid_verdict::join:
            require(known && known_[rid].key == print.key, "never a join with another key");
            require(known && known_[rid].is != state::answered && known_[rid].is != state::failed,
                    "never a join to nothing");
            if (known_[rid].is == state::held && rid > 0 && known_.count(rid - 1) != 0) {
                exchange& before = known_[rid - 1];
                before.given_up = before.given_up || before.is == state::failed;
            }
            break;
        case rid_verdict::replay:
            require(known && known_[rid].is == state::answered && known_[rid].kept &&
                        known_[rid].key == print.key,
                    "never a replay of nothing, nor for another key");
            break;
        case rid_verdict::too_old:
            require(!known || !remembered || known_[rid].is == state::answered,
                    "only what is answered is too old");
            break;
        case rid_verdict::too_many_copies:
            require(known, "what has not come has no copies");
            break;
        case rid_verdict::above_window:
        case rid_verdict::too_many:
            require(!known, "what has come is not refused for its number");
            break;
        case rid_verdict::out_of_order:
            require(false, "a request waits before it is out of order");
            break;
        }
    }

    void readopt(std::uint64_t rid) {
        const bool busy = std::any_of(known_.begin(), known_.end(), [](const auto& one) {
            return under_way(one.second) || one.second.is == state::held ||
                   one.second.is == state::parked;
        });
        const bool ahead = rid > window_.newest();
        require(window_.readopt(rid) == (ahead && !busy), "anew where nothing is under way");
        if (ahead && !busy) {
            known_.clear();
            adopted_ = true;
        }
    }

    void decided(std::uint64_t rid, const rid_decision& decision, bool reorder_over) {
        if (decision.verdict == rid_verdict::forward) {
            goes_out(rid, reorder_over);
        } else if (decision.verdict == rid_verdict::hold_back) {
            require(decision.wait_ms > 0 && decision.wait_ms <= rules_.reorder_ms,
                    "a wait has an end");
        } else {
            require(decision.verdict == rid_verdict::out_of_order && reorder_over,
                    "what is held back goes out, waits or is refused for good");
            known_[rid].is = state::failed;
            if (++known_[rid].refused > 1) { // the hole may have been filled elsewhere
                adopted_ = true;
                for (auto& [older, one] : known_) {
                    one.elsewhere =
                        one.elsewhere || (older < rid && one.is == state::failed && !one.reached);
                }
            }
        }
    }

    // It is written to the node now: may it be?
    void goes_out(std::uint64_t rid, bool reorder_over) {
        require(!under_way(known_[rid]), "one request of one rid at the node");
        known_[rid].is = state::sending;
        if (rid == 0 || rid - 1 + rid_window::slots <= window_.newest()) {
            return;
        }
        const auto before = known_.find(rid - 1);
        if (before == known_.end()) {
            require(rid - 1 <= first_ || adopted_ ||
                        (rules_.elsewhere_ms != 0 && now_ - left_out_at_ >= rules_.elsewhere_ms),
                    "a hole is not forwarded, but where others may have filled it meanwhile");
            return;
        }
        const exchange& one = before->second;
        const bool in =
            one.is == state::sent || one.is == state::parked || one.is == state::answered;
        const bool lost = one.is == state::failed && one.reached;
        require(in || (lost && (reorder_over || one.given_up)) ||
                    (one.elsewhere && one.is == state::failed),
                "forward when what is older is in");
    }

    void answered(std::uint64_t rid, bool kept) {
        const bool now = window_.on_answered(rid, kept);
        const bool older = std::any_of(known_.begin(), known_.find(rid),
                                       [](const auto& one) { return under_way(one.second); });
        require(now == !(older && kept), "a kept answer waits for the older ones");
        known_[rid].is = now ? state::answered : state::parked;
        known_[rid].kept = kept;
    }

    void turns() {
        for (std::size_t i = 0; i <= rid_window::slots; ++i) {
            const auto turn = window_.take_turn(rules_, now_);
            if (!turn) {
                return;
            }
            require(known_.count(turn->rid) != 0 && known_[turn->rid].is == state::held,
                    "a turn is of one that is held back");
            if (turn->wait_ms != 0) {
                require(turn->wait_ms <=
                            std::max({rules_.adopt_ms, rules_.resettle_ms, rules_.elsewhere_ms}),
                        "time alone is short");
                return;
            }
            goes_out(turn->rid, false);
        }
        require(false, "turns end");
    }

    void parked() {
        while (const auto rid = window_.take_parked()) {
            require(known_.count(*rid) != 0 && known_[*rid].is == state::parked,
                    "what goes down was parked");
            known_[*rid].is = state::answered;
        }
    }

    void check() {
        unsigned owed = 0;
        std::uint64_t oldest_at_node = ~std::uint64_t{0};
        for (const auto& [rid, one] : known_) {
            owed += under_way(one) || one.is == state::held ? 1U : 0U;
            if (one.is == state::sent) {
                oldest_at_node = std::min(oldest_at_node, rid);
            }
        }
        require(window_.unanswered() == owed, "both accounts agree");
        require(owed <= rid_window::slots, "what is owed is bounded");
        if (const auto late = window_.overtaken()) {
            require(*late == oldest_at_node, "only what the node has can be overtaken");
        }
        // What is forgotten there is forgotten here.
        while (!known_.empty() && known_.begin()->first + rid_window::slots <= window_.newest()) {
            require(!under_way(known_.begin()->second) &&
                        known_.begin()->second.is != state::held &&
                        known_.begin()->second.is != state::parked,
                    "nothing that is owed is forgotten");
            known_.erase(known_.begin());
        }
    }

    const routing::rid_rules rules_;
    rid_window window_;
    std::map<std::uint64_t, exchange> known_;
    std::uint64_t first_;
    std::uint64_t now_ = 1000;
    std::uint64_t left_out_at_ = 0; // when a request came last that left some out
    bool adopted_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    constexpr std::uint64_t firsts[] = {1, 7, 1000, (std::uint64_t{1} << 53) - 40};
    const std::uint64_t first = firsts[data[0] & 3];
    session one((data[0] & 0x80) != 0 ? one_of_several() : alone, first, (data[0] >> 2) & 15,
                (data[0] & 0x40) != 0);
    std::uint64_t middle = first;
    for (std::size_t i = 1; i + 1 < size; i += 2) {
        // Rids lie round one that moves on.
        middle += data[i + 1] >> 6;
        const std::uint64_t rid = middle + (data[i + 1] & 0x1f);
        one.event(data[i], rid >= 16 ? rid - 16 : rid);
    }
    one.finish();
    return 0;
}
