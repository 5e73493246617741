#pragma once
// The node that a host name means: the text of a <hostname> that a node hands out, or the name of a
// node that somebody typed. Cisco's clients make a URL of that text and go there; the proxy only
// ever looks it up among its own nodes: what is not configured is contacted by nobody.
//
// Built for each snapshot, whose configuration and routes it looks at; read by every core.

#include "conf/url.hpp"
#include "routing/hostnames.hpp"
#include "routing/route_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace boshgate::discovery {

class node_names {
  public:
    // Longest text that is looked at, in bytes; a longer one means no node.
    static constexpr std::size_t text_bytes_max = conf::url_bytes_max;

    // Both must outlive the object, and `routes` be built from `config`.
    node_names(const conf::config& config, const routing::route_table& routes) noexcept
        : config_(config), routes_(routes) {}

    // find returns the node that a text means, without the white space around it:
    //   a name      as the routes know it: the node's name, an alias, the host of its URL, an
    //               address, each with or without the URL's port, in any letter case; one dot at
    //               the end of a host does not count;
    //   a path      of this proxy, with its prefix or without it: "/app/node-a1", "/node-a1";
    //   a URL       exactly a node's own.
    // A name that is none of these is completed the way CAXL completes it: its first label in the
    // domain of the node that said it, if it has no domain of its own, or one that is a tail of
    // that. So a cluster that says "node-a1" means its own one where two clusters have one each.
    // nullopt: no node. Only a URL makes it allocate.
    [[nodiscard]] std::optional<routing::node_index>
    find(std::string_view text, std::optional<routing::node_index> said_by = std::nullopt) const;

    // The same for a hostname as it stands in an answer of `said_by`.
    [[nodiscard]] std::optional<routing::node_index>
    find(const routing::hostname_text& hostname,
         std::optional<routing::node_index> said_by = std::nullopt) const;

  private:
    [[nodiscard]] std::optional<routing::node_index> find_path(std::string_view path) const;
    [[nodiscard]] std::optional<routing::node_index>
    find_segment(std::string_view segment) const noexcept;
    [[nodiscard]] std::optional<routing::node_index>
    find_in_domain(std::string_view name, const conf::node& said_by) const;

    const conf::config& config_;
    const routing::route_table& routes_;
};

// What the hostnames of an answer come to. The first one is the user's home node, the second the
// backup, further ones are none of Cisco's (and ignored by its clients).
struct named_homes {
    std::array<routing::node_index, 2> nodes{}; // the first `count`, home first, each once
    std::uint8_t count = 0;
    std::uint8_t unknown = 0; // of the first two, how many mean no node of this configuration

    // Whether the answer named anybody: without, the user's place is where the question went.
    [[nodiscard]] bool any() const noexcept { return count + unknown != 0; }
};

// homes_named reads hostnames as find_hostnames returned them, of an answer of `said_by`. Those
// with a `mechanism` attribute are about Kerberos (XEP-0233 0.2), and skipped.
[[nodiscard]] named_homes homes_named(std::span<const routing::hostname_text> hostnames,
                                      const node_names& names, routing::node_index said_by);

} // namespace boshgate::discovery
