#pragma once
// From a configuration file on disk to a snapshot: reads the file, loads, validates and compiles
// it, and gathers all that is wrong or loud, with its place in the file.

#include "conf/problem.hpp"
#include "proxy/snapshot.hpp"

#include <memory>
#include <string>
#include <vector>

namespace boshgate::proxy {

struct loaded_configuration {
    std::shared_ptr<const snapshot> compiled; // nullptr: cannot be used, problems say why
    std::vector<conf::problem> problems;      // errors and warnings, in the order of the file
};

// load_configuration says all that is wrong in one run: values, and the files that they name.
// `before`: what a reload goes on from.
[[nodiscard]] loaded_configuration load_configuration(const std::string& file,
                                                      const predecessor& before = {});

// read_file reads a whole file of at most 16 MiB. False, and why in `problem` (without the
// file's name), when that fails.
[[nodiscard]] bool read_file(const std::string& file, std::string& text, std::string& problem);

} // namespace boshgate::proxy
