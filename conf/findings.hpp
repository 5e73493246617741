#pragma once
// What is found wrong with a configuration once it is read, each with the place of its key in the
// file: by validate() about values, by proxy/named_files about the files that they name.

#include "conf/problem.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

// Keeps a view of `marks`, which must outlive it.
class findings {
  public:
    findings(const source_marks& marks, std::string_view origin) : marks_(marks), origin_(origin) {}

    void error(std::string path, fault why) {
        add(std::move(path), std::move(why), severity::error);
    }
    void warning(std::string path, fault why) {
        add(std::move(path), std::move(why), severity::warning);
    }
    // For what is wrong with a key, not with its value.
    void error_at(mark where, std::string path, fault why) {
        add(std::move(path), std::move(why), severity::error);
        if (where.line > 0) {
            problems_.back().line = where.line;
            problems_.back().column = where.column;
        }
    }
    // Reports a fault if there is one.
    void check(std::string path, std::optional<fault> why) {
        if (why) {
            error(std::move(path), std::move(*why));
        }
    }
    // Corrections take time; beyond the number of problems that are shown they help nobody.
    [[nodiscard]] bool wants_hints() const noexcept { return problems_.size() < problems_max; }
    // Whether the file has this key: some are written in two ways.
    [[nodiscard]] bool is_written(std::string_view path) const {
        return marks_.find(path) != marks_.end();
    }
    [[nodiscard]] bool any_error() const noexcept { return has_errors(problems_); }
    std::vector<problem> take() { return std::move(problems_); }

  private:
    void add(std::string path, fault why, severity level) {
        const mark where = mark_of(marks_, path);
        problems_.push_back({origin_, where.line, where.column, std::move(path),
                             std::move(why.what), std::move(why.expected),
                             std::move(why.did_you_mean), level});
    }

    const source_marks& marks_;
    std::string origin_;
    std::vector<problem> problems_;
};

} // namespace boshgate::conf
