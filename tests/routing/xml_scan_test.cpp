#include "routing/xml_scan.hpp"

#include "tests/routing/body_generator.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <string_view>

namespace boshgate::routing::xml {
namespace {

std::string utf8(std::uint32_t code) {
    char bytes[4];
    return std::string(bytes, encode_utf8(code, bytes));
}

TEST(xml_scan, reads_references) {
    struct {
        const char* text;
        body_error why;
        std::uint32_t code;
    } const cases[] = {
        {"&lt;", body_error::none, '<'},
        {"&gt;", body_error::none, '>'},
        {"&amp;", body_error::none, '&'},
        {"&apos;", body_error::none, '\''},
        {"&quot;", body_error::none, '"'},
        {"&#65;", body_error::none, 'A'},
        {"&#x41;", body_error::none, 'A'},
        {"&#x4a;", body_error::none, 'J'},
        {"&#x4A;", body_error::none, 'J'},
        {"&#0000000000000000065;", body_error::none, 'A'},
        {"&#1114111;", body_error::none, 0x10ffff},
        {"&#1114112;", body_error::bad_reference, 0},
        {"&#99999999999999999999;", body_error::bad_reference, 0},
        {"&#0;", body_error::bad_reference, 0},
        {"&#;", body_error::bad_reference, 0},
        {"&#x;", body_error::bad_reference, 0},
        {"&#X41;", body_error::bad_reference, 0},
        {"&#4a;", body_error::bad_reference, 0},
        {"&#+65;", body_error::bad_reference, 0},
        {"&;", body_error::bad_reference, 0},
        {"& ", body_error::bad_reference, 0},
        {"&LT;", body_error::bad_reference, 0},
        {"&nbsp;", body_error::bad_reference, 0},
        {"&ltx;", body_error::bad_reference, 0},
        {"&", body_error::truncated, 0},
        {"&l", body_error::truncated, 0},
        {"&lt", body_error::truncated, 0},
        {"&a", body_error::truncated, 0},
        {"&#", body_error::truncated, 0},
        {"&#x4", body_error::truncated, 0},
        {"&x", body_error::bad_reference, 0},
    };
    for (const auto& c : cases) {
        const std::string_view text = c.text;
        cursor at(text);
        std::uint32_t code = 0;
        EXPECT_EQ(name_of(read_reference(at, code)), name_of(c.why)) << text;
        EXPECT_EQ(code, c.code) << text;
        if (c.why == body_error::none) {
            EXPECT_TRUE(at.done()) << text;
        }
    }
}

TEST(xml_scan, splits_names_at_the_colon) {
    const std::string_view document = "stream:features ";
    cursor c(document);
    qualified_name name;
    ASSERT_EQ(read_name(c, name), body_error::none);
    EXPECT_EQ(name.text(document), "stream:features");
    EXPECT_EQ(name.prefix(document), "stream");
    EXPECT_EQ(name.local(document), "features");
    EXPECT_EQ(c.offset(), 15U);

    const std::string longest = std::string(name_ceiling, 'a') + ">";
    c = cursor(longest);
    EXPECT_EQ(read_name(c, name), body_error::none);
    const std::string longer = "a" + longest;
    c = cursor(longer);
    EXPECT_EQ(read_name(c, name), body_error::name_limit);
}

TEST(xml_scan, reads_attributes) {
    struct {
        const char* text;
        body_error why;
        const char* value; // decoded
    } const cases[] = {
        {"a='b'", body_error::none, "b"},
        {"a=\"b\"", body_error::none, "b"},
        {"a \t= \r\n'b'", body_error::none, "b"},
        {"a=''", body_error::none, ""},
        {"a='\"'", body_error::none, "\""},
        {"a=\"'>\"", body_error::none, "'>"},
        {"a='x&lt;y'", body_error::none, "x<y"},
        {"a='\t\n\r\r\n'", body_error::none, "    "},
        {"a='&#9;&#10;&#13;'", body_error::none, "\t\n\r"},
        {"a='\xc3\xa4&#xe4;'", body_error::none, "\xc3\xa4\xc3\xa4"},
        {"a='0123456789abcdefghijklmnopqrstuvwxyz'", body_error::none,
         "0123456789abcdefghijklmnopqrstuvwxyz"},
        {"a='b", body_error::truncated, nullptr},
        {"a=", body_error::truncated, nullptr},
        {"a", body_error::truncated, nullptr},
        {"", body_error::truncated, nullptr},
        {"a='\xc3", body_error::truncated, nullptr},
        {"a=b", body_error::bad_value, nullptr},
        {"a='<'", body_error::bad_value, nullptr},
        {"a b='c'", body_error::bad_tag, nullptr},
        {"='b'", body_error::bad_name, nullptr},
        {"-a='b'", body_error::bad_name, nullptr},
        {"a='&b;'", body_error::bad_reference, nullptr},
        {"a='\x01'", body_error::bad_character, nullptr},
        {"a='\xef\xbf\xbf'", body_error::bad_character, nullptr},
        {"a='\xff'", body_error::bad_utf8, nullptr},
        {"\xff='b'", body_error::bad_utf8, nullptr},
        {"\xef\xbf\xbe='b'", body_error::bad_character, nullptr},
    };
    for (const auto& c : cases) {
        const std::string_view text = c.text;
        cursor at(text);
        attribute read;
        EXPECT_EQ(name_of(read_attribute(at, 1000, read)), name_of(c.why)) << text;
        if (c.value == nullptr)
            continue;
        const std::string_view written = read.value(text);
        std::string room(written.size(), '\0');
        ASSERT_NE(decode_value(written, room.data(), room.size()), does_not_fit) << text;
        room.resize(decode_value(written, room.data(), room.size()));
        EXPECT_EQ(room, c.value) << text;
        EXPECT_TRUE(value_is(written, read.coded, c.value)) << text;
        EXPECT_FALSE(value_is(written, read.coded, std::string(c.value) + "x")) << text;
        EXPECT_EQ(read.coded, written != c.value) << text;
        EXPECT_TRUE(at.done()) << text;
    }
}

TEST(xml_scan, value_limit_holds_at_n_and_n_plus_1) {
    for (const std::string_view text : {"a='0123456789'", "a='01234&lt;6'", "a='0123456789"}) {
        cursor c(text);
        attribute read;
        EXPECT_NE(read_attribute(c, 10, read), body_error::value_limit) << text;
        c = cursor(text);
        EXPECT_EQ(read_attribute(c, 8, read), body_error::value_limit) << text;
    }
}

TEST(xml_scan, values_are_compared_by_meaning) {
    struct {
        std::string_view a, b;
        bool same;
    } const cases[] = {
        {"", "", true},
        {"abc", "abc", true},
        {"abc", "abd", false},
        {"&#97;bc", "abc", true},
        {"abc", "&#97;b&#x63;", true},
        {"&#97;bc", "a&#98;c", true},
        {"&#97;bc", "a&#98;", false},
        {"&#97;b", "abc", false},
        {"\n", " ", true},
        {"&#10;", " ", false},
        {"\r\n", " ", true},
        {"&#xe4;", "\xc3\xa4", true},
    };
    const auto coded = [](std::string_view v) {
        return v.find_first_of("&\r\n\t") != std::string_view::npos;
    };
    for (const auto& c : cases) {
        EXPECT_EQ(same_value(c.a, coded(c.a), c.b, coded(c.b)), c.same) << c.a << " and " << c.b;
        EXPECT_EQ(same_value(c.b, coded(c.b), c.a, coded(c.a)), c.same) << c.b << " and " << c.a;
    }
}

TEST(xml_scan, decoding_never_grows_a_value_and_stays_in_its_room) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::uint32_t code = 0;
        do
            code = static_cast<std::uint32_t>(random() % 0x110000);
        while (!is_char(code));
        const std::string written = "&#" + std::to_string(code) + ";";
        char room[8];
        const std::size_t length = decode_value(written, room, sizeof room);
        ASSERT_LE(length, written.size()) << seed;
        ASSERT_EQ(std::string_view(room, length), utf8(code)) << seed;
        ASSERT_EQ(decode_value(written, room, length - 1), does_not_fit) << seed;
        ASSERT_EQ(decode_value(written, room, length), length) << seed;
    }
}

} // namespace
} // namespace boshgate::routing::xml
