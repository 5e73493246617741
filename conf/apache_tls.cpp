// Directives of mod_ssl: towards clients, and towards nodes (SSLProxy*).

#include "conf/apache_reader.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"

namespace boshgate::conf {

namespace {

// What an SSLProtocol line allows.
struct protocols {
    bool old = false;       // SSL 3, TLS 1.0, TLS 1.1
    bool named_old = false; // one of them by name, not by "all"
    bool v1_2 = false;
    bool v1_3 = false;
};

protocols read_protocols(const std::vector<std::string>& words) {
    protocols set;
    for (const std::string& written : words) {
        std::string word = to_lower(written);
        const bool off = word.starts_with('-');
        word.erase(0, off || word.starts_with('+') ? 1 : 0);
        if (word == "all") {
            set.old = set.v1_2 = set.v1_3 = !off;
        } else if (word == "tlsv1.2") {
            set.v1_2 = !off;
        } else if (word == "tlsv1.3") {
            set.v1_3 = !off;
        } else if (!off) {
            set.old = set.named_old = true;
        }
    }
    return set;
}

} // namespace

apache_node_tls& apache_reader::node_tls() {
    constexpr std::size_t sections_most = 4096;
    const bool in_section =
        !here_.proxy.empty() && here_.proxy != "*" && site_.proxy_sections.size() < sections_most;
    return in_section ? site_.proxy_sections[here_.proxy] : server().node_tls;
}

void apache_reader::ssl_engine(const apache_line& line, const apache_source& at) {
    const auto on = apache_flag(line.args);
    if (!on) {
        note(apache_note_kind::dropped, at, "neither On nor Off");
        return;
    }
    server().tls = on;
}

void apache_reader::ssl_certificate(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || line.args[0].empty()) {
        note(apache_note_kind::dropped, at, "there is no file name");
        return;
    }
    server().certificates.push_back({line.args[0], at});
}

void apache_reader::ssl_key(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || line.args[0].empty()) {
        note(apache_note_kind::dropped, at, "there is no file name");
        return;
    }
    server().keys.push_back(line.args[0]);
}

void apache_reader::ssl_chain(const apache_line&, const apache_source& at) {
    note(
        apache_note_kind::changed, at,
        "certificate is one file, leaf first: append this chain to the file of SSLCertificateFile");
}

void apache_reader::ssl_protocol(const apache_line& line, const apache_source& at) {
    const protocols set = read_protocols(line.args);
    if (set.named_old) {
        note(apache_note_kind::changed, at, "TLS before 1.2 is not offered to clients");
    }
    server().tls_1_3_only = set.v1_3 && !set.v1_2 && !set.named_old;
}

void apache_reader::ssl_verify_client(const apache_line& line, const apache_source& at) {
    const bool none = !line.args.empty() && to_lower(line.args[0]) == "none";
    note(none ? apache_note_kind::unrelated : apache_note_kind::dropped, at,
         none ? "tls" : "certificates of clients are not asked for");
}

void apache_reader::ssl_proxy_engine(const apache_line& line, const apache_source& at) {
    const auto on = apache_flag(line.args);
    if (!on) {
        note(apache_note_kind::dropped, at, "neither On nor Off");
        return;
    }
    node_tls().engine = on;
}

void apache_reader::ssl_proxy_verify(const apache_line& line, const apache_source& at) {
    const std::string word = line.args.empty() ? "" : to_lower(line.args[0]);
    // "optional" and "optional_no_ca" let everything pass in the end.
    node_tls().verify = {word == "require", at};
}

void apache_reader::ssl_proxy_ca(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || line.args[0].empty()) {
        note(apache_note_kind::dropped, at, "there is no file name");
        return;
    }
    node_tls().ca_file = line.args[0];
}

void apache_reader::ssl_proxy_name(const apache_line& line, const apache_source& at) {
    const auto on = apache_flag(line.args);
    if (!on) {
        note(apache_note_kind::dropped, at, "neither On nor Off");
        return;
    }
    node_tls().check_name = {*on, at};
}

void apache_reader::ssl_proxy_protocol(const apache_line& line, const apache_source& at) {
    const protocols set = read_protocols(line.args);
    node_tls().legacy = set.named_old && !set.v1_2 && !set.v1_3;
    if (set.named_old && !node_tls().legacy) {
        note(apache_note_kind::changed, at,
             "nodes are reached with TLS 1.2 or 1.3; for one that speaks only older versions set "
             "tls.legacy");
    }
}

} // namespace boshgate::conf
