#include "routing/static_rules.hpp"

#include "routing/ascii.hpp"
#include "routing/xml_characters.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace boshgate::routing {
namespace {

// The path without its first slash and with its escapes decoded. What an escape may not hide stays
// refused.
std::optional<std::string> decode(std::string_view path) {
    std::string out;
    for (std::size_t i = 1; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%') {
            const auto escaped = escaped_byte(path.substr(i));
            if (!escaped || *escaped == '/')
                return std::nullopt;
            c = *escaped;
            i += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || c == '\\' || out.size() == relative_file_bytes_max)
            return std::nullopt;
        out.push_back(c);
    }
    return out;
}

// Entity tags of one If-Match or If-None-Match value. `weak` compares without the W/ (RFC
// 9110 8.8.3.2). The rest of a value behind something that is no entity tag matches nothing.
bool lists_etag(std::string_view list, std::string_view etag, bool weak) noexcept {
    while (true) {
        while (!list.empty() &&
               (list.front() == ' ' || list.front() == '\t' || list.front() == ','))
            list.remove_prefix(1);
        const bool is_weak = list.starts_with("W/");
        if (is_weak)
            list.remove_prefix(2);
        if (!list.starts_with('"'))
            return false;
        const auto close = list.find('"', 1);
        if (close == std::string_view::npos)
            return false;
        if (list.substr(0, close + 1) == etag && (weak || !is_weak))
            return true;
        list.remove_prefix(close + 1);
    }
}

// Whether any field with this id is "*" or lists the tag.
bool matches_etag(const request_head& head, field_id id, std::string_view etag,
                  bool weak) noexcept {
    const auto fields = head.fields();
    return std::any_of(fields.begin(), fields.end(), [id, etag, weak](const field& each) {
        return each.id == id && (each.value == "*" || lists_etag(each.value, etag, weak));
    });
}

// The only field with this id; nullptr when there is none, or more than one.
const field* single(const request_head& head, field_id id) noexcept {
    return head.count(id) == 1 ? head.find(id) : nullptr;
}

std::optional<std::int64_t> date_in(const request_head& head, field_id id) noexcept {
    const auto* found = single(head, id);
    return found == nullptr ? std::nullopt : read_http_date(found->value);
}

// If-Range (RFC 9110 13.1.5): a strong tag that is the same, or the very date that we sent as
// Last-Modified.
bool range_still_holds(const request_head& head, const file_facts& file) noexcept {
    if (!head.has(field_id::if_range))
        return true;
    const auto* condition = single(head, field_id::if_range);
    if (condition == nullptr)
        return false;
    if (condition->value.starts_with('"'))
        return condition->value == file.etag;
    return read_http_date(condition->value) == file.modified;
}

// Digits; a number too large for 64 bits is the largest, which lies behind every file's end all the
// same.
std::optional<std::uint64_t> read_position(std::string_view digits) noexcept {
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit))
        return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max()
                                                   : value;
}

// A Range value (RFC 9110 14.1.2) for a file of `size` bytes.
file_decision decide_range(std::string_view value, std::uint64_t size) noexcept {
    constexpr file_decision whole{}, outside{file_answer::bad_range, {}};
    const auto equals = value.find('=');
    if (equals == std::string_view::npos || !equal_ignoring_case(value.substr(0, equals), "bytes"))
        return whole;
    const auto range = trim_blanks(value.substr(equals + 1));
    const auto dash = range.find('-');
    if (dash == std::string_view::npos)
        return whole;

    const auto last = read_position(range.substr(dash + 1));
    if (dash == 0) { // the last so many bytes
        if (!last)
            return whole;
        if (*last == 0)
            return outside;
        const auto count = std::min(*last, size);
        // An empty file has no bytes to name in Content-Range, but the request can be met.
        return count == 0 ? whole : file_decision{file_answer::part, {size - count, count}};
    }
    const auto first = read_position(range.substr(0, dash));
    const bool open = dash + 1 == range.size();
    if (!first || (!last && !open) || (last && *last < *first))
        return whole;
    if (*first >= size)
        return outside;
    const auto end = open ? size - 1 : std::min(*last, size - 1);
    return {file_answer::part, {*first, end - *first + 1}};
}

// Whether the parameters after a coding are absent, or a weight above zero (RFC 9110 12.4.2).
bool positive_weight(std::string_view parameters) noexcept {
    parameters = trim_blanks(parameters);
    if (parameters.empty())
        return true;
    if (parameters.front() != ';')
        return false;
    parameters = trim_blanks(parameters.substr(1));
    if (!(parameters.starts_with("q=") || parameters.starts_with("Q=")))
        return false;
    const auto weight = parameters.substr(2);
    if (weight.empty() || weight.size() > 5 || (weight[0] != '0' && weight[0] != '1'))
        return false;
    if (weight.size() > 1 && weight[1] != '.')
        return false;
    const auto fraction = weight.substr(std::min<std::size_t>(weight.size(), 2));
    if (!std::all_of(fraction.begin(), fraction.end(), is_digit))
        return false;
    const bool fraction_zero = fraction.find_first_not_of('0') == std::string_view::npos;
    return weight[0] == '1' ? fraction_zero : !fraction_zero;
}

} // namespace

std::optional<std::string> relative_file(std::string_view path) {
    if (!path.starts_with('/'))
        return std::nullopt;
    auto name = decode(path);
    if (!name || !xml::is_utf8(*name))
        return std::nullopt;
    for (std::size_t begin = 0; begin < name->size();) {
        const auto end = std::min(name->find('/', begin), name->size());
        const auto segment = std::string_view(*name).substr(begin, end - begin);
        const bool well_known = begin == 0 && segment == ".well-known";
        if (segment.empty() || (segment.front() == '.' && !well_known))
            return std::nullopt;
        begin = end + 1;
    }
    return name;
}

std::string etag_of(std::uint64_t size, std::int64_t modified_ns, std::uint64_t inode,
                    std::string_view variant) {
    // Mixed as SplitMix64 does, so that every bit of both numbers counts and neither can be read
    // off.
    const auto mix = [](std::uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    };
    const auto mixed =
        mix(mix(static_cast<std::uint64_t>(modified_ns) + 0x9e3779b97f4a7c15) ^ inode);
    std::string out = "\"";
    for (const auto number : {size, mixed}) {
        char digits[16];
        const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
        out.append(digits, end).push_back('-');
    }
    out.pop_back();
    if (!variant.empty())
        out.append("-").append(variant);
    return out.append("\"");
}

file_decision decide_file(const request_head& head, const file_facts& file) noexcept {
    if (head.has(field_id::if_match)) {
        if (!matches_etag(head, field_id::if_match, file.etag, false))
            return {file_answer::precondition_failed, {}};
    } else if (const auto since = date_in(head, field_id::if_unmodified_since)) {
        if (file.modified > *since)
            return {file_answer::precondition_failed, {}};
    }

    if (head.has(field_id::if_none_match)) {
        if (matches_etag(head, field_id::if_none_match, file.etag, true))
            return {file_answer::not_modified, {}};
    } else if (const auto since = date_in(head, field_id::if_modified_since)) {
        if (file.modified <= *since)
            return {file_answer::not_modified, {}};
    }

    const auto* range = single(head, field_id::range);
    if (head.verb != method::get || range == nullptr || !range_still_holds(head, file))
        return {};
    return decide_range(range->value, file.size);
}

bool accepts_coding(const request_head& head, std::string_view coding) noexcept {
    bool others = false; // what "*" says
    for (const auto& each : head.fields()) {
        if (each.id != field_id::accept_encoding)
            continue;
        for (auto list = each.value; !list.empty();) {
            const auto element = next_element(list);
            const auto semicolon = std::min(element.find(';'), element.size());
            const auto name = trim_blanks(element.substr(0, semicolon));
            const bool taken = positive_weight(element.substr(semicolon));
            if (equal_ignoring_case(name, coding))
                return taken;
            if (name == "*")
                others = taken;
        }
    }
    return others;
}

} // namespace boshgate::routing
