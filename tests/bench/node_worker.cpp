#include "node_worker.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::size_t max_request = 4 << 20; // bytes, head and body
constexpr std::size_t sid_length = 16;       // 8 hex digits of the slot, 8 more
constexpr std::uint64_t listener_tag = ~std::uint64_t{0};
constexpr std::uint64_t inbox_tag = listener_tag - 1;

std::string answer_text(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nCache-Control: no-store\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// The numeric attribute `name` of the <body/>, or `otherwise`.
std::uint64_t asked(std::string_view body, std::string_view name, std::uint64_t otherwise) {
    const std::string_view text = attribute(body, name);
    std::uint64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    return end.ec == std::errc{} ? value : otherwise;
}

// Sixteen hex digits: the slot, and the slot scrambled, so that sids differ in more than one place.
void write_sid(char* to, std::uint32_t slot) {
    const std::uint64_t both = std::uint64_t{slot} << 32 | slot * 2654435761U;
    for (unsigned i = 0; i < sid_length; ++i) {
        to[i] = "0123456789abcdef"[both >> (60 - 4 * i) & 15];
    }
}

} // namespace

worker::worker(shared_state& shared, std::uint8_t number, int listener)
    : shared_(shared),
      number_(number),
      listener_(listener),
      inbox_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    poll_.add(listener_, listener_tag);
    poll_.add(inbox_event_, inbox_tag);
    build_answers();
}

void worker::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(inbox_event_, &one, sizeof one);
}

void worker::release_all() {
    release_all_.store(true);
    wake();
}

void worker::build_answers() {
    const std::string sid(sid_length, '0');
    const std::string open = "<body xmlns='http://jabber.org/protocol/httpbind' sid='" + sid + "'";
    const std::string head = open +
                             "><message xmlns='jabber:client' from='romeo@example.com/orchard' "
                             "to='juliet@example.com' type='chat' id='b1'><body>";
    const std::string tail = "</body></message></body>";
    std::string text = head;
    const std::size_t least = head.size() + tail.size();
    if (shared_.opt.answer_bytes > least) {
        text.append(shared_.opt.answer_bytes - least, 'x');
    }
    with_payload_ = answer_text(text + tail);
    empty_ = answer_text(open + "/>");
    page_ =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 62\r\n\r\n"
        "<!doctype html><title>BOSH</title><p>This is a BOSH endpoint.\n";
    with_payload_sid_ = with_payload_.find("sid='") + 5;
    empty_sid_ = empty_.find("sid='") + 5;
}

void worker::run() {
    std::array<epoll_event, 256> events{};
    next_expiry_ = now_ns() + 1'000'000'000;
    while (!shared_.stopping.load(std::memory_order_relaxed)) {
        const int count = poll_.wait(events.data(), static_cast<int>(events.size()), 1'000'000'000);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
            if (tag == listener_tag) {
                accept_some();
            } else if (tag == inbox_tag) {
                read_inbox();
            } else {
                on_event(static_cast<std::uint32_t>(tag),
                         events[static_cast<std::size_t>(i)].events);
            }
        }
        if (release_all_.exchange(false)) {
            expire(0, true);
        }
        if (const std::int64_t now = now_ns(); now >= next_expiry_) {
            next_expiry_ = now + 1'000'000'000;
            expire(now, false);
        }
    }
}

void worker::accept_some() {
    for (int i = 0; i < 64; ++i) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::uint32_t index = 0;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(connections_.size());
            connections_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        SSL* ssl = nullptr;
        if (shared_.tls != nullptr) {
            ssl = SSL_new(shared_.tls);
            SSL_set_fd(ssl, fd);
            SSL_set_accept_state(ssl);
        }
        connection& made = connections_[index];
        made.index = index;
        made.io = stream(fd, ssl);
        made.handshaking = ssl != nullptr;
        poll_.add(fd, index);
        shared_.count.connections.fetch_add(1, std::memory_order_relaxed);
    }
}

void worker::on_event(std::uint32_t index, std::uint32_t events) {
    connection& it = connections_[index];
    if (!it.io.open()) {
        return;
    }
    if (it.handshaking) {
        const progress result = it.io.handshake();
        if (result == progress::blocked) {
            return;
        }
        if (result != progress::done) {
            drop(index);
            return;
        }
        it.handshaking = false;
    }
    if ((events & EPOLLOUT) != 0 && !it.out.empty()) {
        std::string rest;
        rest.swap(it.out);
        send(it, rest);
    }
    if (!read_some(index)) {
        drop(index);
    }
}

// Returns false when the connection is over.
bool worker::read_some(std::uint32_t index) {
    connection& it = connections_[index];
    for (;;) {
        std::size_t got = 0;
        const progress result = it.io.read(buffer_.data(), buffer_.size(), got);
        if (result == progress::blocked) {
            return true;
        }
        if (result != progress::done) {
            return false;
        }
        const std::string_view fresh(buffer_.data(), got);
        if (it.in.empty()) {
            const std::size_t used = serve(index, fresh);
            it.in.assign(fresh.substr(used));
        } else {
            it.in.append(fresh);
            it.in.erase(0, serve(index, it.in));
        }
        if (it.in.size() > max_request) {
            return false;
        }
        if (!it.io.buffered() && got < buffer_.size()) {
            return true;
        }
    }
}

// Serves the requests that are whole in `bytes`; returns how many bytes they took.
std::size_t worker::serve(std::uint32_t index, std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && !connections_[index].is_held) {
        const http_message request = frame(bytes.substr(used));
        if (request.is == http_message::state::incomplete) {
            break;
        }
        if (request.is == http_message::state::malformed || !handle(index, request)) {
            shared_.count.bad_requests.fetch_add(1, std::memory_order_relaxed);
            send(connections_[index], "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        if (request.is == http_message::state::malformed) {
            return bytes.size();
        }
        used += request.size;
    }
    return used;
}

bool worker::handle(std::uint32_t index, const http_message& request) {
    connection& from = connections_[index];
    shared_.count.requests.fetch_add(1, std::memory_order_relaxed);
    if (request.start_line.starts_with("GET ")) {
        send(from, page_);
        return true;
    }
    const std::string_view body = request.body;
    if (!request.start_line.starts_with("POST ") || !body.starts_with("<body ")) {
        return false;
    }
    const std::string_view sid = attribute(body, "sid");
    if (sid.empty()) {
        create_session(from, body);
        return true;
    }
    std::uint32_t slot = 0;
    if (sid.size() != sid_length ||
        std::from_chars(sid.data(), sid.data() + 8, slot, 16).ptr != sid.data() + 8 ||
        slot >= max_sessions) {
        return false;
    }
    node_session& of = shared_.sessions[slot];
    check_rid(of, body);
    const std::size_t tag_end = body.find('>');
    const bool is_empty = body[tag_end - 1] == '/' || body.substr(tag_end + 1) == "</body>";
    if (!of.may_hold.load(std::memory_order_relaxed)) {
        answer(from, slot, !is_empty);
        return true;
    }
    const holder self{number_, index, from.use};
    if (is_empty) {
        hold(index, slot);
        if (const std::uint64_t before = of.held.exchange(self.packed()); before != 0) {
            answer_holder(before, false);
        }
        return true;
    }
    std::uint64_t before = of.held.load();
    if (before == 0) {
        answer(from, slot, true);
        return true;
    }
    hold(index, slot);
    before = of.held.exchange(self.packed());
    if (before != 0) {
        answer_holder(before, true);
    } else if (std::uint64_t mine = self.packed(); of.held.compare_exchange_strong(mine, 0)) {
        answer_held(index, true); // the held poll ended between the look and the exchange
    }
    return true;
}

void worker::create_session(connection& to, std::string_view body) {
    const std::uint32_t slot = shared_.next_session.fetch_add(1) % max_sessions;
    node_session& made = shared_.sessions[slot];
    const auto wait = static_cast<unsigned>(std::min(asked(body, "wait", 60), std::uint64_t{255}));
    const auto holds = static_cast<unsigned>(std::min(asked(body, "hold", 1), std::uint64_t{1}));
    made.wait_s.store(static_cast<std::uint16_t>(wait));
    made.may_hold.store(holds > 0);
    made.held.store(0);
    made.last_rid.store(asked(body, "rid", 0));
    shared_.count.sessions.fetch_add(1, std::memory_order_relaxed);

    std::string sid(sid_length, '0');
    write_sid(sid.data(), slot);
    std::array<char, 512> text{};
    const int length = std::snprintf(
        text.data(), text.size(),
        "<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' "
        "xmlns:stream='http://etherx.jabber.org/streams' sid='%s' wait='%u' requests='%u' "
        "hold='%u' inactivity='60' polling='5' ver='1.11' xmpp:version='1.0' from='example.com'>"
        "<stream:features/></body>",
        sid.c_str(), wait, holds + 1, holds);
    send(to, answer_text({text.data(), static_cast<std::size_t>(length)}));
}

void worker::check_rid(node_session& of, std::string_view body) {
    const std::uint64_t rid = asked(body, "rid", 0);
    const std::uint64_t last = of.last_rid.exchange(rid);
    if (rid == last || rid > last + 2 || rid + 2 < last) {
        shared_.count.rid_faults.fetch_add(1, std::memory_order_relaxed);
    }
}

void worker::hold(std::uint32_t index, std::uint32_t session_index) {
    connection& it = connections_[index];
    const auto wait = shared_.sessions[session_index].wait_s.load(std::memory_order_relaxed);
    it.is_held = true;
    it.held_session = session_index;
    it.held_until = now_ns() + std::int64_t{wait} * 1'000'000'000;
    shared_.count.held.fetch_add(1, std::memory_order_relaxed);
}

void worker::answer_holder(std::uint64_t packed, bool with_payload) {
    const holder to = holder::unpacked(packed);
    if (to.thread != number_) {
        (*all)[to.thread - 1U]->post({to, with_payload});
    } else if (connections_[to.index].use == to.use && connections_[to.index].is_held) {
        answer_held(to.index, with_payload);
    }
}

void worker::answer_held(std::uint32_t index, bool with_payload) {
    connection& it = connections_[index];
    it.is_held = false;
    shared_.count.held.fetch_sub(1, std::memory_order_relaxed);
    answer(it, it.held_session, with_payload);
    if (!it.in.empty()) { // pipelined behind the poll
        it.in.erase(0, serve(index, it.in));
    }
}

void worker::answer(connection& to, std::uint32_t session_index, bool with_payload) {
    std::string& text = with_payload ? with_payload_ : empty_;
    write_sid(text.data() + (with_payload ? with_payload_sid_ : empty_sid_), session_index);
    send(to, text);
}

void worker::send(connection& to, std::string_view bytes) {
    if (!to.out.empty()) {
        to.out.append(bytes);
        return;
    }
    std::size_t put = 0;
    const bool rest = to.io.write(bytes.data(), bytes.size(), put) == progress::blocked;
    if (rest) {
        to.out.assign(bytes.substr(put));
    }
    if (rest != to.wants_write) {
        to.wants_write = rest;
        poll_.change(to.io.fd(), to.index, rest ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

void worker::drop(std::uint32_t index) {
    connection& it = connections_[index];
    if (it.is_held) {
        it.is_held = false;
        shared_.count.held.fetch_sub(1, std::memory_order_relaxed);
        std::uint64_t mine = holder{number_, index, it.use}.packed();
        shared_.sessions[it.held_session].held.compare_exchange_strong(mine, 0);
    }
    const std::uint32_t use = it.use + 1;
    it = connection{};
    it.use = use;
    it.index = index;
    free_.push_back(index);
    shared_.count.connections.fetch_sub(1, std::memory_order_relaxed);
}

void worker::post(message what) {
    {
        const std::lock_guard guard(inbox_lock_);
        inbox_.push_back(what);
    }
    wake();
}

void worker::read_inbox() {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t got = ::read(inbox_event_, &ignored, sizeof ignored);
    std::vector<message> taken;
    {
        const std::lock_guard guard(inbox_lock_);
        taken.swap(inbox_);
    }
    for (const message& each : taken) {
        const connection& to = connections_[each.to.index];
        if (to.use == each.to.use && to.is_held) {
            answer_held(each.to.index, each.with_payload);
        }
    }
}

// Answers the held polls whose wait is over, or all of them.
void worker::expire(std::int64_t now, bool everything) {
    for (connection& it : connections_) {
        if (!it.is_held || (!everything && now < it.held_until)) {
            continue;
        }
        std::uint64_t mine = holder{number_, it.index, it.use}.packed();
        // Whoever takes the session's slot answers; if it is taken, a message is on its way.
        if (shared_.sessions[it.held_session].held.compare_exchange_strong(mine, 0)) {
            answer_held(it.index, everything);
        }
    }
}

} // namespace bench
