#include "conf/apache_import.hpp"

#include "conf/apache_build.hpp"
#include "conf/apache_reader.hpp"
#include "conf/bounds.hpp"
#include "conf/load.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"

#include <algorithm>

namespace boshgate::conf {

apache_builder::apache_builder(apache_site& site) : site_(site) {}

void apache_builder::note(apache_note_kind kind, const apache_source& at, std::string why) {
    site_.notes.push_back(make_note(kind, at, std::move(why)));
}

// File names come as bytes; only UTF-8 without control characters can stand in a configuration.
std::string apache_builder::file_name(const std::string& text, const apache_source& at) {
    if (!is_plain_text(text) || !is_plain_text(site_.server_root)) {
        note(apache_note_kind::dropped, at, "the file name is not UTF-8");
        return {};
    }
    if (text.empty() || text.starts_with('/')) {
        return text;
    }
    if (site_.server_root.empty()) {
        note(apache_note_kind::changed, at,
             "the name is relative, and there is no ServerRoot in these files: write it out");
        return text;
    }
    return site_.server_root + '/' + text;
}

void apache_builder::find_servers() {
    const bool inherited = !main().passes.empty();
    for (std::size_t i = 1; i < site_.servers.size(); ++i) {
        const apache_server& server = site_.servers[i];
        if (inherited || !server.passes.empty()) {
            relevant_.push_back(i);
        } else {
            apache_note left_out = make_note(apache_note_kind::dropped, server.at,
                                             "no ProxyPass in it; boshgate serves one site");
            left_out.last_line = std::max(server.last_line, left_out.line);
            site_.notes.push_back(std::move(left_out));
        }
    }
    // Last: beside virtual hosts the main server only serves the addresses that they leave over.
    if (inherited) {
        relevant_.push_back(0);
    }
}

void apache_builder::add_web_root() {
    const auto none = site_.servers.end();
    auto chosen = none;
    for (const std::size_t index : relevant_) {
        if (index == 0 && relevant_.size() > 1) {
            continue; // virtual hosts have it already, unless they have their own
        }
        const auto& own = site_.servers[index].document_root;
        const auto& root = own ? own : main().document_root;
        if (!root) {
            continue;
        }
        const std::string path = file_name(root->value, root->at);
        if (made.web_root && made.web_root->path != path) {
            note(apache_note_kind::dropped, root->at,
                 "there is one web root and no other directory");
        } else if (!made.web_root && !path.empty()) {
            made.web_root = web_root{.path = path};
            chosen = site_.servers.begin() + static_cast<std::ptrdiff_t>(index);
        }
    }
    if (chosen == none) {
        return;
    }
    std::vector<std::string> index = chosen->index.empty() ? main().index : chosen->index;
    std::erase_if(index, [](const std::string& name) { return !is_plain_text(name); });
    if (!index.empty()) {
        made.web_root->index = std::move(index);
    }
    const std::string& fallback = chosen->fallback.empty() ? main().fallback : chosen->fallback;
    made.web_root->fallback = is_plain_text(fallback) ? fallback : "";
}

void apache_builder::add_bounds() {
    made.timeouts.answer = site_.answer.value_or(made.timeouts.answer);
    made.timeouts.connect = site_.connect.value_or(made.timeouts.connect);
    if (site_.body_bytes) {
        constexpr std::uint64_t most = 64 * mib;
        made.limits.body_bytes = std::min(site_.body_bytes->value, most);
        if (site_.body_bytes->value > most) {
            note(apache_note_kind::changed, site_.body_bytes->at, "64MiB is the most");
        }
    }
    std::vector<std::string>& trusted = made.trusted_proxies;
    for (const std::string& block : site_.trusted_proxies) {
        if (std::find(trusted.begin(), trusted.end(), block) == trusted.end()) {
            trusted.push_back(block);
        }
    }
}

void apache_builder::note_names() {
    for (std::size_t i = 0; i < site_.servers.size(); ++i) {
        const apache_server& server = site_.servers[i];
        const bool left_out = i > 0 && std::find(relevant_.begin(), relevant_.end(), i) ==
                                           relevant_.end(); // as a whole, which has its note
        const bool is_host = server.preserve_host.value_or(main().preserve_host.value_or(false));
        if (!left_out && !server.name.empty()) {
            note(is_host ? apache_note_kind::changed : apache_note_kind::dropped, server.name_at,
                 is_host ? "became the Host field of its nodes, because of ProxyPreserveHost; "
                           "clients may use any host name"
                         : std::string{apache_loss("serveralias")});
        }
    }
}

void apache_builder::build() {
    find_servers();
    note_names();
    for (std::size_t i = 0; i < site_.servers.size(); ++i) {
        add_paths(i);
    }
    if (made.nodes.empty()) {
        return;
    }
    find_prefix();
    name_nodes();
    add_routes();
    add_listeners();
    add_web_root();
    add_headers();
    add_bounds();
}

namespace {

// What was found while building stands behind what was found while reading; the lines of one file
// belong together, in their order.
void put_in_order(std::vector<apache_note>& notes) {
    std::map<std::string, std::size_t> rank;
    for (const apache_note& n : notes) {
        rank.emplace(n.origin, rank.size());
    }
    std::stable_sort(notes.begin(), notes.end(), [&](const apache_note& a, const apache_note& b) {
        return std::pair{rank.at(a.origin), a.line} < std::pair{rank.at(b.origin), b.line};
    });
    // One line can matter to several nodes.
    const auto same = [](const apache_note& a, const apache_note& b) {
        return a.origin == b.origin && a.line == b.line && a.why == b.why && a.text == b.text;
    };
    notes.erase(std::unique(notes.begin(), notes.end(), same), notes.end());
}

} // namespace

apache_import import_apache(std::string_view text, std::string_view origin,
                            const include_reader& read) {
    apache_site site;
    apache_reader{site, read}.read_file(text, std::string{origin});
    apache_builder builder{site};
    builder.build();
    apache_import out;
    out.notes = std::move(site.notes);
    put_in_order(out.notes);
    const apache_source whole{std::string{origin}, 1, "the file as a whole"};
    if (site.notes_left_out > 0) {
        out.notes.push_back(
            make_note(apache_note_kind::dropped, whole,
                      std::to_string(site.notes_left_out) + " more lines, which are not listed"));
    }
    if (site.not_a_text) {
        return out;
    }
    if (builder.made.nodes.empty()) {
        out.notes.push_back(make_note(apache_note_kind::dropped, whole,
                                      "no ProxyPass leads to a node; nothing to import"));
        return out;
    }
    builder.comments[""] =
        "Imported by boshgate import-apache. Lines that were not carried over are\n"
        "listed on standard error.\n";
    out.yaml = to_yaml(builder.made, builder.comments);
    // The promise that the result loads is kept whatever the input was.
    for (const problem& found : load(out.yaml, "the imported configuration").problems) {
        if (found.level == severity::error) {
            out.notes.push_back(make_note(apache_note_kind::dropped, whole, to_string(found)));
            out.yaml.clear();
        }
    }
    return out;
}

} // namespace boshgate::conf
