#pragma once
// One exchange over one connection that may break: it carries a request one way and an answer the
// other way, or not. What happens to it is rolled when it starts. Both ends hear of a break each in
// its own time, or never.

#include "routing/repeat_rules.hpp"
#include "tests/sim/messages.hpp"
#include "tests/sim/schedule.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace boshgate::sim {

// In a thousand exchanges; the rest goes well.
struct fault_rates {
    unsigned refused = 0;       // no connection
    unsigned lost_request = 0;  // taken by the kernel, never read by the other side; broken at once
    unsigned cut_early = 0;     // broken within milliseconds after the request arrived
    unsigned cut_held = 0;      // broken while the other side holds the request
    unsigned lost_answer = 0;   // broken within the answer
    unsigned silent_before = 0; // swallows everything from the beginning
    unsigned silent_after = 0;  // swallows the answer
    unsigned stalled = 0;       // arrives up to three seconds late
    // In a thousand broken ones: the answering side hears of it up to two seconds late, or never.
    unsigned late = 0;
    unsigned unaware = 0;
};

class wire : public std::enable_shared_from_this<wire> {
  public:
    struct asker {
        std::function<void()> written;
        std::function<void(const answer&)> answered;
        std::function<void(routing::node_failure)> broken;
    };
    struct answerer {
        std::function<void(const std::shared_ptr<wire>&, const request&)> asked;
        std::function<void(const std::shared_ptr<wire>&)> closed;
    };
    struct delays {
        // Shortest and longest way of a message that meets no fault.
        microseconds least = 100;
        microseconds most = 2 * millisecond;
        // When the asking side hears that nothing was acknowledged; 0: never.
        microseconds unacknowledged = 0;
    };

    // `struck` counts the faults that hit; a request is held for `held` at most.
    wire(schedule& when, dice& luck, const fault_rates& faults, std::uint64_t& struck, delays ways,
         microseconds held, asker from, answerer to)
        : when_(when),
          luck_(luck),
          faults_(faults),
          struck_(struck),
          ways_(ways),
          held_(held),
          from_(std::move(from)),
          to_(std::move(to)) {}

    // The asking side sends. Called once.
    void send(const request& what);
    // The answering side answers. An answer after the end goes nowhere.
    void reply(const answer& what);
    // Both sides lose the connection now.
    void cut();
    // Either side closes; the other hears of it.
    void close_by_asker();
    void close_by_answerer();

  private:
    enum class fate : std::uint8_t {
        good,
        refused,
        lost_request,
        cut_early,
        cut_held,
        lost_answer,
        silent_before,
        silent_after,
        stalled
    };
    [[nodiscard]] fate roll();
    [[nodiscard]] microseconds way() { return luck_.between(ways_.least, ways_.most); }
    void arrive(const request& what);
    void cut_after(microseconds delay);
    void break_asker(microseconds delay, routing::node_failure how);
    void break_answerer(microseconds delay);

    schedule& when_;
    dice& luck_;
    const fault_rates& faults_;
    std::uint64_t& struck_;
    delays ways_;
    microseconds held_;
    asker from_;
    answerer to_;
    fate fate_ = fate::good;
    bool reused_ = false;
    bool unaware_ = false;
    bool asker_open_ = true;
    bool answerer_open_ = true;
    bool arrived_ = false;
    bool replied_ = false;
};

} // namespace boshgate::sim
