#pragma once
// The lexical side of Apache's configuration: logical lines, words, sections, ${VARIABLES}. Follows
// what httpd's ap_cfg_getline and ap_getword_conf do.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

enum class apache_line_kind { directive, open, close };

struct apache_line {
    apache_line_kind kind = apache_line_kind::directive;
    std::string name;              // lower case: "proxypass", "virtualhost"
    std::vector<std::string> args; // without quotes
    std::string text;              // as written, one line, blanks trimmed
    int number = 0;                // of the first physical line, 1-based
};

using apache_variables = std::map<std::string, std::string, std::less<>>;

// A cursor over the logical lines of one file. Comments and empty lines are skipped; a backslash at
// the end of a physical line joins it with the next one.
class apache_lines {
  public:
    explicit apache_lines(std::string_view text) : rest_(text) {}

    // next returns the next line with its ${VARIABLES} replaced; unknown ones stay as they are (as
    // in Apache).
    [[nodiscard]] std::optional<apache_line> next(const apache_variables& variables);

    // The number of the last physical line that was read.
    [[nodiscard]] int number() const noexcept { return number_; }

  private:
    [[nodiscard]] std::optional<std::string> logical_line(int& first_number);

    std::string_view rest_;
    int number_ = 0;
};

// apache_words splits by blanks; a word in single or double quotes may hold blanks, and \" and
// \\ inside.
[[nodiscard]] std::vector<std::string> apache_words(std::string_view text);

} // namespace boshgate::conf
