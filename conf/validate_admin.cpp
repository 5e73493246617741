// The section "admin". Whether the address is another listener's, validate_listeners() knows.

#include "conf/address.hpp"
#include "conf/bounds.hpp"
#include "conf/validate_rules.hpp"

namespace boshgate::conf {

namespace {

bool is_loopback(const numeric_address& address) noexcept {
    const auto& bytes = address.bytes;
    if (!address.v6) {
        return bytes[12] == 127;
    }
    numeric_address one;
    one.v6 = true;
    one.bytes.back() = 1;
    return address == one;
}

void check_unused(const admin_config& admin, findings& out) {
    const fault nothing{
        "there is no address, so this has no effect", "admin.address, such as 127.0.0.1:9380", {}};
    if (!admin.names.empty()) {
        out.error("admin.names", nothing);
    }
    if (!admin.token_file.empty()) {
        out.error("admin.token_file", nothing);
    }
}

} // namespace

void validate_admin(const config& settings, findings& out) {
    const admin_config& admin = settings.admin;
    if (admin.host.empty()) {
        check_unused(admin, out);
        return;
    }
    const auto address = parse_address(admin.host);
    if (!address) {
        out.error("admin.address", {in_quotes(admin.host) + " is not a numeric address",
                                    "an address such as 127.0.0.1",
                                    {}});
    } else if (!is_loopback(*address)) {
        out.warning("admin.address",
                    {"other machines can reach it, and it has no TLS: what they read, and the "
                     "token, can be read on the way",
                     "a loopback address, or a network that only operators are in",
                     {}});
    }
    if (admin.names.size() > admin_names_most) {
        out.error("admin.names",
                  {"there are more than " + std::to_string(admin_names_most), {}, {}});
    }
    for (std::size_t i = 0; i < admin.names.size(); ++i) {
        const std::string& name = admin.names[i];
        if (!is_host_name(name) || parse_address(name)) {
            out.error(item_path("admin.names", i),
                      {in_quotes(name) + " is not a host name",
                       parse_address(name) ? "a name; numeric addresses are taken anyway"
                                           : "a name without scheme and port, such as boshgate",
                       {}});
        }
    }
}

} // namespace boshgate::conf
