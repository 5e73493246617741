// /: the status page. It loads nothing from elsewhere, and its policy lets nothing run that is not
// in it: styles and scripts are named by their hashes.

#include "proxy/admin_api.hpp"
#include "proxy/status_page.hpp"

#include <array>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace boshgate::proxy {

namespace {

// " 'sha256-...'" for a style or script (Content Security Policy Level 3, 2.3.1).
std::string hash_of(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> printed{};
    const int size = EVP_EncodeBlock(printed.data(), digest.data(), SHA256_DIGEST_LENGTH);
    return " 'sha256-" +
           std::string(reinterpret_cast<const char*>(printed.data()),
                       static_cast<std::size_t>(size)) +
           "'";
}

// The hashes of all that stands between `open` and `close`.
std::string hashes_of(std::string_view page, std::string_view open, std::string_view close) {
    std::string all;
    for (std::size_t at = page.find(open); at != std::string_view::npos; at = page.find(open, at)) {
        at += open.size();
        all += hash_of(page.substr(at, page.find(close, at) - at));
    }
    return all;
}

std::string policy_of(std::string_view page) {
    return "default-src 'none'; connect-src 'self'; img-src data:; script-src" +
           hashes_of(page, "<script>", "</script>") + "; style-src" +
           hashes_of(page, "<style>", "</style>") +
           "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
           "require-trusted-types-for 'script'; trusted-types 'none'";
}

} // namespace

void add_page(admin_server& to) {
    const admin_answer page{.type = "text/html; charset=utf-8",
                            .body = std::string(status_page()),
                            .policy = policy_of(status_page())};
    to.get("/", at_once([page](const admin_request& /*asked*/) { return page; }),
           admin_purpose::page);
}

} // namespace boshgate::proxy
