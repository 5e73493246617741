#pragma once
// Certificates for tests, made on the spot: no files with an expiry date in the repository. All of
// them are valid from 2020 to 2099 unless a test says otherwise, so no test depends on the day.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace boshgate::tests {

enum class key_kind { ecdsa, rsa, rsa_1024 };

struct certificate_wish {
    std::string common_name = "test";
    std::vector<std::string>
        names; // subjectAltName, as OpenSSL writes it: "DNS:a.example", "IP:::1"
    bool authority = false;
    key_kind key = key_kind::ecdsa;
    std::string not_before = "20200101000000Z";
    std::string not_after = "20991231235959Z";
};

struct test_certificate {
    std::shared_ptr<X509> certificate;
    std::shared_ptr<EVP_PKEY> key;

    [[nodiscard]] std::string pem() const;
    [[nodiscard]] std::string key_pem() const;
};

// make_certificate signs with `issuer`, or with its own key. Throws when OpenSSL fails.
[[nodiscard]] test_certificate make_certificate(const certificate_wish& wish,
                                                const test_certificate* issuer = nullptr);

} // namespace boshgate::tests
