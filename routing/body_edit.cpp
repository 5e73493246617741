#include "routing/body_edit.hpp"

#include "routing/bosh_payload.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace boshgate::routing {
namespace {

// What stands for a byte of text in an attribute value and in character data alike; empty: the byte
// itself. White space other than blanks would not come through as it is (XML 1.0 2.11, 3.3.3).
std::string_view escape_of(char c) noexcept {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return {};
    }
}

constexpr auto needs_escape = [] {
    std::array<bool, 256> needs{};
    for (const char c : {'&', '<', '>', '"', '\'', '\t', '\n', '\r'})
        needs[static_cast<unsigned char>(c)] = true;
    return needs;
}();

bool can_be_written(std::string_view text) noexcept {
    for (xml::cursor c(text);;) {
        c.at = xml::plain_text_end(c.at, c.end);
        if (c.done())
            return true;
        if (*c.at == '<' || *c.at == '&' || *c.at == ']')
            ++c.at;
        else if (xml::skip_characters(c) != body_error::none)
            return false;
    }
}

struct counter {
    std::size_t length = 0;
    void put(std::string_view bytes) noexcept { length += bytes.size(); }
};

struct writer {
    char* at;
    void put(std::string_view bytes) noexcept {
        if (!bytes.empty())
            std::memcpy(at, bytes.data(), bytes.size());
        at += bytes.size();
    }
};

template <class Sink>
void put_escaped(Sink& sink, std::string_view text) noexcept {
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!needs_escape[static_cast<unsigned char>(text[i])])
            continue;
        sink.put(text.substr(plain, i - plain));
        sink.put(escape_of(text[i]));
        plain = i + 1;
    }
    sink.put(text.substr(plain));
}

template <class Sink>
void put_number(Sink& sink, std::uint64_t number) noexcept {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    sink.put({digits, static_cast<std::size_t>(end - digits)});
}

bool in_xbosh(body_attribute id) noexcept {
    return id == body_attribute::xmpp_restart || id == body_attribute::xmpp_restartlogic ||
           id == body_attribute::xmpp_version;
}

// The prefix that the tag declares for urn:xmpp:xbosh; empty: none.
std::string_view xbosh_prefix(const body_tag& tag) noexcept {
    for (const xml::attribute& a : tag.attributes()) {
        if (a.name.prefix(tag.document()) == "xmlns" &&
            xml::value_is(a.value(tag.document()), a.coded, "urn:xmpp:xbosh"))
            return a.name.local(tag.document());
    }
    return {};
}

std::string_view local_name(body_attribute id) noexcept {
    const std::string_view name = name_of(id);
    return name.substr(name.find(':') + 1); // npos + 1 is 0
}

} // namespace

std::string_view name_of(edit_error why) noexcept {
    switch (why) {
    case edit_error::none:
        return "none";
    case edit_error::bad_text:
        return "bad_text";
    case edit_error::no_prefix:
        return "no_prefix";
    case edit_error::not_allowed:
        return "not_allowed";
    case edit_error::overlap:
        return "overlap";
    case edit_error::too_many:
        return "too_many";
    }
    return {};
}

edit_error body_edits::set(body_attribute id, std::string_view value) noexcept {
    if (!can_be_written(value))
        return edit_error::bad_text;
    return place(id, {{}, id, form::text, value, 0, {}, {}});
}

edit_error body_edits::set(body_attribute id, std::uint64_t value) noexcept {
    return place(id, {{}, id, form::number, {}, value, {}, {}});
}

edit_error body_edits::lower(body_attribute id, std::uint64_t most) noexcept {
    if (!tag_.has(id))
        return edit_error::none;
    const auto number = tag_.number(id);
    return number && *number <= most ? edit_error::none : set(id, most);
}

edit_error body_edits::remove(body_attribute id) noexcept {
    drop(id);
    if (!tag_.has(id))
        return id == body_attribute::other ? edit_error::not_allowed : edit_error::none;
    byte_range range = tag_.range(id);
    // White space stands in front of every attribute; with it the tag looks as if the attribute
    // never was.
    while (xml::is_space(tag_.document()[range.begin - 1]))
        --range.begin;
    return insert({range, id, form::nothing, {}, 0, {}, {}});
}

edit_error body_edits::replace_text(byte_range range, std::string_view text) noexcept {
    if (!can_be_written(text))
        return edit_error::bad_text;
    if (!in_payload(range))
        return edit_error::not_allowed;
    return insert({range, body_attribute::other, form::text, text, 0, {}, {}});
}

edit_error body_edits::remove_element(byte_range element) noexcept {
    if (!in_payload(element) || element.begin == element.end)
        return edit_error::not_allowed;
    return insert({element, body_attribute::other, form::nothing, {}, 0, {}, {}});
}

edit_error body_edits::repeat_element(byte_range element, byte_range content,
                                      std::string_view text) noexcept {
    if (!can_be_written(text))
        return edit_error::bad_text;
    if (!in_payload(element) || !in_payload(content) || content.begin <= element.begin ||
        content.end >= element.end)
        return edit_error::not_allowed;
    const auto written = [this](std::uint32_t begin, std::uint32_t end) {
        return tag_.document().substr(begin, end - begin);
    };
    return insert({{element.end, element.end},
                   body_attribute::other,
                   form::copy,
                   text,
                   0,
                   written(element.begin, content.begin),
                   written(content.end, element.end)});
}

bool body_edits::in_payload(byte_range range) const noexcept {
    return range.begin <= range.end && range.begin >= tag_.payload_begin() &&
           range.end <= tag_.document().size();
}

// Puts the edit of an attribute where the attribute is, or would be.
edit_error body_edits::place(body_attribute id, edit made) noexcept {
    if (id == body_attribute::other)
        return edit_error::not_allowed;
    if (tag_.has(id)) {
        made.range = tag_.value_range(id);
    } else {
        made.what = made.what == form::number ? form::added_number : form::added_text;
        made.range = {tag_.name_end(), tag_.name_end()};
        if (id == body_attribute::xml_lang)
            made.before = "xml";
        else if (in_xbosh(id))
            made.before = xbosh_prefix(tag_);
        if (in_xbosh(id) && made.before.empty())
            return edit_error::no_prefix;
    }
    drop(id);
    return insert(made);
}

edit_error body_edits::insert(const edit& made) noexcept {
    if (count_ == edits_.size())
        return edit_error::too_many;
    std::size_t at = count_;
    while (at > 0 && edits_[at - 1].range.begin > made.range.begin)
        --at;
    // Two may begin at one place: additions behind the root's name, and what is removed right
    // behind them.
    const auto overlaps = [&made](const edit& other) {
        return other.range.begin < made.range.end && made.range.begin < other.range.end;
    };
    const auto same_range = [&made](const edit& other) {
        return other.range.begin == made.range.begin && other.range.end == made.range.end &&
               other.id == body_attribute::other && made.id == body_attribute::other;
    };
    for (std::size_t i = 0; i < count_; ++i) {
        if (overlaps(edits_[i]) || same_range(edits_[i]))
            return edit_error::overlap;
    }
    // An empty range goes in front of a longer one that begins at the same place.
    while (at > 0 && edits_[at - 1].range.begin == made.range.begin &&
           edits_[at - 1].range.end > made.range.end)
        --at;
    std::copy_backward(edits_.begin() + static_cast<std::ptrdiff_t>(at),
                       edits_.begin() + static_cast<std::ptrdiff_t>(count_),
                       edits_.begin() + static_cast<std::ptrdiff_t>(count_ + 1));
    edits_[at] = made;
    ++count_;
    return edit_error::none;
}

void body_edits::drop(body_attribute id) noexcept {
    if (id == body_attribute::other)
        return;
    const auto last = edits_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto end =
        std::remove_if(edits_.begin(), last, [id](const edit& e) { return e.id == id; });
    count_ = static_cast<std::size_t>(end - edits_.begin());
}

template <class Sink>
void body_edits::write_edit(const edit& e, Sink& sink) const noexcept {
    const bool added = e.what == form::added_text || e.what == form::added_number;
    if (added) {
        sink.put(" ");
        sink.put(e.before);
        sink.put(e.before.empty() ? "" : ":");
        sink.put(local_name(e.id));
        sink.put("='");
    } else {
        sink.put(e.before);
    }
    if (e.what == form::text || e.what == form::added_text || e.what == form::copy)
        put_escaped(sink, e.text);
    else if (e.what == form::number || e.what == form::added_number)
        put_number(sink, e.number);
    sink.put(added ? "'" : e.after);
}

template <class Sink>
void body_edits::write_all(Sink& sink) const noexcept {
    const std::string_view document = tag_.document();
    std::size_t done = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        sink.put(document.substr(done, edits_[i].range.begin - done));
        write_edit(edits_[i], sink);
        done = edits_[i].range.end;
    }
    sink.put(document.substr(done));
}

std::size_t body_edits::size() const noexcept {
    counter total;
    write_all(total);
    return total.length;
}

std::ptrdiff_t body_edits::growth() const noexcept {
    return static_cast<std::ptrdiff_t>(size()) -
           static_cast<std::ptrdiff_t>(tag_.document().size());
}

std::size_t body_edits::write(std::span<char> room) const noexcept {
    const std::size_t length = size();
    if (room.size() < length)
        return 0;
    writer out{room.data()};
    write_all(out);
    return length;
}

} // namespace boshgate::routing
