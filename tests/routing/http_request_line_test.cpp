#include "routing/http_request_line.hpp"

#include "tests/routing/head_reading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;
using reading::expect_accepted;
using reading::expect_refused;
using reading::request_reader;

struct accepted_line {
    std::string_view name;
    std::string_view line; // without its CR LF
    std::string_view host; // value of Host
    method verb;
    std::string_view target;
    std::string_view path;
    std::string_view query;
    int minor = 1;
};

constexpr accepted_line accepted_lines[] = {
    {"GET", "GET / HTTP/1.1", "a", method::get, "/", "/", ""},
    {"POST", "POST /node-a1 HTTP/1.1", "a", method::post, "/node-a1", "/node-a1", ""},
    {"HEAD", "HEAD /x HTTP/1.1", "a", method::head, "/x", "/x", ""},
    {"OPTIONS", "OPTIONS /x HTTP/1.1", "a", method::options, "/x", "/x", ""},
    {"PUT is other", "PUT /x HTTP/1.1", "a", method::other, "/x", "/x", ""},
    {"TRACE is other", "TRACE /x HTTP/1.1", "a", method::other, "/x", "/x", ""},
    {"methods know letter case", "get /x HTTP/1.1", "a", method::other, "/x", "/x", ""},
    {"method of three other letters", "PUT / HTTP/1.1", "a", method::other, "/", "/", ""},
    {"method of seven other letters", "CONNECT / HTTP/1.1", "a", method::other, "/", "/", ""},
    {"any token is a method", "M-!#$%&'*+.^_`|~9 / HTTP/1.1", "a", method::other, "/", "/", ""},
    {"method of 32 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1", "a", method::other, "/",
     "/", ""},
    {"HTTP/1.0", "GET / HTTP/1.0", "a", method::get, "/", "/", "", 0},
    {"query", "GET /a?b=c&d HTTP/1.1", "a", method::get, "/a?b=c&d", "/a", "b=c&d"},
    {"empty query", "GET /a? HTTP/1.1", "a", method::get, "/a?", "/a", ""},
    {"query with a question mark", "GET /a?b?c/d HTTP/1.1", "a", method::get, "/a?b?c/d", "/a",
     "b?c/d"},
    {"every byte of a path", "GET /aZ09-._~%!$&'()*+,;=:@/[]|^ HTTP/1.1", "a", method::get,
     "/aZ09-._~%!$&'()*+,;=:@/[]|^", "/aZ09-._~%!$&'()*+,;=:@/[]|^", ""},
    {"what browsers leave in a query", "GET /?\\^`{|}[] HTTP/1.1", "a", method::get, "/?\\^`{|}[]",
     "/", "\\^`{|}[]"},
    {"dots and doubled slashes are not touched", "GET //a/../b/./%2e%2e HTTP/1.1", "a", method::get,
     "//a/../b/./%2e%2e", "//a/../b/./%2e%2e", ""},
    {"a path that looks absolute", "GET /http://b/ HTTP/1.1", "a", method::get, "/http://b/",
     "/http://b/", ""},
    {"asterisk", "OPTIONS * HTTP/1.1", "a", method::options, "*", "*", ""},
    {"absolute", "GET http://a.example/b?c HTTP/1.1", "a.example", method::get,
     "http://a.example/b?c", "/b", "c"},
    {"absolute, https", "POST https://a:8443/b HTTP/1.1", "a:8443", method::post,
     "https://a:8443/b", "/b", ""},
    {"absolute, letter case", "GET HTTP://A.Example/ HTTP/1.1", "a.eXAMPLE", method::get,
     "HTTP://A.Example/", "/", ""},
    {"absolute without a path", "GET http://a HTTP/1.1", "a", method::get, "http://a", "/", ""},
    {"absolute without a path, with a query", "GET http://a?b HTTP/1.1", "a", method::get,
     "http://a?b", "/", "b"},
    {"absolute, slash in the query", "GET http://a?b/c HTTP/1.1", "a", method::get, "http://a?b/c",
     "/", "b/c"},
    {"absolute, IPv6", "GET http://[::1]:80/ HTTP/1.1", "[::1]:80", method::get, "http://[::1]:80/",
     "/", ""},
    {"OPTIONS of the whole server", "OPTIONS http://a HTTP/1.1", "a", method::options, "http://a",
     "*", ""},
    {"OPTIONS with a query is not of the whole server", "OPTIONS http://a? HTTP/1.1", "a",
     method::options, "http://a?", "/", ""},
};

TEST(http_request_line, takes) {
    for (const accepted_line& one : accepted_lines) {
        SCOPED_TRACE(one.name);
        request_reader read;
        const std::string bytes =
            std::string(one.line).append("\r\nHost: ").append(one.host).append("\r\n\r\n");
        expect_accepted(read, bytes);
        EXPECT_EQ(read.head->verb, one.verb);
        EXPECT_EQ(read.head->verb_text, one.line.substr(0, one.line.find(' ')));
        EXPECT_EQ(read.head->target, one.target);
        EXPECT_EQ(read.head->path, one.path);
        EXPECT_EQ(read.head->query, one.query);
        EXPECT_EQ(read.head->minor_version, one.minor);
        EXPECT_EQ(read.head->host, one.host);
    }
}

struct refused_line {
    std::string_view name;
    std::string_view bytes;
    reason why;
    std::size_t needed; // so many bytes are enough to refuse
};

constexpr refused_line refused_lines[] = {
    {"HTTP/0.9", "GET /\r\n"sv, reason::bad_request_line, 6},
    {"HTTP/0.9 without a target", "GET\r\n"sv, reason::bad_request_line, 4},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, reason::bad_version, 12},
    {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, reason::bad_request_line, 1},
    {"SSLv2 hello", "\x80\x2e\x01\x00\x02"sv, reason::bad_request_line, 1},
    {"PROXY protocol v2", "\r\n\r\n\0\r\nQUIT\n"sv, reason::bad_line_ending, 5},
    {"PROXY protocol v1", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"sv, reason::bad_request_line, 12},
    {"SOCKS5", "\x05\x01\x00"sv, reason::bad_request_line, 1},
    {"JSON", "{\"a\":1}\r\n"sv, reason::bad_request_line, 1},
    {"XML", "<body/>\r\n"sv, reason::bad_request_line, 1},
    {"NUL first", "\0GET / HTTP/1.1\r\n"sv, reason::bad_line_ending, 1},
    {"LF first", "\nGET / HTTP/1.1\r\n"sv, reason::bad_line_ending, 1},
    {"bare CR first", "\rGET / HTTP/1.1\r\n"sv, reason::bad_line_ending, 2},
    {"five empty lines", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n"sv, reason::bad_request_line, 9},
    {"blank first", " GET / HTTP/1.1\r\n"sv, reason::bad_request_line, 1},
    {"tab first", "\tGET / HTTP/1.1\r\n"sv, reason::bad_request_line, 1},
    {"no method", " / HTTP/1.1\r\n"sv, reason::bad_request_line, 1},
    {"method with a separator", "GE(T / HTTP/1.1\r\n"sv, reason::bad_request_line, 3},
    {"method with a colon", "GET: / HTTP/1.1\r\n"sv, reason::bad_request_line, 4},
    {"method with 8 bits", "G\xc3\x89T / HTTP/1.1\r\n"sv, reason::bad_request_line, 2},
    {"method of 33 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\n"sv,
     reason::bad_request_line, 33},
    {"method, LF", "GET\n/ HTTP/1.1\r\n"sv, reason::bad_line_ending, 4},
    {"method, tab", "GET\t/ HTTP/1.1\r\n"sv, reason::bad_request_line, 4},
    {"two blanks before the target", "GET  / HTTP/1.1\r\n"sv, reason::bad_request_line, 5},
    {"tab before the target", "GET \t/ HTTP/1.1\r\n"sv, reason::bad_request_line, 5},
    {"no target", "GET HTTP/1.1\r\n"sv, reason::bad_request_line, 13},
    {"two blanks before the version", "GET /  HTTP/1.1\r\n"sv, reason::bad_request_line, 7},
    {"tab before the version", "GET /\tHTTP/1.1\r\n"sv, reason::bad_target, 6},
    {"blank in the target", "GET /a b HTTP/1.1\r\n"sv, reason::bad_request_line, 8},
    {"fragment", "GET /a#b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"fragment behind a query", "GET /a?b#c HTTP/1.1\r\n"sv, reason::bad_target, 9},
    {"quote", "GET /a\"b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"less-than", "GET /a<b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"greater-than", "GET /a>b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"backslash in the path", "GET /a\\b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"backquote in the path", "GET /a`b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"brace in the path", "GET /a{b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"closing brace in the path", "GET /a}b HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"quote in the query", "GET /?\" HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"markup in the query", "GET /?<body/> HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"8 bits in the target", "GET /\xc3\xa4 HTTP/1.1\r\n"sv, reason::bad_target, 6},
    {"0x80 in the query", "GET /?\x80 HTTP/1.1\r\n"sv, reason::bad_target, 7},
    {"0xff in the target", "GET /\xff HTTP/1.1\r\n"sv, reason::bad_target, 6},
    {"DEL in the target", "GET /\x7f HTTP/1.1\r\n"sv, reason::bad_target, 6},
    {"control in the target", "GET /\x01 HTTP/1.1\r\n"sv, reason::bad_target, 6},
    {"NUL in the target", "GET /a\0b HTTP/1.1\r\n"sv, reason::bad_line_ending, 7},
    {"CR in the target", "GET /a\rb HTTP/1.1\r\n"sv, reason::bad_line_ending, 7},
    {"LF in the target", "GET /a\nb HTTP/1.1\r\n"sv, reason::bad_line_ending, 7},
    {"CR LF in the target", "GET /a\r\nb HTTP/1.1\r\n"sv, reason::bad_request_line, 7},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n"sv, reason::bad_version, 14},
    {"HTTP/1.9", "GET / HTTP/1.9\r\n"sv, reason::bad_version, 14},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n"sv, reason::bad_version, 12},
    {"HTTP/0.9, named", "GET / HTTP/0.9\r\n"sv, reason::bad_version, 12},
    {"HTTP/1.10", "GET / HTTP/1.10\r\n"sv, reason::bad_version, 15},
    {"HTTP/1.1.1", "GET / HTTP/1.1.1\r\n"sv, reason::bad_request_line, 15},
    {"HTTP/01.1", "GET / HTTP/01.1\r\n"sv, reason::bad_version, 12},
    {"HTTP/11", "GET / HTTP/11\r\n"sv, reason::bad_version, 13},
    {"HTTP/1", "GET / HTTP/1\r\n"sv, reason::bad_version, 13},
    {"HTTP/1.", "GET / HTTP/1.\r\n"sv, reason::bad_version, 14},
    {"HTTP/1.x", "GET / HTTP/1.x\r\n"sv, reason::bad_version, 14},
    {"HTTP/1,1", "GET / HTTP/1,1\r\n"sv, reason::bad_version, 13},
    {"lower-case version", "GET / http/1.1\r\n"sv, reason::bad_request_line, 7},
    {"other protocol", "GET / HTTPS/1.1\r\n"sv, reason::bad_request_line, 11},
    {"SIP", "OPTIONS / SIP/2.0\r\n"sv, reason::bad_request_line, 11},
    {"ICE", "GET / ICE/1.0\r\n"sv, reason::bad_request_line, 7},
    {"blank behind the version", "GET / HTTP/1.1 \r\n"sv, reason::bad_request_line, 15},
    {"tab behind the version", "GET / HTTP/1.1\t\r\n"sv, reason::bad_request_line, 15},
    {"junk behind the version", "GET / HTTP/1.1 x\r\n"sv, reason::bad_request_line, 15},
    {"LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"sv, reason::bad_line_ending, 15},
    {"CR CR LF ends the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"sv,
     reason::bad_line_ending, 16},
    {"CR ends the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n"sv, reason::bad_line_ending, 16},
    {"NUL behind the version", "GET / HTTP/1.1\0\r\n"sv, reason::bad_line_ending, 15},
    {"authority", "CONNECT a:443 HTTP/1.1\r\n"sv, reason::bad_target, 24},
    {"authority for another method", "GET a:80 HTTP/1.1\r\n"sv, reason::bad_target, 19},
    {"name only", "GET a HTTP/1.1\r\n"sv, reason::bad_target, 16},
    {"asterisk for GET", "GET * HTTP/1.1\r\n"sv, reason::bad_target, 16},
    {"asterisk and more", "OPTIONS */a HTTP/1.1\r\n"sv, reason::bad_target, 22},
    {"asterisk and a query", "OPTIONS *?a HTTP/1.1\r\n"sv, reason::bad_target, 22},
    {"query alone", "GET ?a HTTP/1.1\r\n"sv, reason::bad_target, 17},
    {"ftp", "GET ftp://a/b HTTP/1.1\r\n"sv, reason::bad_target, 24},
    {"ws", "GET ws://a/b HTTP/1.1\r\n"sv, reason::bad_target, 23},
    {"file", "GET file:///etc/passwd HTTP/1.1\r\n"sv, reason::bad_target, 33},
    {"one slash", "GET http:/a HTTP/1.1\r\n"sv, reason::bad_target, 22},
    {"absolute without authority", "GET http:///a HTTP/1.1\r\n"sv, reason::bad_target, 24},
    {"absolute, authority behind a query", "GET http://?a HTTP/1.1\r\n"sv, reason::bad_target, 24},
    {"absolute with userinfo", "GET http://u:p@a/ HTTP/1.1\r\n"sv, reason::bad_target, 28},
    {"absolute with an empty userinfo", "GET http://@a/ HTTP/1.1\r\n"sv, reason::bad_target, 25},
    {"absolute with a list", "GET http://a,b/ HTTP/1.1\r\n"sv, reason::bad_target, 26},
    {"absolute with a bad port", "GET http://a:x/ HTTP/1.1\r\n"sv, reason::bad_target, 26},
    {"absolute, other host than Host", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"sv,
     reason::bad_host, 35},
    {"absolute, other port than Host", "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"sv,
     reason::bad_host, 38},
    {"absolute, empty Host in HTTP/1.0", "GET http://a/ HTTP/1.0\r\nHost:\r\n\r\n"sv,
     reason::bad_host, 33},
    {"absolute without Host", "GET http://a/ HTTP/1.1\r\n\r\n"sv, reason::host_missing, 26},
};

TEST(http_request_line, refuses) {
    for (const refused_line& one : refused_lines) {
        SCOPED_TRACE(one.name);
        request_reader read;
        EXPECT_EQ(expect_refused(read, one.bytes, one.why), one.needed);
    }
}

TEST(http_request_line, skips_four_empty_lines) {
    for (int lines = 0; lines <= 4; ++lines) {
        SCOPED_TRACE(lines);
        std::string bytes;
        for (int i = 0; i < lines; ++i) {
            bytes += "\r\n";
        }
        bytes += "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        request_reader read;
        expect_accepted(read, bytes);
        EXPECT_EQ(read.head->path, "/a");
    }
}

// Each byte on each place of the target: what the comment on read_request_head promises, and
// nothing else.
TEST(http_request_line, every_byte_of_a_target) {
    constexpr std::string_view refused_anywhere = "#\"<> ";
    constexpr std::string_view refused_in_path = "\\`{}";
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        const bool graphic =
            c > 0x20 && c < 0x7f && refused_anywhere.find(byte) == std::string::npos;
        const bool in_path = graphic && refused_in_path.find(byte) == std::string::npos;
        request_reader read;
        const auto taken = [&read, byte](std::string bytes) {
            std::replace(bytes.begin(), bytes.end(), '\1', byte);
            return read(bytes).state == read_state::complete;
        };
        EXPECT_EQ(taken("GET /\1x HTTP/1.1\r\nHost: a\r\n\r\n"), in_path || byte == '?') << c;
        EXPECT_EQ(taken("GET /?\1x HTTP/1.1\r\nHost: a\r\n\r\n"), graphic) << c;
    }
}

TEST(http_request_line, target_at_its_limit) {
    request_reader read;
    read.limits.target = 20;
    const auto request = [](std::string_view target) {
        return std::string("GET ").append(target).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
    };
    for (const std::string start : {"/", "/?", "/aaaaaaaaaa?"}) {
        SCOPED_TRACE(start);
        expect_accepted(read, request(start + std::string(20 - start.size(), 'a')));
        const std::string more = start + std::string(21 - start.size(), 'a');
        EXPECT_EQ(expect_refused(read, request(more), reason::target_limit), 4U + 21U);
    }
    expect_accepted(read, "GET http://example.org.a HTTP/1.1\r\nHost: example.org.a\r\n\r\n");
    expect_refused(read, "GET http://example.org.ab HTTP/1.1\r\nHost: example.org.ab\r\n\r\n",
                   reason::target_limit);
}

} // namespace
} // namespace boshgate::routing
