#include "routing/xml_characters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing::xml {
namespace {

std::string utf8(std::uint32_t code) {
    char bytes[4];
    return std::string(bytes, encode_utf8(code, bytes));
}

TEST(xml_characters, every_code_point_comes_back) {
    for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
        const std::string bytes = utf8(code);
        const character read = decode_utf8(bytes.data(), bytes.data() + bytes.size());
        if (code >= 0xd800 && code <= 0xdfff) {
            ASSERT_EQ(read.length, 0U) << std::hex << code;
            ASSERT_FALSE(read.cut) << std::hex << code;
            continue;
        }
        ASSERT_EQ(read.length, bytes.size()) << std::hex << code;
        ASSERT_EQ(read.code, code) << std::hex << code;
        for (std::size_t length = 1; length < bytes.size(); ++length)
            ASSERT_TRUE(decode_utf8(bytes.data(), bytes.data() + length).cut) << std::hex << code;
    }
}

TEST(xml_characters, malformed_utf8_is_refused) {
    struct {
        const char* name;
        std::string bytes;
    } const cases[] = {
        {"continuation alone", "\x80"},
        {"last continuation alone", "\xbf"},
        {"overlong, two bytes", "\xc0\x80"},
        {"overlong, two bytes, highest", "\xc1\xbf"},
        {"overlong, three bytes", "\xe0\x9f\xbf"},
        {"overlong, four bytes", "\xf0\x8f\xbf\xbf"},
        {"first surrogate", "\xed\xa0\x80"},
        {"last surrogate", "\xed\xbf\xbf"},
        {"above U+10FFFF", "\xf4\x90\x80\x80"},
        {"lead byte F5", "\xf5\x80\x80\x80"},
        {"lead byte FF", "\xff"},
        {"no continuation", "\xc3("},
        {"no third byte", "\xe2\x82("},
        {"no fourth byte", "\xf0\x9f\x98("},
        {"wrong second byte although cut off", "\xe0\x80"},
    };
    for (const auto& c : cases) {
        const character read = decode_utf8(c.bytes.data(), c.bytes.data() + c.bytes.size());
        EXPECT_EQ(read.length, 0U) << c.name;
        EXPECT_FALSE(read.cut) << c.name;
        EXPECT_FALSE(is_utf8("a" + c.bytes + "a")) << c.name;
    }
}

TEST(xml_characters, text_is_utf8_to_its_last_byte) {
    const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    for (std::size_t length = 0; length <= text.size(); ++length)
        EXPECT_EQ(is_utf8(std::string_view(text).substr(0, length)),
                  length <= 1 || length == 3 || length == 6 || length == 10)
            << length;
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(xml_characters, chars_are_those_of_xml) {
    for (std::uint32_t code = 0; code < 0x20; ++code)
        EXPECT_EQ(is_char(code), code == 9 || code == 10 || code == 13) << code;
    for (const std::uint32_t code :
         {0x20U, 0x7fU, 0x85U, 0xd7ffU, 0xe000U, 0xfffdU, 0x10000U, 0x1fffeU, 0x10ffffU})
        EXPECT_TRUE(is_char(code)) << std::hex << code;
    for (const std::uint32_t code : {0xd800U, 0xdfffU, 0xfffeU, 0xffffU, 0x110000U, 0xffffffffU})
        EXPECT_FALSE(is_char(code)) << std::hex << code;
}

TEST(xml_characters, vector_and_portable_scans_stop_at_the_same_byte) {
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t length = 1; length < 40; ++length) {
            for (std::size_t at = 0; at < length; ++at) {
                std::vector<char> bytes(length, 'x');
                bytes[at] = static_cast<char>(byte);
                const char* const first = bytes.data();
                const char* const last = first + length;
                ASSERT_EQ(plain_text_end(first, last) - first,
                          plain_text_end_portable(first, last) - first)
                    << "text, byte " << byte << " at " << at << " of " << length;
#if defined(__SSE2__)
                ASSERT_EQ(plain_text_end_sse2(first, last) - first,
                          plain_text_end_portable(first, last) - first)
                    << "text without AVX2, byte " << byte << " at " << at << " of " << length;
#endif
                ASSERT_EQ(plain_value_end(first, last) - first,
                          plain_value_end_portable(first, last) - first)
                    << "value, byte " << byte << " at " << at << " of " << length;
            }
        }
    }
}

TEST(xml_characters, line_ends_do_not_end_plain_text) {
    // Each block of the vector forms has some, at any place, and the end comes behind them.
    for (std::size_t step = 1; step < 40; ++step) {
        std::string text(200, 'x');
        for (std::size_t at = 0; at < text.size(); at += step)
            text[at] = "\n\t\r"[at % 3];
        for (std::size_t end = 0; end < text.size(); ++end) {
            std::string stopped = text;
            stopped[end] = '<';
            const char* const first = stopped.data();
            const char* const last = first + stopped.size();
            ASSERT_EQ(plain_text_end(first, last) - first, static_cast<std::ptrdiff_t>(end))
                << step;
#if defined(__SSE2__)
            ASSERT_EQ(plain_text_end_sse2(first, last) - first, static_cast<std::ptrdiff_t>(end))
                << step;
#endif
        }
    }
}

TEST(xml_characters, plain_bytes_are_those_that_need_no_care) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool text = (byte >= 0x20 && byte < 0x80 && c != '<' && c != '&' && c != ']') ||
                          c == '\t' || c == '\n' || c == '\r';
        const bool value =
            byte >= 0x20 && byte < 0x80 && c != '<' && c != '&' && c != '"' && c != '\'';
        EXPECT_EQ(plain_text_end(&c, &c + 1) == &c + 1, text) << byte;
        EXPECT_EQ(plain_value_end(&c, &c + 1) == &c + 1, value) << byte;
    }
}

} // namespace
} // namespace boshgate::routing::xml
