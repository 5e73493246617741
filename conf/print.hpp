#pragma once
// Writes a configuration as YAML that load() takes back. Only what differs from the defaults is
// written.

#include "conf/config.hpp"

#include <map>
#include <string>

namespace boshgate::conf {

// Remarks by path ("nodes.node-a1", "listen[0]"), one line each; written as a comment above the
// value. Only listeners and nodes have them; the path "" stands for the start of the file and may
// have several lines.
using remarks = std::map<std::string, std::string>;

// to_yaml writes `settings`, which must be valid. A listener's certificates keep their order.
[[nodiscard]] std::string to_yaml(const config& settings, const remarks& comments = {});

// yaml_text writes one text as a YAML scalar: plain where nobody could take it for something else,
// in double quotes otherwise. The text must be UTF-8 without control characters.
[[nodiscard]] std::string yaml_text(std::string_view text);

} // namespace boshgate::conf
