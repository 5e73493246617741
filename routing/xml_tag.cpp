#include "routing/xml_tag.hpp"

#include "routing/xml_plain.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace boshgate::routing::xml {
namespace {

constexpr std::string_view xml_uri = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view xmlns_uri = "http://www.w3.org/2000/xmlns/";
constexpr std::string_view httpbind_uri = "http://jabber.org/protocol/httpbind";
constexpr std::string_view xbosh_uri = "urn:xmpp:xbosh";

known_namespace namespace_of(std::string_view uri, bool coded) noexcept {
    if (uri.empty())
        return known_namespace::none;
    if (!coded) {
        switch (uri.size()) { // all different
        case httpbind_uri.size():
            return uri == httpbind_uri ? known_namespace::httpbind : known_namespace::other;
        case xbosh_uri.size():
            return uri == xbosh_uri ? known_namespace::xbosh : known_namespace::other;
        case xml_uri.size():
            return uri == xml_uri ? known_namespace::xml : known_namespace::other;
        case xmlns_uri.size():
            return uri == xmlns_uri ? known_namespace::xmlns : known_namespace::other;
        default:
            return known_namespace::other;
        }
    }
    if (value_is(uri, coded, httpbind_uri))
        return known_namespace::httpbind;
    if (value_is(uri, coded, xbosh_uri))
        return known_namespace::xbosh;
    if (value_is(uri, coded, xml_uri))
        return known_namespace::xml;
    if (value_is(uri, coded, xmlns_uri))
        return known_namespace::xmlns;
    return known_namespace::other;
}

// Which of 64 bits stands for a name: names whose bits differ are different, so most tags need no
// comparison.
std::uint64_t name_bit(std::string_view name) noexcept {
    const auto first = static_cast<unsigned char>(name.front());
    const auto last = static_cast<unsigned char>(name.back());
    return std::uint64_t{1} << ((first * 5U + last * 3U + name.size()) & 63U);
}

// Different for most values that mean something different; equal for all that mean the same
// (FNV-1a).
std::uint32_t fingerprint_of(std::string_view written) noexcept {
    std::uint32_t hash = 2166136261U;
    for (value_reader reader(written); !reader.done();)
        hash = (hash ^ reader.next()) * 16777619U;
    return hash;
}

// Whether the name is `xmlns`, or has it as its prefix. `begin`: of the document.
bool is_declaration(const char* begin, const qualified_name& name) noexcept {
    constexpr std::string_view word = "xmlns";
    return (name.prefix_length == 0 ? name.length : name.prefix_length) == word.size() &&
           std::memcmp(begin + name.begin, word.data(), word.size()) == 0;
}

} // namespace

namespace {

// The attributes of a tag while it is read: some in the usual form, then one of another, and so
// on. What is known of them stands in registers while those of the usual form are read.
struct attribute_list {
    const char* document;
    std::span<attribute> room;
    std::size_t count = 0;
    std::uint64_t seen = 0; // name_bit of each
    std::uint64_t declarations = 0;
    bool prefixed = false;

    [[nodiscard]] std::string_view name(const attribute& of) const noexcept {
        return {document + of.name.begin, of.name.length};
    }
    [[nodiscard]] bool has(std::string_view wanted) const noexcept {
        for (const attribute& earlier : room.first(count)) {
            if (name(earlier) == wanted)
                return true;
        }
        return false;
    }
    // Takes the next one, which stands in its place in `room`. False: there is one of that name.
    [[nodiscard, gnu::always_inline]] inline bool add() noexcept {
        const attribute& next = room.data()[count];
        const std::uint64_t bit = name_bit(name(next));
        if ((seen & bit) != 0 && has(name(next)))
            return false;
        if (is_declaration(document, next.name))
            declarations |= std::uint64_t{1} << count;
        else
            prefixed |= next.name.prefix_length != 0;
        seen |= bit;
        ++count;
        return true;
    }
};
static_assert(attributes_ceiling <= 64);

// Reads attributes in the usual form, ` name='value'`, as far as there are any.
body_error read_plain_attributes(cursor& c, std::size_t value_limit,
                                 attribute_list& list) noexcept {
    attribute_list local = list;
    const char* at = c.at;
    body_error why = body_error::none;
    while (at != c.end && *at == ' ' && local.count != local.room.size()) {
        const char* const end = read_plain_attribute(local.document, at + 1, c.end, value_limit,
                                                     local.room.data()[local.count]);
        if (end == nullptr)
            break;
        at = end;
        if (!local.add()) {
            why = body_error::repeated_attribute;
            break;
        }
    }
    c.at = at;
    list = local;
    return why;
}

body_error read_attributes(cursor& c, std::size_t value_limit, attribute_list& list,
                           bool& self_closed) noexcept {
    for (;;) {
        if (const body_error why = read_plain_attributes(c, value_limit, list);
            why != body_error::none)
            return why;
        const char* const before = c.at;
        skip_space(c);
        if (c.done())
            return body_error::truncated;
        if (*c.at == '>') {
            ++c.at;
            return body_error::none;
        }
        if (*c.at == '/') {
            ++c.at;
            if (c.done())
                return body_error::truncated;
            if (*c.at != '>')
                return body_error::bad_tag;
            ++c.at;
            self_closed = true;
            return body_error::none;
        }
        if (c.at == before)
            return body_error::bad_tag;
        if (list.count == list.room.size())
            return body_error::attribute_limit;
        const body_error why = read_attribute(c, value_limit, list.room[list.count]);
        if (why != body_error::none)
            return why;
        if (!list.add())
            return body_error::repeated_attribute;
    }
}

} // namespace

body_error read_start_tag(cursor& c, std::size_t value_limit, std::span<attribute> room,
                          start_tag& out) noexcept {
    out.attributes = 0;
    out.self_closed = false;
    if (!read_plain_name(c, out.name)) {
        if (const body_error why = read_name(c, out.name); why != body_error::none)
            return why;
    }
    attribute_list list{.document = c.begin,
                        .room = room.first(std::min(room.size(), attributes_ceiling))};
    const body_error why = read_attributes(c, value_limit, list, out.self_closed);
    out.attributes = list.count;
    out.declarations = list.declarations;
    out.prefixed = list.prefixed;
    return why;
}

namespace_scope::namespace_scope(std::string_view document, std::size_t limit) noexcept
    : document_(document),
      limit_(static_cast<std::uint16_t>(std::min(limit, namespaces_ceiling))) {}

body_error namespace_scope::declare(const attribute& declaration) noexcept {
    const std::string_view uri = declaration.value(document_);
    const known_namespace space = namespace_of(uri, declaration.coded);
    const bool is_default = declaration.name.prefix_length == 0;
    const std::string_view prefix =
        is_default ? std::string_view{} : declaration.name.local(document_);
    // Reserved prefixes and namespaces (Namespaces in XML 1.0, 3), and no undeclaring of prefixes
    // (2.2, 5).
    if (prefix == "xml")
        return space == known_namespace::xml ? body_error::none : body_error::bad_namespace;
    if (prefix == "xmlns" || space == known_namespace::xml || space == known_namespace::xmlns)
        return body_error::bad_namespace;
    if (!is_default && uri.empty())
        return body_error::bad_namespace;
    if (count_ == limit_)
        return body_error::namespace_limit;
    binding& made = bindings_[count_++];
    made = {};
    made.uri_begin = declaration.value_begin;
    made.uri_length = static_cast<std::uint32_t>(uri.size());
    made.space = space;
    made.coded = declaration.coded;
    if (!is_default) {
        made.prefix_begin = static_cast<std::uint32_t>(prefix.data() - document_.data());
        made.prefix_length = static_cast<std::uint16_t>(prefix.size());
    }
    return body_error::none;
}

body_error namespace_scope::enter(const start_tag& tag, std::span<const attribute> attributes,
                                  std::uint32_t& at) noexcept {
    for (std::uint64_t rest = tag.declarations; rest != 0; rest &= rest - 1) {
        const attribute& a = attributes[static_cast<std::size_t>(std::countr_zero(rest))];
        at = a.name.begin;
        if (const body_error why = declare(a); why != body_error::none)
            return why;
    }
    at = tag.name.begin;
    if (tag.name.prefix_length != 0) {
        const std::string_view prefix = tag.name.prefix(document_);
        if (prefix == "xmlns" || !find(prefix).bound)
            return body_error::unbound_prefix;
    }
    return tag.prefixed ? check_prefixed(attributes, at) : body_error::none;
}

// Every prefix bound, no attribute twice by namespace. Each prefix is looked up once and each URI
// compared once however many attributes there are, or small tags could be made to cost much.
body_error namespace_scope::check_prefixed(std::span<const attribute> attributes,
                                           std::uint32_t& at) noexcept {
    std::array<std::uint8_t, attributes_ceiling> bindings; // filled where there is a prefix
    for (std::size_t i = 0; i < attributes.size(); ++i) {
        const qualified_name& name = attributes[i].name;
        const std::string_view prefix = name.prefix(document_);
        // Nothing else can be in the namespaces of xml and xmlns.
        bindings[i] = no_binding;
        if (prefix.empty() || prefix == "xmlns" || prefix == "xml")
            continue;
        at = name.begin;
        bindings[i] = find_binding(prefix, count_);
        if (bindings[i] == no_binding)
            return body_error::unbound_prefix;
        for (std::size_t j = 0; j < i; ++j) {
            if (bindings[j] != no_binding &&
                attributes[j].name.local(document_) == name.local(document_) &&
                first_of_same_uri(bindings[j]) == first_of_same_uri(bindings[i]))
                return body_error::repeated_attribute;
        }
    }
    return body_error::none;
}

// Of the first `count` bindings.
std::uint8_t namespace_scope::find_binding(std::string_view prefix,
                                           std::size_t count) const noexcept {
    for (std::size_t i = count; i-- > 0;) {
        const binding& b = bindings_[i];
        if (b.prefix_length == prefix.size() &&
            document_.substr(b.prefix_begin, b.prefix_length) == prefix)
            return static_cast<std::uint8_t>(i);
    }
    return no_binding;
}

// Compares the URIs of all bindings up to this one, those that were not yet.
std::uint8_t namespace_scope::first_of_same_uri(std::uint8_t which) noexcept {
    for (; compared_ <= which; ++compared_) {
        binding& b = bindings_[compared_];
        const namespace_uri uri = uri_of(b);
        b.fingerprint = fingerprint_of(uri.written);
        b.same_as = static_cast<std::uint8_t>(compared_);
        for (std::uint8_t i = 0; i < compared_; ++i) {
            const namespace_uri earlier = uri_of(bindings_[i]);
            if (bindings_[i].same_as == i && bindings_[i].fingerprint == b.fingerprint &&
                same_value(earlier.written, earlier.coded, uri.written, uri.coded)) {
                b.same_as = i;
                break;
            }
        }
    }
    return bindings_[which].same_as;
}

namespace_scope::lookup namespace_scope::find(std::string_view prefix) const noexcept {
    if (prefix == "xml")
        return {known_namespace::xml, true};
    if (prefix == "xmlns")
        return {known_namespace::xmlns, true};
    const std::uint8_t which = find_binding(prefix, count_);
    if (which == no_binding)
        return {known_namespace::none, prefix.empty()};
    return {bindings_[which].space, true};
}

namespace_scope::namespace_uri namespace_scope::uri_of(std::string_view prefix,
                                                       std::uint16_t mark) const noexcept {
    if (prefix == "xml")
        return {xml_uri, false};
    const std::uint8_t which = find_binding(prefix, mark);
    return which == no_binding ? namespace_uri{} : uri_of(bindings_[which]);
}

} // namespace boshgate::routing::xml
