#pragma once
// Time and chance of a simulated world: a queue of things to do, in the order of their time, and
// dice that one seed decides. Nothing here reads a clock.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace boshgate::sim {

using microseconds = std::uint64_t;
inline constexpr microseconds millisecond = 1000;
inline constexpr microseconds second = 1'000'000;

class schedule {
  public:
    [[nodiscard]] microseconds now() const noexcept { return now_; }
    [[nodiscard]] std::uint64_t now_ms() const noexcept { return now_ / millisecond; }
    // Steps taken since the beginning.
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    // What happens is printed, to look at one world.
    bool traced = false;
    void say(const char* who, const char* what, std::uint64_t rid) const {
        if (traced) {
            std::printf("%12.3f  %-8s %-12s %llu\n", static_cast<double>(now_) / millisecond, who,
                        what, static_cast<unsigned long long>(rid));
        }
    }

    void after(microseconds delay, std::function<void()> what) {
        queue_.push({now_ + delay, ++count_, std::move(what)});
    }

    // step does what is next, if it is not later than `end`.
    bool step(microseconds end) {
        if (queue_.empty() || queue_.top().when > end) {
            now_ = end;
            return false;
        }
        // The queue gives out const references; what is moved from is popped at once.
        std::function<void()> what = std::move(const_cast<entry&>(queue_.top()).what);
        now_ = queue_.top().when;
        queue_.pop();
        ++steps_;
        what();
        return true;
    }

  private:
    struct entry {
        microseconds when;
        std::uint64_t number; // of equal times the first one asked for comes first
        std::function<void()> what;
        friend bool operator<(const entry& a, const entry& b) {
            return a.when != b.when ? a.when > b.when : a.number > b.number;
        }
    };
    std::priority_queue<entry> queue_;
    microseconds now_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t steps_ = 0;
};

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers with every compiler and library.
class dice {
  public:
    explicit dice(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // 0 .. end - 1
    std::uint64_t below(std::uint64_t end) noexcept { return end == 0 ? 0 : next() % end; }
    std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
        return least + below(most - least + 1);
    }
    bool in_thousand(unsigned chances) noexcept { return below(1000) < chances; }

  private:
    std::uint64_t state_;
};

} // namespace boshgate::sim
