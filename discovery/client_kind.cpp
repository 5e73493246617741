#include "discovery/client_kind.hpp"

#include "routing/ascii.hpp"
#include "routing/bosh_body.hpp"

#include <array>

namespace boshgate::discovery {
namespace {

using routing::body_attribute;
using routing::body_tag;
using routing::body_version;

bool says_charset(std::string_view content_type) noexcept {
    constexpr std::string_view wanted = "charset";
    for (std::size_t at = 0; at + wanted.size() <= content_type.size(); ++at) {
        std::size_t same = 0;
        while (same < wanted.size() &&
               routing::ascii_lower(content_type[at + same]) == wanted[same])
            ++same;
        if (same == wanted.size())
            return true;
    }
    return false;
}

// Attributes that none of the known libraries sends unless its user asked for it.
bool asks_for_more(const body_tag& tag) noexcept {
    return tag.has(body_attribute::ack) || tag.keyed() || tag.has(body_attribute::pause) ||
           tag.has(body_attribute::stream);
}

// bosh.md 4.4, caxl.md a: ver 1.9, hold 1, `from`; neither content nor route; text/xml without a
// charset. Both 2014.04 (with xml:lang) and 8.6.1 (with secure).
bool is_caxl(const body_tag& tag, std::string_view content_type) noexcept {
    return tag.version() == body_version{1, 9} && tag.number(body_attribute::hold) == 1 &&
           tag.has(body_attribute::from) && !tag.has(body_attribute::content) &&
           !tag.has(body_attribute::route) && !says_charset(content_type);
}

// bosh.md 4.1: ver 1.6, content, no `from`. wait, hold and route are the page's to choose.
bool is_strophe(const body_tag& tag) noexcept {
    return tag.version() == body_version{1, 6} && tag.has(body_attribute::content) &&
           !tag.has(body_attribute::from) && !tag.has(body_attribute::secure);
}

// bosh.md 4.3: ver 1.6, hold 2 without a way to change it, neither content nor `from`.
bool is_stanza(const body_tag& tag) noexcept {
    return tag.version() == body_version{1, 6} && tag.number(body_attribute::hold) == 2 &&
           !tag.has(body_attribute::content) && !tag.has(body_attribute::from);
}

} // namespace

client_kind recognise_client(const body_tag& tag, std::string_view content_type) noexcept {
    if (tag.has(body_attribute::sid))
        return client_kind::unknown;
    if (!tag.has(body_attribute::ver))
        return client_kind::legacy;
    if (asks_for_more(tag))
        return client_kind::unknown;
    if (is_caxl(tag, content_type))
        return client_kind::caxl;
    if (is_strophe(tag)) // bosh.md 4.2: Converse is the one that asks for 59 s
        return tag.number(body_attribute::wait) == 59 ? client_kind::converse
                                                      : client_kind::strophe;
    return is_stanza(tag) ? client_kind::stanza : client_kind::unknown;
}

client_kind with_evidence(client_kind kind, discovery_evidence seen) noexcept {
    if (kind != client_kind::caxl || seen == discovery_evidence::none)
        return kind;
    return seen == discovery_evidence::followed ? client_kind::caxl_discovery
                                                : client_kind::caxl_thin;
}

std::string_view name_of(client_kind who) noexcept {
    constexpr std::array<std::string_view, client_kind_count> names{
        "unknown",   "legacy",  "caxl",     "caxl_discovery",
        "caxl_thin", "strophe", "converse", "stanza"};
    return names[static_cast<std::size_t>(who)];
}

} // namespace boshgate::discovery
