#include "routing/sasl_mechanisms.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::routing {
namespace {

std::string list_of(const std::string& payload, const body_limits& limits = {}) {
    const std::string document =
        "<body xmlns='http://jabber.org/protocol/httpbind' sid='s'>" + payload + "</body>";
    body_tag tag;
    EXPECT_TRUE(read_body_tag(document, limits, tag).ok());
    return sasl_mechanisms(tag, limits);
}

std::string sasl(const std::string& inside) {
    return "<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms "
           "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" +
           inside + "</mechanisms></stream:features>";
}

TEST(sasl_mechanisms, are_what_the_features_offer) {
    const std::string plain = "<mechanism>PLAIN</mechanism>";
    const std::string scram = "<mechanism>SCRAM-SHA-1</mechanism>";
    const struct {
        const char* name;
        std::string payload;
        std::string list;
    } rows[] = {
        {"nothing", "", ""},
        {"no mechanisms", "<features/>", ""},
        {"empty list", sasl(""), ""},
        {"one", sasl(plain), "1:PLAIN"},
        {"two", sasl(plain + scram), "1:PLAIN 1:SCRAM-SHA-1"},
        {"in another order", sasl(scram + plain), "1:PLAIN 1:SCRAM-SHA-1"},
        {"twice", sasl(plain + plain), "1:PLAIN"},
        {"with hostnames", sasl(plain + "<hostname xmlns='x'>a1</hostname>" + scram),
         "1:PLAIN 1:SCRAM-SHA-1"},
        {"in single quotes and with blanks",
         "<f><mechanisms xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\" ><mechanism >PLAIN</mechanism "
         "></mechanisms></f>",
         "1:PLAIN"},
        {"prefixed",
         "<f><s:mechanisms xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl'><s:mechanism>PLAIN"
         "</s:mechanism></s:mechanisms></f>",
         "1:PLAIN"},
        {"of SASL2",
         "<f><authentication "
         "xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline><mechanism "
         ">X</mechanism></inline></authentication></f>",
         "2:PLAIN"},
        {"of both",
         "<f><authentication xmlns='urn:xmpp:sasl:2'>" + plain + "</authentication>" + sasl(plain) +
             "</f>",
         "1:PLAIN 2:PLAIN"},
        {"in a CDATA section", sasl("<mechanism><![CDATA[PL]]>AIN</mechanism>"), "1:PLAIN"},
        {"only the word, in text", "<message xmlns='x'>&lt;mechanism>PLAIN</message>", ""},
        {"of another namespace", "<mechanisms xmlns='x'>" + plain + "</mechanisms>", ""},
        {"a list within another", sasl("<x>" + plain + "</x>"), ""},
        {"a self-closed one", sasl("<mechanism/>"), ""},
        {"a self-closed list", "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" + plain,
         ""},
        {"not well-formed", sasl(plain) + "<x>", ""},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(list_of(row.payload), row.list) << row.name;
    }
}

TEST(sasl_mechanisms, keep_to_the_limits) {
    body_limits limits;
    limits.elements = 4; // <body/>, features, mechanisms, mechanism
    EXPECT_EQ(list_of(sasl("<mechanism>PLAIN</mechanism>"), limits), "1:PLAIN");
    limits.elements = 3;
    EXPECT_EQ(list_of(sasl("<mechanism>PLAIN</mechanism>"), limits), "");
}

} // namespace
} // namespace boshgate::routing
