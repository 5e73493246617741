#include "proxy/ticket_keys.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace boshgate::proxy {
namespace {

void wipe(ticket_keys::key& key) noexcept {
    OPENSSL_cleanse(key.name.data(), key.name.size());
    OPENSSL_cleanse(key.cipher.data(), key.cipher.size());
    OPENSSL_cleanse(key.mac.data(), key.mac.size());
    key.usable = false;
}

// The SSL_CTX holds one share of the keys in its ex_data, so that a connection of an old snapshot
// can still seal its ticket.
using share = std::shared_ptr<ticket_keys>;

void free_share(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<share*>(held);
}

int share_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_share);
    return index;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3). Results: -1 error, 0 no ticket or unknown key, 1 done,
// 2 opened and to be renewed.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int sealing) {
    // Tickets belong to the context that the handshake began with: SNI may have switched to another
    // one, but all contexts of one listener hold the same keys.
    auto* keys = static_cast<share*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), share_index()));
    if (keys == nullptr)
        return -1;
    const auto now = std::chrono::steady_clock::now();
    ticket_keys::key key;
    if (sealing != 0) {
        if (!(*keys)->to_seal(now, key) ||
            RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
        std::memcpy(name, key.name.data(), key.name.size());
    } else if (!(*keys)->to_open(name, now, key)) {
        return 0;
    }
    char digest[] = "SHA256";
    const OSSL_PARAM settings[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    const bool ready = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv,
                                         sealing) == 1 &&
                       EVP_MAC_CTX_set_params(mac, settings) == 1;
    const bool old = now - key.made >= ticket_keys::rotation;
    wipe(key);
    if (!ready)
        return -1;
    // A TLS 1.3 client uses a ticket once, so each resumption has to bring the next one.
    const bool renew = sealing == 0 && (old || SSL_version(ssl) >= TLS1_3_VERSION);
    return renew ? 2 : 1;
}

} // namespace

ticket_keys::~ticket_keys() {
    wipe(current_);
    wipe(previous_);
}

std::shared_ptr<ticket_keys> ticket_keys::of_process() {
    static const auto keys = std::make_shared<ticket_keys>();
    return keys;
}

bool ticket_keys::to_seal(time_point now, key& out) {
    const std::lock_guard guard(mutex_);
    if (!current_.usable || now - current_.made >= rotation) {
        key fresh;
        if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
            RAND_priv_bytes(fresh.cipher.data(), static_cast<int>(fresh.cipher.size())) != 1 ||
            RAND_priv_bytes(fresh.mac.data(), static_cast<int>(fresh.mac.size())) != 1)
            return false;
        fresh.made = now;
        fresh.usable = true;
        previous_ = current_;
        current_ = fresh;
        wipe(fresh);
    }
    out = current_;
    return true;
}

bool ticket_keys::to_open(const unsigned char* name, time_point now, key& out) {
    const std::lock_guard guard(mutex_);
    for (const key* held : {&current_, &previous_}) {
        // Names travel in clear: a plain comparison gives nothing away.
        if (held->usable && std::equal(held->name.begin(), held->name.end(), name)) {
            if (now - held->made >= 2 * rotation)
                return false;
            out = *held;
            return true;
        }
    }
    return false;
}

bool ticket_keys::install(SSL_CTX* context, std::shared_ptr<ticket_keys> keys) {
    auto held = std::make_unique<share>(std::move(keys));
    if (SSL_CTX_set_ex_data(context, share_index(), held.get()) != 1)
        return false;
    static_cast<void>(held.release()); // free_share's now
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
    SSL_CTX_set_timeout(context, std::chrono::seconds(rotation).count());
    return true;
}

} // namespace boshgate::proxy
