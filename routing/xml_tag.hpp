#pragma once
// Start tags and namespaces (Namespaces in XML 1.0): reading a whole start tag into an array of the
// caller's, and the declarations that are in force at a point of the document. Bounded, nothing
// allocated.

#include "routing/xml_scan.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boshgate::routing::xml {

// Compile-time ceilings for the limits of the same names.
inline constexpr std::size_t attributes_ceiling = 64; // bits of start_tag::declarations
inline constexpr std::size_t namespaces_ceiling = 64; // below namespace_scope::no_binding

// Namespaces that BOSH itself uses get a name.
enum class known_namespace : std::uint8_t {
    none,     // no namespace
    other,    // any other one
    xml,      // http://www.w3.org/XML/1998/namespace: the prefix xml, always bound
    xmlns,    // http://www.w3.org/2000/xmlns/: the prefix xmlns, cannot be declared
    httpbind, // http://jabber.org/protocol/httpbind: XEP-0124
    xbosh,    // urn:xmpp:xbosh: XEP-0206
};

struct start_tag {
    qualified_name name{};
    std::size_t attributes = 0; // how many entries of the caller's array are used
    bool self_closed = false;
    bool prefixed = false;          // an attribute that is no declaration has a prefix
    std::uint64_t declarations = 0; // which attributes are declarations, the first one is bit 0
};

// read_start_tag reads a start tag or an empty-element tag; the cursor stands behind its `<` and is
// left behind its `>`. More attributes than `room` takes are refused. Refuses what read_attribute
// refuses, bad_tag, attribute_limit, repeated_attribute (the same name twice; twice by namespace is
// namespace_scope's).
[[nodiscard]] body_error read_start_tag(cursor& c, std::size_t value_limit,
                                        std::span<attribute> room, start_tag& out) noexcept;

// The namespace declarations in force. enter() for each start tag, leave() when its element ends.
class namespace_scope {
  public:
    // limit: how many declarations may be in force at once, at most namespaces_ceiling.
    namespace_scope(std::string_view document, std::size_t limit) noexcept;

    // enter takes the declarations of a start tag, then checks that every prefix in it is bound and
    // no attribute occurs twice by namespace. Refuses bad_namespace, namespace_limit,
    // unbound_prefix, repeated_attribute. `at` is then the offset of the culprit.
    [[nodiscard]] body_error enter(const start_tag& tag, std::span<const attribute> attributes,
                                   std::uint32_t& at) noexcept;

    // mark and leave: the declarations made since the mark are forgotten.
    [[nodiscard]] std::uint16_t mark() const noexcept { return count_; }
    void leave(std::uint16_t mark) noexcept {
        count_ = mark;
        compared_ = compared_ < mark ? compared_ : mark;
    }

    // A namespace's name as written in its declaration; empty: none.
    struct namespace_uri {
        std::string_view written;
        bool coded = false;
        [[nodiscard]] bool is(std::string_view text) const noexcept {
            return value_is(written, coded, text);
        }
    };
    [[nodiscard]] namespace_uri uri_of(std::string_view prefix) const noexcept {
        return uri_of(prefix, count_);
    }
    // The same at an earlier mark, or at one that was just left.
    [[nodiscard]] namespace_uri uri_of(std::string_view prefix, std::uint16_t mark) const noexcept;

    // The namespace of a prefix; "" is the default namespace. unbound: no such declaration.
    struct lookup {
        known_namespace space = known_namespace::none;
        bool bound = false;
    };
    [[nodiscard]] lookup find(std::string_view prefix) const noexcept;

  private:
    struct binding {
        std::uint32_t prefix_begin, uri_begin, uri_length;
        std::uint32_t fingerprint; // of the URI, once it was compared
        std::uint16_t prefix_length;
        std::uint8_t same_as; // the first binding of the same URI, once it was compared
        known_namespace space;
        bool coded;
    };
    static constexpr std::uint8_t no_binding = 0xff;

    [[nodiscard]] body_error declare(const attribute& declaration) noexcept;
    [[nodiscard]] body_error check_prefixed(std::span<const attribute> attributes,
                                            std::uint32_t& at) noexcept;
    [[nodiscard]] std::uint8_t find_binding(std::string_view prefix,
                                            std::size_t count) const noexcept;
    [[nodiscard]] std::uint8_t first_of_same_uri(std::uint8_t which) noexcept;
    [[nodiscard]] namespace_uri uri_of(const binding& b) const noexcept {
        return {document_.substr(b.uri_begin, b.uri_length), b.coded};
    }

    std::string_view document_;
    std::uint16_t limit_;
    std::uint16_t count_ = 0;
    std::uint16_t compared_ = 0; // how many of the first bindings have their same_as
    std::array<binding, namespaces_ceiling> bindings_; // the first count_ are filled
};

} // namespace boshgate::routing::xml
