#pragma once
// The immutable result of one configuration load: everything that the request path reads, compiled.
// Cores hold it by shared_ptr, one control block for each core; an exchange keeps the one it began
// with.

#include "conf/config.hpp"
#include "conf/findings.hpp"
#include "conf/secrets.hpp"
#include "discovery/login.hpp"
#include "discovery/node_names.hpp"
#include "discovery/node_slots.hpp"
#include "proxy/access_log.hpp"
#include "proxy/file_source.hpp"
#include "proxy/tls_context.hpp"
#include "routing/bosh_body.hpp"
#include "routing/client_address.hpp"
#include "routing/cors.hpp"
#include "routing/http_head.hpp"
#include "routing/name_set.hpp"
#include "routing/route_table.hpp"
#include "routing/session_hash.hpp"
#include "routing/sid_tag.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

// One node, as the request path needs it.
struct node_entry {
    std::string name;
    std::string host; // to connect to: a name or a numeric address
    std::uint16_t port = 0;
    std::string post_start; // "POST /httpbinding HTTP/1.1\r\nHost: ...\r\n"
    std::string get_start;  // the same for GET
    // nullptr: plain. That of the snapshot before where nothing has changed: it has the newest
    // session ticket.
    std::shared_ptr<const node_tls_context> tls;
    bool removed = false; // by a reload; then its name is all that is left
};

struct snapshot {
    explicit snapshot(conf::config settings);

    // Whether a node can be had, of this snapshot or of another one of the process.
    [[nodiscard]] bool in_use(routing::node_index node) const noexcept {
        return node < nodes.size() && !nodes[node].removed;
    }
    [[nodiscard]] std::size_t nodes_in_use() const noexcept;
    // removed_at returns the node that was at a path before it was taken out.
    [[nodiscard]] std::optional<routing::node_index>
    removed_at(std::string_view path) const noexcept {
        return removed_routes ? removed_routes->find(path) : std::nullopt;
    }

    std::uint64_t number = 1; // counts the snapshots of a process
    discovery::node_slots slots;
    conf::config config;                                        // its nodes are nodes_there(slots)
    std::unique_ptr<const routing::route_table> removed_routes; // nullptr: none was taken out
    bool connections_derived = false; // limits.connections was 0: it is what descriptors allow
    routing::route_table routes;
    routing::cors_policy cors;
    routing::trusted_proxies trusted;
    routing::name_set request_fields;             // of a client's request, passed to nodes
    routing::name_set answer_fields;              // of a node's answer, passed to clients
    std::vector<node_entry> nodes;                // index: routing::node_index
    std::vector<std::unique_ptr<server_tls>> tls; // by listener; nullptr: plain
    std::unique_ptr<file_source> files;           // nullptr: no web_root
    routing::body_limits body_limits;
    routing::session_hash_key log_key{};    // of the hash that stands for sids in the log
    std::vector<conf::secret> admin_tokens; // empty: nobody may change anything
    // Of the discovery endpoint.
    discovery::node_names names; // what a <hostname> means
    routing::node_index primary = discovery::no_node;
    routing::node_index secondary = discovery::no_node;
    std::string lookup_path;                   // with the prefix; empty: there is none
    std::unique_ptr<routing::sid_tagger> tags; // nullptr: there is no discovery endpoint
};

// find_route_conflicts reports paths that lead to two nodes, by two spellings of one address. Takes
// configurations with errors too.
void find_route_conflicts(const conf::config& config, conf::findings& out);

// What a reload goes on from.
struct predecessor {
    std::shared_ptr<const snapshot> now; // nullptr: there is none, the process starts
    std::uint64_t oldest = 0;            // number of the oldest one that something still holds
};

// compile takes a configuration without errors and opens what it names (named_files.hpp). nullptr
// when something cannot be used, and `out` says what; it also gets what is loud but legal. After
// `before`, nodes keep their index, and secrets that the process made for itself stay.
[[nodiscard]] std::shared_ptr<const snapshot> compile(conf::config settings, conf::findings& out,
                                                      const predecessor& before = {});

} // namespace boshgate::proxy
