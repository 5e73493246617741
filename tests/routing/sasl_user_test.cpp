#include "routing/sasl_user.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

using namespace std::string_literals;

std::string base64(std::string_view bytes) {
    std::vector<unsigned char> text(bytes.size() * 2 + 8);
    const int length =
        EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

std::string body_of(std::string_view payload) {
    return "<body xmlns='http://jabber.org/protocol/httpbind' rid='7' sid='s'>" +
           std::string(payload) + "</body>";
}

std::string auth(std::string_view mechanism, std::string_view content) {
    return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + std::string(mechanism) +
           "'>" + std::string(content) + "</auth>";
}

std::string authenticate(std::string_view mechanism, std::string_view content) {
    return "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='" + std::string(mechanism) + "'>" +
           std::string(content) + "</authenticate>";
}

std::string initial(std::string_view response) {
    return "<initial-response>" + base64(response) + "</initial-response>";
}

// "PLAIN: alice@example.com", or "PLAIN: bad_response".
std::string read(std::string_view payload, std::string_view domain = "example.com") {
    const std::string document = body_of(payload);
    body_tag tag;
    EXPECT_TRUE(read_body_tag(document, {}, tag).ok()) << document;
    const sasl_start start = sasl_user_of(tag, {}, domain);
    EXPECT_EQ(start.user.has_value(), start.what == sasl_outcome::user) << payload;
    return (start.mechanism.empty() ? "" : std::string(start.mechanism) + ": ") +
           (start.user ? start.user->text() : std::string(name_of(start.what)));
}

std::string plain(std::string_view response) {
    return read(auth("PLAIN", base64(response)));
}

std::string scram(std::string_view response) {
    return read(auth("SCRAM-SHA-1", base64(response)));
}

TEST(sasl_user, of_plain) {
    struct {
        const char* name;
        std::string response;
        std::string wanted;
    } const cases[] = {
        {"a user", "\0alice\0secret"s, "alice@example.com"},
        {"capitals", "\0Alice\0Secret"s, "alice@example.com"},
        {"the own address to act as", "alice@example.com\0alice\0secret"s, "alice@example.com"},
        {"the same in capitals", "Alice@Example.com\0alice\0secret"s, "alice@example.com"},
        {"the own address to log in", "\0alice@example.com\0secret"s, "alice@example.com"},
        {"the own address twice", "alice@example.com\0alice@example.com\0x"s, "alice@example.com"},
        {"UTF-8", "\0\xc3\xa9va\0secret"s, "\xc3\xa9va@example.com"},
        {"an escaped at sign", "\0alice\\40corp\0secret"s, "alice\\40corp@example.com"},
        {"a password with everything", "\0a\0,=@/ \xff"s, "a@example.com"},
        {"another to act as", "bob@example.com\0alice\0secret"s, "other_identity"},
        {"another domain to act in", "alice@example.net\0alice\0secret"s, "other_identity"},
        {"no address to act as", "alice\0alice\0secret"s, "other_identity"},
        {"another domain to log in", "\0alice@example.net\0secret"s, "no_user"},
        {"two at signs", "\0alice@corp@example.com\0secret"s, "no_user"},
        {"an at sign behind", "\0alice@\0secret"s, "no_user"},
        {"an at sign before", "\0@example.com\0secret"s, "no_user"},
        {"a resource", "\0alice@example.com/web\0secret"s, "no_user"},
        {"a slash", "\0alice/web\0secret"s, "no_user"},
        {"a blank", "\0al ice\0secret"s, "no_user"},
        {"bad UTF-8", "\0al\xffice\0secret"s, "no_user"},
        {"no user", "\0\0secret"s, "bad_response"},
        {"no user, another to act as", "alice@example.com\0\0secret"s, "bad_response"},
        {"no password", "\0alice\0"s, "bad_response"},
        {"one NUL", "alice\0secret"s, "bad_response"},
        {"three NULs", "\0alice\0sec\0ret"s, "bad_response"},
        {"no NUL", "alice", "bad_response"},
        {"NULs alone", "\0\0"s, "bad_response"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(plain(c.response), "PLAIN: " + c.wanted) << c.name;
}

TEST(sasl_user, of_scram) {
    struct {
        const char* name;
        std::string response;
        std::string wanted;
    } const cases[] = {
        {"a user", "n,,n=alice,r=fyko", "alice@example.com"},
        {"channel binding known", "y,,n=alice,r=fyko", "alice@example.com"},
        {"channel binding used", "p=tls-exporter,,n=alice,r=fyko", "alice@example.com"},
        {"extensions", "n,,n=alice,r=fyko,x=1,y=2", "alice@example.com"},
        {"the own address to act as", "n,a=alice@example.com,n=alice,r=f", "alice@example.com"},
        {"the own address to log in", "n,,n=Alice@example.com,r=f", "alice@example.com"},
        {"a comma", "n,,n=al=2Cice,r=f", "al,ice@example.com"},
        {"an equals sign", "n,,n=al=3Dice=3D,r=f", "al=ice=@example.com"},
        {"both, and what looks like one", "n,,n==3D2C=2C,r=f", "=2c,@example.com"},
        {"escapes to act as", "n,a=a=2Cb@example.com,n=a=2Cb,r=f", "a,b@example.com"},
        {"another to act as", "n,a=bob@example.com,n=alice,r=f", "other_identity"},
        {"no address to act as", "n,a=alice,n=alice,r=f", "other_identity"},
        {"another domain", "n,,n=alice@example.net,r=f", "no_user"},
        {"bad UTF-8", "n,,n=al\xffice,r=f", "no_user"},
        {"another escape", "n,,n=al=40ice,r=f", "bad_response"},
        {"an escape in lower case", "n,,n=al=2cice,r=f", "bad_response"},
        {"a cut escape", "n,,n=alice=2,r=f", "bad_response"},
        {"a bare equals sign", "n,,n=alice=,r=f", "bad_response"},
        {"a NUL", "n,,n=al\0ice,r=f"s, "bad_response"},
        {"an escape to act as", "n,a=bob=40x,n=alice,r=f", "bad_response"},
        {"nobody to act as", "n,a=,n=alice,r=f", "bad_response"},
        {"not a=", "n,b=alice,n=alice,r=f", "bad_response"},
        {"a mandatory extension", "n,,m=x,n=alice,r=f", "bad_response"},
        {"an empty name", "n,,n=,r=f", "bad_response"},
        {"no name", "n,,r=f", "bad_response"},
        {"no nonce", "n,,n=alice", "bad_response"},
        {"no nonce behind the comma", "n,,n=alice,", "bad_response"},
        {"an empty nonce", "n,,n=alice,r=", "bad_response"},
        {"an empty nonce and more", "n,,n=alice,r=,x=1", "bad_response"},
        {"something else than a nonce", "n,,n=alice,x=1,r=f", "bad_response"},
        {"no header", "n=alice,r=f", "bad_response"},
        {"half a header", "n,n=alice,r=f", "bad_response"},
        {"another flag", "x,,n=alice,r=f", "bad_response"},
        {"no flag", ",,n=alice,r=f", "bad_response"},
        {"no name of a binding", "p=,,n=alice,r=f", "bad_response"},
        {"empty behind the header", "n,,", "bad_response"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(scram(c.response), "SCRAM-SHA-1: " + c.wanted) << c.name;
}

TEST(sasl_user, of_mechanisms) {
    const std::string plain_response = base64("\0alice\0secret"s);
    const std::string scram_response = base64("n,,n=alice,r=fyko");
    struct {
        const char* mechanism;
        std::string response;
        std::string wanted;
    } const cases[] = {
        {"PLAIN", plain_response, "PLAIN: alice@example.com"},
        {"SCRAM-SHA-1", scram_response, "SCRAM-SHA-1: alice@example.com"},
        {"SCRAM-SHA-1-PLUS", scram_response, "SCRAM-SHA-1-PLUS: alice@example.com"},
        {"SCRAM-SHA-256", scram_response, "SCRAM-SHA-256: alice@example.com"},
        {"SCRAM-SHA-512-PLUS", scram_response, "SCRAM-SHA-512-PLUS: alice@example.com"},
        {"SCRAM-SHA3-512-PLUS", scram_response, "SCRAM-SHA3-512-PLUS: alice@example.com"},
        {"SCRAM-SHA-1", plain_response, "SCRAM-SHA-1: bad_response"},
        {"PLAIN", scram_response, "PLAIN: bad_response"},
        {"EXTERNAL", base64("alice@example.com"), "EXTERNAL: other_mechanism"},
        {"EXTERNAL", "=", "EXTERNAL: other_mechanism"},
        {"ANONYMOUS", "", "ANONYMOUS: other_mechanism"},
        {"DIGEST-MD5", "", "DIGEST-MD5: other_mechanism"},
        {"GSSAPI", plain_response, "GSSAPI: other_mechanism"},
        {"X-OAUTH2", plain_response, "X-OAUTH2: other_mechanism"},
        {"OAUTHBEARER", scram_response, "OAUTHBEARER: other_mechanism"},
        {"CISCO-VTG-TOKEN", plain_response, "CISCO-VTG-TOKEN: other_mechanism"},
        {"HT-SHA-256-NONE", plain_response, "HT-SHA-256-NONE: other_mechanism"},
        {"SCRAM", scram_response, "SCRAM: other_mechanism"},
        {"XPLAIN", plain_response, "XPLAIN: other_mechanism"},
        {"ABCDEFGHIJKLMNOPQRST", "", "ABCDEFGHIJKLMNOPQRST: other_mechanism"},
        {"ABCDEFGHIJKLMNOPQRSTU", "", "bad_mechanism"},
        {"plain", plain_response, "bad_mechanism"},
        {" PLAIN", plain_response, "bad_mechanism"},
        {"PLA&#73;N", plain_response, "bad_mechanism"},
        {"", plain_response, "bad_mechanism"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(read(auth(c.mechanism, c.response)), c.wanted) << c.mechanism;
        EXPECT_EQ(read(authenticate(c.mechanism,
                                    "<initial-response>" + c.response + "</initial-response>")),
                  c.wanted)
            << "SASL2 " << c.mechanism;
    }
}

TEST(sasl_user, elements_and_where_they_stand) {
    const std::string response = base64("\0alice\0secret"s);
    const std::string good = auth("PLAIN", response);
    const std::string wanted = "PLAIN: alice@example.com";
    const std::string agent = "<user-agent id='1'><software>x</software></user-agent>";
    const std::string inline_bind = "<bind xmlns='urn:xmpp:bind:0'><tag>x</tag></bind>";
    struct {
        const char* name;
        std::string payload;
        std::string wanted;
    } const cases[] = {
        {"prefixed",
         "<s:auth xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + response +
             "</s:auth>",
         wanted},
        {"white space round it", "\n " + good + "\n", wanted},
        {"other attributes",
         "<auth client-uses-full-bind-result='true' xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
         "mechanism=\"PLAIN\">" +
             response + "</auth>",
         wanted},
        {"SASL2", authenticate("PLAIN", initial("\0alice\0secret"s)), wanted},
        {"SASL2 with company inside",
         authenticate("PLAIN", agent + initial("\0alice\0secret"s) + inline_bind), wanted},
        {"SASL2, prefixed",
         "<s:authenticate xmlns:s='urn:xmpp:sasl:2' mechanism='PLAIN'><s:initial-response>" +
             response + "</s:initial-response></s:authenticate>",
         wanted},

        {"nothing", "", "no_auth"},
        {"something else", "<iq xmlns='jabber:client'/>", "no_auth"},
        {"a response of a later step", "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
         "no_auth"},
        {"no namespace of its own", "<auth mechanism='PLAIN'>" + response + "</auth>", "no_auth"},
        {"SASL2's name in SASL's namespace",
         "<authenticate xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>", "no_auth"},
        {"SASL2 of an earlier draft", "<authenticate xmlns='urn:xmpp:sasl:1' mechanism='PLAIN'/>",
         "no_auth"},
        {"deeper", "<x xmlns='y'>" + good + "</x>", "no_auth"},
        {"a payload that is refused", good + "<!-- -->", "no_auth"},
        {"cut off", good.substr(0, good.size() - 1), "no_auth"},
        {"twice", good + good, "not_alone"},
        {"something behind", good + "<presence xmlns='jabber:client'/>", "not_alone"},
        {"something before", "<presence xmlns='jabber:client'/>" + good, "not_alone"},
        {"no mechanism", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + response + "</auth>",
         "bad_mechanism"},
        {"mechanism of a namespace",
         "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' xmlns:a='b' a:mechanism='PLAIN'/>",
         "bad_mechanism"},

        {"self-closed", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
         "PLAIN: no_response"},
        {"empty", auth("PLAIN", ""), "PLAIN: no_response"},
        {"empty on purpose", auth("PLAIN", "="), "PLAIN: no_response"},
        {"SASL2, self-closed", "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>",
         "PLAIN: no_response"},
        {"SASL2 without a response", authenticate("PLAIN", agent), "PLAIN: no_response"},
        {"SASL2, the response self-closed", authenticate("PLAIN", "<initial-response/>"),
         "PLAIN: no_response"},
        {"SASL2, the response of another namespace",
         authenticate("PLAIN", "<initial-response xmlns='x'>" + response + "</initial-response>"),
         "PLAIN: no_response"},
        {"SASL2, the response deeper",
         authenticate("PLAIN", "<x>" + initial("\0alice\0secret"s) + "</x>"), "PLAIN: no_response"},
        {"SASL2, text outside of the response", authenticate("PLAIN", response),
         "PLAIN: no_response"},

        {"blanks", auth("PLAIN", " " + response), "PLAIN: bad_base64"},
        {"a line end", auth("PLAIN", response + "\n"), "PLAIN: bad_base64"},
        {"a CDATA section", auth("PLAIN", "<![CDATA[" + response + "]]>"), "PLAIN: bad_base64"},
        {"a CDATA section behind", auth("PLAIN", response + "<![CDATA[]]>"), "PLAIN: bad_base64"},
        {"a CDATA section before", auth("PLAIN", "<![CDATA[]]>" + response), "PLAIN: bad_base64"},
        {"a reference", auth("PLAIN", "&#65;" + response), "PLAIN: bad_base64"},
        {"an element inside", auth("PLAIN", response + "<x/>"), "PLAIN: bad_base64"},
        {"an element between", auth("PLAIN", "AAAA<x></x>" + response), "PLAIN: bad_base64"},
        {"SASL2, an element inside",
         authenticate("PLAIN", "<initial-response>" + response + "<x/></initial-response>"),
         "PLAIN: bad_base64"},
        {"SASL2, two responses",
         authenticate("PLAIN", initial("\0alice\0secret"s) + initial("\0bob\0secret"s)),
         "PLAIN: bad_base64"},
        {"SASL2, two responses, the first one empty",
         authenticate("PLAIN", "<initial-response/>" + initial("\0bob\0secret"s)),
         "PLAIN: bad_base64"},
        {"no padding", auth("PLAIN", "AGFsaWNlAHg"), "PLAIN: bad_base64"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(read(c.payload), c.wanted) << c.name;
}

TEST(sasl_user, the_domain_is_that_of_the_session) {
    const std::string whole = auth("PLAIN", base64("\0alice@example.com\0secret"s));
    const std::string part = auth("PLAIN", base64("\0alice\0secret"s));
    struct {
        const char* domain;
        std::string of_whole, of_part;
    } const cases[] = {
        {"example.com", "alice@example.com", "alice@example.com"},
        {"EXAMPLE.com.", "alice@example.com", "alice@example.com"},
        {"example.net", "no_user", "alice@example.net"},
        {"", "no_user", "no_user"},
        {"a@b", "no_user", "no_user"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(read(whole, c.domain), "PLAIN: " + c.of_whole) << c.domain;
        EXPECT_EQ(read(part, c.domain), "PLAIN: " + c.of_part) << c.domain;
    }
}

TEST(sasl_user, limits) {
    const std::string name(bare_jid::part_max, 'a');
    EXPECT_EQ(plain("\0"s + name + "\0x"s), "PLAIN: " + name + "@example.com");
    EXPECT_EQ(plain("\0"s + name + "a\0x"s), "PLAIN: no_user");
    const auto of_size = [](std::size_t bytes) {
        return plain("\0alice\0"s + std::string(bytes - 7, 'x'));
    };
    constexpr std::size_t most = sasl_response_max / 4 * 3;
    EXPECT_EQ(of_size(most), "PLAIN: alice@example.com");
    EXPECT_EQ(of_size(most + 1), "PLAIN: too_long");
}

TEST(sasl_user, outcomes_have_names_of_their_own) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(sasl_outcome::no_user); ++i)
        names.insert(name_of(static_cast<sasl_outcome>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(sasl_outcome::no_user) + 1);
    EXPECT_FALSE(names.contains(""));
}

} // namespace
} // namespace boshgate::routing
