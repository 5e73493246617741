// Nodes, their TLS settings, and who answers at which path.

#include "conf/address.hpp"
#include "conf/bounds.hpp"
#include "conf/suggest.hpp"
#include "conf/syntax.hpp"
#include "conf/validate_rules.hpp"

#include <map>

namespace boshgate::conf {

namespace {

std::string node_path(const node& n) {
    return child_path("nodes", n.name);
}

void check_tls(const node& n, findings& out) {
    const std::string path = node_path(n) + ".tls";
    const node_tls& tls = n.tls;
    const bool anything = !tls.verify || !tls.ca_file.empty() || !tls.pins.empty() ||
                          !tls.server_name.empty() || tls.legacy;
    if (anything && !n.url.tls && n.url.port != 0) {
        out.error(path, {"the node's URL is http, so this has no effect",
                         "an https URL, or no tls section",
                         {}});
        return;
    }
    if (!tls.verify && !tls.pins.empty()) {
        out.error(path + ".pins",
                  {"verify is false, so no pin would be looked at",
                   "pins without verify: a pin replaces the check of chain and name",
                   {}});
    }
    if (!tls.verify && !tls.ca_file.empty()) {
        out.error(path + ".ca_file", {"verify is false, so the file would not be used",
                                      "ca_file without verify: false",
                                      {}});
    }
    if (tls.verify && !tls.pins.empty() && !tls.ca_file.empty()) {
        out.warning(path + ".ca_file",
                    {"pins replace the check of the chain, so the file is not used",
                     "either pins or ca_file",
                     {}});
    }
    for (std::size_t i = 0; i < tls.pins.size(); ++i) {
        out.check(item_path(path + ".pins", i), check_pin(tls.pins[i]));
    }
    if (!tls.server_name.empty() && !is_host_name(tls.server_name) &&
        !parse_address(tls.server_name)) {
        out.error(path + ".server_name", {in_quotes(tls.server_name) + " is not a host name",
                                          "a name such as node-a1.example.com",
                                          {}});
    }
}

void check_node(const node& n, findings& out) {
    const std::string path = node_path(n);
    if (auto why = check_node_name(n.name)) {
        out.error_at(n.where, path, std::move(*why));
    }
    if (n.aliases.size() > aliases_most) {
        out.error(path + ".aliases",
                  {"there are more than " + std::to_string(aliases_most), {}, {}});
    }
    for (std::size_t i = 0; i < n.aliases.size(); ++i) {
        out.check(item_path(path + ".aliases", i), check_node_name(n.aliases[i]));
    }
    if (!n.host.empty()) {
        out.check(path + ".host", check_host_field(n.host));
    }
    check_tls(n, out);
}

// Who has been given a path in writing: as name, alias or route.
struct owner {
    const node* holder;
    std::string as; // "the name of node-a1"
};
using owners = std::map<std::string, owner>;

void claim(owners& known, std::string path, const node& n, std::string as, const std::string& where,
           findings& out) {
    const auto [found, is_new] = known.emplace(std::move(path), owner{&n, std::move(as)});
    if (!is_new && found->second.holder != &n) {
        out.error(where, {"requests for " + in_quotes(found->first) +
                              " would belong to two nodes; it is " + found->second.as,
                          "a path for each node",
                          {}});
    }
}

void check_route(const config& settings, const std::string& route, const std::string& name,
                 owners& known, findings& out) {
    const std::string path = child_path("routes", route);
    out.check(path, check_path(route));
    if (const node* target = known_node(settings, name, path, out)) {
        claim(known, to_lower(route), *target, "the route to " + name, path, out);
    }
}

// Paths with one answer of ours: what a node or the discovery endpoint has, they cannot have.
void check_own_path(const config& settings, const std::string& base, const std::string& whole,
                    std::string_view key, const owners& known, findings& out) {
    const std::string endpoint = base + to_lower(settings.discovery.path);
    const auto taken = known.find(whole);
    if (taken == known.end() && whole != endpoint && !whole.starts_with(endpoint + '/')) {
        return;
    }
    out.error("discovery." + std::string{key},
              {"requests for " + in_quotes(whole) + " have another answer; it is " +
                   (taken == known.end() ? "of the discovery endpoint" : taken->second.as),
               "a path that nothing else has",
               {}});
}

void check_own_paths(const config& settings, const std::string& base, const owners& known,
                     findings& out) {
    const discovery_config& d = settings.discovery;
    if (d.path.empty() || check_path(d.path)) {
        return; // validate_discovery has said so
    }
    if (!d.lookup.path.empty() && !check_path(d.lookup.path)) {
        check_own_path(settings, base, base + to_lower(d.lookup.path), "lookup.path", known, out);
    }
    for (const std::string_view path : host_meta_paths) {
        if (d.host_meta) {
            check_own_path(settings, base, std::string{path}, "host_meta", known, out);
        }
    }
}

// The discovery endpoint takes its path and, for the hint, everything below it.
void check_discovery_path(const config& settings, const std::string& base, const owners& known,
                          findings& out) {
    const std::string& path = settings.discovery.path;
    if (path.empty() || check_path(path)) {
        return; // validate_discovery has said so
    }
    const std::string whole = base + to_lower(path);
    for (const auto& [taken, who] : known) {
        if (taken == whole || taken.starts_with(whole + '/')) {
            out.error("discovery.path",
                      {"requests for " + in_quotes(taken) +
                           " would belong to the discovery endpoint; it is " + who.as,
                       "a path that nothing else has, nor is below",
                       {}});
        }
    }
    for (const node& n : settings.nodes) {
        if (base + '/' + n.url.host == whole) {
            out.warning(node_path(n), {"requests for " + in_quotes(whole) +
                                           ", the host of this node, go to the discovery endpoint",
                                       {},
                                       {}});
        }
    }
}

// A written name beats the host of another node's URL. That is legal, and hardly ever meant.
void check_hosts(const config& settings, const owners& known, findings& out) {
    for (const node& n : settings.nodes) {
        if (n.url.host.empty()) {
            continue;
        }
        const auto found = known.find(to_lower(settings.prefix) + '/' + n.url.host);
        if (found != known.end() && found->second.holder != &n) {
            out.warning(node_path(n),
                        {"requests for " + in_quotes(found->first) +
                             ", the host of this node, go to " +
                             in_quotes(found->second.holder->name) + ": it is " + found->second.as,
                         {},
                         {}});
        }
    }
}

} // namespace

const node* known_node(const config& settings, std::string_view name, const std::string& path,
                       findings& out) {
    std::vector<std::string_view> names;
    for (const node& n : settings.nodes) {
        if (n.name == name) {
            return &n;
        }
        if (out.wants_hints()) {
            names.push_back(n.name);
        }
    }
    const bool is_url = name.find("://") != std::string::npos;
    out.error(path, {in_quotes(name) + (is_url ? " is a URL" : " is not a node"),
                     "a name under nodes", std::string{closest(name, names)}});
    return nullptr;
}

void validate_nodes(const config& settings, findings& out) {
    if (settings.nodes.size() > nodes_most) {
        out.error("nodes", {"there are more than " + std::to_string(nodes_most), {}, {}});
        return;
    }
    if (settings.nodes.empty()) {
        const bool files = settings.web_root.has_value();
        const fault why{"there is no node", "at least one 'name: URL'", {}};
        files ? out.warning("nodes", why) : out.error("nodes", why);
    }
    for (const node& n : settings.nodes) {
        check_node(n, out);
    }
}

void validate_paths(const config& settings, findings& out) {
    if (!settings.prefix.empty()) {
        out.check("prefix", check_path(settings.prefix));
    }
    if (settings.routes.size() > routes_most) {
        out.error("routes", {"there are more than " + std::to_string(routes_most), {}, {}});
        return;
    }
    owners known;
    const bool usable = settings.prefix.empty() || !check_path(settings.prefix);
    const std::string prefix = usable ? to_lower(settings.prefix) : "";
    const std::string base = prefix + '/';
    for (const node& n : settings.nodes) {
        claim(known, base + to_lower(n.name), n, "the name of " + n.name, node_path(n), out);
    }
    for (const node& n : settings.nodes) {
        for (std::size_t i = 0; i < n.aliases.size(); ++i) {
            claim(known, base + to_lower(n.aliases[i]), n, "an alias of " + n.name,
                  item_path(node_path(n) + ".aliases", i), out);
        }
    }
    for (const auto& [route, name] : settings.routes) {
        check_route(settings, route, name, known, out);
    }
    check_hosts(settings, known, out);
    check_discovery_path(settings, prefix, known, out);
    check_own_paths(settings, prefix, known, out);
}

} // namespace boshgate::conf
