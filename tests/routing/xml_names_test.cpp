#include "routing/xml_names.hpp"

#include "routing/xml_scan.hpp"

#include <expat.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace boshgate::routing::xml {
namespace {

std::string utf8(std::uint32_t code) {
    char bytes[4];
    return std::string(bytes, encode_utf8(code, bytes));
}

// libexpat, made once: the test below asks it a hundred thousand times.
class expat {
  public:
    expat() : parser_(XML_ParserCreateNS("UTF-8", '!'), XML_ParserFree) {}
    bool takes(const std::string& document) {
        XML_ParserReset(parser_.get(), "UTF-8");
        return XML_Parse(parser_.get(), document.data(), static_cast<int>(document.size()), 1) ==
               XML_STATUS_OK;
    }

  private:
    std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser_;
};

TEST(xml_names, are_made_of_the_characters_that_expat_takes) {
    expat theirs;
    for (std::uint32_t code = 0x21; code < 0x10000; ++code) {
        if (!is_char(code) || code == ':' || code == '/' || code == '>')
            continue;
        const std::string character = utf8(code);
        for (const std::string& name : {character, "a" + character}) {
            // A name has to be followed by something, or it might go on.
            const std::string followed = name + ">";
            cursor c(followed);
            qualified_name read;
            const bool ours = read_name(c, read) == body_error::none && read.length == name.size();
            ASSERT_EQ(ours, theirs.takes("<" + name + "/>")) << std::hex << code << " in " << name;
        }
    }
    EXPECT_FALSE(is_name_start(0x10000));
    EXPECT_FALSE(is_name_character(0x1f600));
}

// The fifth edition's ranges, XML 1.0 2.3: what passes here has to pass there too.
TEST(xml_names, are_names_of_the_fifth_edition_too) {
    struct range {
        std::uint32_t first, last;
    };
    constexpr range start[] = {{0xc0, 0xd6},     {0xd8, 0xf6},     {0xf8, 0x2ff},
                               {0x370, 0x37d},   {0x37f, 0x1fff},  {0x200c, 0x200d},
                               {0x2070, 0x218f}, {0x2c00, 0x2fef}, {0x3001, 0xd7ff},
                               {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff}};
    constexpr range further[] = {{0xb7, 0xb7}, {0x300, 0x36f}, {0x203f, 0x2040}};
    const auto in = [](const auto& ranges, std::uint32_t code) {
        for (const range& r : ranges) {
            if (code >= r.first && code <= r.last)
                return true;
        }
        return false;
    };
    for (std::uint32_t code = 0x80; code <= 0x10ffff; ++code) {
        ASSERT_TRUE(!is_name_start(code) || in(start, code)) << std::hex << code;
        ASSERT_TRUE(!is_name_character(code) || in(start, code) || in(further, code))
            << std::hex << code;
        ASSERT_TRUE(!is_name_start(code) || is_name_character(code)) << std::hex << code;
    }
}

} // namespace
} // namespace boshgate::routing::xml
