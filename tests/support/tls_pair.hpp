#pragma once
// A TLS client and a TLS server that talk through memory.

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace boshgate::tests {

struct ssl_free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_free>;

// Two fresh ends, joined. Set up `client` and `server` as the test wants, then shake().
class tls_pair {
  public:
    tls_pair(SSL_CTX* client_context, SSL_CTX* server_context);

    // shake runs the handshake to its end, success or failure of either side, and takes each side's
    // error (handshake_failure of the proxy: with the remedy).
    // After a success one byte travels each way, so that tickets have been read.
    bool shake();

    ssl_ptr client;
    ssl_ptr server;
    std::string client_error;
    std::string server_error;
};

} // namespace boshgate::tests
