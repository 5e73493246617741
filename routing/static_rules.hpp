#pragma once
// Serving files, the pure half: which file a path means, conditional requests, ranges,
// precompressed variants. `proxy/static_files` opens, stats and sends. Media types and dates are in
// files of their own.

#include "routing/http_date.hpp" // IWYU pragma: export
#include "routing/http_head.hpp"
#include "routing/media_types.hpp" // IWYU pragma: export

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {

// Longest name that relative_file yields, in bytes.
inline constexpr std::size_t relative_file_bytes_max = 1024;

// relative_file turns a request path ("/a/b%20c.js") into a path relative to the web root ("a/b
// c.js"), decoded once. A path that ends in "/" yields a name that ends in "/" (a directory), "/"
// yields "". nullopt (refused): no leading slash, bad or truncated percent-escapes, NUL or control
// bytes, a backslash, an encoded slash or backslash, an empty or dot segment ("//", ".", ".."), a
// segment that starts with a dot (but for ".well-known" at the root, RFC 8615), invalid UTF-8, a
// result longer than relative_file_bytes_max.
[[nodiscard]] std::optional<std::string> relative_file(std::string_view path);

// What conditional evaluation needs to know of a file.
struct file_facts {
    std::uint64_t size = 0;
    std::int64_t modified = 0; // seconds since the epoch
    std::string_view etag;     // strong, with quotes
};

// etag_of builds a strong entity tag from size, modification time in nanoseconds, and inode, which
// it does not give away; `variant` ("", "br", "gz") tells representations of one file apart (RFC
// 9110 8.8.3.3).
[[nodiscard]] std::string etag_of(std::uint64_t size, std::int64_t modified_ns, std::uint64_t inode,
                                  std::string_view variant);

struct file_range {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    bool operator==(const file_range&) const = default;
};

enum class file_answer : std::uint8_t {
    whole,               // 200
    part,                // 206, with the range
    not_modified,        // 304
    precondition_failed, // 412
    bad_range,           // 416
};

struct file_decision {
    file_answer answer = file_answer::whole;
    file_range range; // when answer == part
    bool operator==(const file_decision&) const = default;
};

// decide_file evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, Range and
// If-Range in the order of RFC 9110 13.2.2, for GET and HEAD; Range and If-Range for GET only
// (14.2). More than one range, a unit other than bytes, or a malformed Range: the whole file (14.2
// allows it). A range that lies outside: bad_range (416). Dates that cannot be read, and date
// fields that stand twice, are as if they were not there.
[[nodiscard]] file_decision decide_file(const request_head& head, const file_facts& file) noexcept;

// accepts_coding tells whether Accept-Encoding takes `coding` ("br", "gzip"): q values, "*",
// several fields (RFC 9110 12.5.3). Named codings count before "*"; without the field, or with a
// malformed weight: no.
[[nodiscard]] bool accepts_coding(const request_head& head, std::string_view coding) noexcept;

} // namespace boshgate::routing
