#pragma once
// A proxy, as far as the names of its nodes go.

#include "conf/config.hpp"
#include "discovery/node_names.hpp"
#include "routing/route_table.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace boshgate::tests {

[[nodiscard]] inline conf::node node_at(std::string name, std::string host,
                                        std::vector<std::string> aliases = {},
                                        std::string target = "/httpbinding") {
    conf::node node;
    node.name = std::move(name);
    node.url = {.tls = true, .host = std::move(host), .port = 7335, .target = std::move(target)};
    node.aliases = std::move(aliases);
    return node;
}

struct named_nodes {
    // more_routes: path to node name, as under `routes` in a configuration.
    explicit named_nodes(std::vector<conf::node> nodes, std::string prefix = "",
                         std::map<std::string, std::string> more_routes = {})
        : config(make(std::move(nodes), std::move(prefix), std::move(more_routes))),
          routes(config),
          names(config, routes) {}

    conf::config config;
    routing::route_table routes;
    discovery::node_names names;

  private:
    [[nodiscard]] static conf::config make(std::vector<conf::node> nodes, std::string prefix,
                                           std::map<std::string, std::string> routes) {
        conf::config config;
        config.nodes = std::move(nodes);
        config.prefix = std::move(prefix);
        config.routes = std::move(routes);
        return config;
    }
};

} // namespace boshgate::tests
