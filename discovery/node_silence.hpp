#pragma once
// Whether a node that holds requests and says nothing is alive: when to ask it, and when to take it
// for dead. A quiet long poll is never a sign of sickness; only questions that a node leaves
// unanswered are.
//
//     word (any answer)  -> alive, nothing is asked for `interval`
//     silence, with requests held -> ask
//     `fall` questions in a row without an answer -> dead; asked on, until a word comes
//
// Pure: times are milliseconds of any steady clock.

#include <chrono>
#include <cstdint>

namespace boshgate::discovery {

struct silence_rules {
    std::chrono::milliseconds interval{1000}; // 0: never ask
    unsigned fall = 2;
};

class node_silence {
  public:
    enum class action : std::uint8_t {
        wait, // ask again at on_time after `interval`
        ask,  // send a question; on_answer or on_no_answer follows
    };
    enum class change : std::uint8_t { none, died, revived };

    // It is time to look: has the node spoken lately, does it hold requests?
    [[nodiscard]] action on_time(std::int64_t now_ms, std::int64_t last_word_ms, bool holds,
                                 const silence_rules& rules) noexcept;
    // The question was answered, whatever the answer says.
    [[nodiscard]] change on_answer() noexcept;
    // It was not.
    [[nodiscard]] change on_no_answer(const silence_rules& rules) noexcept;

    [[nodiscard]] bool dead() const noexcept { return dead_; }

  private:
    unsigned unanswered_ = 0;
    bool asking_ = false;
    bool dead_ = false;
};

} // namespace boshgate::discovery
