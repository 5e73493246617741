#include "conf/load_reader.hpp"

#include "conf/suggest.hpp"
#include "conf/units.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace boshgate::conf {

namespace {

std::string_view kind_in_words(tree_kind kind) noexcept {
    switch (kind) {
    case tree_kind::nothing:
        return "there is no value";
    case tree_kind::scalar:
        return "this is a single value";
    case tree_kind::list:
        return "this is a list";
    case tree_kind::map:
        return "this is a map of keys";
    case tree_kind::refused:
        break;
    }
    return "this value was refused";
}

bool has_control(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// The words of YAML 1.1, of other products, and slips of case.
std::string_view boolean_hint(std::string_view text) noexcept {
    static constexpr std::array<std::string_view, 6> on{"true", "yes", "on", "y", "1", "enabled"};
    static constexpr std::array<std::string_view, 6> off{"false", "no", "off",
                                                         "n",     "0",  "disabled"};
    const auto is_text = [&](std::string_view word) { return edit_distance(word, text) == 0; };
    if (std::any_of(on.begin(), on.end(), is_text)) {
        return "true";
    }
    return std::any_of(off.begin(), off.end(), is_text) ? "false" : "";
}

} // namespace

void reader::report(mark where, std::string path, fault why) {
    problems_.push_back({origin_, where.line, where.column, std::move(path), std::move(why.what),
                         std::move(why.expected), std::move(why.did_you_mean), severity::error});
}

bool reader::wants_hints() const noexcept {
    return problems_.size() < problems_max;
}

void reader::missing(const place& parent, std::string_view key, std::string_view wanted) {
    if (!complete_) {
        return;
    }
    const mark where = parent.key_where.line > 0 ? parent.key_where : parent.value.where;
    report(where, child_path(parent.path, key), {"is missing", std::string{wanted}, {}});
}

void reader::note(const place& at) {
    marks_.emplace(at.path, at.value.where);
}

void reader::wrong_kind(const place& at, std::string_view wanted) {
    if (at.value.kind == tree_kind::refused) {
        passed_over_.push_back(at.path);
    } else {
        report(at, {std::string{kind_in_words(at.value.kind)}, std::string{wanted}, {}});
    }
}

std::optional<std::string_view> reader::scalar(const place& at, std::string_view wanted) {
    note(at);
    if (at.value.kind != tree_kind::scalar) {
        wrong_kind(at, wanted);
        return std::nullopt;
    }
    if (has_control(at.value.text)) {
        report(at, {in_quotes(at.value.text) + " has a line end or another control character",
                    std::string{wanted},
                    {}});
        return std::nullopt;
    }
    return at.value.text;
}

std::optional<std::vector<place>> reader::entries(const place& at, std::string_view wanted) {
    note(at);
    std::vector<place> found;
    if (at.value.kind == tree_kind::nothing) {
        return found;
    }
    if (at.value.kind != tree_kind::map) {
        wrong_kind(at, wanted);
        return std::nullopt;
    }
    std::map<std::string_view, int> first_lines;
    for (const tree_entry& entry : at.value.entries) {
        const std::string path = child_path(at.path, entry.key);
        const auto [seen, is_new] = first_lines.emplace(entry.key, entry.key_where.line);
        if (!is_new) {
            report(
                entry.key_where, path,
                {"is repeated, it already stands in line " + std::to_string(seen->second), {}, {}});
        } else if (entry.key == "<<") {
            report(entry.key_where, path,
                   {"merge keys are not used here", "the keys themselves", {}});
        } else if (has_control(entry.key)) {
            report(entry.key_where, path, {"the key has a control character", {}, {}});
        } else {
            found.push_back({entry.value, path, entry.key_where, entry.key});
        }
    }
    return found;
}

std::optional<std::vector<place>> reader::items(const place& at, std::string_view wanted) {
    note(at);
    if (at.value.kind != tree_kind::list) {
        if (at.value.kind == tree_kind::scalar) {
            report(at, {"this is a single value", std::string{wanted},
                        '[' + at.value.text.substr(0, 60) + ']'});
        } else {
            wrong_kind(at, wanted);
        }
        return std::nullopt;
    }
    std::vector<place> found;
    for (const tree& item : at.value.items) {
        found.push_back({item, item_path(at.path, found.size()), item.where});
    }
    return found;
}

void reader::read(const place& at, bool& out) {
    const auto text = scalar(at, "true or false");
    if (!text) {
        return;
    }
    if (!at.value.quoted && (*text == "true" || *text == "false")) {
        out = *text == "true";
        return;
    }
    const bool only_quotes = at.value.quoted && (*text == "true" || *text == "false");
    report(at, {in_quotes(*text) +
                    (only_quotes ? " is a text, because of its quotes" : " is no switch"),
                "true or false", std::string{boolean_hint(*text)}});
}

void reader::read(const place& at, std::string& out) {
    if (const auto text = scalar(at, "a text")) {
        out = *text;
    }
}

void reader::read(const place& at, std::vector<std::string>& out) {
    const auto found = items(at, "a list such as [one, two]");
    if (!found) {
        return;
    }
    out.clear(); // what the file says replaces the default, it does not add to it
    for (const place& item : *found) {
        // A wrong item keeps its place, so that later checks name the others by their right index.
        const auto text = scalar(item, "a text, in quotes if it is \"null\"");
        out.emplace_back(text.value_or(std::string_view{}));
    }
}

void reader::read(const place& at, std::map<std::string, std::string>& out) {
    const auto found = entries(at, "a map of 'key: text'");
    if (!found) {
        return;
    }
    out.clear();
    for (const place& entry : *found) {
        if (const auto text = scalar(entry, "a text")) {
            out.emplace(entry.key, *text);
        }
    }
}

void reader::read(const place& at, std::chrono::seconds& out) {
    using std::chrono::seconds;
    const auto duration = take(at, "a duration such as 30s or 2h", parse_duration);
    if (!duration) {
        return;
    }
    const auto whole = std::chrono::duration_cast<seconds>(*duration);
    if (whole != *duration) {
        report(at, {in_quotes(at.value.text) + " is not a whole number of seconds",
                    "a duration such as 30s or 2h", print_duration(whole + seconds{1})});
        return;
    }
    out = whole;
}

void reader::read(const place& at, unsigned& out) {
    const auto count = take(at, "a plain whole number", parse_count);
    if (!count) {
        return;
    }
    if (at.value.quoted) {
        report(at, {in_quotes(at.value.text) + " is a text, because of its quotes",
                    "a plain whole number", at.value.text});
    } else if (*count > std::numeric_limits<unsigned>::max()) {
        report(at, {in_quotes(at.value.text) + " is too large", "a smaller number", {}});
    } else {
        out = static_cast<unsigned>(*count);
    }
}

std::optional<std::size_t> reader::one_of(const place& at,
                                          std::span<const std::string_view> words) {
    std::string wanted;
    for (const std::string_view word : words) {
        wanted += wanted.empty() ? "" : word == words.back() ? " or " : ", ";
        wanted += word;
    }
    const auto text = scalar(at, wanted);
    if (!text) {
        return std::nullopt;
    }
    const auto found = std::find(words.begin(), words.end(), *text);
    if (found != words.end()) {
        return static_cast<std::size_t>(found - words.begin());
    }
    std::string_view hint = closest(*text, words);
    const bool has_off = std::find(words.begin(), words.end(), "off") != words.end();
    if (hint.empty() && has_off && boolean_hint(*text) == "false") {
        hint = "off";
    }
    report(at, {in_quotes(*text) + " is not known here", wanted, std::string{hint}});
    return std::nullopt;
}

} // namespace boshgate::conf
