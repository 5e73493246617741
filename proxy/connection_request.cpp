// How a connection turns bytes into requests: whole in the core's buffer, or gathered in `pending`.

#include "proxy/connection.hpp"

#include "proxy/core.hpp"
#include "proxy/listener.hpp"

#include <algorithm>
#include <utility>

namespace boshgate::proxy {

using routing::framing;
using routing::read_state;
using routing::reason;

namespace {

constexpr std::size_t proxy_header_max =
    4096 + 16; // what routing::read_proxy_header accepts at most

routing::head_limits limits_of(const conf::limits& limits) noexcept {
    return {.bytes = limits.head_bytes, .target = limits.target_bytes, .fields = limits.fields};
}

} // namespace

bool connection::reading() const noexcept {
    return phase_ == phase::idle || phase_ == phase::head || phase_ == phase::body;
}

void connection::on_bytes(std::string_view bytes) {
    switch (phase_) {
    case phase::lingering:
    case phase::closed:
    case phase::handshake:
        return;
    case phase::proxy_header:
        bytes.remove_prefix(read_proxy_header(bytes));
        if (!reading() || bytes.empty()) {
            return;
        }
        break;
    case phase::waiting:
    case phase::sending:
        if (!pending_) {
            pending_ = std::make_unique<pending>();
        }
        pending_->bytes.append(bytes);
        return;
    case phase::idle:
    case phase::head:
    case phase::body:
        break;
    }
    if (pending_ && pending_->chunks) {
        serving_ = true;
        const std::size_t used = take_chunks(bytes);
        serving_ = false;
        bytes.remove_prefix(used);
        if (bytes.empty() || phase_ == phase::closed || phase_ == phase::lingering) {
            return;
        }
    }
    serve(bytes);
}

// read_proxy_header returns how many of the bytes it used up. TLS or HTTP begins behind the header.
std::size_t connection::read_proxy_header(std::string_view bytes) {
    const std::size_t before = pending_ ? pending_->bytes.size() : 0;
    if (pending_) {
        pending_->bytes.append(bytes);
    }
    const routing::proxy_header header =
        routing::read_proxy_header(pending_ ? std::string_view(pending_->bytes) : bytes);
    if (header.state == read_state::partial && before + bytes.size() <= proxy_header_max) {
        if (!pending_) {
            pending_ = std::make_unique<pending>();
            pending_->bytes.assign(bytes);
        }
        return bytes.size();
    }
    pending_.reset();
    if (header.state != read_state::complete) {
        leave(reason::bad_proxy_header);
        return bytes.size();
    }
    if (header.source) {
        peer_ = *header.source;
        port_ = 0;
    }
    const std::size_t used = header.consumed - before;
    start_handshake();
    if (phase_ != phase::handshake || used == bytes.size()) {
        return used;
    }
    // The client's first TLS records came in the same segment. They are moved: the buffer they lie
    // in is the one that records are read into.
    const std::string records(bytes.substr(used));
    const read_outcome got = transport_.take(*core_.buffers, records);
    on_handshake(got.state);
    if (phase_ == phase::idle && !got.data.empty()) {
        const std::string first(got.data);
        serve(first);
    }
    return bytes.size();
}

// serve takes bytes while requests may be read, puts what was kept before them, and keeps what is
// left over.
void connection::serve(std::string_view bytes) {
    std::unique_ptr<pending> kept;
    if (pending_) {
        pending_->bytes.append(bytes);
        const pending& so_far = *pending_;
        const bool whole = so_far.need == 0 || so_far.bytes.size() >= so_far.need;
        // A head only gets further with a line end, or by growing over its limit.
        const bool further = so_far.need != 0 || phase_ != phase::head ||
                             bytes.find('\n') != std::string_view::npos ||
                             so_far.bytes.size() > core_.settings->config.limits.head_bytes;
        if (!whole || !further) {
            return;
        }
        kept = std::move(pending_);
        bytes = kept->bytes;
    }
    serving_ = true;
    const std::size_t used = read_requests(bytes);
    serving_ = false;
    bytes.remove_prefix(used);
    if (bytes.empty() || phase_ == phase::closed || phase_ == phase::lingering) {
        return;
    }
    if (!pending_) {
        pending_ = std::make_unique<pending>();
    }
    if (kept && used == 0) {
        pending_->bytes = std::move(kept->bytes);
    } else {
        pending_->bytes.assign(bytes);
    }
}

void connection::serve_pending() {
    if (pending_ && phase_ == phase::idle) {
        const std::unique_ptr<pending> kept = std::move(pending_);
        serve(kept->bytes);
    }
}

std::size_t connection::read_requests(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && reading()) {
        used += read_one(bytes.substr(used));
    }
    return used;
}

// read_one reads one request from the start of the bytes and has it served. Returns how many bytes
// it used up; what it could not finish is in `pending`.
std::size_t connection::read_one(std::string_view bytes) {
    const conf::config& config = core_.settings->config;
    const routing::read_result head =
        routing::read_request_head(bytes, limits_of(config.limits), core_.request);
    if (head.state == read_state::refused) {
        refuse_unread(head.why, bytes);
        return bytes.size();
    }
    if (head.state == read_state::partial) {
        if (phase_ != phase::head) {
            phase_ = phase::head;
            core_.loop.set(*this, config.timeouts.head);
        }
        pending_ = std::make_unique<pending>();
        pending_->bytes.assign(bytes);
        return bytes.size();
    }
    const routing::request_head& request = core_.request;
    const reason why = judge();
    const std::size_t available = bytes.size() - head.consumed;
    const bool whole = request.body == framing::none ||
                       (request.body == framing::length && request.content_length <= available);
    if (why != reason::none) {
        exchange& x = begin();
        closing_ = closing_ || !whole;
        refuse(x, why);
        return whole
                   ? head.consumed + static_cast<std::size_t>(
                                         request.body == framing::none ? 0 : request.content_length)
                   : bytes.size();
    }
    if (!whole) {
        return await_body(bytes, head.consumed);
    }
    const std::size_t length =
        request.body == framing::none ? 0 : static_cast<std::size_t>(request.content_length);
    dispatch(bytes.substr(head.consumed, length));
    return head.consumed + length;
}

std::size_t connection::await_body(std::string_view bytes, std::size_t head_bytes) {
    const conf::config& config = core_.settings->config;
    const routing::request_head& request = core_.request;
    if (request.expect_continue && !continued_ && bytes.size() == head_bytes) {
        continued_ = true;
        if (!transport_.write(*core_.buffers, "HTTP/1.1 100 Continue\r\n\r\n")) {
            leave(reason::client_closed);
            return bytes.size();
        }
    }
    phase_ = phase::body;
    core_.loop.set(*this, config.timeouts.body);
    pending_ = std::make_unique<pending>();
    pending_->head = head_bytes;
    if (request.body == framing::length) {
        pending_->need = head_bytes + static_cast<std::size_t>(request.content_length);
        pending_->bytes.assign(bytes);
        return bytes.size();
    }
    pending_->bytes.assign(bytes.substr(0, head_bytes));
    pending_->chunks.emplace(config.limits.chunk_overhead);
    return head_bytes + take_chunks(bytes.substr(head_bytes));
}

// take_chunks decodes, and dispatches when the body is complete. Returns how many bytes it used up.
std::size_t connection::take_chunks(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        const routing::chunked_reader::step step = pending_->chunks->next(bytes.substr(used));
        used += step.consumed;
        if (step.state == read_state::refused) {
            refuse_unread(step.why);
            return bytes.size();
        }
        if (pending_->body.size() + step.data.size() > core_.settings->config.limits.body_bytes) {
            refuse_unread(reason::body_limit);
            return bytes.size();
        }
        pending_->body.append(step.data);
        if (step.state == read_state::complete) {
            if (!reread_head()) {
                leave(reason::bad_field); // cannot be: the same bytes were accepted before
                return bytes.size();
            }
            const std::unique_ptr<pending> whole = std::move(pending_);
            const reason why = judge();
            if (why == reason::none) {
                dispatch(whole->body);
            } else {
                refuse(begin(), why);
            }
            return used;
        }
        if (step.consumed == 0) {
            break;
        }
    }
    return used;
}

// reread_head reads the kept head again: the core's request has served other connections since.
bool connection::reread_head() {
    const std::string_view head = std::string_view(pending_->bytes).substr(0, pending_->head);
    return routing::read_request_head(head, limits_of(core_.settings->config.limits), core_.request)
               .state == read_state::complete;
}

// refuse_unread refuses a request of which bytes are missing or unreadable: nothing behind them can
// be trusted, so the connection ends. A script must be able to read this answer too: the CORS
// verdict comes from the head, or from what there is of it.
void connection::refuse_unread(reason why, std::string_view head) {
    closing_ = true;
    if (pending_ && pending_->head != 0 && reread_head()) {
        [[maybe_unused]] const reason judged = judge();
    } else {
        core_.request = {};
        core_.request.keep_alive = false;
        if (const auto origin = routing::origin_of_refused(head)) {
            core_.request.add({routing::field_id::origin, "Origin", *origin});
        }
        cors_ = core_.settings->cors.judge(routing::origin_of(core_.request), {},
                                           transport_.ssl() != nullptr);
        to_node_ = false;
    }
    refuse(begin(), why);
}

} // namespace boshgate::proxy
