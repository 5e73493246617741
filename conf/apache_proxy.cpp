// Directives of mod_proxy and mod_rewrite.

#include "conf/apache_reader.hpp"
#include "conf/bounds.hpp"
#include "conf/problem.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"

#include <algorithm>
#include <array>

namespace boshgate::conf {

namespace {

// Apache's durations: seconds, or with a unit "ms", "s" or "mi".
std::optional<milliseconds> apache_duration(const std::string& text) {
    std::string written = to_lower(text);
    if (written.ends_with("mi")) {
        written.pop_back();
    } else if (!written.empty() && written.back() >= '0' && written.back() <= '9') {
        written += 's';
    }
    const auto read = parse_duration(written);
    return read ? std::optional{*read} : std::nullopt;
}

// Options of ProxyPass that say what boshgate does anyway.
bool is_our_way(const std::string& key, const std::string& value) {
    const std::string folded = to_lower(value);
    return (key == "keepalive" && folded == "on") || (key == "enablereuse" && folded == "on") ||
           (key == "disablereuse" && folded == "off") || key == "flushpackets" ||
           key == "flushwait" || (key == "retry" && folded == "0");
}

// "^/node-a1/?$" -> "/node-a1". Only patterns that stand for one path; nullopt for all others.
std::optional<std::string> literal_path(std::string_view pattern) {
    if (!pattern.starts_with('^') || !pattern.ends_with('$')) {
        return std::nullopt;
    }
    pattern = pattern.substr(1, pattern.size() - 2);
    if (pattern.ends_with("/?")) {
        pattern.remove_suffix(2);
    }
    std::string path;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            c = pattern[++i];
            if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
                return std::nullopt; // \d and its like
            }
        } else if (std::string_view{".*+?()[]{}|^$\\"}.find(c) != std::string_view::npos) {
            return std::nullopt;
        }
        path += c;
    }
    if (!path.starts_with('/')) {
        path.insert(0, 1, '/');
    }
    return path;
}

bool has_flag(const std::vector<std::string>& flags,
              std::initializer_list<std::string_view> names) {
    return std::any_of(flags.begin(), flags.end(), [&](const std::string& flag) {
        const std::string whole = to_lower(flag);
        const std::string name = whole.substr(0, whole.find('='));
        return std::find(names.begin(), names.end(), name) != names.end() ||
               std::find(names.begin(), names.end(), whole) != names.end();
    });
}

// "[L,P]" -> {"L", "P"}
std::vector<std::string> rewrite_flags(const std::string& text) {
    std::vector<std::string> flags;
    std::string flag;
    for (const char c : text) {
        if (c == ',' || c == '[' || c == ']') {
            if (!flag.empty()) {
                flags.push_back(std::move(flag));
            }
            flag.clear();
        } else if (c != ' ') {
            flag += c;
        }
    }
    return flags;
}

} // namespace

void apache_reader::proxy_pass(const apache_line& line, const apache_source& at) {
    std::vector<std::string> words = line.args;
    if (here_.files_only) {
        note(apache_note_kind::dropped, at, "Apache itself does not allow it here");
        return;
    }
    if (!here_.location.empty()) {
        words.insert(words.begin(), here_.location);
    }
    if (words.size() < 2 || !words[0].starts_with('/')) {
        note(apache_note_kind::dropped, at, "this is not a path and a URL");
        return;
    }
    constexpr std::size_t passes_most = 4096;
    if (server().passes.size() >= passes_most) {
        note(apache_note_kind::dropped, at, "there are too many ProxyPass lines");
        return;
    }
    server().passes.push_back({words[0], words[1], at});
    proxy_options({words.begin() + 2, words.end()}, at);
}

void apache_reader::proxy_options(const std::vector<std::string>& options,
                                  const apache_source& at) {
    std::string left_out;
    for (const std::string& option : options) {
        const auto equals = option.find('=');
        const std::string key = to_lower(option.substr(0, equals));
        const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
        if (key == "timeout") {
            take_answer_timeout(value, at);
        } else if (key == "connectiontimeout") {
            const auto duration = apache_duration(value);
            const auto& bound = timeout_bounds[5];
            static_assert(timeout_bounds[5].key == "connect");
            if (duration && *duration >= bound.least && *duration <= bound.most) {
                site_.connect = std::max(*duration, site_.connect.value_or(*duration));
            } else {
                left_out += ' ' + option;
            }
        } else if (key != "nocanon" && key != "interpolate" && key != "noquery" &&
                   !is_our_way(key, value)) {
            // The three words are about the client's path, which never travels here.
            left_out += ' ' + option;
        }
    }
    if (!left_out.empty()) {
        note(apache_note_kind::changed, at,
             "these options have no counterpart: " + in_quotes(left_out.substr(1)));
    }
}

void apache_reader::take_answer_timeout(const std::string& text, const apache_source& at) {
    const auto duration = apache_duration(text);
    const milliseconds standard = timeouts{}.answer;
    if (!duration) {
        note(apache_note_kind::dropped, at, "the timeout is not a number of seconds");
    } else if (*duration <= standard) {
        note(apache_note_kind::changed, at,
             "timeouts.answer stays " + print_duration(standard) +
                 ": it has to outlast the longest held poll");
    } else {
        const milliseconds most = timeout_bounds[7].most;
        static_assert(timeout_bounds[7].key == "answer");
        site_.answer = std::max(std::min(*duration, most), site_.answer.value_or(standard));
    }
}

void apache_reader::proxy_timeout(const apache_line& line, const apache_source& at) {
    const std::string value = line.args.empty() ? "" : line.args[0];
    const auto duration = apache_duration(value);
    if (line.name == "timeout" && duration && *duration <= timeouts{}.answer) {
        note(apache_note_kind::unrelated, at,
             "process"); // each phase has a timeout of its own here
        return;
    }
    take_answer_timeout(value, at);
}

void apache_reader::proxy_set(const apache_line& line, const apache_source& at) {
    const bool names_url = !line.args.empty() && line.args[0].find("://") != std::string::npos;
    proxy_options({line.args.begin() + (names_url ? 1 : 0), line.args.end()}, at);
}

void apache_reader::proxy_requests(const apache_line& line, const apache_source& at) {
    if (apache_flag(line.args).value_or(true)) {
        note(apache_note_kind::dropped, at,
             "boshgate is no forward proxy; only nodes can be reached");
    } else {
        note(apache_note_kind::unrelated, at, "proxy");
    }
}

void apache_reader::preserve_host(const apache_line& line, const apache_source& at) {
    const auto on = apache_flag(line.args);
    if (!on) {
        note(apache_note_kind::dropped, at, "neither On nor Off");
        return;
    }
    server().preserve_host = on;
}

void apache_reader::rewrite_condition(const apache_line&, const apache_source& at) {
    conditional_ = true;
    note(apache_note_kind::unrelated, at, "rewriting");
}

void apache_reader::rewrite_rule(const apache_line& line, const apache_source& at) {
    const bool conditional = conditional_;
    conditional_ = false;
    if (line.args.size() < 2) {
        note(apache_note_kind::dropped, at, "this is not a pattern and a substitution");
        return;
    }
    const std::string& pattern = line.args[0];
    const std::string& target = line.args[1];
    const auto flags = rewrite_flags(line.args.size() > 2 ? line.args[2] : "");
    if (has_flag(flags, {"p", "proxy"})) {
        const auto path = literal_path(pattern);
        const bool fixed = target.find_first_of("$%") == std::string::npos;
        if (path && fixed && !conditional && here_.location.empty() && !here_.files_only) {
            server().passes.push_back({*path, target, at});
            return;
        }
        note(apache_note_kind::dropped, at,
             conditional ? "it depends on conditions" : "paths are fixed here, not patterns");
        return;
    }
    if (has_flag(flags, {"r=200", "r=204"})) {
        note(apache_note_kind::unrelated, at, "cors"); // how preflights are answered by hand
        return;
    }
    if (has_flag(flags, {"r", "redirect"}) || target.find("://") != std::string::npos) {
        note(apache_note_kind::dropped, at, "boshgate sends no redirects");
        return;
    }
    if (target == "-") {
        const bool refuses = has_flag(flags, {"f", "forbidden", "g", "gone"});
        note(refuses ? apache_note_kind::dropped : apache_note_kind::unrelated, at,
             refuses ? "there is no access control; keep it in front of boshgate" : "rewriting");
        return;
    }
    // The idiom of single-page applications: everything that is not a file is index.html.
    constexpr std::array<std::string_view, 8> anything{"^",    ".",      ".*",    "^.*$",
                                                       "(.*)", "^(.*)$", "^(.*)", "^.*"};
    const std::string file = target.substr(target.starts_with('/') ? 1 : 0);
    const bool page = file.ends_with(".html") || file.ends_with(".htm");
    if (page && !check_relative_file(file) && !literal_path(pattern)) {
        server().fallback = file;
        if (std::find(anything.begin(), anything.end(), pattern) == anything.end()) {
            note(apache_note_kind::changed, at,
                 "web_root.fallback is for every path that is no file, not for a pattern");
        }
        return;
    }
    note(apache_note_kind::dropped, at, "paths are fixed here and never rewritten");
}

} // namespace boshgate::conf
