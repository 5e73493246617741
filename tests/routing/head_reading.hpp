#pragma once
// How the tests read heads: at every length, from a buffer that ends where the bytes end, so that a
// sanitizer sees a read behind them.

#include "routing/http_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing::reading {

// Reads requests or answers, the same way.
struct request_reader {
    std::string kept; // what expect_accepted read last: the head's views point into it
    std::unique_ptr<request_head> head = std::make_unique<request_head>();
    head_limits limits;
    read_result operator()(std::string_view bytes) {
        return read_request_head(bytes, limits, *head);
    }
};

struct answer_reader {
    std::string kept;
    std::unique_ptr<answer_head> head = std::make_unique<answer_head>();
    head_limits limits;
    bool to_head = false;
    read_result operator()(std::string_view bytes) {
        return read_answer_head(bytes, limits, to_head, *head);
    }
};

inline const char* name_of_state(read_state state) {
    return state == read_state::complete  ? "complete"
           : state == read_state::partial ? "partial"
                                          : "refused";
}

// The first `size` bytes, read from an allocation of their own.
template <class Reader>
read_result read_prefix(Reader& read, std::string_view bytes, std::size_t size) {
    const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    return read({exact.data(), exact.size()});
}

// Every strict prefix of `bytes` is partial; `bytes` are a head, to the byte, whatever follows.
// Leaves the head in `read`.
template <class Reader>
void expect_accepted(Reader& read, std::string_view bytes) {
    for (std::size_t size = 0; size != bytes.size(); ++size) {
        const read_result result = read_prefix(read, bytes, size);
        ASSERT_EQ(result.state, read_state::partial)
            << name_of_state(result.state) << " " << name_of(result.why) << " after " << size
            << " of " << bytes.size() << " bytes: " << bytes.substr(0, size);
        ASSERT_EQ(result.why, reason::none);
    }
    for (const std::string_view behind : {"\r\n", "GET / HTTP/1.1\r\n", " x", "\n"}) {
        const read_result result = read(std::string(bytes).append(behind));
        ASSERT_EQ(result.state, read_state::complete) << name_of(result.why);
        ASSERT_EQ(result.consumed, bytes.size());
    }
    read.kept = bytes;
    const read_result result = read(read.kept);
    ASSERT_EQ(result.state, read_state::complete) << name_of(result.why);
    ASSERT_EQ(result.consumed, bytes.size());
    ASSERT_EQ(result.why, reason::none);
}

// `bytes` are refused for `why`. Byte by byte, they are partial and then refused for good, never
// complete. Returns how many bytes it took.
template <class Reader>
std::size_t expect_refused(Reader& read, std::string_view bytes, reason why) {
    const read_result whole = read(bytes);
    EXPECT_EQ(whole.state, read_state::refused) << name_of_state(whole.state);
    EXPECT_EQ(name_of(whole.why), name_of(why));
    EXPECT_EQ(whole.consumed, 0U);
    std::size_t needed = bytes.size() + 1;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const read_result result = read_prefix(read, bytes, size);
        EXPECT_NE(result.state, read_state::complete) << "after " << size << " bytes";
        if (result.state == read_state::refused) {
            EXPECT_NE(result.why, reason::none);
            needed = std::min(needed, size);
        } else {
            EXPECT_GT(needed, size) << "refused after " << needed << " bytes, then not any more";
        }
    }
    return needed;
}

} // namespace boshgate::routing::reading
