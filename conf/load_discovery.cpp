// The section "discovery".

#include "conf/load_keys.hpp"
#include "conf/load_numbers.hpp"

namespace boshgate::conf {

namespace {

constexpr std::array<std::string_view, 3> hostnames_words{"rewrite", "remove", "keep"};

constexpr std::array<key_of<discovery_cache>, 2> cache_keys{{
    {"users", read_by<discovery_cache_bounds>},
    {"keep", read_by<discovery_cache_bounds>},
}};

constexpr std::array<key_of<discovery_lookup>, 2> lookup_keys{{
    {"path", read_member<&discovery_lookup::path>},
    {"per_address", read_by<discovery_lookup_bounds>},
}};

constexpr std::array<key_of<discovery_config>, 14> discovery_keys{{
    {"path", read_member<&discovery_config::path>},
    {"primary", read_member<&discovery_config::primary>},
    {"secondary", read_member<&discovery_config::secondary>},
    {"user_header", read_member<&discovery_config::user_header>},
    {"step", read_by<discovery_bounds>},
    {"patience", read_by<discovery_bounds>},
    {"steps_max", read_by<discovery_bounds>},
    {"cache",
     [](reader& in, const place& at, discovery_config& out) {
         read_map(in, at, "a map such as { users: 100000, keep: 10m }", cache_keys, out.cache);
     }},
    {"move_at_auth", read_member<&discovery_config::move_at_auth>},
    {"keys_file", read_member<&discovery_config::keys_file>},
    {"hostnames",
     [](reader& in, const place& at, discovery_config& out) {
         if (const auto index = in.one_of(at, hostnames_words)) {
             out.hostnames = static_cast<hostnames_shown>(*index);
         }
     }},
    {"questions_per_address", read_by<discovery_bounds>},
    {"lookup",
     [](reader& in, const place& at, discovery_config& out) {
         read_map(in, at, "a map such as { path: /discover }", lookup_keys, out.lookup);
     }},
    {"host_meta", read_member<&discovery_config::host_meta>},
}};

} // namespace

void read_discovery(reader& in, const place& at, config& out) {
    read_map(in, at, "a map such as { path: /httpbinding, primary: node-sd1, secondary: node-sd2 }",
             discovery_keys, out.discovery);
}

void list_discovery_keys(std::vector<std::string>& out) {
    list_keys(out, "discovery.", discovery_keys);
    list_keys(out, "discovery.cache.", cache_keys);
    list_keys(out, "discovery.lookup.", lookup_keys);
}

} // namespace boshgate::conf
