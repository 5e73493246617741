#pragma once
// Decoder of the chunked transfer coding (RFC 9112 7.1), for requests and for nodes' answers.
// Extensions and trailers are read, counted and dropped: they never travel, and nothing of a
// trailer becomes a field.
//
// Strict like the head reader: CR LF only, no blanks round sizes and semicolons, extensions to the
// letter of the grammar, trailers with the syntax of header fields and none folded. 0x80-0xff are
// taken in quoted extension values and in trailer values.

#include "routing/http_head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

class chunked_reader {
  public:
    // overhead: by how many bytes everything that is not data (sizes, extensions, line ends,
    // trailers) may at any time exceed the data read before it. So no extension or trailer section
    // is longer than this, a body on the wire is never more than twice its data plus this, and a
    // long answer in many small chunks is not refused for its length.
    explicit chunked_reader(std::size_t overhead) noexcept
        : overhead_limit_(overhead), overhead_left_(overhead) {}

    struct step {
        read_state state =
            read_state::partial;   // complete: the last byte of the coding was consumed
        std::size_t consumed = 0;  // bytes of the input that were used up
        std::string_view data;     // decoded bytes, a view into the input; may be empty
        reason why = reason::none; // bad_chunk or chunk_overhead when refused
    };

    // next takes one step: at most one piece of data for each call. Call it until it returns
    // complete or refused, or consumes nothing. Framing is CR LF only; sizes are 1 to 16 hex
    // digits; the total may not exceed 2^63. After complete it consumes nothing more, after refused
    // it stays refused.
    [[nodiscard]] step next(std::string_view input) noexcept;

  private:
    // What the next byte belongs to.
    enum class at : std::uint8_t {
        size,      // the first digit
        size_more, // further digits, or the end of the size
        name,      // an extension's name, first byte
        name_more,
        value, // an extension's value, first byte
        value_more,
        quoted,       // inside a quoted value
        quoted_pair,  // behind a backslash
        after_quoted, // ';' or the end of the line
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start, // a trailer's name, first byte, or the last line's CR
        trailer_name,
        trailer_value,
        trailer_lf,
        end_lf,
        done,
        bad,
    };

    [[nodiscard]] at after_size(char c) noexcept;
    [[nodiscard]] at after_extension(char c) const noexcept;
    [[nodiscard]] at after_trailer(char c) const noexcept;
    [[nodiscard]] at after(char c) noexcept;
    [[nodiscard]] step refuse(reason why) noexcept;

    std::uint64_t left_ = 0;  // bytes of the chunk that are still to come
    std::uint64_t total_ = 0; // announced so far
    std::size_t overhead_limit_;
    std::size_t overhead_left_;
    reason why_ = reason::none; // when at::bad
    std::uint8_t digits_ = 0;
    at at_ = at::size;
};

} // namespace boshgate::routing
