#include "routing/chunked.hpp"

#include "routing/http_bytes.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

constexpr std::uint64_t total_ceiling = std::uint64_t{1} << 63;
constexpr std::uint8_t longest_size = 16;

// The value of a hex digit, or 16.
constexpr unsigned hex(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    const unsigned letter = static_cast<unsigned char>(c) | 0x20U;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

} // namespace

chunked_reader::at chunked_reader::after_size(char c) noexcept {
    if (const unsigned digit = hex(c); digit < 16) {
        left_ = left_ << 4 | digit;
        return ++digits_ > longest_size ? at::bad : at::size_more;
    }
    if (at_ == at::size || left_ > total_ceiling - total_) {
        return at::bad;
    }
    return c == '\r' ? at::size_lf : c == ';' ? at::name : at::bad;
}

// chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112 7.1.1, without the optional
// blanks.
chunked_reader::at chunked_reader::after_extension(char c) const noexcept {
    const bool token = bytes::is(c, bytes::token);
    const bool may_end = at_ != at::name && at_ != at::value && at_ != at::quoted;
    switch (at_) {
    case at::name:
    case at::name_more:
        if (token) {
            return at::name_more;
        }
        if (c == '=' && may_end) {
            return at::value;
        }
        break;
    case at::value:
        if (c == '"') {
            return at::quoted;
        }
        [[fallthrough]];
    case at::value_more:
        if (token) {
            return at::value_more;
        }
        break;
    case at::quoted:
        if (c == '"') {
            return at::after_quoted;
        }
        if (c == '\\') {
            return at::quoted_pair;
        }
        return bytes::is(c, bytes::text) ? at::quoted : at::bad;
    case at::quoted_pair:
        return bytes::is(c, bytes::text) ? at::quoted : at::bad;
    default:
        break;
    }
    if (may_end && c == '\r') {
        return at::size_lf;
    }
    return may_end && c == ';' ? at::name : at::bad;
}

// trailer-section = *( field-line CRLF ), RFC 9112 7.1.2
chunked_reader::at chunked_reader::after_trailer(char c) const noexcept {
    switch (at_) {
    case at::trailer_start:
        if (c == '\r') {
            return at::end_lf;
        }
        return bytes::is(c, bytes::token) ? at::trailer_name : at::bad;
    case at::trailer_name:
        if (c == ':') {
            return at::trailer_value;
        }
        return bytes::is(c, bytes::token) ? at::trailer_name : at::bad;
    case at::trailer_value:
        if (c == '\r') {
            return at::trailer_lf;
        }
        return bytes::is(c, bytes::text) ? at::trailer_value : at::bad;
    default:
        return at::bad;
    }
}

// after tells where the reader stands behind this byte, which is not data.
chunked_reader::at chunked_reader::after(char c) noexcept {
    switch (at_) {
    case at::size:
    case at::size_more:
        return after_size(c);
    case at::name:
    case at::name_more:
    case at::value:
    case at::value_more:
    case at::quoted:
    case at::quoted_pair:
    case at::after_quoted:
        return after_extension(c);
    case at::size_lf:
        if (c != '\n') {
            return at::bad;
        }
        total_ += left_;
        return left_ == 0 ? at::trailer_start : at::data;
    case at::data_cr:
        return c == '\r' ? at::data_lf : at::bad;
    case at::data_lf:
        digits_ = 0;
        return c == '\n' ? at::size : at::bad;
    case at::trailer_start:
    case at::trailer_name:
    case at::trailer_value:
        return after_trailer(c);
    case at::trailer_lf:
        return c == '\n' ? at::trailer_start : at::bad;
    case at::end_lf:
        return c == '\n' ? at::done : at::bad;
    case at::data:
    case at::done:
    case at::bad:
        break;
    }
    return at::bad;
}

chunked_reader::step chunked_reader::refuse(reason why) noexcept {
    at_ = at::bad;
    why_ = why;
    return {read_state::refused, 0, {}, why};
}

chunked_reader::step chunked_reader::next(std::string_view input) noexcept {
    if (at_ == at::bad) {
        return refuse(why_);
    }
    std::size_t used = 0;
    while (at_ != at::data && at_ != at::done && used != input.size()) {
        if (overhead_left_ == 0) {
            return refuse(reason::chunk_overhead);
        }
        --overhead_left_;
        at_ = after(input[used++]);
        if (at_ == at::bad) {
            return refuse(reason::bad_chunk);
        }
    }
    std::string_view data;
    if (at_ == at::data) {
        data = input.substr(
            used, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used)));
        used += data.size();
        left_ -= data.size();
        overhead_left_ += std::min(data.size(), overhead_limit_ - overhead_left_);
        if (left_ == 0) {
            at_ = at::data_cr;
        }
    }
    return {at_ == at::done ? read_state::complete : read_state::partial, used, data, reason::none};
}

} // namespace boshgate::routing
