#pragma once
// Blocking sockets for tests, plain or TLS, with a limit on every wait: a test that goes wrong
// fails, it does not hang.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

namespace boshgate::tests {

// How long any read of a test may take before it counts as "nothing comes".
inline constexpr std::chrono::seconds read_limit{20};

// listen_on_loopback returns a descriptor that listens on 127.0.0.1, and its port. Throws when the
// system refuses.
[[nodiscard]] int listen_on_loopback(std::uint16_t& port);
[[nodiscard]] std::uint16_t bound_port(int descriptor);
// connect_to_loopback returns a connected descriptor. `source` (0: any) binds 127.0.0.x first.
// Throws when refused.
[[nodiscard]] int connect_to_loopback(std::uint16_t port);

void shutdown_and_close(int descriptor);

// header_values returns the values of all fields of this name in a head (start line first), in
// their order.
[[nodiscard]] std::vector<std::string> header_values(std::string_view head, std::string_view name);

// An HTTP answer as a client sees it.
struct http_answer {
    int status = 0; // 0: the connection ended without an answer
    std::string head;
    std::string body;
    bool complete = false; // the body ended as its framing promised

    [[nodiscard]] std::string field(std::string_view name) const; // first value, "" when absent
    [[nodiscard]] int count(std::string_view name) const;
};

class stream {
  public:
    enum class role { client, server };

    // Adopts the descriptor; with `tls` the handshake is made at once.
    stream(int descriptor, SSL_CTX* tls, role side, const std::string& server_name = {});
    ~stream();
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    [[nodiscard]] bool usable() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    bool write(std::string_view bytes);
    // read appends what comes next to `input`. False: end, error, or nothing within the limit.
    bool read(std::string& input, std::chrono::milliseconds limit = read_limit);
    // read_message reads one request or answer with Content-Length (or without a body) from `input`
    // and the wire.
    bool read_message(std::string& input, std::string& head, std::string& body);
    // read_answer reads one answer, of any framing, skipping 1xx; to_head: no body follows.
    [[nodiscard]] http_answer read_answer(bool to_head = false);
    // at_end tells that the peer has closed (FIN or RST) within the limit and sent nothing more.
    [[nodiscard]] bool at_end(std::chrono::milliseconds limit = read_limit);

    void end_writing();
    void reset();
    void close();

  private:
    int descriptor_;
    SSL* ssl_ = nullptr;
    std::string input_;
};

} // namespace boshgate::tests
