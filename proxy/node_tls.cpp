// The client side of tls_context.hpp: trust, pins, names, legacy, the newest session of a node.

#include "conf/problem.hpp"
#include "proxy/tls_context.hpp"
#include "proxy/tls_parts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace boshgate::proxy {
namespace {

using namespace tls_parts;

using session_ptr = std::unique_ptr<SSL_SESSION, releaser<SSL_SESSION_free>>;
using pin_bytes = std::array<unsigned char, 32>;

constexpr std::string_view pin_prefix = "sha256//";
constexpr std::size_t names_shown = 8;

// Forward secrecy only, security level 2 (112 bits); TLS 1.3 as it comes.
constexpr const char* ciphers_default = "DEFAULT:!kRSA:!aNULL:!eNULL:@SECLEVEL=2";
// RSA key exchange, CBC with SHA-1, short keys, SHA-1 signatures: for a CUP 8 node of 2010.
constexpr const char* ciphers_legacy = "ALL:!aNULL:!eNULL:@SECLEVEL=0";

// Owned by the SSL_CTX: pins for the verify callback, the session for the next handshake.
struct node_state : context_state {
    std::vector<pin_bytes> pins;
    std::mutex mutex;   // handshakes of all cores meet here, for a pointer's time
    session_ptr newest; // under mutex
};

node_state* state_of(const SSL_CTX* context) noexcept {
    return static_cast<node_state*>(attached(context));
}

bool hash_of_key(X509* certificate, pin_bytes& out) {
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0)
        return false;
    unsigned int digest_length = 0;
    const bool done = EVP_Digest(der, static_cast<std::size_t>(length), out.data(), &digest_length,
                                 EVP_sha256(), nullptr) == 1;
    OPENSSL_free(der);
    return done && digest_length == out.size();
}

bool read_pin(std::string_view text, pin_bytes& out) {
    // 32 bytes are 44 characters with one '=' of padding.
    if (!text.starts_with(pin_prefix) || text.size() != pin_prefix.size() + 44 ||
        !text.ends_with('=') || text[text.size() - 2] == '=')
        return false;
    const std::string encoded(text.substr(pin_prefix.size()));
    std::array<unsigned char, 33> decoded{};
    if (EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(encoded.data()),
                        static_cast<int>(encoded.size())) != 33)
        return false;
    std::copy_n(decoded.begin(), out.size(), out.begin());
    return true;
}

// In place of the chain and the name: one of the pins must be the leaf's key. All pins are
// compared, in constant time each.
int check_pins(X509_STORE_CTX* check, void* pinned) {
    X509* leaf = X509_STORE_CTX_get0_cert(check);
    pin_bytes shown{};
    bool match = false;
    if (leaf != nullptr && hash_of_key(leaf, shown))
        for (const pin_bytes& pin : static_cast<const node_state*>(pinned)->pins)
            match = CRYPTO_memcmp(pin.data(), shown.data(), pin.size()) == 0 || match;
    X509_STORE_CTX_set_error(check, match ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return match ? 1 : 0;
}

// With verification off, OpenSSL would still build and check the chain and then ignore the result.
int take_any(X509_STORE_CTX* check, void*) {
    X509_STORE_CTX_set_error(check, X509_V_OK);
    return 1;
}

// TLS 1.3 sends tickets after the handshake, often two; each replaces the one before. Kept is a
// copy: SSL_free marks the session of a link that was not shut down in both directions as not
// resumable, and most links end that way. Returning 0 leaves the reference with the caller.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    session_ptr kept(SSL_SESSION_dup(session));
    if (kept) {
        node_state* node = state_of(SSL_get_SSL_CTX(ssl));
        const std::lock_guard guard(node->mutex);
        node->newest.swap(kept);
    }
    return 0;
}

// The system's trust store is parsed once for all nodes and reloads, as long as the bundle is the
// same file: 140 certificates cost some 10 ms and a megabyte each time.
X509_STORE* system_store() {
    static std::mutex mutex;
    static store_ptr held;
    static struct timespec held_modified {};
    const char* configured = std::getenv(X509_get_default_cert_file_env());
    struct stat facts {};
    if (::stat(configured != nullptr ? configured : X509_get_default_cert_file(), &facts) != 0)
        facts = {};
    const std::lock_guard guard(mutex);
    if (!held || facts.st_mtim.tv_sec != held_modified.tv_sec ||
        facts.st_mtim.tv_nsec != held_modified.tv_nsec) {
        store_ptr fresh(X509_STORE_new());
        if (!fresh || X509_STORE_set_default_paths(fresh.get()) != 1)
            return nullptr;
        held = std::move(fresh);
        held_modified = facts.st_mtim;
    }
    X509_STORE_up_ref(held.get());
    return held.get();
}

// Host without port and brackets, without the root's dot.
std::string bare_host(std::string_view host) {
    if (host.starts_with('['))
        host = host.substr(1, host.find(']') - 1);
    else if (const auto colon = host.find(':');
             colon != std::string_view::npos && host.find(':', colon + 1) == std::string_view::npos)
        host = host.substr(0, colon);
    if (host.ends_with('.'))
        host.remove_suffix(1);
    return std::string(host);
}

std::string name_to_verify(const conf::node& node) {
    if (!node.tls.server_name.empty())
        return bare_host(node.tls.server_name);
    return bare_host(node.host.empty() ? node.url.host : node.host);
}

bool set_protocol(SSL_CTX* context, bool legacy) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (legacy)
        SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    else
        SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    // NO_INTERNAL: a client finds its session by asking us, not by an id.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    return SSL_CTX_set_min_proto_version(context, legacy ? TLS1_VERSION : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1 &&
           SSL_CTX_set_cipher_list(context, legacy ? ciphers_legacy : ciphers_default) == 1;
}

// What a certificate file holds, in so far as that is compared.
void append_certificate(std::string& trust, X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) == 1)
        trust.append(reinterpret_cast<const char*>(digest.data()), length);
}

bool set_trust(SSL_CTX* context, const conf::node& node, const std::string& name,
               std::string& trust, std::vector<tls_problem>& problems) {
    const auto failed = [&](std::string what, const char* key) {
        problems.push_back({std::move(what), key});
        return false;
    };
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
    if (node.tls.ca_file.empty()) {
        X509_STORE* store = system_store();
        if (store == nullptr)
            return failed("the system's trust store cannot be loaded: " + last_error(), "tls");
        SSL_CTX_set_cert_store(context, store); // takes the reference
        trust += std::to_string(reinterpret_cast<std::uintptr_t>(store));
    } else {
        std::vector<x509_ptr> anchors;
        std::string problem;
        if (!read_certificates(node.tls.ca_file, anchors, problem))
            return failed(std::move(problem), "tls.ca_file");
        for (const x509_ptr& anchor : anchors)
            if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), anchor.get()) != 1)
                return failed(node.tls.ca_file + ": " + last_error(), "tls.ca_file");
        for (const x509_ptr& anchor : anchors)
            append_certificate(trust, anchor.get());
        // Whatever the operator puts into the file is an anchor: also the node's own certificate or
        // an intermediate one.
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
    }
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ERR_set_mark();
    const bool numeric = X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
    ERR_pop_to_mark();
    if (!numeric && X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) != 1)
        return failed("\"" + name + "\" cannot be the name of a certificate", "tls.server_name");
    return true;
}

bool set_pins(SSL_CTX* context, node_state& state, const conf::node& node,
              std::vector<tls_problem>& problems) {
    for (std::size_t i = 0; i < node.tls.pins.size(); ++i) {
        const std::string& text = node.tls.pins[i];
        pin_bytes pin{};
        if (!read_pin(text, pin)) {
            problems.push_back(
                {"\"" + text + "\" is not sha256//, then the 44 base64 characters of a hash",
                 conf::item_path("tls.pins", i)});
            return false;
        }
        state.pins.push_back(pin);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, check_pins, &state);
    return true;
}

bool is_numeric(const std::string& name) {
    ERR_set_mark();
    ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(name.c_str());
    ERR_pop_to_mark();
    const bool numeric = bytes != nullptr;
    ASN1_OCTET_STRING_free(bytes);
    return numeric;
}

// The leaf that the node showed. After a failed verification it is not the peer's certificate yet.
X509* shown_certificate(SSL* ssl) {
    if (X509* peer = SSL_get0_peer_certificate(ssl); peer != nullptr)
        return peer;
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    return sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : nullptr;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), names_shown); ++i)
        text.append(i == 0 ? "" : ", ").append(names[i]);
    if (names.size() > names_shown)
        text += ", ...";
    return text.empty() ? "no host" : text;
}

} // namespace

struct node_tls_context::state {
    ssl_ctx_ptr context;
    std::string name;        // SNI and name to verify
    std::string trust;       // see trust()
    bool sends_name = false; // RFC 6066 3: addresses are not sent
};

std::unique_ptr<node_tls_context> node_tls_context::build(const conf::node& node,
                                                          std::vector<tls_problem>& problems) {
    const auto warn = [&](std::string what, const char* key) {
        problems.push_back({std::move(what), key, tls_severity::warning});
    };
    auto built = std::make_unique<state>();
    built->name = name_to_verify(node);
    built->sends_name = !built->name.empty() && !is_numeric(built->name);
    built->context.reset(SSL_CTX_new(TLS_client_method()));
    built->trust = built->name + (node.tls.verify ? " verified" : " any") +
                   (node.tls.legacy ? " legacy " : " ");
    for (const std::string& pin : node.tls.pins)
        built->trust.append(pin).append(" ");
    SSL_CTX* context = built->context.get();
    auto owned = std::make_unique<node_state>();
    node_state& kept = *owned;
    if (context == nullptr || !attach(context, std::move(owned)) ||
        !set_protocol(context, node.tls.legacy)) {
        problems.push_back({"OpenSSL refuses the settings: " + last_error(), "tls"});
        return nullptr;
    }
    if (!node.tls.pins.empty()) {
        if (!set_pins(context, kept, node, problems))
            return nullptr;
    } else if (!node.tls.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        SSL_CTX_set_cert_verify_callback(context, take_any, nullptr);
        warn("is off: anybody between here and the node can read and change everything, "
             "passwords too; a pin (tls.pins) costs nothing and closes this",
             "tls.verify");
    } else if (!set_trust(context, node, built->name, built->trust, problems)) {
        return nullptr;
    }
    if (node.tls.legacy)
        warn("is on: TLS 1.0, RSA key exchange and short keys are accepted", "tls.legacy");
    return std::unique_ptr<node_tls_context>(new node_tls_context(std::move(built)));
}

node_tls_context::node_tls_context(std::unique_ptr<state> built) : state_(std::move(built)) {}
node_tls_context::~node_tls_context() = default;
SSL_CTX* node_tls_context::context() const noexcept {
    return state_->context.get();
}
const std::string& node_tls_context::name() const noexcept {
    return state_->name;
}

const std::string& node_tls_context::trust() const noexcept {
    return state_->trust;
}

bool node_tls_context::prepare(SSL* ssl, bool resume) const {
    // What SSL_set_tlsext_host_name does; the macro has a C cast in it. OpenSSL copies the name.
    if (state_->sends_name && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                       const_cast<char*>(state_->name.c_str())) != 1)
        return false;
    if (!resume)
        return true;
    node_state* kept = state_of(state_->context.get());
    session_ptr offered;
    {
        const std::lock_guard guard(kept->mutex);
        // A copy: OpenSSL marks a TLS 1.3 session as used up at the end of the first handshake that
        // resumes it, and several links may open before the next ticket arrives.
        if (kept->newest)
            offered.reset(SSL_SESSION_dup(kept->newest.get()));
    }
    return !offered || SSL_set_session(ssl, offered.get()) == 1;
}

std::int64_t certificate_expires(const SSL* ssl) noexcept {
    X509* leaf = SSL_get0_peer_certificate(ssl);
    return leaf == nullptr ? 0 : expiry_of(leaf);
}

void node_tls_context::forget_session() const noexcept {
    node_state* kept = state_of(state_->context.get());
    session_ptr dropped;
    const std::lock_guard guard(kept->mutex);
    kept->newest.swap(dropped);
}

std::string node_tls_context::verdict(SSL* ssl) const {
    const long result = SSL_get_verify_result(ssl);
    X509* leaf = shown_certificate(ssl);
    if (result == X509_V_OK || leaf == nullptr)
        return {};
    std::string text = "the certificate of " + subject_of(leaf) + " is not accepted: ";
    const auto pins = state_of(state_->context.get())->pins.size();
    const std::string pin = spki_pin(leaf);
    if (pins != 0)
        return text + "its key " + pin + " is none of the " + std::to_string(pins) +
               (pins == 1 ? " configured pin" : " configured pins") +
               "; if the node's key was changed on purpose, put this one into tls.pins";
    text += X509_verify_cert_error_string(result);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH)
        text += " (expected " + state_->name + ", it is for " + joined(names_of(leaf)) +
                "; tls.server_name says what to expect)";
    return text + "; to trust exactly this key, set tls: { pins: [\"" + pin + "\"] }";
}

} // namespace boshgate::proxy
