#pragma once
// What may stand in paths, header fields, origins and pins. Each check returns the fault, or
// nullopt.

#include "conf/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace boshgate::conf {

// to_lower folds ASCII letters only.
[[nodiscard]] std::string to_lower(std::string_view text);

// utf8_length returns the length of the UTF-8 sequence at the start of `text`, 0 when there is none
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

// is_plain_text: UTF-8 without control characters, as every text of a configuration is.
[[nodiscard]] bool is_plain_text(std::string_view text) noexcept;

// check_node_name looks at a name or alias of a node: one path segment that needs no
// percent-encoding and means the same to every client: letters, digits and - . _ ~ : @ [ ], not "."
// or "..".
[[nodiscard]] std::optional<fault> check_node_name(std::string_view name);

// check_path looks at a prefix or route: "/" and segments as above, no "//", no slash at the end.
[[nodiscard]] std::optional<fault> check_path(std::string_view path);

// is_token: a header field name (RFC 9110 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// check_request_field and check_answer_field look at the name of a field that is to be passed on to
// a node, or to a client. Refused: what is not a token, what belongs to one connection (RFC
// 9110 7.6.1), what frames the message, and what the proxy itself answers for (Host, X-Forwarded-*,
// Access-Control-*).
[[nodiscard]] std::optional<fault> check_request_field(std::string_view name);
[[nodiscard]] std::optional<fault> check_answer_field(std::string_view name);

// check_file_field looks at the name of a field that is added to answers with files: as above, and
// not one that is made for each file (Content-Type, ETag, Cache-Control ...).
[[nodiscard]] std::optional<fault> check_file_field(std::string_view name);

// check_field_value: visible ASCII, blanks inside, nothing else; at most 4096 bytes.
[[nodiscard]] std::optional<fault> check_field_value(std::string_view value);

// check_origin looks at an entry of cors.origins: a serialised origin exactly as browsers send it
// (RFC 6454 6.2), or https://*.example.com, or null, or *.
[[nodiscard]] std::optional<fault> check_origin(std::string_view origin);

// check_pin: sha256// and 32 bytes in base64.
[[nodiscard]] std::optional<fault> check_pin(std::string_view pin);

// check_relative_file: a path below the web root: no slash at the start, no empty or dot segments.
[[nodiscard]] std::optional<fault> check_relative_file(std::string_view path);

} // namespace boshgate::conf
