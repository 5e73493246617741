#include "routing/http_request_line.hpp"

#include "routing/http_fields.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

using bytes::cursor;
using bytes::outcome;

constexpr std::ptrdiff_t longest_method = 32;

method method_of(std::string_view text) noexcept {
    switch (text.size()) {
    case 3:
        return text == "GET" ? method::get : method::other;
    case 4:
        return text == "POST" ? method::post : text == "HEAD" ? method::head : method::other;
    case 7:
        return text == "OPTIONS" ? method::options : method::other;
    default:
        return method::other;
    }
}

outcome read_method(cursor& in, request_head& out) noexcept {
    const char* const begin = in.at;
    const char* const last = begin + std::min(longest_method, in.end - begin);
    in.at = bytes::skip(begin, last, bytes::token);
    if (in.empty()) {
        return bytes::out_of_bytes;
    }
    if (*in.at != ' ' || in.at == begin) {
        return bytes::bad_byte(in, reason::bad_request_line);
    }
    out.verb_text = {begin, in.at};
    out.verb = method_of(out.verb_text);
    ++in.at;
    return bytes::done;
}

// Reads up to the blank behind the target and splits off the query. out.path is not judged yet.
outcome read_target(cursor& in, std::size_t limit, request_head& out) noexcept {
    const char* const begin = in.at;
    const char* const path_end = bytes::skip(begin, in.end, bytes::path);
    const bool has_query = path_end != in.end && *path_end == '?';
    in.at = has_query ? bytes::skip(path_end, in.end, bytes::query) : path_end;
    if (static_cast<std::size_t>(in.at - begin) > limit) {
        return bytes::refuse(reason::target_limit);
    }
    if (in.empty()) {
        return bytes::out_of_bytes;
    }
    if (*in.at == ' ' && in.at != begin) {
        out.target = {begin, in.at};
        out.path = {begin, path_end};
        out.query = has_query ? std::string_view{path_end + 1, in.at} : std::string_view{};
        ++in.at;
        return bytes::done;
    }
    // An empty target, or a line that ends without a version (HTTP/0.9), is not a fault of the
    // target.
    const bool targets_fault = *in.at != '\r' && (in.at != begin || !bytes::is_blank(*in.at));
    return bytes::bad_byte(in, targets_fault ? reason::bad_target : reason::bad_request_line);
}

// The length of "http://" or "https://" at the start, or 0.
std::size_t scheme_length(std::string_view target) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            return scheme.size();
        }
    }
    return 0;
}

// judge_target decides which of the four forms of RFC 9112 3.2 this is.
outcome judge_target(request_head& out, std::string_view& authority) noexcept {
    if (out.path.starts_with('/')) {
        return bytes::done;
    }
    const bool options = out.verb == method::options;
    if (out.target == "*") {
        return options ? bytes::done : bytes::refuse(reason::bad_target);
    }
    const std::size_t scheme = scheme_length(out.path);
    const std::string_view rest = out.path.substr(scheme);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (scheme == 0 || !valid_authority(rest.substr(0, slash))) {
        return bytes::refuse(reason::bad_target);
    }
    authority = rest.substr(0, slash);
    out.path = rest.substr(slash);
    if (out.path.empty()) {
        // RFC 9112 3.2.4: OPTIONS with neither path nor query is about the server as a whole.
        const bool whole = options && out.target.find('?') == std::string_view::npos;
        out.path = whole ? "*" : "/";
    }
    return bytes::done;
}

} // namespace

bytes::outcome read_version(cursor& in, int& minor, reason otherwise) noexcept {
    constexpr std::string_view wanted = "HTTP/1.";
    for (std::size_t i = 0; i != wanted.size(); ++i, ++in.at) {
        if (in.empty()) {
            return bytes::out_of_bytes;
        }
        if (*in.at != wanted[i]) {
            // "HTTP/" has five letters; what differs behind them is a version that we do not speak
            return bytes::bad_byte(in, i < 5 ? otherwise : reason::bad_version);
        }
    }
    if (in.empty()) {
        return bytes::out_of_bytes;
    }
    if (*in.at != '0' && *in.at != '1') {
        return bytes::bad_byte(in, reason::bad_version);
    }
    minor = *in.at++ - '0';
    if (!in.empty() && bytes::is_digit(*in.at)) {
        return bytes::refuse(reason::bad_version);
    }
    return bytes::done;
}

bytes::outcome read_request_line(cursor& in, std::size_t target_limit, request_head& out,
                                 std::string_view& authority) noexcept {
    if (const outcome verb = read_method(in, out); !verb.ok()) {
        return verb;
    }
    if (const outcome target = read_target(in, target_limit, out); !target.ok()) {
        return target;
    }
    if (const outcome version = read_version(in, out.minor_version, reason::bad_request_line);
        !version.ok()) {
        return version;
    }
    if (const outcome end = bytes::read_line_end(in, reason::bad_request_line); !end.ok()) {
        return end;
    }
    return judge_target(out, authority);
}

} // namespace boshgate::routing
