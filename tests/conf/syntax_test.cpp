#include "conf/syntax.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace boshgate::conf {
namespace {

using texts = std::vector<std::string>;

TEST(syntax, node_names_are_one_path_segment) {
    for (const auto& name : texts{"node-a1", "node-a1.example.com", "10.0.0.22", "2001:db8::2",
                                  "[::1]:7335", "a~b_c@d", "...", std::string(255, 'a')}) {
        EXPECT_FALSE(check_node_name(name)) << name;
    }
    for (const auto& name : texts{"", ".", "..", "a/b", "a%20b", "a?b", "a#b", "a;b", "a b", "a\\b",
                                  "a\tb", "a\xc3\xa9", std::string(256, 'a')}) {
        EXPECT_TRUE(check_node_name(name)) << name;
    }
    EXPECT_EQ(check_node_name("/node-a1")->did_you_mean, "node-a1");
}

TEST(syntax, paths_have_one_spelling) {
    for (const auto& path : texts{"/httpbinding", "/a/b.c/d", "/" + std::string(255, 'a')}) {
        EXPECT_FALSE(check_path(path)) << path;
    }
    for (const auto& path :
         texts{"", "/", "//", "a", "/a/", "/a//b", "/./a", "/a/..", "/a%2fb", "/a?b", "/a#b",
               "/a;b", "/a b", "/" + std::string(255, 'a') + "/" + std::string(255, 'b')}) {
        EXPECT_TRUE(check_path(path)) << path;
    }
    EXPECT_EQ(check_path("/a//")->did_you_mean, "/a");
    EXPECT_EQ(check_path("a/")->did_you_mean, "/a");
    EXPECT_EQ(check_path("//")->did_you_mean, "");
}

TEST(syntax, tokens_follow_rfc_9110) {
    for (const auto& token :
         texts{"a", "Content-Type", "!#$%&'*+-.^_`|~09azAZ", std::string(255, 'a')}) {
        EXPECT_TRUE(is_token(token)) << token;
    }
    for (const auto& token : texts{"", "a b", "a:", "a\r\n", "(a)", "a,b", "\"a\"", "a\x7f",
                                   "\xc3\xa9", std::string(256, 'a')}) {
        EXPECT_FALSE(is_token(token)) << token;
    }
}

TEST(syntax, fields_of_one_connection_are_never_passed_on) {
    for (const auto& name :
         texts{"Connection", "Content-Length", "expect", "HTTP2-Settings", "Keep-Alive",
               "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
               "Transfer-Encoding", "Upgrade", "Via", "Access-Control-Allow-Origin", "a b"}) {
        EXPECT_TRUE(check_request_field(name)) << name;
        EXPECT_TRUE(check_answer_field(name)) << name;
    }
    for (const auto& name : texts{"Host", "Forwarded", "Origin", "X-Real-IP", "Content-Type",
                                  "X-Forwarded-For", "X-Forwarded-Anything"}) {
        EXPECT_TRUE(check_request_field(name)) << name;
        EXPECT_FALSE(check_answer_field(name)) << name;
    }
    for (const auto& name :
         texts{"Cookie", "Authorization", "Set-Cookie", "Accept", "X-Request-Id"}) {
        EXPECT_FALSE(check_request_field(name)) << name;
        EXPECT_FALSE(check_answer_field(name)) << name;
    }
}

TEST(syntax, fields_of_files_are_not_made_twice) {
    for (const auto& name : texts{"Content-Type", "ETag", "Cache-Control", "Vary", "Date",
                                  "Last-Modified", "Accept-Ranges", "Content-Encoding",
                                  "Content-Range", "Content-Length", "Connection", "a b"}) {
        EXPECT_TRUE(check_file_field(name)) << name;
    }
    for (const auto& name : texts{"X-Frame-Options", "Strict-Transport-Security", "Link"}) {
        EXPECT_FALSE(check_file_field(name)) << name;
    }
    EXPECT_TRUE(check_answer_field("Vary"));
    const std::string longest(47, 'a');
    for (const auto check : {check_request_field, check_answer_field, check_file_field}) {
        EXPECT_FALSE(check(longest));
        EXPECT_TRUE(check(longest + 'a'));
    }
}

TEST(syntax, field_values_cannot_end_their_line) {
    for (const auto& value : texts{"", "a", "a b;c=\"d\"", std::string(4096, 'a')}) {
        EXPECT_FALSE(check_field_value(value)) << value;
    }
    for (const auto& value : texts{"a\r\nb", "a\nb", std::string("a\0b", 3), "a\tb", " a", "a ",
                                   "\xc3\xa9", "a\x7f", std::string(4097, 'a')}) {
        EXPECT_TRUE(check_field_value(value)) << value;
    }
}

TEST(syntax, origins_are_written_as_browsers_send_them) {
    for (const auto& origin :
         texts{"https://chat.example.com", "https://chat.example.com:8443", "https://*.example.com",
               "https://*.example.com:8443", "null", "*", "http://localhost:3000",
               "http://192.0.2.1", "https://[::1]:8443", "http://a.example:443",
               "https://a.example:80", "capacitor://localhost", "chrome-extension://abcdef"}) {
        EXPECT_FALSE(check_origin(origin)) << origin;
    }
    struct row {
        const char *origin, *hint;
    };
    for (const auto& [origin, hint] : {row{"", ""},
                                       {"https://chat.example.com/", "https://chat.example.com"},
                                       {"https://Chat.example.com/app", "https://chat.example.com"},
                                       {"https://chat.example.com?x", "https://chat.example.com"},
                                       {"HTTPS://chat.example.com", "https://chat.example.com"},
                                       {"chat.example.com", "https://chat.example.com"},
                                       {"chat.example.com/app", "https://chat.example.com"},
                                       {"//chat.example.com", ""},
                                       {"https://chat.example.com:443", "https://chat.example.com"},
                                       {"http://chat.example.com:80", "http://chat.example.com"},
                                       {"https://", ""},
                                       {"https://chat.example.com:", ""},
                                       {"https://chat.example.com:0", ""},
                                       {"https://user@chat.example.com", ""},
                                       {"https://a,b", ""},
                                       {"https://a b", ""},
                                       {"http://*.example.com", ""},
                                       {"https://*", ""},
                                       {"https://*.", ""},
                                       {"https://*.com", ""},
                                       {"https://*.192.0.2.1", ""},
                                       {"https://*example.com", ""},
                                       {"https://a.*.com", ""},
                                       {"https://*.*.com", ""},
                                       {"**", ""},
                                       {"://a", ""},
                                       {"1x://a", ""},
                                       {"Null", "null"},
                                       {"https://a\r\nX: y", ""}}) {
        const auto why = check_origin(origin);
        ASSERT_TRUE(why) << origin;
        EXPECT_EQ(why->did_you_mean, hint) << origin;
    }
}

TEST(syntax, pins_are_sha256_in_base64) {
    const std::string code = "EvEXJeNd+dUqlaJ1aikwVa8bcnWr9IaQNlLtRHiGbXU=";
    EXPECT_FALSE(check_pin("sha256//" + code));
    for (const auto& pin : texts{"", code.substr(1), "sha256//", "sha256//" + code.substr(1),
                                 "sha256//" + code + "=", "sha1//" + code, "sha256// " + code,
                                 "sha256//" + code.substr(0, 42) + "V=", // bits that no byte has
                                 "sha256//" + code.substr(0, 43) + "U",
                                 "sha256//" + std::string{"-_"} + code.substr(2)}) {
        EXPECT_TRUE(check_pin(pin)) << pin;
    }
    for (const auto& pin : texts{code, "sha256/" + code, "sha256:" + code}) {
        EXPECT_EQ(check_pin(pin)->did_you_mean, "sha256//" + code) << pin;
    }
    EXPECT_NE(check_pin("AB:CD:EF")->what.find("fingerprint"), std::string::npos);
    const auto nothing = check_pin("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    ASSERT_TRUE(nothing);
    EXPECT_NE(nothing->what.find("hash of nothing"), std::string::npos);
}

TEST(syntax, files_stay_below_the_web_root) {
    for (const auto& path : texts{"index.html", "a/b/c.html", "a..b"}) {
        EXPECT_FALSE(check_relative_file(path)) << path;
    }
    for (const auto& path :
         texts{"", "/index.html", "../x", "a/../b", "a//b", "./a", ".htaccess", "a/", "a\\b"}) {
        EXPECT_TRUE(check_relative_file(path)) << path;
    }
    EXPECT_EQ(check_relative_file("/index.html")->did_you_mean, "index.html");
}

} // namespace
} // namespace boshgate::conf
