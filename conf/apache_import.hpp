#pragma once
// Turns an Apache httpd configuration into one for boshgate, for operators who followed the guides
// that put ProxyPass lines in front of their BOSH nodes.
//
//     const auto imported = conf::import_apache(text, "httpd.conf", read_includes);
//     std::cout << imported.yaml;
//     for (const auto& note : imported.notes) std::cerr << conf::to_string(note) << '\n';
//
// Pure: included files come through a callback. What Apache did is kept where boshgate can do it;
// every line that is not carried over has a note. The result passes load().

#include "conf/apache_notes.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

// Bounds of an import; what lies beyond is left out, with a note.
inline constexpr std::size_t apache_bytes_max = 4 * 1024 * 1024; // all files together
inline constexpr int apache_include_depth_max = 8;
inline constexpr std::size_t apache_notes_max = 10'000;
inline constexpr std::size_t apache_line_bytes_max = 64 * 1024; // one logical line

struct included_file {
    std::string origin; // name for notes
    std::string text;
};

// Called for each Include and IncludeOptional with its argument, which may hold wildcards and may
// be relative to ServerRoot. Returns the files in the order in which Apache would read them; none
// when there are none.
using include_reader = std::function<std::vector<included_file>(const std::string& pattern)>;

struct apache_import {
    std::string
        yaml; // empty when there is nothing to import: no ProxyPass that can be carried over
    std::vector<apache_note> notes; // in the order of reading
};

// import_apache never fails: a file that makes no sense has notes only. `read` may be empty: then
// no file is included.
[[nodiscard]] apache_import import_apache(std::string_view text, std::string_view origin,
                                          const include_reader& read = {});

} // namespace boshgate::conf
