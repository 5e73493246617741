#include "proxy/snapshot.hpp"

#include "proxy/named_files.hpp"
#include "proxy/secrets_file.hpp"
#include "routing/http_head.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <utility>

#include <openssl/rand.h>
#include <sys/resource.h>

namespace boshgate::proxy {
namespace {

// Descriptors that are neither connections nor links: log files, epoll sets, listeners, files on
// their way.
constexpr std::uint64_t descriptors_reserved = 256;

std::string host_field(const conf::node& node) {
    if (!node.host.empty()) {
        return node.host;
    }
    std::string host =
        node.url.host.find(':') == std::string::npos ? node.url.host : "[" + node.url.host + "]";
    if (node.url.port != (node.url.tls ? 443 : 80)) {
        host += ":" + std::to_string(node.url.port);
    }
    return host;
}

// A held poll takes two descriptors: the client's and the link's.
std::uint32_t connections_from_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= 2 * descriptors_reserved) {
        return 256;
    }
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>((limit.rlim_cur - descriptors_reserved) / 2, 10'000'000));
}

// Where a snapshot stands among those of its process.
struct snapshot_place {
    std::uint64_t number = 1;
    discovery::node_slots slots;
};

void make_sid_tagger(snapshot& made, const std::vector<routing::tag_key>& keys) {
    std::vector<std::string> names;
    for (const conf::node& node : made.config.nodes) {
        names.push_back(node.name);
    }
    made.tags = std::make_unique<routing::sid_tagger>(keys, names);
}

// The tag of a sid names its node by a hash of the node's name.
void find_same_node_ids(const conf::config& config, conf::findings& out) {
    std::vector<std::string> names;
    for (const conf::node& node : config.nodes) {
        names.push_back(node.name);
    }
    if (const auto same = routing::same_node_id(names)) {
        out.error(conf::child_path("nodes", names[same->second]),
                  {"in sids this name could not be told from " +
                       conf::in_quotes(names[same->first]) + ", by a rare accident",
                   "another name",
                   {}});
    }
}

// Gives every node its slot. False: there are too many.
bool lay_out_nodes(conf::config& settings, snapshot_place& place, const predecessor& before,
                   conf::findings& out) {
    if (!before.now) {
        place.slots = discovery::lay_out(settings.nodes);
        return true;
    }
    const snapshot& now = *before.now;
    const std::size_t wanted = settings.nodes.size();
    place.number = now.number + 1;
    discovery::relaid relaid =
        discovery::lay_out(std::move(settings.nodes), now.slots, place.number, before.oldest);
    place.slots = std::move(relaid.slots);
    settings.nodes = discovery::nodes_there(place.slots);
    if (relaid.without == 0) {
        return true;
    }
    const bool ever = wanted > now.slots.most;
    out.error("nodes",
              {"this process has room for " + std::to_string(now.slots.most) + " nodes, and " +
                   std::to_string(wanted) + " are configured" +
                   (ever ? ""
                         : "; " + std::to_string(relaid.resting) +
                               " places are still used by requests for nodes that were "
                               "taken out"),
               ever ? "a restart, which makes room" : "another try in a minute, or a restart",
               {}});
    return false;
}

// A context for the same place with the same trust is as good as the new one, and has the node's
// newest session ticket.
void keep_tls(node_entry& entry, const node_entry& before) {
    if (entry.tls && before.tls && entry.name == before.name && entry.host == before.host &&
        entry.port == before.port && entry.tls->trust() == before.tls->trust()) {
        entry.tls = before.tls;
    }
}

// The paths of the nodes that were taken out, as far as nothing else is there now.
std::unique_ptr<const routing::route_table> routes_of_removed(const conf::config& config,
                                                              const discovery::node_slots& slots) {
    if (std::count(slots.removed_in.begin(), slots.removed_in.end(), 0U) ==
        std::ssize(slots.removed_in)) {
        return nullptr;
    }
    conf::config gone;
    gone.prefix = config.prefix;
    gone.routes = config.routes;
    gone.nodes = discovery::nodes_removed(slots);
    return std::make_unique<const routing::route_table>(gone);
}

} // namespace

snapshot::snapshot(conf::config given)
    : config(std::move(given)),
      routes(config),
      cors(config.cors),
      trusted(config.trusted_proxies),
      request_fields(config.request_headers),
      answer_fields(config.answer_headers),
      names(config, routes) {
    if (!config.discovery.lookup.path.empty()) {
        lookup_path = config.prefix + config.discovery.lookup.path;
    }
    body_limits.elements = config.limits.body_elements;
    for (std::size_t i = 0; i < config.nodes.size(); ++i) {
        if (config.nodes[i].name == config.discovery.primary) {
            primary = static_cast<routing::node_index>(i);
        }
        if (config.nodes[i].name == config.discovery.secondary) {
            secondary = static_cast<routing::node_index>(i);
        }
    }
}

std::size_t snapshot::nodes_in_use() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        nodes.begin(), nodes.end(), [](const node_entry& one) { return !one.removed; }));
}

void find_route_conflicts(const conf::config& config, conf::findings& out) {
    // The loader compares names as they are written; the table knows two spellings of one address.
    for (const routing::route_conflict& one : routing::route_table::conflicts(config)) {
        out.error(
            conf::child_path("nodes", one.second),
            {conf::in_quotes(one.path) + " would lead to " + one.first + " and to " + one.second,
             "that one of the two gives the name away",
             {}});
    }
}

std::shared_ptr<const snapshot> compile(conf::config settings, conf::findings& out,
                                        const predecessor& before) {
    const bool derived = settings.limits.connections == 0;
    if (derived) {
        settings.limits.connections = connections_from_descriptors();
    }
    snapshot_place place;
    if (!lay_out_nodes(settings, place, before, out)) {
        return nullptr;
    }
    auto made = std::make_shared<snapshot>(std::move(settings));
    made->connections_derived = derived;
    const conf::config& config = made->config;
    made->number = place.number;
    made->removed_routes = routes_of_removed(config, place.slots);
    made->slots = std::move(place.slots);
    if (before.now) {
        made->log_key = before.now->log_key; // sessions are found by it
    } else {
        RAND_bytes(made->log_key.data(), static_cast<int>(made->log_key.size()));
    }

    find_route_conflicts(config, out);
    named_files opened = open_named_files(config, out);
    for (std::size_t i = 0; i < config.nodes.size(); ++i) {
        const conf::node& node = config.nodes[i];
        node_entry entry;
        entry.name = node.name;
        entry.host = node.url.host;
        entry.port = node.url.port;
        const std::string rest =
            " " + node.url.target + " HTTP/1.1\r\nHost: " + host_field(node) + "\r\n";
        entry.post_start = "POST" + rest;
        entry.get_start = "GET" + rest;
        entry.tls = std::move(opened.node_tls[i]);
        entry.removed = made->slots.removed_in[i] != 0;
        if (before.now && i < before.now->nodes.size()) {
            keep_tls(entry, before.now->nodes[i]);
        }
        made->nodes.push_back(std::move(entry));
    }
    made->tls = std::move(opened.listener_tls);
    made->files = std::move(opened.web_root);
    made->admin_tokens = std::move(opened.admin_tokens);
    if (!config.discovery.path.empty()) {
        find_same_node_ids(config, out);
        if (!out.any_error()) {
            make_sid_tagger(*made, config.discovery.keys_file.empty()
                                       ? std::vector{secret_of_process()}
                                       : std::move(opened.sid_secrets));
        }
    }
    return out.any_error() ? nullptr : made;
}

} // namespace boshgate::proxy
