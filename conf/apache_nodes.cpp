// ProxyPass lines to nodes and routes.

#include "conf/address.hpp"
#include "conf/apache_build.hpp"
#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"
#include "conf/url.hpp"

#include <algorithm>
#include <array>

namespace boshgate::conf {

namespace {

// Path names that say what is there, not where: the node gets its host's name then.
constexpr std::array<std::string_view, 8> generic_names{
    "httpbinding", "http-binding", "http-bind", "http_bind", "httpbind", "bosh", "xmpp", "jabber"};

// Empty when the host says nothing about the node.
std::string first_label(const std::string& host) {
    const bool nameless = host == "localhost" || parse_address(host);
    return nameless ? std::string{} : host.substr(0, host.find('.'));
}

// The last segment when the path is prefix + "/" + segment; else empty.
std::string segment_below(const std::string& path, const std::string& prefix) {
    if (!path.starts_with(prefix + '/')) {
        return {};
    }
    const std::string rest = path.substr(prefix.size() + 1);
    return rest.find('/') == std::string::npos ? rest : std::string{};
}

bool lies_below(std::string_view path, std::string_view above) {
    while (above.ends_with('/')) {
        above.remove_suffix(1);
    }
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

} // namespace

void apache_builder::add_paths(std::size_t server) {
    exclusions_.clear(); // they hold for one server
    const apache_server& chosen = site_.servers[server];
    for (const apache_proxy_pass& pass : chosen.passes) {
        add_path(chosen, pass);
    }
}

bool apache_builder::is_refused(const apache_proxy_pass& pass, std::string& path, http_url& url) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    for (const apache_proxy_pass& exclusion : exclusions_) {
        if (lies_below(path, exclusion.path)) {
            note(apache_note_kind::dropped, pass.at,
                 "line " + std::to_string(exclusion.at.line) + " excludes this path");
            return true;
        }
    }
    if (path == "/") {
        note(apache_note_kind::dropped, pass.at,
             "a whole site is not passed on, only single paths; serve its files with web_root");
        return true;
    }
    if (const auto why = check_path(path)) {
        note(apache_note_kind::dropped, pass.at, why->what);
        return true;
    }
    const std::string scheme = to_lower(pass.url.substr(0, pass.url.find(':')));
    if (scheme == "ws" || scheme == "wss") {
        note(apache_note_kind::dropped, pass.at, "WebSocket is not passed on");
        return true;
    }
    const auto read = parse_http_url(pass.url);
    if (!read) {
        note(apache_note_kind::dropped, pass.at, read.why().what);
        return true;
    }
    url = *read;
    return false;
}

void apache_builder::add_path(const apache_server& server, const apache_proxy_pass& pass) {
    if (pass.url == "!") {
        exclusions_.push_back(pass);
        note(apache_note_kind::unrelated, pass.at, "exclusion");
        return;
    }
    std::string path = pass.path;
    http_url url;
    if (is_refused(pass, path, url)) {
        return;
    }
    const std::string folded = to_lower(path);
    const auto same = std::find_if(mappings_.begin(), mappings_.end(),
                                   [&](const mapping& m) { return to_lower(m.path) == folded; });
    if (same != mappings_.end()) {
        const bool repeated = made.nodes[same->node].url == url;
        note(repeated ? apache_note_kind::unrelated : apache_note_kind::dropped, pass.at,
             repeated ? "repeated"
                      : "this path already leads to another node in line " +
                            std::to_string(same->at.line) + "; there are no virtual hosts here");
        return;
    }
    if (const auto index = node_for(server, url, pass)) {
        mappings_.push_back({path, *index, pass.at});
        if (pass.path.ends_with('/')) {
            note(apache_note_kind::changed, pass.at,
                 "only " + path + " itself is passed on, nothing below it");
        }
    }
}

std::optional<std::size_t> apache_builder::node_for(const apache_server& server,
                                                    const http_url& url,
                                                    const apache_proxy_pass& pass) {
    node wanted;
    wanted.url = url;
    wanted.tls = tls_of(server, pass);
    if (server.preserve_host.value_or(main().preserve_host.value_or(false))) {
        const std::string& name = server.name.empty() ? main().name : server.name;
        if (name.empty() || check_host_field(name)) {
            note(apache_note_kind::changed, pass.at,
                 "ProxyPreserveHost without a ServerName: the node gets its own name as Host");
        } else if (name != url.host) {
            wanted.host = name;
        }
    }
    for (std::size_t i = 0; i < made.nodes.size(); ++i) {
        const node& known = made.nodes[i];
        if (known.url == wanted.url && known.host == wanted.host && known.tls == wanted.tls) {
            return i;
        }
    }
    if (made.nodes.size() >= nodes_most || mappings_.size() >= routes_most) {
        note(apache_note_kind::dropped, pass.at, "there are too many nodes");
        return std::nullopt;
    }
    made.nodes.push_back(std::move(wanted));
    return made.nodes.size() - 1;
}

node_tls apache_builder::tls_of(const apache_server& server, const apache_proxy_pass& pass) {
    node_tls out;
    if (!to_lower(pass.url).starts_with("https:")) {
        return out;
    }
    // The nearest place that says something wins: <Proxy URL>, the virtual host, the main server.
    std::vector<const apache_node_tls*> places{&server.node_tls, &main().node_tls};
    for (const auto& [url, section] : site_.proxy_sections) {
        if (to_lower(pass.url).starts_with(url)) {
            places.insert(places.begin(), &section);
        }
    }
    std::optional<apache_value<bool>> verify;
    std::optional<apache_value<bool>> check_name;
    bool engine = false;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        const apache_node_tls& t = **place;
        engine = t.engine.value_or(engine);
        verify = t.verify ? t.verify : verify;
        check_name = t.check_name ? t.check_name : check_name;
        out.ca_file = t.ca_file.empty() ? out.ca_file : t.ca_file;
        out.legacy = out.legacy || t.legacy;
    }
    if (!engine && !engine_noted_) {
        engine_noted_ = true;
        note(apache_note_kind::changed, pass.at,
             "Apache answers 500 here without SSLProxyEngine on");
    }
    out.verify = verify && verify->value;
    if (!out.verify) {
        out.ca_file.clear(); // nothing would be checked against it
        const apache_source& at = verify ? verify->at : pass.at;
        if (unverified_noted_.emplace(at.origin, verify ? at.line : 0).second) {
            note(apache_note_kind::changed, at,
                 "Apache does not look at the certificates of nodes here; kept so with verify: "
                 "false. "
                 "A pin or a ca_file is safer");
        }
        return out;
    }
    out.ca_file = file_name(out.ca_file, verify->at);
    if (check_name && !check_name->value) {
        note(apache_note_kind::changed, check_name->at,
             "with a ca_file the name is always checked: set tls.server_name to the one in the "
             "certificate, or use a pin");
    }
    return out;
}

// Two or more paths, all of them of the form /app/NAME.
void apache_builder::find_prefix() {
    if (mappings_.size() < 2) {
        return;
    }
    const std::string& first = mappings_.front().path;
    const std::string prefix = first.substr(0, first.rfind('/'));
    const bool common =
        !prefix.empty() && std::all_of(mappings_.begin(), mappings_.end(), [&](const auto& m) {
            return !segment_below(m.path, prefix).empty();
        });
    if (common) {
        made.prefix = prefix;
    }
}

std::string apache_builder::name_for(std::size_t index, std::set<std::string>& taken) const {
    const std::string& host = made.nodes[index].url.host;
    const std::string label = first_label(host);
    std::vector<std::string> candidates;
    std::string fallback;
    for (const mapping& m : mappings_) {
        const std::string segment = m.node == index ? segment_below(m.path, made.prefix) : "";
        const std::string folded = to_lower(segment);
        if (segment.empty()) {
            continue;
        }
        if (folded == host || folded == label ||
            (!label.empty() && folded.starts_with(label + '.'))) {
            candidates.insert(candidates.begin(), segment);
        } else if (std::find(generic_names.begin(), generic_names.end(), folded) ==
                   generic_names.end()) {
            candidates.push_back(segment);
        } else if (fallback.empty()) {
            fallback = segment;
        }
    }
    candidates.push_back(label);
    candidates.push_back(fallback);
    if (!label.empty()) {
        candidates.push_back(label + '-' + std::to_string(made.nodes[index].url.port));
    }
    candidates.push_back(host);
    const auto is_free = [&](const std::string& name) {
        const std::string path = to_lower(made.prefix + '/' + name);
        return !name.empty() && !check_node_name(name) && !taken.contains(to_lower(name)) &&
               std::none_of(mappings_.begin(), mappings_.end(), [&](const mapping& m) {
                   return m.node != index && to_lower(m.path) == path;
               });
    };
    for (const std::string& name : candidates) {
        if (is_free(name)) {
            return name;
        }
    }
    for (std::size_t number = 1;; ++number) { // ends: there are fewer nodes than numbers
        if (std::string name = "node-" + std::to_string(number); is_free(name)) {
            return name;
        }
    }
}

void apache_builder::name_nodes() {
    std::set<std::string> taken;
    for (std::size_t i = 0; i < made.nodes.size(); ++i) {
        made.nodes[i].name = name_for(i, taken);
        taken.insert(to_lower(made.nodes[i].name));
        if (!made.nodes[i].tls.verify) {
            comments[child_path("nodes", made.nodes[i].name)] =
                "Any certificate is taken, as Apache did. Safer: tls: { pins: [...] } or ca_file";
        }
    }
}

void apache_builder::add_routes() {
    for (const mapping& m : mappings_) {
        const std::string& name = made.nodes[m.node].name;
        if (to_lower(m.path) != to_lower(made.prefix + '/' + name)) {
            made.routes[m.path] = name;
        }
    }
}

} // namespace boshgate::conf
