// The server side of tls_context.hpp: certificates, SNI, ALPN, tickets.

#include "conf/problem.hpp"
#include "proxy/tls_context.hpp"
#include "proxy/tls_parts.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace boshgate::proxy {
namespace {

using namespace tls_parts;

// Mozilla's guideline 6.0, "intermediate". The order is the server's wish, but clients choose
// (a phone without AES instructions is better off with ChaCha20).
constexpr const char* ciphers_1_2 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// The first form needs OpenSSL 3.5; before, the hybrid group is unknown.
constexpr const char* groups_hybrid = "X25519MLKEM768:X25519:prime256v1:secp384r1";
constexpr const char* groups = "X25519:prime256v1:secp384r1";

// Renewal by ACME happens 30 days before the end: with two weeks left, somebody should look.
constexpr int days_warned = 14;

// One pair of files, read.
struct loaded {
    std::vector<x509_ptr> chain; // the leaf first
    pkey_ptr key;
    std::vector<std::string> names; // sorted
};

// What the servername callback looks up; owned by the first context, which every handshake of the
// listener begins with. The other contexts don't know of it: no cycle.
struct sni_table : context_state {
    std::vector<ssl_ctx_ptr> others;
    std::map<std::string, SSL_CTX*, std::less<>> exact;
    std::map<std::string, SSL_CTX*, std::less<>> wildcard; // "*.example.com" under "example.com"

    [[nodiscard]] SSL_CTX* find(std::string_view name) const {
        if (const auto hit = exact.find(name); hit != exact.end())
            return hit->second;
        const auto dot = name.find('.');
        if (dot == std::string_view::npos || dot == 0)
            return nullptr;
        const auto hit = wildcard.find(name.substr(dot + 1));
        return hit != wildcard.end() ? hit->second : nullptr;
    }

    void add(const std::vector<std::string>& names, SSL_CTX* context) {
        for (const std::string& name : names) {
            if (name.starts_with("*."))
                wildcard.emplace(name.substr(2), context);
            else
                exact.emplace(name, context);
        }
    }
};

int choose_certificate(SSL* ssl, int* alert, void* table) {
    const char* sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (sent == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    std::string name(sent);
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (name.ends_with('.'))
        name.pop_back();
    SSL_CTX* chosen = static_cast<sni_table*>(table)->find(name);
    if (chosen == nullptr)
        return SSL_TLSEXT_ERR_NOACK;
    if (chosen != SSL_get_SSL_CTX(ssl) && SSL_set_SSL_CTX(ssl, chosen) == nullptr) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
    static constexpr std::string_view spoken = "\x08http/1.1\x08http/1.0";
    // OpenSSL takes the server's list by const, but hands back a pointer without it.
    unsigned char* found = nullptr;
    const int result = SSL_select_next_proto(
        &found, chosen_length, reinterpret_cast<const unsigned char*>(spoken.data()),
        static_cast<unsigned int>(spoken.size()), offered, offered_length);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void add_problem(std::vector<tls_problem>& problems, std::string what, std::string key,
                 tls_severity severity = tls_severity::error) {
    problems.push_back({std::move(what), std::move(key), severity});
}

// Things that clients will complain about, though the server side works.
void check_certificates(const conf::certificate_files& files, const loaded& pair,
                        const std::string& key, std::vector<tls_problem>& problems) {
    const auto warn = [&](std::string what) {
        add_problem(problems, files.certificate + ": " + std::move(what), key,
                    tls_severity::warning);
    };
    X509* leaf = pair.chain.front().get();
    int days = 0;
    int seconds = 0;
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        warn("the certificate is not valid yet");
    else if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        warn("the certificate has expired, browsers will refuse it");
    else if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(leaf)) == 1 &&
             days < days_warned)
        warn("the certificate expires in " + std::to_string(days) + " days");
    for (std::size_t i = 0; i + 1 < pair.chain.size(); ++i)
        if (X509_check_issued(pair.chain[i + 1].get(), pair.chain[i].get()) != X509_V_OK)
            warn("certificate number " + std::to_string(i + 1) +
                 " is not issued by the one that follows it; the order is leaf, its issuer, and so "
                 "on");
    if (pair.names.empty())
        warn("the certificate names no host");
}

// `place` is "certificates[0]". Both files are looked at, also when one of them is of no use.
bool load(const conf::certificate_files& files, const std::string& place, loaded& pair,
          std::vector<tls_problem>& problems) {
    const auto failed = [&](std::string what, const char* key) {
        add_problem(problems, std::move(what), place + key);
        return false;
    };
    std::string problem;
    bool good = read_certificates(files.certificate, pair.chain, problem) ||
                failed(std::move(problem), ".certificate");
    // One file may hold both.
    const std::string& key_file = files.key.empty() ? files.certificate : files.key;
    problem.clear();
    good = (read_key(key_file, pair.key, problem) || failed(std::move(problem), ".key")) && good;
    if (!good)
        return false;
    for (std::size_t i = 0; i < pair.chain.size(); ++i) {
        if (X509_check_private_key(pair.chain[i].get(), pair.key.get()) != 1)
            continue;
        ERR_clear_error();
        if (i > 0)
            return failed(files.certificate + ": the key belongs to certificate number " +
                              std::to_string(i + 1) +
                              "; the server's own certificate must come first",
                          ".certificate");
        pair.names = names_of(pair.chain.front().get());
        std::sort(pair.names.begin(), pair.names.end());
        check_certificates(files, pair, place + ".certificate", problems);
        return true;
    }
    ERR_clear_error();
    return failed(key_file + ": the key does not belong to the certificate in " + files.certificate,
                  ".key");
}

// Tickets are sealed by keys of the whole process. The session id context keeps a ticket from being
// used at a listener with other certificates (RFC 8446 8.2 has no such check of its own).
bool session_context_of(const std::vector<loaded>& pairs, std::array<unsigned char, 32>& out) {
    EVP_MD_CTX* digest = EVP_MD_CTX_new();
    bool good = digest != nullptr && EVP_DigestInit_ex(digest, EVP_sha256(), nullptr) == 1;
    for (const loaded& pair : pairs) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> one{};
        unsigned int length = 0;
        good = good &&
               X509_digest(pair.chain.front().get(), EVP_sha256(), one.data(), &length) == 1 &&
               EVP_DigestUpdate(digest, one.data(), length) == 1;
    }
    good = good && EVP_DigestFinal_ex(digest, out.data(), nullptr) == 1;
    EVP_MD_CTX_free(digest);
    return good;
}

bool configure(SSL_CTX* context, const conf::listener_tls& settings,
               const std::array<unsigned char, 32>& session_context,
               const std::shared_ptr<ticket_keys>& keys) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    // Said explicitly, so that the same configuration means the same on every distribution.
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    const int lowest =
        settings.min_version == conf::tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    ERR_set_mark();
    bool good = SSL_CTX_set1_groups_list(context, groups_hybrid) == 1;
    ERR_pop_to_mark();
    good = good || SSL_CTX_set1_groups_list(context, groups) == 1;
    return good && SSL_CTX_set_min_proto_version(context, lowest) == 1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(context, ciphers_1_3) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context.data(),
                                          static_cast<unsigned int>(session_context.size())) == 1 &&
           ticket_keys::install(context, keys);
}

// OpenSSL keeps one chain for each kind of key in one context.
bool put_certificate(SSL_CTX* context, const loaded& pair) {
    STACK_OF(X509)* issuers = sk_X509_new_null();
    bool good = issuers != nullptr;
    for (std::size_t i = 1; good && i < pair.chain.size(); ++i)
        good = sk_X509_push(issuers, pair.chain[i].get()) > 0;
    good = good && SSL_CTX_use_cert_and_key(context, pair.chain.front().get(), pair.key.get(),
                                            issuers, 1) == 1;
    sk_X509_free(issuers); // the stack alone; the context has taken its own references
    return good;
}

// A pair goes into the context of an earlier one that has the same names and another kind of key.
std::size_t partner_of(const std::vector<loaded>& pairs, std::size_t at) {
    for (std::size_t i = 0; i < at; ++i)
        if (!pairs[i].names.empty() && pairs[i].names == pairs[at].names &&
            EVP_PKEY_get_base_id(pairs[i].key.get()) != EVP_PKEY_get_base_id(pairs[at].key.get()))
            return i;
    return at;
}

} // namespace

struct server_tls::state {
    ssl_ctx_ptr context;
    std::int64_t expires = 0;
    std::array<unsigned char, 32> certificates{};
};

std::unique_ptr<server_tls> server_tls::build(const conf::listener_tls& settings,
                                              std::vector<tls_problem>& problems,
                                              std::shared_ptr<ticket_keys> keys) {
    std::vector<loaded> pairs;
    bool good = !settings.certificates.empty();
    if (!good)
        add_problem(problems, "no certificate is configured for this listener", {});
    const auto place = [](std::size_t i) { return conf::item_path("certificates", i); };
    for (std::size_t i = 0; i < settings.certificates.size(); ++i) {
        loaded pair;
        good = load(settings.certificates[i], place(i), pair, problems) && good;
        pairs.push_back(std::move(pair));
    }
    if (!good)
        return nullptr;

    auto built = std::make_unique<state>();
    auto table = std::make_unique<sni_table>();
    std::array<unsigned char, 32> session_context{};
    good = session_context_of(pairs, session_context);
    built->certificates = session_context;
    built->expires = std::numeric_limits<std::int64_t>::max();
    std::vector<SSL_CTX*> context_of(pairs.size());
    for (std::size_t i = 0; good && i < pairs.size(); ++i) {
        const std::size_t partner = partner_of(pairs, i);
        if (partner == i) {
            ssl_ctx_ptr context(SSL_CTX_new(TLS_server_method()));
            good = context && configure(context.get(), settings, session_context, keys);
            context_of[i] = context.get();
            if (i == 0)
                built->context = std::move(context);
            else
                table->others.push_back(std::move(context));
        } else {
            context_of[i] = context_of[partner];
        }
        if (!good)
            break;
        if (!put_certificate(context_of[i], pairs[i])) {
            add_problem(problems,
                        settings.certificates[i].certificate + ": not usable: " + last_error(),
                        place(i) + ".certificate");
            return nullptr;
        }
        table->add(pairs[i].names, context_of[i]);
        built->expires = std::min(built->expires, expiry_of(pairs[i].chain.front().get()));
    }
    if (good) {
        // The macro for this has a C cast in it.
        SSL_CTX_callback_ctrl(built->context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(choose_certificate));
        SSL_CTX_set_tlsext_servername_arg(built->context.get(), table.get());
        good = attach(built->context.get(), std::move(table));
    }
    if (!good) {
        add_problem(problems, "OpenSSL refuses the settings: " + last_error(), {});
        return nullptr;
    }
    return std::unique_ptr<server_tls>(new server_tls(std::move(built)));
}

server_tls::server_tls(std::unique_ptr<state> built) : state_(std::move(built)) {}
server_tls::~server_tls() = default;
SSL_CTX* server_tls::context() const noexcept {
    return state_->context.get();
}
const std::array<unsigned char, 32>& server_tls::certificates() const noexcept {
    return state_->certificates;
}
std::int64_t server_tls::expires() const noexcept {
    return state_->expires;
}

} // namespace boshgate::proxy
