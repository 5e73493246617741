#pragma once
// Bytes to and from one socket, plain or TLS, without blocking and without owning buffers.
//
// Read and write buffers belong to the core (shared_buffers) and are free again after each call; a
// transport owns memory only for bytes that the kernel did not take at once. OpenSSL is driven
// directly over those buffers through a small BIO: one recv and one send for each message, and with
// SSL_MODE_RELEASE_BUFFERS nothing but the SSL itself while a poll is held.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace boshgate::proxy {

// How often an event may read a full wire buffer before others get their turn (event_loop::again).
inline constexpr int reads_at_once = 16;

// The buffers that all transports of one core share.
struct shared_buffers {
    static constexpr std::size_t wire_bytes = 64 * 1024;
    // A record that was begun earlier may come out together with a whole wire buffer: 64 KiB and
    // one record.
    static constexpr std::size_t plain_bytes = wire_bytes + 32 * 1024;

    std::array<char, wire_bytes> wire;   // what recv delivers: plain text, or TLS records
    std::array<char, plain_bytes> plain; // what TLS decrypts to
    std::string_view records_in;         // the BIO reads from here
    std::string records_out;             // the BIO writes here
};

enum class io_state : std::uint8_t {
    open,   // nothing special; more may come
    ended,  // the peer will send nothing more (FIN or close_notify)
    broken, // reset, or a TLS failure: the transport is useless
};

struct read_outcome {
    io_state state = io_state::open;
    bool drained = true;   // the kernel has nothing more right now: wait for the next event
    std::size_t wire = 0;  // bytes that came, before decryption
    std::string_view data; // plain text; lives until the next call on any transport of this core
};

enum class handshake_state : std::uint8_t { none, running, done, failed };

class transport {
  public:
    explicit transport(int descriptor) noexcept : descriptor_(descriptor) {}
    ~transport();
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    // start_tls makes this a TLS transport; `ssl` is owned from now on and must be set to accept or
    // connect state.
    void start_tls(SSL* ssl, shared_buffers& buffers);

    // read takes what the kernel has, at most one wire buffer, and drives a running handshake. Call
    // it again unless `drained`. With edge-triggered readiness a short read means drained; after a
    // hang-up event read until `ended`.
    [[nodiscard]] read_outcome read(shared_buffers& buffers);

    // take treats `bytes` as if they had just been received: what followed a PROXY header in the
    // same segment.
    [[nodiscard]] read_outcome take(shared_buffers& buffers, std::string_view bytes);

    // begin_handshake begins the handshake of a connecting transport (an accepting one is driven by
    // read).
    [[nodiscard]] io_state begin_handshake(shared_buffers& buffers);

    // write takes all of `data`; what the kernel does not take now is kept and sent by flush.
    // False: broken.
    [[nodiscard]] bool write(shared_buffers& buffers, std::string_view data);

    // flush sends what was kept. False: broken.
    [[nodiscard]] bool flush();

    // send_file sends up to `count` bytes of a file from `offset` (plain transports: in the
    // kernel). Returns how many were sent or kept, -1: broken, or the file is shorter than
    // promised. Nothing is taken while blocked().
    [[nodiscard]] std::int64_t send_file(shared_buffers& buffers, int file, std::uint64_t offset,
                                         std::uint64_t count);

    // blocked tells that bytes wait for the kernel: write nothing more, wait for writability and
    // flush.
    [[nodiscard]] bool blocked() const noexcept { return kept_ != nullptr; }
    [[nodiscard]] std::size_t kept_bytes() const noexcept {
        return kept_ ? kept_->bytes.size() - kept_->sent : 0;
    }

    // said_goodbye tells, once read has said `ended`, that the peer meant it: over TLS a FIN
    // without close_notify may come from anybody on the way (RFC 8446 6.1).
    [[nodiscard]] bool said_goodbye() const noexcept {
        return ssl_ == nullptr || (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

    // broken tells that a write has failed: nothing can be sent any more.
    [[nodiscard]] bool broken() const noexcept { return write_failed_; }

    // end_writing tells the peer that nothing more comes (close_notify and FIN), and leaves reading
    // open.
    void end_writing(shared_buffers& buffers) noexcept;
    // close closes; `politely` sends close_notify first, as far as the kernel takes it.
    void close(shared_buffers& buffers, bool politely) noexcept;
    // reset closes with RST: the peer must not take the bytes so far for the whole.
    void reset() noexcept;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_; }
    [[nodiscard]] handshake_state handshake() const noexcept { return handshake_; }

  private:
    struct kept_bytes_t {
        std::string bytes;
        std::size_t sent = 0;
    };

    [[nodiscard]] bool send_or_keep(std::string_view bytes);
    [[nodiscard]] bool send_records(shared_buffers& buffers);
    [[nodiscard]] io_state step_handshake(shared_buffers& buffers);
    void decrypt(shared_buffers& buffers, read_outcome& outcome);

    int descriptor_;
    handshake_state handshake_ = handshake_state::none;
    bool write_failed_ = false;
    std::uint16_t unasked_ = 0; // kept bytes that answer the peer's TLS, not its requests
    SSL* ssl_ = nullptr;
    std::unique_ptr<kept_bytes_t> kept_;
};

} // namespace boshgate::proxy
