#include "routing/field_names.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

struct named {
    std::string_view name;
    field_id id;
};

constexpr named names[] = {
    {"Accept-Encoding", field_id::accept_encoding},
    {"Access-Control-Allow-Origin", field_id::access_control},
    {"Access-Control-Allow-Credentials", field_id::access_control},
    {"Access-Control-Allow-Headers", field_id::access_control},
    {"Access-Control-Allow-Methods", field_id::access_control},
    {"Access-Control-Expose-Headers", field_id::access_control},
    {"Access-Control-Max-Age", field_id::access_control},
    {"Access-Control-X", field_id::access_control},
    {"Access-Control-Request-Headers", field_id::access_control_request_headers},
    {"Access-Control-Request-Method", field_id::access_control_request_method},
    {"Access-Control-Request-Private-Network", field_id::access_control_request_private_network},
    {"Connection", field_id::connection},
    {"Content-Encoding", field_id::content_encoding},
    {"Content-Length", field_id::content_length},
    {"Content-Type", field_id::content_type},
    {"Date", field_id::date},
    {"Expect", field_id::expect},
    {"Host", field_id::host},
    {"If-Match", field_id::if_match},
    {"If-Modified-Since", field_id::if_modified_since},
    {"If-None-Match", field_id::if_none_match},
    {"If-Range", field_id::if_range},
    {"If-Unmodified-Since", field_id::if_unmodified_since},
    {"Keep-Alive", field_id::keep_alive},
    {"Location", field_id::location},
    {"Origin", field_id::origin},
    {"Proxy-Connection", field_id::proxy_connection},
    {"Proxy-Authenticate", field_id::proxy_connection},
    {"Proxy-Authentication-Info", field_id::proxy_connection},
    {"Proxy-Authorization", field_id::proxy_connection},
    {"Range", field_id::range},
    {"Server", field_id::server},
    {"TE", field_id::te},
    {"Trailer", field_id::trailer},
    {"Transfer-Encoding", field_id::transfer_encoding},
    {"Upgrade", field_id::upgrade},
    {"Vary", field_id::vary},
    {"X-Forwarded-For", field_id::x_forwarded_for},
    {"X-Forwarded-Proto", field_id::x_forwarded_proto},
    {"Forwarded", field_id::forwarded},
    {"X-Real-IP", field_id::forwarded},
    {"X-Forwarded-Host", field_id::forwarded},
    {"X-Forwarded-Port", field_id::forwarded},
    {"X-Forwarded-Server", field_id::forwarded},
    {"X-Forwarded-Prefix", field_id::forwarded},
};

std::string changed_case(std::string_view text, bool upper) {
    std::string changed(text);
    for (char& c : changed) {
        const auto byte = static_cast<unsigned char>(c);
        c = static_cast<char>(upper ? std::toupper(byte) : std::tolower(byte));
    }
    return changed;
}

TEST(field_names, known_in_any_letter_case) {
    for (const named& one : names) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(identify_field(one.name), one.id);
        EXPECT_EQ(identify_field(changed_case(one.name, true)), one.id);
        EXPECT_EQ(identify_field(changed_case(one.name, false)), one.id);
    }
}

TEST(field_names, others) {
    for (const std::string_view name : {"A",
                                        "X",
                                        "Accept",
                                        "Accept-Language",
                                        "User-Agent",
                                        "Cookie",
                                        "Authorization",
                                        "Referer",
                                        "Content_Length",
                                        "Transfer_Encoding",
                                        "Content-Length1",
                                        "Content-Lengt",
                                        "ontent-Length",
                                        "Transfer-Encodin",
                                        "Transfer~Encoding",
                                        "Host_",
                                        "H0st",
                                        "Hosts",
                                        "TE1",
                                        "T",
                                        "XTE",
                                        "Access-Control-",
                                        "Access-Control",
                                        "Access_Control-Allow-Origin",
                                        "X-Forwarded-",
                                        "X-Forwarded",
                                        "X_Forwarded-For",
                                        "X-Real-IP6",
                                        "Sec-Fetch-Mode",
                                        "Connectio",
                                        "^onnection",
                                        "Xonnection",
                                        "0ontent-Length",
                                        "Content.Length",
                                        "Content-\x4c"}) {
        EXPECT_EQ(identify_field(name), field_id::other) << name;
    }
}

// No token byte in place of another makes a known name: the folding of letters must not fold
// anything else.
TEST(field_names, one_byte_changed) {
    constexpr std::string_view tokens =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const named& one : names) {
        for (std::size_t i = 0; i != one.name.size(); ++i) {
            for (const char c : tokens) {
                std::string name(one.name);
                name[i] = c;
                const field_id expected = [&] {
                    for (const named& other : names) {
                        if (equal_ignoring_case(other.name, name)) {
                            return other.id;
                        }
                    }
                    const std::string lower = changed_case(name, false);
                    return lower.starts_with("access-control-") ? field_id::access_control
                           : lower.starts_with("x-forwarded-")  ? field_id::forwarded
                                                                : field_id::other;
                }();
                ASSERT_EQ(identify_field(name), expected) << name;
            }
        }
    }
}

} // namespace
} // namespace boshgate::routing
