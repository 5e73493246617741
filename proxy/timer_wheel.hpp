#pragma once
// Deadlines of one core: a hashed wheel with coarse ticks and intrusive timers, so that a held poll
// needs no allocation and no system call for its deadline.
//
// Moving a deadline further away, which happens on every exchange, only stores the new time: the
// timer stays where it is linked, and is linked anew when its old slot comes up. Only the core that
// owns the wheel may touch it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace boshgate::proxy {

class timer_wheel;

// Whatever has one deadline derives from this. Destroying it takes it off the wheel.
class timed {
  public:
    timed() = default;
    timed(const timed&) = delete;
    timed& operator=(const timed&) = delete;

    // Called once when the deadline has passed; the timer is then unset. May set it again, and may
    // destroy *this.
    virtual void on_deadline() = 0;

    virtual ~timed() { unlink(); }

  private:
    friend class timer_wheel;
    static constexpr std::uint32_t never = 0xffffffff;

    void unlink() noexcept;

    timed* next_ = nullptr; // nullptr: not linked
    timed* previous_ = nullptr;
    std::uint32_t due_ = never;       // tick
    std::uint32_t linked_at_ = never; // tick of the slot it is linked in
};

class timer_wheel {
  public:
    using milliseconds = std::chrono::milliseconds;
    static constexpr milliseconds tick{25}; // deadlines are met at most this much late, never early
    static constexpr std::size_t slots = 4096; // 102 s; longer deadlines go round

    timer_wheel() noexcept;
    ~timer_wheel();
    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;

    // set gives `what` a deadline `delay` after `now`; `now` is time since the wheel's own zero.
    void set(timed& what, milliseconds now, milliseconds delay) noexcept;
    // unset takes the deadline away.
    void unset(timed& what) noexcept { what.due_ = timed::never; }

    // advance calls on_deadline of everything that is due at `now`.
    void advance(milliseconds now);

    // sleep says how long a core may sleep from `now` before it must call advance: -1 when no timer
    // is linked.
    [[nodiscard]] int sleep(milliseconds now) const noexcept;

  private:
    struct anchor final : timed {
        void on_deadline() override {}
    };

    [[nodiscard]] static std::uint32_t ticks_of(milliseconds time) noexcept {
        return static_cast<std::uint32_t>(time / tick);
    }
    void link(timed& what, std::uint32_t at) noexcept;
    void run_slot(std::size_t index, std::uint32_t upto);

    std::array<anchor, slots> slots_;
    std::array<std::uint64_t, slots / 64>
        occupied_{};         // a bit may stay set for a slot that has emptied since
    std::uint32_t done_ = 0; // all ticks up to this one were run
};

} // namespace boshgate::proxy
