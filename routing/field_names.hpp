#pragma once
// Names of header fields to field_id. Pure; used by the head readers only.

#include "routing/http_head.hpp"

#include <string_view>

namespace boshgate::routing {

// identify_field tells which field this is, whatever the letter case. `name` must be a token (RFC
// 9110 5.6.2). Any Access-Control-* that has no id of its own is access_control, any such
// X-Forwarded-* is forwarded.
[[nodiscard]] field_id identify_field(std::string_view name) noexcept;

} // namespace boshgate::routing
