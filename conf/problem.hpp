#pragma once
// One thing that is wrong with a configuration, and how it is shown to its operator:
//
//     boshgate.yaml:7:12: nodes.node-a1.url: 'htps' is not served, expected http or https, did you
//     mean https?
//
// (on one line). A warning has "warning: " after the position; it never stops a start.

#include "conf/config.hpp"
#include "conf/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

// Problems of one file that are shown; then one last line says that there are more.
inline constexpr std::size_t problems_max = 200;

enum class severity { error, warning };

struct problem {
    std::string origin; // file name as the operator gave it
    int line = 0;       // 1-based; 0: the problem has no place in the file
    int column = 0;     // 1-based, in bytes
    std::string path;   // "listen[0].tls.key"; empty: the file as a whole
    std::string what;
    std::string expected;
    std::string did_you_mean;
    severity level = severity::error;
};

// to_string prints the problem on one line, without a line end. Texts that came from the file were
// made printable by in_quotes() before.
[[nodiscard]] std::string to_string(const problem& p);

// to_log_text is to_string without "warning: ", for a log whose lines have a level already.
[[nodiscard]] std::string to_log_text(const problem& p);

// put_in_order sorts problems by their place in the file and cuts them after problems_max, with a
// last line that says how many more there are.
void put_in_order(std::vector<problem>& problems, std::string_view origin);

// is_echo tells whether a problem at `path` most likely follows from one of `earlier`: an error at
// the same key, or beneath it.
[[nodiscard]] bool is_echo(std::string_view path, const std::vector<problem>& earlier) noexcept;

// has_errors tells whether anything but warnings is among the problems: the configuration must not
// be used.
[[nodiscard]] bool has_errors(const std::vector<problem>& problems) noexcept;

// in_quotes puts a piece of a file between single quotes, cuts it after 60 bytes and shows control
// and non-ASCII bytes as \xNN: a configuration must not be able to write escape sequences to a
// terminal.
[[nodiscard]] std::string in_quotes(std::string_view text);

// Where each value stood: "cors.origins[1]" -> line and column.
using source_marks = std::map<std::string, mark, std::less<>>;

// mark_of finds the mark of a path, or of the nearest thing that contains it; {0, 0} when there is
// none.
[[nodiscard]] mark mark_of(const source_marks& marks, std::string_view path);

// child_path appends a key to a path: "nodes" + "node-a1" -> "nodes.node-a1"; a key that is not a
// plain word goes into brackets: routes["/httpbinding"].
[[nodiscard]] std::string child_path(std::string_view parent, std::string_view key);
[[nodiscard]] std::string item_path(std::string_view parent, std::size_t index);

// is_within tells whether `path` is `parent` or lies beneath it.
[[nodiscard]] bool is_within(std::string_view path, std::string_view parent) noexcept;

} // namespace boshgate::conf
