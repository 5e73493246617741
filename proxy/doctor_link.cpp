#include "proxy/doctor_link.hpp"

#include "routing/chunked.hpp"
#include "routing/http_date.hpp"
#include "routing/http_head.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

namespace boshgate::proxy {

using discovery::answer_facts;
using discovery::connect_facts;
using discovery::link_end;
using routing::framing;
using routing::read_state;

namespace {

std::int64_t unix_now() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

link_end end_of(int error) noexcept {
    switch (error) {
    case ECONNREFUSED:
        return link_end::refused;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
        return link_end::unreachable;
    case ETIMEDOUT:
        return link_end::silent;
    case ECONNRESET:
    case EPIPE:
        return link_end::closed;
    default:
        return link_end::failed;
    }
}

} // namespace

std::int64_t ms_since(doctor_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(doctor_clock::now() - start)
        .count();
}

doctor_link::~doctor_link() {
    SSL_free(ssl_);
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

bool doctor_link::wait(short events, doctor_clock::time_point until) const {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - doctor_clock::now() + std::chrono::microseconds{999});
        pollfd one{descriptor_, events, 0};
        const int ready =
            ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

connect_facts doctor_link::connect(const routing::ip_address& address, std::uint16_t port,
                                   doctor_clock::time_point until) {
    const auto start = doctor_clock::now();
    std::array<char, 46> text;
    connect_facts out{.address =
                          std::string(address.print(text)) + " port " + std::to_string(port)};
    const socket_address to = with_port(address, port);
    const auto ended = [&](int error) {
        out.end = error == 0 ? link_end::done : end_of(error);
        out.error = error == 0 ? "" : std::generic_category().message(error);
        out.took_ms = ms_since(start);
        return out;
    };
    descriptor_ = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) {
        return ended(errno);
    }
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) {
        return ended(0);
    }
    if (errno != EINPROGRESS) {
        return ended(errno);
    }
    if (!wait(POLLOUT, until)) {
        return ended(ETIMEDOUT);
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    return ended(error);
}

short doctor_link::wanted_by_tls(int result) const {
    switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        return 0;
    }
}

link_end doctor_link::shake(SSL* ssl, doctor_clock::time_point until, std::string& error) {
    ssl_ = ssl;
    SSL_set_connect_state(ssl_);
    if (SSL_set_fd(ssl_, descriptor_) != 1) {
        error = last_error();
        return link_end::failed;
    }
    for (;;) {
        ERR_clear_error();
        errno = 0;
        const int result = SSL_do_handshake(ssl_);
        if (result == 1) {
            return link_end::done;
        }
        if (const short wanted = wanted_by_tls(result); wanted != 0) {
            if (!wait(wanted, until)) {
                return link_end::silent;
            }
            continue;
        }
        error = handshake_failure();
        const bool ended = errno == ECONNRESET || errno == EPIPE ||
                           error.find("unexpected eof") != std::string::npos;
        return ended || error.empty() ? link_end::closed : link_end::failed;
    }
}

std::size_t doctor_link::write_some(std::string_view bytes, doctor_clock::time_point until,
                                    link_end& why) {
    for (;;) {
        short wanted = POLLOUT;
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int done = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
            if (done > 0) {
                return static_cast<std::size_t>(done);
            }
            wanted = wanted_by_tls(done);
        } else {
            const ssize_t done = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (done > 0) {
                return static_cast<std::size_t>(done);
            }
            wanted = errno == EAGAIN || errno == EINTR ? POLLOUT : short{0};
        }
        if (wanted == 0 || !wait(wanted, until)) {
            why = wanted == 0 ? link_end::closed : link_end::silent;
            return 0;
        }
    }
}

std::size_t doctor_link::read_some(char* into, std::size_t room, doctor_clock::time_point until,
                                   link_end& why) {
    for (;;) {
        short wanted = POLLIN;
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int done = SSL_read(ssl_, into, static_cast<int>(room));
            if (done > 0) {
                return static_cast<std::size_t>(done);
            }
            wanted = wanted_by_tls(done);
        } else {
            const ssize_t done = ::recv(descriptor_, into, room, 0);
            if (done > 0) {
                return static_cast<std::size_t>(done);
            }
            wanted = done < 0 && (errno == EAGAIN || errno == EINTR) ? POLLIN : short{0};
        }
        if (wanted == 0 || !wait(wanted, until)) {
            why = wanted == 0 ? link_end::closed : link_end::silent;
            return 0;
        }
    }
}

// Takes an answer as it comes.
struct doctor_link::answer_reader {
    answer_facts& out;
    std::string input;
    routing::answer_head head;
    routing::chunked_reader chunks{doctor_body_most};
    std::size_t body_at = 0; // where unread bytes of the body begin; 0: the head is not complete

    // Whether it wants nothing more.
    bool take() {
        while (body_at == 0) {
            const routing::read_result read = routing::read_answer_head(
                input, {.bytes = 16 * 1024, .target = 1, .fields = 100}, false, head);
            if (read.state == read_state::partial) {
                return false;
            }
            if (read.state == read_state::refused) {
                out.end = link_end::failed;
                out.error = routing::words_of(read.why);
                out.not_http = !input.starts_with("HTTP/");
                // A record of TLS: handshake or alert, of any version.
                out.tls_alert =
                    input.size() > 1 && (input[0] == 0x15 || input[0] == 0x16) && input[1] == 0x03;
                return true;
            }
            if (head.status < 200) {
                input.erase(0, read.consumed);
                continue;
            }
            take_head();
            body_at = read.consumed;
        }
        return take_body();
    }

    void take_head() {
        out.status = head.status;
        for (const routing::field& one : head.fields()) {
            if (routing::equal_ignoring_case(one.name, "content-type")) {
                out.content_type = one.value;
            } else if (routing::equal_ignoring_case(one.name, "location")) {
                out.location = one.value;
            } else if (routing::equal_ignoring_case(one.name, "date")) {
                out.date = routing::read_http_date(one.value);
            }
        }
    }

    bool take_body() {
        const std::string_view rest = std::string_view(input).substr(body_at);
        switch (head.body) {
        case framing::none:
            return true;
        case framing::length:
        case framing::until_close:
            out.body.append(rest);
            body_at = input.size();
            return out.body.size() >= doctor_body_most ||
                   (head.body == framing::length && out.body.size() >= head.content_length);
        case framing::chunked:
            break;
        }
        for (;;) {
            const auto step = chunks.next(std::string_view(input).substr(body_at));
            out.body.append(step.data);
            body_at += step.consumed;
            if (step.state == read_state::refused) {
                out.end = link_end::failed;
                out.error = routing::words_of(step.why);
                return true;
            }
            if (step.state == read_state::complete || out.body.size() >= doctor_body_most) {
                return true;
            }
            if (step.consumed == 0) {
                return false;
            }
        }
    }
};

answer_facts doctor_link::ask(std::string_view request, doctor_clock::time_point until) {
    answer_facts out;
    const auto start = doctor_clock::now();
    out.asked = unix_now();
    const auto ended = [&]() -> answer_facts& {
        out.took_ms = ms_since(start);
        out.answered = unix_now();
        return out;
    };
    while (!request.empty()) {
        const std::size_t done = write_some(request, until, out.end);
        if (done == 0) {
            return ended();
        }
        request.remove_prefix(done);
    }
    const auto reader = std::make_unique<answer_reader>(answer_reader{out, {}, {}});
    std::array<char, 16 * 1024> piece;
    for (;;) {
        const std::size_t done = read_some(piece.data(), piece.size(), until, out.end);
        if (done == 0) {
            const bool whole = out.end == link_end::closed && reader->body_at != 0 &&
                               reader->head.body == framing::until_close;
            out.end = whole ? link_end::done : out.end;
            return ended();
        }
        reader->input.append(piece.data(), done);
        if (reader->take()) {
            return ended();
        }
    }
}

} // namespace boshgate::proxy
