#include "proxy/named_files.hpp"

#include "proxy/log_file.hpp"
#include "proxy/secrets_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace boshgate::proxy {
namespace {

void add(const std::vector<tls_problem>& found, const std::string& parent, conf::findings& out) {
    constexpr std::string_view first_pair = "certificates[0].";
    for (const tls_problem& one : found) {
        std::string path = one.key.empty() ? parent : parent + '.' + one.key;
        // A single pair may stand in `tls` itself.
        if (one.key.starts_with(first_pair) && !out.is_written(path)) {
            path = parent + '.' + one.key.substr(first_pair.size());
        }
        if (one.severity == tls_severity::error) {
            out.error(std::move(path), {one.what, {}, {}});
        } else {
            out.warning(std::move(path), {one.what, {}, {}});
        }
    }
}

bool is_complete(const conf::listener_tls& tls) {
    return !tls.certificates.empty() &&
           std::all_of(tls.certificates.begin(), tls.certificates.end(), [](const auto& files) {
               return !files.certificate.empty() && !files.key.empty();
           });
}

std::unique_ptr<file_source> open_web_root(const conf::web_root& settings, conf::findings& out) {
    std::string problem;
    auto opened = file_source::open(settings, problem);
    if (!opened) {
        const bool about_headers = problem.starts_with("headers: ");
        const std::string path = about_headers                     ? "web_root.headers"
                                 : out.is_written("web_root.path") ? "web_root.path"
                                                                   : "web_root";
        out.error(path, {std::move(problem), {}, {}});
        return nullptr;
    }
    const std::string fallback = settings.path + '/' + settings.fallback;
    if (!settings.fallback.empty() && ::access(fallback.c_str(), R_OK) != 0) {
        out.warning("web_root.fallback", {fallback + ": " + std::generic_category().message(errno) +
                                              "; unknown paths get 404 until it is there",
                                          {},
                                          {}});
    }
    return opened;
}

// Files at or below the path of the discovery endpoint are never served.
void check_discovery_path(const conf::config& config, conf::findings& out) {
    const std::string path = config.prefix + config.discovery.path;
    const std::string file = config.web_root->path + path;
    if (!config.discovery.path.empty() && ::access(file.c_str(), F_OK) == 0) {
        out.warning("discovery.path",
                    {"requests for " + conf::in_quotes(path) + " go to the discovery endpoint; " +
                         file + " is never served",
                     {},
                     {}});
    }
}

void check_log(const std::string& path, const std::string& file, conf::findings& out) {
    if (std::string problem = log_file_problem(file); !file.empty() && !problem.empty()) {
        out.error(path, {std::move(problem), {}, {}});
    }
}

} // namespace

named_files open_named_files(const conf::config& config, conf::findings& out) {
    named_files opened;
    for (const conf::node& node : config.nodes) {
        std::vector<tls_problem> found;
        opened.node_tls.push_back(node.url.tls ? node_tls_context::build(node, found) : nullptr);
        add(found, conf::child_path("nodes", node.name), out);
    }
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const auto& tls = config.listen[i].tls;
        std::vector<tls_problem> found;
        opened.listener_tls.push_back(tls && is_complete(*tls) ? server_tls::build(*tls, found)
                                                               : nullptr);
        add(found, conf::item_path("listen", i) + ".tls", out);
    }
    if (config.web_root && !config.web_root->path.empty()) {
        opened.web_root = open_web_root(*config.web_root, out);
        check_discovery_path(config, out);
    }
    if (!config.discovery.keys_file.empty()) {
        opened.sid_secrets =
            read_secrets_file(config.discovery.keys_file, "discovery.keys_file", out);
    }
    if (!config.admin.token_file.empty()) {
        opened.admin_tokens = read_secrets_file(config.admin.token_file, "admin.token_file", out);
    }
    check_log("log.file", config.log.file, out);
    if (config.log.access != conf::access_log::off) {
        check_log("log.access_file", config.log.access_file, out);
    }
    return opened;
}

} // namespace boshgate::proxy
