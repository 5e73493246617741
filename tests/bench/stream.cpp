#include "stream.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include <openssl/err.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

void die(const std::string& what) {
    std::fprintf(stderr, "bench: %s%s%s\n", what.c_str(), errno != 0 ? ": " : "",
                 errno != 0 ? std::strerror(errno) : "");
    std::exit(2);
}

std::int64_t now_ns() {
    timespec at{};
    clock_gettime(CLOCK_MONOTONIC, &at);
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

std::uint64_t number(std::string_view text, const std::string& what) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        errno = 0;
        die(what + ": not a number: '" + std::string(text) + "'");
    }
    return value;
}

stream::stream(stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ssl_(std::exchange(other.ssl_, nullptr)) {}

stream& stream::operator=(stream&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
        ssl_ = std::exchange(other.ssl_, nullptr);
    }
    return *this;
}

void stream::close(bool orderly) {
    if (ssl_ != nullptr) {
        // Without a shutdown flag SSL_free would mark the session as not resumable.
        if (orderly) {
            SSL_shutdown(ssl_);
        } else {
            SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
        SSL_free(ssl_);
        ssl_ = nullptr;
        ERR_clear_error();
    }
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

static progress tls_progress(SSL* ssl, int result) {
    const int error = SSL_get_error(ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return progress::blocked;
    }
    const bool orderly = error == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return orderly ? progress::closed : progress::failed;
}

progress stream::handshake() {
    if (ssl_ == nullptr) {
        return progress::done;
    }
    const int result = SSL_do_handshake(ssl_);
    return result == 1 ? progress::done : tls_progress(ssl_, result);
}

progress stream::read(char* to, std::size_t size, std::size_t& got) {
    got = 0;
    if (ssl_ != nullptr) {
        const int result = SSL_read_ex(ssl_, to, size, &got);
        return result == 1 ? progress::done : tls_progress(ssl_, result);
    }
    const ssize_t result = ::recv(fd_, to, size, 0);
    if (result > 0) {
        got = static_cast<std::size_t>(result);
        return progress::done;
    }
    if (result == 0) {
        return progress::closed;
    }
    return errno == EAGAIN || errno == EINTR ? progress::blocked : progress::failed;
}

progress stream::write(const char* from, std::size_t size, std::size_t& put) {
    put = 0;
    if (ssl_ != nullptr) {
        // SSL_MODE_ENABLE_PARTIAL_WRITE is on: one record a call.
        while (put < size) {
            std::size_t part = 0;
            const int result = SSL_write_ex(ssl_, from + put, size - put, &part);
            if (result != 1) {
                return tls_progress(ssl_, result);
            }
            put += part;
        }
        return progress::done;
    }
    const ssize_t result = ::send(fd_, from, size, MSG_NOSIGNAL);
    if (result < 0) {
        return errno == EAGAIN || errno == EINTR ? progress::blocked : progress::failed;
    }
    put = static_cast<std::size_t>(result);
    return put == size ? progress::done : progress::blocked;
}

poller::poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0) {
        die("epoll_create1");
    }
}

poller::~poller() {
    ::close(fd_);
}

bool poller::add(int fd, std::uint64_t tag, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller::change(int fd, std::uint64_t tag, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event);
}

int poller::wait(epoll_event* events, int capacity, std::int64_t timeout_ns) {
    timespec timeout{};
    timeout.tv_sec = timeout_ns / 1'000'000'000;
    timeout.tv_nsec = timeout_ns % 1'000'000'000;
    const int count = epoll_pwait2(fd_, events, capacity, &timeout, nullptr);
    return count < 0 ? 0 : count;
}

http_message frame(std::string_view bytes) {
    http_message message;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return message;
    }
    std::size_t line = bytes.find("\r\n");
    message.start_line = bytes.substr(0, line);
    std::size_t length = 0;
    while (line < end) {
        const std::size_t begin = line + 2;
        line = bytes.find("\r\n", begin);
        const std::string_view field = bytes.substr(begin, line - begin);
        const char first = field.empty() ? '\0' : static_cast<char>(field[0] | 0x20);
        constexpr std::string_view content_length = "content-length:";
        constexpr std::string_view transfer_encoding = "transfer-encoding:";
        if (first == 'c' && field.size() > content_length.size() &&
            strncasecmp(field.data(), content_length.data(), content_length.size()) == 0) {
            const std::size_t digits = field.find_first_not_of(' ', content_length.size());
            const char* const stop = field.data() + field.size();
            if (digits == std::string_view::npos ||
                std::from_chars(field.data() + digits, stop, length).ec != std::errc{}) {
                message.is = http_message::state::malformed;
                return message;
            }
        } else if (first == 't' && field.size() > transfer_encoding.size() &&
                   strncasecmp(field.data(), transfer_encoding.data(), transfer_encoding.size()) ==
                       0) {
            message.is = http_message::state::malformed;
            return message;
        }
    }
    const std::size_t head = end + 4;
    message.size = head + length;
    if (bytes.size() >= message.size) {
        message.body = bytes.substr(head, length);
        message.is = http_message::state::complete;
    }
    return message;
}

std::string_view attribute(std::string_view xml, std::string_view name) {
    const std::string_view tag = xml.substr(0, xml.find('>'));
    for (std::size_t at = tag.find(name); at != std::string_view::npos;
         at = tag.find(name, at + 1)) {
        const std::size_t equals = at + name.size();
        if (at == 0 || tag[at - 1] != ' ' || equals + 1 >= tag.size() || tag[equals] != '=') {
            continue;
        }
        const char quote = tag[equals + 1];
        const std::size_t stop = tag.find(quote, equals + 2);
        return stop == std::string_view::npos ? std::string_view{}
                                              : tag.substr(equals + 2, stop - equals - 2);
    }
    return {};
}

SSL_CTX* tls_context(const SSL_METHOD* method) {
    SSL_CTX* const context = SSL_CTX_new(method);
    if (context == nullptr) {
        die("SSL_CTX_new");
    }
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace bench
