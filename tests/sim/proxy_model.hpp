#pragma once
// The proxy between a client and a node, for one session: the rid window, and a driver as small as
// can be. It keeps the last answers, joins copies, repeats over fresh links by the repeat rules
// within a budget, and goes on when a client leaves.

#include "routing/rid_window.hpp"
#include "tests/sim/wire.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace boshgate::sim {

struct proxy_settings {
    routing::rid_rules rules;
    routing::repeat_limits limits;
    microseconds wait = 20 * second; // what the node granted
    microseconds margin = 2500 * millisecond;
    microseconds budget = 4 * second;
    unsigned requests = 2; // what the node granted
    unsigned spare_answers = 2;
    // A link that closes later than this after the request was written did not refuse it.
    microseconds accepted = 100 * millisecond;
    // How long an answer waits for an older one before that one's link is taken for broken.
    microseconds overtaken = 500 * millisecond;
};

struct proxy_counts {
    std::array<std::uint64_t, routing::rid_verdict_count> verdicts{};
    std::uint64_t turns = 0;     // requests that came
    std::uint64_t repeats = 0;   // requests written again
    std::uint64_t failures = 0;  // answered with 503
    std::uint64_t refusals = 0;  // terminated here
    std::uint64_t forgotten = 0; // polls that the node forgot
    std::size_t most_live = 0;
    std::size_t most_kept = 0;
};

class proxy_model {
  public:
    // Opens a link to the node: what to do when written, answered, broken.
    using open_link = std::function<std::shared_ptr<wire>(wire::asker)>;

    proxy_model(schedule& when, const proxy_settings& with, routing::rid_window window,
                open_link open)
        : when_(when), with_(with), window_(window), open_(std::move(open)) {}

    void asked(const std::shared_ptr<wire>& client, const request& what);
    void closed(const std::shared_ptr<wire>& client);
    // The proxy ends: every connection and every link closes.
    void stop();

    [[nodiscard]] const proxy_counts& counts() const noexcept { return counts_; }
    [[nodiscard]] const routing::rid_window& window() const noexcept { return window_; }

  private:
    struct exchange {
        request what;
        std::vector<std::shared_ptr<wire>> clients; // the newest last
        std::shared_ptr<wire> link;
        bool broken = false; // once, at least
        unsigned connects = 0;
        unsigned sends = 0;
        microseconds failed_at = 0;
        microseconds written_at = 0;
        microseconds held_since = 0;
        std::uint64_t turn = 0; // timers of an older turn do nothing
        unsigned doubts = 0;    // times that the node refused it: see on_refusal
    };

    void attach(exchange& one, const std::shared_ptr<wire>& client);
    void follow(std::uint64_t rid, const routing::rid_decision& decision);
    void wait_for_turn(std::uint64_t rid, microseconds delay);
    void forward(std::uint64_t rid);
    void on_written(std::uint64_t rid, std::uint64_t turn);
    void on_answer(std::uint64_t rid, const answer& what);
    [[nodiscard]] bool on_refusal(std::uint64_t rid);
    void on_break(std::uint64_t rid, routing::node_failure how);
    void check_overtaken(std::uint64_t rid);
    void fail(std::uint64_t rid);
    void hand_down(std::uint64_t rid);
    void pump();
    void keep(std::uint64_t rid, const answer& what);

    schedule& when_;
    const proxy_settings& with_;
    routing::rid_window window_;
    open_link open_;
    std::map<std::uint64_t, exchange> live_;
    std::map<std::uint64_t, answer> kept_;
    proxy_counts counts_;
    std::uint64_t turn_ = 0;
    bool stopped_ = false;
};

} // namespace boshgate::sim
