#include "proxy/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace boshgate::proxy {

void timed::unlink() noexcept {
    if (next_ == nullptr) {
        return;
    }
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
    linked_at_ = never;
}

timer_wheel::timer_wheel() noexcept {
    for (anchor& slot : slots_) {
        slot.next_ = slot.previous_ = &slot;
    }
}

timer_wheel::~timer_wheel() {
    for (anchor& slot : slots_) {
        while (slot.next_ != &slot) {
            slot.next_->unlink();
        }
        slot.next_ = slot.previous_ = nullptr;
    }
}

void timer_wheel::link(timed& what, std::uint32_t at) noexcept {
    what.unlink();
    const std::size_t index = at % slots;
    anchor& slot = slots_[index];
    what.previous_ = slot.previous_;
    what.next_ = &slot;
    slot.previous_->next_ = &what;
    slot.previous_ = &what;
    what.linked_at_ = at;
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
}

void timer_wheel::set(timed& what, milliseconds now, milliseconds delay) noexcept {
    // Rounded up, and one more because `now` lies somewhere inside its tick: never early.
    const std::uint32_t due = std::max(ticks_of(now + delay + tick - milliseconds{1}), done_ + 1);
    what.due_ = due;
    if (what.next_ != nullptr && what.linked_at_ <= due) {
        return; // found again when its slot comes up
    }
    link(what, std::min<std::uint32_t>(due, done_ + slots - 1));
}

void timer_wheel::run_slot(std::size_t index, std::uint32_t upto) {
    occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    // A deadline may destroy any other timer of this slot, or link new ones into it: take them one
    // by one from a list of our own.
    anchor mine;
    anchor& slot = slots_[index];
    if (slot.next_ == &slot) {
        return;
    }
    mine.next_ = slot.next_;
    mine.previous_ = slot.previous_;
    mine.next_->previous_ = &mine;
    mine.previous_->next_ = &mine;
    slot.next_ = slot.previous_ = &slot;
    while (mine.next_ != &mine) {
        timed& one = *mine.next_;
        one.unlink();
        if (one.due_ == timed::never) {
            continue;
        }
        if (one.due_ > upto) {
            link(one, std::min<std::uint32_t>(one.due_, upto + slots - 1));
            continue;
        }
        one.due_ = timed::never;
        one.on_deadline();
    }
    mine.next_ = mine.previous_ = nullptr;
}

void timer_wheel::advance(milliseconds now) {
    const std::uint32_t upto = ticks_of(now);
    if (upto <= done_) {
        return;
    }
    // After a long sleep every slot is visited once at most.
    const std::uint32_t first =
        upto - done_ > slots ? upto - static_cast<std::uint32_t>(slots) + 1 : done_ + 1;
    done_ = upto;
    for (std::uint32_t at = first; at <= upto; ++at) {
        const std::size_t index = at % slots;
        if ((occupied_[index / 64] >> (index % 64) & 1) != 0) {
            run_slot(index, upto);
        }
    }
}

int timer_wheel::sleep(milliseconds now) const noexcept {
    const std::size_t start = (done_ + 1) % slots;
    for (std::size_t step = 0; step < slots;) {
        const std::size_t index = (start + step) % slots;
        const std::uint64_t word = occupied_[index / 64] >> (index % 64);
        if (word == 0) {
            step += 64 - index % 64;
            continue;
        }
        step += static_cast<std::size_t>(std::countr_zero(word));
        const milliseconds due =
            tick * (static_cast<std::int64_t>(done_) + 1 + static_cast<std::int64_t>(step));
        return static_cast<int>(std::max<std::int64_t>((due - now).count(), 0));
    }
    return -1;
}

} // namespace boshgate::proxy
