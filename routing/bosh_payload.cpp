// The document behind the start tag of a <body/>: one pass, an explicit stack of open elements.

#include "routing/bosh_body.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

using xml::cursor;

class payload_reader {
  public:
    payload_reader(const body_tag& tag, const body_limits& limits) noexcept
        : cursor_(tag.document(), tag.payload_begin()),
          document_(tag.document()),
          limits_(limits),
          depth_limit_(std::min(limits.depth, depth_ceiling)),
          scope_(tag.document(), limits.namespaces) {}

    body_error read(const body_tag& tag) noexcept;
    [[nodiscard]] std::uint32_t at() const noexcept { return at_; }
    [[nodiscard]] std::uint32_t children() const noexcept { return children_; }

  private:
    // An element that was begun and not ended yet.
    struct open_element {
        std::uint32_t name_begin;
        std::uint16_t name_length;
        std::uint16_t declarations; // in force outside of it
    };

    body_error open(const xml::start_tag& tag, std::span<const xml::attribute> attributes) noexcept;
    body_error read_text() noexcept;
    body_error read_markup() noexcept;
    body_error read_declaration() noexcept;
    body_error read_cdata() noexcept;
    body_error read_child() noexcept;
    body_error read_end_tag() noexcept;

    cursor cursor_;
    std::string_view document_;
    const body_limits& limits_;
    std::size_t depth_limit_;
    std::size_t depth_ = 0;
    std::size_t elements_ = 0;
    std::uint32_t children_ = 0;
    std::uint32_t at_ = 0; // where a refusal belongs to
    xml::namespace_scope scope_;
    std::array<open_element, depth_ceiling> stack_; // the first depth_
};

body_error payload_reader::read(const body_tag& tag) noexcept {
    body_error why = open(tag.raw(), tag.attributes());
    while (why == body_error::none && depth_ > 0) {
        at_ = cursor_.offset();
        why = read_text();
        if (why == body_error::none)
            why = read_markup();
    }
    if (why != body_error::none)
        return why;
    xml::skip_space(cursor_);
    at_ = cursor_.offset();
    return cursor_.done() ? body_error::none : body_error::after_root;
}

// Begins the element of a start tag, and ends it if the tag does.
body_error payload_reader::open(const xml::start_tag& tag,
                                std::span<const xml::attribute> attributes) noexcept {
    if (++elements_ > limits_.elements)
        return body_error::element_limit;
    if (depth_ == depth_limit_)
        return body_error::depth_limit;
    const std::uint16_t outside = scope_.mark();
    if (const body_error why = scope_.enter(tag, attributes, at_); why != body_error::none)
        return why;
    if (tag.self_closed)
        scope_.leave(outside);
    else
        stack_[depth_++] = {tag.name.begin, tag.name.length, outside};
    return body_error::none;
}

// Character data up to the next `<`.
body_error payload_reader::read_text() noexcept {
    if (depth_ == 1) {
        xml::skip_space(cursor_);
        at_ = cursor_.offset();
        if (cursor_.done())
            return body_error::truncated;
        return *cursor_.at == '<' ? body_error::none : body_error::text_in_body;
    }
    for (;;) {
        cursor_.at = xml::plain_text_end(cursor_.at, cursor_.end);
        at_ = cursor_.offset();
        if (cursor_.done())
            return body_error::truncated;
        body_error why = body_error::none;
        bool cut = false;
        switch (*cursor_.at) {
        case '<':
            return body_error::none;
        case '&': {
            std::uint32_t code = 0;
            why = xml::read_reference(cursor_, code);
            break;
        }
        case ']':
            if (cursor_.follows("]]>", cut))
                return body_error::bare_cdata_end;
            ++cursor_.at;
            break;
        default:
            why = xml::skip_character(cursor_);
        }
        if (why != body_error::none)
            return why;
    }
}

// Whatever begins with the `<` that the cursor stands on.
body_error payload_reader::read_markup() noexcept {
    ++cursor_.at;
    if (cursor_.done())
        return body_error::truncated;
    switch (*cursor_.at) {
    case '/':
        ++cursor_.at;
        return read_end_tag();
    case '!':
        return read_declaration();
    case '?':
        return body_error::instruction;
    default:
        return read_child();
    }
}

body_error payload_reader::read_declaration() noexcept {
    constexpr std::string_view cdata = "![CDATA[";
    bool cut = false;
    if (cursor_.follows(cdata, cut)) {
        if (depth_ == 1)
            return body_error::text_in_body;
        cursor_.at += cdata.size();
        return read_cdata();
    }
    bool cut_comment = false;
    if (cursor_.follows("!--", cut_comment))
        return body_error::comment;
    bool cut_doctype = false;
    if (cursor_.follows("!DOCTYPE", cut_doctype))
        return body_error::doctype;
    return cut || cut_comment || cut_doctype ? body_error::truncated : body_error::bad_markup;
}

body_error payload_reader::read_cdata() noexcept {
    for (;;) {
        cursor_.at = xml::plain_text_end(cursor_.at, cursor_.end);
        at_ = cursor_.offset();
        if (cursor_.done())
            return body_error::truncated;
        bool cut = false;
        body_error why = body_error::none;
        switch (*cursor_.at) {
        case '<':
        case '&':
            ++cursor_.at;
            break;
        case ']':
            if (cursor_.follows("]]>", cut)) {
                cursor_.at += 3;
                return body_error::none;
            }
            ++cursor_.at;
            break;
        default:
            why = xml::skip_character(cursor_);
        }
        if (why != body_error::none)
            return why;
    }
}

body_error payload_reader::read_child() noexcept {
    std::array<xml::attribute, xml::attributes_ceiling> attributes; // filled as far as counted
    const std::span<xml::attribute> room(attributes.data(),
                                         std::min(limits_.attributes, attributes.size()));
    xml::start_tag tag;
    const body_error why = xml::read_start_tag(cursor_, limits_.child_value_bytes, room, tag);
    at_ = cursor_.offset();
    if (why != body_error::none)
        return why;
    if (depth_ == 1)
        ++children_;
    return open(tag, room.first(tag.attributes));
}

// The cursor stands behind `</`.
body_error payload_reader::read_end_tag() noexcept {
    const open_element& top = stack_[depth_ - 1];
    const std::string_view name = document_.substr(top.name_begin, top.name_length);
    bool cut = false;
    if (!cursor_.follows(name, cut)) {
        at_ = cursor_.offset();
        return cut ? body_error::truncated : body_error::mismatched_tag;
    }
    cursor_.at += name.size();
    const char* const name_end = cursor_.at;
    xml::skip_space(cursor_);
    at_ = cursor_.offset();
    if (cursor_.done())
        return body_error::truncated;
    if (*cursor_.at != '>')
        return cursor_.at == name_end ? body_error::mismatched_tag : body_error::bad_tag;
    ++cursor_.at;
    scope_.leave(top.declarations);
    --depth_;
    return body_error::none;
}

} // namespace

body_result check_payload(const body_tag& tag, const body_limits& limits) noexcept {
    payload_reader reader(tag, limits);
    body_result result;
    result.why = reader.read(tag);
    result.at = reader.at();
    result.children = reader.children();
    return result;
}

body_result check_body(std::string_view bytes, const body_limits& limits, body_tag& out) noexcept {
    const body_result tag = read_body_tag(bytes, limits, out);
    return tag.ok() ? check_payload(out, limits) : tag;
}

} // namespace boshgate::routing
