#pragma once
// How Cisco's client library makes a URL of its configured one and of a node's name, in both
// versions that are in use: a model by observation, good for what tests ask. Whether it computes
// what the library was seen to compute is a test of its own (tests/discovery/caxl_urls_test.cpp).

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::tests {

// Where the page with the client comes from.
struct caxl_page {
    std::string scheme; // "https:"
    std::string host;   // with a port that is not the scheme's own
    [[nodiscard]] std::string port() const {
        const auto colon = host.find(':');
        return colon == std::string::npos ? "" : host.substr(colon + 1);
    }
    [[nodiscard]] std::string origin() const { return scheme + "//" + host; }
};

// [scheme:]//host/path, each part optional; a text without a leading slash begins with a host.
struct caxl_url_parts {
    std::string scheme, host, path; // the path without its first slash
    bool has_path = false;

    static caxl_url_parts of(std::string_view url) {
        caxl_url_parts parts;
        if (const auto at = url.find("://"); at != std::string_view::npos) {
            parts.scheme = url.substr(0, at + 1);
            url.remove_prefix(at + 3);
        }
        const auto slash = std::min(url.find('/'), url.size());
        parts.host = url.substr(0, slash);
        parts.has_path = slash != url.size();
        if (parts.has_path)
            parts.path = url.substr(slash + 1);
        return parts;
    }
};

// The URL that a browser asks, for what the library computed.
inline std::string caxl_absolute(std::string_view url, const caxl_page& page) {
    const auto parts = caxl_url_parts::of(url);
    return (parts.scheme.empty() ? page.scheme : parts.scheme) + "//" +
           (parts.host.empty() ? page.host : parts.host) + "/" + parts.path;
}

inline bool caxl_is_ipv4(std::string_view host) {
    int dots = 0;
    bool digit = false;
    for (const char c : host) {
        if (c == '.') {
            if (!digit)
                return false;
            ++dots;
        } else if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
            return false;
        }
        digit = c != '.';
    }
    return dots == 3 && digit;
}

// 2014.04 ------------------------------------------------------------------------------------

// A host as that version classifies it.
struct caxl_host {
    std::string whole, name, port; // name: without the port; empty for what it takes for IPv6
    std::string label, domain;     // of a DNS name: its first label if there are three or one
    bool address = false;

    static caxl_host of(const std::string& host) {
        caxl_host it;
        it.whole = host;
        if (host.empty())
            return it;
        const auto colon = std::min(host.find(':'), host.size());
        const std::string name = host.substr(0, colon);
        const std::string port = colon == host.size() ? "" : host.substr(colon + 1);
        const bool port_good =
            (colon == host.size() || !port.empty()) &&
            std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c); });
        const bool dns =
            !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
                return std::isalnum(c) || c == '-' || c == '.';
            });
        it.address = !port_good || !dns || caxl_is_ipv4(name);
        if (!port_good || !dns)
            return it;
        it.name = name;
        it.port = port;
        if (it.address)
            return it;
        const auto first = name.find('.');
        if (first == std::string::npos) {
            it.label = name;
        } else if (name.find('.', first + 1) == std::string::npos) {
            it.domain = name;
        } else {
            it.label = name.substr(0, first);
            it.domain = name.substr(first + 1);
        }
        return it;
    }
};

// The URL of a node, as it is kept and compared: relative to the page where `sd_url` is.
inline std::string caxl_2014_url(const std::string& sd_url, const std::string& node) {
    if (node.empty())
        return sd_url;
    const auto sd = caxl_url_parts::of(sd_url);
    const auto to = caxl_url_parts::of(node);
    auto sd_host = caxl_host::of(sd.host);
    const auto to_host = caxl_host::of(to.host);
    const bool sd_is_path = sd.scheme.empty() && sd.host.empty() && !sd.path.empty();
    if (sd_is_path && to.scheme.empty() && !to_host.address && to.path.empty())
        return "/" + node;
    if (to.scheme.empty() && to.host.empty() && !to.path.empty())
        return node;
    std::string host;
    const auto with_port = [&sd_host](const std::string& name) {
        return name + (sd_host.port.empty() ? "" : ":") + sd_host.port;
    };
    if (to_host.address || sd_host.address) {
        host = to_host.name.empty() ? to_host.whole : with_port(to_host.name);
    } else {
        const bool same_domain = !sd_host.domain.empty() && !to_host.domain.empty() &&
                                 sd_host.domain.ends_with(to_host.domain);
        if (same_domain || (!to_host.label.empty() && to_host.domain.empty()))
            sd_host.label = to_host.label;
        const bool both = !sd_host.label.empty() && !sd_host.domain.empty();
        host = with_port(sd_host.label + (both ? "." : "") + sd_host.domain);
    }
    return sd.scheme + (sd.scheme.empty() ? "" : "//") + host + (sd.path.empty() ? "" : "/") +
           sd.path;
}

// 8.6.1 --------------------------------------------------------------------------------------

// A name in the domain of the binding URL's host, where that has one and the name does not.
inline std::optional<std::string> caxl_861_switch_host(const std::string& binding_url,
                                                       const std::optional<std::string>& node) {
    const auto binding = caxl_url_parts::of(binding_url);
    const std::string host = binding.host.substr(0, binding.host.find(':'));
    if (!node || node->empty() || caxl_is_ipv4(*node) || host.empty() || caxl_is_ipv4(host))
        return node;
    const std::string domain = host.substr(std::min(host.find('.'), host.size()));
    const auto at = node->find(domain);
    if (at != std::string::npos && at > 0)
        return node;
    return *node + domain;
}

// What the library's stream remembers from one opening to the next.
struct caxl_861_stream {
    std::string node; // where it is, or is to go next; empty: not known

    // Opens at `node`, else at `home`, else where the binding URL says; returns the whole URL.
    std::string open(const std::string& binding_url, const std::string& home,
                     const caxl_page& page) {
        const auto binding = caxl_url_parts::of(binding_url);
        const std::string scheme = binding.scheme.empty() ? page.scheme : binding.scheme;
        const auto colon = std::min(binding.host.find(':'), binding.host.size());
        std::string host = binding.host.substr(0, colon);
        const std::string own_port =
            colon == binding.host.size() ? "" : binding.host.substr(colon + 1);
        const std::string wanted = node.empty() ? home : node;
        if (host.empty()) {
            host = page.host;
        } else if (!wanted.empty()) {
            const std::string domain =
                caxl_is_ipv4(host) ? "" : host.substr(std::min(host.find('.'), host.size()));
            const auto at = wanted.find(domain);
            const bool whole = caxl_is_ipv4(wanted) || (at != std::string::npos && at > 0);
            host = whole ? wanted : wanted + domain;
        }
        const auto in_host = host.find(':');
        const std::string port = in_host == std::string::npos ? own_port : host.substr(in_host + 1);
        std::string path = binding.path;
        if (page.scheme != scheme || page.host != host || page.port() != port) {
            node = host;
        } else {
            path = wanted.empty() ? path : wanted;
            node = path;
        }
        return scheme + "//" + host + (own_port.empty() ? "" : ":") + own_port + "/" + path;
    }
};

} // namespace boshgate::tests
