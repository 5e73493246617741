// How a link reads answers: in one piece, gathered, or streamed. link.cpp has the rest.

#include "proxy/link.hpp"

#include "proxy/core.hpp"
#include "proxy/exchange.hpp"

#include <algorithm>
#include <utility>

namespace boshgate::proxy {

using routing::framing;
using routing::read_state;
using routing::reason;

namespace {

constexpr std::uint8_t interim_max =
    8; // 1xx heads before an answer; a node that sends more talks nonsense

routing::head_limits limits_of(const conf::limits& limits) noexcept {
    return {.bytes = limits.answer_head_bytes, .target = 0, .fields = limits.answer_fields};
}

} // namespace

void link::on_readable(bool hung_up) {
    for (int reads = 0; !paused_; ++reads) {
        if (reads == reads_at_once) {
            core_.loop.again(*this);
            return;
        }
        const read_outcome got = transport_.read(*core_.buffers);
        if (phase_ == phase::handshaking) {
            if (transport_.handshake() == handshake_state::failed ||
                got.state == io_state::broken) {
                handshake_failed();
                return;
            }
            if (transport_.handshake() == handshake_state::done) {
                stands();
                if (phase_ == phase::closed) {
                    return;
                }
            }
        }
        if (!got.data.empty()) {
            on_bytes(got.data);
            if (phase_ == phase::closed) {
                return;
            }
        }
        if (got.state != io_state::open) {
            on_end(got.state == io_state::broken);
            return;
        }
        if (got.drained && (!hung_up || got.wire == 0)) {
            return;
        }
    }
}

void link::on_bytes(std::string_view bytes) {
    if (phase_ != phase::busy) {
        close(); // a node that talks without being asked
    } else if (partial_) {
        take_more(bytes);
    } else {
        read_head(bytes);
    }
}

void link::on_end(bool broken) {
    if (phase_ == phase::idle) {
        close();
        return;
    }
    if (phase_ == phase::handshaking) {
        handshake_failed();
        return;
    }
    if (phase_ != phase::busy) {
        fail(reason::node_unreachable);
        return;
    }
    if (!partial_) {
        fail(broken ? reason::node_reset : reason::node_closed);
        return;
    }
    if (!broken && transport_.said_goodbye() && partial_->head != 0 &&
        partial_->body_framing == framing::until_close) {
        if (partial_->streaming) {
            finish_stream(false);
        } else {
            complete_gathered(false);
        }
        return;
    }
    fail(reason::node_truncated);
}

void link::read_head(std::string_view bytes) {
    const routing::head_limits limits = limits_of(settings_->config.limits);
    while (true) {
        const routing::read_result head =
            routing::read_answer_head(bytes, limits, false, core_.answer);
        if (head.state == read_state::refused) {
            fail(head.why);
            return;
        }
        if (head.state == read_state::partial) {
            partial_ = std::make_unique<partial>();
            partial_->raw.assign(bytes);
            return;
        }
        if (core_.answer.status >= 200) {
            begin_body(bytes, head.consumed);
            return;
        }
        // 1xx: not the answer yet. 101 would be a change of protocol that nobody has asked for.
        if (core_.answer.status == 101 || ++interim_ > interim_max) {
            fail(reason::node_bad_answer);
            return;
        }
        bytes.remove_prefix(head.consumed);
        if (bytes.empty()) {
            return;
        }
    }
}

void link::begin_body(std::string_view bytes, std::size_t head_bytes) {
    const routing::answer_head& head = core_.answer;
    const std::string_view body = bytes.substr(head_bytes);
    const std::uint64_t length = head.body == framing::none ? 0 : head.content_length;
    if ((head.body == framing::none || head.body == framing::length) && body.size() >= length) {
        if (body.size() > length) {
            fail(reason::node_bad_answer); // bytes that nobody has asked for: which of them are the
                                           // answer?
            return;
        }
        complete(head, body, head.keep_alive);
    } else {
        gather(bytes, head_bytes);
    }
}

// gather begins an answer that is not complete yet.
void link::gather(std::string_view bytes, std::size_t head_bytes) {
    partial_ = std::make_unique<partial>();
    partial& answer = *partial_;
    answer.head = head_bytes;
    answer.body_framing = core_.answer.body;
    answer.keep_alive = core_.answer.keep_alive;
    const std::uint64_t length = core_.answer.content_length;
    const std::string_view body = bytes.substr(head_bytes);
    if (answer.body_framing == framing::length &&
        length <= settings_->config.limits.answer_buffer) {
        answer.need = head_bytes + static_cast<std::size_t>(length);
        answer.raw.reserve(answer.need);
        answer.raw.assign(bytes);
        return;
    }
    answer.raw.assign(bytes.substr(0, head_bytes));
    if (answer.body_framing == framing::chunked) {
        answer.chunks.emplace(settings_->config.limits.chunk_overhead);
    } else if (answer.body_framing == framing::length) {
        answer.left = length;
        if (!start_streaming()) {
            return;
        }
    }
    if (!body.empty()) {
        take_more(body);
    }
}

void link::take_more(std::string_view bytes) {
    partial& answer = *partial_;
    if (answer.head == 0) {
        answer.raw.append(bytes);
        const std::string raw = std::move(answer.raw);
        partial_.reset();
        read_head(raw);
    } else if (answer.body_framing == framing::chunked) {
        take_chunks(bytes);
    } else if (answer.streaming && answer.body_framing == framing::length) {
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>(answer.left, bytes.size()));
        answer.left -= count;
        const bool last = answer.left == 0;
        stream(bytes.substr(0, count));
        if (last && phase_ == phase::busy) {
            finish_stream(answer.keep_alive && count == bytes.size());
        }
    } else if (answer.streaming) {
        stream(bytes);
    } else if (answer.body_framing == framing::length) {
        answer.raw.append(bytes);
        if (answer.raw.size() > answer.need) {
            fail(reason::node_bad_answer);
        } else if (answer.raw.size() == answer.need) {
            complete_gathered(answer.keep_alive);
        }
    } else {
        answer.body.append(bytes);
        if (answer.body.size() > settings_->config.limits.answer_buffer && start_streaming()) {
            stream(std::exchange(answer.body, {}));
        }
    }
}

void link::take_chunks(std::string_view bytes) {
    partial& answer = *partial_;
    while (true) {
        const routing::chunked_reader::step step = answer.chunks->next(bytes);
        bytes.remove_prefix(step.consumed);
        if (step.state == read_state::refused) {
            fail(reason::node_bad_answer);
            return;
        }
        if (!step.data.empty() && answer.streaming) {
            stream(step.data);
        } else if (!step.data.empty()) {
            answer.body.append(step.data);
            if (answer.body.size() > settings_->config.limits.answer_buffer) {
                if (!start_streaming()) {
                    return;
                }
                stream(std::exchange(answer.body, {}));
            }
        }
        if (phase_ != phase::busy) {
            return; // the sink has gone
        }
        if (step.state == read_state::complete) {
            if (answer.streaming) {
                finish_stream(answer.keep_alive && bytes.empty());
            } else if (bytes.empty()) {
                complete_gathered(answer.keep_alive);
            } else {
                fail(reason::node_bad_answer);
            }
            return;
        }
        if (step.consumed == 0) {
            return;
        }
    }
}

// reread_head reads the kept head again: the core's answer_head has served others since.
bool link::reread_head() {
    const routing::read_result head =
        routing::read_answer_head(std::string_view(partial_->raw).substr(0, partial_->head),
                                  limits_of(settings_->config.limits), false, core_.answer);
    return head.state == read_state::complete;
}

// start_streaming passes the head on, unless the start tag of the body is to be looked at first.
// False: the exchange has ended.
bool link::start_streaming() {
    if (exchange_->sink == nullptr || !reread_head()) {
        fail(exchange_->sink == nullptr ? reason::client_closed : reason::node_bad_answer);
        return false;
    }
    const bool coded = core_.answer.find(routing::field_id::content_encoding) != nullptr;
    if (exchange_->bosh && (core_.answer.status != 200 || (coded && exchange_->tagged))) {
        fail(reason::node_not_bosh); // a page too large to be looked at; or what cannot be read
        return false;
    }
    if (exchange_->doubt && exchange_->doubt->asked_before) {
        fail(reason::node_bad_answer); // to another question than the client's, and not for it
        return false;
    }
    partial_->streaming = true;
    core_.counters.streamed.add();
    core_.shared.nodes.heard(core_, node_, core_.loop.steady_ms());
    if (exchange_->bosh && !is_own(*exchange_) && !coded) {
        partial_->starting = true;
        return true;
    }
    return pass_head();
}

bool link::pass_head() {
    exchange_->streaming = true;
    exchange_->sink->on_answer_head(*exchange_, core_.answer);
    return phase_ == phase::busy;
}

// take_start gathers the start tag of a streamed <body/>. When that is complete it passes the head
// on, and returns the bytes that go down as the first ones. nullopt: more is needed, or the
// exchange has ended.
std::optional<std::string_view> link::take_start(std::string_view data) {
    std::string& start = partial_->start;
    start.append(data);
    std::string_view shown;
    const std::optional<reason> read = exchange_read_start(*exchange_, start, shown);
    if (!read) {
        return std::nullopt;
    }
    const reason why = *read != reason::none        ? *read
                       : exchange_->sink == nullptr ? reason::client_closed
                       : !reread_head()             ? reason::node_bad_answer
                                                    : reason::none;
    if (why != reason::none) {
        fail(why);
        return std::nullopt;
    }
    partial_->starting = false;
    if (core_.answer.body == framing::length) {
        core_.answer.content_length += shown.size() - start.size();
    }
    return pass_head() ? std::optional(shown) : std::nullopt;
}

void link::stream(std::string_view data) {
    // A streamed answer may take any time in all, as long as it moves.
    if (data.empty() || phase_ != phase::busy || !arm_answer()) {
        return;
    }
    if (partial_->starting) {
        const std::optional<std::string_view> first = take_start(data);
        if (!first) {
            return;
        }
        data = *first;
    }
    if (!exchange_->sink->on_answer_data(*exchange_, data)) {
        paused_ = true;
    }
}

void link::resume() {
    if (phase_ == phase::busy && paused_) {
        paused_ = false;
        on_readable(true); // what came meanwhile raised its edge already
    }
}

void link::complete(const routing::answer_head& head, std::string_view body, bool reusable) {
    core_.shared.nodes.heard(core_, node_, core_.loop.steady_ms());
    const std::unique_ptr<partial> kept = std::move(partial_); // `head` and `body` may lie in it
    exchange& x = *exchange_;
    exchange_ = nullptr;
    x.via = nullptr;
    release(reusable && !transport_.blocked());
    exchange_answered(x, head, body);
}

void link::complete_gathered(bool reusable) {
    if (!reread_head()) {
        fail(reason::node_bad_answer);
        return;
    }
    const partial& answer = *partial_;
    const std::string_view body =
        answer.body_framing == framing::length
            ? std::string_view(answer.raw).substr(answer.head, answer.need - answer.head)
            : std::string_view(answer.body);
    complete(core_.answer, body, reusable);
}

void link::finish_stream(bool reusable) {
    if (partial_->starting) {
        fail(reason::node_not_bosh); // no start tag, up to the end
        return;
    }
    exchange& x = *exchange_;
    exchange_ = nullptr;
    x.via = nullptr;
    release(reusable && !transport_.blocked());
    exchange_stream_ended(x);
}

} // namespace boshgate::proxy
