#include "discovery/client_kind.hpp"

#include "routing/bosh_body.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace boshgate::discovery {
namespace {

constexpr std::string_view with_charset = "text/xml; charset=utf-8";

client_kind recognised(std::string_view document, std::string_view content_type) {
    routing::body_tag tag;
    EXPECT_TRUE(routing::read_body_tag(document, routing::body_limits{}, tag).ok()) << document;
    return recognise_client(tag, content_type);
}

TEST(client_kind, session_requests_as_the_libraries_send_them) {
    constexpr struct {
        std::string_view what;
        std::string_view document;
        std::string_view content_type;
        client_kind kind;
    } cases[] = {
        {"CAXL 2014.04, full or minimal",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" xml:lang="en-US" )"
         R"(xmlns:xmpp="urn:xmpp:xbosh" hold="1" ver="1.9" to="example.com" wait="30" )"
         R"(xmpp:version="1.0" from="alice@example.com" rid="3785781641"/>)",
         "text/xml", client_kind::caxl},
        {"CAXL 2014.04, no browser locale, repeated in another order",
         R"(<body rid="3785781641" from="alice@example.com" xmpp:version="1.0" wait="60" )"
         R"(to="example.com" ver="1.9" hold="1" xmlns:xmpp="urn:xmpp:xbosh" )"
         R"(xmlns="http://jabber.org/protocol/httpbind"/>)",
         "text/xml", client_kind::caxl},
        {"CAXL in Internet Explorer 9: no header fields",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" ver="1.9" )"
         R"(to="example.com" wait="30" from="alice@example.com" rid="37857"/>)",
         "", client_kind::caxl},
        {"CAXL 8.6.1",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" ver="1.9" )"
         R"(to="example.com" wait="30" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0" )"
         R"(secure="false" from="alice@example.com" rid="37857"/>)",
         "text/xml", client_kind::caxl},
        {"Strophe 5",
         R"(<body content="text/xml; charset=utf-8" hold="1" rid="2632102489" to="example.com" )"
         R"(ver="1.6" wait="60" xml:lang="en" xmlns="http://jabber.org/protocol/httpbind" )"
         R"(xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"/>)",
         with_charset, client_kind::strophe},
        {"Strophe with a route, hold and wait of the page's choice",
         R"(<body rid='1' xmlns='http://jabber.org/protocol/httpbind' to='example.com' )"
         R"(xml:lang='en' wait='30' hold='2' content='text/xml; charset=utf-8' ver='1.6' )"
         R"(xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh' route='xmpp:example.com:5222'/>)",
         "text/plain", client_kind::strophe},
        {"Converse",
         R"(<body rid='1' xmlns='http://jabber.org/protocol/httpbind' to='example.com' )"
         R"(xml:lang='en' wait='59' hold='1' content='text/xml; charset=utf-8' ver='1.6' )"
         R"(xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>)",
         with_charset, client_kind::converse},
        {"stanza",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" xml:lang="en" hold="2" wait="30" )"
         R"(to="example.com" ver="1.6" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0" )"
         R"(rid="3600807738"/>)",
         with_charset, client_kind::stanza},
        {"no ver", R"(<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="x"/>)",
         with_charset, client_kind::legacy},
        // One step away from each.
        {"CAXL's body with a charset",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" ver="1.9" )"
         R"(to="example.com" wait="30" from="alice@example.com" rid="37857"/>)",
         "text/xml; CHARSET=utf-8", client_kind::unknown},
        {"CAXL's body without from",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" ver="1.9" )"
         R"(to="example.com" wait="30" rid="37857"/>)",
         "text/xml", client_kind::unknown},
        {"ver 1.10 is not 1.9 and not 1.6",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" ver="1.10" )"
         R"(to="example.com" wait="30" from="alice@example.com" rid="37857"/>)",
         "text/xml", client_kind::unknown},
        {"Strophe's body with from",
         R"(<body rid='1' xmlns='http://jabber.org/protocol/httpbind' to='example.com' )"
         R"(from='alice@example.com' content='text/xml; charset=utf-8' ver='1.6'/>)",
         with_charset, client_kind::unknown},
        {"stanza's body with hold 1",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="1" wait="30" ver="1.6" )"
         R"(to="example.com" rid="1"/>)",
         with_charset, client_kind::unknown},
        {"acknowledges",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" hold="2" wait="30" ver="1.6" )"
         R"(to="example.com" rid="1" ack="1"/>)",
         with_charset, client_kind::unknown},
        {"not a session request",
         R"(<body xmlns="http://jabber.org/protocol/httpbind" sid="x" rid="2"/>)", "text/xml",
         client_kind::unknown},
    };
    for (const auto& one : cases)
        EXPECT_EQ(name_of(recognised(one.document, one.content_type)), name_of(one.kind))
            << one.what;
}

TEST(client_kind, evidence_is_about_caxl_only) {
    for (std::size_t i = 0; i < client_kind_count; ++i) {
        const auto kind = static_cast<client_kind>(i);
        const bool open = kind == client_kind::caxl;
        EXPECT_EQ(with_evidence(kind, discovery_evidence::none), kind) << name_of(kind);
        EXPECT_EQ(with_evidence(kind, discovery_evidence::followed),
                  open ? client_kind::caxl_discovery : kind)
            << name_of(kind);
        EXPECT_EQ(with_evidence(kind, discovery_evidence::ignored),
                  open ? client_kind::caxl_thin : kind)
            << name_of(kind);
    }
}

TEST(client_kind, every_kind_has_a_name) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < client_kind_count; ++i)
        EXPECT_TRUE(names.insert(name_of(static_cast<client_kind>(i))).second) << i;
    EXPECT_EQ(name_of(client_kind::stanza), "stanza");
}

} // namespace
} // namespace boshgate::discovery
