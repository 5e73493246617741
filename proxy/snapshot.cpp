#include "proxy/snapshot.hpp"

#include "routing/http_head.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <openssl/rand.h>
#include <sys/resource.h>

namespace boshgate::proxy {
namespace {

// Descriptors that are neither connections nor links: log files, epoll sets, listeners, files on
// their way.
constexpr std::uint64_t descriptors_reserved = 256;

std::string host_field(const conf::node& node) {
    if (!node.host.empty()) {
        return node.host;
    }
    std::string host =
        node.url.host.find(':') == std::string::npos ? node.url.host : "[" + node.url.host + "]";
    if (node.url.port != (node.url.tls ? 443 : 80)) {
        host += ":" + std::to_string(node.url.port);
    }
    return host;
}

// A held poll takes two descriptors: the client's and the link's.
std::uint32_t connections_from_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= 2 * descriptors_reserved) {
        return 256;
    }
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>((limit.rlim_cur - descriptors_reserved) / 2, 10'000'000));
}

void add_tls_problems(const std::vector<tls_problem>& found, const std::string& where,
                      std::vector<std::string>& problems, std::vector<std::string>& warnings) {
    for (const tls_problem& one : found) {
        std::string text = where + ": " + one.what;
        if (one.where.line > 0) {
            text = "line " + std::to_string(one.where.line) + ": " + text;
        }
        (one.severity == tls_severity::error ? problems : warnings).push_back(std::move(text));
    }
}

} // namespace

snapshot::snapshot(conf::config given)
    : config(std::move(given)),
      routes(config),
      cors(config.cors),
      trusted(config.trusted_proxies),
      request_fields(config.request_headers),
      answer_fields(config.answer_headers) {}

std::shared_ptr<const snapshot> compile(conf::config settings, std::vector<std::string>& problems,
                                        std::vector<std::string>& warnings) {
    if (settings.limits.connections == 0) {
        settings.limits.connections = connections_from_descriptors();
    }
    const std::size_t errors_before = problems.size();
    auto made = std::make_shared<snapshot>(std::move(settings));
    const conf::config& config = made->config;
    RAND_bytes(made->log_key.data(), static_cast<int>(made->log_key.size()));

    // The loader compares names as they are written; the table knows two spellings of one address.
    for (const routing::route_conflict& one : routing::route_table::conflicts(config)) {
        problems.push_back("nodes: " + one.path + " would lead to " + one.first + " and to " +
                           one.second + "; take one of the two names away");
    }
    for (const conf::node& node : config.nodes) {
        node_entry entry;
        entry.name = node.name;
        entry.host = node.url.host;
        entry.port = node.url.port;
        const std::string rest =
            " " + node.url.target + " HTTP/1.1\r\nHost: " + host_field(node) + "\r\n";
        entry.post_start = "POST" + rest;
        entry.get_start = "GET" + rest;
        if (node.url.tls) {
            std::vector<tls_problem> found;
            entry.tls = node_tls_context::build(node, found);
            add_tls_problems(found, "node " + node.name, problems, warnings);
        }
        made->nodes.push_back(std::move(entry));
    }
    for (const conf::listener& one : config.listen) {
        std::unique_ptr<server_tls> tls;
        if (one.tls) {
            std::vector<tls_problem> found;
            tls = server_tls::build(*one.tls, found);
            add_tls_problems(found, "listen " + one.host + " port " + std::to_string(one.port),
                             problems, warnings);
        }
        made->tls.push_back(std::move(tls));
    }
    if (config.web_root && !config.web_root->path.empty()) {
        std::string problem;
        made->files = file_source::open(*config.web_root, problem);
        if (!made->files) {
            problems.push_back("web_root: " + problem);
        }
    }
    return problems.size() == errors_before ? made : nullptr;
}

} // namespace boshgate::proxy
