#pragma once
// Strict readers: from a place in the tree to one typed value, or a problem. All sections of the
// file are read with these, by tables of keys (load_keys.hpp), so that every mistake is reported in
// the same words.

#include "conf/load_tree.hpp"
#include "conf/problem.hpp"
#include "conf/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

// A value in the tree, and how it is reported.
struct place {
    const tree& value;
    std::string path;
    mark key_where;            // of the key that names it; of the value itself in a list
    std::string_view key = {}; // empty in a list
};

class reader {
  public:
    // `complete` is false when the file could only be read up to a syntax error: missing keys are
    // then not reported.
    reader(std::string_view origin, bool complete) : origin_(origin), complete_(complete) {}

    void report(mark where, std::string path, fault why);
    void report(const place& at, fault why) { report(at.value.where, at.path, std::move(why)); }
    // A key that must be there is not; reported at the key or item that should contain it.
    void missing(const place& parent, std::string_view key, std::string_view wanted);

    // scalar returns the text of a scalar, or reports; an empty one only if it was quoted.
    std::optional<std::string_view> scalar(const place& at, std::string_view wanted);

    // entries returns a map's entries; repeated keys are reported and left out. An absent value
    // ("key:") counts as an empty map. nullopt (reported): it is something else.
    std::optional<std::vector<place>> entries(const place& at, std::string_view wanted);
    // items returns a list's items. nullopt (reported): it is something else.
    std::optional<std::vector<place>> items(const place& at, std::string_view wanted);

    // The typed readers leave `out` alone when the value is wrong.
    void read(const place& at, bool& out);
    void read(const place& at, std::string& out);
    void read(const place& at, std::vector<std::string>& out);
    void read(const place& at, std::map<std::string, std::string>& out);
    void read(const place& at, std::chrono::seconds& out);
    void read(const place& at, unsigned& out);

    // one_of reads one of some words and returns its index.
    std::optional<std::size_t> one_of(const place& at, std::span<const std::string_view> words);

    // take passes on what a parser made of the text of a scalar.
    template <class T>
    std::optional<T> take(const place& at, std::string_view wanted,
                          result<T> (*parse)(std::string_view)) {
        const auto text = scalar(at, wanted);
        if (!text) {
            return std::nullopt;
        }
        const auto parsed = parse(*text);
        if (!parsed) {
            report(at, parsed.why());
            return std::nullopt;
        }
        return *parsed;
    }

    // Values that were passed over because their problem was reported without a path.
    [[nodiscard]] const std::vector<std::string>& passed_over() const noexcept {
        return passed_over_;
    }
    // Corrections take time; beyond the number of problems that are shown they help nobody.
    [[nodiscard]] bool wants_hints() const noexcept;
    std::vector<problem> take_problems() { return std::move(problems_); }
    source_marks take_marks() { return std::move(marks_); }

  private:
    void note(const place& at);
    void wrong_kind(const place& at, std::string_view wanted);

    std::string origin_;
    bool complete_;
    std::vector<problem> problems_;
    source_marks marks_;
    std::vector<std::string> passed_over_;
};

} // namespace boshgate::conf
