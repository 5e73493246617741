#include "proxy/admin_access.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::tests {
namespace {

using proxy::admin_access;
using proxy::admin_caller;
using proxy::admin_purpose;
using proxy::admin_refusal;

const std::string token(64, 'a');
const std::string other_token = std::string(63, 'b') + "c";

admin_access with_tokens() {
    return {{"Boshgate", "gate.example.com"},
            {*conf::parse_secret(other_token), *conf::parse_secret(token)}};
}

TEST(AdminAccess, TakesTheHostsThatAreItsOwn) {
    const admin_access access = with_tokens();
    const std::pair<const char*, bool> cases[] = {
        {"127.0.0.1:9380", true},
        {"127.0.0.1", true},
        {"[::1]:9380", true},
        {"10.1.2.3:80", true},
        {"localhost:9380", true},
        {"LocalHost", true},
        {"boshgate:9380", true},
        {"BOSHGATE", true},
        {"gate.example.com", true},
        {"evil.example:9380", false},
        {"gate.example.com.evil.example", false},
        {"x.localhost", false},
        {"localhost.", false},
        {"127.0.0.1.evil.example", false},
        {"127.1", false},
        {"2130706433", false},
        {"127.0.0.1:", false},
        {"127.0.0.1:x", false},
        {"a@127.0.0.1", false},
        {"[::1", false},
        {"", false},
    };
    for (const auto& [host, ours] : cases) {
        EXPECT_EQ(access.judge({.host = host}, admin_purpose::read),
                  ours ? admin_refusal::none : admin_refusal::host)
            << host;
    }
    EXPECT_EQ(access.judge({}, admin_purpose::read), admin_refusal::none) << "HTTP/1.0";
}

struct page_case {
    const char* what;
    admin_caller who;
    admin_purpose why;
    bool foreign;
};

TEST(AdminAccess, RefusesPagesOfOtherOrigins) {
    const char* const host = "127.0.0.1:9380";
    const page_case cases[] = {
        {"a program", {.host = host}, admin_purpose::read, false},
        {"our page",
         {.host = host, .origin = "http://127.0.0.1:9380", .fetch_site = "same-origin"},
         admin_purpose::read,
         false},
        {"our page, behind TLS",
         {.host = host, .origin = "https://127.0.0.1:9380"},
         admin_purpose::read,
         false},
        {"typed in", {.host = host, .fetch_site = "none"}, admin_purpose::read, false},
        {"another port",
         {.host = host, .origin = "http://127.0.0.1:8080"},
         admin_purpose::read,
         true},
        {"another host",
         {.host = host, .origin = "http://evil.example"},
         admin_purpose::read,
         true},
        {"a longer host",
         {.host = host, .origin = "http://127.0.0.1:9380.evil.example"},
         admin_purpose::read,
         true},
        {"a sandboxed frame", {.host = host, .origin = "null"}, admin_purpose::read, true},
        {"another scheme",
         {.host = host, .origin = "ftp://127.0.0.1:9380"},
         admin_purpose::read,
         true},
        {"an empty origin", {.host = host, .origin = ""}, admin_purpose::read, true},
        {"an image of a foreign page",
         {.host = host, .fetch_site = "cross-site"},
         admin_purpose::read,
         true},
        {"a neighbour's page",
         {.host = host, .fetch_site = "same-site"},
         admin_purpose::read,
         true},
        {"a word of tomorrow",
         {.host = host, .fetch_site = "elsewhere"},
         admin_purpose::read,
         true},
        {"a link to the page",
         {.host = host,
          .fetch_site = "cross-site",
          .fetch_mode = "navigate",
          .fetch_dest = "document"},
         admin_purpose::page,
         false},
        {"the page in a frame",
         {.host = host,
          .fetch_site = "cross-site",
          .fetch_mode = "navigate",
          .fetch_dest = "iframe"},
         admin_purpose::page,
         true},
        {"a form that posts to the page",
         {.host = host,
          .origin = "http://evil.example",
          .fetch_site = "cross-site",
          .fetch_mode = "navigate",
          .fetch_dest = "document"},
         admin_purpose::page,
         true},
        {"a link to what is no page",
         {.host = host,
          .fetch_site = "cross-site",
          .fetch_mode = "navigate",
          .fetch_dest = "document"},
         admin_purpose::read,
         true},
    };
    const admin_access access = with_tokens();
    for (const page_case& one : cases) {
        EXPECT_EQ(access.judge(one.who, one.why),
                  one.foreign ? admin_refusal::origin : admin_refusal::none)
            << one.what;
    }
}

TEST(AdminAccess, ChangesNeedAToken) {
    const admin_access access = with_tokens();
    const std::pair<std::string, bool> cases[] = {
        {"Bearer " + token, true},
        {"bearer " + token, true},
        {"BEARER  " + token, true},
        {"Bearer " + other_token, true},
        {"Bearer " + std::string(64, 'A'), true}, // hexadecimal has no letter case
        {"Bearer " + std::string(64, 'b'), false},
        {"Bearer " + std::string(63, 'a'), false},
        {"Bearer " + token + "a", false},
        {"Bearer " + token + " ", false},
        {"Bearer" + token, false},
        {"Bearer ", false},
        {"Bearer", false},
        {"Basic " + token, false},
        {token, false},
        {"", false},
    };
    for (const auto& [field, known] : cases) {
        EXPECT_EQ(
            access.judge({.host = "localhost", .authorization = field}, admin_purpose::change),
            known ? admin_refusal::none : admin_refusal::token)
            << field;
    }
    EXPECT_EQ(access.judge({.host = "localhost"}, admin_purpose::change), admin_refusal::token);
    EXPECT_EQ(
        access.judge(
            {.host = "localhost", .origin = "http://evil.example", .authorization = cases[0].first},
            admin_purpose::change),
        admin_refusal::origin)
        << "a token does not make a foreign page ours";
}

TEST(AdminAccess, WithoutTokensNobodyChangesAnything) {
    const admin_access access{{}, {}};
    const std::string zeros = "Bearer " + std::string(64, '0');
    for (const std::string& field : {std::string(), zeros, "Bearer " + token}) {
        EXPECT_EQ(access.judge({.authorization = field}, admin_purpose::change),
                  admin_refusal::no_token)
            << field;
    }
    EXPECT_EQ(access.judge({}, admin_purpose::read), admin_refusal::none);
}

TEST(AdminAccess, EveryRefusalHasANameAndWords) {
    for (const admin_refusal why : {admin_refusal::host, admin_refusal::origin,
                                    admin_refusal::no_token, admin_refusal::token}) {
        EXPECT_NE(name_of(why), "none");
        EXPECT_GT(words_of(why).size(), 20U) << name_of(why);
    }
}

} // namespace
} // namespace boshgate::tests
