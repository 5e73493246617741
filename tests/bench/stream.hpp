#pragma once
// What the load generator and the bench node share: a clock, a non-blocking TCP or TLS stream, a
// thin epoll and the framing of an HTTP/1.1 message. Deliberately not the proxy's own code: a
// measuring tool that shares a parser with what it measures cannot see that parser's faults.
//
// Everything here belongs to one thread. Failures of the set-up end the program (`die`); failures
// of a connection are returned.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/ssl.h>
#include <sys/epoll.h>

namespace bench {

// Ends the program with `what` and errno's text on standard error. For set-up only.
[[noreturn]] void die(const std::string& what);

// CLOCK_MONOTONIC in nanoseconds.
std::int64_t now_ns();

// An unsigned decimal number with nothing before or after it; dies naming `what` otherwise.
std::uint64_t number(std::string_view text, const std::string& what);

enum class progress {
    done,    // the call did all it was asked for
    blocked, // nothing more now: wait for epoll
    closed,  // the other side ended in order
    failed,  // reset, or a TLS error
};

// One non-blocking socket, plain or TLS. Moves only; closes what it owns.
class stream {
  public:
    stream() = default;
    stream(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
    stream(stream&& other) noexcept;
    stream& operator=(stream&& other) noexcept;
    ~stream() { close(); }

    int fd() const { return fd_; }
    SSL* ssl() const { return ssl_; }
    bool open() const { return fd_ >= 0; }

    // TLS handshake, as client or server as the SSL was set up; done at once on a plain stream.
    progress handshake();
    // Reads once, up to `size` bytes; `got` is 0 unless the result is done.
    progress read(char* to, std::size_t size, std::size_t& got);
    // Bytes that OpenSSL has taken from the socket already: epoll will not tell about them.
    bool buffered() const { return ssl_ != nullptr && SSL_has_pending(ssl_) == 1; }
    // Writes as much as the socket takes; `put` counts also when the result is blocked.
    progress write(const char* from, std::size_t size, std::size_t& put);
    // After close_notify if the stream is TLS and `orderly`.
    void close(bool orderly = false);

  private:
    int fd_ = -1;
    SSL* ssl_ = nullptr;
};

// A level-triggered epoll set; `tag` comes back with each event.
class poller {
  public:
    poller();
    ~poller();
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    // Returns false where the kernel cannot poll that descriptor (a regular file).
    bool add(int fd, std::uint64_t tag, std::uint32_t events = EPOLLIN);
    void change(int fd, std::uint64_t tag, std::uint32_t events);
    // Waits at most `timeout_ns` (0: not at all). Returns the number of events.
    int wait(epoll_event* events, int capacity, std::int64_t timeout_ns);

  private:
    int fd_;
};

struct http_message {
    enum class state { incomplete, complete, malformed };
    state is = state::incomplete;
    std::string_view start_line;
    std::string_view body;
    std::size_t size = 0; // head and body
};

// Frames the message at the start of `bytes` by its Content-Length (none: no body). A
// Transfer-Encoding is `malformed` here: neither side of the bench sends one.
http_message frame(std::string_view bytes);

// The value of attribute `name` in the first start tag of `xml`, or an empty view.
std::string_view attribute(std::string_view xml, std::string_view name);

// A context with TLS 1.3 only, one read per record and no buffers kept while idle.
SSL_CTX* tls_context(const SSL_METHOD* method);

// Puts the descriptor limit up to the hard limit: parked polls take one each.
void raise_descriptor_limit();

} // namespace bench
