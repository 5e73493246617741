#include "proxy/connection.hpp"

#include "proxy/bosh_signal.hpp"
#include "proxy/core.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"

#include <chrono>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

// The life of a connection: events in, phases, deadlines, the end. connection_request.cpp reads
// requests, connection_dispatch.cpp decides what is done with them, connection_answer.cpp writes
// answers.

namespace boshgate::proxy {

using routing::reason;

namespace {

// After the last answer of a connection: how long, and how many, bytes to read and drop until the
// client closes too. A close with bytes unread, or that more bytes meet, makes the kernel send a
// reset, which may destroy the answer before the client has read it (RFC 9112 9.6).
constexpr std::chrono::milliseconds linger_time{2000};
constexpr std::uint32_t linger_bytes = 16 * 1024 * 1024;

} // namespace

connection::connection(core& home, const listener& from, int descriptor,
                       const routing::ip_address& peer, std::uint16_t port)
    : core_(home), listener_(&from), transport_(descriptor), peer_(peer), port_(port) {
    core_.connections.add(*this);
    core_.counters.connections.add();
    core_.counters.connections_accepted.add();
}

connection::~connection() {
    if (outgoing_ && outgoing_->file >= 0) {
        ::close(outgoing_->file);
    }
    core_.connections.remove(*this);
    core_.shared.leave_connection();
    core_.counters.connections.subtract();
    if (counted_) {
        core_.shared.connections_of.leave(peer_);
    }
    core_.connection_gone();
}

void connection::open(core& home, const listener& from, int descriptor,
                      const routing::ip_address& peer, std::uint16_t port) {
    std::unique_ptr<connection> made(new connection(home, from, descriptor, peer, port));
    if (!home.loop.watch(descriptor, *made)) {
        log_limited(log_topic::descriptors, {}, "cannot watch a client's socket");
        return;
    }
    made.release()->start(); // lives until close()
}

void connection::start() {
    const conf::config& config = core_.settings->config;
    if (config.listen[listener_->index()].proxy_protocol) {
        phase_ = phase::proxy_header;
        core_.loop.set(*this, config.timeouts.tls_handshake);
        return;
    }
    start_handshake();
}

// start_handshake begins what comes after the peer's address is known: TLS or HTTP.
void connection::start_handshake() {
    const conf::config& config = core_.settings->config;
    if (config.limits.connections_per_address != 0) {
        counted_ = core_.shared.connections_of.enter(peer_, config.limits.connections_per_address);
        if (!counted_) {
            core_.counters.connections_refused.add();
            leave(reason::address_limit);
            return;
        }
    }
    const server_tls* tls = core_.settings->tls[listener_->index()].get();
    if (tls == nullptr) {
        phase_ = phase::idle;
        core_.loop.set(*this, config.timeouts.idle);
        return;
    }
    SSL* ssl = SSL_new(tls->context());
    if (ssl == nullptr) {
        leave(reason::handshake_failed);
        return;
    }
    SSL_set_accept_state(ssl);
    transport_.start_tls(ssl, *core_.buffers);
    // Behind a PROXY header the deadline runs already: one for both, whatever trickles.
    if (std::exchange(phase_, phase::handshake) != phase::proxy_header) {
        core_.loop.set(*this, config.timeouts.tls_handshake);
    }
}

void connection::on_ready(std::uint32_t events) {
    if (phase_ == phase::closed) {
        return;
    }
    if ((events & EPOLLOUT) != 0 && (transport_.blocked() || outgoing_)) {
        on_writable();
    }
    if (phase_ != phase::closed && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        if (unread_ && (events & (EPOLLHUP | EPOLLERR)) != 0) {
            leave(reason::client_closed);
            return;
        }
        on_readable((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    }
}

void connection::on_readable(bool hung_up) {
    for (int reads = 0; phase_ != phase::closed; ++reads) {
        if (reads == reads_at_once) {
            core_.loop.again(*this);
            return;
        }
        if (pending_ && !reading() &&
            pending_->bytes.size() >= core_.settings->config.limits.pipelined_bytes) {
            core_.counters.read_ahead_stops.add(unread_ ? 0 : 1);
            unread_ = true;
            return;
        }
        const read_outcome got = transport_.read(*core_.buffers);
        if (phase_ == phase::handshake) {
            on_handshake(got.state);
        } else if (phase_ == phase::lingering && (lingered_ += got.wire) > linger_bytes) {
            close(false);
        }
        if (phase_ != phase::closed && !got.data.empty()) {
            on_bytes(got.data);
        }
        if (phase_ == phase::closed) {
            return;
        }
        if (got.state == io_state::ended) {
            on_ended();
            return;
        }
        if (got.state == io_state::broken) {
            phase_ == phase::lingering ? close(false) : leave(reason::client_closed);
            return;
        }
        if (got.drained && (!hung_up || got.wire == 0)) {
            return;
        }
    }
}

void connection::on_handshake(io_state state) {
    if (transport_.handshake() == handshake_state::done) {
        core_.counters.handshakes.add();
        if (SSL_session_reused(transport_.ssl()) == 1) {
            core_.counters.handshakes_resumed.add();
        }
        phase_ = phase::idle;
        core_.loop.set(*this, core_.settings->config.timeouts.idle);
    } else if (transport_.handshake() == handshake_state::failed || state != io_state::open) {
        if (log_enabled(conf::log_level::debug)) {
            log_debug("TLS handshake with a client failed: " + last_error());
        }
        leave(reason::handshake_failed);
    }
}

// on_ended: the client has closed its side. It may still wait for the answer to what it sent
// (half-close).
void connection::on_ended() {
    read_ended_ = true;
    switch (phase_) {
    case phase::waiting:
    case phase::sending:
        return;
    case phase::idle:
    case phase::lingering:
    case phase::closed:
        close(true);
        return;
    case phase::proxy_header:
        leave(reason::bad_proxy_header);
        return;
    case phase::handshake:
        leave(reason::handshake_failed);
        return;
    case phase::head:
    case phase::body:
        leave(reason::client_closed); // a request that cannot become whole: nothing of it went
                                      // anywhere
        return;
    }
}

void connection::on_writable() {
    const std::size_t before = transport_.kept_bytes();
    if (!transport_.flush()) {
        leave(reason::client_closed);
        return;
    }
    if (transport_.blocked()) {
        if (transport_.kept_bytes() != before && phase_ == phase::sending) {
            core_.loop.set(*this, core_.settings->config.timeouts.client_write);
        }
        return;
    }
    if (outgoing_ && outgoing_->file >= 0) {
        continue_sending();
    } else if (outgoing_ && exchange_ != nullptr) {
        core_.loop.unset(*this);
        exchange_resume(*exchange_);
    } else if (phase_ == phase::sending) {
        become_idle();
    }
}

// become_idle: an answer is down. What comes next: the end, a request that was read ahead, or
// waiting.
void connection::become_idle() {
    outgoing_.reset();
    // While read_requests is on the stack it holds what was read ahead, not `pending`.
    if (closing_ || core_.draining || (read_ended_ && !pending_ && !serving_)) {
        linger(); // also when all was read: the client may be sending more at this moment
        return;
    }
    phase_ = phase::idle;
    reused_ = true;
    continued_ = false;
    core_.loop.set(*this, core_.settings->config.timeouts.idle);
    if (serving_) {
        return; // read_requests goes on with what it has
    }
    serve_pending();
    if (unread_ && (reading() || phase_ == phase::lingering)) {
        unread_ = false;
        on_readable(true);
    } else if (read_ended_) {
        on_ended(); // nothing more will come to make half a request whole
    }
}

void connection::on_deadline() {
    switch (phase_) {
    case phase::proxy_header:
    case phase::handshake:
        leave(reason::handshake_timeout);
        break;
    case phase::idle:
        core_.counters.ended[static_cast<std::size_t>(reason::idle_timeout)].add();
        close(true);
        break;
    case phase::head:
        refuse_unread(reason::head_timeout,
                      pending_ ? std::string_view(pending_->bytes) : std::string_view());
        break;
    case phase::body:
        refuse_unread(reason::body_timeout);
        break;
    case phase::sending:
        leave(reason::client_write_timeout);
        break;
    case phase::waiting:
    case phase::closed:
        break;
    case phase::lingering:
        close(false);
        break;
    }
}

// leave: the client is gone, or is left without an answer. An exchange that a node still works on
// goes on without us.
void connection::leave(reason why) {
    if (exchange_ == nullptr) {
        core_.counters.ended[static_cast<std::size_t>(why)].add();
    } else {
        const int status = outgoing_ ? outgoing_->status : 0;
        exchange& x = *std::exchange(exchange_, nullptr);
        const bool under_way =
            x.via != nullptr || x.of != nullptr || x.wait != nullptr || x.login != nullptr;
        under_way ? exchange_abandon(x, status, why) : exchange_finish(x, status, why);
    }
    close(false);
}

void connection::linger() {
    if (read_ended_) {
        close(true);
        return;
    }
    pending_.reset();
    transport_.end_writing(*core_.buffers);
    phase_ = phase::lingering;
    core_.loop.set(*this, linger_time);
    if (!serving_) { // else whoever serves reads on
        unread_ = false;
        on_readable(true);
    }
}

void connection::close(bool politely) {
    if (phase_ == phase::closed) {
        return;
    }
    phase_ = phase::closed;
    pending_.reset();
    core_.loop.unset(*this);
    core_.loop.forget(*this);
    transport_.close(*core_.buffers, politely);
    core_.loop.retire(std::unique_ptr<ready_handler>(static_cast<ready_handler*>(this)));
}

void connection::drain() {
    closing_ = true;
    if (phase_ == phase::idle) {
        close(true);
    } else if (phase_ == phase::proxy_header || phase_ == phase::handshake) {
        close(false);
    }
}

void connection::listener_gone(const listener& gone) {
    if (listener_ != &gone) {
        return;
    }
    listener_ = nullptr;
    if (phase_ == phase::proxy_header) { // what comes behind the header, nobody knows any more
        close(false);
    }
}

void connection::cut() {
    if (phase_ == phase::closed) {
        return;
    }
    const std::optional<discovery::failure_signal> told =
        phase_ == phase::waiting && exchange_ != nullptr && exchange_->bosh && !outgoing_
            ? std::optional(signal_of(*exchange_, reason::draining, reused_))
            : std::nullopt;
    if (told && told->form == discovery::signal_form::status) {
        // The exchange is its node's still: only its client is done with.
        compose_refusal(*exchange_, told->status, reason::draining, told->retry_after_s);
        outgoing_ = std::make_unique<outgoing>();
        outgoing_->status = transport_.write(*core_.buffers, core_.out) ? told->status : 0;
    } else {
        transport_.reset();
    }
    leave(reason::draining);
}

} // namespace boshgate::proxy
