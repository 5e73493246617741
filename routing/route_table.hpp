#pragma once
// Maps the path of a request to a node. The client's path itself never travels: a node gets its configured URL.
//
// A node answers to its name, its FQDN or address, host:port, and its aliases, in any letter case, with or
// without one trailing slash: names that service discovery handed out come back as paths for months.

#include "conf/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace boshgate::routing {

// Index into config::nodes of the snapshot that the table was built from.
using node_index = std::uint16_t;

// Two routes that cannot both be right: the path, and the two nodes that claim it.
struct route_conflict {
    std::string path;
    std::string first, second; // node names
};

// node_names lists every path segment under which clients may ask for a node, lower case, without duplicates:
// name, URL host, host:port, aliases, alias:port; an IPv6 address bare and in brackets. The first label of a
// fully qualified host is not among them unless it is the node's name or an alias.
[[nodiscard]] std::vector<std::string> node_names(const conf::node& node);

class route_table {
  public:
    // Longest path that is looked up; a longer one has no route.
    static constexpr std::size_t path_bytes_max = 512;

    explicit route_table(const conf::config& config);

    // find returns the node of a path (no query), or nullopt. Only exact matches and one trailing slash count:
    // percent-encoding, "//", ";" and dot segments name no node. Allocation-free.
    [[nodiscard]] std::optional<node_index> find(std::string_view path) const noexcept;

    // conflicts lists the paths that more than one node claims by name, alias or route. Where only derived names
    // collide (two nodes on one host), the first node of the file keeps the name and it is no conflict.
    [[nodiscard]] static std::vector<route_conflict> conflicts(const conf::config& config);

  private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };

    std::unordered_map<std::string, node_index, text_hash, std::equal_to<>> paths_;
};

} // namespace boshgate::routing
