// Directives about servers, files and header fields.

#include "conf/address.hpp"
#include "conf/apache_reader.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"

#include <algorithm>

namespace boshgate::conf {

const apache_reader::entry apache_reader::handlers_[] = {
    {"define", &apache_reader::define},
    {"undefine", &apache_reader::undefine},
    {"include", &apache_reader::include},
    {"includeoptional", &apache_reader::include},
    {"listen", &apache_reader::listen},
    {"servername", &apache_reader::server_name},
    {"serverroot", &apache_reader::server_root},
    {"documentroot", &apache_reader::document_root},
    {"directoryindex", &apache_reader::directory_index},
    {"fallbackresource", &apache_reader::fallback_resource},
    {"require", &apache_reader::require},
    {"allow", &apache_reader::allow},
    {"deny", &apache_reader::deny},
    {"satisfy", &apache_reader::deny},
    {"limitrequestbody", &apache_reader::limit_body},
    {"remoteiptrustedproxy", &apache_reader::remote_ip},
    {"remoteipinternalproxy", &apache_reader::remote_ip},
    {"remoteipproxyprotocol", &apache_reader::proxy_protocol},
    {"proxypass", &apache_reader::proxy_pass},
    {"proxyset", &apache_reader::proxy_set},
    {"proxytimeout", &apache_reader::proxy_timeout},
    {"timeout", &apache_reader::proxy_timeout},
    {"proxyrequests", &apache_reader::proxy_requests},
    {"proxypreservehost", &apache_reader::preserve_host},
    {"rewritecond", &apache_reader::rewrite_condition},
    {"rewriterule", &apache_reader::rewrite_rule},
    {"sslengine", &apache_reader::ssl_engine},
    {"sslcertificatefile", &apache_reader::ssl_certificate},
    {"sslcertificatekeyfile", &apache_reader::ssl_key},
    {"sslcertificatechainfile", &apache_reader::ssl_chain},
    {"sslprotocol", &apache_reader::ssl_protocol},
    {"sslverifyclient", &apache_reader::ssl_verify_client},
    {"sslproxyengine", &apache_reader::ssl_proxy_engine},
    {"sslproxyverify", &apache_reader::ssl_proxy_verify},
    {"sslproxycacertificatefile", &apache_reader::ssl_proxy_ca},
    {"sslproxycheckpeername", &apache_reader::ssl_proxy_name},
    {"sslproxycheckpeercn", &apache_reader::ssl_proxy_name},
    {"sslproxyprotocol", &apache_reader::ssl_proxy_protocol},
    {"header", &apache_reader::header},
    {"requestheader", &apache_reader::request_header},
    {"setenvif", &apache_reader::set_env_if},
    {"setenvifnocase", &apache_reader::set_env_if},
    {"setenvifexpr", &apache_reader::set_env_if},
    {{}, nullptr},
};

void apache_reader::define(const apache_line& line, const apache_source& at) {
    constexpr std::size_t variables_most = 10'000;
    if (line.args.empty() || variables_.size() >= variables_most) {
        note(apache_note_kind::dropped, at, "this is no definition");
        return;
    }
    variables_[line.args[0]] = line.args.size() > 1 ? line.args[1] : "";
}

void apache_reader::undefine(const apache_line& line, const apache_source&) {
    if (!line.args.empty()) {
        variables_.erase(line.args[0]);
    }
}

void apache_reader::listen(const apache_line& line, const apache_source& at) {
    if (line.args.empty()) {
        note(apache_note_kind::dropped, at, "there is no address");
        return;
    }
    site_.listen.push_back({line.args[0], at});
}

void apache_reader::server_name(const apache_line& line, const apache_source& at) {
    if (line.args.empty()) {
        return;
    }
    server().name_at = at;
    std::string name = to_lower(line.args[0]);
    if (const auto scheme = name.find("://"); scheme != std::string::npos) {
        name.erase(0, scheme + 3);
    }
    server().name = name.substr(0, name.rfind(':'));
}

void apache_reader::server_root(const apache_line& line, const apache_source&) {
    if (!line.args.empty()) {
        site_.server_root = line.args[0];
        while (site_.server_root.ends_with('/')) {
            site_.server_root.pop_back();
        }
    }
}

void apache_reader::document_root(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || line.args[0].empty()) {
        note(apache_note_kind::dropped, at, "there is no directory");
        return;
    }
    server().document_root = {line.args[0], at};
}

void apache_reader::directory_index(const apache_line& line, const apache_source& at) {
    std::vector<std::string> names;
    std::string left_out;
    for (const std::string& name : line.args) {
        const bool plain = name.find('/') == std::string::npos && !check_relative_file(name);
        const bool program =
            name.ends_with(".php") || name.ends_with(".cgi") || name.ends_with(".pl");
        if (plain && !program && name != "disabled") {
            names.push_back(name);
        } else {
            left_out += ' ' + name;
        }
    }
    if (!names.empty()) {
        server().index = std::move(names);
    }
    if (!left_out.empty()) {
        note(apache_note_kind::dropped, at,
             in_quotes(left_out.substr(1)) + " cannot be served as a file of the directory");
    }
}

void apache_reader::fallback_resource(const apache_line& line, const apache_source& at) {
    std::string file = line.args.empty() ? "" : line.args[0];
    if (to_lower(file) == "disabled") {
        return;
    }
    file.erase(0, file.starts_with('/') ? 1 : 0);
    if (check_relative_file(file) || file.ends_with(".php")) {
        note(apache_note_kind::dropped, at, "the fallback must be a file below the web root");
        return;
    }
    server().fallback = std::move(file);
}

void apache_reader::require(const apache_line& line, const apache_source& at) {
    const bool all = line.args.size() >= 2 && to_lower(line.args[0]) == "all" &&
                     to_lower(line.args[1]) == "granted";
    // The usual protection of everything outside of the document root.
    const bool files = here_.files_only;
    if (all || files) {
        note(apache_note_kind::unrelated, at, "access");
    } else {
        note(apache_note_kind::dropped, at,
             "there is no access control; keep it in front of boshgate");
    }
}

void apache_reader::allow(const apache_line& line, const apache_source& at) {
    const bool all = line.args.size() == 2 && to_lower(line.args[1]) == "all";
    if (all || here_.files_only) {
        note(apache_note_kind::unrelated, at, "access");
    } else {
        note(apache_note_kind::dropped, at,
             "there is no access control; keep it in front of boshgate");
    }
}

void apache_reader::deny(const apache_line& line, const apache_source& at) {
    const bool none = line.args.size() >= 2 && to_lower(line.args[1]) == "none";
    if (none || here_.files_only) {
        note(apache_note_kind::unrelated, at, "access");
    } else {
        note(apache_note_kind::dropped, at,
             "there is no access control; keep it in front of boshgate");
    }
}

void apache_reader::limit_body(const apache_line& line, const apache_source& at) {
    const auto bytes = line.args.empty() ? parse_count("") : parse_count(line.args[0]);
    if (!bytes || *bytes == 0) {
        note(apache_note_kind::changed, at,
             "there is always a limit: limits.body_bytes, 1MiB by default");
        return;
    }
    if (here_.files_only) {
        note(apache_note_kind::unrelated, at, "files");
    } else if (!site_.body_bytes || site_.body_bytes->value < *bytes) {
        site_.body_bytes = {*bytes, at};
    }
}

void apache_reader::remote_ip(const apache_line& line, const apache_source& at) {
    for (const std::string& block : line.args) {
        if (const auto why = check_block(block)) {
            note(apache_note_kind::dropped, at, why->what);
        } else {
            site_.trusted_proxies.push_back(block);
        }
    }
}

void apache_reader::proxy_protocol(const apache_line& line, const apache_source& at) {
    const auto on = apache_flag(line.args);
    if (!on) {
        note(apache_note_kind::dropped, at, "neither On nor Off");
        return;
    }
    server().proxy_protocol = on;
}

// Header [always|onsuccess] action name [value [condition]]
void apache_reader::header(const apache_line& line, const apache_source& at) {
    std::vector<std::string> words = line.args;
    if (!words.empty() && (to_lower(words[0]) == "always" || to_lower(words[0]) == "onsuccess")) {
        words.erase(words.begin());
    }
    const std::string action = words.empty() ? "" : to_lower(words[0]);
    const bool writes = action == "set" || action == "add" || action == "append" ||
                        action == "merge" || action == "setifempty";
    std::string name = words.size() > 1 ? to_lower(words[1]) : "";
    name.erase(name.ends_with(':') ? name.size() - 1 : name.size());
    const bool cors = name.starts_with("access-control-");
    if (!writes || words.size() < 3) {
        // Taking the node's CORS fields away is what happens anyway.
        note(cors ? apache_note_kind::unrelated : apache_note_kind::dropped, at,
             cors ? "cors" : "header fields of answers are not edited");
        return;
    }
    const std::string& value = words[2];
    const bool variable = value.find('%') != std::string::npos || value.starts_with("expr=") ||
                          value.find("${") != std::string::npos;
    const bool conditional = words.size() > 3 && to_lower(words[3]) != "early";
    if (variable || conditional) {
        std::string why = cors ? "which origins are allowed depends on each request; write them "
                                 "under cors.origins"
                               : "values that depend on the request are not carried over";
        for (const auto& [known, pattern] : origin_patterns_) {
            if (line.text.find(known) != std::string::npos) {
                why += ". The pattern was " + pattern;
            }
        }
        note(apache_note_kind::dropped, at, std::move(why));
        return;
    }
    constexpr std::size_t headers_most = 1000;
    if (site_.headers.size() < headers_most) {
        site_.headers.push_back({name, value, here_.location, here_.server, here_.files_only, at});
    } else {
        note(apache_note_kind::dropped, at, "there are too many Header lines");
    }
}

void apache_reader::request_header(const apache_line& line, const apache_source& at) {
    const std::string action = line.args.empty() ? "" : to_lower(line.args[0]);
    const std::string name = line.args.size() > 1 ? to_lower(line.args[1]) : "";
    if (name == "x-forwarded-proto" || name == "x-forwarded-for" || name == "x-real-ip" ||
        name == "x-forwarded-host" || name == "x-forwarded-port" || name == "x-forwarded-ssl") {
        note(apache_note_kind::unrelated, at, "forwarding");
    } else if (action == "unset") {
        note(apache_note_kind::unrelated, at, "forwarding"); // only request_headers travel at all
    } else {
        note(apache_note_kind::dropped, at,
             "header fields of requests are passed on or not, never edited");
    }
}

void apache_reader::set_env_if(const apache_line& line, const apache_source& at) {
    const bool of_origin = line.args.size() >= 3 && to_lower(line.args[0]) == "origin";
    if (!of_origin) {
        note(apache_note_kind::unrelated, at, "environment");
        return;
    }
    const std::string variable = line.args[2].substr(0, line.args[2].find('='));
    if (!variable.empty() && origin_patterns_.size() < 100) {
        origin_patterns_[variable] = in_quotes(line.args[1]);
    }
    note(apache_note_kind::dropped, at,
         "origins are listed here, not matched by a pattern; write them under cors.origins, "
         "https://*.example.com for all hosts of a domain");
}

} // namespace boshgate::conf
