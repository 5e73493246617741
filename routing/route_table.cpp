#include "routing/route_table.hpp"

#include "conf/bounds.hpp"
#include "routing/ascii.hpp"
#include "routing/ip_address.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <unordered_map>

namespace boshgate::routing {
namespace {

// "/prefix" + "/" + "[name]" + ":65535"
static_assert(2 * conf::names_bytes_most + 1 + conf::names_bytes_most + 2 + 6 <=
              route_table::path_bytes_max);
static_assert(conf::nodes_most <= std::numeric_limits<node_index>::max());

// A path segment that stands for a node. `written`: somebody wrote it as a name; otherwise we
// derived it.
struct claim {
    std::string name;
    bool written = false;
};

// Whether an authority ends in a port of its own. A bare IPv6 address has colons, but no port.
bool has_port(std::string_view authority) {
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == authority.size())
        return false;
    const auto port = authority.substr(colon + 1);
    if (!std::all_of(port.begin(), port.end(), is_digit))
        return false;
    return authority.find(':') == colon || authority[colon - 1] == ']';
}

// An authority whose host is an IP address, in its one spelling: the address as RFC 5952 wants it,
// bare or, with a port, in brackets; an IPv4 address that was written as IPv6 in dotted form.
// Writes into `out`, which may not overlap. Empty: the host is no address, or too long for `out`.
std::string_view canonical_address(std::string_view authority, std::span<char> out) noexcept {
    std::string_view port;
    if (has_port(authority)) {
        port = authority.substr(authority.rfind(':'));
        authority.remove_suffix(port.size());
    }
    const auto address = ip_address::parse(authority);
    if (!address)
        return {};
    std::array<char, 46> text;
    const std::string_view host = address->print(text);
    const bool brackets = !port.empty() && !address->is_v4();
    if (host.size() + port.size() + 2 > out.size())
        return {};
    char* end = out.data();
    if (brackets)
        *end++ = '[';
    end = std::copy(host.begin(), host.end(), end);
    if (brackets)
        *end++ = ']';
    end = std::copy(port.begin(), port.end(), end);
    return {out.data(), static_cast<std::size_t>(end - out.data())};
}

// The spellings of one authority that mean the same: for an IPv6 address as written and as RFC 5952
// wants it, without a port also with and without brackets; for a name with a final dot also
// without. find() knows every other spelling of an address by the canonical one.
std::vector<std::string> spellings(std::string_view written) {
    auto text = to_lower(written);
    if (text.find(':') != std::string::npos) {
        std::array<char, 64> buffer;
        const std::string canonical(canonical_address(text, buffer));
        if (canonical.empty())
            return {text};
        if (has_port(text))
            return {text, canonical};
        if (text.front() == '[')
            text = text.substr(1, text.size() - 2);
        std::vector<std::string> all{text, "[" + text + "]", canonical};
        if (canonical.find(':') != std::string::npos)
            all.push_back("[" + canonical + "]");
        return all;
    }
    std::vector<std::string> all{text};
    if (text.size() > 1 && text.back() == '.')
        all.push_back(text.substr(0, text.size() - 1));
    return all;
}

std::vector<claim> claims_of(const conf::node& node) {
    std::vector<claim> claims;
    const auto add = [&claims](std::string name, bool written) {
        const auto same = [&name](const claim& known) { return known.name == name; };
        if (!name.empty() && std::none_of(claims.begin(), claims.end(), same))
            claims.push_back({std::move(name), written});
    };
    const auto add_spellings = [&add](std::string_view text, bool written) {
        for (auto& name : spellings(text))
            add(std::move(name), written);
    };
    add_spellings(node.name, true);
    for (const auto& alias : node.aliases)
        add_spellings(alias, true);
    add_spellings(node.url.host, false);

    const auto port = ":" + std::to_string(node.url.port);
    const auto bare = claims.size();
    for (std::size_t i = 0; i < bare; ++i) {
        const auto name = claims[i].name;
        const bool bare_ipv6 = name.find(':') != std::string::npos && name.front() != '[';
        if (!has_port(name) && !bare_ipv6)
            add(name + port, false);
    }
    return claims;
}

// A path without its trailing slash. Of "//" no slash is a trailing one, and "/" is all slash.
std::string_view without_slash(std::string_view path) noexcept {
    const bool trailing = path.size() > 1 && path.back() == '/' && path[path.size() - 2] != '/';
    return trailing ? path.substr(0, path.size() - 1) : path;
}

// A path as the table keeps it.
std::string key_of(std::string_view path) {
    return to_lower(without_slash(path));
}

struct path_claim {
    std::string path;
    node_index node = 0;
    bool written = false;
};

std::vector<path_claim> path_claims(const conf::config& config) {
    std::vector<path_claim> all;
    const auto count =
        std::min<std::size_t>(config.nodes.size(), std::numeric_limits<node_index>::max());
    for (std::size_t i = 0; i < count; ++i) {
        if (config.nodes[i].url.host.empty())
            continue;
        for (const auto& [name, written] : claims_of(config.nodes[i]))
            all.push_back(
                {key_of(config.prefix + "/" + name), static_cast<node_index>(i), written});
    }
    for (const auto& [path, name] : config.routes) {
        for (std::size_t i = 0; i < count; ++i)
            if (config.nodes[i].name == name && !config.nodes[i].url.host.empty()) {
                all.push_back({key_of(path), static_cast<node_index>(i), true});
                break;
            }
    }
    return all;
}

} // namespace

std::vector<std::string> node_names(const conf::node& node) {
    std::vector<std::string> names;
    for (auto& entry : claims_of(node))
        names.push_back(std::move(entry.name));
    return names;
}

route_table::route_table(const conf::config& config) {
    if (!config.discovery.path.empty())
        discovery_ = key_of(config.prefix + config.discovery.path);
    const auto claims = path_claims(config);
    for (const bool written : {true, false})
        for (const auto& entry : claims)
            if (entry.written == written && entry.path != discovery_)
                paths_.insert(entry.path, entry.node);
}

std::optional<node_index> route_table::find(std::string_view path) const noexcept {
    path = without_slash(path);
    if (path.empty() || path.size() > path_bytes_max)
        return std::nullopt;
    std::array<char, path_bytes_max> lower;
    to_lower(path, lower.data());
    const std::string_view key(lower.data(), path.size());
    const std::optional<node_index> found = paths_.find(key);
    const std::size_t name = key.rfind('/') + 1;
    if (found || key.find(':', name) == std::string_view::npos)
        return found;
    // Not as it was written anywhere. An address has many spellings (RFC 4291 2.2): ask for the
    // canonical one.
    std::array<char, path_bytes_max> other;
    std::copy_n(lower.begin(), name, other.begin());
    const std::string_view canonical =
        canonical_address(key.substr(name), std::span(other).subspan(name));
    return canonical.empty() ? std::nullopt : paths_.find({other.data(), name + canonical.size()});
}

std::vector<route_conflict> route_table::conflicts(const conf::config& config) {
    std::vector<route_conflict> all;
    std::unordered_map<std::string, node_index> owners;
    for (const auto& entry : path_claims(config)) {
        if (!entry.written)
            continue;
        const auto [owner, fresh] = owners.try_emplace(entry.path, entry.node);
        if (fresh || owner->second == entry.node)
            continue;
        const auto [first, second] = std::minmax(owner->second, entry.node);
        route_conflict conflict{entry.path, config.nodes[first].name, config.nodes[second].name};
        if (std::find(all.begin(), all.end(), conflict) == all.end())
            all.push_back(std::move(conflict));
    }
    return all;
}

} // namespace boshgate::routing
