#pragma once
// The keys that seal stateless session tickets (RFC 5077, RFC 8446 4.6.1). They live as long as the
// process, so that a reload does not cost every client a full handshake, and they change twice a
// day, so that a key that leaks opens no more than a day of TLS 1.2 sessions. Any core may call;
// the lock is held for one copy, at handshakes only.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include <openssl/ssl.h>

namespace boshgate::proxy {

class ticket_keys {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    // How long one key seals. Afterwards it opens for as long again, which is also how long a
    // session may be resumed: every ticket can be opened for its whole life.
    static constexpr std::chrono::hours rotation{12};

    struct key {
        std::array<unsigned char, 16> name{};
        std::array<unsigned char, 32> cipher{}; // AES-256-CBC
        std::array<unsigned char, 32> mac{};    // HMAC-SHA256
        time_point made{};
        bool usable = false;
    };

    ticket_keys() = default;
    ~ticket_keys();
    ticket_keys(const ticket_keys&) = delete;
    ticket_keys& operator=(const ticket_keys&) = delete;

    // The keys of this process.
    [[nodiscard]] static std::shared_ptr<ticket_keys> of_process();

    // to_seal returns the current key, making a new one when it is due. False: no random bytes.
    [[nodiscard]] bool to_seal(time_point now, key& out);

    // to_open finds the key with this name. False: unknown, or too old.
    [[nodiscard]] bool to_open(const unsigned char* name, time_point now, key& out);

    // install makes the context seal and open its tickets with `keys`, which it keeps alive, and
    // sets the session life time to match. False: out of memory.
    [[nodiscard]] static bool install(SSL_CTX* context, std::shared_ptr<ticket_keys> keys);

  private:
    std::mutex mutex_;
    key current_;
    key previous_;
};

} // namespace boshgate::proxy
