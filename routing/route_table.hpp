#pragma once
// Maps the path of a request to a node, or to the discovery endpoint, which finds the node by the
// user. The client's path itself never travels: a node gets its configured URL.
//
// A node answers to its name, its FQDN or address, host:port, and its aliases, in any letter case,
// with or without one trailing slash: names that service discovery handed out come back as paths
// for months.
//
// Built once for each snapshot, read by every core without a lock.

#include "conf/config.hpp"
#include "routing/ascii.hpp"
#include "routing/text_table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

// Index into config::nodes of the snapshot that the table was built from.
using node_index = std::uint16_t;

// Two routes that cannot both be right: the path, and the two nodes that claim it.
struct route_conflict {
    std::string path;
    std::string first, second; // node names, in the order of the file
    bool operator==(const route_conflict&) const = default;
};

// node_names lists every path segment under which clients may ask for a node, lower case, without
// duplicates: name, aliases and the URL's host, each also with the URL's port unless it brings one
// along. An IPv6 address stands there bare and in brackets, as it was written and in its RFC 5952
// form; with a port only in brackets, where it can be told from the address. An FQDN that ends in a
// dot also counts without it. The first label of an FQDN is not among them unless it is the node's
// name or an alias: two clusters may well have a "node-a1" each.
[[nodiscard]] std::vector<std::string> node_names(const conf::node& node);

class route_table {
  public:
    // Longest path that is looked up; a longer one has no route. Enough for every prefix, name and
    // port that the loader accepts.
    static constexpr std::size_t path_bytes_max = 1024;

    // Node names get config.prefix put before them ("/app" + "/node-a1"); config.routes are whole
    // paths and stay as they are written, because legacy clients have them built in. A route whose
    // node does not exist is left out: the loader has refused it before. Nothing leads to a node
    // without a host, which is one that a reload has taken out (discovery/node_slots).
    explicit route_table(const conf::config& config);

    // find returns the node of a path (no query), or nullopt. Only exact matches and one trailing
    // slash count, in any letter case: percent-encoding, "//", ";" and dot segments name no node.
    // An IPv6 address counts in any spelling of RFC 4291 2.2. Allocation-free.
    [[nodiscard]] std::optional<node_index> find(std::string_view path) const noexcept;

    // find_discovery tells whether a path is that of the discovery endpoint (config.prefix +
    // config.discovery.path, in any letter case), and returns what stands behind it: one segment,
    // as it was sent, in which the client may name its user; one slash may end it. Empty: nothing,
    // or one slash. nullopt: another path, or more segments. Ask it before find(): for other paths
    // it takes a comparison of few bytes.
    [[nodiscard]] std::optional<std::string_view>
    find_discovery(std::string_view path) const noexcept {
        const std::size_t size = discovery_.size();
        if (size == 0 || path.size() < size ||
            !equal_ignoring_case(path.substr(0, size), discovery_))
            return std::nullopt;
        return behind_discovery(path.substr(size));
    }

    // conflicts lists the paths that more than one node claims by name, alias or route. A name that
    // is only derived (from the URL's host, or by adding the port) gives way to a written one, and
    // among derived ones the first node of the file keeps the name (two nodes on one host): neither
    // is a conflict.
    [[nodiscard]] static std::vector<route_conflict> conflicts(const conf::config& config);

  private:
    [[nodiscard]] static std::optional<std::string_view>
    behind_discovery(std::string_view rest) noexcept {
        if (rest.empty())
            return rest;
        if (rest.front() != '/')
            return std::nullopt;
        rest.remove_prefix(1);
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos)
            return rest;
        // One slash may end a segment; an empty one is none.
        return slash != 0 && slash + 1 == rest.size() ? std::optional(rest.substr(0, slash))
                                                      : std::nullopt;
    }

    text_table paths_;
    std::string discovery_; // lower case; empty: there is no discovery endpoint
};

} // namespace boshgate::routing
