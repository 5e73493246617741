#pragma once
// From a configuration file on disk to a snapshot: reads the file, loads, validates and compiles
// it, and gathers all that is wrong or loud as lines for people.

#include "proxy/snapshot.hpp"

#include <memory>
#include <string>
#include <vector>

namespace boshgate::proxy {

struct loaded_configuration {
    std::shared_ptr<const snapshot>
        compiled; // nullptr: the configuration cannot be used, messages say why
    std::vector<std::string> messages; // errors and warnings, in the order of the file
};

[[nodiscard]] loaded_configuration load_configuration(const std::string& file);

// read_file reads a whole file of at most 16 MiB. False, and a sentence in `problem`, when that
// fails.
[[nodiscard]] bool read_file(const std::string& file, std::string& text, std::string& problem);

} // namespace boshgate::proxy
