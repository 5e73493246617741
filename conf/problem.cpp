#include "conf/problem.hpp"

#include <algorithm>

namespace boshgate::conf {

namespace {

constexpr std::size_t shown_bytes_max = 60;

// Appends what can be shown of `text`; other bytes as \xNN.
void append_shown(std::string& out, std::string_view text, std::size_t most = shown_bytes_max) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : text.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte <= 0x7e) {
            out += c;
        } else {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
}

bool is_plain_word(std::string_view key) noexcept {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

std::string place_of(const problem& p) {
    std::string text = p.origin;
    if (p.line > 0) {
        text += ':' + std::to_string(p.line) + ':' + std::to_string(p.column);
    }
    return text;
}

std::string text_of(const problem& p) {
    std::string text;
    if (!p.path.empty()) {
        text += p.path + ": ";
    }
    text += p.what;
    if (!p.expected.empty()) {
        text += ", expected " + p.expected;
    }
    if (!p.did_you_mean.empty()) {
        text += ", did you mean ";
        append_shown(text, p.did_you_mean, p.did_you_mean.size());
        text += '?';
    }
    return text;
}

} // namespace

std::string to_string(const problem& p) {
    return place_of(p) + (p.level == severity::warning ? ": warning: " : ": ") + text_of(p);
}

std::string to_log_text(const problem& p) {
    return place_of(p) + ": " + text_of(p);
}

void put_in_order(std::vector<problem>& problems, std::string_view origin) {
    std::stable_sort(problems.begin(), problems.end(), [](const problem& a, const problem& b) {
        return std::pair{a.line, a.column} < std::pair{b.line, b.column};
    });
    if (problems.size() > problems_max) {
        const std::size_t more = problems.size() - problems_max;
        const bool errors_left = has_errors(problems);
        problems.resize(problems_max);
        problems.push_back({std::string{origin},
                            0,
                            0,
                            {},
                            std::to_string(more) + " more problems are not shown",
                            {},
                            {},
                            errors_left ? severity::error : severity::warning});
    }
}

bool is_echo(std::string_view path, const std::vector<problem>& earlier) noexcept {
    return std::any_of(earlier.begin(), earlier.end(), [&](const problem& p) {
        return p.level == severity::error && !p.path.empty() && is_within(p.path, path);
    });
}

bool has_errors(const std::vector<problem>& problems) noexcept {
    return std::any_of(problems.begin(), problems.end(),
                       [](const problem& p) { return p.level == severity::error; });
}

std::string in_quotes(std::string_view text) {
    std::string shown = "'";
    append_shown(shown, text);
    shown += text.size() > shown_bytes_max ? "...'" : "'";
    return shown;
}

mark mark_of(const source_marks& marks, std::string_view path) {
    while (!path.empty()) {
        if (const auto found = marks.find(path); found != marks.end()) {
            return found->second;
        }
        // "a.b[0]" -> "a.b" -> "a"; brackets may hold dots, so the last separator decides.
        const auto cut = path.back() == ']' ? path.rfind('[') : path.find_last_of(".[");
        path = cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
    }
    const auto root = marks.find(std::string_view{});
    return root == marks.end() ? mark{} : root->second;
}

std::string child_path(std::string_view parent, std::string_view key) {
    std::string path{parent};
    if (is_plain_word(key)) {
        if (!path.empty()) {
            path += '.';
        }
        return path.append(key);
    }
    path += "[\"";
    append_shown(path, key);
    return path += key.size() > shown_bytes_max ? "...\"]" : "\"]";
}

std::string item_path(std::string_view parent, std::size_t index) {
    return std::string{parent} + '[' + std::to_string(index) + ']';
}

bool is_within(std::string_view path, std::string_view parent) noexcept {
    return path.starts_with(parent) && (path.size() == parent.size() || parent.empty() ||
                                        path[parent.size()] == '.' || path[parent.size()] == '[');
}

} // namespace boshgate::conf
