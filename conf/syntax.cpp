#include "conf/syntax.hpp"

#include "conf/address.hpp"
#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/url.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace boshgate::conf {

namespace {

constexpr std::string_view name_wanted = "letters, digits and - . _ ~ : @ [ ]";
constexpr std::string_view path_wanted = "a path such as /httpbinding";

bool is_alnum(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_segment_byte(char c) noexcept {
    return is_alnum(c) || std::string_view{"-._~:@[]"}.find(c) != std::string_view::npos;
}

// Fields of one connection, of framing, or that only the proxy can know: in either direction.
constexpr std::array<std::string_view, 13> never_passed{"connection",
                                                        "content-length",
                                                        "expect",
                                                        "http2-settings",
                                                        "keep-alive",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "proxy-connection",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "via"};
constexpr std::array<std::string_view, 5> never_to_nodes{"host", "forwarded", "origin", "x-real-ip",
                                                         "content-type"};

fault bad(std::string_view text, std::string_view why, std::string_view wanted,
          std::string hint = {}) {
    return {in_quotes(text) + ' ' + std::string{why}, std::string{wanted}, std::move(hint)};
}

bool is_one_of(std::string_view word, std::span<const std::string_view> words) noexcept {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// What an answer with a file has from the proxy anyway.
constexpr std::array<std::string_view, 8> made_for_files{
    "accept-ranges", "cache-control", "content-encoding", "content-range", "content-type",
    "date",          "etag",          "last-modified"};

std::optional<fault> check_field(std::string_view name) {
    if (name.size() > field_name_bytes_most) {
        return bad(name, "is longer than " + std::to_string(field_name_bytes_most) + " bytes", {});
    }
    if (!is_token(name)) {
        return bad(name, "is not a header field name", "a name such as accept-language");
    }
    const std::string folded = to_lower(name);
    if (is_one_of(folded, never_passed)) {
        return bad(name, "belongs to one connection and is never passed on", {});
    }
    if (folded.starts_with("access-control-")) {
        return bad(name, "is never passed on: CORS is answered by the proxy itself",
                   "settings under cors");
    }
    return std::nullopt;
}

constexpr std::string_view origin_wanted =
    "an origin such as https://chat.example.com or https://*.example.com";

std::optional<fault> check_origin_host(std::string_view origin, std::string_view scheme,
                                       std::string_view authority) {
    const bool pattern = authority.starts_with("*.");
    if (pattern && scheme != "https") {
        return bad(origin, "has a pattern without https, which anybody on the way could match",
                   origin_wanted);
    }
    const std::string_view rest = pattern ? authority.substr(2) : authority;
    if (rest.find('*') != std::string_view::npos) {
        return bad(origin, "has a * that is not a whole label at the start", origin_wanted);
    }
    if (auto why = check_host_field(rest)) {
        return bad(origin, "has no valid host", origin_wanted);
    }
    if (pattern && (rest.find('.') == std::string_view::npos || parse_address(rest))) {
        return bad(origin, "covers a whole top-level domain", origin_wanted);
    }
    const auto colon = rest.rfind(':');
    const std::string_view tail = colon == std::string_view::npos ? "" : rest.substr(colon);
    const bool is_default =
        (scheme == "https" && tail == ":443") || (scheme == "http" && tail == ":80");
    if (is_default && !rest.ends_with(']')) {
        return bad(origin, "writes the default port, which browsers leave out", origin_wanted,
                   std::string{origin.substr(0, origin.size() - tail.size())});
    }
    return std::nullopt;
}

} // namespace

namespace {

// A correction is only offered when it would be accepted.
std::string if_origin(std::string text) {
    return check_origin(text) ? std::string{} : text;
}

} // namespace

std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return tail(1) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        const bool overlong = first == 0xe0 && byte(1) < 0xa0;
        const bool surrogate = first == 0xed && byte(1) >= 0xa0;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool overlong = first == 0xf0 && byte(1) < 0x90;
        const bool beyond = first == 0xf4 && byte(1) >= 0x90;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

bool is_plain_text(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t length = utf8_length(text);
        if (length == 0 || first < 0x20 || first == 0x7f) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string to_lower(std::string_view text) {
    std::string folded{text};
    std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return folded;
}

std::optional<fault> check_node_name(std::string_view name) {
    if (name.empty()) {
        return fault{"the name is empty", "a path segment such as node-a1", {}};
    }
    if (name.size() > names_bytes_most) {
        return bad(name, "is longer than " + std::to_string(names_bytes_most) + " bytes",
                   "a shorter name");
    }
    if (name == "." || name == "..") {
        return bad(name, "cannot be a path segment", name_wanted);
    }
    if (name.front() == '/' && !check_node_name(name.substr(1))) {
        return bad(name, "has a slash", "the name alone", std::string{name.substr(1)});
    }
    const auto wrong = std::find_if_not(name.begin(), name.end(), is_segment_byte);
    if (wrong != name.end()) {
        return bad(name, "cannot be one path segment because of " + in_quotes({&*wrong, 1}),
                   name_wanted);
    }
    return std::nullopt;
}

std::optional<fault> check_path(std::string_view path) {
    if (!path.starts_with('/')) {
        const auto end = path.find_last_not_of('/');
        return bad(path, "does not start with a slash", path_wanted,
                   end == std::string_view::npos ? "" : '/' + std::string{path.substr(0, end + 1)});
    }
    if (path == "/") {
        return bad(path, "is the start page, not a path of its own", path_wanted);
    }
    if (path.size() > 2 * names_bytes_most) {
        return bad(path, "is longer than " + std::to_string(2 * names_bytes_most) + " bytes",
                   path_wanted);
    }
    if (path.ends_with('/')) {
        const auto end = path.find_last_not_of('/');
        return bad(path, "ends in a slash; the path without it answers to both", path_wanted,
                   end == std::string_view::npos ? "" : std::string{path.substr(0, end + 1)});
    }
    std::string_view rest = path;
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const auto end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        if (segment.empty()) {
            return bad(path, "has an empty segment", path_wanted);
        }
        if (check_node_name(segment)) {
            return bad(path, "has a segment that clients could spell in several ways",
                       "segments of " + std::string{name_wanted});
        }
        rest.remove_prefix(end);
    }
    return std::nullopt;
}

bool is_token(std::string_view text) noexcept {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && text.size() <= names_bytes_most &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_alnum(c) || others.find(c) != std::string_view::npos;
           });
}

std::optional<fault> check_request_field(std::string_view name) {
    if (auto why = check_field(name)) {
        return why;
    }
    const std::string folded = to_lower(name);
    if (folded == "content-type") {
        return bad(name, "is always text/xml towards nodes", {});
    }
    if (is_one_of(folded, never_to_nodes) || folded.starts_with("x-forwarded-")) {
        return bad(name, "is written by the proxy itself", {});
    }
    return std::nullopt;
}

std::optional<fault> check_answer_field(std::string_view name) {
    if (auto why = check_field(name)) {
        return why;
    }
    if (to_lower(name) == "vary") {
        return bad(name, "is always passed on", {});
    }
    return std::nullopt;
}

std::optional<fault> check_file_field(std::string_view name) {
    if (auto why = check_field(name)) {
        return why;
    }
    const std::string folded = to_lower(name);
    if (folded == "cache-control") {
        return bad(name, "is made from max_age", "max_age");
    }
    if (folded == "vary" || is_one_of(folded, made_for_files)) {
        return bad(name, "is made for each file", {});
    }
    return std::nullopt;
}

std::optional<fault> check_field_value(std::string_view value) {
    const auto visible = [](char c) { return c >= 0x20 && c <= 0x7e; };
    if (!std::all_of(value.begin(), value.end(), visible)) {
        return bad(value, "has bytes that no header field may carry", "printable ASCII");
    }
    if (value.size() > 4096) {
        return bad(value, "is longer than 4096 bytes", "a shorter value");
    }
    if (value.starts_with(' ') || value.ends_with(' ')) {
        return bad(value, "has a blank at its start or end", "the value alone");
    }
    return std::nullopt;
}

std::optional<fault> check_origin(std::string_view origin) {
    if (origin == "*" || origin == "null") {
        return std::nullopt;
    }
    if (origin.empty()) {
        return fault{"the origin is empty", std::string{origin_wanted}, {}};
    }
    if (origin == "NULL" || origin == "Null") {
        return bad(origin, "is not an origin", origin_wanted, "null");
    }
    const auto separator = origin.find("://");
    if (separator == std::string_view::npos) {
        return bad(origin, "has no scheme", origin_wanted,
                   if_origin("https://" + to_lower(origin.substr(0, origin.find('/')))));
    }
    const std::string_view scheme = origin.substr(0, separator);
    const std::string_view authority = origin.substr(separator + 3);
    const auto cut = authority.find_first_of("/?#");
    if (cut != std::string_view::npos) {
        const bool slash_only = authority.substr(cut) == "/";
        return bad(origin, slash_only ? "ends in a slash" : "has a path", origin_wanted,
                   if_origin(to_lower(origin.substr(0, separator + 3 + cut))));
    }
    if (const std::string folded = to_lower(origin); folded != origin) {
        return bad(origin,
                   "has capitals; browsers send lower case and origins compare byte by byte",
                   origin_wanted, if_origin(folded));
    }
    const auto scheme_byte = [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; };
    if (scheme.empty() || !std::all_of(scheme.begin(), scheme.end(), scheme_byte) ||
        (scheme.front() >= '0' && scheme.front() <= '9')) {
        return bad(origin, "has no valid scheme", origin_wanted);
    }
    if (authority.find('@') != std::string_view::npos) {
        return bad(origin, "has a user name", origin_wanted);
    }
    return check_origin_host(origin, scheme, authority);
}

std::optional<fault> check_pin(std::string_view pin) {
    constexpr std::string_view wanted = "sha256// and 44 characters of base64";
    constexpr std::string_view start = "sha256//";
    if (!pin.starts_with(start)) {
        std::string hint;
        for (const std::string_view other : {"sha256/", "sha256:", "SHA256:", "sha256="}) {
            if (pin.starts_with(other) &&
                !check_pin(std::string{start} += pin.substr(other.size()))) {
                hint = std::string{start} += pin.substr(other.size());
            }
        }
        if (hint.empty() && pin.size() == 44 && !check_pin(std::string{start} += pin)) {
            hint = std::string{start} += pin;
        }
        const bool fingerprint = pin.find(':') == 2;
        return bad(pin,
                   fingerprint ? "is the fingerprint of a certificate, not the pin of a key"
                               : "does not start with sha256//",
                   wanted, std::move(hint));
    }
    const std::string_view code = pin.substr(start.size());
    // 32 bytes are 42 characters, one that carries 4 bits, and one '='.
    constexpr std::string_view last_bytes = "AEIMQUYcgkosw048";
    const bool well_formed = code.size() == 44 && code.back() == '=' &&
                             last_bytes.find(code[42]) != std::string_view::npos &&
                             std::all_of(code.begin(), code.begin() + 43, [](char c) {
                                 return is_alnum(c) || c == '+' || c == '/';
                             });
    if (!well_formed) {
        return bad(pin, "is not a SHA-256 in base64", wanted);
    }
    // What openssl prints when the connection failed and there was no certificate to hash.
    if (code == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") {
        return bad(pin, "is the hash of nothing: no certificate came when it was made", wanted);
    }
    return std::nullopt;
}

std::optional<fault> check_relative_file(std::string_view path) {
    constexpr std::string_view wanted = "a file below the web root such as index.html";
    if (path.empty()) {
        return fault{"the file name is empty", std::string{wanted}, {}};
    }
    if (path.front() == '/') {
        return bad(path, "starts with a slash", wanted, std::string{path.substr(1)});
    }
    std::string_view rest = path;
    while (true) {
        const auto end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        if (segment.empty() || segment.front() == '.' ||
            segment.find('\\') != std::string_view::npos) {
            return bad(path, "has an empty or hidden segment", wanted);
        }
        if (end == rest.size()) {
            return std::nullopt;
        }
        rest.remove_prefix(end + 1);
    }
}

} // namespace boshgate::conf
