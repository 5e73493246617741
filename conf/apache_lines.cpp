#include "conf/apache_lines.hpp"

#include "conf/apache_import.hpp"
#include "conf/syntax.hpp"

namespace boshgate::conf {

namespace {

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// Values are not replaced again: Apache does not recurse either, and a loop of definitions cannot
// arise.
std::string replaced(std::string_view text, const apache_variables& variables) {
    std::string out;
    while (!text.empty()) {
        const auto start = text.find("${");
        const auto end = start == std::string_view::npos ? start : text.find('}', start);
        if (end == std::string_view::npos) {
            break;
        }
        const auto found = variables.find(text.substr(start + 2, end - start - 2));
        out += text.substr(0, start);
        if (found != variables.end()) {
            out += found->second;
        } else {
            out += text.substr(start, end + 1 - start);
        }
        text.remove_prefix(end + 1);
        if (out.size() > apache_line_bytes_max) {
            break; // a long value, used often
        }
    }
    return out.append(text).substr(0, apache_line_bytes_max);
}

} // namespace

std::vector<std::string> apache_words(std::string_view text) {
    std::vector<std::string> words;
    while (!(text = trimmed(text)).empty()) {
        const char quote = text.front();
        std::string word;
        if (quote != '"' && quote != '\'') {
            std::size_t end = 0;
            while (end < text.size() && !is_blank(text[end])) {
                ++end;
            }
            word = text.substr(0, end);
            text.remove_prefix(end);
        } else {
            std::size_t at = 1;
            while (at < text.size() && text[at] != quote) {
                const bool escaped = text[at] == '\\' && at + 1 < text.size() &&
                                     (text[at + 1] == quote || text[at + 1] == '\\');
                at += escaped ? 1 : 0;
                word += text[at++];
            }
            text.remove_prefix(at < text.size() ? at + 1 : at);
        }
        words.push_back(std::move(word));
    }
    return words;
}

std::optional<std::string> apache_lines::logical_line(int& first_number) {
    if (rest_.empty()) {
        return std::nullopt;
    }
    std::string line;
    first_number = number_ + 1;
    while (!rest_.empty()) {
        const auto end = rest_.find('\n');
        std::string_view physical = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        ++number_;
        if (physical.ends_with('\r')) {
            physical.remove_suffix(1);
        }
        const bool goes_on = physical.ends_with('\\') && !physical.ends_with("\\\\");
        if (goes_on) {
            physical.remove_suffix(1);
        }
        if (line.size() < apache_line_bytes_max) {
            line += physical.substr(0, apache_line_bytes_max - line.size());
        }
        if (!goes_on) {
            break;
        }
    }
    return line;
}

std::optional<apache_line> apache_lines::next(const apache_variables& variables) {
    int number = 0;
    while (auto raw = logical_line(number)) {
        const std::string_view shown = trimmed(*raw);
        if (shown.empty() || shown.front() == '#') {
            continue;
        }
        apache_line line;
        line.number = number;
        line.text = shown;
        const std::string text = replaced(shown, variables);
        std::string_view rest = text;
        if (rest.front() == '<') {
            const bool closes = rest.starts_with("</");
            line.kind = closes ? apache_line_kind::close : apache_line_kind::open;
            rest.remove_prefix(closes ? 2 : 1);
            // The last '>' ends it; regular expressions may hold others.
            rest = rest.substr(0, rest.rfind('>'));
        }
        rest = trimmed(rest);
        std::size_t name_end = 0;
        while (name_end < rest.size() && !is_blank(rest[name_end])) {
            ++name_end;
        }
        line.name = to_lower(rest.substr(0, name_end));
        line.args = apache_words(rest.substr(name_end));
        return line;
    }
    return std::nullopt;
}

} // namespace boshgate::conf
