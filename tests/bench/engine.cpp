#include "engine.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::uint64_t control_tag = ~std::uint64_t{0};
constexpr std::uint32_t set_up_at_once = 128; // connections; a listen queue holds that easily
constexpr std::int64_t request_deadline = 20'000'000'000; // ns; a held poll is not timed
constexpr std::int64_t drain_deadline = 5'000'000'000;    // ns, for the last answers of the traffic
constexpr std::size_t max_backlog = 100'000;
constexpr std::uint64_t max_errors = 10'000; // then the run ends: something is broken
constexpr std::int64_t second = 1'000'000'000;

int ticket_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

} // namespace

engine::engine(const load_options& opt)
    : opt_(opt), traffic_(opt.host, opt.body_least, opt.body_most, random_source(opt.seed)) {
    if (opt_.tls) {
        tls_ = tls_context(TLS_client_method());
        SSL_CTX_set_session_cache_mode(tls_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls_, keep_ticket);
    }
    const unsigned traffic_connections =
        opt_.mode == load_mode::mixed ? opt_.connections * 2 : opt_.connections;
    opt_.sessions = opt_.mode == load_mode::mixed ? opt_.connections
                                                  : std::max(opt_.sessions, opt_.connections);
    sessions_.resize(opt_.sessions + opt_.parked);
    for (std::uint32_t i = 0; i < traffic_connections + opt_.parked; ++i) {
        connection& made = connections_.emplace_back();
        made.index = i;
        made.parked = i >= traffic_connections;
        if (made.parked) {
            made.session = opt_.sessions + i - traffic_connections;
        } else {
            made.session = opt_.mode == load_mode::mixed ? i / 2 : i;
        }
        made.path = opt_.path;
        if (opt_.nodes > 1) {
            made.path += std::to_string(made.session % opt_.nodes + 1);
        }
    }
    if (opt_.controlled) {
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        if (!poll_.add(STDIN_FILENO, control_tag)) {
            die("--controlled needs a pipe as standard input");
        }
    }
}

engine::~engine() {
    for (connection& it : connections_) {
        it.io.close();
        if (it.ticket != nullptr) {
            SSL_SESSION_free(it.ticket);
        }
    }
    SSL_CTX_free(tls_);
}

// OpenSSL's callback for each ticket: the newest one is kept. Returns 1 when it took the reference.
int engine::keep_ticket(SSL* ssl, SSL_SESSION* session) {
    auto* const of = static_cast<connection*>(SSL_get_ex_data(ssl, ticket_slot()));
    if (of->ticket != nullptr) {
        SSL_SESSION_free(of->ticket);
    }
    of->ticket = session;
    return 1;
}

void engine::open(connection& it) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket");
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    if (opt_.sources > 1) {
        // The port is chosen at connect, where it need only be unique together with the target.
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + it.index % opt_.sources);
        bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
    at.sin_port = htons(opt_.port);
    inet_pton(AF_INET, opt_.address.c_str(), &at.sin_addr);
    SSL* ssl = nullptr;
    if (opt_.tls) {
        ssl = SSL_new(tls_);
        SSL_set_fd(ssl, fd);
        SSL_set_connect_state(ssl);
        // SSL_set_tlsext_host_name, without its old-style cast
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, opt_.host.data());
        SSL_set_ex_data(ssl, ticket_slot(), &it);
        if (opt_.resume && it.ticket != nullptr) {
            SSL_set_session(ssl, it.ticket);
        }
    }
    it.io = stream(fd, ssl);
    it.in.clear();
    it.out.clear();
    it.is = phase::connecting;
    it.sent = now_ns();
    if (connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 &&
        errno != EINPROGRESS) {
        it.events = 0;
        fail(it, "connect");
        return;
    }
    it.events = EPOLLOUT;
    poll_.add(fd, it.index, it.events);
}

void engine::watch(connection& it, std::uint32_t events) {
    if (it.events != events) {
        it.events = events;
        poll_.change(it.io.fd(), it.index, events);
    }
}

void engine::on_event(connection& it, std::uint32_t events) {
    if (!it.io.open()) {
        return;
    }
    if (it.is == phase::connecting) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(it.io.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            fail(it, "connect");
            return;
        }
        it.is = phase::handshaking;
    }
    if (it.is == phase::handshaking) {
        const progress result = it.io.handshake();
        if (result == progress::blocked) {
            watch(it, EPOLLIN);
        } else if (result == progress::done) {
            watch(it, EPOLLIN);
            on_connected(it);
        } else {
            fail(it, "handshake");
        }
        return;
    }
    if ((events & EPOLLOUT) != 0 && !it.out.empty()) {
        std::string rest;
        rest.swap(it.out);
        write(it, rest);
    }
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && it.io.open()) {
        read_answer(it);
    }
}

void engine::on_connected(connection& it) {
    it.is = phase::idle;
    if (!it.ready) {
        advance_set_up(it);
    } else if (running_ && opt_.mode == load_mode::churn) {
        result_.handshakes += opt_.tls ? 1U : 0U;
        result_.resumed += opt_.tls && SSL_session_reused(it.io.ssl()) == 1 ? 1U : 0U;
        start_request(it, it.started);
    }
}

void engine::read_answer(connection& it) {
    for (;;) {
        std::size_t got = 0;
        const progress result = it.io.read(buffer_.data(), buffer_.size(), got);
        if (result == progress::blocked) {
            return;
        }
        if (result != progress::done) {
            const bool waiting = it.is == phase::waiting;
            fail(it, !waiting                     ? "closed_idle"
                     : result == progress::closed ? "closed_before_answer"
                                                  : "reset_before_answer");
            return;
        }
        const std::string_view fresh(buffer_.data(), got);
        if (!it.in.empty()) {
            it.in.append(fresh);
        }
        const std::string_view bytes = it.in.empty() ? fresh : std::string_view(it.in);
        const http_message answer = frame(bytes);
        if (answer.is == http_message::state::malformed || it.is != phase::waiting) {
            fail(it, it.is == phase::waiting ? "framing" : "unasked_answer");
            return;
        }
        if (answer.is == http_message::state::complete) {
            if (answer.size != bytes.size()) {
                fail(it, "framing");
            } else {
                on_answer(it, answer);
            }
            return;
        }
        if (it.in.empty()) {
            it.in.assign(fresh);
        }
        if (got < buffer_.size() && !it.io.buffered()) {
            return;
        }
    }
}

// Whether the answer is what the session must get; if not, the connection has failed.
bool engine::judge(connection& it, const http_message& answer) {
    bosh_session& of = sessions_[it.session];
    const std::string_view status =
        answer.start_line.size() > 12 ? answer.start_line.substr(9, 3) : std::string_view("none");
    if (status != "200") {
        fail(it, "status_" + std::string(status));
        return false;
    }
    if (!answer.body.starts_with("<body")) {
        fail(it, "not_bosh");
        return false;
    }
    const std::string_view sid = attribute(answer.body, "sid");
    if (!of.open) {
        if (sid.size() != sid_bytes) {
            fail(it, "no_sid");
            return false;
        }
        std::memcpy(of.sid.data(), sid.data(), sid_bytes);
        of.open = true;
    } else if (sid != of.sid_view()) {
        fail(it, attribute(answer.body, "type") == "terminate" ? "terminated" : "wrong_sid");
        return false;
    }
    return true;
}

void engine::on_answer(connection& it, const http_message& answer) {
    const bool was_open = sessions_[it.session].open;
    if (!judge(it, answer)) {
        return;
    }
    it.in.clear();
    it.is = phase::idle;
    if (!it.ready) {
        it.warmed += was_open ? 1U : 0U;
        advance_set_up(it);
        return;
    }
    if (it.parked) {
        ++result_.park_answered;
        it.polling = false;
        return;
    }
    --outstanding_;
    if (running_) {
        // In mode mixed the answer comes on the connection that held; what was sent last, on the
        // other one, is what it answers.
        last_answer_ = now_ns();
        result_.latency.add(last_answer_ - it.started);
        ++result_.answered;
    }
    continue_traffic(it);
}

std::uint32_t engine::next_session(const connection& it, std::uint32_t after) const {
    if (it.parked || opt_.mode == load_mode::mixed) {
        return it.session;
    }
    const std::uint32_t next = after + opt_.connections;
    return next < opt_.sessions ? next : it.index;
}

// Opens the connection's sessions one by one, then warms up, then reports it ready.
void engine::advance_set_up(connection& it) {
    const bool second_of_pair = opt_.mode == load_mode::mixed && !it.parked && it.index % 2 == 1;
    if (second_of_pair) { // its session is opened by the first of the pair
        set_up_done(it);
        return;
    }
    if (sessions_[it.session].open && it.warmed == 0) {
        const std::uint32_t next = next_session(it, it.session);
        it.session = next;
    }
    bosh_session& of = sessions_[it.session];
    it.sent = now_ns();
    it.is = phase::waiting;
    if (!of.open) {
        traffic_.create(scratch_, it.path, of, opt_.wait_s);
        write(it, scratch_);
    } else if (it.warmed < (it.parked ? 2U : opt_.warmup)) {
        traffic_.send(scratch_, it.path, of);
        write(it, scratch_);
    } else if (it.parked) {
        it.polling = true;
        traffic_.poll(scratch_, it.path, of);
        set_up_done(it);
        ++result_.parked;
        write(it, scratch_);
    } else {
        it.is = phase::idle;
        set_up_done(it);
    }
}

void engine::set_up_done(connection& it) {
    it.ready = true;
    ++ready_;
    --setting_up_;
    if (it.is == phase::idle && running_) { // opened anew in the middle of the traffic
        continue_traffic(it);
    }
}

void engine::start_request(connection& it, std::int64_t started) {
    it.session = next_session(it, it.session);
    it.started = started;
    it.sent = now_ns();
    it.is = phase::waiting;
    ++issued_;
    ++outstanding_;
    traffic_.send(scratch_, it.path, sessions_[it.session]);
    write(it, scratch_);
}

void engine::write(connection& it, const std::string& bytes) {
    std::size_t put = 0;
    const progress result = it.io.write(bytes.data(), bytes.size(), put);
    if (result == progress::blocked) {
        it.out.assign(bytes, put);
    } else if (result != progress::done) {
        fail(it, "write");
        return;
    }
    watch(it, it.out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

// What a connection does once it is free again.
void engine::continue_traffic(connection& it) {
    if (!running_ || stopping_) {
        return;
    }
    const std::int64_t now = now_ns();
    if (now >= traffic_end_ || (opt_.requests != 0 && issued_ >= opt_.requests)) {
        stopping_ = true;
        return;
    }
    switch (opt_.mode) {
    case load_mode::closed:
        start_request(it, now);
        break;
    case load_mode::rate:
        if (backlog_.empty()) {
            free_.push_back(it.index);
        } else {
            const std::int64_t due = backlog_.front();
            backlog_.pop_front();
            start_request(it, due);
        }
        break;
    case load_mode::churn:
        next_churn(it);
        break;
    case load_mode::mixed: {
        connection& other = connections_[it.index ^ 1U];
        start_request(it, now);
        other.started = now; // the held one gets the answer
        break;
    }
    }
}

void engine::next_churn(connection& it) {
    it.io.close(true);
    it.started = now_ns();
    open(it);
}

void engine::fail(connection& it, const std::string& kind) {
    std::uint64_t& count = result_.errors[kind];
    ++count;
    it.io.close();
    it.in.clear();
    it.out.clear();
    if (it.parked && it.ready) {
        it.is = phase::closed; // a lost poll stays lost: it is what the figure is about
        return;
    }
    if (it.ready) {
        --ready_;
        ++setting_up_;
        outstanding_ -= it.is == phase::waiting ? 1U : 0U;
    }
    it.is = phase::closed;
    it.ready = false;
    it.warmed = 0;
    sessions_[it.session].open = false;
    if (count > max_errors) {
        result_.in_time = false;
        stopping_ = true;
    }
    // Opened anew at the next turn, not here: a refused connect would recurse.
}

// Opens connections that are closed: all of them at first, failed ones later.
void engine::open_more() {
    while (setting_up_ < set_up_at_once && opened_ < connections_.size()) {
        connection& it = connections_[opened_++];
        ++setting_up_;
        open(it);
    }
}

void engine::time_out(std::int64_t now) {
    for (connection& it : connections_) {
        const bool lost = it.is != phase::idle && it.is != phase::closed && !it.polling &&
                          now - it.sent > request_deadline;
        if (lost) {
            fail(it, "timeout");
        }
        // A broken pair of mode mixed stays down: its two requests in flight cannot be put right.
        const bool reopen = !(running_ && (stopping_ || opt_.mode == load_mode::mixed));
        if (it.is == phase::closed && !it.ready && it.index < opened_ && reopen) {
            open(it);
        }
    }
}

void engine::emit_due(std::int64_t now) {
    const auto step = static_cast<std::int64_t>(static_cast<double>(second) / opt_.rate);
    while (next_due_ <= now && !stopping_) {
        if (now >= traffic_end_ || (opt_.requests != 0 && issued_ >= opt_.requests)) {
            stopping_ = true;
            return;
        }
        if (!free_.empty()) {
            connection& it = connections_[free_.front()];
            free_.pop_front();
            if (it.is == phase::idle && it.ready) {
                start_request(it, next_due_);
                next_due_ += step;
            }
            continue;
        }
        if (backlog_.size() >= max_backlog) {
            ++result_.errors["overload"];
        } else {
            backlog_.push_back(next_due_);
            result_.backlog = std::max(result_.backlog, backlog_.size());
        }
        next_due_ += step;
    }
}

void engine::read_control() {
    std::array<char, 256> bytes{};
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got > 0) {
        control_.append(bytes.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
        control_ended_ = true;
    }
}

// One round of the loop. Returns whether anything happened.
bool engine::turn(std::int64_t timeout_ns) {
    std::array<epoll_event, 256> events{};
    const int count = poll_.wait(events.data(), static_cast<int>(events.size()), timeout_ns);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        if (events[i].data.u64 == control_tag) {
            read_control();
        } else {
            on_event(connections_[events[i].data.u64], events[i].events);
        }
    }
    open_more();
    const std::int64_t now = now_ns();
    if (now >= next_time_out_check_) {
        next_time_out_check_ = now + second / 10;
        time_out(now);
    }
    return count > 0;
}

bool engine::until(const std::function<bool()>& done, const char* stage) {
    const std::int64_t deadline = now_ns() + std::int64_t{opt_.deadline_s} * second;
    while (!done()) {
        if (now_ns() > deadline || !result_.in_time) {
            ++result_.errors[std::string("deadline_") + stage];
            result_.in_time = false;
            return false;
        }
        turn(second / 10);
    }
    return true;
}

void engine::set_up() {
    until([this] { return ready_ == connections_.size(); }, "set_up");
}

bool engine::wait_for(const std::string& word) {
    bool seen = false;
    until(
        [&] {
            const std::size_t end = control_.find('\n');
            if (end == std::string::npos) {
                return control_ended_;
            }
            seen = control_.substr(0, end) == word;
            control_.erase(0, end + 1);
            return seen;
        },
        word.c_str());
    return seen;
}

// One connection of each pair polls; from then on each answer frees the other one.
void engine::start_mixed() {
    for (std::uint32_t i = 0; i < opt_.connections; ++i) {
        connection& first = connections_[2 * i];
        first.is = phase::waiting;
        first.polling = true;
        first.sent = now_ns();
        ++outstanding_;
        traffic_.poll(scratch_, first.path, sessions_[first.session]);
        write(first, scratch_);
        connection& other = connections_[2 * i + 1];
        other.polling = true; // whichever of the two holds may do so for long
        first.started = now_ns();
        start_request(other, first.started);
    }
}

void engine::run_traffic() {
    if (opt_.connections == 0 || !result_.in_time) {
        return;
    }
    const std::int64_t begin = now_ns();
    traffic_end_ = begin + static_cast<std::int64_t>(opt_.seconds * static_cast<double>(second));
    next_due_ = begin;
    running_ = true;
    if (opt_.mode == load_mode::mixed) {
        start_mixed();
    } else {
        for (connection& it : connections_) {
            if (!it.parked && it.is == phase::idle) {
                continue_traffic(it);
            }
        }
    }
    const std::int64_t hard_end = traffic_end_ + drain_deadline;
    const std::uint32_t held = opt_.mode == load_mode::mixed ? opt_.connections : 0;
    for (std::int64_t now = begin; !stopping_ || outstanding_ > held; now = now_ns()) {
        if (now >= traffic_end_) {
            stopping_ = true;
        }
        if (now >= hard_end) {
            result_.errors["unanswered"] += outstanding_ - held;
            break;
        }
        std::int64_t timeout = second / 10;
        if (opt_.mode == load_mode::rate && !stopping_) {
            emit_due(now);
            timeout = std::clamp<std::int64_t>(next_due_ - now_ns(), 0, timeout);
        }
        turn(timeout);
    }
    running_ = false;
    result_.elapsed_s =
        static_cast<double>(std::max(last_answer_, begin) - begin) / static_cast<double>(second);
}

void engine::await_parked() {
    const auto lost = [this] {
        unsigned count = 0;
        for (const connection& it : connections_) {
            count += it.parked && it.is == phase::closed ? 1U : 0U;
        }
        return count;
    };
    until([&] { return result_.park_answered + lost() >= result_.parked; }, "release");
}

} // namespace bench
