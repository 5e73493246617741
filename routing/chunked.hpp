#pragma once
// Decoder of the chunked transfer coding (RFC 9112 7.1), for requests and for nodes' answers. Extensions and
// trailers are read, counted and dropped: they never travel, and nothing of a trailer becomes a field.

#include "routing/http_head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

class chunked_reader {
  public:
    // overhead: how many bytes of chunk heads, extensions and trailers one body may have in all.
    explicit chunked_reader(std::size_t overhead) noexcept : overhead_left_(overhead) {}

    struct step {
        read_state state = read_state::partial; // complete: the last byte of the coding was consumed
        std::size_t consumed = 0;               // bytes of the input that were used up
        std::string_view data;                  // decoded bytes, a view into the input; may be empty
        reason why = reason::none;              // bad_chunk or chunk_overhead when refused
    };

    // next takes one step: at most one piece of data for each call. Call it until it returns complete or
    // refused, or consumes nothing. Framing is CR LF only; sizes are 1 to 16 hex digits; the total may not
    // exceed 2^63.
    [[nodiscard]] step next(std::string_view input) noexcept;

  private:
    enum class at : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf, done };

    std::uint64_t left_ = 0;     // of the chunk
    std::size_t overhead_left_;
    std::uint8_t digits_ = 0;
    at at_ = at::size;
};

} // namespace boshgate::routing
