// The section "nodes".

#include "conf/load_keys.hpp"
#include "conf/url.hpp"

namespace boshgate::conf {

namespace {

constexpr std::string_view node_wanted =
    "a URL such as https://node-a1.example.com:7335/httpbinding, or a map with a key url";

constexpr std::array<key_of<node_tls>, 5> tls_keys{{
    {"verify", read_member<&node_tls::verify>},
    {"ca_file", read_member<&node_tls::ca_file>},
    {"pins", read_member<&node_tls::pins>},
    {"server_name", read_member<&node_tls::server_name>},
    {"legacy", read_member<&node_tls::legacy>},
}};

void read_url(reader& in, const place& at, node& out) {
    if (const auto url = in.take(at, node_wanted, parse_http_url)) {
        out.url = *url;
    }
}

void read_tls(reader& in, const place& at, node& out) {
    read_map(in, at, "a map such as { ca_file: FILE }", tls_keys, out.tls);
}

constexpr std::array<key_of<node>, 4> node_keys{{
    {"url", read_url, "the node's BOSH URL"},
    {"aliases", read_member<&node::aliases>},
    {"host", read_member<&node::host>},
    {"tls", read_tls},
}};

} // namespace

void read_nodes(reader& in, const place& at, config& out) {
    const auto entries = in.entries(at, "a map of 'name: URL'");
    if (!entries) {
        return;
    }
    for (const place& entry : *entries) {
        node made;
        made.name = entry.key;
        made.where = entry.key_where;
        if (entry.value.kind == tree_kind::map) {
            read_map(in, entry, node_wanted, node_keys, made);
        } else {
            read_url(in, entry, made);
        }
        out.nodes.push_back(std::move(made));
    }
}

void list_node_keys(std::vector<std::string>& out) {
    list_keys(out, "nodes.<name>.", node_keys);
    list_keys(out, "nodes.<name>.tls.", tls_keys);
}

} // namespace boshgate::conf
