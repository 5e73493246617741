#include "conf/load.hpp"

#include "conf/load_keys.hpp"
#include "conf/suggest.hpp"
#include "conf/validate.hpp"

#include <algorithm>

namespace boshgate::conf {

namespace {

constexpr std::array<std::string_view, 4> level_words{"error", "warning", "info", "debug"};
constexpr std::array<std::string_view, 3> access_words{"off", "text", "json"};

constexpr std::array<key_of<web_root>, 6> web_root_keys{{
    {"path", read_member<&web_root::path>, "a directory"},
    {"index", read_member<&web_root::index>},
    {"fallback", read_member<&web_root::fallback>},
    {"precompressed", read_member<&web_root::precompressed>},
    {"max_age", read_member<&web_root::max_age>},
    {"headers", read_member<&web_root::headers>},
}};

constexpr std::array<key_of<cors>, 7> cors_keys{{
    {"origins", read_member<&cors::origins>},
    {"credentials", read_member<&cors::credentials>},
    {"max_age", read_member<&cors::max_age>},
    {"allow_headers", read_member<&cors::allow_headers>},
    {"expose_headers", read_member<&cors::expose_headers>},
    {"private_network", read_member<&cors::private_network>},
    {"enforce", read_member<&cors::enforce>},
}};

constexpr std::array<key_of<log>, 4> log_keys{{
    {"level",
     [](reader& in, const place& at, log& out) {
         if (const auto index = in.one_of(at, level_words)) {
             out.level = static_cast<log_level>(*index);
         }
     }},
    {"file", read_member<&log::file>},
    {"access",
     [](reader& in, const place& at, log& out) {
         if (const auto index = in.one_of(at, access_words)) {
             out.access = static_cast<access_log>(*index);
         }
     }},
    {"access_file", read_member<&log::access_file>},
}};

void read_web_root(reader& in, const place& at, config& out) {
    web_root made;
    if (at.value.kind == tree_kind::map) {
        read_map(in, at, "a directory, or a map with a key path", web_root_keys, made);
    } else if (const auto path = in.scalar(at, "a directory, or a map with a key path")) {
        made.path = *path;
    } else {
        return;
    }
    out.web_root = std::move(made);
}

constexpr std::array<key_of<config>, 17> config_keys{{
    {"threads", read_member<&config::threads>},
    {"listen", read_listeners},
    {"prefix", read_member<&config::prefix>},
    {"web_root", read_web_root},
    {"nodes", read_nodes},
    {"routes", read_member<&config::routes>},
    {"cors",
     [](reader& in, const place& at, config& out) {
         read_map(in, at, "a map such as { origins: [https://chat.example.com] }", cors_keys,
                  out.cors);
     }},
    {"trusted_proxies", read_member<&config::trusted_proxies>},
    {"request_headers", read_member<&config::request_headers>},
    {"answer_headers", read_member<&config::answer_headers>},
    {"timeouts", read_timeouts},
    {"limits", read_limits},
    {"sessions", read_sessions},
    {"discovery", read_discovery},
    {"health", read_health},
    {"admin", read_admin},
    {"log",
     [](reader& in, const place& at, config& out) {
         read_map(in, at, "a map such as { level: info }", log_keys, out.log);
     }},
}};

// What other products call it. Only suggested where the right-hand key exists.
struct foreign_key {
    std::string_view theirs, ours;
};
constexpr std::array<foreign_key, 46> foreign_keys{{
    {"upstream", "nodes"},
    {"upstreams", "nodes"},
    {"backend", "nodes"},
    {"backends", "nodes"},
    {"server", "nodes"},
    {"servers", "nodes"},
    {"proxy_pass", "nodes"},
    {"bind", "listen"},
    {"listener", "listen"},
    {"listeners", "listen"},
    {"port", "address"},
    {"host", "address"},
    {"ssl", "tls"},
    {"https", "tls"},
    {"cert", "certificate"},
    {"cert_file", "certificate"},
    {"crt", "certificate"},
    {"fullchain", "certificate"},
    {"ssl_certificate", "certificate"},
    {"key_file", "key"},
    {"private_key", "key"},
    {"ssl_certificate_key", "key"},
    {"root", "web_root"},
    {"document_root", "web_root"},
    {"docroot", "web_root"},
    {"static", "web_root"},
    {"timeout", "timeouts"},
    {"workers", "threads"},
    {"worker_processes", "threads"},
    {"cores", "threads"},
    {"logging", "log"},
    {"allow_credentials", "credentials"},
    {"allowed_origins", "origins"},
    {"allow_origin", "origins"},
    {"allowed_headers", "allow_headers"},
    {"exposed_headers", "expose_headers"},
    {"insecure", "verify"},
    {"ca", "ca_file"},
    {"sni", "server_name"},
    {"address", "url"},
    {"max_body", "body_bytes"},
    {"max_body_size", "body_bytes"},
    {"client_max_body_size", "body_bytes"},
    {"max_connections", "connections"},
    {"format", "access"},
    {"read", "answer"},
}};

} // namespace

void unknown_key(reader& in, const place& at, std::span<const std::string_view> names) {
    if (!in.wants_hints()) {
        in.report(at.key_where, at.path, {"unknown key", {}, {}});
        return;
    }
    std::string hint;
    for (const foreign_key& known : foreign_keys) {
        if (edit_distance(known.theirs, at.key) == 0 &&
            std::find(names.begin(), names.end(), known.ours) != names.end()) {
            hint = known.ours;
        }
    }
    if (hint.empty()) {
        hint = closest(at.key, names);
    }
    if (hint.empty() && !at.key.empty()) {
        // The right key in the wrong place: "origins" at the top.
        for (const std::string& key : every_key()) {
            if (hint.empty() && key.ends_with('.' + std::string{at.key})) {
                hint = key;
            }
        }
    }
    std::string expected;
    if (hint.empty()) {
        for (const std::string_view name : names) {
            expected += expected.empty() ? "one of " : ", ";
            expected += name;
        }
    }
    in.report(at.key_where, at.path, {"unknown key", std::move(expected), std::move(hint)});
}

std::vector<std::string> every_key() {
    std::vector<std::string> all;
    list_keys(all, "", config_keys);
    list_listener_keys(all);
    list_keys(all, "web_root.", web_root_keys);
    list_node_keys(all);
    list_keys(all, "cors.", cors_keys);
    list_bound_keys(all);
    list_discovery_keys(all);
    list_admin_keys(all);
    list_health_keys(all);
    list_keys(all, "log.", log_keys);
    return all;
}

namespace {

// What validate() finds at a place that could not even be read is an echo of the first problem.
bool is_echo(const problem& found, const std::vector<problem>& earlier,
             const std::vector<std::string>& passed_over) {
    return std::any_of(passed_over.begin(), passed_over.end(),
                       [&](const std::string& path) { return is_within(found.path, path); }) ||
           std::any_of(earlier.begin(), earlier.end(), [&](const problem& p) {
               return !p.path.empty() && is_within(p.path, found.path);
           });
}

} // namespace

loaded load(std::string_view text, std::string_view origin) {
    loaded out;
    tree_result parsed = parse_tree(text, origin);
    out.problems = std::move(parsed.problems);
    reader in{origin, parsed.complete};
    const place root{parsed.root, {}, {1, 1}};
    const bool readable =
        parsed.root.kind == tree_kind::map || parsed.root.kind == tree_kind::nothing;
    if (parsed.complete || readable) {
        read_map(in, root, "keys such as listen: and nodes:", config_keys, out.config);
    }
    for (problem& found : in.take_problems()) {
        out.problems.push_back(std::move(found));
    }
    out.marks = in.take_marks();
    if (parsed.complete && readable) {
        const std::vector<problem> earlier = out.problems;
        for (problem& found : validate(out.config, out.marks, origin)) {
            if (!is_echo(found, earlier, in.passed_over())) {
                out.problems.push_back(std::move(found));
            }
        }
    }
    put_in_order(out.problems, origin);
    return out;
}

} // namespace boshgate::conf
