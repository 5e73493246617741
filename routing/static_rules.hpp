#pragma once
// Serving files, the pure half: which file a path means, conditional requests, ranges, content types, precompressed
// variants. `proxy/static_files` opens, stats and sends.

#include "routing/http_head.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

// relative_file turns a request path ("/a/b%20c.js") into a path relative to the web root ("a/b c.js"), decoded once.
// A path that ends in "/" yields a name that ends in "/" (a directory), "/" yields "". nullopt (refused): no leading
// slash, bad or truncated percent-escapes, NUL or control bytes, an encoded slash or backslash, a backslash, an empty
// or dot segment ("//", ".", ".."), a segment that starts with a dot (except ".well-known"), invalid UTF-8, longer
// than 1024 bytes.
[[nodiscard]] std::optional<std::string> relative_file(std::string_view path);

// content_type by the file's last suffix, with charset=utf-8 for text; "application/octet-stream" when unknown.
[[nodiscard]] std::string_view content_type(std::string_view file_name) noexcept;

// What conditional evaluation needs to know of a file.
struct file_facts {
    std::uint64_t size = 0;
    std::int64_t modified = 0; // seconds since the epoch
    std::string_view etag;     // strong, with quotes
};

// etag_of builds a strong entity tag from size, modification time in nanoseconds, and inode; `variant` ("", "br", "gz")
// tells representations of one file apart.
[[nodiscard]] std::string etag_of(std::uint64_t size, std::int64_t modified_ns, std::uint64_t inode, std::string_view variant);

struct byte_range {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    bool operator==(const byte_range&) const = default;
};

enum class file_answer : std::uint8_t { whole, part, not_modified, precondition_failed, bad_range };

struct file_decision {
    file_answer answer = file_answer::whole;
    byte_range range; // when answer == part
};

// decide_file evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, Range and If-Range in the order
// of RFC 9110 13.2.2 for GET and HEAD. More than one range, or a unit other than bytes: the whole file (RFC 9110 14.2
// allows it). A range that lies outside: bad_range (416).
[[nodiscard]] file_decision decide_file(const request_head& head, const file_facts& file) noexcept;

// accepts_coding tells whether Accept-Encoding takes `coding` ("br", "gzip"): q values, "*", several fields.
[[nodiscard]] bool accepts_coding(const request_head& head, std::string_view coding) noexcept;

// HTTP dates (RFC 9110 5.6.7): prints IMF-fixdate; reads all three forms.
[[nodiscard]] std::string http_date(std::int64_t seconds_since_epoch);
[[nodiscard]] std::optional<std::int64_t> read_http_date(std::string_view text) noexcept;

} // namespace boshgate::routing
