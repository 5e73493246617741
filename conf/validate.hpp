#pragma once
// What no single value can tell: routes to nodes that do not exist, names that two nodes claim,
// switches that contradict each other. Pure: files are not looked at and names are not resolved.

#include "conf/config.hpp"
#include "conf/problem.hpp"

#include <string_view>
#include <vector>

namespace boshgate::conf {

// validate checks a whole configuration. load() has done so already; call it for a configuration
// that was built by hand. `marks` says where values stood (may be empty). Problems of
// severity::warning are legal but most likely not meant.
[[nodiscard]] std::vector<problem> validate(const config& settings, const source_marks& marks = {},
                                            std::string_view origin = {});

} // namespace boshgate::conf
