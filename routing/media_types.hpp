#pragma once
// Which media type a file has, by its name.

#include <string_view>

namespace boshgate::routing {

// content_type goes by the file's last suffix, in any letter case, with charset=utf-8 for text;
// "application/octet-stream" when the suffix is unknown or there is none. A name that only begins
// with a dot has no suffix. The view is of static storage.
[[nodiscard]] std::string_view content_type(std::string_view file_name) noexcept;

} // namespace boshgate::routing
