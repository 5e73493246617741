#include "routing/http_fields.hpp"

#include "routing/field_names.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

using bytes::cursor;
using bytes::outcome;

// A field line, taken apart.
struct line {
    std::string_view name;
    std::string_view value;
    std::uint8_t name_classes = 0; // of all bytes but letters and '-'
    bool obs_text = false;         // in the value
};

outcome read_name(cursor& in, line& out) noexcept {
    const char* const begin = in.at;
    std::uint8_t seen = 0;
    for (in.at = bytes::skip_letters(begin, in.end); in.at != in.end; ++in.at) {
        const std::uint8_t here = bytes::class_of(*in.at);
        if ((here & bytes::token) == 0) {
            break;
        }
        seen |= here;
    }
    if (in.empty()) {
        return bytes::out_of_bytes;
    }
    if (*in.at != ':' || in.at == begin) {
        const bool folded = in.at == begin && bytes::is_blank(*in.at);
        return bytes::bad_byte(in, folded ? reason::folded_field : reason::bad_field);
    }
    out.name = {begin, in.at};
    out.name_classes = seen;
    ++in.at; // the colon
    return bytes::done;
}

outcome read_value(cursor& in, line& out) noexcept {
    while (!in.empty() && bytes::is_blank(*in.at)) {
        ++in.at;
    }
    const char* const begin = in.at;
    std::uint8_t rare = 0;
    for (;;) {
        in.at = bytes::skip_printable(in.at, in.end);
        if (in.empty() || !bytes::is(*in.at, bytes::text)) {
            break;
        }
        rare |= bytes::class_of(*in.at);
        ++in.at; // HTAB or 0x80 ... 0xff
    }
    const char* end = in.at;
    if (const outcome ended = bytes::read_line_end(in, reason::bad_field); !ended.ok()) {
        return ended;
    }
    while (end != begin && bytes::is_blank(end[-1])) {
        --end;
    }
    out.value = {begin, end};
    out.obs_text = (rare & bytes::obs_text) != 0;
    return bytes::done;
}

// read_plain_line reads the line that nearly every field is: a name of letters and '-', a colon,
// one blank, printable ASCII, CR LF. It takes half the instructions. Any other line it leaves as it
// is, for read_name and read_value, which judge every byte.
bool read_plain_line(cursor& in, line& out) noexcept {
    const char* const colon = bytes::skip_letters(in.at, in.end);
    if (colon == in.at || in.end - colon < 3 || colon[0] != ':' || colon[1] != ' ' ||
        bytes::is_blank(colon[2])) {
        return false;
    }
    const char* const value = colon + 2;
    const char* const end = bytes::skip_printable(value, in.end);
    if (in.end - end < 2 || end[0] != '\r' || end[1] != '\n' || end[-1] == ' ') {
        return false;
    }
    out.name = {in.at, colon};
    out.value = {value, end};
    in.at = end + 2;
    return true;
}

// 1*DIGIT without leading zeros, below 2^63 (RFC 9112 6.3 leaves the bound to us).
reason read_length(std::string_view value, std::uint64_t& out) noexcept {
    constexpr std::size_t longest = 19; // of 2^63 - 1; no number of 19 digits overflows 64 bits
    if (value.empty() || value.size() > longest || (value[0] == '0' && value.size() > 1)) {
        return reason::bad_length;
    }
    std::uint64_t sum = 0;
    for (const char c : value) {
        if (!bytes::is_digit(c)) {
            return reason::bad_length;
        }
        sum = sum * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (sum >> 63 != 0) {
        return reason::bad_length;
    }
    out = sum;
    return reason::none;
}

reason read_connection(std::string_view list, message_head& out, field_facts& facts) noexcept {
    constexpr std::string_view alive = "keep-alive";
    if (equal_ignoring_case(list, alive)) { // nearly always
        facts.keep_alive = true;
        return reason::none;
    }
    while (!list.empty()) {
        const std::string_view option = next_element(list);
        if (bytes::skip(option.data(), option.data() + option.size(), bytes::token) !=
            option.data() + option.size()) {
            return reason::bad_field;
        }
        if (equal_ignoring_case(option, "close")) {
            facts.close = true;
        } else if (equal_ignoring_case(option, alive)) {
            facts.keep_alive = true;
        } else if (!option.empty()) {
            out.connection_lists_fields = true;
        }
    }
    return reason::none;
}

reason take_length(std::string_view value, message_head& out, field_facts& facts) noexcept {
    if (facts.coded) {
        return reason::length_and_coding;
    }
    if (facts.length) {
        return reason::length_repeated;
    }
    facts.length = true;
    return read_length(value, out.content_length);
}

reason take_coding(std::string_view value, const message_head& out, field_facts& facts) noexcept {
    if (facts.length) {
        return reason::length_and_coding;
    }
    if (facts.coded || out.minor_version == 0 || !equal_ignoring_case(value, "chunked")) {
        return reason::bad_coding;
    }
    facts.coded = true;
    return reason::none;
}

reason take_host(std::string_view value, const message_head& out) noexcept {
    if (out.has(field_id::host)) {
        return reason::host_repeated;
    }
    const bool lawful = value.empty() ? out.minor_version == 0 : valid_authority(value);
    return lawful ? reason::none : reason::bad_host;
}

reason take_expect(std::string_view value, const message_head& out, field_facts& facts) noexcept {
    if (out.minor_version == 0) {
        return reason::none; // RFC 9110 10.1.1: to be ignored
    }
    if (facts.expect || !equal_ignoring_case(value, "100-continue")) {
        return reason::bad_expectation;
    }
    facts.expect = true;
    return reason::none;
}

// take acts on a field that means something here. `out` holds the fields before this one.
reason take(field_id id, const line& read, message_head& out, field_facts& facts) noexcept {
    const std::string_view value = read.value;
    const bool request = facts.kind == head_kind::request;
    // Opaque bytes are for fields that nobody here looks into.
    if (read.obs_text && request) {
        return reason::bad_field;
    }
    switch (id) {
    case field_id::connection:
        return read_connection(value, out, facts);
    case field_id::content_length:
        return take_length(value, out, facts);
    case field_id::transfer_encoding:
        return take_coding(value, out, facts);
    case field_id::host:
        return request ? take_host(value, out) : reason::none;
    case field_id::expect:
        return request ? take_expect(value, out, facts) : reason::none;
    default:
        return reason::none;
    }
}

bool valid_port(std::string_view port) noexcept {
    if (port.size() > 5) {
        return false;
    }
    unsigned number = 0;
    for (const char c : port) {
        if (!bytes::is_digit(c)) {
            return false;
        }
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number <= 65535;
}

} // namespace

bytes::outcome read_fields(cursor& from, std::size_t limit, message_head& out,
                           field_facts& facts) noexcept {
    limit = std::min(limit, fields_ceiling);
    cursor in = from; // a copy that nobody else can see lives in registers
    for (;;) {
        if (!in.empty() && *in.at == '\r') {
            const outcome end = bytes::read_line_end(in, reason::bad_field);
            from = in;
            return end;
        }
        if (!in.empty() && out.field_count + out.dropped_fields == limit) {
            return bytes::refuse(reason::fields_limit);
        }
        line read;
        if (!read_plain_line(in, read)) {
            if (const outcome name = read_name(in, read); !name.ok()) {
                return name;
            }
            if (const outcome value = read_value(in, read); !value.ok()) {
                return value;
            }
        }
        if ((read.name_classes & bytes::underscore) != 0 && facts.kind == head_kind::request) {
            // Behind a CGI-like interface X_Forwarded_For and X-Forwarded-For are one variable.
            ++out.dropped_fields;
            continue;
        }
        const field_id id = identify_field(read.name);
        if (id != field_id::other) {
            if (const reason why = take(id, read, out, facts); why != reason::none) {
                return bytes::refuse(why);
            }
        }
        out.add({id, read.name, read.value});
    }
}

bool valid_authority(std::string_view authority) noexcept {
    const char* const end = authority.data() + authority.size();
    const char* host_end = authority.data();
    if (!authority.empty() && authority.front() == '[') {
        const char* const close = bytes::skip(authority.data() + 1, end, bytes::literal);
        const std::string_view inside{authority.data() + 1, close};
        if (close == end || *close != ']' || std::count(inside.begin(), inside.end(), ':') < 2) {
            return false;
        }
        host_end = close + 1;
    } else {
        host_end = bytes::skip(authority.data(), end, bytes::host);
        if (host_end == authority.data()) {
            return false;
        }
    }
    return host_end == end || (*host_end == ':' && valid_port({host_end + 1, end}));
}

bool named_by_connection(const message_head& head, std::string_view name) noexcept {
    if (!head.has(field_id::connection)) {
        return false;
    }
    for (const field& one : head.fields()) {
        std::string_view list = one.id == field_id::connection ? one.value : std::string_view{};
        while (!list.empty()) {
            if (equal_ignoring_case(next_element(list), name)) {
                return true;
            }
        }
    }
    return false;
}

} // namespace boshgate::routing
