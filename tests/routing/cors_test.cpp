#include "routing/cors.hpp"

#include "conf/syntax.hpp"
#include "tests/routing/random_source.hpp"
#include "tests/routing/request_of.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace boshgate::routing {

void PrintTo(origin_kind kind, std::ostream* out) {
    constexpr const char* names[] = {"none", "same_origin", "allowed", "refused"};
    *out << names[static_cast<std::size_t>(kind)];
}

namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

constexpr std::string_view host = "proxy.example.net";

conf::cors settings(std::vector<std::string> origins, bool credentials = false) {
    conf::cors out;
    out.origins = std::move(origins);
    out.credentials = credentials;
    return out;
}

// The whole block that an answer to a request from `origin` gets.
std::string answer(const cors_policy& policy, std::optional<std::string_view> origin) {
    std::string scratch = "rubbish of the exchange before";
    return std::string(
        policy.answer_fields(policy.judge(origin, host), origin.value_or(""), scratch));
}

std::optional<std::string> preflight_answer(const cors_policy& policy, std::string_view origin,
                                            const preflight& asked) {
    return policy.preflight_fields(policy.judge(origin, host), origin, asked);
}

TEST(cors, verdict_is_small_enough_to_keep_with_every_held_poll) {
    EXPECT_TRUE(std::is_trivially_copyable_v<cors_verdict>);
    EXPECT_LE(sizeof(cors_verdict), 4u);
}

TEST(cors, judges_origins) {
    const cors_policy policy(
        settings({"https://chat.example.com", "https://chat.example.com:8443",
                  "http://localhost:3000", "https://*.example.org", "https://*.example.org:444",
                  "capacitor://localhost", "https://[2001:db8::1]:8443", "https://10.0.0.1"}));
    using enum origin_kind;
    const struct {
        std::string origin;
        origin_kind kind;
    } rows[] = {
        {"https://chat.example.com", allowed},
        {"https://chat.example.com:8443", allowed},
        {"http://localhost:3000", allowed},
        {"capacitor://localhost", allowed},
        {"https://[2001:db8::1]:8443", allowed},
        {"https://10.0.0.1", allowed},
        // the rest of what a careless comparison lets in
        {"http://chat.example.com", refused},
        {"https://chat.example.com:443", refused},
        {"https://chat.example.com:8444", refused},
        {"https://chat.example.com/", refused},
        {"https://chat.example.com.", refused},
        {"https://chat.example.com.evil.net", refused},
        {"https://chat.example.comevil.net", refused},
        {"https://chat.example.co", refused},
        {"https://chat-example.com", refused},
        {"https://chatxexample.com", refused},
        {"https://evilchat.example.com", refused},
        {"https://sub.chat.example.com", refused},
        {"https://CHAT.example.com", refused},
        {"HTTPS://chat.example.com", refused},
        {" https://chat.example.com", refused},
        {"https://chat.example.com https://evil.net", refused},
        {"https://chat.example.com,https://chat.example.com", refused},
        {"https://user@chat.example.com", refused},
        {"chat.example.com", refused},
        {"localhost", refused},
        {"http://localhost", refused},
        {"https://[2001:db8::1]", refused},
        {"https://10.0.0.11", refused},
        {"null", refused},
        {"NULL", refused},
        {"*", refused},
        {"https://*", refused},
        {"file://", refused},
        {"", refused},
        // patterns: one or more whole labels below, dot, scheme and port as written
        {"https://a.example.org", allowed},
        {"https://a-1_b.example.org", allowed},
        {"https://a.b.c.example.org", allowed},
        {"https://xn--bcher-kva.example.org", allowed},
        {"https://a.example.org:444", allowed},
        {"http://a.intern.example.org", refused},
        {"https://a.intern.example.org", allowed},
        {"https://example.org", refused},
        {"https://.example.org", refused},
        {"https://evilexample.org", refused},
        {"https://a..example.org", refused},
        {"https://.a.example.org", refused},
        {"https://*.example.org", refused},
        {"https://a.example.org:443", refused},
        {"https://a.example.org:445", refused},
        {"https://a.example.org:4444", refused},
        {"https://a.example.org.evil.net", refused},
        {"https://a.exampleXorg", refused},
        {"http://a.example.org", refused},
        {"http://example.org", refused},
        {"https://A.example.org", refused},
        {"https://a.EXAMPLE.org", refused},
        {"https://evil.net/.example.org", refused},
        {"https://evil.net#.example.org", refused},
        {"https://evil.net?.example.org", refused},
        {"https://evil.net\\.example.org", refused},
        {"https://evil.net:1.example.org", refused},
        {"https://user@a.example.org", refused},
        {"https://a@.example.org", refused},
        {"https://a%2eevil.example.org", refused},
        {"https://a b.example.org", refused},
        {"https://a\r\nX: y.example.org", refused},
        {std::string("https://a\0.example.org", 22), refused},
        {"https://\xc3\xa9.example.org", refused},
        {"https://https://a.example.org", refused},
        {"xhttps://a.example.org", refused},
    };
    for (const auto& row : rows)
        EXPECT_EQ(policy.judge(row.origin, host).kind, row.kind) << row.origin;
    EXPECT_EQ(policy.judge(std::nullopt, host).kind, none);
}

TEST(cors, same_origin_is_this_host_and_its_scheme_where_that_is_known) {
    const cors_policy policy(settings({"https://chat.example.com"}));
    using enum origin_kind;
    const struct {
        std::string_view origin, host;
        bool secure;
        origin_kind kind;
    } rows[] = {
        {"https://web.example.com", "web.example.com", true, same_origin},
        {"https://web.example.com", "web.example.com", false, same_origin}, // a balancer ended TLS
        {"http://web.example.com", "web.example.com", false, same_origin},
        {"http://web.example.com", "web.example.com", true,
         refused}, // an injected page of the plain site
        {"https://web.example.com", "WEB.example.com", true, same_origin},
        {"https://web.example.com", "web.example.com:443", true, same_origin},
        {"http://web.example.com", "web.example.com:80", false, same_origin},
        {"https://web.example.com", "web.example.com:80", true, refused},
        {"https://web.example.com:8443", "web.example.com:8443", true, same_origin},
        {"https://web.example.com:8443", "web.example.com", true, refused},
        {"https://web.example.com", "web.example.com:8443", true, refused},
        {"https://[::1]:8443", "[::1]:8443", true, same_origin},
        {"https://web.example.com.evil.net", "web.example.com", true, refused},
        {"ftp://web.example.com", "web.example.com", false, refused},
        {"null", "null", false, refused},
        {"https://", "", true, refused},
        {"https://", ":443", true, refused},
        {"https://web.example.com", "", true, refused},
        {"https://chat.example.com", "chat.example.com", true, allowed}, // listed besides: harmless
    };
    for (const auto& row : rows)
        EXPECT_EQ(policy.judge(row.origin, row.host, row.secure).kind, row.kind)
            << row.origin << " at " << row.host << (row.secure ? " over TLS" : "");
}

TEST(cors, takes_configured_origins_as_browsers_write_them) {
    const struct {
        std::string listed, sent;
        bool allowed;
    } rows[] = {
        {"HTTPS://Chat.Example.COM", "https://chat.example.com", true},
        {"https://chat.example.com:443", "https://chat.example.com", true},
        {"http://chat.example.com:80", "http://chat.example.com", true},
        {"https://chat.example.com:80", "https://chat.example.com:80", true},
        {"https://chat.example.com/", "https://chat.example.com", true},
        {"https://*.Example.com:443/", "https://a.example.com", true},
        // no origins at all: they must not come to mean something
        {"https://chat.example.com//", "https://chat.example.com", false},
        {"https://chat.example.com/path", "https://chat.example.com/path", false},
        {"chat.example.com", "chat.example.com", false},
        {"*.example.com", "https://a.example.com", false},
        {"https://*", "https://a.example.com", false},
        {"https://*.", "https://a.", false},
        {"https://*example.com", "https://evilexample.com", false},
        {"https://a.*.example.com", "https://a.b.example.com", false},
        {"https://a*.example.com", "https://ab.example.com", false},
        {"*://a.example.com", "https://a.example.com", false},
        {"https://*.*.example.com", "https://a.b.example.com", false},
        {"http://*.example.com", "http://a.example.com", false},
        {"http://*.example.com", "https://a.example.com", false},
        {"capacitor://*.localhost", "capacitor://a.localhost", false},
        {"https://a.example.com\r\nX: y", "https://a.example.com\r\nx: y", false},
        {"https://a.example.com:", "https://a.example.com:", false},
        {"https://a.example.com:123456", "https://a.example.com:123456", false},
        {"https://[::1", "https://[::1", false},
        {"https://[]", "https://[]", false},
        {"https://[::1]8", "https://[::1]8", false},
        {"https://", "https://", false},
        {"://a", "://a", false},
        {"", "", false},
    };
    for (const auto& row : rows)
        EXPECT_EQ(cors_policy(settings({row.listed})).judge(row.sent, host).kind,
                  row.allowed ? origin_kind::allowed : origin_kind::refused)
            << row.listed;
}

// The loader and the policy read origins apart from each other. What passes the loader must work
// here.
TEST(cors, allows_every_origin_that_the_loader_accepts) {
    random_source random;
    const std::vector<std::string> pieces = {"https://",
                                             "http://",
                                             "capacitor://",
                                             "*.",
                                             "a",
                                             "b-c",
                                             "example.com",
                                             ".",
                                             "1",
                                             "_",
                                             "10.0.0.1",
                                             "[::1]",
                                             "[2001:db8::2]",
                                             ":80",
                                             ":443",
                                             ":8443",
                                             "/",
                                             "null",
                                             "A",
                                             "-"};
    int accepted = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::string origin = pieces[random.below(3)];
        for (auto left = 1 + random.below(4); left > 0; --left)
            origin += pieces[3 + random.below(pieces.size() - 3)];
        const bool valid = !conf::check_origin(origin);
        const auto star = origin.find('*');
        const auto sent =
            star == std::string::npos ? origin : std::string(origin).replace(star, 1, "x.y-1");
        const auto kind = cors_policy(settings({origin})).judge(sent, "").kind;
        if (valid) {
            ++accepted;
            EXPECT_EQ(kind, origin_kind::allowed) << origin;
        }
    }
    EXPECT_GT(accepted, 500);
}

TEST(cors, looks_at_origins_to_the_limit_and_no_longer) {
    const auto origin_of_size = [](std::size_t size) {
        return "https://" + std::string(size - 8, 'a');
    };
    const cors_policy policy(
        settings({origin_of_size(origin_bytes_max), origin_of_size(origin_bytes_max + 1)}));
    EXPECT_EQ(policy.judge(origin_of_size(origin_bytes_max), host).kind, origin_kind::allowed);
    EXPECT_EQ(policy.judge(origin_of_size(origin_bytes_max + 1), host).kind, origin_kind::refused);
    const cors_policy any(settings({"*"}));
    EXPECT_EQ(any.judge(origin_of_size(origin_bytes_max), host).kind, origin_kind::allowed);
    EXPECT_EQ(any.judge(origin_of_size(origin_bytes_max + 1), host).kind, origin_kind::refused);
}

TEST(cors, says_nothing_where_no_origin_is_listed) {
    const cors_policy policy(settings({}, true));
    EXPECT_EQ(answer(policy, std::nullopt), "");
    EXPECT_EQ(answer(policy, "https://evil.net"), "");
    EXPECT_EQ(answer(policy, "https://proxy.example.net"), "");
    EXPECT_EQ(preflight_answer(policy, "https://evil.net", {"POST", "", false}), std::nullopt);
}

TEST(cors, varies_with_the_origin_on_every_verdict) {
    for (const auto* listed : {"https://chat.example.com", "https://*.example.com", "null"}) {
        const cors_policy policy(settings({listed}));
        for (const auto& origin : {std::optional<std::string_view>(),
                                   {"https://chat.example.com"},
                                   {"null"},
                                   {"https://evil.net"},
                                   {"https://proxy.example.net"},
                                   {""}})
            EXPECT_THAT(answer(policy, origin), ::testing::EndsWith("Vary: Origin\r\n"))
                << listed << " asked by " << origin.value_or("nobody");
        for (const auto& origin : {"https://evil.net", "https://proxy.example.net", ""})
            EXPECT_EQ(answer(policy, origin), "Vary: Origin\r\n")
                << listed << " asked by " << origin;
        EXPECT_EQ(answer(policy, std::nullopt), "Vary: Origin\r\n") << listed;
    }
}

TEST(cors, allows_the_very_origin_that_asked) {
    auto with =
        settings({"https://a.example.com", "https://b.example.com", "https://*.example.org"}, true);
    with.expose_headers = {"X-Request-Id", "Retry-After"};
    const cors_policy policy(with);
    const std::string rest = "Access-Control-Allow-Credentials: true\r\n"
                             "Access-Control-Expose-Headers: X-Request-Id, Retry-After\r\n"
                             "Vary: Origin\r\n";
    for (const std::string origin : {"https://a.example.com", "https://b.example.com",
                                     "https://x.example.org", "https://y.example.org"})
        EXPECT_EQ(answer(policy, origin), "Access-Control-Allow-Origin: " + origin + "\r\n" + rest);
}

TEST(cors, sends_no_credentials_field_unless_asked_for) {
    const cors_policy policy(settings({"https://a.example.com", "https://*.example.org"}));
    EXPECT_EQ(answer(policy, "https://a.example.com"),
              "Access-Control-Allow-Origin: https://a.example.com\r\nVary: Origin\r\n");
    EXPECT_EQ(answer(policy, "https://b.example.org"),
              "Access-Control-Allow-Origin: https://b.example.org\r\nVary: Origin\r\n");
}

TEST(cors, answers_everybody_alike_where_everybody_is_allowed) {
    auto with = settings({"https://a.example.com", "*"});
    with.expose_headers = {"x-request-id"};
    const cors_policy policy(with);
    const auto constant =
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: x-request-id\r\n";
    for (const auto& origin : {std::optional<std::string_view>(),
                               {"https://a.example.com"},
                               {"https://evil.net"},
                               {"null"},
                               {""}})
        EXPECT_EQ(answer(policy, origin), constant) << origin.value_or("nobody");
    EXPECT_EQ(policy.judge("https://evil.net", host).kind, origin_kind::allowed);
    EXPECT_EQ(policy.judge("", host).kind, origin_kind::refused) << "more than one Origin field";
}

TEST(cors, never_combines_credentials_with_everybody_or_null) {
    const cors_policy any(settings({"*", "https://a.example.com"}, true));
    EXPECT_EQ(answer(any, "https://a.example.com"), "Access-Control-Allow-Origin: *\r\n");
    EXPECT_THAT(preflight_answer(any, "https://a.example.com", {"POST", "", false}),
                Optional(Not(HasSubstr("Credentials"))));

    const cors_policy null(settings({"null", "https://a.example.com"}, true));
    EXPECT_EQ(answer(null, "null"), "Access-Control-Allow-Origin: null\r\nVary: Origin\r\n");
    EXPECT_THAT(preflight_answer(null, "null", {"POST", "", false}),
                Optional(Not(HasSubstr("Credentials"))));
    EXPECT_THAT(answer(null, "https://a.example.com"),
                HasSubstr("Access-Control-Allow-Credentials: true\r\n"));
}

TEST(cors, permits_nothing_to_an_origin_that_was_not_judged) {
    const cors_policy policy(settings({"https://*.example.com"}, true));
    const auto verdict = policy.judge("https://a.example.com", host);
    ASSERT_EQ(verdict.kind, origin_kind::allowed);
    std::string scratch;
    for (const auto* origin : {"https://evil.net", "", "https://a.example.com\r\nX: y", "null"}) {
        EXPECT_EQ(policy.answer_fields(verdict, origin, scratch), "Vary: Origin\r\n") << origin;
        EXPECT_EQ(policy.preflight_fields(verdict, origin, {"POST", "", false}), std::nullopt)
            << origin;
    }
    EXPECT_EQ(policy.answer_fields({origin_kind::allowed, 7}, "", scratch), "Vary: Origin\r\n")
        << "a foreign verdict";
}

TEST(cors, answers_a_preflight_whole) {
    auto with = settings({"https://a.example.com", "https://*.example.org"}, true);
    with.expose_headers = {"x-request-id"};
    with.max_age = std::chrono::seconds(600);
    const cors_policy policy(with);
    for (const std::string origin : {"https://a.example.com", "https://b.example.org"})
        EXPECT_THAT(
            preflight_answer(policy, origin, {"POST", "content-type", false}),
            Optional(
                "Access-Control-Allow-Origin: " + origin +
                "\r\n"
                "Access-Control-Allow-Credentials: true\r\n"
                "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
                "Access-Control-Allow-Headers: content-type\r\n"
                "Access-Control-Max-Age: 600\r\n"
                "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"));
}

TEST(cors, answers_a_preflight_for_everybody) {
    const cors_policy policy(settings({"*"}));
    EXPECT_THAT(preflight_answer(policy, "https://a.example.com", {"POST", "", false}),
                Optional(std::string(
                    "Access-Control-Allow-Origin: *\r\n"
                    "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
                    "Access-Control-Max-Age: 7200\r\n"
                    "Vary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n")));
}

TEST(cors, offers_get_head_and_post_in_capitals) {
    const cors_policy policy(settings({"https://a.example.com"}));
    for (const auto* name : {"GET", "HEAD", "POST"})
        EXPECT_TRUE(preflight_answer(policy, "https://a.example.com", {name, "", false})) << name;
    for (const auto* name : {"", "post", "Get", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
                             "POST ", "GET, POST", "*"})
        EXPECT_FALSE(preflight_answer(policy, "https://a.example.com", {name, "", false})) << name;
}

TEST(cors, refuses_preflights_of_all_but_allowed_origins) {
    const cors_policy policy(settings({"https://a.example.com"}));
    for (const auto* origin : {"https://evil.net", "https://proxy.example.net", "", "null"})
        EXPECT_FALSE(preflight_answer(policy, origin, {"POST", "content-type", false})) << origin;
    EXPECT_FALSE(policy.preflight_fields({}, "https://a.example.com", {"POST", "", false}));
}

TEST(cors, echoes_the_headers_asked_for_if_all_are_allowed) {
    auto with = settings({"https://a.example.com"});
    with.allow_headers = {"X-Requested-With", "x-client"};
    auto with_any = with;
    with_any.allow_headers = {"*"};
    auto with_any_and_authorization = with;
    with_any_and_authorization.allow_headers = {"*", "Authorization"};
    const cors_policy listed(with), any(with_any), all(with_any_and_authorization);
    const struct {
        const cors_policy& policy;
        std::string asked;
        std::optional<std::string> allowed; // the list; nullopt: the preflight is refused
    } rows[] = {
        {listed, "content-type", "content-type"},
        {listed, "CONTENT-TYPE", "content-type"},
        {listed, "accept,accept-language,content-language,range",
         "accept, accept-language, content-language, range"},
        {listed, "x-client,x-requested-with", "x-client, x-requested-with"},
        {listed, "x-client , \tX-Requested-With", "x-client, x-requested-with"},
        {listed, ",,x-client,", "x-client"},
        {listed, "x-client,x-other", {}},
        {listed, "authorization", {}},
        {listed, "x-client2", {}},
        {listed, "x-clien", {}},
        {listed, "*", {}},
        {listed, "x client", {}},
        {listed, "x-client;q=1", {}},
        {any, "x-anything,content-type", "x-anything, content-type"},
        {any, "authorization", {}},
        {any, "x-a,Authorization", {}},
        {any, "x:a", {}},
        {any, "x\r\nset-cookie", {}},
        {any, "\"x\"", {}},
        {all, "authorization,x-a", "authorization, x-a"},
    };
    for (const auto& row : rows) {
        const auto block =
            preflight_answer(row.policy, "https://a.example.com", {"POST", row.asked, false});
        ASSERT_EQ(block.has_value(), row.allowed.has_value()) << row.asked;
        if (block) {
            EXPECT_THAT(*block,
                        HasSubstr("\r\nAccess-Control-Allow-Headers: " + *row.allowed + "\r\n"))
                << row.asked;
        }
    }
    EXPECT_THAT(preflight_answer(listed, "https://a.example.com", {"POST", " , ", false}),
                Optional(Not(HasSubstr("Allow-Headers"))));
}

TEST(cors, bounds_the_headers_of_a_preflight) {
    auto with = settings({"https://a.example.com"});
    with.allow_headers = {"*"};
    const cors_policy policy(with);
    const auto ask = [&policy](const std::string& headers) {
        return preflight_answer(policy, "https://a.example.com", {"POST", headers, false})
            .has_value();
    };
    std::string names = "a";
    for (std::size_t i = 1; i < preflight_headers_max; ++i)
        names += ",a";
    EXPECT_TRUE(ask(names));
    EXPECT_FALSE(ask(names + ",a"));
    EXPECT_TRUE(ask(std::string(preflight_headers_bytes_max, 'a')));
    EXPECT_FALSE(ask(std::string(preflight_headers_bytes_max + 1, 'a')));
    EXPECT_TRUE(ask(std::string(preflight_headers_bytes_max, ',')));
}

TEST(cors, answers_private_network_only_where_it_is_on_and_asked_for) {
    auto with = settings({"https://a.example.com"});
    const cors_policy off(with);
    with.private_network = true;
    const cors_policy on(with);
    const std::string field = "Access-Control-Allow-Private-Network: true\r\n";
    EXPECT_THAT(preflight_answer(on, "https://a.example.com", {"POST", "", true}),
                Optional(HasSubstr(field)));
    EXPECT_THAT(preflight_answer(on, "https://a.example.com", {"POST", "", false}),
                Optional(Not(HasSubstr(field))));
    EXPECT_THAT(preflight_answer(off, "https://a.example.com", {"POST", "", true}),
                Optional(Not(HasSubstr("Private"))));
    EXPECT_THAT(preflight_answer(on, "https://a.example.com", {"POST", "", false}),
                Optional(HasSubstr(
                    "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
                    "Access-Control-Request-Private-Network\r\n")));
    EXPECT_FALSE(preflight_answer(on, "https://evil.net", {"POST", "", true}));
}

TEST(cors, sends_max_age_zero_and_never_less) {
    auto with = settings({"https://a.example.com"});
    for (const auto age : {0, -1}) {
        with.max_age = std::chrono::seconds(age);
        EXPECT_THAT(
            preflight_answer(cors_policy(with), "https://a.example.com", {"GET", "", false}),
            Optional(HasSubstr("Access-Control-Max-Age: 0\r\n")));
    }
}

TEST(cors, keeps_line_ends_out_of_configured_names) {
    auto with = settings({"https://a.example.com"});
    with.expose_headers = {"x-a\r\nX-Evil: 1", "", "x-b"};
    EXPECT_EQ(answer(cors_policy(with), "https://a.example.com"),
              "Access-Control-Allow-Origin: "
              "https://a.example.com\r\nAccess-Control-Expose-Headers: x-b\r\nVary: Origin\r\n");
}

TEST(cors, remembers_whether_it_is_enforced) {
    auto with = settings({});
    EXPECT_TRUE(cors_policy(with).enforce());
    with.enforce = false;
    EXPECT_FALSE(cors_policy(with).enforce());
}

TEST(origin_of, reads_the_one_origin) {
    EXPECT_EQ(origin_of(request_of("").head()), std::nullopt);
    const request_of one("Origin: https://a.example.com\r\n");
    EXPECT_EQ(origin_of(one.head()), "https://a.example.com");
    const request_of two("Origin: https://a.example.com\r\nOrigin: https://a.example.com\r\n");
    EXPECT_EQ(origin_of(two.head()), "");
    const request_of empty("Origin:\r\n");
    EXPECT_EQ(origin_of(empty.head()), "");
}

TEST(read_preflight, tells_preflights_from_other_requests) {
    const std::string origin = "Origin: https://a.example.com\r\n",
                      asks = "Access-Control-Request-Method: POST\r\n";
    std::string scratch;
    EXPECT_TRUE(read_preflight(request_of(origin + asks, "OPTIONS /a HTTP/1.1").head(), scratch));
    EXPECT_FALSE(read_preflight(request_of(origin + asks, "POST /a HTTP/1.1").head(), scratch));
    EXPECT_FALSE(read_preflight(request_of(origin, "OPTIONS /a HTTP/1.1").head(), scratch));
    EXPECT_FALSE(read_preflight(request_of(asks, "OPTIONS /a HTTP/1.1").head(), scratch));
    EXPECT_FALSE(read_preflight(request_of("", "OPTIONS * HTTP/1.1").head(), scratch));
}

TEST(read_preflight, reads_what_is_asked_for) {
    std::string scratch;
    const request_of plain("Origin: null\r\naccess-control-request-method: POST\r\n"
                           "Access-Control-Request-Headers: content-type,x-a\r\n",
                           "OPTIONS /a HTTP/1.1");
    const auto one = read_preflight(plain.head(), scratch).value();
    EXPECT_EQ(one.method, "POST");
    EXPECT_EQ(one.headers, "content-type,x-a");
    EXPECT_FALSE(one.private_network);
    EXPECT_TRUE(scratch.empty()) << "nothing was copied";

    const request_of split(
        "Origin: null\r\nAccess-Control-Request-Headers: content-type\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a, x-b\r\n"
        "Access-Control-Request-Private-Network: true\r\nAccess-Control-Request-Headers: x-c\r\n",
        "OPTIONS /a HTTP/1.1");
    const auto three = read_preflight(split.head(), scratch).value();
    EXPECT_EQ(three.headers, "content-type,x-a, x-b,x-c");
    EXPECT_TRUE(three.private_network);

    const request_of twice("Origin: null\r\nAccess-Control-Request-Method: "
                           "POST\r\nAccess-Control-Request-Method: GET\r\n",
                           "OPTIONS /a HTTP/1.1");
    EXPECT_EQ(read_preflight(twice.head(), scratch).value().method, "");
}

TEST(merge_vary, joins_a_nodes_names_with_ours) {
    const std::string allow = "Access-Control-Allow-Origin: https://a.example.com\r\n";
    const std::string block = allow + "Vary: Origin\r\n";
    std::string most = "n1"; // as many names as are kept
    for (std::size_t i = 2; i <= vary_names_max; ++i)
        most += ", n" + std::to_string(i);
    const struct {
        std::string name;
        std::vector<std::string_view> node;
        std::string block, merged;
    } rows[] = {
        {"no node field", {}, block, block},
        {"one name", {"Accept-Encoding"}, block, allow + "Vary: Origin, Accept-Encoding\r\n"},
        {"ours already", {"origin"}, block, block},
        {"several fields, names twice",
         {"Accept-Encoding,  Accept", "ORIGIN,accept"},
         block,
         allow + "Vary: Origin, Accept-Encoding, Accept\r\n"},
        {"star", {"Accept", "*"}, block, allow + "Vary: *\r\n"},
        {"star of the first", {"*", "Accept"}, block, allow + "Vary: *\r\n"},
        {"no Vary of ours",
         {"Accept"},
         "Access-Control-Allow-Origin: *\r\n",
         "Access-Control-Allow-Origin: *\r\nVary: Accept\r\n"},
        {"no block", {"Accept"}, "", "Vary: Accept\r\n"},
        {"nothing at all", {}, "", ""},
        {"empty values", {"", " , ,"}, block, block},
        {"not a list of names", {"Accept Encoding"}, block, allow + "Vary: *\r\n"},
        {"a line end", {"Accept\r\nX: y"}, block, allow + "Vary: *\r\n"},
        {"as many names as are kept", {most}, "", "Vary: " + most + "\r\n"},
        {"one more", {most, "o"}, "", "Vary: *\r\n"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(merge_vary(row.node, row.block), row.merged) << row.name;
}

TEST(merge_vary, merges_with_the_vary_of_a_preflight) {
    const cors_policy policy(settings({"https://a.example.com"}));
    const auto block =
        preflight_answer(policy, "https://a.example.com", {"POST", "", false}).value();
    const std::string_view node[] = {"accept-encoding"};
    EXPECT_THAT(
        merge_vary(node, block),
        ::testing::EndsWith(
            "\r\nVary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
            "accept-encoding\r\n"));
}

} // namespace
} // namespace boshgate::routing
