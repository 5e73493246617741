#include "routing/chunked.hpp"

#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;

struct decoded {
    read_state state = read_state::partial;
    reason why = reason::none;
    std::string data;
    std::size_t consumed = 0;

    bool operator==(const decoded&) const = default;
};

constexpr std::size_t usual_overhead = 16 * 1024;

// Feeds `input` in pieces that end at `cuts` (ascending) and at its end, each from an allocation of
// its own.
decoded decode(std::string_view input, const std::vector<std::size_t>& cuts = {},
               std::size_t overhead = usual_overhead) {
    chunked_reader reader(overhead);
    decoded out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t end = i == cuts.size() ? input.size() : cuts[i];
        const std::vector<char> piece(input.begin() + static_cast<std::ptrdiff_t>(begin),
                                      input.begin() + static_cast<std::ptrdiff_t>(end));
        std::string_view rest{piece.data(), piece.size()};
        for (;;) {
            const chunked_reader::step step = reader.next(rest);
            out.state = step.state;
            out.why = step.why;
            out.data += step.data;
            out.consumed += step.consumed;
            rest.remove_prefix(step.consumed);
            if (step.state == read_state::refused) {
                out.consumed = 0; // how much came before in other steps depends on the cuts
            }
            if (step.state != read_state::partial) {
                return out;
            }
            if (step.consumed == 0) {
                break;
            }
        }
        EXPECT_TRUE(rest.empty()) << "a partial body leaves no byte behind";
        begin = end;
    }
    return out;
}

decoded decode_byte_by_byte(std::string_view input, std::size_t overhead = usual_overhead) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < input.size(); ++i) {
        cuts.push_back(i);
    }
    return decode(input, cuts, overhead);
}

struct accepted_body {
    std::string_view name;
    std::string_view bytes;
    std::string_view data;
};

constexpr accepted_body accepted[] = {
    {"empty", "0\r\n\r\n", ""},
    {"one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc"},
    {"two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
    {"hex, both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
    {"two digits", "10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"},
    {"sixteen digits", "0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n", "abc"},
    {"data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
    {"any byte is data", "5\r\n\0\xff\n\r\x80\r\n0\r\n\r\n"sv, "\0\xff\n\r\x80"sv},
    {"extension", "3;a\r\nabc\r\n0\r\n\r\n", "abc"},
    {"extension with a value", "3;a=b\r\nabc\r\n0;c=d\r\n\r\n", "abc"},
    {"extensions", "3;a=b;c;d=\"e\";f\r\nabc\r\n0\r\n\r\n", "abc"},
    {"quoted extension", "3;a=\"\\\"\\\\;=\t \xc3\xa4\";b\r\nabc\r\n0\r\n\r\n", "abc"},
    {"empty quoted extension", "3;a=\"\"\r\nabc\r\n0\r\n\r\n", "abc"},
    {"trailers", "3\r\nabc\r\n0\r\nHost: evil\r\nContent-Length: 5\r\nX:\r\n\r\n", "abc"},
    {"opaque bytes in a trailer", "0\r\nX: \x80\xff\t\r\n\r\n", ""},
};

TEST(chunked, takes) {
    for (const accepted_body& one : accepted) {
        SCOPED_TRACE(one.name);
        const decoded expected{read_state::complete, reason::none, std::string(one.data),
                               one.bytes.size()};
        EXPECT_EQ(decode(one.bytes), expected);
        EXPECT_EQ(decode_byte_by_byte(one.bytes), expected);
        // what follows is the next message's
        EXPECT_EQ(decode(std::string(one.bytes).append("GET / HTTP/1.1\r\n")), expected);
        for (std::size_t size = 0; size != one.bytes.size(); ++size) {
            const decoded prefix = decode(one.bytes.substr(0, size));
            ASSERT_EQ(prefix.state, read_state::partial) << size;
            ASSERT_EQ(prefix.consumed, size);
            ASSERT_TRUE(one.data.starts_with(prefix.data));
            ASSERT_EQ(decode(one.bytes, {size}), expected) << size;
        }
    }
}

struct refused_body {
    std::string_view name;
    std::string_view bytes;
    std::size_t needed; // so many bytes are enough to refuse
};

constexpr refused_body refused[] = {
    {"no size", "\r\nabc\r\n0\r\n\r\n", 1},
    {"empty line after data", "3\r\nabc\r\n\r\n0\r\n\r\n", 9},
    {"0x", "0x3\r\nabc\r\n0\r\n\r\n", 2},
    {"h", "3h\r\nabc\r\n", 2},
    {"plus", "+3\r\nabc\r\n", 1},
    {"minus", "-3\r\nabc\r\n", 1},
    {"underscore", "1_0\r\n0123456789abcdef\r\n", 2},
    {"point", "3.0\r\nabc\r\n", 2},
    {"comma", "3,3\r\nabc\r\n", 2},
    {"blank before the size", " 3\r\nabc\r\n", 1},
    {"blank behind the size", "3 \r\nabc\r\n", 2},
    {"tab behind the size", "3\t\r\nabc\r\n", 2},
    {"blank before an extension", "3 ;a\r\nabc\r\n", 2},
    {"8 bits", "\xb3\r\nabc\r\n", 1},
    {"NUL", "3\0\r\nabc\r\n"sv, 2},
    {"colon instead of a digit", ":\r\n", 1},
    {"at instead of a letter", "@\r\n", 1},
    {"g", "g\r\n", 1},
    {"17 digits", "00000000000000003\r\nabc\r\n", 17},
    {"40 zeros", "0000000000000000000000000000000000000003\r\nabc\r\n", 17},
    {"2^64 - 1", "ffffffffffffffff\r\nabc", 17},
    {"2^63 + 1", "8000000000000001\r\nabc", 17},
    {"2^63 in two", "1\r\na\r\n8000000000000000\r\nabc", 23},
    {"LF behind the size", "3\nabc\r\n0\r\n\r\n", 2},
    {"CR behind the size", "3\rabc\r\n0\r\n\r\n", 3},
    {"CR CR LF behind the size", "3\r\r\nabc\r\n0\r\n\r\n", 3},
    {"LF behind the data", "3\r\nabc\n0\r\n\r\n", 7},
    {"CR behind the data", "3\r\nabc\r0\r\n\r\n", 8},
    {"nothing behind the data", "3\r\nabc0\r\n\r\n", 7},
    {"data longer than its size", "3\r\nabcd\r\n0\r\n\r\n", 7},
    {"data shorter than its size", "4\r\nabc\r\n0\r\n\r\n", 8},
    {"LF behind the last chunk", "0\n\r\n", 2},
    {"LF ends the body", "0\r\n\n", 4},
    {"CR ends the body", "0\r\n\rG", 5},
    {"junk behind the last chunk", "0 \r\n\r\n", 2},
    {"empty extension", "3;\r\nabc\r\n", 3},
    {"empty extension behind another", "3;a;\r\nabc\r\n", 5},
    {"two semicolons", "3;;a\r\nabc\r\n", 3},
    {"blank in an extension", "3; a\r\nabc\r\n", 3},
    {"blank behind an extension", "3;a \r\nabc\r\n", 4},
    {"extension without a name", "3;=a\r\nabc\r\n", 3},
    {"extension without a value", "3;a=\r\nabc\r\n", 5},
    {"extension, semicolon for a value", "3;a=;\r\nabc\r\n", 5},
    {"extension with two values", "3;a=b=c\r\nabc\r\n", 6},
    {"extension with LF", "3;a\nabc\r\n0\r\n\r\n", 4},
    {"extension with CR", "3;a\rabc\r\n0\r\n\r\n", 5},
    {"extension with NUL", "3;\0\r\nabc\r\n"sv, 3},
    {"extension of 8 bits", "3;\xc3\xa4\r\nabc\r\n", 3},
    {"quoted value with LF", "3;a=\"\n\"\r\nabc\r\n", 6},
    {"quoted value over two lines", "3;a=\"\r\n\"\r\nabc\r\n", 6},
    {"quoted value with an escaped CR", "3;a=\"\\\r\n\"\r\nabc\r\n", 7},
    {"quoted value with an escaped LF", "3;a=\"\\\n\"\r\nabc\r\n", 7},
    {"quoted value and more", "3;a=\"b\"c\r\nabc\r\n", 8},
    {"quote inside a value", "3;a=b\"c\"\r\nabc\r\n", 6},
    {"quoted name", "3;\"a\"\r\nabc\r\n", 3},
    {"trailer without a name", "0\r\n: a\r\n\r\n", 4},
    {"trailer without a colon", "0\r\nX\r\n\r\n", 5},
    {"trailer with a blank before the colon", "0\r\nX : a\r\n\r\n", 5},
    {"trailer, folded", "0\r\nX: a\r\n b\r\n\r\n", 10},
    {"trailer, blank first", "0\r\n X: a\r\n\r\n", 4},
    {"trailer with LF", "0\r\nX: a\n\r\n", 8},
    {"trailer with CR", "0\r\nX: a\rb\r\n\r\n", 9},
    {"trailer with NUL", "0\r\nX: \0\r\n\r\n"sv, 7},
    {"trailer with a control", "0\r\nX: \x01\r\n\r\n", 7},
    {"trailer name of 8 bits", "0\r\n\xc3\xa4: a\r\n\r\n", 4},
    {"request behind the last chunk", "0\r\nGET / HTTP/1.1\r\n\r\n", 7},
};

TEST(chunked, refuses) {
    for (const refused_body& one : refused) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(decode(one.bytes).state, read_state::refused);
        EXPECT_EQ(decode(one.bytes).why, reason::bad_chunk);
        EXPECT_EQ(decode_byte_by_byte(one.bytes).why, reason::bad_chunk);
        for (std::size_t size = 0; size <= one.bytes.size(); ++size) {
            const read_state expected =
                size < one.needed ? read_state::partial : read_state::refused;
            ASSERT_EQ(decode(one.bytes.substr(0, size)).state, expected) << size;
            ASSERT_EQ(decode(one.bytes, {size}).state, read_state::refused) << size;
        }
    }
}

TEST(chunked, size_at_its_limit) {
    chunked_reader largest(usual_overhead);
    EXPECT_EQ(largest.next("8000000000000000\r\nabc").data, "abc");
    EXPECT_EQ(decode("8000000000000001\r\nabc").why, reason::bad_chunk);
    // the sum counts: 2^63 - 5 is what is left behind five bytes
    EXPECT_EQ(decode("5\r\nabcde\r\n7ffffffffffffffb\r\nx").state, read_state::partial);
    EXPECT_EQ(decode("5\r\nabcde\r\n7ffffffffffffffc\r\nx").why, reason::bad_chunk);
}

TEST(chunked, stays_where_it_ended) {
    chunked_reader ended(usual_overhead);
    EXPECT_EQ(ended.next("0\r\n\r\n0").consumed, 5U);
    const chunked_reader::step more = ended.next("3\r\nabc\r\n");
    EXPECT_EQ(more.state, read_state::complete);
    EXPECT_EQ(more.consumed, 0U);
    EXPECT_TRUE(more.data.empty());

    chunked_reader refused_one(usual_overhead);
    EXPECT_EQ(refused_one.next("x").why, reason::bad_chunk);
    EXPECT_EQ(refused_one.next("0\r\n\r\n").state, read_state::refused);
    EXPECT_EQ(refused_one.next("0\r\n\r\n").why, reason::bad_chunk);

    chunked_reader over(1);
    EXPECT_EQ(over.next("0\r").why, reason::chunk_overhead);
    EXPECT_EQ(over.next("0\r\n\r\n").why, reason::chunk_overhead);
}

TEST(chunked, one_piece_of_data_at_a_time) {
    chunked_reader reader(usual_overhead);
    const std::string_view input = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const chunked_reader::step first = reader.next(input);
    EXPECT_EQ(first.data, "abc");
    EXPECT_EQ(first.consumed, 6U);
    EXPECT_EQ(first.data.data(), input.data() + 3) << "a view into the input";
    const chunked_reader::step second = reader.next(input.substr(6));
    EXPECT_EQ(second.data, "de");
    EXPECT_EQ(second.consumed, 7U);
    const chunked_reader::step last = reader.next(input.substr(13));
    EXPECT_EQ(last.state, read_state::complete);
    EXPECT_EQ(last.consumed, 7U);
    EXPECT_TRUE(last.data.empty());
}

struct overhead_case {
    std::string_view name;
    std::string bytes;
    std::size_t least; // the overhead that is just enough
};

TEST(chunked, overhead_at_its_limit) {
    const std::string hundred(100, 'a');
    const overhead_case cases[] = {
        {"empty", "0\r\n\r\n", 5},
        {"leading zeros", "0000\r\n\r\n", 8},
        {"extension", "0;" + hundred + "\r\n\r\n", 106},
        {"quoted extension", "0;a=\"" + hundred + "\"\r\n\r\n", 110},
        {"trailer", "0\r\nX: " + hundred + "\r\n\r\n", 110},
        {"many trailers", "0\r\nX:\r\nX:\r\nX:\r\n\r\n", 17},
        // the size line before the data, 3, is paid back by the data: 7 for its end and the last
        // chunk are more
        {"data pays for itself", "a\r\n0123456789\r\n0\r\n\r\n", 7},
        // but never more than that: the data before an extension does not pay for it in advance
        {"data does not pay in advance", "10\r\n0123456789abcdef\r\n0;" + hundred + "\r\n\r\n",
         108},
        // one byte of data a chunk: 3, 5 - 1, 5 - 1, and then 7 for the end
        {"tiny chunks", "1\r\na\r\n1\r\na\r\n1\r\na\r\n0\r\n\r\n", 17},
    };
    for (const overhead_case& one : cases) {
        SCOPED_TRACE(one.name);
        EXPECT_EQ(decode(one.bytes, {}, one.least).state, read_state::complete);
        EXPECT_EQ(decode_byte_by_byte(one.bytes, one.least).state, read_state::complete);
        EXPECT_EQ(decode(one.bytes, {}, one.least - 1).why, reason::chunk_overhead);
        EXPECT_EQ(decode_byte_by_byte(one.bytes, one.least - 1).why, reason::chunk_overhead);
    }
    EXPECT_EQ(decode("0\r\n\r\n", {}, 0).why, reason::chunk_overhead);
}

TEST(chunked, honest_chunks_never_run_out) {
    std::string body;
    std::string data;
    for (int i = 0; i != 20'000; ++i) {
        body += "20\r\n0123456789abcdef0123456789abcdef\r\n";
        data += "0123456789abcdef0123456789abcdef";
    }
    body += "0\r\n\r\n";
    EXPECT_EQ(decode(body, {}, 64),
              (decoded{read_state::complete, reason::none, data, body.size()}));
}

TEST(chunked, cut_anywhere) {
    random_source random;
    const auto below = [&random](std::size_t n) { return random.below(n); };
    for (int round = 0; round != 300; ++round) {
        std::string body;
        std::string data;
        for (std::size_t chunks = below(6); chunks != 0; --chunks) {
            const std::string piece(1 + below(40), static_cast<char>(random.byte()));
            char size[32];
            std::snprintf(size, sizeof size, "%0*zx", static_cast<int>(below(5)), piece.size());
            body.append(size).append(below(3) == 0 ? ";n=\"v\\\"\"" : "").append("\r\n");
            body.append(piece).append("\r\n");
            data += piece;
        }
        body.append("0\r\n").append(below(2) == 0 ? "X-Y: z\r\n" : "").append("\r\n");
        const decoded expected{read_state::complete, reason::none, data, body.size()};
        std::vector<std::size_t> cuts(below(8));
        for (std::size_t& cut : cuts) {
            cut = below(body.size() + 1);
        }
        std::sort(cuts.begin(), cuts.end());
        ASSERT_EQ(decode(body, cuts), expected) << body;
        ASSERT_EQ(decode_byte_by_byte(body), expected) << body;
        // one byte changed: whatever it is now, cutting does not change it
        body[below(body.size())] = static_cast<char>(random.byte());
        ASSERT_EQ(decode(body, cuts), decode(body)) << body;
    }
}

} // namespace
} // namespace boshgate::routing
