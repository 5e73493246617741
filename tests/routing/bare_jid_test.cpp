#include "routing/bare_jid.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

std::string text_of(const std::optional<bare_jid>& jid) {
    return jid ? jid->text() : "none";
}

TEST(bare_jid, is_read_from_an_address) {
    using namespace std::string_literals;
    struct {
        const char* name;
        std::string jid;
        std::string wanted;
    } const cases[] = {
        {"plain", "alice@example.com", "alice@example.com"},
        {"with a resource", "alice@example.com/phone", "alice@example.com"},
        {"a resource with everything", "alice@example.com/a@b/c d\xff", "alice@example.com"},
        {"a resource that is empty", "alice@example.com/", "alice@example.com"},
        {"capitals", "Alice@Example.COM/Phone", "alice@example.com"},
        {"letters beyond ASCII stay", "\xc3\x89va@K\xc3\xb6ln.example",
         "\xc3\x89va@k\xc3\xb6ln.example"},
        {"one letter each", "a@b", "a@b"},
        {"a plus", "alice+web@example.com", "alice+web@example.com"},
        {"what else a localpart may hold", "a!#$%()*,;=?[\\]^_`{|}~.-@b",
         "a!#$%()*,;=?[\\]^_`{|}~.-@b"},
        {"an escaped at sign (XEP-0106)", "alice\\40corp@example.com", "alice\\40corp@example.com"},
        {"an IPv4 address", "alice@192.0.2.1", "alice@192.0.2.1"},
        {"an IPv6 address", "alice@[2001:DB8::1]", "alice@[2001:db8::1]"},
        {"a dot at the end", "alice@example.com.", "alice@example.com"},
        {"a dot at the end before a resource", "alice@example.com./x", "alice@example.com"},
        {"empty", "", "none"},
        {"a domain alone", "example.com", "none"},
        {"a domain with a resource", "example.com/alice@x", "none"},
        {"no localpart", "@example.com", "none"},
        {"no domain", "alice@", "none"},
        {"no domain but a dot", "alice@.", "none"},
        {"no domain but a resource", "alice@/x", "none"},
        {"two at signs", "alice@corp@example.com", "none"},
        {"a resource alone", "/alice@example.com", "none"},
        {"a blank in front", " alice@example.com", "none"},
        {"a blank behind", "alice@example.com ", "none"},
        {"a blank inside", "al ice@example.com", "none"},
        {"a tab", "alice@exa\tmple.com", "none"},
        {"a NUL", "al\0ice@example.com"s, "none"},
        {"a NUL behind", "alice@example.com\0"s, "none"},
        {"DEL", "al\x7fice@example.com", "none"},
        {"a quote", "al\"ice@example.com", "none"},
        {"an apostrophe", "al'ice@example.com", "none"},
        {"an ampersand", "al&ice@example.com", "none"},
        {"a colon", "xmpp:alice@example.com", "none"},
        {"markup", "<alice@example.com>", "none"},
        {"a comma in the domain", "alice@a,b", "none"},
        {"a percent sign in the domain", "alice@a%20b", "none"},
        {"bad UTF-8 in the localpart", "al\xffice@example.com", "none"},
        {"cut UTF-8 in the localpart", "alice\xc3@example.com", "none"},
        {"bad UTF-8 in the domain", "alice@ex\xe9mple.com", "none"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(text_of(bare_jid_of(c.jid)), c.wanted) << c.name;
}

TEST(bare_jid, knows_its_parts) {
    const auto jid = bare_jid_of("Alice@Example.com./x");
    ASSERT_TRUE(jid);
    EXPECT_EQ(jid->localpart(), "alice");
    EXPECT_EQ(jid->domain(), "example.com");
    EXPECT_EQ(jid, bare_jid::made_of("ALICE", "EXAMPLE.com"));
    EXPECT_NE(jid, bare_jid_of("alice@example.net"));
}

TEST(bare_jid, parts_do_not_hide_other_parts) {
    EXPECT_EQ(text_of(bare_jid::made_of("alice", "example.com")), "alice@example.com");
    EXPECT_EQ(text_of(bare_jid::made_of("alice@corp", "example.com")), "none");
    EXPECT_EQ(text_of(bare_jid::made_of("alice", "example.com/x")), "none");
    EXPECT_EQ(text_of(bare_jid::made_of("alice/x", "example.com")), "none");
    EXPECT_EQ(text_of(bare_jid::made_of("", "example.com")), "none");
    EXPECT_EQ(text_of(bare_jid::made_of("alice", "")), "none");
    EXPECT_EQ(text_of(bare_jid::made_of("alice", "b@example.com")), "none");
}

TEST(bare_jid, limits) {
    const std::string longest(bare_jid::part_max, 'a');
    struct {
        const char* name;
        std::string jid;
        bool wanted;
    } const cases[] = {
        {"the longest localpart", longest + "@b", true},
        {"one more", longest + "a@b", false},
        {"the longest domain", "b@" + longest, true},
        {"one more in the domain", "b@a" + longest, false},
        {"its last dot does not count", "b@" + longest + ".", true},
        {"both, and the longest resource", longest + "@" + longest + "/" + longest, true},
        {"one more in the resource", longest + "@" + longest + "/" + longest + "a", false},
        {"a short address, the longest in all", "a@b/" + std::string(bare_jid::full_max - 4, 'r'),
         true},
        {"one more in all", "a@b/" + std::string(bare_jid::full_max - 3, 'r'), false},
    };
    for (const auto& c : cases)
        EXPECT_EQ(bare_jid_of(c.jid).has_value(), c.wanted) << c.name;
    EXPECT_EQ(bare_jid_of(longest + "@" + longest)->text().size(), bare_jid::bytes_max);
}

} // namespace
} // namespace boshgate::routing
