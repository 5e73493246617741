#pragma once
// Walks an Apache configuration with its sections, variables and includes, and fills an
// apache_site.

#include "conf/apache_import.hpp"
#include "conf/apache_site.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

class apache_reader {
  public:
    apache_reader(apache_site& site, const include_reader& read) : site_(site), read_(read) {}

    void read_file(std::string_view text, const std::string& origin);

  private:
    // What the lines of a section apply to. Copied when a section opens, restored when it closes.
    struct context {
        std::size_t server = 0;
        std::string location;    // of <Location>
        std::string proxy;       // URL of <Proxy>
        bool files_only = false; // <Directory>
    };
    struct section {
        std::string name;
        context outside;
    };
    // A section that is left out as a whole.
    struct skipped_section {
        apache_source at;
        apache_note_kind kind;
        std::string why;
        std::size_t depth; // of sections inside it
    };
    using handler = void (apache_reader::*)(const apache_line&, const apache_source&);
    struct entry {
        std::string_view name;
        handler handle;
    };
    static const entry handlers_[];
    static const entry sections_[];

    void open(const apache_line& line, const apache_source& at);
    void close(const apache_line& line, const apache_source& at);
    void directive(const apache_line& line, const apache_source& at);
    void note(apache_note_kind kind, const apache_source& at, std::string why);
    void skip(apache_note_kind kind, const apache_source& at, std::string why);
    void end_skip(int last_line);
    [[nodiscard]] apache_server& server() { return site_.servers[here_.server]; }
    // Where SSLProxy* lines go: the server, or the <Proxy> section.
    [[nodiscard]] apache_node_tls& node_tls();
    [[nodiscard]] std::string absolute(const std::string& path) const;

    // Sections.
    void virtual_host(const apache_line& line, const apache_source& at);
    void location(const apache_line& line, const apache_source& at);
    void directory(const apache_line& line, const apache_source& at);
    void if_module(const apache_line& line, const apache_source& at);
    void if_define(const apache_line& line, const apache_source& at);
    void if_version(const apache_line& line, const apache_source& at);
    void if_file(const apache_line& line, const apache_source& at);
    void if_known(const apache_line& line, const apache_source& at);
    void proxy_section(const apache_line& line, const apache_source& at);
    void pattern_section(const apache_line& line, const apache_source& at);
    void files_section(const apache_line& line, const apache_source& at);
    void access_section(const apache_line& line, const apache_source& at);
    void condition_section(const apache_line& line, const apache_source& at);

    // Directives, by topic.
    void define(const apache_line& line, const apache_source& at);
    void undefine(const apache_line& line, const apache_source& at);
    void include(const apache_line& line, const apache_source& at);
    void listen(const apache_line& line, const apache_source& at);
    void server_name(const apache_line& line, const apache_source& at);
    void server_root(const apache_line& line, const apache_source& at);
    void document_root(const apache_line& line, const apache_source& at);
    void directory_index(const apache_line& line, const apache_source& at);
    void fallback_resource(const apache_line& line, const apache_source& at);
    void require(const apache_line& line, const apache_source& at);
    void allow(const apache_line& line, const apache_source& at);
    void deny(const apache_line& line, const apache_source& at);
    void limit_body(const apache_line& line, const apache_source& at);
    void remote_ip(const apache_line& line, const apache_source& at);
    void proxy_protocol(const apache_line& line, const apache_source& at);

    void proxy_pass(const apache_line& line, const apache_source& at);
    void proxy_options(const std::vector<std::string>& options, const apache_source& at);
    void proxy_set(const apache_line& line, const apache_source& at);
    void proxy_timeout(const apache_line& line, const apache_source& at);
    void proxy_requests(const apache_line& line, const apache_source& at);
    void preserve_host(const apache_line& line, const apache_source& at);
    void rewrite_condition(const apache_line& line, const apache_source& at);
    void rewrite_rule(const apache_line& line, const apache_source& at);
    void take_answer_timeout(const std::string& text, const apache_source& at);

    void ssl_engine(const apache_line& line, const apache_source& at);
    void ssl_certificate(const apache_line& line, const apache_source& at);
    void ssl_key(const apache_line& line, const apache_source& at);
    void ssl_chain(const apache_line& line, const apache_source& at);
    void ssl_protocol(const apache_line& line, const apache_source& at);
    void ssl_verify_client(const apache_line& line, const apache_source& at);
    void ssl_proxy_engine(const apache_line& line, const apache_source& at);
    void ssl_proxy_verify(const apache_line& line, const apache_source& at);
    void ssl_proxy_ca(const apache_line& line, const apache_source& at);
    void ssl_proxy_name(const apache_line& line, const apache_source& at);
    void ssl_proxy_protocol(const apache_line& line, const apache_source& at);

    void header(const apache_line& line, const apache_source& at);
    void request_header(const apache_line& line, const apache_source& at);
    void set_env_if(const apache_line& line, const apache_source& at);

    apache_site& site_;
    const include_reader& read_;
    apache_variables variables_;
    std::vector<section> open_;
    std::vector<skipped_section>
        skipped_; // at most one; a vector because it is moved out at its end
    context here_;
    int depth_ = 0;            // of includes
    std::size_t bytes_ = 0;    // of all files
    bool conditional_ = false; // the last rewriting line was a RewriteCond
    std::map<std::string, std::string> origin_patterns_; // variable -> pattern of SetEnvIf Origin
};

// on_or_off reads Apache's flags; nullopt: neither.
[[nodiscard]] std::optional<bool> apache_flag(const std::vector<std::string>& args);

} // namespace boshgate::conf
