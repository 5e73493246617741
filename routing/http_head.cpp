#include "routing/http_head.hpp"

#include "routing/http_bytes.hpp"
#include "routing/http_fields.hpp"
#include "routing/http_request_line.hpp"

namespace boshgate::routing {
namespace {

using bytes::cursor;
using bytes::outcome;

cursor start(std::string_view input, const head_limits& limits) noexcept {
    const std::string_view window = input.substr(0, limits.bytes);
    return {window.data(), window.data() + window.size()};
}

// What a caller gets when the readers stopped early. `input` that fills the limit can only become
// too long.
read_result stopped(const outcome& how, std::string_view input,
                    const head_limits& limits) noexcept {
    if (how.what == outcome::kind::refused) {
        return {read_state::refused, 0, how.why};
    }
    if (input.size() >= limits.bytes) {
        return {read_state::refused, 0, reason::head_limit};
    }
    return {};
}

outcome skip_empty_lines(cursor& in) noexcept {
    for (int left = 4; left > 0 && !in.empty() && *in.at == '\r'; --left) {
        if (const outcome end = bytes::read_line_end(in, reason::bad_request_line); !end.ok()) {
            return end;
        }
    }
    return bytes::done;
}

bool stays_open(const message_head& head, const field_facts& facts) noexcept {
    return !facts.close && (head.minor_version == 1 || facts.keep_alive);
}

// Host and the authority of the target, together (RFC 9112 3.2 and 3.2.2).
reason settle_host(request_head& out, std::string_view authority) noexcept {
    const field* const host = out.find(field_id::host);
    if (host == nullptr) {
        out.host = authority;
        return out.minor_version == 1 ? reason::host_missing : reason::none;
    }
    out.host = host->value;
    if (!authority.empty() && !equal_ignoring_case(authority, out.host)) {
        return reason::bad_host;
    }
    return reason::none;
}

outcome read_request(cursor& in, const head_limits& limits, request_head& out) noexcept {
    out.clear();
    if (const outcome empty_lines = skip_empty_lines(in); !empty_lines.ok()) {
        return empty_lines;
    }
    std::string_view authority;
    if (const outcome line = read_request_line(in, limits.target, out, authority); !line.ok()) {
        return line;
    }
    field_facts facts{.kind = head_kind::request};
    if (const outcome fields = read_fields(in, limits.fields, out, facts); !fields.ok()) {
        return fields;
    }
    if (const reason why = settle_host(out, authority); why != reason::none) {
        return bytes::refuse(why);
    }
    out.body = facts.coded ? framing::chunked : facts.length ? framing::length : framing::none;
    out.keep_alive = stays_open(out, facts);
    out.expect_continue = facts.expect && (facts.coded || out.content_length != 0);
    return bytes::done;
}

// 3DIGIT, then the end of the line or SP and a reason phrase (RFC 9112 4).
outcome read_status(cursor& in, answer_head& out) noexcept {
    out.status = 0;
    for (int digits = 0; digits != 3; ++digits, ++in.at) {
        if (in.empty()) {
            return bytes::out_of_bytes;
        }
        if (!bytes::is_digit(*in.at)) {
            return bytes::refuse(reason::node_bad_answer);
        }
        out.status = out.status * 10 + (*in.at - '0');
        if (out.status == 0 || (digits == 0 && out.status > 5)) {
            return bytes::refuse(reason::node_bad_answer);
        }
    }
    if (!in.empty() && *in.at == ' ') {
        in.at = bytes::skip(in.at, in.end, bytes::text);
    }
    return bytes::read_line_end(in, reason::node_bad_answer);
}

outcome read_answer(cursor& in, const head_limits& limits, bool to_head,
                    answer_head& out) noexcept {
    out.clear();
    if (const outcome version = read_version(in, out.minor_version, reason::node_bad_answer);
        !version.ok()) {
        return version;
    }
    if (in.empty()) {
        return bytes::out_of_bytes;
    }
    if (*in.at != ' ') {
        return bytes::refuse(reason::node_bad_answer);
    }
    ++in.at;
    if (const outcome status = read_status(in, out); !status.ok()) {
        return status;
    }
    field_facts facts{.kind = head_kind::answer};
    if (const outcome fields = read_fields(in, limits.fields, out, facts); !fields.ok()) {
        return fields;
    }
    const bool never_a_body = out.status < 200 || out.status == 204;
    if (never_a_body && (facts.coded || out.content_length != 0)) {
        return bytes::refuse(reason::node_bad_answer);
    }
    if (never_a_body || to_head || out.status == 304) {
        out.body = framing::none;
    } else if (facts.coded) {
        out.body = framing::chunked;
    } else {
        out.body = facts.length ? framing::length : framing::until_close;
    }
    out.keep_alive = stays_open(out, facts) && out.body != framing::until_close;
    return bytes::done;
}

} // namespace

const field* message_head::find(field_id id) const noexcept {
    if (has(id)) {
        for (const field& one : fields()) {
            if (one.id == id) {
                return &one;
            }
        }
    }
    return nullptr;
}

std::size_t message_head::count(field_id id) const noexcept {
    std::size_t found = 0;
    if (has(id)) {
        for (const field& one : fields()) {
            found += one.id == id ? 1 : 0;
        }
    }
    return found;
}

read_result read_request_head(std::string_view input, const head_limits& limits,
                              request_head& out) noexcept {
    cursor in = start(input, limits);
    const outcome how = read_request(in, limits, out);
    if (!how.ok()) {
        return stopped(how, input, limits);
    }
    return {read_state::complete, static_cast<std::size_t>(in.at - input.data()), reason::none};
}

read_result read_answer_head(std::string_view input, const head_limits& limits, bool to_head,
                             answer_head& out) noexcept {
    cursor in = start(input, limits);
    const outcome how = read_answer(in, limits, to_head, out);
    if (how.ok()) {
        return {read_state::complete, static_cast<std::size_t>(in.at - input.data()), reason::none};
    }
    read_result result = stopped(how, input, limits);
    if (result.state == read_state::refused) {
        const bool too_large =
            result.why == reason::head_limit || result.why == reason::fields_limit;
        result.why = too_large ? reason::node_head_limit : reason::node_bad_answer;
    }
    return result;
}

} // namespace boshgate::routing
