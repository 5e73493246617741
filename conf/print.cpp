#include "conf/print.hpp"

#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/units.hpp"
#include "conf/url.hpp"

#include <algorithm>
#include <array>

namespace boshgate::conf {

namespace {

bool is_plain_start(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_';
}

// Bytes that mean nothing to YAML wherever they stand inside a plain scalar, also in a flow list.
bool is_plain_byte(char c) noexcept {
    return is_plain_start(c) || c == '.' || c == '-' || c == '+' || c == '~' || c == '@' ||
           c == '=' || c == ';' || c == '%' || c == '$' || c == '(' || c == ')';
}

class writer {
  public:
    explicit writer(const remarks& comments) : comments_(comments) {}

    void line(int indent, const std::string& text) {
        out_.append(static_cast<std::size_t>(indent), ' ').append(text) += '\n';
    }

    void remark(int indent, const std::string& path) {
        const auto found = comments_.find(path);
        if (found == comments_.end()) {
            return;
        }
        std::string_view rest = found->second;
        while (!rest.empty()) {
            const auto end = std::min(rest.find('\n'), rest.size());
            const std::string_view one = rest.substr(0, end);
            line(indent, one.empty() ? "#" : "# " + std::string{one});
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }

    void text(int indent, std::string_view key, std::string_view value, std::string_view standard) {
        if (value != standard) {
            line(indent, std::string{key} + ": " + yaml_text(value));
        }
    }

    void flag(int indent, std::string_view key, bool value, bool standard) {
        if (value != standard) {
            line(indent, std::string{key} + (value ? ": true" : ": false"));
        }
    }

    void list(int indent, std::string_view key, const std::vector<std::string>& values,
              const std::vector<std::string>& standard) {
        if (values == standard) {
            return;
        }
        std::string row = std::string{key} + ": [";
        for (const std::string& value : values) {
            row += (row.ends_with('[') ? "" : ", ") + yaml_text(value);
        }
        if (row.size() < 96) {
            line(indent, row + ']');
            return;
        }
        line(indent, std::string{key} + ':');
        for (const std::string& value : values) {
            line(indent + 2, "- " + yaml_text(value));
        }
    }

    void map(int indent, std::string_view key, const std::map<std::string, std::string>& values) {
        if (!values.empty()) {
            line(indent, std::string{key} + ':');
        }
        for (const auto& [name, value] : values) {
            line(indent + 2, yaml_text(name) + ": " + yaml_text(value));
        }
    }

    // Writes the heading only when something is written below it.
    template <class Body>
    void section(int indent, std::string_view key, Body body) {
        const std::size_t start = out_.size();
        line(indent, std::string{key} + ':');
        const std::size_t heading = out_.size();
        body();
        if (out_.size() == heading) {
            out_.resize(start);
        }
    }

    std::string take() { return std::move(out_); }

  private:
    const remarks& comments_;
    std::string out_;
};

std::string print_listen_address(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

void write_listener(writer& out, const listener& l, const std::string& path) {
    out.remark(2, path);
    out.line(2, "- address: " + yaml_text(print_listen_address(l.host, l.port)));
    out.flag(4, "proxy_protocol", l.proxy_protocol, false);
    if (!l.tls) {
        return;
    }
    out.line(4, "tls:");
    const bool single = l.tls->certificates.size() == 1;
    if (!single) {
        out.line(6, "certificates:");
    }
    for (const certificate_files& files : l.tls->certificates) {
        out.line(single ? 6 : 8,
                 (single ? "" : "- ") + ("certificate: " + yaml_text(files.certificate)));
        out.line(single ? 6 : 10, "key: " + yaml_text(files.key));
    }
    if (l.tls->min_version == tls_version::v1_3) {
        out.line(6, "min_version: \"1.3\"");
    }
}

void write_node(writer& out, const node& n) {
    out.remark(2, child_path("nodes", n.name));
    const node standard;
    const bool plain = n.aliases.empty() && n.host.empty() && n.tls == standard.tls;
    if (plain) {
        out.line(2, yaml_text(n.name) + ": " + yaml_text(print_url(n.url)));
        return;
    }
    out.line(2, yaml_text(n.name) + ':');
    out.line(4, "url: " + yaml_text(print_url(n.url)));
    out.list(4, "aliases", n.aliases, {});
    out.text(4, "host", n.host, "");
    out.section(4, "tls", [&] {
        out.flag(6, "verify", n.tls.verify, standard.tls.verify);
        out.text(6, "ca_file", n.tls.ca_file, "");
        out.list(6, "pins", n.tls.pins, {});
        out.text(6, "server_name", n.tls.server_name, "");
        out.flag(6, "legacy", n.tls.legacy, standard.tls.legacy);
    });
}

void write_web_root(writer& out, const web_root& files) {
    const web_root standard;
    web_root only_path = standard;
    only_path.path = files.path;
    if (files == only_path) {
        out.line(0, "web_root: " + yaml_text(files.path));
        return;
    }
    out.line(0, "web_root:");
    out.line(2, "path: " + yaml_text(files.path));
    out.list(2, "index", files.index, standard.index);
    out.text(2, "fallback", files.fallback, "");
    out.flag(2, "precompressed", files.precompressed, standard.precompressed);
    out.text(2, "max_age", print_duration(files.max_age), print_duration(standard.max_age));
    out.map(2, "headers", files.headers);
}

void write_cors(writer& out, const cors& c) {
    const cors standard;
    out.section(0, "cors", [&] {
        out.list(2, "origins", c.origins, standard.origins);
        out.flag(2, "credentials", c.credentials, standard.credentials);
        out.text(2, "max_age", print_duration(c.max_age), print_duration(standard.max_age));
        out.list(2, "allow_headers", c.allow_headers, standard.allow_headers);
        out.list(2, "expose_headers", c.expose_headers, standard.expose_headers);
        out.flag(2, "private_network", c.private_network, standard.private_network);
        out.flag(2, "enforce", c.enforce, standard.enforce);
    });
}

void write_bounds(writer& out, const config& settings) {
    out.section(0, "timeouts", [&] {
        const timeouts standard;
        for (const timeout_bound& b : timeout_bounds) {
            out.text(2, b.key, print_duration(settings.timeouts.*b.field),
                     print_duration(standard.*b.field));
        }
    });
    out.section(0, "limits", [&] {
        const limits standard;
        for (const limit_bound& b : limit_bounds) {
            out.text(2, b.key, print_value(b.unit, b.get(settings.limits)),
                     print_value(b.unit, b.get(standard)));
        }
    });
    out.section(0, "health", [&] {
        const health_config standard;
        for (const health_bound& b : health_bounds) {
            out.text(2, b.key, print_value(b.unit, b.get(settings.health)),
                     print_value(b.unit, b.get(standard)));
        }
        static constexpr std::array<std::string_view, 3> probes{"tcp", "tls", "bosh"};
        out.text(2, "probe", probes.at(static_cast<std::size_t>(settings.health.probe)),
                 probes.at(static_cast<std::size_t>(standard.probe)));
        out.text(2, "domain", settings.health.domain, standard.domain);
        out.text(2, "user", settings.health.user, standard.user);
    });
    out.section(0, "sessions", [&] {
        const sessions_config standard;
        out.flag(2, "enabled", settings.sessions.enabled, standard.enabled);
        for (const session_bound& b : session_bounds) {
            out.text(2, b.key, print_value(b.unit, b.get(settings.sessions)),
                     print_value(b.unit, b.get(standard)));
        }
    });
}

void write_discovery(writer& out, const discovery_config& d) {
    static constexpr std::array<std::string_view, 3> shown{"rewrite", "remove", "keep"};
    const discovery_config standard;
    const auto numbers = [&](int indent, const auto& bounds, const auto& of, const auto& defaults) {
        for (const auto& b : bounds) {
            out.text(indent, b.key, print_value(b.unit, b.get(of)),
                     print_value(b.unit, b.get(defaults)));
        }
    };
    const auto word = [](hostnames_shown value) {
        return shown.at(static_cast<std::size_t>(value));
    };
    out.section(0, "discovery", [&] {
        out.text(2, "path", d.path, standard.path);
        out.text(2, "primary", d.primary, standard.primary);
        out.text(2, "secondary", d.secondary, standard.secondary);
        out.text(2, "user_header", d.user_header, standard.user_header);
        numbers(2, discovery_bounds, d, standard);
        out.section(2, "cache",
                    [&] { numbers(4, discovery_cache_bounds, d.cache, standard.cache); });
        out.flag(2, "move_at_auth", d.move_at_auth, standard.move_at_auth);
        out.text(2, "keys_file", d.keys_file, standard.keys_file);
        out.text(2, "hostnames", word(d.hostnames), word(standard.hostnames));
        out.section(2, "lookup", [&] {
            out.text(4, "path", d.lookup.path, standard.lookup.path);
            numbers(4, discovery_lookup_bounds, d.lookup, standard.lookup);
        });
        out.flag(2, "host_meta", d.host_meta, standard.host_meta);
    });
}

void write_admin(writer& out, const admin_config& a) {
    const admin_config standard;
    const auto address = [](const admin_config& of) {
        return of.host.empty() ? "" : print_listen_address(of.host, of.port);
    };
    out.section(0, "admin", [&] {
        out.text(2, "address", address(a), address(standard));
        out.list(2, "names", a.names, standard.names);
        out.text(2, "token_file", a.token_file, standard.token_file);
    });
}

void write_log(writer& out, const log& l) {
    static constexpr std::array<std::string_view, 4> levels{"error", "warning", "info", "debug"};
    static constexpr std::array<std::string_view, 3> formats{"off", "text", "json"};
    const log standard;
    const auto index = [](auto value) { return static_cast<std::size_t>(value); };
    out.section(0, "log", [&] {
        out.text(2, "level", levels.at(index(l.level)), levels.at(index(standard.level)));
        out.text(2, "file", l.file, standard.file);
        out.text(2, "access", formats.at(index(l.access)), formats.at(index(standard.access)));
        out.text(2, "access_file", l.access_file, standard.access_file);
    });
}

} // namespace

std::string yaml_text(std::string_view text) {
    static constexpr std::array<std::string_view, 4> not_texts{"null", "Null", "NULL", "~"};
    bool plain = !text.empty() && is_plain_start(text.front()) &&
                 std::find(not_texts.begin(), not_texts.end(), text) == not_texts.end();
    for (std::size_t i = 0; plain && i < text.size(); ++i) {
        // A colon is harmless before a byte that is not a blank: https://a:80/.
        const bool colon = text[i] == ':' && i + 1 < text.size();
        plain = is_plain_byte(text[i]) || colon;
    }
    if (plain) {
        return std::string{text};
    }
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out += '"';
}

std::string to_yaml(const config& settings, const remarks& comments) {
    const config standard;
    writer out{comments};
    out.remark(0, "");
    if (settings.threads != standard.threads) {
        out.line(0, "threads: " + std::to_string(settings.threads));
    }
    out.section(0, "listen", [&] {
        for (std::size_t i = 0; i < settings.listen.size(); ++i) {
            write_listener(out, settings.listen[i], item_path("listen", i));
        }
    });
    out.text(0, "prefix", settings.prefix, "");
    if (settings.web_root) {
        write_web_root(out, *settings.web_root);
    }
    out.section(0, "nodes", [&] {
        for (const node& n : settings.nodes) {
            write_node(out, n);
        }
    });
    out.map(0, "routes", settings.routes);
    write_cors(out, settings.cors);
    out.list(0, "trusted_proxies", settings.trusted_proxies, standard.trusted_proxies);
    out.list(0, "request_headers", settings.request_headers, standard.request_headers);
    out.list(0, "answer_headers", settings.answer_headers, standard.answer_headers);
    write_bounds(out, settings);
    write_discovery(out, settings.discovery);
    write_admin(out, settings.admin);
    write_log(out, settings.log);
    return out.take();
}

} // namespace boshgate::conf
