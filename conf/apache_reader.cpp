// The walk: lines, sections, includes. What single directives mean is in apache_directives.cpp
// (servers and files), apache_proxy.cpp and apache_tls.cpp.

#include "conf/apache_reader.hpp"

#include "conf/problem.hpp"
#include "conf/syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace boshgate::conf {

const apache_reader::entry apache_reader::sections_[] = {
    {"virtualhost", &apache_reader::virtual_host},
    {"location", &apache_reader::location},
    {"locationmatch", &apache_reader::pattern_section},
    {"directory", &apache_reader::directory},
    {"directorymatch", &apache_reader::files_section},
    {"files", &apache_reader::files_section},
    {"filesmatch", &apache_reader::files_section},
    {"ifmodule", &apache_reader::if_module},
    {"ifdefine", &apache_reader::if_define},
    {"ifversion", &apache_reader::if_version},
    {"iffile", &apache_reader::if_file},
    {"ifdirective", &apache_reader::if_known},
    {"ifsection", &apache_reader::if_known},
    {"proxy", &apache_reader::proxy_section},
    {"proxymatch", &apache_reader::pattern_section},
    {"limit", &apache_reader::access_section},
    {"limitexcept", &apache_reader::access_section},
    {"requireall", &apache_reader::access_section},
    {"requireany", &apache_reader::access_section},
    {"requirenone", &apache_reader::access_section},
    {"if", &apache_reader::condition_section},
    {"elseif", &apache_reader::condition_section},
    {"else", &apache_reader::condition_section},
};

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

} // namespace

std::optional<bool> apache_flag(const std::vector<std::string>& args) {
    const std::string word = args.empty() ? "" : to_lower(args.front());
    if (word == "on") {
        return true;
    }
    return word == "off" ? std::optional{false} : std::nullopt;
}

void apache_reader::note(apache_note_kind kind, const apache_source& at, std::string why) {
    // A file of another kind would have as many as it has lines.
    if (site_.notes.size() >= apache_notes_max) {
        ++site_.notes_left_out;
        return;
    }
    site_.notes.push_back(make_note(kind, at, std::move(why)));
}

void apache_reader::skip(apache_note_kind kind, const apache_source& at, std::string why) {
    skipped_.push_back({at, kind, std::move(why), 0});
}

void apache_reader::end_skip(int last_line) {
    const skipped_section done = std::move(skipped_.back());
    skipped_.pop_back();
    apache_note made = make_note(done.kind, done.at, done.why);
    made.last_line = last_line;
    site_.notes.push_back(std::move(made));
}

void apache_reader::read_file(std::string_view text, const std::string& origin) {
    const apache_source whole{origin, 1, "Include"};
    bytes_ += text.size();
    if (bytes_ > apache_bytes_max) {
        note(apache_note_kind::dropped, whole,
             "the files are larger than " + std::to_string(apache_bytes_max) + " bytes together");
        return;
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(nul), '\n');
        note(apache_note_kind::dropped, {origin, static_cast<int>(line), "the file as a whole"},
             "it is not a text file, there is a NUL byte in this line; if it is UTF-16, save it "
             "as UTF-8");
        site_.not_a_text = site_.not_a_text || depth_ == 0;
        return;
    }
    const std::size_t outside = open_.size();
    text.remove_prefix(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    apache_lines lines{text};
    while (const auto line = lines.next(variables_)) {
        const apache_source at{origin, line->number, line->text};
        if (!skipped_.empty()) {
            std::size_t& inner = skipped_.back().depth;
            if (line->kind == apache_line_kind::open) {
                ++inner;
            } else if (line->kind == apache_line_kind::close && inner-- == 0) {
                end_skip(lines.number());
            }
            continue;
        }
        if (line->kind == apache_line_kind::open) {
            open(*line, at);
        } else if (line->kind == apache_line_kind::directive) {
            directive(*line, at);
        } else if (open_.size() > outside) {
            close(*line, at);
        } else {
            note(apache_note_kind::dropped, at, "no section is open");
        }
    }
    const apache_source end{origin, lines.number(), "end of file"};
    if (!skipped_.empty()) {
        end_skip(lines.number());
        note(apache_note_kind::dropped, end, "a section is not closed");
    }
    while (open_.size() > outside) {
        note(apache_note_kind::dropped, end,
             "the section <" + open_.back().name + "> is not closed");
        here_ = std::move(open_.back().outside);
        open_.pop_back();
    }
}

void apache_reader::open(const apache_line& line, const apache_source& at) {
    for (const entry& known : sections_) {
        if (known.name != line.name) {
            continue;
        }
        context outside = here_;
        (this->*known.handle)(line, at);
        if (skipped_.empty()) {
            open_.push_back({line.name, std::move(outside)});
        } else {
            here_ = std::move(outside);
        }
        return;
    }
    if (const std::string_view why = apache_loss(line.name); !why.empty()) {
        skip(apache_note_kind::dropped, at, std::string{why});
    } else {
        skip(apache_note_kind::dropped, at, "this section is not known here");
    }
}

void apache_reader::close(const apache_line& line, const apache_source& at) {
    if (open_.back().name != line.name) {
        note(apache_note_kind::dropped, at, "the open section is <" + open_.back().name + ">");
        return;
    }
    if (line.name == "virtualhost") {
        server().last_line = at.line;
    }
    here_ = std::move(open_.back().outside);
    open_.pop_back();
}

void apache_reader::directive(const apache_line& line, const apache_source& at) {
    const std::string_view name = line.name;
    for (const entry* known = handlers_; known->handle != nullptr; ++known) {
        if (known->name == name) {
            (this->*known->handle)(line, at);
            return;
        }
    }
    if (const std::string_view why = apache_loss(name); !why.empty()) {
        note(apache_note_kind::dropped, at, std::string{why});
    } else if (const std::string_view word = apache_class(name); !word.empty()) {
        note(apache_note_kind::unrelated, at, std::string{word});
    } else {
        note(apache_note_kind::dropped, at, "this directive is not known here");
    }
}

void apache_reader::include(const apache_line& line, const apache_source& at) {
    const bool optional = line.name == "includeoptional";
    if (line.args.empty()) {
        note(apache_note_kind::dropped, at, "there is no file name");
        return;
    }
    if (depth_ >= apache_include_depth_max) {
        note(apache_note_kind::dropped, at,
             "files include each other deeper than " + std::to_string(apache_include_depth_max));
        return;
    }
    if (bytes_ > apache_bytes_max) {
        note(apache_note_kind::dropped, at, "too much was included before");
        return;
    }
    const auto files = read_ ? read_(absolute(line.args[0])) : std::vector<included_file>{};
    if (files.empty()) {
        const auto kind = optional ? apache_note_kind::unrelated : apache_note_kind::dropped;
        note(kind, at, optional ? "absent" : "the file could not be read");
        return;
    }
    ++depth_;
    for (const included_file& file : files) {
        read_file(file.text, file.origin);
    }
    --depth_;
}

std::string apache_reader::absolute(const std::string& path) const {
    if (path.starts_with('/') || site_.server_root.empty()) {
        return path;
    }
    return site_.server_root + '/' + path;
}

// Sections.

void apache_reader::virtual_host(const apache_line& line, const apache_source& at) {
    constexpr std::size_t servers_most = 1024;
    if (site_.servers.size() >= servers_most) {
        skip(apache_note_kind::dropped, at, "there are too many virtual hosts");
        return;
    }
    apache_server made;
    made.at = at;
    made.addresses = line.args;
    here_ = {};
    here_.server = site_.servers.size();
    site_.servers.push_back(std::move(made));
}

void apache_reader::location(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || !line.args[0].starts_with('/')) {
        pattern_section(line, at);
        return;
    }
    here_.location = line.args[0];
}

void apache_reader::directory(const apache_line& line, const apache_source& at) {
    if (line.args.empty() || line.args[0] == "~") {
        files_section(line, at);
        return;
    }
    here_.files_only = true;
}

void apache_reader::if_module(const apache_line& line, const apache_source& at) {
    // A module that the file asks about is taken to be there: it was, when the file was written.
    if (!line.args.empty() && line.args[0].starts_with('!')) {
        skip(apache_note_kind::unrelated, at, "module");
    }
}

void apache_reader::if_define(const apache_line& line, const apache_source& at) {
    std::string name = line.args.empty() ? "" : line.args[0];
    const bool negated = name.starts_with('!');
    name.erase(0, negated ? 1 : 0);
    if (variables_.contains(name) == negated) {
        skip(apache_note_kind::dropped, at,
             in_quotes(name) + (negated ? " is defined" : " is not defined in these files"));
    }
}

namespace {

// "2.4.10" as one number; -1 when it is none.
int version_number(std::string_view text) {
    int number = 0;
    for (int part = 0; part < 3; ++part) {
        int value = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (part > 0 && text.empty()) {
            value = 0; // "2.4" is 2.4.0
        } else if (ec != std::errc{} || value > 999 || value < 0) {
            return -1;
        }
        number = number * 1000 + value;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        text.remove_prefix(text.starts_with('.') ? 1 : 0);
    }
    return text.empty() ? number : -1;
}

} // namespace

void apache_reader::if_version(const apache_line& line, const apache_source& at) {
    constexpr int current = 2'004'062; // any file of these years is for 2.4
    std::string comparison = line.args.size() > 1 ? line.args[0] : "=";
    const bool negated = comparison.starts_with('!');
    comparison.erase(0, negated ? 1 : 0);
    const int wanted = line.args.empty() ? -1 : version_number(line.args.back());
    bool holds = false;
    if (wanted < 0) {
        skip(apache_note_kind::dropped, at, "this version pattern is not understood");
        return;
    }
    if (comparison == ">=" || comparison == ">") {
        holds = current >= wanted;
    } else if (comparison == "<=" || comparison == "<") {
        holds = current <= wanted;
    } else {
        holds = current == wanted;
    }
    if (holds == negated) {
        skip(apache_note_kind::unrelated, at, "version");
    }
}

void apache_reader::if_file(const apache_line&, const apache_source& at) {
    note(apache_note_kind::changed, at, "read as if the file were there");
}

void apache_reader::if_known(const apache_line& line, const apache_source& at) {
    if (!line.args.empty() && line.args[0].starts_with('!')) {
        skip(apache_note_kind::unrelated, at, "module");
    }
}

void apache_reader::proxy_section(const apache_line& line, const apache_source& at) {
    const std::string url = line.args.empty() ? "*" : to_lower(line.args[0]);
    if (url.starts_with("balancer:")) {
        skip(apache_note_kind::dropped, at,
             "a node is one server; clients and service discovery choose between nodes");
    } else if (url == "~") {
        pattern_section(line, at);
    } else {
        here_.proxy = url;
    }
}

void apache_reader::pattern_section(const apache_line&, const apache_source& at) {
    skip(apache_note_kind::dropped, at, "paths are fixed here, not patterns");
}

void apache_reader::files_section(const apache_line&, const apache_source& at) {
    skip(apache_note_kind::unrelated, at, "files");
}

void apache_reader::access_section(const apache_line&, const apache_source& at) {
    skip(apache_note_kind::dropped, at, "there is no access control; keep it in front of boshgate");
}

void apache_reader::condition_section(const apache_line&, const apache_source& at) {
    skip(apache_note_kind::dropped, at, "conditions on single requests are not carried over");
}

} // namespace boshgate::conf
