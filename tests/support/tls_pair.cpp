#include "tests/support/tls_pair.hpp"

#include "proxy/tls_context.hpp"

#include <stdexcept>

#include <openssl/err.h>

namespace boshgate::tests {
namespace {

constexpr std::size_t pipe_bytes = 64 * 1024; // more than any flight of a handshake
constexpr int rounds_max = 16;

enum class progress { done, waiting, failed };

progress step(SSL* ssl, std::string& error) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl);
    if (result == 1)
        return progress::done;
    const int why = SSL_get_error(ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return progress::waiting;
    error = proxy::handshake_failure();
    return progress::failed;
}

} // namespace

tls_pair::tls_pair(SSL_CTX* client_context, SSL_CTX* server_context)
    : client(SSL_new(client_context)), server(SSL_new(server_context)) {
    BIO* near_end = nullptr;
    BIO* far_end = nullptr;
    if (!client || !server || BIO_new_bio_pair(&near_end, pipe_bytes, &far_end, pipe_bytes) != 1)
        throw std::runtime_error("cannot make a pair of TLS ends");
    SSL_set_bio(client.get(), near_end, near_end);
    SSL_set_bio(server.get(), far_end, far_end);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
}

bool tls_pair::shake() {
    progress here = progress::waiting;
    progress there = progress::waiting;
    for (int round = 0; round < rounds_max; ++round) {
        if (here == progress::waiting)
            here = step(client.get(), client_error);
        if (there == progress::waiting)
            there = step(server.get(), server_error);
        if (here != progress::waiting && there != progress::waiting)
            break;
    }
    if (here != progress::done || there != progress::done)
        return false;
    char byte = 'x';
    const bool good =
        SSL_write(server.get(), &byte, 1) == 1 && SSL_read(client.get(), &byte, 1) == 1 &&
        SSL_write(client.get(), &byte, 1) == 1 && SSL_read(server.get(), &byte, 1) == 1;
    if (!good)
        client_error = proxy::last_error();
    return good;
}

} // namespace boshgate::tests
