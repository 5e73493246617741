#include "routing/bosh_payload.hpp"

#include "tests/routing/body_generator.hpp"
#include "tests/routing/expat_reading.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

using namespace std::string_literals;

constexpr std::string_view open_tag = "<body xmlns='http://jabber.org/protocol/httpbind'>";

std::string in_body(std::string_view payload) {
    return std::string(open_tag) + std::string(payload) + "</body>";
}

body_result checked(std::string_view document, const body_limits& limits = {}) {
    body_tag tag;
    return check_body(document, limits, tag);
}

struct payload_case {
    const char* name;
    std::string document;
    body_error why;
    std::uint32_t children = 0;
};

TEST(bosh_payload, accepts_and_refuses) {
    const payload_case cases[] = {
        {"nothing inside", in_body(""), body_error::none, 0},
        {"self-closed", "<body xmlns='http://jabber.org/protocol/httpbind'/>", body_error::none, 0},
        {"white space inside", in_body(" \t\r\n"), body_error::none, 0},
        {"white space behind", in_body("") + " \t\r\n", body_error::none, 0},
        {"one child", in_body("<a/>"), body_error::none, 1},
        {"children with white space between", in_body(" <a/>\n<b></b >\t<c>x</c> "),
         body_error::none, 3},
        {"a body inside of a message",
         in_body("<message xmlns='jabber:client'><body sid='x'>hi</body></message>"),
         body_error::none, 1},
        {"CDATA in a child", in_body("<a><![CDATA[<b>&c]] >]]></a>"), body_error::none, 1},
        {"empty CDATA in a child", in_body("<a><![CDATA[]]></a>"), body_error::none, 1},
        {"CDATA that ends in brackets", in_body("<a><![CDATA[]]]]></a>"), body_error::none, 1},
        {"references in a child", in_body("<a>&lt;&gt;&amp;&apos;&quot;&#9;&#x10FFFF;</a>"),
         body_error::none, 1},
        {"brackets in text", in_body("<a>]]]] ></a>"), body_error::none, 1},
        {"greater-than in text", in_body("<a>></a>"), body_error::none, 1},
        {"characters of one to four bytes", in_body("<a>z\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</a>"),
         body_error::none, 1},
        {"a prefix from the root",
         "<b:body xmlns:b='http://jabber.org/protocol/httpbind'><b:x b:y=''/></b:body>",
         body_error::none, 1},
        {"a prefix declared where it is used", in_body("<p:a p:b='' xmlns:p='u'/>"),
         body_error::none, 1},
        {"a prefix declared further out", in_body("<a xmlns:p='u'><b><p:c/></b></a>"),
         body_error::none, 1},
        {"the prefix xml", in_body("<a xml:lang='de'/>"), body_error::none, 1},
        {"the prefix xml declared as itself",
         in_body("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>"), body_error::none, 1},
        {"no default namespace", in_body("<a xmlns=''/>"), body_error::none, 1},
        {"one name in two namespaces", in_body("<a x='' p:x='' q:x='' xmlns:p='u' xmlns:q='v'/>"),
         body_error::none, 1},

        {"prefixes that change their meaning",
         in_body("<a xmlns:p='u'><b xmlns:p='v' xmlns:q='u' p:x='' q:x=''/>"
                 "<b xmlns:p='w' xmlns:q='v' p:x='' q:x=''/><c xmlns:q='v' p:x='' q:x=''/></a>"),
         body_error::none, 1},

        {"text under body", in_body("x"), body_error::text_in_body},
        {"text between children", in_body("<a/>x<b/>"), body_error::text_in_body},
        {"a reference under body", in_body("&#32;"), body_error::text_in_body},
        {"CDATA under body", in_body("<![CDATA[ ]]>"), body_error::text_in_body},
        {"NUL under body", in_body("\0"s), body_error::text_in_body},
        {"comment", in_body("<!-- -->"), body_error::comment},
        {"comment in a child", in_body("<a><!-- --></a>"), body_error::comment},
        {"processing instruction", in_body("<?x y?>"), body_error::instruction},
        {"XML declaration inside", in_body("<?xml version='1.0'?>"), body_error::instruction},
        {"document type inside", in_body("<!DOCTYPE a>"), body_error::doctype},
        {"entity declaration", in_body("<!ENTITY a 'b'>"), body_error::bad_markup},
        {"unfinished exclamation", in_body("<!>"), body_error::bad_markup},
        {"lower-case CDATA", in_body("<a><![cdata[]]></a>"), body_error::bad_markup},
        {"two roots", in_body("") + in_body(""), body_error::after_root},
        {"text behind the root", in_body("") + "x", body_error::after_root},
        {"comment behind the root", in_body("") + "<!-- -->", body_error::after_root},
        {"NUL behind the root", in_body("") + "\0"s, body_error::after_root},
        {"byte order mark behind the root", in_body("") + "\xef\xbb\xbf", body_error::after_root},
        {"self-closed with text behind", "<body xmlns='http://jabber.org/protocol/httpbind'/>x",
         body_error::after_root},
        {"not closed", std::string(open_tag), body_error::truncated},
        {"child not closed", std::string(open_tag) + "<a>", body_error::truncated},
        {"end tag cut off", std::string(open_tag) + "</bod", body_error::truncated},
        {"CDATA cut off", std::string(open_tag) + "<a><![CDA", body_error::truncated},
        {"character cut off", std::string(open_tag) + "<a>\xe2\x82", body_error::truncated},
        {"closed by another name", in_body("<a></b>"), body_error::mismatched_tag},
        {"closed by a longer name", in_body("<a></ab>"), body_error::mismatched_tag},
        {"closed by a shorter name", in_body("<ab></a>"), body_error::mismatched_tag},
        {"closed by another prefix", in_body("<p:a xmlns:p='u' xmlns:q='u'></q:a>"),
         body_error::mismatched_tag},
        {"closed in another case", in_body("<a></A>"), body_error::mismatched_tag},
        {"crossed", in_body("<a><b></a></b>"), body_error::mismatched_tag},
        {"attribute in an end tag", in_body("<a></a b='c'>"), body_error::bad_tag},
        {"space before an end tag's name", in_body("<a></ a>"), body_error::mismatched_tag},
        {"space before a name", in_body("< a/>"), body_error::bad_name},
        {"digit before a name", in_body("<1a/>"), body_error::bad_name},
        {"two colons", in_body("<a:b:c xmlns:a='u'/>"), body_error::bad_name},
        {"empty prefix", in_body("<:a/>"), body_error::bad_name},
        {"empty local name", in_body("<a: xmlns:a='u'/>"), body_error::bad_name},
        {"digit behind the colon", in_body("<a:1 xmlns:a='u'/>"), body_error::bad_name},
        {"attribute without value", in_body("<a b/>"), body_error::bad_tag},
        {"attribute without quotes", in_body("<a b=c/>"), body_error::bad_value},
        {"attributes without space between", in_body("<a b=''c=''/>"), body_error::bad_tag},
        {"slash in a tag", in_body("<a / >"), body_error::bad_tag},
        {"less-than in a value", in_body("<a b='<'/>"), body_error::bad_value},
        {"attribute twice", in_body("<a b='' b=''/>"), body_error::repeated_attribute},
        {"attribute twice by namespace", in_body("<a p:x='' q:x='' xmlns:p='u' xmlns:q='u'/>"),
         body_error::repeated_attribute},
        {"twice by namespace, written differently",
         in_body("<a p:x='' q:x='' xmlns:p='urn:a' xmlns:q='urn:&#97;'/>"),
         body_error::repeated_attribute},
        {"twice by a namespace from outside",
         in_body("<a xmlns:p='u'><b xmlns:q='u' p:x='' q:x=''/></a>"),
         body_error::repeated_attribute},
        {"twice by namespace, after siblings whose prefixes meant others",
         in_body("<a xmlns:r='w'><b xmlns:p='u' xmlns:q='v' p:x='' q:x=''/>"
                 "<b xmlns:p='v' xmlns:q='v' p:x='' q:x=''/></a>"),
         body_error::repeated_attribute},
        {"namespace declared twice", in_body("<a xmlns:p='u' xmlns:p='u'/>"),
         body_error::repeated_attribute},
        {"prefix of an element not declared", in_body("<p:a/>"), body_error::unbound_prefix},
        {"prefix of an attribute not declared", in_body("<a p:b=''/>"), body_error::unbound_prefix},
        {"prefix declared in a sibling only", in_body("<a xmlns:p='u'/><p:a/>"),
         body_error::unbound_prefix},
        {"prefix declared in a closed sibling only", in_body("<a xmlns:p='u'></a><p:a/>"),
         body_error::unbound_prefix},
        {"element with the prefix xmlns", in_body("<xmlns:a/>"), body_error::unbound_prefix},
        {"prefix undeclared", in_body("<a xmlns:p='u'><b xmlns:p=''/></a>"),
         body_error::bad_namespace},
        {"prefix xml taken", in_body("<a xmlns:xml='u'/>"), body_error::bad_namespace},
        {"prefix xmlns declared", in_body("<a xmlns:xmlns='u'/>"), body_error::bad_namespace},
        {"another prefix for xml", in_body("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"),
         body_error::bad_namespace},
        {"xml as the default", in_body("<a xmlns='http://www.w3.org/XML/1998/namespace'/>"),
         body_error::bad_namespace},
        {"a prefix for xmlns", in_body("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>"),
         body_error::bad_namespace},
        {"bare end of CDATA", in_body("<a>]]></a>"), body_error::bare_cdata_end},
        {"entity that is not predefined", in_body("<a>&nbsp;</a>"), body_error::bad_reference},
        {"entity in a value", in_body("<a b='&x;'/>"), body_error::bad_reference},
        {"bare ampersand", in_body("<a>& </a>"), body_error::bad_reference},
        {"reference to NUL", in_body("<a>&#0;</a>"), body_error::bad_reference},
        {"reference to a control", in_body("<a>&#x1;</a>"), body_error::bad_reference},
        {"reference to a surrogate", in_body("<a>&#xD800;</a>"), body_error::bad_reference},
        {"reference to U+FFFE", in_body("<a>&#xFFFE;</a>"), body_error::bad_reference},
        {"reference above Unicode", in_body("<a>&#x110000;</a>"), body_error::bad_reference},
        {"reference beyond 32 bits", in_body("<a>&#x100000041;</a>"), body_error::bad_reference},
        {"NUL in text", in_body("<a>\0</a>"s), body_error::bad_character},
        {"control in text", in_body("<a>\x01</a>"), body_error::bad_character},
        {"U+FFFE in text", in_body("<a>\xef\xbf\xbe</a>"), body_error::bad_character},
        {"U+FFFF in CDATA", in_body("<a><![CDATA[\xef\xbf\xbf]]></a>"), body_error::bad_character},
        {"overlong form", in_body("<a>\xc0\xbc</a>"), body_error::bad_utf8},
        {"surrogate", in_body("<a>\xed\xa0\x80</a>"), body_error::bad_utf8},
        {"above U+10FFFF", in_body("<a>\xf4\x90\x80\x80</a>"), body_error::bad_utf8},
        {"Latin-1", in_body("<a>\xe4</a>"), body_error::bad_utf8},
    };
    for (const payload_case& c : cases) {
        const body_result result = checked(c.document);
        EXPECT_EQ(name_of(result.why), name_of(c.why)) << c.name;
        EXPECT_LE(result.at, c.document.size()) << c.name;
        if (c.why == body_error::none) {
            EXPECT_EQ(result.children, c.children) << c.name;
        }
        EXPECT_EQ(test::disagreement(c.document), "") << c.name;
    }
}

std::string nested(std::size_t depth) {
    std::string document(open_tag);
    for (std::size_t i = 1; i < depth; ++i)
        document += "<a>";
    for (std::size_t i = 1; i < depth; ++i)
        document += "</a>";
    return document + "</body>";
}

TEST(bosh_payload, limits_hold_at_n_and_n_plus_1) {
    body_limits limits;
    limits.depth = 5;
    EXPECT_EQ(checked(nested(5), limits).why, body_error::none);
    EXPECT_EQ(checked(nested(6), limits).why, body_error::depth_limit);
    EXPECT_EQ(checked(in_body("<a><b><c><d/></c></b></a>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a><b><c><d><e/></d></c></b></a>"), limits).why,
              body_error::depth_limit);
    limits.depth = 10'000; // the ceiling holds whatever is configured
    EXPECT_EQ(checked(nested(depth_ceiling), limits).why, body_error::none);
    EXPECT_EQ(checked(nested(depth_ceiling + 1), limits).why, body_error::depth_limit);

    limits = {};
    limits.elements = 3;
    EXPECT_EQ(checked(in_body("<a/><b/>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a/><b/><c/>"), limits).why, body_error::element_limit);

    limits = {};
    limits.attributes = 2;
    EXPECT_EQ(checked(in_body("<a b='' c=''/>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a b='' c='' d=''/>"), limits).why, body_error::attribute_limit);
    limits.attributes = 10'000;
    std::string many;
    for (std::size_t i = 0; i < xml::attributes_ceiling; ++i)
        many += " a" + std::to_string(i) + "=''";
    EXPECT_EQ(checked(in_body("<a" + many + "/>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a" + many + " x=''/>"), limits).why, body_error::attribute_limit);

    limits = {};
    limits.child_value_bytes = 10;
    EXPECT_EQ(checked(in_body("<a b='0123456789'/>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a b='0123456789a'/>"), limits).why, body_error::value_limit);

    limits = {};
    limits.namespaces = 3; // one is the root's
    EXPECT_EQ(checked(in_body("<a xmlns:p='u' xmlns:q='u'/>"), limits).why, body_error::none);
    EXPECT_EQ(checked(in_body("<a xmlns:p='u' xmlns:q='u' xmlns:r='u'/>"), limits).why,
              body_error::namespace_limit);
    EXPECT_EQ(
        checked(in_body("<a xmlns:p='u' xmlns:q='u'/><a xmlns:r='u' xmlns:s='u'/>"), limits).why,
        body_error::none)
        << "declarations end with their element";

    EXPECT_EQ(checked(in_body("<" + std::string(xml::name_ceiling, 'a') + "/>")).why,
              body_error::none);
    EXPECT_EQ(checked(in_body("<" + std::string(xml::name_ceiling + 1, 'a') + "/>")).why,
              body_error::name_limit);
}

TEST(bosh_payload, depth_10000_costs_no_stack) {
    EXPECT_EQ(checked(nested(10'000)).why, body_error::depth_limit);
}

TEST(bosh_payload, events_tell_what_stands_where) {
    const std::string document =
        in_body("<m:x xmlns:m='urn:m' a='1'>t&amp;<![CDATA[c]]></m:x><y xmlns='urn:&#121;'/>");
    const body_limits limits;
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, limits, tag).ok());
    payload_reader reader(tag, limits);
    const auto piece = [&] {
        return document.substr(reader.piece().begin, reader.piece().end - reader.piece().begin);
    };
    ASSERT_EQ(reader.next(), payload_event::begin);
    EXPECT_EQ(piece(), "<m:x xmlns:m='urn:m' a='1'>");
    EXPECT_EQ(reader.tag().name.local(document), "x");
    EXPECT_TRUE(reader.element_namespace().is("urn:m"));
    EXPECT_EQ(reader.attributes().size(), 2U);
    EXPECT_EQ(reader.depth(), 2U);
    ASSERT_EQ(reader.next(), payload_event::text);
    EXPECT_EQ(piece(), "t&amp;");
    EXPECT_TRUE(reader.coded());
    EXPECT_FALSE(reader.from_cdata());
    ASSERT_EQ(reader.next(), payload_event::text);
    EXPECT_EQ(piece(), "c");
    EXPECT_FALSE(reader.coded());
    EXPECT_TRUE(reader.from_cdata());
    ASSERT_EQ(reader.next(), payload_event::finish);
    EXPECT_EQ(piece(), "</m:x>");
    EXPECT_EQ(reader.depth(), 1U);
    ASSERT_EQ(reader.next(), payload_event::begin);
    EXPECT_TRUE(reader.tag().self_closed);
    EXPECT_TRUE(reader.element_namespace().is("urn:y"));
    EXPECT_EQ(reader.depth(), 1U);
    EXPECT_EQ(reader.children(), 2U);
    ASSERT_EQ(reader.next(), payload_event::finish);
    EXPECT_EQ(reader.depth(), 0U);
    EXPECT_EQ(reader.next(), payload_event::end);
}

TEST(bosh_payload, a_refused_reader_stays_refused) {
    const std::string document = in_body("<a><!-- --></a>");
    const body_limits limits;
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, limits, tag).ok());
    payload_reader reader(tag, limits);
    ASSERT_EQ(reader.next(), payload_event::begin);
    ASSERT_EQ(reader.next(), payload_event::refused);
    const std::uint32_t at = reader.at();
    EXPECT_EQ(document.substr(at, 4), "<!--");
    EXPECT_EQ(reader.next(), payload_event::refused);
    EXPECT_EQ(reader.why(), body_error::comment);
    EXPECT_EQ(reader.at(), at);
}

TEST(bosh_payload, agrees_with_expat_on_generated_documents) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    test::body_generator generator(seed);
    for (int i = 0; i < 20'000; ++i) {
        const std::string document = generator.document();
        ASSERT_TRUE(checked(document).ok())
            << "seed " << seed << ", document " << i << ": " << document << "\n"
            << words_of(checked(document).why) << " at " << checked(document).at;
        ASSERT_EQ(test::disagreement(document), "") << "seed " << seed << ": " << document;
    }
}

TEST(bosh_payload, agrees_with_expat_on_damaged_documents) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    test::body_generator generator(seed);
    int accepted = 0;
    constexpr int documents = 60'000;
    for (int i = 0; i < documents; ++i) {
        const std::string document = generator.damaged();
        ASSERT_EQ(test::disagreement(document), "") << "seed " << seed << ": " << document;
        accepted += checked(document).ok();
    }
    // The comparison is worth something only if both outcomes are common.
    EXPECT_GT(accepted, documents / 50);
    EXPECT_LT(accepted, documents / 2);
}

TEST(bosh_payload, agrees_with_expat_however_a_document_is_cut) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    test::body_generator generator(seed);
    for (int i = 0; i < 50; ++i) {
        const std::string document = generator.document();
        for (std::size_t length = 0; length <= document.size(); ++length) {
            // A buffer of its own of just this length: whatever reads beyond it is found by
            // sanitizers.
            const std::vector<char> cut(document.begin(),
                                        document.begin() + static_cast<std::ptrdiff_t>(length));
            const std::string_view bytes(cut.data(), cut.size());
            ASSERT_EQ(test::disagreement(bytes), "") << "seed " << seed << ": " << bytes;
        }
    }
}

} // namespace
} // namespace boshgate::routing
