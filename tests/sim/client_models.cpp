#include "tests/sim/client_models.hpp"

#include <algorithm>

namespace boshgate::sim {

const char* name_of(client_kind kind) noexcept {
    switch (kind) {
    case client_kind::strophe:
        return "Strophe";
    case client_kind::stanza:
        return "stanza";
    case client_kind::caxl:
        return "CAXL";
    case client_kind::eager:
        return "eager";
    }
    return "";
}

client_model::client_model(schedule& when, settings with)
    : when_(when), with_(std::move(with)), next_(with_.first + 1) {}

void client_model::push(std::uint32_t stanza) {
    out_.push_back(stanza);
    pump();
}

void client_model::pump() {
    const std::size_t most = with_.kind == client_kind::eager ? 3 : 2;
    while (ended_ == nullptr && requests_.size() < most + 1) {
        const std::size_t busy = in_flight();
        if (busy >= most || (out_.empty() && busy != 0)) {
            return;
        }
        pending one;
        one.what.rid = next_++;
        while (!out_.empty() && one.what.payload.size() < 8) {
            one.what.payload.push_back(out_.front());
            out_.pop_front();
        }
        requests_.push_back(std::move(one));
        send(requests_.back());
    }
}

std::size_t client_model::in_flight() const {
    return static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(),
                      [](const pending& one) { return !one.answered && !one.given_up; }));
}

client_model::pending* client_model::find(std::uint64_t rid) {
    const auto found = std::find_if(requests_.begin(), requests_.end(),
                                    [rid](const pending& one) { return one.what.rid == rid; });
    return found == requests_.end() || found->answered || found->given_up ? nullptr : &*found;
}

microseconds client_model::timeout() const {
    if (with_.kind == client_kind::caxl) {
        return with_.wait + 5 * second;
    }
    return with_.wait + with_.wait / 10;
}

void client_model::send(pending& one) {
    const std::uint64_t rid = one.what.rid;
    const std::uint64_t turn = one.turn = ++turn_;
    ++one.sends;
    ++turns_;
    const auto current = [this, rid, turn] {
        const pending* found = find(rid);
        return ended_ == nullptr && found != nullptr && found->turn == turn;
    };
    one.connection = with_.open({
        nullptr,
        [this, rid, current](const answer& what) {
            if (current()) {
                on_answer(rid, what);
            }
        },
        [this, rid, current](routing::node_failure) {
            if (current()) {
                on_failure(rid, false);
            }
        },
    });
    when_.after(timeout(), [this, rid, current] {
        if (current()) {
            on_failure(rid, true);
        }
    });
    one.connection->send(one.what);
}

void client_model::send_later(std::uint64_t rid, microseconds delay) {
    pending* one = find(rid);
    const std::uint64_t turn = one->turn = ++turn_;
    when_.after(delay, [this, rid, turn] {
        pending* found = find(rid);
        if (ended_ == nullptr && found != nullptr && found->turn == turn) {
            send(*found);
        }
    });
}

void client_model::on_answer(std::uint64_t rid, const answer& what) {
    if (what.is == answer::kind::unavailable) {
        on_failure(rid, false);
        return;
    }
    if (what.terminates()) {
        end("terminated");
        return;
    }
    pending& one = *find(rid);
    one.answered = true;
    one.got = what;
    errors_ = 0;
    if (with_.kind == client_kind::strophe) {
        // An answer that overtook says to Strophe that the older request may be lost.
        for (pending& older : requests_) {
            if (older.what.rid < rid && !older.answered) {
                when_.after(with_.wait / 10, [this, old = older.what.rid, turn = older.turn] {
                    const pending* found = find(old);
                    if (ended_ == nullptr && found != nullptr && found->turn == turn) {
                        on_failure(old, true);
                    }
                });
            }
        }
    }
    take_in_order();
    pump();
}

void client_model::take_in_order() {
    while (!requests_.empty() && (requests_.front().answered || requests_.front().given_up)) {
        const pending one = std::move(requests_.front());
        requests_.pop_front();
        for (const std::uint32_t stanza : one.got.payload) {
            with_.take(stanza);
        }
        for (const std::uint32_t stanza : one.got.echoed) {
            with_.echo(stanza);
        }
    }
}

void client_model::on_failure(std::uint64_t rid, bool timed_out) {
    ++failures_;
    pending& one = *find(rid);
    switch (with_.kind) {
    case client_kind::strophe:
    case client_kind::eager:
        strophe_failed(one, timed_out);
        break;
    case client_kind::stanza:
        stanza_failed(one);
        break;
    case client_kind::caxl:
        caxl_failed(one);
        break;
    }
}

// The same rid again: at once, then after sends^3 seconds; five repeats, four errors in a row.
void client_model::strophe_failed(pending& one, bool timed_out) {
    if (!timed_out && ++errors_ > 4) {
        end("gave up: errors in a row");
        return;
    }
    if (one.sends > 5) {
        end("gave up: repeats");
        return;
    }
    if (timed_out) {
        one.connection->close_by_asker();
    }
    const microseconds pause = one.sends == 1 ? 0 : one.sends * one.sends * one.sends * second;
    send_later(one.what.rid, std::min(pause, timeout()));
}

// The same rid again after 0, 4, 9, 16 s; an older copy stays open.
void client_model::stanza_failed(pending& one) {
    if (one.sends >= 5) {
        end("gave up: repeats");
        return;
    }
    const microseconds pause = one.sends == 1 ? 0 : one.sends * one.sends * second;
    send_later(one.what.rid, pause);
}

// The newest request again after 0.5, 2, 4.5 s, whichever failed.
void client_model::caxl_failed(pending& one) {
    if (++errors_ > 3) {
        end("gave up: errors in a row");
        return;
    }
    one.connection->close_by_asker();
    const std::uint64_t newest = requests_.back().what.rid;
    if (newest != one.what.rid && !requests_.back().answered) {
        one.given_up = true;
        ++forgotten_;
        // The newer copy stays open; the browser gives the script whichever ends first.
        when_.after(errors_ * errors_ * 500 * millisecond, [this, newest] {
            pending* found = find(newest);
            if (ended_ == nullptr && found != nullptr) {
                send(*found);
            }
        });
        take_in_order();
        return;
    }
    send_later(one.what.rid, errors_ * errors_ * 500 * millisecond);
}

void client_model::end(const char* why) {
    ended_ = why;
    for (pending& one : requests_) {
        if (one.connection) {
            one.connection->close_by_asker();
        }
    }
    requests_.clear();
}

} // namespace boshgate::sim
