#include "proxy/exchange.hpp"

#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/log.hpp"

#include <algorithm>

namespace boshgate::proxy {

using routing::reason;

namespace {

constexpr std::uint8_t links_tried_max = 4; // for one exchange: addresses of the node, and one repeat

std::string_view text_of(routing::method verb) noexcept {
    switch (verb) {
    case routing::method::get:
        return "GET";
    case routing::method::head:
        return "HEAD";
    case routing::method::post:
        return "POST";
    case routing::method::options:
        return "OPTIONS";
    case routing::method::other:
        break;
    }
    return "-";
}

void open_link(exchange& x) {
    const reason why = link::open(*x.home, x);
    if (why != reason::none) {
        exchange_link_failed(x, why, false, false);
    }
}

} // namespace

exchange& exchange_pool::take() {
    if (free_.empty()) {
        return *std::make_unique<exchange>().release();
    }
    exchange& x = *free_.back().release();
    free_.pop_back();
    return x;
}

void exchange_pool::give_back(exchange& done) noexcept {
    std::unique_ptr<exchange> owned(&done);
    std::string path = std::move(done.path);
    path.clear(); // keeps its memory
    done = exchange{};
    done.path = std::move(path);
    if (free_.size() < kept_max) {
        free_.push_back(std::move(owned));
    }
}

exchange& exchange_begin(core& home) {
    exchange& x = home.exchanges.take();
    x.home = &home;
    x.settings = home.settings;
    x.begun_us = home.loop.now_us();
    home.counters.exchanges.add();
    return x;
}

void exchange_finish(exchange& x, int status, reason why) {
    core& home = *x.home;
    home.counters.ended[static_cast<std::size_t>(why)].add();
    home.counters.request_bytes.add(x.request_bytes);
    home.counters.answer_bytes.add(x.answer_bytes);
    if (home.log.enabled()) {
        using std::chrono::microseconds;
        const microseconds total{home.loop.now_us() - x.begun_us};
        home.log.write({
            .time = std::chrono::system_clock::now() - total,
            .client = x.client,
            .client_port = x.client_port,
            .method = text_of(x.verb),
            .path = x.path,
            .node = x.for_node ? std::string_view(x.settings->nodes[x.node].name) : std::string_view(),
            .tls = x.tls,
            .status = status,
            .why = why,
            .request_bytes = x.request_bytes,
            .answer_bytes = x.answer_bytes,
            .total = total,
            .node_time = microseconds{x.sent_us == 0 ? 0 : x.answered_us - x.sent_us},
            .session = x.session,
            .rid = x.rid,
            .repeats = x.repeats,
            .core = home.index,
        });
    }
    home.exchanges.give_back(x);
}

void exchange_start(exchange& x) {
    core& home = *x.home;
    home.counters.held.add();
    x.for_node = true;
    ++x.attempts;
    if (link* idle = link::take_idle(home, x.node); idle != nullptr) {
        idle->serve(x);
        return;
    }
    open_link(x);
}

void exchange_abandon(exchange& x) {
    x.sink = nullptr;
    if (x.streaming && x.via != nullptr) {
        x.via->abandon();
        x.via = nullptr;
        x.home->counters.held.subtract();
        exchange_finish(x, 0, reason::client_closed);
    }
}

void exchange_resume(exchange& x) {
    if (x.via != nullptr) {
        x.via->resume();
    }
}

void exchange_link_failed(exchange& x, reason why, bool sent, bool reused) {
    core& home = *x.home;
    if (!x.streaming && x.attempts < links_tried_max) {
        // Nothing was sent: another address of the same node may do. An idle link that broke before a byte of the answer
        // came: the node had closed it, most likely before it saw the request; and a rid makes a second sight harmless
        // (bosh.md 2.2, rows A and B).
        const bool other_address = !sent && x.attempts < home.nodes[x.node].addresses.size();
        const bool stale_link = sent && reused && (why == reason::node_closed || why == reason::node_reset);
        if (other_address || stale_link) {
            ++x.attempts;
            if (stale_link) {
                ++x.repeats;
                home.counters.repeats.add();
            }
            open_link(x);
            return;
        }
    }
    home.counters.held.subtract();
    x.answered_us = home.loop.now_us();
    log_limited(log_topic::node_answer, "node " + x.settings->nodes[x.node].name + ": " + std::string(routing::name_of(why)) +
                                            " (" + std::string(routing::words_of(why)) + "), " + (sent ? "request sent" : "nothing sent") +
                                            ", links tried: " + std::to_string(x.attempts));
    if (x.sink == nullptr) {
        exchange_finish(x, 0, why);
    } else if (x.streaming) {
        x.sink->on_answer_cut(x, why);
    } else {
        x.sink->on_failure(x, why);
    }
}

void exchange_stream_ended(exchange& x) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    x.sink->on_answer_end(x);
}

void exchange_answered(exchange& x, const routing::answer_head& head, std::string_view body) {
    x.home->counters.held.subtract();
    x.answered_us = x.home->loop.now_us();
    if (x.sink == nullptr) {
        exchange_finish(x, 0, reason::client_closed);
    } else {
        x.sink->on_answer(x, head, body);
    }
}

} // namespace boshgate::proxy
