#include "tests/support/test_certificates.hpp"

#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace boshgate::tests {
namespace {

void must(bool good, const char* what) {
    if (!good)
        throw std::runtime_error(std::string("making a test certificate: ") + what);
}

std::shared_ptr<EVP_PKEY> make_key(key_kind kind) {
    EVP_PKEY* made = nullptr;
    switch (kind) {
    case key_kind::ecdsa:
        made = EVP_EC_gen("P-256");
        break;
    case key_kind::rsa:
        made = EVP_RSA_gen(2048);
        break;
    case key_kind::rsa_1024:
        made = EVP_RSA_gen(1024);
        break;
    }
    must(made != nullptr, "key");
    return {made, EVP_PKEY_free};
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    must(extension != nullptr, value.c_str());
    const bool added = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    must(added, "extension");
}

std::string text_of(BIO* sink) {
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(sink, &bytes);
    std::string text(bytes, static_cast<std::size_t>(length));
    BIO_free(sink);
    return text;
}

} // namespace

std::string test_certificate::pem() const {
    BIO* sink = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(sink, certificate.get()) == 1, "PEM");
    return text_of(sink);
}

std::string test_certificate::key_pem() const {
    BIO* sink = BIO_new(BIO_s_mem());
    must(PEM_write_bio_PrivateKey(sink, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "key PEM");
    return text_of(sink);
}

test_certificate make_certificate(const certificate_wish& wish, const test_certificate* issuer) {
    test_certificate made{{X509_new(), X509_free}, make_key(wish.key)};
    X509* certificate = made.certificate.get();
    X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
    EVP_PKEY* signing_key = issuer != nullptr ? issuer->key.get() : made.key.get();

    std::uint64_t serial = 0;
    must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
    must(X509_set_version(certificate, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
             ASN1_TIME_set_string(X509_getm_notBefore(certificate), wish.not_before.c_str()) == 1 &&
             ASN1_TIME_set_string(X509_getm_notAfter(certificate), wish.not_after.c_str()) == 1 &&
             X509_set_pubkey(certificate, made.key.get()) == 1,
         "fields");
    must(X509_NAME_add_entry_by_txt(
             X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0) == 1,
         "subject");
    must(X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1, "issuer");
    if (wish.authority) {
        add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    std::string names;
    for (const std::string& name : wish.names)
        names.append(names.empty() ? "" : ",").append(name);
    if (!names.empty())
        add_extension(certificate, signer, NID_subject_alt_name, names);
    must(X509_sign(certificate, signing_key, EVP_sha256()) > 0, "signature");
    return made;
}

} // namespace boshgate::tests
