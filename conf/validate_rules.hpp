#pragma once
// The parts of validate(), one for each section.

#include "conf/findings.hpp"

namespace boshgate::conf {

void validate_listeners(const config& settings, findings& out);
void validate_nodes(const config& settings, findings& out);
void validate_paths(const config& settings, findings& out); // prefix, routes, names that collide
void validate_discovery(const config& settings, findings& out);
void validate_health(const config& settings, findings& out);
void validate_cors(const config& settings, findings& out);
void validate_headers(const config& settings, findings& out);
void validate_web_root(const config& settings, findings& out);
void validate_admin(const config& settings, findings& out);
void validate_bounds(const config& settings, findings& out);

// known_node finds a node by its name, as other keys have it; nullptr: there is none, which is
// reported at the key `path` with the nearest name.
const node* known_node(const config& settings, std::string_view name, const std::string& path,
                       findings& out);

} // namespace boshgate::conf
