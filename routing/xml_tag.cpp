#include "routing/xml_tag.hpp"

#include "routing/xml_plain.hpp"

#include <algorithm>
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

body_error read_start_tag(cursor& c, std::size_t value_limit, std::span<attribute> room,
                          start_tag& out) noexcept {
    out.attributes = 0;
    out.self_closed = false;
    out.plain_names = false;
    if (!read_plain_name(c, out.name)) {
        if (const body_error why = read_name(c, out.name); why != body_error::none)
            return why;
    }
    const auto text = [&](const qualified_name& name) {
        return std::string_view(c.begin + name.begin, name.length);
    };
    bool plain = out.name.prefix_length == 0;
    std::uint64_t seen = 0;
    for (;;) {
        const char* const before = c.at;
        skip_space(c);
        if (c.done())
            return body_error::truncated;
        if (*c.at == '>') {
            ++c.at;
            out.plain_names = plain;
            return body_error::none;
        }
        if (*c.at == '/') {
            ++c.at;
            if (c.done())
                return body_error::truncated;
            if (*c.at != '>')
                return body_error::bad_tag;
            ++c.at;
            out.self_closed = true;
            out.plain_names = plain;
            return body_error::none;
        }
        if (c.at == before)
            return body_error::bad_tag;
        if (out.attributes == room.size())
            return body_error::attribute_limit;
        attribute& next = room[out.attributes];
        if (!read_plain_attribute(c, value_limit, next)) {
            const body_error why = read_attribute(c, value_limit, next);
            if (why != body_error::none)
                return why;
        }
        plain = plain && next.name.prefix_length == 0 && !is_declaration(c.begin, next.name);
        const std::string_view name = text(next.name);
        const std::uint64_t bit = name_bit(name);
        if ((seen & bit) != 0) {
            for (const attribute& earlier : room.first(out.attributes)) {
                if (text(earlier.name) == name)
                    return body_error::repeated_attribute;
            }
        }
        seen |= bit;
        ++out.attributes;
    }
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
    if (tag.plain_names) {
        at = tag.name.begin;
        return body_error::none;
    }
    bool prefixed = false;
    for (const attribute& a : attributes) {
        at = a.name.begin;
        if (is_declaration(document_.data(), a.name)) {
            if (const body_error why = declare(a); why != body_error::none)
                return why;
        } else {
            prefixed |= a.name.prefix_length != 0;
        }
    }
    at = tag.name.begin;
    const std::string_view element_prefix = tag.name.prefix(document_);
    if (!element_prefix.empty() && (element_prefix == "xmlns" || !find(element_prefix).bound))
        return body_error::unbound_prefix;
    return prefixed ? check_prefixed(attributes, at) : body_error::none;
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
