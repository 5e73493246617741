// Header lines to cors and to the header fields of files.

#include "conf/apache_build.hpp"
#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"

#include <algorithm>

namespace boshgate::conf {

namespace {

// Splits by commas and blanks; empty pieces are left out.
std::vector<std::string> pieces(std::string_view text) {
    std::vector<std::string> all;
    std::string piece;
    for (const char c : std::string{text} + ',') {
        if (c != ',' && c != ' ' && c != '\t') {
            piece += c;
        } else if (!piece.empty()) {
            all.push_back(std::move(piece));
            piece.clear();
        }
    }
    return all;
}

void add_once(std::vector<std::string>& all, const std::string& one) {
    if (std::find(all.begin(), all.end(), one) == all.end()) {
        all.push_back(one);
    }
}

} // namespace

// A <Location> counts when a node's path lies below it, or it below a node's path.
bool apache_builder::concerns_nodes(const apache_header& header) const {
    if (header.files_only) {
        return false;
    }
    const bool relevant = header.server == 0 || std::find(relevant_.begin(), relevant_.end(),
                                                          header.server) != relevant_.end();
    const std::string place = header.location.empty() ? "/" : header.location;
    return relevant && std::any_of(mappings_.begin(), mappings_.end(), [&](const mapping& m) {
               return m.path.starts_with(place) || place.starts_with(m.path);
           });
}

void apache_builder::add_headers() {
    for (const apache_header& header : site_.headers) {
        if (header.name.starts_with("access-control-")) {
            if (concerns_nodes(header)) {
                add_cors_header(header);
            } else {
                note(apache_note_kind::dropped, header.at, "it is for paths that lead to no node");
            }
            continue;
        }
        const bool whole_site = header.location.empty() || header.location == "/";
        if (!made.web_root || !whole_site) {
            note(apache_note_kind::dropped, header.at, "header fields of answers are not edited");
        } else if (const auto why = check_file_field(header.name)) {
            note(apache_note_kind::dropped, header.at, why->what);
        } else if (const auto wrong = check_field_value(header.value)) {
            note(apache_note_kind::dropped, header.at, wrong->what);
        } else {
            made.web_root->headers[header.name] = header.value;
        }
    }
    finish_cors();
}

void apache_builder::add_cors_header(const apache_header& header) {
    const std::string_view what = std::string_view{header.name}.substr(15);
    if (what == "allow-origin") {
        add_origins(header);
    } else if (what == "allow-credentials") {
        made.cors.credentials = made.cors.credentials || header.value == "true";
        credentials_at_ = header.at;
    } else if (what == "allow-headers") {
        add_names(header, made.cors.allow_headers);
    } else if (what == "expose-headers") {
        add_names(header, made.cors.expose_headers);
    } else if (what == "max-age") {
        const auto age = parse_count(header.value);
        if (!age) {
            note(apache_note_kind::dropped, header.at, "this is not a number of seconds");
            return;
        }
        const auto most = static_cast<std::uint64_t>(cors_max_age_most.count());
        made.cors.max_age = seconds{static_cast<std::int64_t>(std::min(*age, most))};
    } else if (what == "allow-methods") {
        const auto methods = pieces(header.value);
        const bool ours =
            std::all_of(methods.begin(), methods.end(), [](const std::string& method) {
                return method == "GET" || method == "HEAD" || method == "POST" ||
                       method == "OPTIONS";
            });
        note(ours ? apache_note_kind::unrelated : apache_note_kind::dropped, header.at,
             ours ? "cors" : "nodes are reached by GET, HEAD and POST");
    } else if (what == "allow-private-network") {
        made.cors.private_network = header.value == "true";
    } else {
        note(apache_note_kind::dropped, header.at, "this field is not known here");
    }
}

void apache_builder::add_origins(const apache_header& header) {
    for (const std::string& written : pieces(header.value)) {
        const auto why = check_origin(written);
        const std::string& origin = why ? why->did_you_mean : written;
        if (origin.empty() || made.cors.origins.size() >= origins_most) {
            note(apache_note_kind::dropped, header.at,
                 why ? why->what : "there are too many origins");
            continue;
        }
        add_once(made.cors.origins, origin);
        if (why) {
            note(apache_note_kind::changed, header.at,
                 why->what + "; read as " + in_quotes(origin));
        }
    }
}

void apache_builder::add_names(const apache_header& header, std::vector<std::string>& out) {
    for (const std::string& name : pieces(header.value)) {
        if (name == "*" || !is_token(name) || out.size() >= origins_most) {
            note(apache_note_kind::dropped, header.at,
                 in_quotes(name) + (name == "*"
                                        ? " is no wildcard here; write the header fields by name"
                                        : " is not a header field name"));
        } else {
            add_once(out, to_lower(name));
        }
    }
}

// What the loader would refuse, and browsers never honoured.
void apache_builder::finish_cors() {
    cors& c = made.cors;
    const auto lists = [&](std::string_view origin) {
        return std::find(c.origins.begin(), c.origins.end(), origin) != c.origins.end();
    };
    if (lists("*")) {
        c.origins = {"*"};
    }
    if (c.credentials && (c.origins.empty() || lists("*") || lists("null"))) {
        c.credentials = false;
        note(apache_note_kind::dropped, credentials_at_,
             c.origins.empty()
                 ? "no origin is allowed that could be written down here"
                 : "credentials are only for origins that are named; * and null are not");
    }
    if (c.origins.empty()) {
        c = cors{}; // the other fields mean nothing alone
    }
}

} // namespace boshgate::conf
