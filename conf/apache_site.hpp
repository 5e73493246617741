#pragma once
// What an Apache configuration says, as far as boshgate has something like it: the model between
// reading the file (apache_reader) and writing our own (apache_emit).

#include "conf/apache_lines.hpp"
#include "conf/apache_notes.hpp"
#include "conf/config.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace boshgate::conf {

// Where something stood.
struct apache_source {
    std::string origin;
    int line = 0;
    std::string text;
};

template <class T>
struct apache_value {
    T value;
    apache_source at;
};

// SSLProxy*: how a server looks at the certificates of nodes.
struct apache_node_tls {
    std::optional<bool> engine;
    std::optional<apache_value<bool>> verify; // Apache's default is not to
    std::string ca_file;
    std::optional<apache_value<bool>> check_name;
    bool legacy = false;
};

struct apache_proxy_pass {
    std::string path; // as written, starts with a slash
    std::string url;  // "!" for an exclusion
    apache_source at;
};

// The main server, or one <VirtualHost>. What a virtual host does not say, it has from the main
// server.
struct apache_server {
    apache_source at;                   // line 0: the main server
    int last_line = 0;                  // of </VirtualHost>
    std::vector<std::string> addresses; // of a virtual host: "*:443"
    std::string name;                   // ServerName, without scheme and port
    apache_source name_at;              // of the last ServerName
    std::optional<bool> tls;
    std::vector<apache_value<std::string>> certificates;
    std::vector<std::string> keys;
    std::optional<bool> tls_1_3_only;
    std::optional<bool> preserve_host;
    std::optional<bool> proxy_protocol;
    std::optional<apache_value<std::string>> document_root;
    std::vector<std::string> index;
    std::string fallback;
    std::vector<apache_proxy_pass> passes;
    apache_node_tls node_tls;
};

// A Header line that concerns CORS, or a plain one for files.
struct apache_header {
    std::string name; // lower case
    std::string value;
    std::string location; // path of the <Location> it stands in; empty: the server
    std::size_t server = 0;
    bool files_only = false; // stands in <Directory>
    apache_source at;
};

struct apache_site {
    std::vector<apache_server> servers{1}; // the main server first
    std::vector<apache_value<std::string>> listen;
    std::vector<apache_header> headers;
    std::map<std::string, apache_node_tls> proxy_sections; // by the URL that <Proxy> names
    std::vector<std::string> trusted_proxies;
    std::optional<milliseconds> answer;
    std::optional<milliseconds> connect;
    std::optional<apache_value<std::uint64_t>> body_bytes;
    std::string server_root;
    std::vector<apache_note> notes;
    std::size_t notes_left_out = 0; // beyond apache_notes_max
    bool not_a_text = false;        // the file that was named holds NUL: nothing of it was read
};

[[nodiscard]] apache_note make_note(apache_note_kind kind, const apache_source& at,
                                    std::string why);

// apache_class returns the one word that says to which part of Apache a directive belongs, when
// that part has nothing to do with proxying BOSH: "logging"; empty when there is none.
[[nodiscard]] std::string_view apache_class(std::string_view lower_name) noexcept;

// apache_loss returns why a directive that may matter is not carried over; empty when it is not in
// that table.
[[nodiscard]] std::string_view apache_loss(std::string_view lower_name) noexcept;

} // namespace boshgate::conf
