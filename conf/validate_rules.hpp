#pragma once
// The parts of validate(), one for each section, and where they put what they find.

#include "conf/problem.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

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

void validate_listeners(const config& settings, findings& out);
void validate_nodes(const config& settings, findings& out);
void validate_paths(const config& settings, findings& out); // prefix, routes, names that collide
void validate_cors(const config& settings, findings& out);
void validate_headers(const config& settings, findings& out);
void validate_web_root(const config& settings, findings& out);
void validate_bounds(const config& settings, findings& out);

} // namespace boshgate::conf
