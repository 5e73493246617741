#pragma once
// Reason phrases of status lines (RFC 9110 15). For people who read captures; no client may depend
// on them.

#include <string_view>

namespace boshgate::proxy {

// status_text returns the phrase; empty for a status without one here.
[[nodiscard]] std::string_view status_text(int status) noexcept;

} // namespace boshgate::proxy
