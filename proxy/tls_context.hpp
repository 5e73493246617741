#pragma once
// Builds OpenSSL contexts from the configuration, and nothing else: no socket, no byte. A context
// belongs to a snapshot and is shared by all cores (SSL_CTX is thread-safe once built). Everything
// that its callbacks need is owned by the SSL_CTX itself, so a connection that still holds an SSL
// of an old snapshot keeps just what it needs alive. design.md 5.2 and 5.12: Mozilla intermediate
// towards clients, verification by default towards nodes.

#include "conf/config.hpp"
#include "proxy/ticket_keys.hpp"

#include <array>
#include <cstdint>
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

enum class tls_severity : std::uint8_t {
    error,   // the context could not be built
    warning, // it works, but somebody should look: an expired certificate, verification off
};

// What is wrong with a context: one sentence that names the file and what to do, and the key that
// is to blame, as seen from the listener's `tls` or from the node: "certificates[1].key",
// "tls.ca_file"; empty: the whole of it. Which listener or node it is about, the caller knows.
struct tls_problem {
    std::string what;
    std::string key;
    tls_severity severity = tls_severity::error;
};

// The server side of one listener. Several certificates are chosen by SNI: exact names before
// wildcards (RFC 6125 6.4.3), the first certificate for everybody else. Two certificates with the
// same names and keys of different kinds (RSA and ECDSA) are served side by side. ALPN: http/1.1,
// then http/1.0; a client that offers only other protocols gets the alert no_application_protocol
// (RFC 7301 3.2); a client without ALPN is welcome. Stateless tickets, no session cache.
class server_tls {
  public:
    // build loads all certificates and keys. On an error the result is nullptr and `problems` says
    // all that is wrong; warnings come with a result. `keys` seal the session tickets: listeners
    // may share them, a ticket is only taken where the same certificates are served.
    [[nodiscard]] static std::unique_ptr<server_tls>
    build(const conf::listener_tls& settings, std::vector<tls_problem>& problems,
          std::shared_ptr<ticket_keys> keys = ticket_keys::of_process());
    ~server_tls();
    [[nodiscard]] SSL_CTX* context() const noexcept;
    // When the first of the certificates expires, seconds since the epoch.
    [[nodiscard]] std::int64_t expires() const noexcept;
    // A hash of the certificates: whether two listeners show the same ones.
    [[nodiscard]] const std::array<unsigned char, 32>& certificates() const noexcept;

  private:
    struct state;
    explicit server_tls(std::unique_ptr<state> built);
    std::unique_ptr<state> state_;
};

// The client side towards one node: trust store or CA file, or SPKI pins, or nothing; SNI; name
// check; the newest session ticket of the node. Any core may call the const functions at any time.
class node_tls_context {
  public:
    // build loads the CA file and the pins. On an error the result is nullptr; verification that is
    // switched off and legacy TLS come with a result and a warning.
    [[nodiscard]] static std::unique_ptr<node_tls_context>
    build(const conf::node& node, std::vector<tls_problem>& problems);
    ~node_tls_context();
    [[nodiscard]] SSL_CTX* context() const noexcept;
    // The name that the certificate should have.
    [[nodiscard]] const std::string& name() const noexcept;

    // prepare sets SNI and, to `resume`, offers the newest session on a fresh SSL of this context,
    // before its handshake. The name to verify and the pins are the context's already. False: out
    // of memory.
    [[nodiscard]] bool prepare(SSL* ssl, bool resume = true) const;

    // trust stands for all that decides which node is believed to be the right one. Two contexts
    // with the same can take each other's place.
    [[nodiscard]] const std::string& trust() const noexcept;

    // verdict says in words why the node's certificate was not accepted, after a failed handshake;
    // empty when the failure had another cause (see handshake_failure). Names the certificate's
    // subject, OpenSSL's reason, and the pin to configure.
    [[nodiscard]] std::string verdict(SSL* ssl) const;

    // forget_session drops the kept session. To be called after a failed handshake: a node that
    // chokes on its own old ticket gets a full handshake next time.
    void forget_session() const noexcept;

  private:
    struct state;
    explicit node_tls_context(std::unique_ptr<state> built);
    std::unique_ptr<state> state_;
};

// certificate_expires is when the certificate that the peer showed expires, seconds since the
// epoch; 0: it showed none.
[[nodiscard]] std::int64_t certificate_expires(const SSL* ssl) noexcept;

// spki_pin prints "sha256//<base64>" of a certificate's public key (RFC 7469 2.4); empty when the
// key cannot be read.
[[nodiscard]] std::string spki_pin(X509* certificate);

// last_error takes the thread's OpenSSL error queue as one line and empties it. Empty: no error.
[[nodiscard]] std::string last_error();

// handshake_failure is last_error after a failed handshake with a node, with the remedy where there
// is one (`tls.legacy` for a node that speaks only what is switched off by default).
[[nodiscard]] std::string handshake_failure();

} // namespace boshgate::proxy
