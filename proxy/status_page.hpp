#pragma once
// The status page: one HTML document with its style and scripts inside. It is written in
// proxy/status_page/ and put together when the program is built (embed.cmake).

#include <string_view>

namespace boshgate::proxy {

[[nodiscard]] std::string_view status_page() noexcept;

} // namespace boshgate::proxy
