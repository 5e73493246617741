// The section "discovery". Whether its path is free, validate_paths() knows.

#include "conf/syntax.hpp"
#include "conf/units.hpp"
#include "conf/validate_rules.hpp"

namespace boshgate::conf {

namespace {

// Keys that only mean something with a path.
void check_unused(const discovery_config& d, findings& out) {
    const std::string on = "true";
    const std::pair<std::string_view, std::string> texts[] = {
        {"primary", d.primary},         {"secondary", d.secondary},
        {"user_header", d.user_header}, {"keys_file", d.keys_file},
        {"lookup.path", d.lookup.path}, {"host_meta", d.host_meta ? on : std::string()},
    };
    for (const auto& [key, text] : texts) {
        if (!text.empty()) {
            out.error("discovery." + std::string{key}, {"there is no path, so this has no effect",
                                                        "discovery.path, such as /httpbinding",
                                                        {}});
        }
    }
}

void check_nodes(const config& settings, findings& out) {
    const discovery_config& d = settings.discovery;
    if (d.primary.empty()) {
        out.error("discovery.primary",
                  {d.secondary.empty() ? "is missing" : "is missing, but there is a secondary",
                   "the name of the node that knows the nodes of all users",
                   {}});
    } else {
        static_cast<void>(known_node(settings, d.primary, "discovery.primary", out));
    }
    if (d.secondary.empty()) {
        return;
    }
    if (d.secondary == d.primary) {
        out.error("discovery.secondary",
                  {"is the primary node again, so it could not take its place",
                   "another node, or no secondary",
                   {}});
    } else {
        static_cast<void>(known_node(settings, d.secondary, "discovery.secondary", out));
    }
}

void check_user_header(const config& settings, findings& out) {
    const std::string& name = settings.discovery.user_header;
    if (name.empty()) {
        return;
    }
    out.check("discovery.user_header", check_request_field(name));
    if (settings.trusted_proxies.empty()) {
        out.error("discovery.user_header",
                  {"is only believed from trusted_proxies, and there are none",
                   "the addresses of the balancers that write it under trusted_proxies",
                   {}});
    }
}

} // namespace

void validate_discovery(const config& settings, findings& out) {
    const discovery_config& d = settings.discovery;
    if (d.step > d.patience) {
        out.error("discovery.step", {"is above patience, so it would never be reached",
                                     "at most " + print_duration(d.patience),
                                     {}});
    }
    if (d.path.empty()) {
        check_unused(d, out);
        return;
    }
    out.check("discovery.path", check_path(d.path));
    if (!d.lookup.path.empty()) {
        out.check("discovery.lookup.path", check_path(d.lookup.path));
    }
    check_nodes(settings, out);
    check_user_header(settings, out);
    if (!settings.sessions.enabled) {
        out.error("discovery.path", {"sessions.enabled is false, and an unread body names no user",
                                     "sessions.enabled: true, or no discovery",
                                     {}});
    }
}

} // namespace boshgate::conf
