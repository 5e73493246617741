#include "routing/http_fields.hpp"

#include "tests/routing/head_reading.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;
using reading::answer_reader;
using reading::expect_accepted;
using reading::expect_refused;
using reading::request_reader;

std::string post(std::string_view fields, std::string_view version = "1.1") {
    return std::string("POST /x HTTP/")
        .append(version)
        .append("\r\n")
        .append(fields)
        .append("\r\n");
}

struct accepted_fields {
    std::string_view name;
    std::string_view fields; // behind Host: a
    framing body = framing::none;
    std::uint64_t length = 0;
    bool keep_alive = true;
    bool expect_continue = false;
};

constexpr accepted_fields accepted[] = {
    {"none", ""},
    {"length", "Content-Length: 12\r\n", framing::length, 12},
    {"length of zero", "Content-Length: 0\r\n", framing::length, 0},
    {"length without blank", "Content-Length:12\r\n", framing::length, 12},
    {"length with many blanks", "Content-Length: \t 12 \t\r\n", framing::length, 12},
    {"length, letter case", "CONTENT-lENGTH: 12\r\n", framing::length, 12},
    {"longest length", "Content-Length: 9223372036854775807\r\n", framing::length,
     9223372036854775807U},
    {"chunked", "Transfer-Encoding: chunked\r\n", framing::chunked},
    {"chunked, letter case", "transfer-encodinG: ChUnKeD\r\n", framing::chunked},
    {"chunked with blanks", "Transfer-Encoding:\tchunked \r\n", framing::chunked},
    {"close", "Connection: close\r\n", framing::none, 0, false},
    {"close, letter case", "connection: CLOSE\r\n", framing::none, 0, false},
    {"close in a list", "Connection: TE,\tclose , Upgrade\r\n", framing::none, 0, false},
    {"close in a second line", "Connection: TE\r\nConnection: close\r\n", framing::none, 0, false},
    {"close and keep-alive", "Connection: close, keep-alive\r\n", framing::none, 0, false},
    {"keep-alive", "Connection: keep-alive\r\n"},
    {"no option at all", "Connection: ,, ,\r\nConnection:\r\n"},
    {"option that begins with close", "Connection: closed, x-close\r\n"},
    {"framing fields named by Connection",
     "Connection: Content-Length, Host\r\nContent-Length: 3\r\n", framing::length, 3},
    {"coding named by Connection",
     "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", framing::chunked},
    {"Proxy-Connection is nobody's business", "Proxy-Connection: close\r\n"},
    {"Expect", "Expect: 100-continue\r\nContent-Length: 3\r\n", framing::length, 3, true, true},
    {"Expect before chunks", "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n",
     framing::chunked, 0, true, true},
    {"Expect without a body", "Expect: 100-continue\r\n"},
    {"Expect with an empty body", "Expect: 100-continue\r\nContent-Length: 0\r\n", framing::length},
    {"empty value", "X:\r\nY: \r\nZ:\t \t\r\n"},
    {"opaque bytes", "X: \x80\xc3\xa4\xff\r\n"},
    {"tab inside a value", "X: a\tb\r\n"},
    {"colons in a value", "X: a:b: c\r\n"},
    {"every token byte in a name", "!#$%&'*+-.^`|~09azAZ: a\r\n"},
    {"every printable byte in a value",
     "X: !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcxyz{|}~\r\n"},
    {"Upgrade is passed over", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"},
    {"two Origins are the caller's business", "Origin: a\r\nOrigin: b\r\n"},
    {"TE is not Transfer-Encoding", "TE: trailers, gzip\r\n"},
    {"underscore names do not frame", "Content_Length: 9\r\nContent-Length: 2\r\n", framing::length,
     2},
    {"underscore coding does not frame", "Transfer_Encoding: chunked\r\n"},
};

TEST(http_fields, takes) {
    for (const accepted_fields& one : accepted) {
        SCOPED_TRACE(one.name);
        request_reader read;
        expect_accepted(read, post(std::string("Host: a\r\n").append(one.fields)));
        EXPECT_EQ(read.head->body, one.body);
        EXPECT_EQ(read.head->content_length, one.length);
        EXPECT_EQ(read.head->keep_alive, one.keep_alive);
        EXPECT_EQ(read.head->expect_continue, one.expect_continue);
        EXPECT_EQ(read.head->host, "a");
    }
}

struct refused_fields {
    std::string_view name;
    std::string_view fields; // behind Host: a
    reason why;
};

constexpr refused_fields refused[] = {
    // both framings: CL.TE, TE.CL
    {"length, then coding", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
     reason::length_and_coding},
    {"coding, then length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
     reason::length_and_coding},
    {"zero length and coding", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
     reason::length_and_coding},
    {"length and identity", "Content-Length: 3\r\nTransfer-Encoding: identity\r\n",
     reason::length_and_coding},
    {"length and gzip", "Content-Length: 3\r\nTransfer-Encoding: gzip\r\n",
     reason::length_and_coding},
    {"gzip, then length", "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", reason::bad_coding},
    // codings: TE.TE
    {"coding: xchunked", "Transfer-Encoding: xchunked\r\n", reason::bad_coding},
    {"coding: chunkedx", "Transfer-Encoding: chunkedx\r\n", reason::bad_coding},
    {"coding: chunke", "Transfer-Encoding: chunke\r\n", reason::bad_coding},
    {"coding: gzip", "Transfer-Encoding: gzip\r\n", reason::bad_coding},
    {"coding: identity", "Transfer-Encoding: identity\r\n", reason::bad_coding},
    {"coding: empty", "Transfer-Encoding:\r\n", reason::bad_coding},
    {"coding: blank", "Transfer-Encoding: \r\n", reason::bad_coding},
    {"coding: list, chunked last", "Transfer-Encoding: gzip, chunked\r\n", reason::bad_coding},
    {"coding: list, chunked first", "Transfer-Encoding: chunked, identity\r\n", reason::bad_coding},
    {"coding: chunked twice in one", "Transfer-Encoding: chunked, chunked\r\n", reason::bad_coding},
    {"coding: leading comma", "Transfer-Encoding: , chunked\r\n", reason::bad_coding},
    {"coding: trailing comma", "Transfer-Encoding: chunked,\r\n", reason::bad_coding},
    {"coding: parameter", "Transfer-Encoding: chunked;foo=bar\r\n", reason::bad_coding},
    {"coding: empty parameter", "Transfer-Encoding: chunked;\r\n", reason::bad_coding},
    {"coding: q", "Transfer-Encoding: chunked;q=1\r\n", reason::bad_coding},
    {"coding: quoted", "Transfer-Encoding: \"chunked\"\r\n", reason::bad_coding},
    {"coding: two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
     reason::bad_coding},
    {"coding: two lines, one empty", "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
     reason::bad_coding},
    {"coding: two lines, identity first",
     "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", reason::bad_coding},
    {"coding: vertical tab", "Transfer-Encoding: \vchunked\r\n", reason::bad_field},
    {"coding: form feed", "Transfer-Encoding: chunked\f\r\n", reason::bad_field},
    {"coding: 8 bits",
     "Transfer-Encoding: \xa0"
     "chunked\r\n",
     reason::bad_field},
    {"coding: NUL", "Transfer-Encoding: chunked\0\r\n"sv, reason::bad_line_ending},
    {"coding: folded", "Transfer-Encoding:\r\n chunked\r\n", reason::bad_coding},
    {"coding: blank before the colon", "Transfer-Encoding : chunked\r\n", reason::bad_field},
    {"coding: tab before the colon", "Transfer-Encoding\t: chunked\r\n", reason::bad_field},
    {"coding: blank before the name", " Transfer-Encoding: chunked\r\n", reason::folded_field},
    {"coding: LF in the line before", "X: a\nTransfer-Encoding: chunked\r\n",
     reason::bad_line_ending},
    {"coding: CR in the line before", "X: a\rTransfer-Encoding: chunked\r\n",
     reason::bad_line_ending},
    // lengths
    {"length: empty", "Content-Length:\r\n", reason::bad_length},
    {"length: blank", "Content-Length: \r\n", reason::bad_length},
    {"length: plus", "Content-Length: +5\r\n", reason::bad_length},
    {"length: minus", "Content-Length: -5\r\n", reason::bad_length},
    {"length: hexadecimal", "Content-Length: 0x5\r\n", reason::bad_length},
    {"length: leading zeros", "Content-Length: 005\r\n", reason::bad_length},
    {"length: leading zero", "Content-Length: 05\r\n", reason::bad_length},
    {"length: many zeros", "Content-Length: 00\r\n", reason::bad_length},
    {"length: list", "Content-Length: 5, 5\r\n", reason::bad_length},
    {"length: list without blank", "Content-Length: 5,5\r\n", reason::bad_length},
    {"length: two numbers", "Content-Length: 5 5\r\n", reason::bad_length},
    {"length: point", "Content-Length: 5.0\r\n", reason::bad_length},
    {"length: exponent", "Content-Length: 1e3\r\n", reason::bad_length},
    {"length: underscore", "Content-Length: 1_0\r\n", reason::bad_length},
    {"length: suffix", "Content-Length: 5;x\r\n", reason::bad_length},
    {"length: quoted", "Content-Length: \"5\"\r\n", reason::bad_length},
    {"length: 2^63", "Content-Length: 9223372036854775808\r\n", reason::bad_length},
    {"length: 2^64", "Content-Length: 18446744073709551616\r\n", reason::bad_length},
    {"length: 2^64 + 5", "Content-Length: 18446744073709551621\r\n", reason::bad_length},
    {"length: 19 nines", "Content-Length: 9999999999999999999\r\n", reason::bad_length},
    {"length: 40 digits", "Content-Length: 1000000000000000000000000000000000000005\r\n",
     reason::bad_length},
    {"length: 8 bits", "Content-Length: \xb2\r\n", reason::bad_field},
    {"length: vertical tab", "Content-Length: \v5\r\n", reason::bad_field},
    {"length: twice, equal", "Content-Length: 5\r\nContent-Length: 5\r\n", reason::length_repeated},
    {"length: twice, different", "Content-Length: 5\r\nContent-Length: 6\r\n",
     reason::length_repeated},
    {"length: twice, letter case", "Content-Length: 5\r\nCONTENT-LENGTH: 5\r\n",
     reason::length_repeated},
    {"length: blank before the colon", "Content-Length : 5\r\n", reason::bad_field},
    // lines
    {"folded with a blank", "X: a\r\n b\r\n", reason::folded_field},
    {"folded with a tab", "X: a\r\n\tb\r\n", reason::folded_field},
    {"folded with nothing", "X: a\r\n \r\n", reason::folded_field},
    {"folded before the value", "X:\r\n a\r\n", reason::folded_field},
    {"LF ends a line", "X: a\n", reason::bad_line_ending},
    {"LF LF", "X: a\n\n", reason::bad_line_ending},
    {"CR ends a line", "X: a\rY: b\r\n", reason::bad_line_ending},
    {"CR CR LF ends a line", "X: a\r\r\n", reason::bad_line_ending},
    {"LF CR ends a line", "X: a\n\r", reason::bad_line_ending},
    {"CR in a value", "X: a\rb\r\n", reason::bad_line_ending},
    {"CR before a value", "X: \rb\r\n", reason::bad_line_ending},
    {"NUL in a value", "X: a\0b\r\n"sv, reason::bad_line_ending},
    {"NUL in a name", "X\0: a\r\n"sv, reason::bad_line_ending},
    {"LF in a name", "X\n: a\r\n", reason::bad_line_ending},
    {"CR in a name", "X\rY: a\r\n", reason::bad_line_ending},
    {"LF for the empty line", "X: a\r\n\n", reason::bad_line_ending},
    {"CR for the empty line", "X: a\r\n\rGET", reason::bad_line_ending},
    {"CR CR LF for the empty line", "X: a\r\n\r\r\n", reason::bad_line_ending},
    {"control in a value", "X: a\x01\r\n", reason::bad_field},
    {"DEL in a value", "X: a\x7f\r\n", reason::bad_field},
    {"escape in a value", "X: \x1b[31m\r\n", reason::bad_field},
    // names
    {"no colon", "X\r\n", reason::bad_field},
    {"no name", ": a\r\n", reason::bad_field},
    {"blank before the colon", "X : a\r\n", reason::bad_field},
    {"tab before the colon", "X\t: a\r\n", reason::bad_field},
    {"blank in a name", "X Y: a\r\n", reason::bad_field},
    {"8 bits in a name", "X\xc3\xa4: a\r\n", reason::bad_field},
    {"8 bits first in a name", "\xffX: a\r\n", reason::bad_field},
    {"separator in a name", "X(Y): a\r\n", reason::bad_field},
    {"quoted name", "\"X\": a\r\n", reason::bad_field},
    {"slash in a name", "X/Y: a\r\n", reason::bad_field},
    {"control in a name", "X\x01: a\r\n", reason::bad_field},
    {"request line as a field", "GET / HTTP/1.1\r\n", reason::bad_field},
    // fields that mean something here
    {"Host twice", "Host: a\r\n", reason::host_repeated},
    {"Host twice, different", "Host: b\r\n", reason::host_repeated},
    {"Host twice, one empty", "Host:\r\n", reason::host_repeated},
    {"opaque bytes in Origin", "Origin: https://\xc3\xa4.example\r\n", reason::bad_field},
    {"opaque bytes in X-Forwarded-For", "X-Forwarded-For: \xff\r\n", reason::bad_field},
    {"opaque bytes in Connection", "Connection: clos\xc3\xa9\r\n", reason::bad_field},
    {"Connection with a parameter", "Connection: close; x\r\n", reason::bad_field},
    {"Connection with a blank inside", "Connection: close now\r\n", reason::bad_field},
    {"Connection quoted", "Connection: \"close\"\r\n", reason::bad_field},
    {"Expect: other", "Expect: 200-ok\r\n", reason::bad_expectation},
    {"Expect: empty", "Expect:\r\n", reason::bad_expectation},
    {"Expect: list", "Expect: 100-continue, x\r\n", reason::bad_expectation},
    {"Expect: parameter", "Expect: 100-continue;x=1\r\n", reason::bad_expectation},
    {"Expect: twice", "Expect: 100-continue\r\nExpect: 100-continue\r\n", reason::bad_expectation},
};

TEST(http_fields, refuses) {
    for (const refused_fields& one : refused) {
        SCOPED_TRACE(one.name);
        request_reader read;
        expect_refused(read, post(std::string("Host: a\r\n").append(one.fields)), one.why);
    }
}

// The same lines are refused first in a head, where no field stands before them.
TEST(http_fields, refuses_behind_the_request_line) {
    for (const refused_fields& one : refused) {
        if (one.why != reason::host_repeated) {
            SCOPED_TRACE(one.name);
            request_reader read;
            expect_refused(read, post(one.fields), one.why);
        }
    }
}

struct old_case {
    std::string_view name;
    std::string_view fields;
    reason why = reason::none;
    framing body = framing::none;
    bool keep_alive = false;
};

constexpr old_case old_cases[] = {
    {"no Host", ""},
    {"empty Host", "Host:\r\n"},
    {"Host", "Host: a\r\n"},
    {"length", "Content-Length: 3\r\n", reason::none, framing::length},
    {"keep-alive", "Connection: Keep-Alive\r\n", reason::none, framing::none, true},
    {"keep-alive and close", "Connection: keep-alive, close\r\n"},
    {"Proxy-Connection does not keep alive", "Proxy-Connection: keep-alive\r\n"},
    {"Expect is ignored", "Expect: 100-continue\r\nContent-Length: 3\r\n", reason::none,
     framing::length},
    {"any Expect is ignored", "Expect: x\r\nExpect: y\r\n"},
    {"chunked", "Transfer-Encoding: chunked\r\n", reason::bad_coding},
    {"identity", "Transfer-Encoding: identity\r\n", reason::bad_coding},
    {"chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
     reason::bad_coding},
    {"length and chunked", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
     reason::length_and_coding},
    {"two Hosts", "Host: a\r\nHost: a\r\n", reason::host_repeated},
    {"two Hosts, empty first", "Host:\r\nHost: a\r\n", reason::host_repeated},
    {"bad Host", "Host: a,b\r\n", reason::bad_host},
};

TEST(http_fields, of_http_1_0) {
    for (const old_case& one : old_cases) {
        SCOPED_TRACE(one.name);
        request_reader read;
        if (one.why != reason::none) {
            expect_refused(read, post(one.fields, "1.0"), one.why);
            continue;
        }
        expect_accepted(read, post(one.fields, "1.0"));
        EXPECT_EQ(read.head->minor_version, 0);
        EXPECT_EQ(read.head->body, one.body);
        EXPECT_EQ(read.head->keep_alive, one.keep_alive);
        EXPECT_FALSE(read.head->expect_continue);
    }
}

TEST(http_fields, host_syntax) {
    for (const std::string_view host :
         {"a", "a.example", "A.Example.", "xn--bcher-kva.example", "a_b.example", "a-b", "a~b",
          "10.0.0.1", "10.0.0.1:80", "a:1", "a:65535", "a:00080", "a:", "[::]", "[::1]:8443",
          "[2001:DB8::1]", "[::ffff:10.0.0.1]:1", "localhost:7335"}) {
        EXPECT_TRUE(valid_authority(host)) << host;
        request_reader read;
        SCOPED_TRACE(host);
        expect_accepted(read, post(std::string("Host: ").append(host).append("\r\n")));
        EXPECT_EQ(read.head->host, host);
    }
    for (const std::string_view host : {"",
                                        ":",
                                        ":80",
                                        "a:b",
                                        "a:65536",
                                        "a:100000",
                                        "a:-1",
                                        "a:+1",
                                        "a:8 0",
                                        "a:80:80",
                                        "a b",
                                        "a,b",
                                        "a, b",
                                        "u@a",
                                        "u:p@a",
                                        "@a",
                                        "a/",
                                        "a/b",
                                        "/a",
                                        "a?b",
                                        "a#b",
                                        "a\\b",
                                        "http://a",
                                        "a;b",
                                        "a'b",
                                        "a\"b",
                                        "\"a\"",
                                        "a%41",
                                        "%61",
                                        "a=b",
                                        "a&b",
                                        "a$b",
                                        "a!b",
                                        "a(b)",
                                        "a*b",
                                        "*",
                                        "a+b",
                                        "<a>",
                                        "a|b",
                                        "[",
                                        "]",
                                        "[]",
                                        "[a]",
                                        "[:]",
                                        "[::1",
                                        "::1",
                                        "::1]",
                                        "[::1]a",
                                        "[::1]]",
                                        "[[::1]]",
                                        "[::1]:x",
                                        "[::1]80",
                                        "[v1.a:b:c]",
                                        "[fe80::1%25eth0]",
                                        "[fe80::1%eth0]",
                                        "[::g]",
                                        "a[::1]"}) {
        EXPECT_FALSE(valid_authority(host)) << host;
        request_reader read;
        SCOPED_TRACE(host);
        expect_refused(read, post(std::string("Host: ").append(host).append("\r\n")),
                       reason::bad_host);
    }
    request_reader read;
    expect_refused(read, post("Host: \xc3\xa4\r\n"), reason::bad_field);
    expect_refused(read, post("Content-Length: 0\r\n"), reason::host_missing);
}

TEST(http_fields, every_byte_of_a_name_and_of_a_value) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        request_reader read;
        const auto taken = [&read](std::string_view before, char in, std::string_view after) {
            const std::string line = std::string(before).append(1, in).append(after);
            return read(post("Host: a\r\n" + line)).state == read_state::complete;
        };
        constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        const bool token = letter || digit || (c != 0 && marks.find(byte) != marks.npos);
        EXPECT_EQ(taken("", byte, "x: a\r\n"), token) << c;
        EXPECT_EQ(taken("x", byte, "x: a\r\n"), token || byte == ':') << c;
        const bool text = c == '\t' || (c >= 0x20 && c != 0x7f);
        EXPECT_EQ(taken("x: a", byte, "b\r\n"), text) << c;
        EXPECT_EQ(taken("x: ", byte, "\r\n"), text) << c;
        // at each place of a block of sixteen
        for (std::size_t i = 0; i != 33; ++i) {
            ASSERT_EQ(taken("x: " + std::string(i, 'a'), byte, "bbbbbbbbbbbbbbbbbbbb\r\n"), text)
                << c << " at " << i;
        }
    }
}

TEST(http_fields, stored_in_order_without_blanks) {
    request_reader read;
    expect_accepted(read, post("Host: a\r\nX-A: \t one  two \t \r\nx-b:\r\nCookie:c=d\r\n"));
    const auto fields = read.head->fields();
    ASSERT_EQ(fields.size(), 4U);
    EXPECT_EQ(fields[0].id, field_id::host);
    EXPECT_EQ(fields[1].name, "X-A");
    EXPECT_EQ(fields[1].value, "one  two");
    EXPECT_EQ(fields[1].id, field_id::other);
    EXPECT_EQ(fields[2].name, "x-b");
    EXPECT_EQ(fields[2].value, "");
    EXPECT_EQ(fields[3].name, "Cookie");
    EXPECT_EQ(fields[3].value, "c=d");
}

TEST(http_fields, found_and_counted) {
    request_reader read;
    expect_accepted(read, post("Host: a\r\nOrigin: x\r\nOrigin: y\r\nRange: z\r\n"));
    ASSERT_NE(read.head->find(field_id::origin), nullptr);
    EXPECT_EQ(read.head->find(field_id::origin)->value, "x");
    EXPECT_EQ(read.head->count(field_id::origin), 2U);
    EXPECT_EQ(read.head->count(field_id::range), 1U);
    EXPECT_EQ(read.head->count(field_id::te), 0U);
    EXPECT_EQ(read.head->find(field_id::te), nullptr);
    EXPECT_FALSE(read.head->has(field_id::te));
    // nothing of the head before is left
    expect_accepted(read, post("Host: a\r\n"));
    EXPECT_EQ(read.head->find(field_id::origin), nullptr);
    EXPECT_EQ(read.head->count(field_id::origin), 0U);
}

TEST(http_fields, names_with_an_underscore_are_dropped_from_requests) {
    request_reader read;
    expect_accepted(read, post("Host: a\r\nX_Forwarded_For: 1.2.3.4\r\nX-A: b\r\n_: c\r\na_: "
                               "d\r\nX-Forwarded-Host_: e\r\nAccess-Control-_: f\r\n"));
    EXPECT_EQ(read.head->fields().size(), 2U);
    EXPECT_EQ(read.head->dropped_fields, 5U);
    for (const field& one : read.head->fields()) {
        EXPECT_EQ(one.name.find('_'), std::string_view::npos) << one.name;
    }
    // a value may have as many as it likes, and a bad value is refused though the field is dropped
    expect_accepted(read, post("Host: a\r\nX-A: a_b\r\n"));
    EXPECT_EQ(read.head->dropped_fields, 0U);
    expect_refused(read, post("Host: a\r\nX_A: \x01\r\n"), reason::bad_field);
    answer_reader answer;
    expect_accepted(answer, "HTTP/1.1 200 OK\r\nX_A: b\r\n\r\n");
    EXPECT_EQ(answer.head->fields().size(), 1U);
    EXPECT_EQ(answer.head->dropped_fields, 0U);
}

TEST(http_fields, named_by_connection) {
    request_reader read;
    expect_accepted(read, post("Host: a\r\nConnection: close , X-Auth\r\nConnection: ,y\r\n"));
    EXPECT_TRUE(named_by_connection(*read.head, "x-auth"));
    EXPECT_TRUE(named_by_connection(*read.head, "X-AUTH"));
    EXPECT_TRUE(named_by_connection(*read.head, "Y"));
    EXPECT_TRUE(named_by_connection(*read.head, "close"));
    EXPECT_FALSE(named_by_connection(*read.head, "x-aut"));
    EXPECT_FALSE(named_by_connection(*read.head, "x-auth1"));
    EXPECT_FALSE(named_by_connection(*read.head, "host"));
    EXPECT_FALSE(named_by_connection(*read.head, "connection"));
    EXPECT_TRUE(read.head->connection_lists_fields);
    expect_accepted(read, post("Host: a\r\nX-Auth: close\r\n"));
    EXPECT_FALSE(named_by_connection(*read.head, "close"));
    EXPECT_FALSE(read.head->connection_lists_fields);
    for (const char* list :
         {"keep-alive", "Keep-Alive", "close", "close,keep-alive", ", CLOSE ,", ""}) {
        expect_accepted(read, post("Host: a\r\nConnection: " + std::string(list) + "\r\n"));
        EXPECT_FALSE(read.head->connection_lists_fields) << list;
    }
    for (const char* list : {"keep-aliv", "keep-alive,x", "x,close", "close, te"}) {
        expect_accepted(read, post("Host: a\r\nConnection: " + std::string(list) + "\r\n"));
        EXPECT_TRUE(read.head->connection_lists_fields) << list;
    }
}

// Lines that are read in one go, and the same that are not: the one blank behind the colon tells.
TEST(http_fields, plain_lines_and_others_are_read_alike) {
    const std::string texts[] = {"",
                                 "a",
                                 "a b",
                                 "a\tb",
                                 "a  ",
                                 "\ta",
                                 " a",
                                 "a\t",
                                 "0123456789abcdef",
                                 "0123456789abcde ",
                                 "~",
                                 "a:b ",
                                 ":"};
    const std::string names[] = {"A", "Host-", "-x", "x.y", "X-Longer-Than-A-Block", "0"};
    for (const std::string& name : names) {
        for (const std::string& text : texts) {
            for (const std::string& rest : {std::string(), std::string("Z: 1\r\n")}) {
                const std::string tail = text + "\r\n" + rest;
                request_reader one, other;
                expect_accepted(one, post("Host: a\r\n" + name + ": " + tail));
                expect_accepted(other, post("Host: a\r\n" + name + ":" + tail));
                ASSERT_EQ(one.head->fields().size(), other.head->fields().size());
                EXPECT_EQ(one.head->fields()[1].name, name);
                EXPECT_EQ(one.head->fields()[1].value, other.head->fields()[1].value)
                    << name << " '" << text << "'";
            }
        }
    }
}

TEST(http_fields, line_of_a_field_as_sent) {
    const struct {
        std::string sent;
        bool whole;
    } rows[] = {
        {"X-A: b\r\n", true},    {"X-A:  b\r\n", false},  {"X-A:b\r\n", false},
        {"X-A:\tb\r\n", false},  {"X-A: b \r\n", false},  {"X-A: b\t\r\n", false},
        {"x.a: \r\n", true},     {"X-A:\r\n", false},     {"X-A:  \r\n", false},
        {"X-A: b: c\r\n", true}, {"X-A: \xff\r\n", true},
    };
    for (const auto& row : rows) {
        for (const std::string& rest : {std::string(), std::string("Z: 1\r\n")}) {
            request_reader read;
            expect_accepted(read, post("Host: a\r\n" + row.sent + rest));
            EXPECT_EQ(line_of(read.head->fields()[1]), row.whole ? row.sent : "") << row.sent;
        }
    }
}

TEST(http_fields, limit_of_fields) {
    const auto lines = [](std::size_t count, std::string_view name) {
        std::string text = "Host: a\r\n";
        for (std::size_t i = 1; i < count; ++i) {
            text.append(name).append(":\r\n");
        }
        return post(text);
    };
    for (const std::string_view name : {"x", "x_y"}) { // dropped ones count too
        SCOPED_TRACE(name);
        request_reader read;
        read.limits.fields = 3;
        expect_accepted(read, lines(3, name));
        EXPECT_EQ(read.head->field_count + read.head->dropped_fields, 3U);
        const std::string more = lines(4, name);
        // the first byte of the line too many is enough
        EXPECT_EQ(expect_refused(read, more, reason::fields_limit), lines(3, name).size() - 1);
        read.limits.fields = 100'000; // the store's own ceiling holds then
        ASSERT_EQ(read(lines(fields_ceiling, name)).state, read_state::complete);
        EXPECT_EQ(read(lines(fields_ceiling + 1, name)).why, reason::fields_limit);
    }
    request_reader read;
    read.limits.fields = 0;
    expect_accepted(read, "GET / HTTP/1.0\r\n\r\n");
    expect_refused(read, "GET / HTTP/1.0\r\nX: a\r\n\r\n", reason::fields_limit);
}

} // namespace
} // namespace boshgate::routing
