// Listen lines and virtual hosts to listeners.

#include "conf/address.hpp"
#include "conf/apache_build.hpp"
#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"

#include <algorithm>

namespace boshgate::conf {

namespace {

struct host_port {
    std::string host;   // empty: any address
    std::string port;   // empty: any port
    bool named = false; // the host is a name
};

// "443", "*:443", "_default_:443", "192.0.2.1:443", "[::]:443", "*", "[::1]",
// "www.example.com:443".
host_port read_address(const std::string& text) {
    host_port read;
    const auto colon = text.rfind(':');
    const bool has_port =
        colon != std::string::npos && (text.front() != '[' || text[colon - 1] == ']');
    read.host = text.substr(0, has_port ? colon : text.size());
    read.port = has_port ? text.substr(colon + 1) : "";
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (digits) {
        read = {"", text, false};
    }
    if (read.host.starts_with('[') && read.host.ends_with(']')) {
        read.host = read.host.substr(1, read.host.size() - 2);
    }
    if (read.host == "*" || to_lower(read.host) == "_default_" || read.host == "0.0.0.0") {
        read.host.clear();
    }
    read.port = read.port == "*" ? "" : read.port;
    if (const auto address = parse_address(read.host)) {
        read.host = print_address(*address);
    } else {
        read.named = !read.host.empty();
    }
    return read;
}

bool meets(const host_port& listen, const host_port& host) {
    const bool any = listen.host.empty() || listen.host == "::" || host.host.empty() || host.named;
    return (host.port.empty() || listen.port == host.port) && (any || listen.host == host.host);
}

} // namespace

void apache_builder::add_listener(std::vector<open_listener>& all, std::string host,
                                  const std::string& port, std::size_t server) {
    const auto number = parse_port(port);
    if (!number) {
        return;
    }
    host = host.empty() ? "0.0.0.0" : host;
    auto found = std::find_if(all.begin(), all.end(), [&](const open_listener& l) {
        return l.host == host && l.port == *number;
    });
    if (found == all.end()) {
        if (all.size() >= listeners_most) {
            return;
        }
        found = all.insert(all.end(), {host, *number, {}});
    }
    if (std::find(found->servers.begin(), found->servers.end(), server) == found->servers.end()) {
        found->servers.push_back(server);
    }
}

void apache_builder::add_listeners() {
    std::vector<open_listener> all;
    std::vector<bool> used(site_.listen.size());
    for (const std::size_t index : relevant_) {
        const apache_server& server = site_.servers[index];
        const bool tls = server.tls.value_or(main().tls.value_or(false));
        std::vector<std::string> addresses = server.addresses;
        if (index == 0) {
            addresses = {"*"};
        }
        for (const std::string& text : addresses) {
            const host_port wanted = read_address(text);
            if (wanted.named) {
                note(apache_note_kind::changed, server.at,
                     "listeners have numeric addresses; " + in_quotes(text) +
                         " became any address");
            }
            for (std::size_t i = 0; i < site_.listen.size(); ++i) {
                const host_port listen = read_address(site_.listen[i].value);
                const bool left_over = index != 0 || !used[i];
                if (left_over && meets(listen, wanted)) {
                    used[i] = true;
                    add_listener(all, listen.named ? "" : listen.host, listen.port, index);
                }
            }
            if (site_.listen.empty() && (index != 0 || all.empty())) {
                const std::string port = wanted.port.empty() ? (tls ? "443" : "80") : wanted.port;
                add_listener(all, wanted.named ? "" : wanted.host, port, index);
            }
        }
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (!used[i]) {
            note(apache_note_kind::dropped, site_.listen[i].at, "no node is reached through it");
        }
    }
    if (all.empty()) {
        all.push_back({"0.0.0.0", 80, {relevant_.front()}});
        comments["listen[0]"] = "No usable Listen line was found; 80 is Apache's default";
    }
    for (const open_listener& open : all) {
        finish_listener(open);
    }
}

void apache_builder::finish_listener(const open_listener& open) {
    listener l;
    l.host = open.host;
    l.port = open.port;
    bool tls = false;
    bool only_1_3 = true;
    for (const std::size_t index : open.servers) {
        const apache_server& server = site_.servers[index];
        tls = tls || server.tls.value_or(main().tls.value_or(false));
        only_1_3 = only_1_3 && server.tls_1_3_only.value_or(main().tls_1_3_only.value_or(false));
        l.proxy_protocol = l.proxy_protocol ||
                           server.proxy_protocol.value_or(main().proxy_protocol.value_or(false));
    }
    if (tls) {
        l.tls.emplace();
        l.tls->min_version = only_1_3 ? tls_version::v1_3 : tls_version::v1_2;
        add_certificates(l, open.servers);
    }
    if (l.host == "0.0.0.0") {
        std::string& remark = comments[item_path("listen", made.listen.size())];
        remark += (remark.empty() ? "" : "\n") +
                  ("IPv4 only; for IPv6 too, add a listener with address \"[::]:" +
                   std::to_string(l.port) + "\"");
    }
    made.listen.push_back(std::move(l));
}

void apache_builder::add_certificates(listener& l, const std::vector<std::size_t>& servers) {
    std::vector<certificate_files>& out = l.tls->certificates;
    for (const std::size_t index : servers) {
        const apache_server& own = site_.servers[index];
        const apache_server& server = own.certificates.empty() ? main() : own;
        for (std::size_t i = 0; i < server.certificates.size(); ++i) {
            const auto& [file, at] = server.certificates[i];
            certificate_files files;
            files.certificate = file_name(file, at);
            // The n-th key belongs to the n-th certificate (RSA and ECDSA side by side). Without a
            // key file, Apache looks for the key in the certificate's file.
            files.key = i < server.keys.size() ? file_name(server.keys[i], at) : files.certificate;
            const bool known =
                std::any_of(out.begin(), out.end(), [&](const certificate_files& other) {
                    return other.certificate == files.certificate;
                });
            if (!known && !files.certificate.empty() && !files.key.empty()) {
                out.push_back(std::move(files));
            }
        }
    }
    if (out.empty()) {
        out.push_back({"/etc/boshgate/fullchain.pem", "/etc/boshgate/key.pem", {}});
        comments[item_path("listen", made.listen.size())] =
            "No certificate was found for this address: put yours there";
    }
}

} // namespace boshgate::conf
