// Whole connections, as an attacker writes them: heads and bodies are read one after the other, as
// the proxy does. Each attack hopes that two readers differ about where a message ends, so that one
// of them sees a request that the other took for data. Whatever we make of it, the hidden request
// must not come out, and what cannot be framed in one way only must end the connection.
#include "routing/chunked.hpp"
#include "routing/http_head.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;

struct seen {
    std::vector<std::string> paths;  // of the requests that came out, in order
    std::vector<std::string> bodies; // theirs, decoded
    reason why = reason::none;       // why the connection ended, if it did
};

// Reads a chunked body from the front of `rest`.
reason read_chunks(std::string_view& rest, std::string& body) {
    chunked_reader reader(1024);
    for (;;) {
        const chunked_reader::step step = reader.next(rest);
        body += step.data;
        rest.remove_prefix(step.consumed);
        if (step.state == read_state::complete) {
            return reason::none;
        }
        if (step.state == read_state::refused) {
            return step.why;
        }
        if (step.consumed == 0) {
            return reason::client_closed;
        }
    }
}

seen read_connection(std::string_view rest) {
    seen out;
    const auto head = std::make_unique<request_head>();
    while (!rest.empty()) {
        const read_result result = read_request_head(rest, {}, *head);
        if (result.state != read_state::complete) {
            out.why = result.state == read_state::refused ? result.why : reason::client_closed;
            return out;
        }
        rest.remove_prefix(result.consumed);
        std::string body;
        if (head->body == framing::chunked) {
            out.why = read_chunks(rest, body);
        } else if (head->body == framing::length) {
            body = rest.substr(0, head->content_length);
            out.why = body.size() < head->content_length ? reason::client_closed : reason::none;
            rest.remove_prefix(body.size());
        }
        if (out.why != reason::none) {
            return out;
        }
        out.paths.emplace_back(head->path);
        out.bodies.push_back(body);
        if (!head->keep_alive) {
            return out;
        }
    }
    return out;
}

TEST(http_smuggling, what_is_lawful_comes_through) {
    const seen all = read_connection("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                                     "\r\nPOST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
                                     "\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nHost: evil\r\n\r\n"
                                     "GET /c HTTP/1.1\r\nHost: h\r\n\r\n"
                                     "GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                                     "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(all.why, reason::none);
    EXPECT_EQ(all.paths, (std::vector<std::string>{"/a", "/b", "/c", "/d"}));
    EXPECT_EQ(all.bodies, (std::vector<std::string>{"hello", "hello!", "", ""}));
}

#define HIDDEN "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"

struct attack {
    std::string_view name;
    std::string_view bytes;
    reason why;
};

constexpr attack attacks[] = {
    {"CL.TE",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n" HIDDEN,
     reason::length_and_coding},
    {"TE.CL",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
     "21\r\n" HIDDEN "\r\n0\r\n\r\n",
     reason::length_and_coding},
    {"TE.TE, x",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
     "Transfer-Encoding: x\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_coding},
    {"TE.TE, identity",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_coding},
    {"TE.0: a coding that Beast takes for no body",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n" HIDDEN, reason::bad_coding},
    {"TE in HTTP/1.0",
     "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_coding},
    {"TE folded",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_coding},
    {"TE behind a fold",
     "POST / HTTP/1.1\r\nHost: h\r\nX: y\r\n Transfer-Encoding: chunked\r\n"
     "Content-Length: 0\r\n\r\n" HIDDEN,
     reason::folded_field},
    {"TE behind a bare LF",
     "POST / HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n" HIDDEN,
     reason::bad_line_ending},
    {"TE behind a bare CR",
     "POST / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n" HIDDEN,
     reason::bad_line_ending},
    {"TE with a blank before its colon",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_field},
    {"TE with a vertical tab",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" HIDDEN,
     reason::bad_field},
    {"TE with a NUL",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n" HIDDEN ""sv,
     reason::bad_line_ending},
    {"CL.CL",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 33\r\n\r\n" HIDDEN,
     reason::length_repeated},
    {"CL list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 33\r\n\r\n" HIDDEN,
     reason::bad_length},
    {"CL with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +33\r\n\r\n" HIDDEN,
     reason::bad_length},
    {"CL in octal or not", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 033\r\n\r\n" HIDDEN,
     reason::bad_length},
    {"CL that wraps round",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n" HIDDEN,
     reason::bad_length},
    {"head that ends in bare LFs", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\n" HIDDEN,
     reason::bad_line_ending},
    {"chunk size that wraps round",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" HIDDEN,
     reason::bad_chunk},
    {"chunk size with 0x",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x21\r\n" HIDDEN,
     reason::bad_chunk},
    {"chunk extension that ends in LF",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2;x\nxx\r\n33\r\n0\r\n\r\n" HIDDEN "\r\n0\r\n\r\n",
     reason::bad_chunk},
    {"chunk that ends in two other bytes",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "1\r\naXX0\r\n\r\n" HIDDEN,
     reason::bad_chunk},
    {"last chunk that ends in LF",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n" HIDDEN,
     reason::bad_chunk},
    {"request line in a trailer",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" HIDDEN,
     reason::bad_chunk},
    {"request in the target", "GET /a HTTP/1.1\r\n" HIDDEN, reason::bad_field},
    {"request behind a bare LF in the target", "GET /a\n" HIDDEN, reason::bad_line_ending},
};

TEST(http_smuggling, nothing_hidden_comes_out) {
    for (const attack& one : attacks) {
        SCOPED_TRACE(one.name);
        const seen all = read_connection(one.bytes);
        EXPECT_EQ(all.paths, std::vector<std::string>{});
        EXPECT_EQ(name_of(all.why), name_of(one.why));
    }
}

// These are lawful, and the hidden request is data.
constexpr attack data_only[] = {
    {"in a body", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n" HIDDEN, reason::none},
    {"in a chunk",
     "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "21\r\n" HIDDEN "\r\n0\r\n\r\n",
     reason::none},
    {"length named by Connection",
     "POST /a HTTP/1.1\r\nHost: h\r\nConnection: Content-Length\r\nContent-Length: "
     "33\r\n\r\n" HIDDEN,
     reason::none},
    {"length with an underscore",
     "POST /a HTTP/1.1\r\nHost: h\r\nContent_Length: 0\r\n"
     "Content-Length: 33\r\n\r\n" HIDDEN,
     reason::none},
    {"body of a GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n" HIDDEN,
     reason::none},
    {"body of an unknown method",
     "BREW /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n" HIDDEN, reason::none},
    {"expected body",
     "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 33\r\n\r\n" HIDDEN,
     reason::none},
};

TEST(http_smuggling, what_is_data_stays_data) {
    ASSERT_EQ(std::string_view(HIDDEN).size(), 33U);
    for (const attack& one : data_only) {
        SCOPED_TRACE(one.name);
        const seen all = read_connection(one.bytes);
        EXPECT_EQ(all.paths, std::vector<std::string>{"/a"});
        EXPECT_EQ(all.bodies, std::vector<std::string>{HIDDEN});
        EXPECT_EQ(all.why, one.why);
    }
}

#undef HIDDEN

} // namespace
} // namespace boshgate::routing
