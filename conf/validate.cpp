#include "conf/validate.hpp"

#include "conf/address.hpp"
#include "conf/bounds.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"
#include "conf/validate_rules.hpp"

#include <algorithm>
#include <set>

namespace boshgate::conf {

namespace {

std::string range(const std::string& least, const std::string& most) {
    return least + " to " + most;
}

void check_pem(const certificate_files& files, const std::string& path, findings& out) {
    if (files.certificate.empty()) {
        out.error(path + ".certificate",
                  {"the file name is empty", "a PEM file with leaf and chain", {}});
    }
    if (files.key.empty()) {
        out.error(path + ".key", {"the file name is empty", "a PEM file with the private key", {}});
    }
}

void check_blocks(const config& settings, findings& out) {
    for (std::size_t i = 0; i < settings.trusted_proxies.size(); ++i) {
        const std::string& block = settings.trusted_proxies[i];
        const std::string path = item_path("trusted_proxies", i);
        out.check(path, check_block(block));
        if (block == "0.0.0.0/0" || block == "::/0") {
            out.warning(path, {"every client may claim any address in X-Forwarded-For",
                               "the addresses of your own balancers",
                               {}});
        }
    }
}

void check_duration(milliseconds value, milliseconds least, milliseconds most, std::string path,
                    findings& out) {
    if (value < least || value > most) {
        const bool negative = value < milliseconds::zero();
        out.error(std::move(path),
                  {(negative ? "is negative" : print_duration(value) + " is out of range"),
                   range(print_duration(least), print_duration(most)),
                   {}});
    }
}

template <std::size_t N, class Section>
void check_numbers(const std::array<number_bound<Section>, N>& bounds, const Section& section,
                   const std::string& prefix, findings& out) {
    for (const number_bound<Section>& b : bounds) {
        if (const std::uint64_t value = b.get(section); !b.allows(value)) {
            out.error(prefix + std::string{b.key},
                      {print_value(b.unit, value) + " is out of range", print_range(b), {}});
        }
    }
}

void check_sessions(const sessions_config& s, findings& out) {
    if (s.per_address > s.max) {
        out.error(
            "sessions.per_address",
            {"is above max, so it would never be reached", "at most " + std::to_string(s.max), {}});
    }
    if (s.replay_bytes > s.replay_total) {
        out.error("sessions.replay_bytes", {"is above replay_total, so it would never be reached",
                                            "at most " + print_size(s.replay_total),
                                            {}});
    }
}

} // namespace

void validate_listeners(const config& settings, findings& out) {
    if (settings.listen.empty()) {
        out.error("listen", {"there is no listener", "at least one '- address: 0.0.0.0:8443'", {}});
    }
    if (settings.listen.size() > listeners_most) {
        out.error("listen", {"there are more than " + std::to_string(listeners_most), {}, {}});
    }
    std::set<std::pair<std::string, std::uint16_t>> bound;
    for (std::size_t i = 0; i < settings.listen.size(); ++i) {
        const listener& l = settings.listen[i];
        const std::string path = item_path("listen", i);
        if (!parse_address(l.host)) {
            out.error(path + ".address", {in_quotes(l.host) + " is not a numeric address",
                                          "an address such as 0.0.0.0 or ::",
                                          {}});
        } else if (l.port != 0 && !bound.emplace(l.host, l.port).second) {
            out.error(path + ".address", {"another listener already has this address", {}, {}});
        }
        if (l.tls && l.tls->certificates.empty()) {
            out.error(
                path + ".tls",
                {"there is no certificate", "a map such as { certificate: FILE, key: FILE }", {}});
        } else if (l.tls && l.tls->certificates.size() == 1) {
            check_pem(l.tls->certificates.front(), path + ".tls", out);
        } else if (l.tls) {
            for (std::size_t c = 0; c < l.tls->certificates.size(); ++c) {
                check_pem(l.tls->certificates[c], item_path(path + ".tls.certificates", c), out);
            }
        }
    }
    const admin_config& admin = settings.admin;
    if (admin.port != 0 && bound.contains({admin.host, admin.port})) {
        out.error("admin.address",
                  {"a listener already has " + admin.host + " port " + std::to_string(admin.port),
                   "an address of its own, or \"\"",
                   {}});
    }
}

void validate_headers(const config& settings, findings& out) {
    for (std::size_t i = 0; i < settings.request_headers.size(); ++i) {
        out.check(item_path("request_headers", i),
                  check_request_field(settings.request_headers[i]));
    }
    for (std::size_t i = 0; i < settings.answer_headers.size(); ++i) {
        out.check(item_path("answer_headers", i), check_answer_field(settings.answer_headers[i]));
    }
    check_blocks(settings, out);
}

void validate_web_root(const config& settings, findings& out) {
    if (!settings.web_root) {
        return;
    }
    const web_root& files = *settings.web_root;
    if (files.path.empty()) {
        out.error("web_root.path",
                  {"the directory is empty", "a directory such as /srv/webapp", {}});
    }
    for (std::size_t i = 0; i < files.index.size(); ++i) {
        const std::string path = item_path("web_root.index", i);
        if (files.index[i].find('/') != std::string::npos) {
            out.error(
                path,
                {in_quotes(files.index[i]) + " has a slash", "a file name such as index.html", {}});
        } else {
            out.check(path, check_relative_file(files.index[i]));
        }
    }
    if (!files.fallback.empty()) {
        out.check("web_root.fallback", check_relative_file(files.fallback));
    }
    check_duration(files.max_age, milliseconds{0}, file_max_age_most, "web_root.max_age", out);
    std::set<std::string> names;
    for (const auto& [name, value] : files.headers) {
        const std::string path = child_path("web_root.headers", name);
        out.check(path, check_file_field(name));
        out.check(path, check_field_value(value));
        if (!names.insert(to_lower(name)).second) {
            out.error(path, {"is repeated, in another letter case", {}, {}});
        }
    }
}

void validate_bounds(const config& settings, findings& out) {
    if (settings.threads > threads_most) {
        out.error("threads", {std::to_string(settings.threads) + " is out of range",
                              range("0", std::to_string(threads_most)),
                              {}});
    }
    for (const timeout_bound& b : timeout_bounds) {
        check_duration(settings.timeouts.*b.field, b.least, b.most,
                       "timeouts." + std::string{b.key}, out);
    }
    check_numbers(limit_bounds, settings.limits, "limits.", out);
    check_numbers(session_bounds, settings.sessions, "sessions.", out);
    check_numbers(health_bounds, settings.health, "health.", out);
    check_numbers(discovery_bounds, settings.discovery, "discovery.", out);
    check_numbers(discovery_cache_bounds, settings.discovery.cache, "discovery.cache.", out);
    check_numbers(discovery_lookup_bounds, settings.discovery.lookup, "discovery.lookup.", out);
    if (settings.timeouts.answer <= seconds{60}) {
        out.warning("timeouts.answer",
                    {print_duration(settings.timeouts.answer) +
                         " cuts held polls: clients ask nodes to hold them for 30 to 60 seconds",
                     "more than the longest wait that a node grants, such as 150s",
                     {}});
    }
    if (settings.limits.target_bytes >= settings.limits.head_bytes) {
        out.error("limits.target_bytes", {"is not below head_bytes, so it would never be reached",
                                          "less than " + print_size(settings.limits.head_bytes),
                                          {}});
    }
    const auto [all, one] =
        std::pair{settings.limits.connections, settings.limits.connections_per_address};
    check_sessions(settings.sessions, out);
    if (all != 0 && one > all) {
        out.error("limits.connections_per_address",
                  {"is above connections, so it would never be reached",
                   "at most " + std::to_string(all),
                   {}});
    }
}

std::vector<problem> validate(const config& settings, const source_marks& marks,
                              std::string_view origin) {
    findings out{marks, origin};
    validate_listeners(settings, out);
    validate_nodes(settings, out);
    validate_paths(settings, out);
    validate_discovery(settings, out);
    validate_health(settings, out);
    validate_cors(settings, out);
    validate_headers(settings, out);
    validate_web_root(settings, out);
    validate_admin(settings, out);
    validate_bounds(settings, out);
    if (settings.log.file.empty()) {
        out.error("log.file", {"the file name is empty", "a file, or - for standard error", {}});
    }
    if (settings.log.access_file.empty()) {
        out.error("log.access_file",
                  {"the file name is empty", "a file, or - for standard output", {}});
    }
    return out.take();
}

} // namespace boshgate::conf
