// The head reader against Boost.Beast's parser. Beast is the more lenient one, in ways that are
// dangerous for a proxy; where the two differ, the difference must be one that was decided.
#include "routing/http_head.hpp"

#include "tests/routing/head_reading.hpp"
#include "tests/routing/random_source.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/version.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::routing {
namespace {

namespace http = boost::beast::http;
using reading::request_reader;

// What a reader understood.
struct understood {
    std::string verb;
    std::string target;
    int minor = 1;
    bool keep_alive = true;
    bool chunked = false;
    std::optional<std::uint64_t> length;
    std::vector<std::pair<std::string, std::string>> fields;
    std::size_t consumed = 0;

    bool operator==(const understood&) const = default;
};

// Beast moves fields of one name together; only the order within a name counts.
void sort_by_name(understood& what) {
    const auto lower = [](std::string_view name) {
        std::string out(name);
        for (char& c : out) {
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        return out;
    };
    std::stable_sort(what.fields.begin(), what.fields.end(),
                     [&](const auto& a, const auto& b) { return lower(a.first) < lower(b.first); });
}

std::optional<understood> beast_reads(std::string_view bytes) {
    http::request_parser<http::empty_body> parser;
    parser.body_limit(boost::none);
    parser.header_limit(16 * 1024);
    boost::beast::error_code failed;
    const std::size_t consumed =
        parser.put(boost::asio::buffer(bytes.data(), bytes.size()), failed);
    if ((failed && failed != http::error::unexpected_body) || !parser.is_header_done()) {
        return std::nullopt;
    }
    understood out;
    const auto& message = parser.get();
    out.verb = std::string(message.method_string());
    out.target = std::string(message.target());
    out.minor = static_cast<int>(message.version()) - 10;
    out.keep_alive = parser.keep_alive();
    // RFC 9112 9.3: close counts before keep-alive, in HTTP/1.0 too, which Beast forgets
    const auto [first, last] = message.equal_range(http::field::connection);
    for (auto one = first; one != last; ++one) {
        out.keep_alive = out.keep_alive && !http::token_list(one->value()).exists("close");
    }
    out.chunked = parser.chunked();
    if (const auto length = parser.content_length(); length) {
        out.length = *length;
    }
    for (const auto& one : message) {
        out.fields.emplace_back(std::string(one.name_string()), std::string(one.value()));
    }
    out.consumed = consumed;
    sort_by_name(out);
    return out;
}

std::optional<understood> we_read(request_reader& read, std::string_view bytes) {
    const read_result result = read(bytes);
    if (result.state != read_state::complete) {
        return std::nullopt;
    }
    understood out;
    const request_head& head = *read.head;
    out.verb = head.verb_text;
    out.target = head.target;
    out.minor = head.minor_version;
    out.keep_alive = head.keep_alive;
    out.chunked = head.body == framing::chunked;
    if (head.body == framing::length) {
        out.length = head.content_length;
    }
    for (const field& one : head.fields()) {
        out.fields.emplace_back(std::string(one.name), std::string(one.value));
    }
    out.consumed = result.consumed;
    sort_by_name(out);
    return out;
}

// Makes heads of a lawful shape, in many letter cases and with many blanks.
class generator {
  public:
    std::size_t below(std::size_t n) { return random_.below(n); }

    std::string head() {
        old_ = below(5) == 0;
        std::string out = one_of({"GET", "POST", "HEAD", "OPTIONS", "PUT", "M-SEARCH"});
        out += " /" + word("abcXYZ019-._~%!$&'()*+,;=:@/", below(30));
        if (below(2) == 0) {
            out += "?" + word("abc=&?/%20", below(20));
        }
        out += old_ ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
        std::vector<std::string> lines{line("Host", "chat.example.com:8443")};
        for (std::size_t count = below(12); count != 0; --count) {
            lines.push_back(any_line());
        }
        const std::size_t body = below(old_ ? 2 : 3);
        if (body == 1) {
            lines.push_back(line("Content-Length", std::to_string(below(100'000))));
        } else if (body == 2) {
            lines.push_back(line("Transfer-Encoding", one_of({"chunked", "Chunked", "CHUNKED"})));
        }
        std::shuffle(lines.begin(), lines.end(), random_);
        for (const std::string& one : lines) {
            out += one;
        }
        return out + "\r\n";
    }

  private:
    std::string one_of(std::initializer_list<const char*> choices) {
        return *(choices.begin() + below(choices.size()));
    }

    std::string word(std::string_view letters, std::size_t length) {
        std::string out;
        for (; length != 0; --length) {
            out += letters[below(letters.size())];
        }
        return out;
    }

    std::string line(std::string name, std::string_view value) {
        for (char& c : name) {
            if (below(4) == 0 && c >= 'a' && c <= 'z') {
                c = static_cast<char>(c - 'a' + 'A');
            }
        }
        return name + ":" + word(" \t", below(3)) + std::string(value) + word(" \t", below(3)) +
               "\r\n";
    }

    std::string any_line() {
        switch (below(4)) {
        case 0:
            return line("Connection",
                        one_of({"close", "keep-alive", "Keep-Alive, TE", "Upgrade,close", "x"}));
        case 1:
            return line(one_of({"Origin", "Range", "Accept-Encoding", "TE", "Vary", "If-None-Match",
                                "X-Forwarded-For", "Access-Control-Request-Method", "Forwarded"}),
                        word("abc019-=,; \"/*", below(60)));
        default:
            return line("X" + word("abcXYZ019-.~!#$&'*+^`|", below(20)),
                        word("abcXYZ 019\t-_.~!#$%&'()*+,/:;<=>?@[\\]^`{|}\"", below(120)));
        }
    }

    random_source random_;
    bool old_ = false;
};

TEST(http_head_beast, both_take_what_is_lawful) {
    generator make;
    request_reader read;
    for (int round = 0; round != 2'000; ++round) {
        const std::string bytes = make.head();
        const auto theirs = beast_reads(bytes);
        const auto ours = we_read(read, bytes);
        ASSERT_TRUE(theirs) << bytes;
        ASSERT_TRUE(ours) << name_of(read(bytes).why) << "\n" << bytes;
        ASSERT_TRUE(*ours == *theirs) << bytes;
    }
}

bool has_opaque_byte(std::string_view bytes) {
    return std::any_of(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) != 0; });
}

// The differences that were decided: what Beast takes and we refuse (reason by reason).
bool refused_on_purpose(reason why, std::string_view bytes) {
    switch (why) {
    case reason::host_missing:
    case reason::host_repeated:
    case reason::bad_host:
    case reason::bad_target:
    case reason::bad_length:
    case reason::length_repeated:
    case reason::length_and_coding:
    case reason::bad_coding:
    case reason::folded_field:
    case reason::bad_expectation:
        return true;
    case reason::bad_field:
        return has_opaque_byte(bytes); // in a field that we act on
    default:
        return false;
    }
}

std::string damaged(generator& make, std::string bytes) {
    constexpr std::string_view marks = "\r\n\t :,;\x01\x7f\x80\xff_-0\"#@[";
    for (std::size_t count = 1 + make.below(2); count != 0; --count) {
        const std::size_t at = make.below(bytes.size());
        const char c = make.below(4) == 0 ? static_cast<char>(make.below(256))
                                          : marks[make.below(marks.size())];
        switch (make.below(3)) {
        case 0:
            bytes[at] = c;
            break;
        case 1:
            bytes.insert(at, 1, c);
            break;
        default:
            bytes.erase(at, 1);
        }
    }
    return bytes;
}

TEST(http_head_beast, damaged_heads_differ_only_on_purpose) {
    generator make;
    request_reader read;
    int both = 0;
    int neither = 0;
    for (int round = 0; round != 20'000; ++round) {
        const std::string bytes = damaged(make, make.head());
        const auto theirs = beast_reads(bytes);
        const auto ours = we_read(read, bytes);
        const read_result result = read(bytes);
        both += theirs && ours ? 1 : 0;
        neither += !theirs && !ours ? 1 : 0;
        if (theirs && !ours) {
            ASSERT_EQ(result.state, read_state::refused) << bytes;
            ASSERT_TRUE(refused_on_purpose(result.why, bytes)) << name_of(result.why) << "\n"
                                                               << bytes;
        } else if (ours && !theirs) {
            // RFC 9112 2.2: empty lines before a request are to be skipped
            ASSERT_TRUE(bytes.starts_with("\r\n")) << bytes;
        } else if (ours && theirs && read.head->dropped_fields == 0) {
            ASSERT_TRUE(*ours == *theirs) << bytes;
        }
    }
    EXPECT_GT(both, 1'000);
    EXPECT_GT(neither, 1'000);
}

struct difference {
    std::string_view name;
    std::string_view bytes;
};

// What Beast 1.81 takes. Each is a way to have two readers see two different messages, or one that
// nobody means.
constexpr difference differences[] = {
    {"no Host", "GET / HTTP/1.1\r\n\r\n"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {"folded", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"},
    {"folded coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"equal lengths",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"},
    {"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"},
    {"leading zeros", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\n"},
    {"gzip, then length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"},
    {"gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"},
    {"chunked, identity",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n"},
    {"chunked, chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"},
    {"xchunked and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n"},
    {"empty coding and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\n"},
    {"identity and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n"},
    {"parameter of chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;foo=bar\r\n\r\n"},
    {"empty list element", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n"},
    {"gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"absolute-form of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"authority-form", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"8 bits in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"8 bits in a field that we act on", "GET / HTTP/1.1\r\nHost: a\r\nOrigin: \xff\r\n\r\n"},
};

TEST(http_head_beast, what_only_beast_takes) {
    for (const difference& one : differences) {
        SCOPED_TRACE(one.name);
        request_reader read;
        EXPECT_EQ(read(one.bytes).state, read_state::refused);
        // later versions of Beast refuse some of these too
        EXPECT_TRUE(BOOST_VERSION != 108100 || beast_reads(one.bytes));
    }
    // and in values of other fields neither minds them
    request_reader read;
    constexpr std::string_view opaque = "GET / HTTP/1.1\r\nHost: a\r\nX: \x80\t\xff\r\n\r\n";
    EXPECT_TRUE(beast_reads(opaque));
    EXPECT_EQ(read(opaque).state, read_state::complete);
}

TEST(http_head_beast, tiny_fields_are_limited) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i != 900; ++i) {
        bytes += "x:\r\n";
    }
    bytes += "\r\n";
    request_reader read;
    EXPECT_TRUE(beast_reads(bytes));
    EXPECT_EQ(read(bytes).why, reason::fields_limit);
}

} // namespace
} // namespace boshgate::routing
