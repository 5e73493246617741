#include "routing/session_hash.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

session_hash_key counting_key() {
    session_hash_key key{};
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(i);
    return key;
}

TEST(session_hash, gives_the_published_vectors) {
    // Key 00 01 ... 0f, message 00 01 02 ... of the given length: from the authors' reference code,
    // and for 15 bytes from appendix A of their paper.
    struct {
        std::size_t length;
        std::uint64_t hash;
    } const vectors[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {2, 0x0d6c8009d9a94f5a},
        {3, 0x85676696d7fb7e2d}, {7, 0xab0200f58b01d137},  {8, 0x93f5f5799a932462},
        {9, 0x9e0082df0ba9e4b0}, {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb},
    };
    std::string message;
    for (char i = 0; i < 64; ++i)
        message += i;
    for (const auto& v : vectors)
        EXPECT_EQ(session_hash(message.substr(0, v.length), counting_key()), v.hash) << v.length;
}

// SipHash-2-4 with 8 bytes of output by OpenSSL, as a number.
std::uint64_t openssl_siphash(std::string_view text, const session_hash_key& key) {
    const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac(
        EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_new(mac.get()),
                                                                       EVP_MAC_CTX_free);
    std::size_t size = 8;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                     OSSL_PARAM_construct_end()};
    unsigned char out[8] = {};
    std::size_t length = 0;
    EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
    EXPECT_EQ(EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()),
                             text.size()),
              1);
    EXPECT_EQ(EVP_MAC_final(context.get(), out, &length, sizeof out), 1);
    std::uint64_t hash = 0;
    for (std::size_t i = 8; i-- > 0;)
        hash = hash << 8 | out[i];
    return hash;
}

TEST(session_hash, agrees_with_openssl_at_every_length) {
    session_hash_key key = counting_key();
    key[3] = 0xff;
    key[15] = 0x80;
    std::string sid;
    for (std::size_t length = 0; length < 300; ++length) {
        ASSERT_EQ(session_hash(sid, key), openssl_siphash(sid, key)) << length;
        sid += static_cast<char>(length * 37);
    }
}

TEST(session_hash, depends_on_the_key) {
    session_hash_key other = counting_key();
    other[0] ^= 1;
    EXPECT_NE(session_hash("8ad7a7b0", counting_key()), session_hash("8ad7a7b0", other));
}

TEST(session_hash, prints_as_sixteen_hex_digits) {
    const auto text = [](std::uint64_t hash) {
        const auto digits = hex_of(hash);
        return std::string(digits.begin(), digits.end());
    };
    EXPECT_EQ(text(0), "0000000000000000");
    EXPECT_EQ(text(0x726fdb47dd0e0e31), "726fdb47dd0e0e31");
    EXPECT_EQ(text(~std::uint64_t{0}), "ffffffffffffffff");
}

} // namespace
} // namespace boshgate::routing
