#include "routing/bosh_body.hpp"

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
using id = body_attribute;

constexpr std::string_view ns = " xmlns='http://jabber.org/protocol/httpbind'";

// A start tag, self-closed, with these attributes besides its namespace.
std::string tag_with(std::string_view attributes) {
    return "<body" + std::string(ns) + " " + std::string(attributes) + "/>";
}

body_error reading(std::string_view document, const body_limits& limits = {}) {
    body_tag tag;
    return read_body_tag(document, limits, tag).why;
}

TEST(bosh_body, reads_the_session_request_of_a_browser_client) {
    const std::string document =
        "<body xmlns=\"http://jabber.org/protocol/httpbind\" xml:lang=\"en-US\" "
        "xmlns:xmpp=\"urn:xmpp:xbosh\" hold=\"1\" ver=\"1.9\" to=\"example.com\" wait=\"30\" "
        "xmpp:version=\"1.0\" from=\"alice@example.com\" rid=\"3785781641\"/>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    EXPECT_EQ(check_request(tag), body_error::none);
    EXPECT_EQ(tag.kind(), body_kind::session_request);
    EXPECT_FALSE(tag.keyed());
    EXPECT_TRUE(tag.self_closed());
    EXPECT_EQ(tag.payload_begin(), document.size());
    EXPECT_EQ(tag.rid(), 3785781641U);
    EXPECT_EQ(tag.number(id::hold), 1U);
    EXPECT_EQ(tag.number(id::wait), 30U);
    EXPECT_EQ(tag.version(), (body_version{1, 9}));
    EXPECT_EQ(tag.version(id::xmpp_version), (body_version{1, 0}));
    EXPECT_EQ(tag.written(id::to), "example.com");
    EXPECT_EQ(tag.written(id::from), "alice@example.com");
    EXPECT_EQ(tag.written(id::xml_lang), "en-US");
    EXPECT_FALSE(tag.has(id::sid));
    EXPECT_EQ(tag.written(id::sid), "");
    EXPECT_EQ(tag.number(id::ack), std::nullopt);
    EXPECT_EQ(tag.attributes().size(), 10U);
    EXPECT_EQ(document.substr(0, tag.name_end()), "<body");
}

TEST(bosh_body, finds_every_attribute_and_its_place) {
    // xmlns:x and not xmpp: the prefix is the writer's choice.
    std::string document = "<body" + std::string(ns) + " xmlns:x='urn:xmpp:xbosh'";
    for (std::size_t i = 1; i < body_attribute_count; ++i) {
        std::string name(name_of(static_cast<id>(i)));
        ASSERT_FALSE(name.empty()) << i;
        if (name.starts_with("xmpp:"))
            name.replace(0, 4, "x");
        document += " " + name + "='v" + std::to_string(i) + "'";
    }
    document += ">";
    body_tag tag;
    ASSERT_EQ(name_of(read_body_tag(document, {}, tag).why), "none");
    EXPECT_FALSE(tag.self_closed());
    for (std::size_t i = 1; i < body_attribute_count; ++i) {
        const auto attribute = static_cast<id>(i);
        const std::string value = "v" + std::to_string(i);
        EXPECT_TRUE(tag.has(attribute)) << name_of(attribute);
        EXPECT_EQ(tag.written(attribute), value) << name_of(attribute);
        const byte_range range = tag.range(attribute);
        const std::string_view name = name_of(attribute);
        const std::string local(name.substr(name.find(':') + 1));
        EXPECT_TRUE(document.substr(range.begin, range.end - range.begin)
                        .ends_with(local + "='" + value + "'"))
            << name;
        EXPECT_EQ(document[range.begin - 1], ' ') << name;
        const byte_range inside = tag.value_range(attribute);
        EXPECT_EQ(document.substr(inside.begin, inside.end - inside.begin), value) << name;
    }
    EXPECT_EQ(name_of(id::other), "");
    EXPECT_FALSE(tag.has(id::other));
}

struct tag_case {
    const char* name;
    std::string document;
    body_error why;
};

TEST(bosh_body, accepts_and_refuses_tags) {
    const std::string tag = "<body" + std::string(ns) + "/>";
    const tag_case cases[] = {
        {"plain", tag, body_error::none},
        {"prefixed root", "<b:body xmlns:b='http://jabber.org/protocol/httpbind'/>",
         body_error::none},
        {"prefix used before it is declared",
         "<body xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'" + std::string(ns) + "/>",
         body_error::none},
        {"namespace with references",
         "<body xmlns='http&#58;//jabber.org/protocol/http&#x62;ind'/>", body_error::none},
        {"byte order mark", "\xef\xbb\xbf" + tag, body_error::none},
        {"leading white space", "\r\n\t " + tag, body_error::none},
        {"byte order mark and white space", "\xef\xbb\xbf\n" + tag, body_error::none},
        {"declaration", "<?xml version='1.0'?>" + tag, body_error::none},
        {"declaration with all its parts",
         "<?xml version = \"1.0\"\nencoding='utf-8' standalone=\"yes\" ?>\n" + tag,
         body_error::none},
        {"declaration without encoding", "<?xml version='1.0' standalone='no'?>" + tag,
         body_error::none},
        {"mark and declaration", "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>" + tag,
         body_error::none},
        {"markup in a value", tag_with("to=\"x' sid='y\""), body_error::none},
        {"greater-than in a value", tag_with("to='a>b'"), body_error::none},
        {"attributes of other namespaces", tag_with("xmlns:q='u' q:sid='1'"), body_error::none},

        {"two marks", "\xef\xbb\xbf\xef\xbb\xbf" + tag, body_error::no_body},
        {"text", "hello", body_error::no_body},
        {"text in front", "x" + tag, body_error::no_body},
        {"UTF-16", "\xff\xfe<\0b\0"s, body_error::no_body},
        {"UTF-16 without mark", "\0<\0b"s, body_error::no_body},
        {"JSON", "{\"body\": 1}", body_error::no_body},
        {"another name", "<bodyx" + std::string(ns) + "/>", body_error::wrong_root},
        {"another case", "<Body" + std::string(ns) + "/>", body_error::wrong_root},
        {"no namespace", "<body/>", body_error::wrong_root},
        {"another namespace", "<body xmlns='jabber:client'/>", body_error::wrong_root},
        {"another namespace by case", "<body xmlns='http://jabber.org/protocol/HttpBind'/>",
         body_error::wrong_root},
        {"namespace with a blank", "<body xmlns='http://jabber.org/protocol/httpbind '/>",
         body_error::wrong_root},
        {"namespace on another prefix", "<body xmlns:b='http://jabber.org/protocol/httpbind'/>",
         body_error::wrong_root},
        {"XHTML", "<html xmlns='http://www.w3.org/1999/xhtml'>", body_error::wrong_root},
        {"unbound prefix", "<b:body/>", body_error::unbound_prefix},
        {"unbound prefix of an attribute", tag_with("xmpp:restart='true'"),
         body_error::unbound_prefix},
        {"comment in front", "<!-- -->" + tag, body_error::comment},
        {"instruction in front", "<?php ?>" + tag, body_error::instruction},
        {"stylesheet in front", "<?xml-stylesheet href='x'?>" + tag, body_error::instruction},
        {"declaration behind white space", " <?xml version='1.0'?>" + tag, body_error::instruction},
        {"two declarations", "<?xml version='1.0'?><?xml version='1.0'?>" + tag,
         body_error::instruction},
        {"document type", "<!DOCTYPE body [<!ENTITY a 'aaaaaaaaaa'>]>" + tag, body_error::doctype},
        {"CDATA in front", "<![CDATA[x]]>" + tag, body_error::bad_markup},
        {"end tag first", "</body>", body_error::bad_name},
        {"version 1.1", "<?xml version='1.1'?>" + tag, body_error::bad_declaration},
        {"no version", "<?xml encoding='UTF-8'?>" + tag, body_error::bad_declaration},
        {"encoding before version", "<?xml encoding='UTF-8' version='1.0'?>" + tag,
         body_error::bad_declaration},
        {"version twice", "<?xml version='1.0' version='1.0'?>" + tag, body_error::bad_declaration},
        {"declaration without space", "<?xml version='1.0'encoding='UTF-8'?>" + tag,
         body_error::bad_declaration},
        {"mixed quotes", "<?xml version='1.0\"?>" + tag, body_error::bad_declaration},
        {"standalone maybe", "<?xml version='1.0' standalone='maybe'?>" + tag,
         body_error::bad_declaration},
        {"declaration in capitals", "<?XML version='1.0'?>" + tag, body_error::instruction},
        {"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + tag, body_error::bad_encoding},
        {"UTF-16 said", "<?xml version='1.0' encoding='UTF-16'?>" + tag, body_error::bad_encoding},
        {"empty encoding", "<?xml version='1.0' encoding=''?>" + tag, body_error::bad_encoding},
        {"attribute twice", tag_with("sid='a' sid='a'"), body_error::repeated_attribute},
        {"attribute twice by namespace",
         tag_with("xmlns:p='urn:xmpp:xbosh' xmlns:q='urn:xmpp:xbosh' p:restart='' q:restart=''"),
         body_error::repeated_attribute},
        {"xmlns twice", "<body" + std::string(ns) + std::string(ns) + "/>",
         body_error::repeated_attribute},
        {"control in a value", tag_with("to='\x01'"), body_error::bad_character},
        {"NUL in a value", tag_with("to='\0'"s), body_error::bad_character},
        {"reference to NUL", tag_with("to='&#0;'"), body_error::bad_reference},
        {"U+FFFE", tag_with("to='\xef\xbf\xbe'"), body_error::bad_character},
        {"empty", "", body_error::truncated},
        {"only white space", " \r\n", body_error::truncated},
        {"only a mark", "\xef\xbb\xbf", body_error::truncated},
        {"half a mark", "\xef\xbb", body_error::truncated},
    };
    for (const tag_case& c : cases) {
        EXPECT_EQ(name_of(reading(c.document)), name_of(c.why)) << c.name;
        EXPECT_EQ(test::disagreement(c.document), "") << c.name;
    }
}

TEST(bosh_body, a_tag_that_is_cut_off_is_truncated_and_nothing_else) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    test::body_generator generator(seed);
    const body_limits limits = test::wide_limits();
    for (int i = 0; i < 300; ++i) {
        const std::string document = generator.document();
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, limits, tag).ok()) << seed << ": " << document;
        const std::size_t whole = tag.payload_begin();
        for (std::size_t length = 0; length < whole; ++length) {
            const std::vector<char> cut(document.begin(),
                                        document.begin() + static_cast<std::ptrdiff_t>(length));
            ASSERT_EQ(name_of(reading({cut.data(), cut.size()}, limits)), "truncated")
                << seed << ": " << document.substr(0, length);
        }
        ASSERT_EQ(reading(document.substr(0, whole), limits), body_error::none) << seed;
    }
}

TEST(bosh_body, limits_hold_at_n_and_n_plus_1) {
    const std::string tag = tag_with("sid='0123456789'");
    body_limits limits;
    limits.tag_bytes = tag.size();
    EXPECT_EQ(reading(tag, limits), body_error::none);
    EXPECT_EQ(reading(tag + "payload of any length", limits), body_error::none);
    EXPECT_EQ(reading(" " + tag, limits), body_error::tag_limit);
    limits.tag_bytes = tag.size() - 1;
    EXPECT_EQ(reading(tag, limits), body_error::tag_limit);
    EXPECT_EQ(reading(std::string(100'000, ' '), limits), body_error::tag_limit);
    EXPECT_EQ(reading(std::string(tag.size() - 1, ' '), limits), body_error::truncated);

    limits = {};
    limits.tag_value_bytes = 36; // the namespace has 35
    EXPECT_EQ(reading(tag_with("sid='" + std::string(36, 'x') + "'"), limits), body_error::none);
    EXPECT_EQ(reading(tag_with("sid='" + std::string(37, 'x') + "'"), limits),
              body_error::value_limit);

    limits = {};
    limits.attributes = 2;
    EXPECT_EQ(reading(tag_with("a=''"), limits), body_error::none);
    EXPECT_EQ(reading(tag_with("a='' b=''"), limits), body_error::attribute_limit);

    limits = {};
    limits.namespaces = 2;
    EXPECT_EQ(reading(tag_with("xmlns:a='u'"), limits), body_error::none);
    EXPECT_EQ(reading(tag_with("xmlns:a='u' xmlns:b='u'"), limits), body_error::namespace_limit);

    EXPECT_EQ(reading(tag_with("sid='" + std::string(1'000'000, 'x') + "'")),
              body_error::value_limit);
}

TEST(bosh_body, numbers_are_plain_decimals_up_to_2_53) {
    struct {
        std::string value;
        std::optional<std::uint64_t> number;
    } const cases[] = {
        {"0", 0U},
        {"1", 1U},
        {"65535", 65535U},
        {"9007199254740991", rid_ceiling},
        {"9007199254740992", std::nullopt},
        {"9223372036854775808", std::nullopt},
        {"18446744073709551616", std::nullopt},
        {std::string(400, '9'), std::nullopt},
        {"", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {"1e3", std::nullopt},
        {"1.5", std::nullopt},
        {"0x10", std::nullopt},
        {"01", std::nullopt},
        {"00", std::nullopt},
        {" 60 ", std::nullopt},
        {"6 0", std::nullopt},
        {"\n1", std::nullopt},
        {"\xd9\xa1", std::nullopt}, // an Arabic digit one
        {"&#49;2", 12U},
        {"&#x31;", 1U},
        {"1&#32;", std::nullopt},
    };
    for (const auto& c : cases) {
        const std::string document = tag_with("wait='" + c.value + "'");
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.value;
        EXPECT_EQ(tag.number(id::wait), c.number) << c.value;
    }
}

TEST(bosh_body, versions_are_compared_as_two_numbers) {
    const auto version_of = [](std::string_view value) {
        const std::string document = tag_with("ver='" + std::string(value) + "'");
        body_tag tag;
        EXPECT_TRUE(read_body_tag(document, {}, tag).ok()) << value;
        return tag.version();
    };
    EXPECT_EQ(version_of("1.6"), (body_version{1, 6}));
    EXPECT_GT(*version_of("1.10"), *version_of("1.9"));
    EXPECT_GT(*version_of("2.0"), *version_of("1.11"));
    EXPECT_EQ(version_of("9999.9999"), (body_version{9999, 9999}));
    for (const std::string_view bad :
         {"", "1", "1.", ".1", "x", "1.x", "1.6.1", "-1.6", "1.06", " 1.6", "10000.0", "1,6"})
        EXPECT_EQ(version_of(bad), std::nullopt) << bad;
}

TEST(bosh_body, tells_what_a_request_is) {
    struct {
        const char* attributes;
        body_kind kind;
        bool keyed;
    } const cases[] = {
        {"rid='1' to='x'", body_kind::session_request, false},
        {"rid='1' newkey='k'", body_kind::session_request, true},
        {"rid='1' type='terminate'", body_kind::session_request, false},
        {"rid='1' sid='s'", body_kind::ordinary, false},
        {"rid='1' sid=''", body_kind::ordinary, false},
        {"rid='1' sid='s' key='k'", body_kind::ordinary, true},
        {"rid='1' sid='s' type='terminate'", body_kind::terminate, false},
        {"rid='1' sid='s' type='&#116;erminate'", body_kind::terminate, false},
        {"rid='1' sid='s' type='terminate' stream='a'", body_kind::close_stream, false},
        {"rid='1' sid='s' type='error'", body_kind::ordinary, false},
        {"rid='1' sid='s' pause='60'", body_kind::pause, false},
        {"rid='1' sid='s' to='x'", body_kind::new_stream, false},
        {"rid='1' sid='s' to='x' xmlns:xmpp='urn:xmpp:xbosh' xmpp:restart='true'",
         body_kind::restart, false},
        {"rid='1' sid='s' xmlns:q='urn:xmpp:xbosh' q:restart='1'", body_kind::restart, false},
        {"rid='1' sid='s' xmlns:xmpp='urn:xmpp:xbosh' xmpp:restart='false'", body_kind::ordinary,
         false},
        {"rid='1' sid='s' xmlns:xmpp='urn:other' xmpp:restart='true'", body_kind::ordinary, false},
        {"rid='1' sid='s' restart='true'", body_kind::ordinary, false},
    };
    for (const auto& c : cases) {
        const std::string document = tag_with(c.attributes);
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.attributes;
        EXPECT_EQ(tag.kind(), c.kind) << c.attributes;
        EXPECT_EQ(tag.keyed(), c.keyed) << c.attributes;
    }
}

TEST(bosh_body, checks_the_attributes_of_requests) {
    struct {
        const char* attributes;
        body_error why;
    } const cases[] = {
        {"rid='1'", body_error::none},
        {"rid='9007199254740991' sid='s'", body_error::none},
        {"rid='&#49;' sid='&#65;'", body_error::none},
        {"rid='1' wait='65535' hold='255' pause='65535' ack='1' ver='1.6'", body_error::none},
        {"rid='1' wait='0' hold='0' pause='0'", body_error::none},
        {"rid='1' ack='9007199254740991'", body_error::none},
        {"sid='s'", body_error::no_rid},
        {"xmlns:q='u' q:rid='1'", body_error::no_rid},
        {"rid=''", body_error::bad_rid},
        {"rid='0'", body_error::bad_rid},
        {"rid='-1'", body_error::bad_rid},
        {"rid='1e3'", body_error::bad_rid},
        {"rid='007'", body_error::bad_rid},
        {"rid='0x7'", body_error::bad_rid},
        {"rid='9007199254740992'", body_error::bad_rid},
        {"rid='9223372036854775808'", body_error::bad_rid},
        {"rid='1' sid=''", body_error::empty_sid},
        {"rid='1' wait='65536'", body_error::bad_number},
        {"rid='1' wait='-1'", body_error::bad_number},
        {"rid='1' wait='1.5'", body_error::bad_number},
        {"rid='1' wait=' 60 '", body_error::bad_number},
        {"rid='1' wait=''", body_error::bad_number},
        {"rid='1' hold='256'", body_error::bad_number},
        {"rid='1' pause='65536'", body_error::bad_number},
        {"rid='1' ack='0'", body_error::bad_number},
        {"rid='1' ack='x'", body_error::bad_number},
        {"rid='1' ver='1'", body_error::bad_version},
        {"rid='1' ver='1.'", body_error::bad_version},
        {"rid='1' ver='x'", body_error::bad_version},
    };
    for (const auto& c : cases) {
        const std::string document = tag_with(c.attributes);
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.attributes;
        EXPECT_EQ(name_of(check_request(tag)), name_of(c.why)) << c.attributes;
    }
}

TEST(bosh_body, values_are_decoded_on_demand) {
    const std::string document = tag_with("sid='a&amp;b' to='plain'");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    EXPECT_TRUE(tag.coded(id::sid));
    EXPECT_FALSE(tag.coded(id::to));
    EXPECT_EQ(tag.written(id::sid), "a&amp;b");
    EXPECT_TRUE(tag.is(id::sid, "a&b"));
    EXPECT_FALSE(tag.is(id::sid, "a&amp;b"));
    EXPECT_FALSE(tag.is(id::route, ""));
    char room[3];
    EXPECT_EQ(tag.value(id::sid, room), "a&b");
    EXPECT_EQ(tag.value(id::sid, std::span<char>(room, 2)), std::nullopt);
    EXPECT_EQ(tag.value(id::to, {}), "plain") << "what needs no decoding needs no room";
    EXPECT_EQ(tag.value(id::route, room), std::nullopt);
}

TEST(bosh_body, a_tag_may_move_with_its_bytes) {
    std::string document = tag_with("sid='abc'");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    const std::string copy = document;
    document.assign(document.size(), '#');
    tag.moved(copy);
    EXPECT_EQ(tag.written(id::sid), "abc");
    EXPECT_EQ(tag.document().data(), copy.data());
}

} // namespace
} // namespace boshgate::routing
