#include "routing/bosh_payload.hpp"

#include <algorithm>

namespace boshgate::routing {

payload_reader::payload_reader(const body_tag& tag, const body_limits& limits) noexcept
    : cursor_(tag.document(), tag.payload_begin()),
      document_(tag.document()),
      limits_(limits),
      depth_limit_(std::min(limits.depth, depth_ceiling)),
      scope_(tag.document(), limits.namespaces) {
    why_ = open(tag.raw(), tag.attributes());
}

payload_event payload_reader::refuse(body_error why) noexcept {
    why_ = why;
    return payload_event::refused;
}

payload_event payload_reader::next() noexcept {
    if (why_ != body_error::none)
        return payload_event::refused;
    if (depth_ <= 1) {
        if (const body_error why = read_space(); why != body_error::none)
            return refuse(why);
        if (depth_ == 0)
            return payload_event::end;
    } else if (!cursor_.done() && *cursor_.at != '<') {
        const body_error why = read_text();
        return why == body_error::none ? payload_event::text : refuse(why);
    }
    piece_.begin = at_ = cursor_.offset();
    if (cursor_.left() < 2)
        return refuse(body_error::truncated);
    ++cursor_.at;
    body_error why = body_error::none;
    payload_event event = payload_event::begin;
    switch (*cursor_.at) {
    case '/':
        ++cursor_.at;
        why = read_end_tag();
        event = payload_event::finish;
        break;
    case '!':
        why = read_section();
        event = payload_event::text;
        break;
    case '?':
        why = body_error::instruction;
        break;
    default:
        why = read_child();
    }
    if (why != body_error::none)
        return refuse(why);
    if (event != payload_event::text)
        piece_.end = cursor_.offset();
    return event;
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
    declared_ = scope_.mark();
    if (tag.self_closed)
        scope_.leave(outside);
    else
        stack_[depth_++] = {tag.name.begin, tag.name.length, outside};
    return body_error::none;
}

// White space directly under <body/>, or behind it.
body_error payload_reader::read_space() noexcept {
    xml::skip_space(cursor_);
    at_ = cursor_.offset();
    if (depth_ == 0)
        return cursor_.done() ? body_error::none : body_error::after_root;
    if (cursor_.done())
        return body_error::truncated;
    return *cursor_.at == '<' ? body_error::none : body_error::text_in_body;
}

// Character data up to the next `<`.
body_error payload_reader::read_text() noexcept {
    piece_.begin = cursor_.offset();
    coded_ = false;
    from_cdata_ = false;
    for (;;) {
        cursor_.at = xml::plain_text_end(cursor_.at, cursor_.end);
        piece_.end = at_ = cursor_.offset();
        if (cursor_.done())
            return body_error::truncated;
        body_error why = body_error::none;
        bool cut = false;
        switch (*cursor_.at) {
        case '<':
            return body_error::none;
        case '&': {
            coded_ = true;
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
            why = xml::skip_characters(cursor_);
        }
        if (why != body_error::none)
            return why;
    }
}

// What begins with `<!`: only a CDATA section passes, and that only inside of a child.
body_error payload_reader::read_section() noexcept {
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
    piece_.begin = cursor_.offset();
    coded_ = false;
    from_cdata_ = true;
    for (;;) {
        cursor_.at = xml::plain_text_end(cursor_.at, cursor_.end);
        piece_.end = at_ = cursor_.offset();
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
            why = xml::skip_characters(cursor_);
        }
        if (why != body_error::none)
            return why;
    }
}

body_error payload_reader::read_child() noexcept {
    const std::span<xml::attribute> room(attributes_.data(),
                                         std::min(limits_.attributes, attributes_.size()));
    const body_error why = xml::read_start_tag(cursor_, limits_.child_value_bytes, room, tag_);
    at_ = cursor_.offset();
    if (why != body_error::none)
        return why;
    if (depth_ == 1)
        ++children_;
    return open(tag_, attributes());
}

// The cursor stands behind `</`.
body_error payload_reader::read_end_tag() noexcept {
    const open_element& top = stack_[depth_ - 1];
    const std::string_view name = document_.substr(top.name_begin, top.name_length);
    bool cut = false;
    at_ = cursor_.offset();
    if (!cursor_.follows(name, cut))
        return cut ? body_error::truncated : body_error::mismatched_tag;
    cursor_.at += name.size();
    const char* const name_end = cursor_.at;
    xml::skip_space(cursor_);
    if (cursor_.done())
        return body_error::truncated;
    if (*cursor_.at != '>')
        return cursor_.at == name_end ? body_error::mismatched_tag : body_error::bad_tag;
    ++cursor_.at;
    scope_.leave(top.declarations);
    --depth_;
    return body_error::none;
}

body_result check_payload(const body_tag& tag, const body_limits& limits) noexcept {
    payload_reader reader(tag, limits);
    payload_event event = payload_event::begin;
    while (event != payload_event::end && event != payload_event::refused)
        event = reader.next();
    return {reader.why(), reader.at(), reader.children()};
}

body_result check_body(std::string_view bytes, const body_limits& limits, body_tag& out) noexcept {
    const body_result tag = read_body_tag(bytes, limits, out);
    return tag.ok() ? check_payload(out, limits) : tag;
}

} // namespace boshgate::routing
