#include "routing/http_head.hpp"

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

TEST(http_head, request_of_a_browser) {
    request_reader read;
    const std::string bytes = "POST /node-a1?x=1 HTTP/1.1\r\n"
                              "Host: chat.example.com:8443\r\n"
                              "Connection: keep-alive\r\n"
                              "Content-Length: 147\r\n"
                              "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
                              "Content-Type: text/xml; charset=utf-8\r\n"
                              "Accept: */*\r\n"
                              "Origin: https://chat.example.com\r\n"
                              "Accept-Encoding: gzip, deflate, br\r\n"
                              "Accept-Language: de,en;q=0.9\r\n"
                              "\r\n";
    expect_accepted(read, bytes);
    const request_head& head = *read.head;
    EXPECT_EQ(head.verb, method::post);
    EXPECT_EQ(head.path, "/node-a1");
    EXPECT_EQ(head.query, "x=1");
    EXPECT_EQ(head.host, "chat.example.com:8443");
    EXPECT_EQ(head.body, framing::length);
    EXPECT_EQ(head.content_length, 147U);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.expect_continue);
    ASSERT_EQ(head.fields().size(), 9U);
    EXPECT_EQ(head.find(field_id::origin)->value, "https://chat.example.com");
    EXPECT_EQ(head.find(field_id::content_type)->value, "text/xml; charset=utf-8");
    EXPECT_EQ(head.find(field_id::accept_encoding)->value, "gzip, deflate, br");
}

TEST(http_head, the_next_request_is_not_touched) {
    request_reader read;
    const std::string first = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    const std::string second = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string both = first + "xyz" + second;
    ASSERT_EQ(read(both).consumed, first.size());
    ASSERT_EQ(read(std::string_view(both).substr(first.size() + 3)).consumed, second.size());
    EXPECT_EQ(read.head->path, "/b");
    EXPECT_EQ(read.head->body, framing::none);
    EXPECT_EQ(read.head->content_length, 0U);
    EXPECT_EQ(read.head->fields().size(), 1U);
}

TEST(http_head, nothing_is_partial) {
    request_reader request;
    answer_reader answer;
    EXPECT_EQ(request({}).state, read_state::partial);
    EXPECT_EQ(answer({}).state, read_state::partial);
}

// The limit counts everything from the first byte to the empty line, and holds for a partial head
// too.
TEST(http_head, limit_of_bytes) {
    const std::string request = "\r\nGET /aaaaaaaaaa HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaa\r\n\r\n";
    const std::string answer = "HTTP/1.1 200 OK\r\nServer: b\r\nX: aaaaaaaaaa\r\n\r\n";
    const auto check = [](auto& read, std::string_view bytes, reason why) {
        read.limits.bytes = bytes.size();
        expect_accepted(read, bytes);
        read.limits.bytes = bytes.size() - 1;
        EXPECT_EQ(expect_refused(read, bytes, why), bytes.size() - 1);
        // the bytes behind the head do not count
        read.limits.bytes = bytes.size();
        EXPECT_EQ(read(std::string(bytes).append(100, 'x')).state, read_state::complete);
        // wherever the limit falls, what does not fit is refused once it is full
        for (std::size_t limit = 0; limit != bytes.size(); ++limit) {
            read.limits.bytes = limit;
            EXPECT_EQ(expect_refused(read, bytes, why), limit);
        }
    };
    request_reader requests;
    check(requests, request, reason::head_limit);
    answer_reader answers;
    check(answers, answer, reason::node_head_limit);
}

// A head that breaks another rule first is refused for that, not for its length.
TEST(http_head, the_first_fault_counts) {
    request_reader read;
    read.limits.bytes = 64;
    read.limits.target = 10;
    expect_refused(read, "GET /" + std::string(100, 'a'), reason::target_limit);
    expect_refused(read, "GET /\x01" + std::string(100, 'a'), reason::bad_target);
    expect_refused(read, "GET / HTTP/1.1\r\nX:" + std::string(100, 'a'), reason::head_limit);
    expect_refused(read, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nX:" + std::string(100, 'a'),
                   reason::host_repeated);
}

struct accepted_answer {
    std::string_view name;
    std::string_view bytes; // without the empty line
    int status;
    framing body;
    std::uint64_t length = 0;
    bool keep_alive = true;
    bool to_head = false;
};

constexpr accepted_answer accepted_answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 200, framing::length, 5},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", 200, framing::chunked},
    {"neither", "HTTP/1.1 200 OK\r\n", 200, framing::until_close, 0, false},
    {"neither, keep-alive", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", 200,
     framing::until_close, 0, false},
    {"no reason phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n", 200, framing::length},
    {"no blank either", "HTTP/1.1 200\r\nContent-Length: 0\r\n", 200, framing::length},
    {"reason phrase of many words", "HTTP/1.1 404 Not  found\there\r\nContent-Length: 0\r\n", 404,
     framing::length},
    {"reason phrase of 8 bits", "HTTP/1.1 404 Pas trouv\xe9\r\nContent-Length: 0\r\n", 404,
     framing::length},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", 200, framing::length, 5, false},
    {"HTTP/1.0, keep-alive", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n",
     200, framing::length, 5},
    {"HTTP/1.0, neither", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", 200,
     framing::until_close, 0, false},
    {"close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n", 200, framing::length,
     5, false},
    {"100", "HTTP/1.1 100 Continue\r\n", 100, framing::none},
    {"103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", 103, framing::none},
    {"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
     101, framing::none},
    {"204", "HTTP/1.1 204 No Content\r\n", 204, framing::none},
    {"204 that says zero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", 204, framing::none},
    {"304", "HTTP/1.1 304 Not Modified\r\n", 304, framing::none},
    {"304 with the length of the other", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", 304,
     framing::none, 5},
    {"304 with the coding of the other",
     "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n", 304, framing::none},
    {"to HEAD, length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 200, framing::none, 5, true,
     true},
    {"to HEAD, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", 200, framing::none, 0,
     true, true},
    {"to HEAD, neither", "HTTP/1.1 200 OK\r\n", 200, framing::none, 0, true, true},
    {"599", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n", 599, framing::length},
    {"205 has a body like others", "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n", 205,
     framing::length, 2},
    {"Host and Expect mean nothing",
     "HTTP/1.1 200 OK\r\nHost:\r\nHost: a,b\r\nExpect: x\r\n"
     "Content-Length: 0\r\n",
     200, framing::length},
    {"opaque bytes in any field",
     "HTTP/1.1 200 OK\r\nLocation: /\xc3\xa4\r\nX: \xff\r\n"
     "Content-Length: 0\r\n",
     200, framing::length},
};

TEST(http_head, takes_answers) {
    for (const accepted_answer& one : accepted_answers) {
        SCOPED_TRACE(one.name);
        answer_reader read;
        read.to_head = one.to_head;
        expect_accepted(read, std::string(one.bytes).append("\r\n"));
        EXPECT_EQ(read.head->status, one.status);
        EXPECT_EQ(read.head->body, one.body);
        EXPECT_EQ(read.head->content_length, one.length);
        EXPECT_EQ(read.head->keep_alive, one.keep_alive);
    }
}

struct refused_answer {
    std::string_view name;
    std::string_view bytes;
};

constexpr refused_answer refused_answers[] = {
    {"HTTP/0.9", "<html></html>"},
    {"ICY", "ICY 200 OK\r\n\r\n"},
    {"lower case", "http/1.1 200 OK\r\n\r\n"},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n"},
    {"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"},
    {"HTTP/1.10", "HTTP/1.10 200 OK\r\n\r\n"},
    {"no version", "HTTP 200 OK\r\n\r\n"},
    {"TLS alert", "\x15\x03\x01\x00\x02\x02\x28"sv},
    {"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"},
    {"blank first", " HTTP/1.1 200 OK\r\n\r\n"},
    {"two blanks", "HTTP/1.1  200 OK\r\n\r\n"},
    {"tab", "HTTP/1.1\t200 OK\r\n\r\n"},
    {"no status", "HTTP/1.1\r\n\r\n"},
    {"empty status", "HTTP/1.1 \r\n\r\n"},
    {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
    {"status below 100", "HTTP/1.1 099 OK\r\n\r\n"},
    {"status 000", "HTTP/1.1 000 OK\r\n\r\n"},
    {"status above 599", "HTTP/1.1 600 OK\r\n\r\n"},
    {"status 999", "HTTP/1.1 999 OK\r\n\r\n"},
    {"status with a sign", "HTTP/1.1 +20 OK\r\n\r\n"},
    {"status with a letter", "HTTP/1.1 20x OK\r\n\r\n"},
    {"status and reason together", "HTTP/1.1 200OK\r\n\r\n"},
    {"tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n"},
    {"NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"sv},
    {"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n"},
    {"control in the reason", "HTTP/1.1 200 \x01\r\n\r\n"},
    {"LF ends the status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
    {"LF ends a field", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n"},
    {"LF for the empty line", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n"},
    {"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"},
    {"folded first", "HTTP/1.1 200 OK\r\n X: a\r\n\r\n"},
    {"no colon", "HTTP/1.1 200 OK\r\nX\r\n\r\n"},
    {"blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"},
    {"8 bits in a name", "HTTP/1.1 200 OK\r\n\xc3\xa4: a\r\n\r\n"},
    {"length and chunked",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
    {"chunked and length",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n"},
    {"two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n"},
    {"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n"},
    {"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n"},
    {"length of 2^63", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n"},
    {"gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n"},
    {"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n"},
    {"identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n"},
    {"chunked twice",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
    {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"},
    {"204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"},
    {"204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"},
    {"100 with chunks", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"101 with a length", "HTTP/1.1 101 x\r\nContent-Length: 5\r\n\r\n"},
};

TEST(http_head, refuses_answers) {
    for (const refused_answer& one : refused_answers) {
        SCOPED_TRACE(one.name);
        answer_reader read;
        expect_refused(read, one.bytes, reason::node_bad_answer);
        read.to_head = true; // changes nothing about it
        expect_refused(read, one.bytes, reason::node_bad_answer);
    }
}

TEST(http_head, limit_of_fields_in_answers) {
    answer_reader read;
    read.limits.fields = 2;
    expect_accepted(read, "HTTP/1.1 200 OK\r\nA:\r\nContent-Length: 0\r\n\r\n");
    expect_refused(read, "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nContent-Length: 0\r\n\r\n",
                   reason::node_head_limit);
}

TEST(http_head, interim_answers_come_one_at_a_time) {
    answer_reader read;
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string both = interim + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    ASSERT_EQ(read(both).consumed, interim.size());
    EXPECT_EQ(read.head->status, 100);
    ASSERT_EQ(read(std::string_view(both).substr(interim.size())).state, read_state::complete);
    EXPECT_EQ(read.head->status, 200);
}

TEST(http_head, equal_ignoring_case) {
    EXPECT_TRUE(equal_ignoring_case("", ""));
    EXPECT_TRUE(equal_ignoring_case("aZ[@`{-09", "Az[@`{-09"));
    EXPECT_FALSE(equal_ignoring_case("a", "ab"));
    EXPECT_FALSE(equal_ignoring_case("ab", "a"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
    EXPECT_FALSE(equal_ignoring_case("@", "`"));
    EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
    EXPECT_FALSE(equal_ignoring_case("-", "\r"));
}

} // namespace
} // namespace boshgate::routing
