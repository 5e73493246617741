// Whatever the path: a name that is accepted stays below the root and hides nothing. Dates and
// media types come along.

#include "routing/static_rules.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>
#include <string_view>

namespace {

using namespace boshgate::routing;
using boshgate::fuzz::require;

void check_name(std::string_view name) {
    require(name.size() <= relative_file_bytes_max, "the limit");
    require(!name.starts_with('/') && name.find("//") == std::string_view::npos,
            "no empty segment");
    require(name.find('\\') == std::string_view::npos, "no backslash");
    for (const char c : name)
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control bytes");
    for (auto rest = name; !rest.empty();) {
        const auto segment = rest.substr(0, rest.find('/'));
        require(!segment.empty() && segment != "." && segment != "..", "no dot segment");
        require(segment.front() != '.' ||
                    (segment == ".well-known" && segment.data() == name.data()),
                "nothing hidden");
        rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    }
}

// The name as a path again, with every byte escaped but the slashes.
std::string escaped(std::string_view name) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "/";
    for (const char c : name) {
        if (c == '/') {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = boshgate::fuzz::text_of(data, size);
    if (const auto name = relative_file(text)) {
        check_name(*name);
        require(relative_file(escaped(*name)) == *name, "escapes change nothing");
    }
    require(!content_type(text).empty(), "every file has a type");
    if (const auto time = read_http_date(text)) {
        // A leap second at the end of the year 9999 cannot be printed.
        require(read_http_date(http_date(*time)) == *time || *time == 253402300800,
                "what is printed reads back");
    }

    // Conditions and ranges, as a client may send them.
    const auto half = size / 2;
    request_head head;
    head.verb = method::get;
    for (const auto id :
         {field_id::range, field_id::if_match, field_id::if_none_match, field_id::if_range,
          field_id::if_modified_since, field_id::accept_encoding})
        head.add({id, "x", text.substr(0, half)});
    const file_facts file{size, 784111777, "\"abc\""};
    const auto decision = decide_file(head, file);
    head.clear();
    head.add({field_id::range, "range", text.substr(half)});
    const auto ranged = decide_file(head, file);
    for (const auto& each : {decision, ranged})
        if (each.answer == file_answer::part)
            require(each.range.count > 0 && each.range.first < size &&
                        each.range.count <= size - each.range.first,
                    "a range inside of the file");
    (void)accepts_coding(head, "br");
    return 0;
}
