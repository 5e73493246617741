#include "tests/sim/wire.hpp"

namespace boshgate::sim {

using routing::node_failure;

wire::fate wire::roll() {
    std::uint64_t at = luck_.below(1000);
    const auto hit = [&at](unsigned chances) {
        if (at < chances) {
            return true;
        }
        at -= chances;
        return false;
    };
    if (hit(faults_.refused)) {
        return fate::refused;
    }
    if (hit(faults_.lost_request)) {
        return fate::lost_request;
    }
    if (hit(faults_.cut_early)) {
        return fate::cut_early;
    }
    if (hit(faults_.cut_held)) {
        return fate::cut_held;
    }
    if (hit(faults_.lost_answer)) {
        return fate::lost_answer;
    }
    if (hit(faults_.silent_before)) {
        return fate::silent_before;
    }
    if (hit(faults_.silent_after)) {
        return fate::silent_after;
    }
    return hit(faults_.stalled) ? fate::stalled : fate::good;
}

void wire::send(const request& what) {
    fate_ = roll();
    reused_ = luck_.in_thousand(700);
    unaware_ = luck_.in_thousand(faults_.unaware);
    const auto self = shared_from_this();
    const microseconds connect = reused_ ? 0 : 2 * way();
    // Cuts count when they hit.
    if (fate_ != fate::good && fate_ != fate::cut_early && fate_ != fate::cut_held) {
        ++struck_;
    }
    if (fate_ == fate::refused) {
        break_asker(connect, node_failure::not_sent);
        return;
    }
    when_.after(connect, [self, what] {
        if (!self->asker_open_) {
            return;
        }
        // What comes after the request on this connection is decided before the asker is told:
        // it may close the wire at once.
        const auto way = self->way();
        switch (self->fate_) {
        case fate::lost_request:
            self->break_asker(way + self->way(), self->reused_ ? node_failure::idle_closed
                                                               : node_failure::fresh_closed);
            break;
        case fate::silent_before:
            if (self->ways_.unacknowledged != 0) {
                self->break_asker(self->ways_.unacknowledged, node_failure::idle_closed);
            }
            break;
        default: {
            const microseconds late =
                self->fate_ == fate::stalled ? self->luck_.below(3 * second) : 0;
            self->when_.after(way + late, [self, what] { self->arrive(what); });
        }
        }
        if (self->from_.written) {
            self->from_.written();
        }
    });
}

void wire::arrive(const request& what) {
    if (!answerer_open_) {
        return;
    }
    arrived_ = true;
    if (fate_ == fate::cut_early) {
        cut_after(luck_.below(5 * millisecond));
    } else if (fate_ == fate::cut_held) {
        cut_after(luck_.below(held_));
    }
    to_.asked(shared_from_this(), what);
}

void wire::cut_after(microseconds delay) {
    const auto self = shared_from_this();
    when_.after(delay, [self] {
        if (self->replied_) {
            return;
        }
        self->when_.say("wire", "cut", 0);
        ++self->struck_;
        self->break_asker(self->way(),
                          self->reused_ ? node_failure::idle_closed : node_failure::fresh_closed);
        if (!self->unaware_) {
            const bool late = self->luck_.in_thousand(self->faults_.late);
            self->break_answerer(late ? self->luck_.below(2 * second) : self->way());
        }
    });
}

void wire::cut() {
    if (fate_ == fate::good || fate_ == fate::stalled) {
        cut_after(0);
    }
}

void wire::reply(const answer& what) {
    if (!answerer_open_ || replied_) {
        return;
    }
    replied_ = true;
    const auto self = shared_from_this();
    if (fate_ == fate::silent_after || fate_ == fate::silent_before) {
        return;
    }
    if (fate_ == fate::lost_answer) {
        break_asker(way(), node_failure::broke_off);
        return;
    }
    when_.after(way(), [self, what] {
        if (self->asker_open_) {
            self->asker_open_ = false;
            self->from_.answered(what);
        }
    });
}

void wire::break_asker(microseconds delay, routing::node_failure how) {
    const auto self = shared_from_this();
    when_.after(delay, [self, how] {
        if (self->asker_open_) {
            self->asker_open_ = false;
            self->from_.broken(how);
        }
    });
}

void wire::break_answerer(microseconds delay) {
    const auto self = shared_from_this();
    when_.after(delay, [self] {
        if (self->answerer_open_ && !self->replied_) {
            self->answerer_open_ = false;
            self->to_.closed(self);
        }
    });
}

void wire::close_by_asker() {
    if (!asker_open_) {
        return;
    }
    asker_open_ = false;
    const bool swallowed = fate_ == fate::silent_before || fate_ == fate::silent_after || unaware_;
    if (swallowed) {
        return;
    }
    if (!arrived_) {
        // The request may be under way still: then it arrives, and the end after it.
        const auto self = shared_from_this();
        when_.after(4 * ways_.most, [self] { self->break_answerer(0); });
        return;
    }
    break_answerer(way());
}

void wire::close_by_answerer() {
    if (!answerer_open_ || replied_) {
        return;
    }
    answerer_open_ = false;
    replied_ = true;
    if (fate_ != fate::silent_before && fate_ != fate::silent_after) {
        break_asker(way(), node_failure::fresh_closed);
    }
}

} // namespace boshgate::sim
