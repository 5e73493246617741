#include "proxy/home_lookup.hpp"

#include "proxy/core.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

#include <openssl/rand.h>

namespace boshgate::proxy {

namespace {

// XEP-0124 14.1: hard to guess, and far below 2^53, so that it can count up.
std::uint64_t random_rid() {
    std::array<unsigned char, sizeof(std::uint64_t)> bytes{};
    RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
    const auto random = std::bit_cast<std::uint64_t>(bytes);
    return 1 + (random & ((std::uint64_t{1} << 50U) - 1));
}

} // namespace

login_task lookup_task(core& home, const std::shared_ptr<const snapshot>& settings,
                       const routing::bare_jid& user, discovery::login_purpose purpose,
                       const routing::ip_address& client, bool secure) {
    const std::uint64_t rid = random_rid();
    const auto wait =
        std::chrono::ceil<std::chrono::seconds>(settings->config.discovery.patience).count();
    // A bare JID holds nothing that an attribute would have to quote (bare_jid::made_of).
    const std::string body = "<body xmlns='http://jabber.org/protocol/httpbind' "
                             "content='text/xml; charset=utf-8' hold='1' ver='1.6' wait='" +
                             std::to_string(wait) + "' rid='" + std::to_string(rid) + "' to='" +
                             std::string(user.domain()) + "' from='" + user.text() +
                             "' xml:lang='en' xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>";
    return {.purpose = purpose,
            .user = user.text(),
            .message = login_message(home, settings, client, secure, nullptr, body),
            .rid = rid,
            .client = client,
            .secure = secure};
}

void append_json_text(std::string& out, std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out.append("\\u00").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
        } else {
            if (c == '"' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
    }
    out += '"';
}

} // namespace boshgate::proxy
