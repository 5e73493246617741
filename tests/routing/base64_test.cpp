#include "routing/base64.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

std::optional<std::string> decoded(std::string_view text) {
    std::string room(text.size(), '\0');
    const auto length = base64_decode(text, room);
    return length ? std::optional(room.substr(0, *length)) : std::nullopt;
}

TEST(base64, is_read_strictly) {
    struct {
        const char* name;
        std::string_view text;
        std::optional<std::string> wanted;
    } const cases[] = {
        // RFC 4648 10
        {"nothing", "", ""},
        {"f", "Zg==", "f"},
        {"fo", "Zm8=", "fo"},
        {"foo", "Zm9v", "foo"},
        {"foob", "Zm9vYg==", "foob"},
        {"fooba", "Zm9vYmE=", "fooba"},
        {"foobar", "Zm9vYmFy", "foobar"},
        {"all bits", "////", "\xff\xff\xff"},
        {"a plus", "+/+/", "\xfb\xff\xbf"},
        {"no padding", "Zg", std::nullopt},
        {"half the padding", "Zg=", std::nullopt},
        {"too much padding", "Zm9v====", std::nullopt},
        {"three of padding", "Z===", std::nullopt},
        {"padding alone", "====", std::nullopt},
        {"one of padding alone", "=", std::nullopt},
        {"padding inside", "Zg==Zg==", std::nullopt},
        {"a digit behind padding", "Zg=A", std::nullopt},
        {"one digit too many", "Zm9vY", std::nullopt},
        {"bits that stand for nothing, four", "Zh==", std::nullopt},
        {"bits that stand for nothing, two", "Zm9=", std::nullopt},
        {"the highest of them", "Zo==", std::nullopt},
        {"a blank", "Zm9 ", std::nullopt},
        {"a line end", "Zm9vYmFy\r\n", std::nullopt},
        {"a line end inside", "Zm9v\nYmF", std::nullopt},
        {"base64url", "-_-_", std::nullopt},
        {"a NUL", std::string_view("Zm9\0", 4), std::nullopt},
        {"above ASCII", "Zm9\xc3", std::nullopt},
        {"a reference", "Zm9v&#61;AA", std::nullopt},
    };
    for (const auto& c : cases)
        EXPECT_EQ(decoded(c.text), c.wanted) << c.name;
}

TEST(base64, agrees_with_openssl) {
    random_source random;
    for (std::size_t size = 0; size < 300; ++size) {
        std::string bytes(size, '\0');
        for (char& c : bytes)
            c = static_cast<char>(random.byte());
        std::vector<unsigned char> text(size * 2 + 8);
        const int length =
            EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                            static_cast<int>(size));
        ASSERT_EQ(
            decoded({reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)}),
            bytes);
    }
}

TEST(base64, needs_room_for_whole_groups) {
    char room[6] = {};
    EXPECT_EQ(base64_decode("Zm9vYmFy", room), 6U);
    EXPECT_EQ(base64_decode("Zm9vYg==", room), 4U);
    EXPECT_EQ(base64_decode("Zm9vYmFyZg==", room), std::nullopt);
    EXPECT_EQ(base64_decode("Zm9vYmFy", std::span(room).first(5)), std::nullopt);
    EXPECT_EQ(base64_decode("", {}), 0U);
}

} // namespace
} // namespace boshgate::routing
