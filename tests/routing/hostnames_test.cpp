#include "routing/hostnames.hpp"

#include "routing/body_edit.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

std::string features(std::string_view in_mechanisms) {
    return "<body xmlns='http://jabber.org/protocol/httpbind' "
           "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
           "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>" +
           std::string(in_mechanisms) + "</mechanisms></stream:features></body>";
}

std::vector<std::string> found_in(std::string_view document) {
    body_tag tag;
    EXPECT_TRUE(read_body_tag(document, {}, tag).ok()) << document;
    hostname_text found[3];
    const hostnames_found result = find_hostnames(tag, {}, found);
    EXPECT_EQ(name_of(result.why), "none") << document;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < result.count; ++i) {
        std::string name(found[i].written);
        if (found[i].coded)
            name.resize(xml::decode_value(found[i].written, name.data(), name.size()));
        names.push_back((found[i].for_mechanism ? "mechanism's " : "") + name);
    }
    return names;
}

TEST(hostnames, finds_those_of_the_mechanisms) {
    using list = std::vector<std::string>;
    struct {
        const char* name;
        std::string document;
        list wanted;
    } const cases[] = {
        {"none", features(""), {}},
        {"one", features("<hostname xmlns='urn:xmpp:domain-based-name:1'>a</hostname>"), {"a"}},
        {"two, in order",
         features("<hostname>b.example.com</hostname><hostname>a</hostname>"),
         {"b.example.com", "a"}},
        {"more than asked for",
         features("<hostname>1</hostname><hostname>2</hostname><hostname>3</hostname>"
                  "<hostname>4</hostname>"),
         {"1", "2", "3"}},
        {"any namespace and prefix",
         features("<hostname xmlns='urn:xmpp:domain-based-name:0'>a</hostname>"
                  "<q:hostname xmlns:q='urn:xmpp:tmp:domain-based-name'>b</q:hostname>"
                  "<hostname xmlns=''>c</hostname>"),
         {"a", "b", "c"}},
        {"white space around", features("<hostname>\n  a \t</hostname >"), {"a"}},
        {"references", features("<hostname>&#x61;&amp;b</hostname>"), {"a&b"}},
        {"for one mechanism",
         features("<hostname mechanism='GSSAPI'>a</hostname>"),
         {"mechanism's a"}},
        {"prefixed mechanisms",
         "<body xmlns='http://jabber.org/protocol/httpbind' "
         "xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl'><s:mechanisms><hostname>a</hostname>"
         "</s:mechanisms></body>",
         {"a"}},
        {"empty ones are left out",
         features("<hostname/><hostname></hostname><hostname> </hostname><hostname>a</hostname>"),
         {"a"}},
        {"not plain ones are left out",
         features("<hostname><b/>a</hostname><hostname><![CDATA[a]]></hostname>"
                  "<hostname>a<![CDATA[b]]>c</hostname>"),
         {}},
        {"deeper ones are others'", features("<x><hostname>a</hostname></x>"), {}},
        {"inside of another", features("<hostname><hostname>a</hostname></hostname>"), {}},
        {"mechanisms of another namespace",
         "<body xmlns='http://jabber.org/protocol/httpbind'><mechanisms><hostname>a</hostname>"
         "</mechanisms></body>",
         {}},
        {"behind the mechanisms",
         "<body xmlns='http://jabber.org/protocol/httpbind'><mechanisms "
         "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><hostname>a</hostname></body>",
         {}},
        {"after closed mechanisms",
         "<body xmlns='http://jabber.org/protocol/httpbind'><mechanisms "
         "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></mechanisms><hostname>a</hostname></body>",
         {}},
    };
    for (const auto& c : cases)
        EXPECT_EQ(found_in(c.document), c.wanted) << c.name;
}

TEST(hostnames, can_be_put_in_place_of) {
    const std::string document =
        features("<hostname>\n node-a1\n</hostname><hostname>node-b1</hostname>");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    hostname_text found[2];
    ASSERT_EQ(find_hostnames(tag, {}, found).count, 2U);
    body_edits edits(tag);
    ASSERT_EQ(edits.replace_text(found[0].range, "/app/node-a1"), edit_error::none);
    ASSERT_EQ(edits.replace_text(found[1].range, "/app/node-b1"), edit_error::none);
    std::string after(edits.size(), '\0');
    ASSERT_EQ(edits.write(after), after.size());
    EXPECT_EQ(after,
              features("<hostname>/app/node-a1</hostname><hostname>/app/node-b1</hostname>"));
}

// What goes away with an element, whatever is in it.
TEST(hostnames, finds_whole_elements) {
    struct {
        const char* name;
        std::string inside;
        std::vector<std::string> wanted; // "plain ", "prefixed " and the element
    } const cases[] = {
        {"none", "<x/>", {}},
        {"plain", "<hostname>a</hostname>", {"plain <hostname>a</hostname>"}},
        {"white space at the ends",
         "<hostname\n a='1' > a </hostname >",
         {"plain <hostname\n a='1' > a </hostname >"}},
        {"self-closed", " <hostname/>", {"<hostname/>"}},
        {"self-closed and prefixed",
         "<q:hostname xmlns:q='u'/>x",
         {"prefixed <q:hostname xmlns:q='u'/>"}},
        {"empty", "<hostname></hostname>", {"<hostname></hostname>"}},
        {"only space", "<hostname> </hostname>", {"<hostname> </hostname>"}},
        {"CDATA",
         "<hostname><![CDATA[</hostname>]]></hostname>",
         {"<hostname><![CDATA[</hostname>]]></hostname>"}},
        {"one inside of another",
         "<hostname>a<hostname>b</hostname><hostname/></hostname><hostname>c</hostname>",
         {"<hostname>a<hostname>b</hostname><hostname/></hostname>",
          "plain <hostname>c</hostname>"}},
        {"prefixed",
         "<q:hostname xmlns:q='u'>a</q:hostname>",
         {"plain prefixed <q:hostname xmlns:q='u'>a</q:hostname>"}},
        {"deeper ones are others'", "<x><hostname>a</hostname><hostname/></x>", {}},
    };
    for (const auto& c : cases) {
        const std::string document = features(c.inside);
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.name;
        hostname_text found[4];
        const hostnames_found result = find_hostname_elements(tag, {}, found);
        EXPECT_EQ(name_of(result.why), "none") << c.name;
        std::vector<std::string> elements;
        for (std::size_t i = 0; i < result.count; ++i) {
            const byte_range range = found[i].element;
            elements.push_back((found[i].plain ? "plain " : "") +
                               std::string(found[i].prefixed ? "prefixed " : "") +
                               document.substr(range.begin, range.end - range.begin));
        }
        EXPECT_EQ(elements, c.wanted) << c.name;
    }
}

TEST(hostnames, counts_elements_beyond_the_room) {
    const std::string one = "<hostname>a</hostname>";
    const std::string document = features(one + one + "<hostname/>");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    hostname_text found[3];
    EXPECT_EQ(find_hostname_elements(tag, {}, found).count, 3U);
    EXPECT_EQ(find_hostname_elements(tag, {}, std::span(found).first(2)).count, 3U);
    EXPECT_EQ(find_hostname_elements(tag, {}, {}).count, 3U);
    EXPECT_EQ(find_hostnames(tag, {}, std::span(found).first(1)).count, 1U);
}

TEST(hostnames, a_payload_that_is_refused_has_none) {
    const std::string document = features("<hostname>a</hostname><!-- -->");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    hostname_text found[2];
    const hostnames_found result = find_hostnames(tag, {}, found);
    EXPECT_EQ(result.why, body_error::comment);
    EXPECT_EQ(result.count, 0U);
    EXPECT_EQ(find_hostname_elements(tag, {}, found).count, 0U);
}

} // namespace
} // namespace boshgate::routing
