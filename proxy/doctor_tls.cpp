#include "proxy/doctor_tls.hpp"

#include "proxy/tls_parts.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace boshgate::proxy {

using discovery::certificate_facts;
using discovery::link_end;
using discovery::tls_end;
using discovery::tls_facts;
using discovery::trust_fault;
using discovery::trust_problem;

namespace {

using namespace tls_parts;

using store_context_ptr = std::unique_ptr<X509_STORE_CTX, releaser<X509_STORE_CTX_free>>;

trust_fault fault_of(int error) noexcept {
    switch (error) {
    case X509_V_ERR_APPLICATION_VERIFICATION: // node_tls.cpp's word for it
        return trust_fault::wrong_pin;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return trust_fault::signed_itself;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return trust_fault::unknown_authority;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return trust_fault::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return trust_fault::not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return trust_fault::wrong_name;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return trust_fault::weak;
    default:
        return trust_fault::other;
    }
}

void add_problem(std::vector<trust_problem>& problems, int error) {
    const trust_fault fault = fault_of(error);
    const bool known =
        fault != trust_fault::other &&
        std::any_of(problems.begin(), problems.end(),
                    [fault](const trust_problem& one) { return one.fault == fault; });
    if (!known) {
        problems.push_back({fault, X509_verify_cert_error_string(error)});
    }
}

// Where a verification puts what it finds wrong.
int problems_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

// Notes what is wrong and goes on, so that all of it is found.
int note_problem(int good, X509_STORE_CTX* check) {
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* problems =
        static_cast<std::vector<trust_problem>*>(SSL_get_ex_data(ssl, problems_index()));
    if (good == 0 && problems != nullptr) {
        add_problem(*problems, X509_STORE_CTX_get_error(check));
    }
    return 1;
}

void read_chain(SSL* ssl, tls_facts& out) {
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        out.chain.push_back(facts_of(sk_X509_value(chain, i)));
    }
    if (sk_X509_num(chain) > 0) {
        out.pin = spki_pin(sk_X509_value(chain, 0));
    }
    const STACK_OF(X509)* verified = SSL_get0_verified_chain(ssl);
    if (const int size = sk_X509_num(verified); size > 0 && out.problems.empty()) {
        out.trusted_by = subject_of(sk_X509_value(verified, size - 1));
    }
}

std::int64_t seconds_of(const ASN1_TIME* time) {
    std::tm broken_down{};
    return ASN1_TIME_to_tm(time, &broken_down) == 1
               ? static_cast<std::int64_t>(timegm(&broken_down))
               : 0;
}

std::string issuer_of(X509* certificate) {
    // subject_of prints one name; a certificate that has the issuer's in its place lends it.
    const x509_ptr named(X509_new());
    return named && X509_set_subject_name(named.get(), X509_get_issuer_name(certificate)) == 1
               ? subject_of(named.get())
               : "?";
}

store_ptr system_trust() {
    store_ptr store(X509_STORE_new());
    if (store && X509_STORE_set_default_paths(store.get()) != 1) {
        store.reset();
    }
    ERR_clear_error();
    return store;
}

int note_own_problem(int good, X509_STORE_CTX* check) {
    auto* problems = static_cast<std::vector<trust_problem>*>(X509_STORE_CTX_get_ex_data(check, 0));
    if (good == 0) {
        add_problem(*problems, X509_STORE_CTX_get_error(check));
    }
    return 1;
}

void try_chain(X509_STORE* trust, const std::vector<x509_ptr>& chain,
               discovery::own_certificate& out) {
    STACK_OF(X509)* between = sk_X509_new_null();
    for (std::size_t i = 1; i < chain.size(); ++i) {
        sk_X509_push(between, chain[i].get());
    }
    const store_context_ptr check(X509_STORE_CTX_new());
    if (check && X509_STORE_CTX_init(check.get(), trust, chain.front().get(), between) == 1) {
        X509_STORE_CTX_set_default(check.get(), "ssl_server");
        X509_STORE_CTX_set_ex_data(check.get(), 0, &out.problems);
        X509_STORE_CTX_set_verify_cb(check.get(), note_own_problem);
        X509_verify_cert(check.get());
        const STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(check.get());
        if (const int size = sk_X509_num(verified); size > 0 && out.problems.empty()) {
            out.trusted_by = subject_of(sk_X509_value(verified, size - 1));
        }
    }
    sk_X509_free(between); // the stack alone
    ERR_clear_error();
}

} // namespace

certificate_facts facts_of(X509* certificate) {
    certificate_facts out;
    out.subject = subject_of(certificate);
    out.issuer = issuer_of(certificate);
    out.names = names_of(certificate);
    out.not_before = seconds_of(X509_get0_notBefore(certificate));
    out.not_after = seconds_of(X509_get0_notAfter(certificate));
    out.signed_itself = X509_self_signed(certificate, 0) == 1;
    ERR_clear_error();
    return out;
}

tls_facts shake_with(const node_tls_context& context, const conf::node& node, doctor_link& link,
                     doctor_clock::time_point until) {
    tls_facts out;
    const auto start = doctor_clock::now();
    SSL* ssl = SSL_new(context.context());
    // A session that is resumed shows no certificate.
    if (ssl == nullptr || !context.prepare(ssl) || SSL_set_session(ssl, nullptr) != 1) {
        SSL_free(ssl);
        out.error = last_error();
        return out;
    }
    SSL_set_ex_data(ssl, problems_index(), &out.problems);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, note_problem);
    const link_end end = link.shake(ssl, until, out.error);
    SSL_set_ex_data(ssl, problems_index(), nullptr);
    out.took_ms = ms_since(start);
    out.expected_name = context.name();
    switch (end) {
    case link_end::done:
        out.end = tls_end::done;
        break;
    case link_end::silent:
        out.end = tls_end::silent;
        return out;
    case link_end::closed:
        out.end = tls_end::closed;
        return out;
    default:
        out.end = tls_end::failed;
        return out;
    }
    out.version = SSL_get_version(ssl);
    out.cipher = SSL_get_cipher_name(ssl);
    if (const long result = SSL_get_verify_result(ssl);
        result != X509_V_OK && node.tls.verify && out.problems.empty()) {
        add_problem(out.problems, static_cast<int>(result)); // pins are not asked about one by one
    }
    read_chain(ssl, out);
    return out;
}

std::vector<discovery::own_certificate> own_certificates(const conf::config& config) {
    std::vector<discovery::own_certificate> all;
    const store_ptr trust = system_trust();
    for (const conf::listener& one : config.listen) {
        if (!one.tls) {
            continue;
        }
        for (const conf::certificate_files& files : one.tls->certificates) {
            std::vector<x509_ptr> chain;
            std::string problem;
            if (!read_certificates(files.certificate, chain, problem)) {
                continue;
            }
            discovery::own_certificate out{.listener =
                                               one.host + " port " + std::to_string(one.port),
                                           .file = files.certificate};
            for (const x509_ptr& each : chain) {
                out.chain.push_back(facts_of(each.get()));
            }
            if (trust) {
                try_chain(trust.get(), chain, out);
            }
            all.push_back(std::move(out));
        }
    }
    return all;
}

} // namespace boshgate::proxy
