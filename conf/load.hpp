#pragma once
// From the text of a configuration file to a typed configuration and everything that is wrong with
// it.
//
//     const auto loaded = conf::load(text, "boshgate.yaml");
//     for (const auto& p : loaded.problems) print(conf::to_string(p));
//     if (conf::has_errors(loaded.problems)) return 1;
//
// One run reports all: unknown, repeated and missing keys, wrong types, units and ranges, and what
// the cross-field checks of validate.hpp find. Reading is strict and pure: no file but the text is
// looked at, and YAML's own guesses (010 is 8, yes is true, ~ is null) are not made.

#include "conf/config.hpp"
#include "conf/problem.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

// Bounds of a configuration file; beyond them it is refused as a whole.
inline constexpr std::size_t config_bytes_max = 1024 * 1024;
inline constexpr int config_depth_max = 8;                // maps and lists inside each other
inline constexpr std::size_t config_values_max = 100'000; // scalars, maps and lists

struct loaded {
    conf::config config;           // only meaningful when problems holds no error
    std::vector<problem> problems; // in the order of the file
    source_marks marks;            // where every value that was given stood
};

// load reads and validates. `origin` is the name that problems are reported under. Never throws but
// std::bad_alloc, whatever the text is.
[[nodiscard]] loaded load(std::string_view text, std::string_view origin);

// every_key lists the path of each key that load knows, items written as [] and names as <name>:
// "listen[].address", "nodes.<name>.tls.pins", "timeouts.head". The example configuration and the
// manual are tested against it.
[[nodiscard]] std::vector<std::string> every_key();

} // namespace boshgate::conf
