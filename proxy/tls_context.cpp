#include "proxy/tls_context.hpp"

#include "proxy/tls_parts.hpp"

#include <array>
#include <system_error>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace boshgate::proxy {
namespace {

// OpenSSL keeps at most 16 entries, the oldest first; the oldest is the cause.
constexpr int errors_shown = 4;

struct taken_errors {
    std::string text;
    bool legacy = false; // one of them goes away with tls.legacy
};

// Failures that mean "the node is too old for TLS 1.2 with security level 2".
bool is_legacy(unsigned long code) noexcept {
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return false;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
    case SSL_R_WRONG_SIGNATURE_TYPE:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
        return true;
    default:
        return false;
    }
}

void append_error(unsigned long code, const char* data, int flags, std::string& text) {
    if (!text.empty())
        text += "; ";
    if (ERR_SYSTEM_ERROR(code))
        text += std::generic_category().message(ERR_GET_REASON(code));
    else if (const char* reason = ERR_reason_error_string(code); reason != nullptr)
        text += reason;
    else
        text += "OpenSSL error " + std::to_string(code);
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
        text.append(" (").append(data).append(")");
}

taken_errors take_errors() {
    taken_errors taken;
    const char* data = nullptr;
    int flags = 0;
    int count = 0;
    while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        taken.legacy = taken.legacy || is_legacy(code);
        if (++count <= errors_shown)
            append_error(code, data, flags, taken.text);
    }
    return taken;
}

} // namespace

std::string last_error() {
    return take_errors().text;
}

std::string handshake_failure() {
    taken_errors taken = take_errors();
    if (taken.legacy)
        taken.text += "; if this node knows only old TLS, set tls: { legacy: true } for it";
    return std::move(taken.text);
}

std::string spki_pin(X509* certificate) {
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0)
        return {};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int digest_length = 0;
    const bool done = EVP_Digest(der, static_cast<std::size_t>(length), digest.data(),
                                 &digest_length, EVP_sha256(), nullptr) == 1;
    OPENSSL_free(der);
    if (!done)
        return {};
    std::array<unsigned char, 48> text{}; // 44 characters and a NUL
    const int size = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest_length));
    return "sha256//" +
           std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size));
}

} // namespace boshgate::proxy
