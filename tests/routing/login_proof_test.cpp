#include "routing/login_proof.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

TEST(login_proof, is_what_a_node_says_in_the_first_place) {
    const std::string sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
    const std::string message = "<message xmlns='jabber:client' from='a@example.com'/>";
    const struct {
        std::string_view what;
        std::string payload;
        bool shown;
    } cases[] = {
        {"nothing", "", false},
        {"success of SASL", "<success " + sasl + "/>", true},
        {"with data", "<success " + sasl + ">dj1wTk5E</success>", true},
        {"prefixed", "<s:success xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl'/>", true},
        {"success of SASL2",
         "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>a@example.com"
         "</authorization-identifier></success>",
         true},
        {"behind something else", "<a xmlns='b'><c/></a><success " + sasl + "/>", true},
        {"of another namespace", "<success xmlns='urn:example:game'/>", false},
        {"of no namespace of its own", "<success/>", false},
        {"failure", "<failure " + sasl + "><not-authorized/></failure>", false},
        {"challenge", "<challenge " + sasl + ">success</challenge>", false},
        {"features", "<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>", false},
        {"an echo of the client's own words",
         "<iq xmlns='jabber:client' type='error'><success " + sasl + "/>" + message + "</iq>",
         false},
        {"the words in a text", "<iq xmlns='jabber:client'><a>&lt;success " + sasl + "/></a></iq>",
         false},
        {"the words in an attribute", "<iq xmlns='jabber:client' id='&lt;success/>'/>", false},
        {"the words in a CDATA section",
         "<iq xmlns='jabber:client'><![CDATA[<success " + sasl + "/>]]></iq>", false},
        {"a message", message, true},
        {"without a namespace of its own", "<message from='a@example.com'/>", true},
        {"presence", "<presence xmlns='jabber:client' type='subscribe'/>", true},
        {"a message as an error", "<message xmlns='jabber:client' type='error'/>", false},
        {"the same, written in another way", "<message xmlns='jabber:client' type='&#x65;rror'/>",
         false},
        {"presence as an error", "<presence xmlns='jabber:client' type='error'/>", false},
        {"a result", "<iq xmlns='jabber:client' type='result' id='auth_2'/>", false},
        {"not well-formed", "<success " + sasl + "/><a>", false},
    };
    for (const auto& c : cases) {
        const std::string document =
            "<body xmlns='http://jabber.org/protocol/httpbind'>" + c.payload + "</body>";
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, {}, tag).ok()) << c.what;
        EXPECT_EQ(shows_login(tag, {}), c.shown) << c.what;
    }
}

TEST(login_proof, is_not_looked_for_beyond_the_limits) {
    const std::string document = "<body xmlns='http://jabber.org/protocol/httpbind'>"
                                 "<success xmlns='urn:xmpp:sasl:2'><a/><a/></success></body>";
    body_limits limits;
    limits.elements = 4;
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, limits, tag).ok());
    EXPECT_TRUE(shows_login(tag, limits));
    limits.elements = 3;
    EXPECT_FALSE(shows_login(tag, limits));
}

} // namespace
} // namespace boshgate::routing
