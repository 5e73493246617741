#include "routing/xml_scan.hpp"

#include "routing/xml_names.hpp"
#include "routing/xml_plain.hpp"

#include <algorithm>
#include <cstring>

namespace boshgate::routing::xml {
namespace {

// A name without colon.
body_error read_name_part(cursor& c) noexcept {
    const char* const first = c.at;
    for (;;) {
        while (!c.done() && is(*c.at, name_part))
            ++c.at;
        if (first != c.at && is_ascii(*first) && !is(*first, name_start))
            return body_error::bad_name;
        if (c.done() || is_ascii(*c.at))
            return c.at != first ? body_error::none
                                 : (c.done() ? body_error::truncated : body_error::bad_name);
        const character next = decode_utf8(c.at, c.end);
        if (next.length == 0)
            return next.cut ? body_error::truncated : body_error::bad_utf8;
        if (!(c.at == first ? is_name_start(next.code) : is_name_character(next.code)))
            return is_char(next.code) ? body_error::bad_name : body_error::bad_character;
        c.at += next.length;
    }
}

// The rest of a value behind its opening quote, without the closing one.
body_error read_value(cursor& c, char quote, bool& coded) noexcept {
    for (;;) {
        c.at = plain_value_end(c.at, c.end);
        if (c.done())
            return body_error::truncated;
        if (*c.at == quote)
            return body_error::none;
        body_error why = body_error::none;
        switch (*c.at) {
        case '"':
        case '\'':
            ++c.at;
            break;
        case '\t':
        case '\n':
        case '\r':
            coded = true;
            ++c.at;
            break;
        case '&': {
            coded = true;
            std::uint32_t code = 0;
            why = read_reference(c, code);
            break;
        }
        case '<':
            return body_error::bad_value;
        default:
            why = skip_characters(c);
        }
        if (why != body_error::none)
            return why;
    }
}

struct entity {
    std::string_view text; // behind the ampersand
    char meaning;
};
constexpr entity predefined[] = {
    {"lt;", '<'}, {"gt;", '>'}, {"amp;", '&'}, {"apos;", '\''}, {"quot;", '"'}};

// The cursor stands behind `&#`.
body_error read_number(cursor& c, std::uint32_t& code) noexcept {
    std::uint32_t base = 10;
    if (!c.done() && *c.at == 'x') {
        base = 16;
        ++c.at;
    }
    std::uint32_t value = 0;
    bool digits = false;
    for (; !c.done() && *c.at != ';'; ++c.at, digits = true) {
        std::uint32_t digit = 16;
        if (*c.at >= '0' && *c.at <= '9')
            digit = static_cast<std::uint32_t>(*c.at - '0');
        else if (*c.at >= 'a' && *c.at <= 'f')
            digit = static_cast<std::uint32_t>(*c.at - 'a') + 10;
        else if (*c.at >= 'A' && *c.at <= 'F')
            digit = static_cast<std::uint32_t>(*c.at - 'A') + 10;
        if (digit >= base)
            return body_error::bad_reference;
        // Above the last code point it stays above: no overflow however many digits come.
        value = std::min(value * base + digit, 0x110000U);
    }
    if (c.done())
        return body_error::truncated;
    if (!digits || !is_char(value))
        return body_error::bad_reference;
    ++c.at;
    code = value;
    return body_error::none;
}

} // namespace

bool cursor::follows(std::string_view text, bool& cut) const noexcept {
    const std::size_t length = std::min(left(), text.size());
    const bool equal = length == 0 || std::memcmp(at, text.data(), length) == 0;
    cut = equal && length < text.size();
    return equal && !cut;
}

body_error skip_characters(cursor& c) noexcept {
    const auto continues = [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80;
    };
    while (!c.done()) {
        const auto lead = static_cast<unsigned char>(*c.at);
        // Two bytes are always a Char; of three bytes the forms with rules of their own begin with
        // E0, ED and EF. What these two lines do not take is for the full decoder.
        if (lead >= 0xc2 && lead <= 0xdf && c.left() >= 2 && continues(c.at[1])) {
            c.at += 2;
        } else if (lead > 0xe0 && lead < 0xef && lead != 0xed && c.left() >= 3 &&
                   continues(c.at[1]) && continues(c.at[2])) {
            c.at += 3;
        } else if (lead < 0x80) {
            return lead >= 0x20 || is_char(lead) ? body_error::none : body_error::bad_character;
        } else {
            const character next = decode_utf8(c.at, c.end);
            if (next.length == 0)
                return next.cut ? body_error::truncated : body_error::bad_utf8;
            if (!is_char(next.code))
                return body_error::bad_character;
            c.at += next.length;
        }
    }
    return body_error::none;
}

body_error read_name(cursor& c, qualified_name& out) noexcept {
    if (read_plain_name(c, out))
        return body_error::none;
    const char* const first = c.at;
    std::size_t prefix = 0;
    body_error why = read_name_part(c);
    if (why == body_error::none && !c.done() && *c.at == ':') {
        prefix = static_cast<std::size_t>(c.at - first);
        ++c.at;
        why = read_name_part(c);
    }
    if (static_cast<std::size_t>(c.at - first) > name_ceiling)
        return body_error::name_limit;
    if (why != body_error::none)
        return why;
    if (c.done())
        return body_error::truncated;
    if (*c.at == ':')
        return body_error::bad_name;
    out.begin = static_cast<std::uint32_t>(first - c.begin);
    out.length = static_cast<std::uint16_t>(c.at - first);
    out.prefix_length = static_cast<std::uint16_t>(prefix);
    return body_error::none;
}

body_error read_reference(cursor& c, std::uint32_t& code) noexcept {
    ++c.at;
    if (c.done())
        return body_error::truncated;
    if (*c.at == '#') {
        ++c.at;
        return read_number(c, code);
    }
    bool cut = false;
    for (const entity& known : predefined) {
        bool cut_here = false;
        if (c.follows(known.text, cut_here)) {
            c.at += known.text.size();
            code = static_cast<unsigned char>(known.meaning);
            return body_error::none;
        }
        cut |= cut_here;
    }
    return cut ? body_error::truncated : body_error::bad_reference;
}

body_error read_attribute(cursor& c, std::size_t value_limit, attribute& out) noexcept {
    if (const body_error why = read_name(c, out.name); why != body_error::none)
        return why;
    skip_space(c);
    if (c.done())
        return body_error::truncated;
    if (*c.at != '=')
        return body_error::bad_tag;
    ++c.at;
    skip_space(c);
    if (c.done())
        return body_error::truncated;
    const char quote = *c.at;
    if (quote != '"' && quote != '\'')
        return body_error::bad_value;
    ++c.at;
    out.value_begin = c.offset();
    out.coded = false;
    const body_error why = read_value(c, quote, out.coded);
    out.value_end = c.offset();
    if (out.value_end - out.value_begin > value_limit)
        return body_error::value_limit;
    if (why == body_error::none)
        ++c.at;
    return why;
}

std::uint32_t value_reader::next() noexcept {
    std::uint32_t code = 0;
    switch (*cursor_.at) {
    case '&':
        // The value has passed read_attribute; should it not have, '&' stands for itself.
        if (read_reference(cursor_, code) != body_error::none) {
            cursor_.at = cursor_.end;
            return '&';
        }
        return code;
    case '\r':
        if (cursor_.left() > 1 && cursor_.at[1] == '\n')
            ++cursor_.at;
        [[fallthrough]];
    case '\n':
    case '\t':
        ++cursor_.at;
        return ' ';
    default: {
        const character next = decode_utf8(cursor_.at, cursor_.end);
        cursor_.at += std::max(next.length, 1U);
        return next.code;
    }
    }
}

bool value_is(std::string_view written, bool coded, std::string_view text) noexcept {
    return same_value(written, coded, text, false);
}

bool same_value(std::string_view a, bool a_coded, std::string_view b, bool b_coded) noexcept {
    if (!a_coded && !b_coded)
        return a == b;
    if (!a_coded)
        return same_value(b, true, a, false);
    value_reader left(a);
    if (b_coded) {
        value_reader right(b);
        while (!left.done() && !right.done()) {
            if (left.next() != right.next())
                return false;
        }
        return left.done() && right.done();
    }
    cursor right(b);
    while (!left.done() && !right.done()) {
        const character next = decode_utf8(right.at, right.end);
        if (next.length == 0 || left.next() != next.code)
            return false;
        right.at += next.length;
    }
    return left.done() && right.done();
}

std::size_t decode_value(std::string_view written, char* room, std::size_t room_size) noexcept {
    std::size_t length = 0;
    for (value_reader reader(written); !reader.done();) {
        char bytes[4];
        const std::size_t more = encode_utf8(reader.next(), bytes);
        if (more > room_size - length)
            return does_not_fit;
        std::memcpy(room + length, bytes, more);
        length += more;
    }
    return length;
}

} // namespace boshgate::routing::xml
