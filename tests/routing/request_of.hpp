#pragma once
// Request heads for tests, read by the reader that serves.

#include "routing/http_head.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace boshgate::routing {

// A request with these field lines ("Origin: null\r\n", each with its CR LF). Keeps the bytes that
// the head points into, and therefore stays where it is.
class request_of {
  public:
    explicit request_of(std::string_view field_lines, std::string_view start = "GET / HTTP/1.1")
        : text_(std::string(start) + "\r\nHost: chat.example.com\r\n" + std::string(field_lines) +
                "\r\n") {
        const auto result = read_request_head(text_, {}, head_);
        EXPECT_EQ(result.state, read_state::complete) << text_ << name_of(result.why);
    }
    request_of(const request_of&) = delete;
    request_of& operator=(const request_of&) = delete;

    [[nodiscard]] const request_head& head() const { return head_; }

  private:
    std::string text_;
    request_head head_;
};

} // namespace boshgate::routing
