#include "proxy/link.hpp"

#include "proxy/core.hpp"
#include "proxy/exchange.hpp"
#include "proxy/log.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// How a link comes to stand, ends, and goes back to the pool. link_answer.cpp reads answers.

namespace boshgate::proxy {

using routing::reason;

namespace {

// Nodes answer in order. An answer that a newer one has overtaken is some milliseconds away, or
// lost with a link that died without a word.
constexpr std::chrono::milliseconds overtaken_patience{250};

// Over how long a time the polls of a dead node end: their clients come back at once.
constexpr std::chrono::milliseconds spread_of_freed{250};

reason reason_of_connect(int error) noexcept {
    switch (error) {
    case ECONNREFUSED:
        return reason::node_refused;
    case ETIMEDOUT:
        return reason::node_connect_timeout;
    default:
        return reason::node_unreachable;
    }
}

// A held poll is silent in both directions: only the kernel can find out that the node's machine
// has gone without a word. After 10 s it asks every 5 s.
void watch_silence(int descriptor) noexcept {
    constexpr int on = 1;
    constexpr int idle_s = 10;
    constexpr int interval_s = 5;
    constexpr int probes = 3;
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    // And what was sent must be acknowledged in time: a link may swallow without a word.
    constexpr unsigned swallowed_ms = 5'000;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &swallowed_ms, sizeof swallowed_ms);
}

} // namespace

link::link(core& home, exchange& x, int descriptor)
    : core_(home),
      exchange_(&x),
      settings_(home.settings), // where the node is now; the exchange may be older
      transport_(descriptor),
      node_(x.node),
      generation_(home.nodes[x.node].generation) {
    core_.links.add(*this);
    core_.counters.links.add();
    core_.counters.links_opened.add();
    x.via = this;
}

link::~link() {
    core_.links.remove(*this);
    core_.counters.links.subtract();
    core_.shared.links[node_].fetch_sub(1, std::memory_order_relaxed);
}

reason link::open(core& home, exchange& x) {
    node_links& node = home.nodes[x.node];
    if (node.addresses.empty()) {
        return reason::node_unresolved;
    }
    std::atomic<std::uint32_t>& open_links = home.shared.links[x.node];
    if (open_links.fetch_add(1, std::memory_order_relaxed) >=
        x.settings->config.limits.links_per_node) {
        open_links.fetch_sub(1, std::memory_order_relaxed);
        return reason::node_links;
    }
    const std::size_t which = node.next_address % node.addresses.size();
    const socket_address& address = node.addresses[which];
    const int descriptor =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        open_links.fetch_sub(1, std::memory_order_relaxed);
        log_limited(log_topic::descriptors, {},
                    "no socket for a link to a node: " + std::string(std::strerror(errno)));
        return reason::descriptors;
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch_silence(descriptor);
    std::unique_ptr<link> made(new link(home, x, descriptor));
    made->address_ = static_cast<std::uint16_t>(which);
    // Registered before connect: the edge that says "connected" must not be missed.
    const bool watched = home.loop.watch(descriptor, *made);
    const int result =
        watched ? ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage),
                            address.size)
                : -1;
    if (!watched || (result != 0 && errno != EINPROGRESS)) {
        const reason why = watched ? reason_of_connect(errno) : reason::descriptors;
        node.next_address = which + 1;
        x.via = nullptr;
        made->transport_.close(*home.buffers, false);
        made->phase_ = phase::closed;
        home.loop.retire(std::move(made)); // the set may hold an event for it already
        return why;
    }
    home.loop.set(*made, settings_of(x).timeouts.connect);
    made.release(); // lives until close()
    return reason::none;
}

link* link::take_idle(core& home, routing::node_index node) {
    std::vector<link*>& idle = home.nodes[node].idle;
    if (idle.empty()) {
        return nullptr;
    }
    link* one = idle.back();
    idle.pop_back();
    return one;
}

void link::on_ready(std::uint32_t events) {
    if (phase_ == phase::closed) {
        return;
    }
    if (phase_ == phase::connecting) {
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) {
            return;
        }
        on_connected();
        if (phase_ == phase::closed || phase_ == phase::connecting) {
            return;
        }
    }
    if ((events & EPOLLOUT) != 0 && transport_.blocked()) {
        if (!transport_.flush()) {
            fail(reason::node_reset);
            return;
        }
        if (phase_ == phase::busy && !transport_.blocked()) {
            if (!arm_answer()) {
                return;
            }
            exchange_written(*exchange_);
        }
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        on_readable((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    }
}

void link::on_connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(transport_.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
        // EPOLLOUT and EPOLLHUP come once before connect() was called; then the socket has no peer
        // yet.
        sockaddr_storage peer;
        socklen_t peer_size = sizeof peer;
        if (::getpeername(transport_.descriptor(), reinterpret_cast<sockaddr*>(&peer),
                          &peer_size) != 0) {
            return;
        }
        start_handshake();
        return;
    }
    core_.nodes[node_].next_address = address_ + 1U;
    fail(reason_of_connect(error));
}

// The link stands: whatever was thought of the node, it takes connections.
void link::stands() {
    core_.shared.nodes.link_stands(core_, node_);
    if (transport_.ssl() != nullptr) {
        core_.shared.nodes.certificate_seen(core_, node_, certificate_expires(transport_.ssl()));
    }
    if (asks_links(*exchange_)) {
        only_stood();
        return;
    }
    if (!exchange_may_write(*exchange_)) {
        exchange_ = nullptr;
        release(true);
        return;
    }
    write_request();
}

// The question was whether it would.
void link::only_stood() {
    exchange& x = *exchange_;
    exchange_ = nullptr;
    x.via = nullptr;
    close();
    core_.counters.held.subtract();
    x.sink->on_answer_end(x); // a prober lives as long as its core
}

void link::start_handshake() {
    const node_tls_context* tls = settings_->nodes[node_].tls.get();
    if (tls == nullptr || exchange_->purpose == exchange_purpose::question_tcp) {
        stands();
        return;
    }
    phase_ = phase::handshaking;
    SSL* ssl = SSL_new(tls->context());
    if (ssl == nullptr || !tls->prepare(ssl, !exchange_->fresh_link)) {
        SSL_free(ssl);
        fail(reason::node_tls_failed);
        return;
    }
    SSL_set_connect_state(ssl);
    transport_.start_tls(ssl, *core_.buffers);
    if (transport_.begin_handshake(*core_.buffers) == io_state::broken) {
        handshake_failed();
    }
}

void link::handshake_failed() {
    const node_entry& node = settings_->nodes[node_];
    const std::string because = node.tls->verdict(transport_.ssl());
    const std::string error = handshake_failure();
    node.tls->forget_session();
    core_.nodes[node_].handshake_failed_because = because.empty() ? error : because;
    log_limited(log_topic::node_tls, node.name,
                "node " + node.name +
                    ": TLS handshake failed: " + (because.empty() ? error : because));
    fail(because.empty() ? reason::node_tls_failed : reason::node_certificate);
}

void link::serve(exchange& x) {
    exchange_ = &x;
    x.via = this;
    core_.counters.links_reused.add();
    write_request();
}

void link::write_request() {
    phase_ = phase::busy;
    interim_ = 0;
    sent_ = true;
    if (!busy_ && !is_question(*exchange_)) {
        busy_ = true;
        core_.nodes[node_].busy.add();
    }
    exchange_->sent_us = core_.loop.now_us();
    if (!transport_.write(*core_.buffers, exchange_->request.view())) {
        // Reported from the event that follows (or the deadline): the caller may stand in the
        // middle of something.
        core_.loop.set(*this, std::chrono::milliseconds{0});
        return;
    }
    if (transport_.blocked()) {
        core_.loop.set(*this, settings_of(*exchange_).timeouts.node_write);
    } else if (arm_answer()) {
        exchange_written(*exchange_);
    }
}

// arm_answer sets the deadline of the answer. False: it is over already, and the exchange has ended
// (a node that took longer to read the request than its session waits).
bool link::arm_answer() {
    const std::chrono::milliseconds patience = exchange_patience(*exchange_);
    if (patience.count() == 0) {
        fail(reason::node_answer_timeout);
        return false;
    }
    core_.loop.set(*this, patience);
    return true;
}

void link::hurry() {
    if (phase_ == phase::busy && !hurried_ && !transport_.blocked() && !partial_) {
        hurried_ = true;
        core_.loop.set(*this, overtaken_patience);
    }
}

void link::node_died(routing::node_index node, reason why) {
    if (node_ == node && phase_ == phase::busy) {
        doom_ = why;
        // A number from the descriptor spreads well enough, and the same run gives the same one.
        core_.loop.set(*this, std::chrono::milliseconds{(transport_.descriptor() * 37) %
                                                        spread_of_freed.count()});
    }
}

void link::on_deadline() {
    switch (phase_) {
    case phase::connecting:
        core_.nodes[node_].next_address = address_ + 1U;
        fail(reason::node_connect_timeout);
        break;
    case phase::handshaking:
        fail(reason::node_connect_timeout);
        break;
    case phase::busy:
        if (doom_ != reason::none) {
            fail(doom_);
        } else if (hurried_) {
            fail(reason::node_truncated); // the node had it: what is missing is the answer
        } else if (transport_.blocked()) {
            fail(reason::node_write_timeout);
        } else if (paused_) {
            arm_answer(); // the client is slow, not the node; the client has a deadline of its own
        } else if (transport_.broken()) {
            fail(reason::node_reset);
        } else if (exchange_->streaming) {
            fail(reason::node_answer_timeout); // each piece had armed it anew
        } else {
            arm_answer(); // or the end, when there is no patience left
        }
        break;
    case phase::idle:
    case phase::closed:
        close();
        break;
    }
}

// release hands the link back after an answer: to the pool, or closes it. The exchange is already
// taken off.
void link::release(bool reusable) {
    not_busy();
    partial_.reset();
    paused_ = false;
    hurried_ = false;
    doom_ = reason::none; // it has answered
    reused_ = true;
    sent_ = false;
    if (!reusable || core_.draining || generation_ != core_.nodes[node_].generation) {
        close();
        return;
    }
    phase_ = phase::idle;
    settings_changed();
    core_.nodes[node_].idle.push_back(this);
    core_.loop.set(*this, settings_->config.timeouts.link_idle);
}

void link::fail(reason why) {
    exchange* x = exchange_;
    exchange_ = nullptr;
    const bool sent = sent_;
    const bool reused = reused_;
    close();
    if (x != nullptr) {
        x->via = nullptr;
        exchange_link_failed(*x, why, sent, reused);
    }
}

void link::abandon() {
    exchange_ = nullptr;
    close();
}

void link::end() {
    if (exchange* x = std::exchange(exchange_, nullptr); x != nullptr) {
        x->via = nullptr;
        exchange_end(*x);
    }
    close();
}

void link::close_if_idle() {
    if (phase_ == phase::idle) {
        close();
    }
}

void link::settings_changed() {
    if (phase_ == phase::idle && settings_ != core_.settings) {
        settings_ = core_.settings;
    }
}

void link::not_busy() noexcept {
    if (std::exchange(busy_, false)) {
        core_.nodes[node_].busy.subtract();
    }
}

void link::close() {
    if (phase_ == phase::closed) {
        return;
    }
    not_busy();
    if (phase_ == phase::idle) {
        std::erase(core_.nodes[node_].idle, this);
    }
    const bool politely = phase_ == phase::idle || phase_ == phase::busy;
    phase_ = phase::closed;
    core_.loop.unset(*this);
    core_.loop.forget(*this);
    transport_.close(*core_.buffers, politely);
    core_.loop.retire(std::unique_ptr<ready_handler>(this));
}

} // namespace boshgate::proxy
