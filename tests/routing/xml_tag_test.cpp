#include "routing/xml_tag.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace boshgate::routing::xml {
namespace {

// A start tag that was read from a text, with or without error.
struct read_tag {
    explicit read_tag(std::string_view text, std::size_t most = attributes_ceiling)
        : document(text) {
        cursor c(document, 1); // behind the `<`
        why = read_start_tag(c, 100, std::span(room).first(most), tag);
        consumed = c.offset();
    }
    std::span<const attribute> attributes() const { return std::span(room).first(tag.attributes); }

    std::string_view document;
    std::array<attribute, attributes_ceiling> room{};
    start_tag tag;
    body_error why = body_error::none;
    std::uint32_t consumed = 0;
};

TEST(xml_tag, reads_names_attributes_and_the_end) {
    const read_tag read("<s:features a='1'\n b:c=\"2\" />rest");
    ASSERT_EQ(read.why, body_error::none);
    EXPECT_TRUE(read.tag.self_closed);
    EXPECT_EQ(read.tag.name.prefix(read.document), "s");
    EXPECT_EQ(read.tag.name.local(read.document), "features");
    ASSERT_EQ(read.attributes().size(), 2U);
    EXPECT_EQ(read.attributes()[0].value(read.document), "1");
    EXPECT_EQ(read.attributes()[1].name.text(read.document), "b:c");
    EXPECT_EQ(read.document.substr(read.consumed), "rest");
    EXPECT_FALSE(read_tag("<a>").tag.self_closed);
    EXPECT_EQ(read_tag("<a>").consumed, 3U);
}

TEST(xml_tag, takes_as_many_attributes_as_there_is_room_for) {
    EXPECT_EQ(read_tag("<a b='' c=''>", 2).why, body_error::none);
    EXPECT_EQ(read_tag("<a b='' c='' d=''>", 2).why, body_error::attribute_limit);
    EXPECT_EQ(read_tag("<a>", 0).why, body_error::none);
    EXPECT_EQ(read_tag("<a b=''>", 0).why, body_error::attribute_limit);
}

TEST(xml_tag, finds_any_repeated_attribute) {
    // Every pair of places, among names that differ in one letter only.
    constexpr std::size_t count = 20;
    for (std::size_t first = 0; first < count; ++first) {
        for (std::size_t second = first + 1; second < count; ++second) {
            std::string text = "<a";
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t letter = i == second ? first : i;
                text += " x" + std::string(1, static_cast<char>('a' + letter)) + "y=''";
            }
            EXPECT_EQ(read_tag(text + ">").why, body_error::repeated_attribute)
                << first << " and " << second;
        }
    }
}

TEST(xml_tag, declarations_hold_until_their_element_ends) {
    const std::string document =
        "<a xmlns='urn:1' xmlns:p='urn:2'><p:b xmlns:p='urn:3' xmlns:q='urn:xmpp:xbosh' q:c=''>";
    namespace_scope scope(document, namespaces_ceiling);
    EXPECT_TRUE(scope.find("").bound) << "no default namespace is a namespace too";
    EXPECT_EQ(scope.find("").space, known_namespace::none);
    EXPECT_TRUE(scope.find("xml").bound);
    EXPECT_EQ(scope.uri_of("xml").written, "http://www.w3.org/XML/1998/namespace");
    EXPECT_FALSE(scope.find("p").bound);

    std::array<attribute, 8> room{};
    start_tag tag;
    cursor c(document, 1);
    std::uint32_t at = 0;
    ASSERT_EQ(read_start_tag(c, 100, room, tag), body_error::none);
    ASSERT_EQ(scope.enter(tag, std::span(room).first(tag.attributes), at), body_error::none);
    EXPECT_TRUE(scope.uri_of("").is("urn:1"));
    EXPECT_TRUE(scope.uri_of("p").is("urn:2"));

    const std::uint16_t outside = scope.mark();
    ++c.at; // the `<`
    ASSERT_EQ(read_start_tag(c, 100, room, tag), body_error::none);
    ASSERT_EQ(scope.enter(tag, std::span(room).first(tag.attributes), at), body_error::none);
    EXPECT_TRUE(scope.uri_of("").is("urn:1"));
    EXPECT_TRUE(scope.uri_of("p").is("urn:3"));
    EXPECT_EQ(scope.find("q").space, known_namespace::xbosh);
    EXPECT_EQ(scope.find("p").space, known_namespace::other);

    scope.leave(outside);
    EXPECT_TRUE(scope.uri_of("p").is("urn:2"));
    EXPECT_FALSE(scope.find("q").bound);
}

TEST(xml_tag, says_where_a_namespace_error_is) {
    struct {
        const char* document;
        body_error why;
        const char* culprit;
    } const cases[] = {
        {"<a x='' p:b=''>", body_error::unbound_prefix, "p:b"},
        {"<p:a x=''>", body_error::unbound_prefix, "p:a"},
        {"<a xmlns:p='' x=''>", body_error::bad_namespace, "xmlns:p"},
        {"<a xmlns:p='u' xmlns:q='u' p:x='' q:x='' y=''>", body_error::repeated_attribute, "q:x"},
    };
    for (const auto& c : cases) {
        const read_tag read(c.document);
        ASSERT_EQ(read.why, body_error::none) << c.document;
        namespace_scope scope(read.document, namespaces_ceiling);
        std::uint32_t at = 0;
        EXPECT_EQ(scope.enter(read.tag, read.attributes(), at), c.why) << c.document;
        EXPECT_TRUE(read.document.substr(at).starts_with(c.culprit)) << c.document;
    }
}

} // namespace
} // namespace boshgate::routing::xml
