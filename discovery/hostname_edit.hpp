#pragma once
// What a client gets to see of the <hostname> children of the SASL mechanisms, by which Cisco's
// client library finds its user's nodes: it makes a URL of each, and goes there.
//
// On the discovery endpoint it sees none: the proxy has found the node already, and without them
// every client logs in where it is. On a node's own path it sees names that lead back to the proxy,
// and to the node that was meant:
//
//     2014.04    "/app/node-a1": the one form that the library takes over as it stands, whatever
//                URL it was configured with; the page's origin goes before it
//     8.6.1      "app/node-a1": it puts the page's origin and a slash before it
//
// - Whoever is where the name leads keeps the URL that it came by, so that it stays.
// - A name alone comes twice, the second time in another spelling: with one name 2014.04 takes the
//   discovery node for the backup and stays there; with two equal ones it never gets beyond a dead
//   node, and comes back without a pause.
// - Nodes that are known to be dead are left out, and so are names that mean no node here. Where
//   nobody is left, all go: the client stays with the node that answered.
// - A client of another origin sees none: which URL it was configured with is not to be told, and
//   what it makes of a name is rarely one of this proxy. Nor can an 8.6.1 be helped that was
//   configured with an absolute URL of its page's own origin: it puts every name in the place of
//   the host. Such sites want `discovery.hostnames: remove`.
//
// The bytes of everything else stay. Only answers before a login are such: this may allocate.

#include "discovery/login.hpp"
#include "discovery/node_names.hpp"
#include "routing/body_edit.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::discovery {

// More in one answer are refused; CUP sends two at most, and its clients read no further.
inline constexpr std::size_t hostnames_max = 8;

// How a client makes a URL of a name.
enum class name_reading : std::uint8_t { caxl_2014, caxl_8_6 };

// name_reading_of tells it by the session request: 8.6 always says `secure`, 2014.04 never. Every
// other client ignores the names.
[[nodiscard]] name_reading name_reading_of(const routing::body_tag& session_request) noexcept;

// Who asked, for an answer on a node's own path.
struct hostname_reader {
    std::string_view target;    // of the session request: path and query as they were sent
    routing::node_index node{}; // that the path led to, and that answered
    name_reading reading = name_reading::caxl_2014;
    bool same_origin = false; // there is no Origin field, or it is that of the request's own host
};

enum class hostname_outcome : std::uint8_t {
    untouched, // there are none, or they are right as they stand
    removed,   // all of them
    rewritten,
    refused, // more than hostnames_max, or the payload is none: the answer is not to be passed on
};

// One object for each answer: it must live until the edits are written.
class hostname_edit {
  public:
    hostname_edit(const conf::config& config, const routing::route_table& routes,
                  const node_names& names) noexcept
        : config_(config), routes_(routes), names_(names) {}

    // remove takes all of them away, prefixed and empty ones too.
    [[nodiscard]] hostname_outcome remove(const routing::body_tag& tag,
                                          const routing::body_limits& limits,
                                          routing::body_edits& edits);

    // rewrite does what stands above. `tag`: of the answer. `health`: who is known to be dead; the
    // node that answered never is. Hostnames with a `mechanism` attribute go as well: Kerberos is
    // not spoken through a proxy, and CAXL takes them for its own.
    [[nodiscard]] hostname_outcome rewrite(const routing::body_tag& tag,
                                           const routing::body_limits& limits,
                                           const hostname_reader& reader, const health_view& health,
                                           routing::body_edits& edits);

  private:
    [[nodiscard]] std::optional<hostname_outcome> find(const routing::body_tag& tag,
                                                       const routing::body_limits& limits);
    [[nodiscard]] hostname_outcome remove_all(routing::body_edits& edits) const;
    [[nodiscard]] bool make_texts(const hostname_reader& reader, const health_view& health);
    [[nodiscard]] std::string path_to(routing::node_index node,
                                      const hostname_reader& reader) const;
    [[nodiscard]] std::string other_path_to(routing::node_index node, std::string_view path) const;
    [[nodiscard]] std::string public_path(routing::node_index node) const;
    [[nodiscard]] hostname_outcome put_texts(const routing::body_tag& tag,
                                             routing::body_edits& edits) const;

    const conf::config& config_;
    const routing::route_table& routes_;
    const node_names& names_;
    std::array<routing::hostname_text, hostnames_max> found_; // the first count_
    std::size_t count_ = 0;
    std::array<std::string, 2> texts_; // what goes in
};

} // namespace boshgate::discovery
