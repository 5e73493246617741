#pragma once
// From what an Apache configuration says to a boshgate configuration: paths to nodes, virtual hosts
// to listeners, Header lines to cors. Every part notes what it could not take over.

#include "conf/apache_site.hpp"
#include "conf/config.hpp"
#include "conf/print.hpp"

#include <set>
#include <string>
#include <vector>

namespace boshgate::conf {

class apache_builder {
  public:
    explicit apache_builder(apache_site& site);

    // Fills config and remarks; config.nodes stays empty when no path leads to a node.
    void build();

    config made;
    remarks comments;

  private:
    // A path that leads to a node, and the node's place in made.nodes.
    struct mapping {
        std::string path;
        std::size_t node;
        apache_source at;
    };
    struct bound_address {
        std::string host; // empty: any
        std::string port; // empty or "*": any
    };
    // A listener that is being put together, and the servers that are reached through it.
    struct open_listener {
        std::string host;
        std::uint16_t port = 0;
        std::vector<std::size_t> servers;
    };

    void note(apache_note_kind kind, const apache_source& at, std::string why);
    [[nodiscard]] const apache_server& main() const { return site_.servers.front(); }

    void find_servers();
    void note_names();
    void add_paths(std::size_t server);
    void add_path(const apache_server& server, const apache_proxy_pass& pass);
    [[nodiscard]] bool is_refused(const apache_proxy_pass& pass, std::string& path, http_url& url);
    [[nodiscard]] std::optional<std::size_t>
    node_for(const apache_server& server, const http_url& url, const apache_proxy_pass& pass);
    [[nodiscard]] node_tls tls_of(const apache_server& server, const apache_proxy_pass& pass);
    void find_prefix();
    void name_nodes();
    [[nodiscard]] std::string name_for(std::size_t index, std::set<std::string>& taken) const;
    void add_routes();

    void add_listeners();
    void add_listener(std::vector<open_listener>& all, std::string host, const std::string& port,
                      std::size_t server);
    void finish_listener(const open_listener& open);
    void add_certificates(listener& l, const std::vector<std::size_t>& servers);
    void add_web_root();
    void add_headers();
    void add_cors_header(const apache_header& header);
    void add_origins(const apache_header& header);
    void add_names(const apache_header& header, std::vector<std::string>& out);
    void finish_cors();
    [[nodiscard]] bool concerns_nodes(const apache_header& header) const;
    void add_bounds();
    [[nodiscard]] std::string file_name(const std::string& text, const apache_source& at);

    apache_site& site_;
    std::vector<std::size_t> relevant_; // servers through which nodes are reached
    std::vector<mapping> mappings_;
    std::vector<apache_proxy_pass> exclusions_;
    std::set<std::pair<std::string, int>> unverified_noted_;
    bool engine_noted_ = false;
    apache_source credentials_at_;
};

} // namespace boshgate::conf
