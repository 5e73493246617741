// The section "admin".

#include "conf/address.hpp"
#include "conf/load_keys.hpp"

namespace boshgate::conf {

namespace {

void read_address(reader& in, const place& at, admin_config& out) {
    constexpr std::string_view wanted = R"(an address such as 127.0.0.1:9380, or "")";
    if (at.value.kind == tree_kind::scalar && at.value.quoted && at.value.text.empty()) {
        out.host.clear();
        out.port = 0;
    } else if (const auto bound = in.take(at, wanted, parse_listen_address)) {
        out.host = bound->host;
        out.port = bound->port;
    }
}

constexpr std::array<key_of<admin_config>, 3> admin_keys{{
    {"address", read_address},
    {"names", read_member<&admin_config::names>},
    {"token_file", read_member<&admin_config::token_file>},
}};

} // namespace

void read_admin(reader& in, const place& at, config& out) {
    read_map(in, at, "a map such as { address: 127.0.0.1:9380 }", admin_keys, out.admin);
}

void list_admin_keys(std::vector<std::string>& out) {
    list_keys(out, "admin.", admin_keys);
}

} // namespace boshgate::conf
