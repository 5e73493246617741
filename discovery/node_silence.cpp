#include "discovery/node_silence.hpp"

namespace boshgate::discovery {

node_silence::action node_silence::on_time(std::int64_t now_ms, std::int64_t last_word_ms,
                                           bool holds, const silence_rules& rules) noexcept {
    if (asking_ || rules.interval.count() == 0) {
        return action::wait;
    }
    // A dead node is asked whatever it holds: only an answer brings it back.
    const bool silent = now_ms - last_word_ms >= rules.interval.count();
    if (!dead_ && (!holds || !silent)) {
        unanswered_ = 0; // it spoke to somebody
        return action::wait;
    }
    asking_ = true;
    return action::ask;
}

node_silence::change node_silence::on_answer() noexcept {
    asking_ = false;
    unanswered_ = 0;
    if (!dead_) {
        return change::none;
    }
    dead_ = false;
    return change::revived;
}

node_silence::change node_silence::on_no_answer(const silence_rules& rules) noexcept {
    asking_ = false;
    if (dead_ || ++unanswered_ < rules.fall) {
        return change::none;
    }
    dead_ = true;
    return change::died;
}

} // namespace boshgate::discovery
