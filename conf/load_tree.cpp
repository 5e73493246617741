#include "conf/load_tree.hpp"

#include "conf/load.hpp"
#include "conf/syntax.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace boshgate::conf {

namespace {

mark to_mark(const YAML::Mark& where) noexcept {
    return where.is_null() ? mark{} : mark{where.line + 1, where.column + 1};
}

// Thrown through yaml-cpp to stop it: the parser knows no other way.
struct stop_reading {
    mark where;
    fault why;
};

class tree_builder final : public YAML::EventHandler {
  public:
    tree_builder(tree_result& out, std::string_view text, std::string_view origin)
        : out_(out), text_(text), origin_(origin) {
        for (std::size_t start = 0; start != std::string_view::npos;) {
            line_starts_.push_back(start);
            const auto end = text.find('\n', start);
            start = end == std::string_view::npos ? end : end + 1;
        }
    }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& where, YAML::anchor_t) override {
        finish(make(tree_kind::nothing, where));
    }

    void OnAlias(const YAML::Mark& where, YAML::anchor_t) override {
        report(to_mark(where), {"aliases (*name) are not used here", "the value itself", {}});
        finish(make(tree_kind::refused, where));
    }

    void OnAnchor(const YAML::Mark& where, const std::string& name) override {
        report(to_mark(where),
               {"anchors are not used here", "the value without " + in_quotes('&' + name), {}});
    }

    void OnScalar(const YAML::Mark& where, const std::string& tag, YAML::anchor_t,
                  const std::string& value) override {
        tree scalar = make(tree_kind::scalar, where);
        check_tag(where, tag);
        scalar.quoted = tag == "!";
        scalar.text = value;
        if (scalar.quoted && !is_closed(scalar.where)) {
            throw stop_reading{scalar.where, {"not valid YAML: a quote is never closed", {}, {}}};
        }
        finish(std::move(scalar));
    }

    void OnSequenceStart(const YAML::Mark& where, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(make(tree_kind::list, where), tag, where);
    }

    void OnMapStart(const YAML::Mark& where, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(make(tree_kind::map, where), tag, where);
    }

    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    // After a syntax error: hands out what has been read. The last scalar may have swallowed text
    // that the error belongs to ("1 b" for "1" and a wrongly indented "b"), so it is not to be
    // judged.
    void give_up() {
        if (last_scalar_ != nullptr) {
            last_scalar_->kind = tree_kind::refused;
        }
        while (!open_.empty()) {
            close();
        }
    }

  private:
    struct level {
        tree node;
        std::optional<tree_entry> pending; // a key whose value has not come yet
        bool key_refused = false;          // the pending key was not a word; drop its value
    };

    tree make(tree_kind kind, const YAML::Mark& where) {
        last_scalar_ = nullptr; // vectors grow, pointers into them die
        if (++values_ > config_values_max) {
            throw stop_reading{
                to_mark(where),
                {"the file has more than " + std::to_string(config_values_max) + " values",
                 {},
                 {}}};
        }
        tree made;
        made.kind = kind;
        made.where = to_mark(where);
        return made;
    }

    void report(mark where, fault why) {
        out_.problems.push_back({std::string{origin_},
                                 where.line,
                                 where.column,
                                 {},
                                 std::move(why.what),
                                 std::move(why.expected),
                                 std::move(why.did_you_mean),
                                 severity::error});
    }

    void check_tag(const YAML::Mark& where, const std::string& tag) {
        if (tag != "?" && tag != "!" && !tag.empty()) {
            report(to_mark(where),
                   {"tags are not used here", "the value without " + in_quotes(tag), {}});
        }
    }

    // yaml-cpp 0.7 takes the end of the file for the end of a quoted scalar when a line end comes
    // before it.
    bool is_closed(mark where) const noexcept {
        const auto line = static_cast<std::size_t>(where.line - 1);
        if (where.line < 1 || line >= line_starts_.size()) {
            return true;
        }
        const std::size_t start = line_starts_[line] + static_cast<std::size_t>(where.column - 1);
        if (start >= text_.size() || (text_[start] != '"' && text_[start] != '\'')) {
            return true; // a block scalar
        }
        const char quote = text_[start];
        for (std::size_t i = start + 1; i < text_.size(); ++i) {
            if (quote == '"' && text_[i] == '\\') {
                ++i;
            } else if (text_[i] == quote) {
                if (quote == '"' || i + 1 >= text_.size() || text_[i + 1] != quote) {
                    return true;
                }
                ++i;
            }
        }
        return false;
    }

    void open(tree node, const std::string& tag, const YAML::Mark& where) {
        check_tag(where, tag);
        if (static_cast<int>(open_.size()) >= config_depth_max) {
            throw stop_reading{
                node.where,
                {"the file is nested deeper than " + std::to_string(config_depth_max) + " levels",
                 {},
                 {}}};
        }
        open_.push_back({std::move(node), std::nullopt, false});
    }

    void close() {
        last_scalar_ = nullptr;
        level done = std::move(open_.back());
        open_.pop_back();
        finish(std::move(done.node));
    }

    void finish(tree node) {
        if (open_.empty()) {
            out_.root = std::move(node);
            return;
        }
        level& top = open_.back();
        if (top.node.kind == tree_kind::list) {
            top.node.items.push_back(std::move(node));
            remember(top.node.items.back());
        } else if (top.key_refused) {
            top.key_refused = false;
        } else if (!top.pending) {
            take_key(top, std::move(node));
        } else {
            top.pending->value = std::move(node);
            if (top.pending->value.kind == tree_kind::nothing) {
                // yaml-cpp places an absent value at the next token; the key is where to look.
                top.pending->value.where = top.pending->key_where;
            }
            top.node.entries.push_back(std::move(*top.pending));
            top.pending.reset();
            remember(top.node.entries.back().value);
        }
    }

    void take_key(level& top, tree node) {
        if (node.kind == tree_kind::scalar) {
            top.pending = tree_entry{std::move(node.text), node.where, {}};
            return;
        }
        if (node.kind == tree_kind::nothing) {
            report(node.where,
                   {"a key is empty or null", "a word, in quotes if it is \"null\"", {}});
        } else if (node.kind != tree_kind::refused) {
            report(node.where, {"a key is not a word", "key: value", {}});
        }
        top.key_refused = true;
    }

    void remember(tree& node) noexcept {
        last_scalar_ = node.kind == tree_kind::scalar ? &node : nullptr;
    }

    tree_result& out_;
    std::string_view text_;
    std::string_view origin_;
    std::vector<std::size_t> line_starts_;
    std::vector<level> open_;
    std::size_t values_ = 0;
    tree* last_scalar_ = nullptr;
};

// Sees only whether there is a second document, and where.
class document_finder final : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark& where) override { found = to_mark(where); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

    std::optional<mark> found;
};

// The first byte that no configuration file should have: yaml-cpp would replace or drop it in
// silence.
std::optional<std::pair<mark, fault>> bad_byte(std::string_view text) {
    mark at{1, 1};
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0) {
            return std::pair{at, fault{"the file is not UTF-8 here", {}, {}}};
        }
        const auto c = static_cast<unsigned char>(text[i]);
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            return std::pair{at, fault{"a control character stands here", {}, {}}};
        }
        at.column += static_cast<int>(length);
        if (c == '\n') {
            ++at.line;
            at.column = 1;
        }
        i += length;
    }
    return std::nullopt;
}

// A tab in the indentation is the one syntax error that cannot be seen in an editor.
bool is_tab_indented(std::string_view text, int line) {
    for (int current = 1; current < line; ++current) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(end + 1);
    }
    const auto first = text.find_first_not_of(' ');
    return first != std::string_view::npos && text[first] == '\t';
}

fault syntax_fault(std::string_view text, const YAML::Exception& error) {
    const int line = error.mark.line + 1;
    if (is_tab_indented(text, line) || (line > 1 && is_tab_indented(text, line - 1))) {
        return {"not valid YAML: a line is indented with a tab", "blanks", {}};
    }
    // Fragments of the file in the library's message are made printable, without its quotes.
    std::string words = in_quotes(error.msg);
    return {"not valid YAML: " + words.substr(1, words.size() - 2), {}, {}};
}

} // namespace

tree_result parse_tree(std::string_view text, std::string_view origin) {
    tree_result out;
    const auto stop = [&](mark where, fault why) {
        out.complete = false;
        out.problems.push_back({std::string{origin},
                                where.line,
                                where.column,
                                {},
                                std::move(why.what),
                                std::move(why.expected),
                                std::move(why.did_you_mean),
                                severity::error});
    };
    if (text.size() > config_bytes_max) {
        stop({},
             {"the file is larger than " + std::to_string(config_bytes_max) + " bytes", {}, {}});
        return out;
    }
    if (const auto found = bad_byte(text)) {
        stop(found->first, found->second);
        return out;
    }
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3); // a byte order mark, as some editors write it
    }
    tree_builder builder{out, text, origin};
    try {
        std::istringstream stream{std::string{text}};
        YAML::Parser parser{stream};
        if (!parser.HandleNextDocument(builder) || out.root.kind == tree_kind::nothing) {
            stop({1, 1}, {"the file is empty", "at least listen and nodes", {}});
            return out;
        }
        document_finder finder;
        parser.HandleNextDocument(finder);
        if (finder.found) {
            stop(*finder.found, {"a second document starts here", "one document a file", {}});
        }
    } catch (const YAML::Exception& error) {
        stop(to_mark(error.mark), syntax_fault(text, error));
        builder.give_up();
    } catch (const stop_reading& bound) {
        stop(bound.where, bound.why);
        builder.give_up();
    }
    return out;
}

} // namespace boshgate::conf
