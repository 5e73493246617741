#include "discovery/node_names.hpp"

#include "routing/ascii.hpp"
#include "routing/ip_address.hpp"
#include "routing/see_other.hpp"
#include "routing/xml_scan.hpp"

#include <algorithm>
#include <initializer_list>

namespace boshgate::discovery {
namespace {

using routing::node_index;
using routing::route_table;

std::string_view without_space(std::string_view text) noexcept {
    while (!text.empty() && routing::xml::is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && routing::xml::is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

// A path or name put together in place; too long a one is none.
class joined {
  public:
    explicit joined(std::initializer_list<std::string_view> parts) noexcept {
        for (const std::string_view part : parts) {
            if (part.size() > room_.size() - size_) {
                size_ = 0;
                return;
            }
            std::copy(part.begin(), part.end(), room_.data() + size_);
            size_ += part.size();
        }
    }
    [[nodiscard]] std::string_view text() const noexcept { return {room_.data(), size_}; }

  private:
    std::array<char, route_table::path_bytes_max> room_;
    std::size_t size_ = 0;
};

// A name taken apart by its first dot. The last label of a name with one dot only belongs to the
// domain as much as the first: CAXL takes "example.com" for a domain, not for a node in "com".
struct name_parts {
    std::string_view label, domain, port; // the port with its colon
};

name_parts parts_of(std::string_view name) noexcept {
    name_parts parts;
    parts.port = name.substr(std::min(name.find(':'), name.size()));
    name.remove_suffix(parts.port.size());
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos)
        parts.label = name;
    else if (name.find('.', dot + 1) == std::string_view::npos)
        parts.domain = name;
    else {
        parts.label = name.substr(0, dot);
        parts.domain = name.substr(dot + 1);
    }
    return parts;
}

// Whether `tail` is `domain`, or what stands behind one of its dots, or nothing.
bool ends_domain(std::string_view tail, std::string_view domain) noexcept {
    if (tail.empty() || tail.size() > domain.size())
        return tail.empty();
    const std::size_t begin = domain.size() - tail.size();
    return routing::equal_ignoring_case(domain.substr(begin), tail) &&
           (begin == 0 || domain[begin - 1] == '.');
}

} // namespace

std::optional<node_index> node_names::find(std::string_view text,
                                           std::optional<node_index> said_by) const {
    text = without_space(text);
    if (text.empty() || text.size() > text_bytes_max)
        return std::nullopt;
    if (text.front() == '/')
        return find_path(text);
    if (text.find("://") != std::string_view::npos)
        return routing::node_of_url(text, config_, routes_);
    if (text.find('/') != std::string_view::npos)
        return std::nullopt;
    if (text.size() > 1 && text.back() == '.')
        text.remove_suffix(1);
    const auto found = find_segment(text);
    if (found || !said_by || *said_by >= config_.nodes.size())
        return found;
    return find_in_domain(text, config_.nodes[*said_by]);
}

std::optional<node_index> node_names::find(const routing::hostname_text& hostname,
                                           std::optional<node_index> said_by) const {
    if (!hostname.coded)
        return find(hostname.written, said_by);
    std::array<char, text_bytes_max> room;
    const std::size_t length =
        routing::xml::decode_value(hostname.written, room.data(), room.size());
    if (length == routing::xml::does_not_fit)
        return std::nullopt;
    return find(std::string_view(room.data(), length), said_by);
}

// A path as it is, or a node's name that somebody wrote as a path and knew nothing of the prefix.
std::optional<node_index> node_names::find_path(std::string_view path) const {
    const auto found = routes_.find(path);
    if (found || config_.prefix.empty())
        return found;
    const std::string_view segment = path.substr(1, path.find('/', 1) - 1);
    if (segment.size() + 2 < path.size())
        return std::nullopt;
    return routes_.find(joined({config_.prefix, path}).text());
}

std::optional<node_index> node_names::find_segment(std::string_view segment) const noexcept {
    return routes_.find(joined({config_.prefix, "/", segment}).text());
}

std::optional<node_index> node_names::find_in_domain(std::string_view name,
                                                     const conf::node& said_by) const {
    if (routing::ip_address::parse(name) || routing::ip_address::parse(said_by.url.host))
        return std::nullopt;
    const name_parts asked = parts_of(name);
    const std::string_view domain = parts_of(said_by.url.host).domain;
    if (asked.label.empty() || domain.empty() || !ends_domain(asked.domain, domain))
        return std::nullopt;
    return find_segment(joined({asked.label, ".", domain, asked.port}).text());
}

named_homes homes_named(std::span<const routing::hostname_text> hostnames, const node_names& names,
                        node_index said_by) {
    named_homes homes;
    std::size_t seen = 0;
    for (const routing::hostname_text& one : hostnames) {
        if (one.for_mechanism)
            continue;
        if (++seen > homes.nodes.size())
            break;
        const auto node = names.find(one, said_by);
        if (!node)
            ++homes.unknown;
        else if (homes.count == 0 || homes.nodes[0] != *node)
            homes.nodes[homes.count++] = *node;
    }
    return homes;
}

} // namespace boshgate::discovery
