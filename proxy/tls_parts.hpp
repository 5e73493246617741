#pragma once
// What server_tls.cpp and node_tls.cpp share: owners for OpenSSL's objects, state that lives as
// long as an SSL_CTX, and reading PEM files into objects with an error that a person can act on.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace boshgate::proxy::tls_parts {

template <auto release>
struct releaser {
    template <class T>
    void operator()(T* object) const noexcept {
        release(object);
    }
};
using bio_ptr = std::unique_ptr<BIO, releaser<BIO_free>>;
using x509_ptr = std::unique_ptr<X509, releaser<X509_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;
using store_ptr = std::unique_ptr<X509_STORE, releaser<X509_STORE_free>>;

// What a context's callbacks need. The SSL_CTX owns it.
struct context_state {
    virtual ~context_state() = default;
};

// attach hands `owned` to the context, which destroys it with itself. False: out of memory.
[[nodiscard]] bool attach(SSL_CTX* context, std::unique_ptr<context_state> owned);
// attached returns what attach gave, nullptr if nothing.
[[nodiscard]] context_state* attached(const SSL_CTX* context) noexcept;

// read_file reads a whole small file (at most 1 MiB). False: `problem` names file and cause.
[[nodiscard]] bool read_file(const std::string& path, std::string& bytes, std::string& problem);

// read_certificates reads all certificates of a PEM file, at least one.
[[nodiscard]] bool read_certificates(const std::string& path, std::vector<x509_ptr>& out,
                                     std::string& problem);

// read_key reads an unencrypted private key; it never asks anybody for a passphrase.
[[nodiscard]] bool read_key(const std::string& path, pkey_ptr& out, std::string& problem);

// names_of lists the DNS names (lower case) and addresses of the subjectAltName; without any, the
// common name. Names with control characters or NUL are left out.
[[nodiscard]] std::vector<std::string> names_of(X509* certificate);

// subject_of prints the subject on one line, control characters escaped, at most 256 bytes.
[[nodiscard]] std::string subject_of(X509* certificate);

// seconds since the epoch
[[nodiscard]] std::int64_t expiry_of(X509* certificate);

} // namespace boshgate::proxy::tls_parts
