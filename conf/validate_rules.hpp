#pragma once
// The parts of validate(), one for each section.

#include "conf/findings.hpp"

namespace boshgate::conf {

void validate_listeners(const config& settings, findings& out);
void validate_nodes(const config& settings, findings& out);
void validate_paths(const config& settings, findings& out); // prefix, routes, names that collide
void validate_cors(const config& settings, findings& out);
void validate_headers(const config& settings, findings& out);
void validate_web_root(const config& settings, findings& out);
void validate_bounds(const config& settings, findings& out);

} // namespace boshgate::conf
