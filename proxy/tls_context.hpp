#pragma once
// Builds OpenSSL contexts from the configuration, and nothing else: no socket, no byte. A context belongs to a
// snapshot and is shared by all cores (SSL_CTX is thread-safe once built); connections keep the old one alive after a
// reload. design.md 5.2 and 5.12: Mozilla intermediate towards clients, verification by default towards nodes.

#include "conf/config.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

namespace boshgate::proxy {

struct ssl_ctx_deleter {
    void operator()(SSL_CTX* ctx) const noexcept { SSL_CTX_free(ctx); }
};
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, ssl_ctx_deleter>;

// Why a context could not be built: one sentence that names the file or the option, and what to do.
struct tls_problem {
    std::string what;
    conf::mark where;
};

// The server side of one listener: several certificates chosen by SNI (exact names before wildcards, as RFC 6125 has
// it; the first certificate serves everybody else), ALPN http/1.1, stateless tickets, SSL_MODE_RELEASE_BUFFERS.
class server_tls {
  public:
    // build loads all certificates and keys. On failure the result is nullptr and `problems` says all that is wrong.
    [[nodiscard]] static std::unique_ptr<server_tls> build(const conf::listener_tls& settings,
                                                           std::vector<tls_problem>& problems);
    ~server_tls();
    [[nodiscard]] SSL_CTX* context() const noexcept;
    // When the first of the certificates expires, seconds since the epoch.
    [[nodiscard]] std::int64_t expires() const noexcept;

  private:
    struct state;
    explicit server_tls(std::unique_ptr<state> built);
    std::unique_ptr<state> state_;
};

// The client side towards one node: trust store or CA file, or SPKI pins, or nothing; SNI; name check; the newest
// session tickets are kept per core (see take_session).
class node_tls_context {
  public:
    [[nodiscard]] static std::unique_ptr<node_tls_context> build(const conf::node& node, std::vector<tls_problem>& problems);
    ~node_tls_context();
    [[nodiscard]] SSL_CTX* context() const noexcept;

    // prepare sets SNI, the name to verify, and the pin check on a fresh SSL of this context, before its handshake.
    // False: out of memory.
    [[nodiscard]] bool prepare(SSL* ssl) const;

    // verdict says in words why the node's certificate was not accepted, after a failed handshake; empty when the
    // failure had another cause. Names the certificate's subject, the OpenSSL reason, and the pin to configure.
    [[nodiscard]] std::string verdict(SSL* ssl) const;

  private:
    struct state;
    explicit node_tls_context(std::unique_ptr<state> built);
    std::unique_ptr<state> state_;
};

// spki_pin prints "sha256//<base64>" of a certificate's public key.
[[nodiscard]] std::string spki_pin(X509* certificate);

// last_error takes the thread's OpenSSL error queue as one line and empties it.
[[nodiscard]] std::string last_error();

} // namespace boshgate::proxy
