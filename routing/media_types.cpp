#include "routing/media_types.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace boshgate::routing {
namespace {

struct row {
    std::string_view suffix, type;
};

// Sorted by suffix: looked up by halves. What web applications consist of, no more.
constexpr std::array table{
    row{"7z", "application/x-7z-compressed"},
    row{"aac", "audio/aac"},
    row{"apng", "image/apng"},
    row{"atom", "application/atom+xml"},
    row{"avif", "image/avif"},
    row{"bmp", "image/bmp"},
    row{"cjs", "text/javascript; charset=utf-8"},
    row{"css", "text/css; charset=utf-8"},
    row{"csv", "text/csv; charset=utf-8"},
    row{"cur", "image/x-icon"},
    row{"eot", "application/vnd.ms-fontobject"},
    row{"flac", "audio/flac"},
    row{"gif", "image/gif"},
    row{"gz", "application/gzip"},
    row{"htm", "text/html; charset=utf-8"},
    row{"html", "text/html; charset=utf-8"},
    row{"ico", "image/x-icon"},
    row{"ics", "text/calendar; charset=utf-8"},
    row{"jpeg", "image/jpeg"},
    row{"jpg", "image/jpeg"},
    row{"js", "text/javascript; charset=utf-8"},
    row{"json", "application/json"},
    row{"jsonld", "application/ld+json"},
    row{"jxl", "image/jxl"},
    row{"m4a", "audio/mp4"},
    row{"m4v", "video/mp4"},
    row{"map", "application/json"},
    row{"md", "text/markdown; charset=utf-8"},
    row{"mid", "audio/midi"},
    row{"mjs", "text/javascript; charset=utf-8"},
    row{"mp3", "audio/mpeg"},
    row{"mp4", "video/mp4"},
    row{"oga", "audio/ogg"},
    row{"ogg", "audio/ogg"},
    row{"ogv", "video/ogg"},
    row{"opus", "audio/ogg"},
    row{"otf", "font/otf"},
    row{"pdf", "application/pdf"},
    row{"png", "image/png"},
    row{"rss", "application/rss+xml"},
    row{"svg", "image/svg+xml"},
    row{"tar", "application/x-tar"},
    row{"tif", "image/tiff"},
    row{"tiff", "image/tiff"},
    row{"ttc", "font/collection"},
    row{"ttf", "font/ttf"},
    row{"txt", "text/plain; charset=utf-8"},
    row{"vcf", "text/vcard; charset=utf-8"},
    row{"vtt", "text/vtt; charset=utf-8"},
    row{"wasm",
        "application/wasm"}, // browsers compile it while it streams only under this very type
    row{"wav", "audio/wav"},
    row{"weba", "audio/webm"},
    row{"webm", "video/webm"},
    row{"webmanifest", "application/manifest+json"},
    row{"webp", "image/webp"},
    row{"woff", "font/woff"},
    row{"woff2", "font/woff2"},
    row{"xhtml", "application/xhtml+xml"},
    row{"xml", "application/xml"},
    row{"xsl", "application/xslt+xml"},
    row{"zip", "application/zip"},
};

constexpr bool before(const row& a, const row& b) noexcept {
    return a.suffix < b.suffix;
}
static_assert(std::is_sorted(table.begin(), table.end(), before));

constexpr std::size_t longest =
    std::max_element(table.begin(), table.end(), [](const row& a, const row& b) {
        return a.suffix.size() < b.suffix.size();
    })->suffix.size();

} // namespace

std::string_view content_type(std::string_view file_name) noexcept {
    constexpr std::string_view unknown = "application/octet-stream";
    const auto name = file_name.substr(file_name.rfind('/') + 1); // npos + 1 is 0
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0)
        return unknown;
    const auto suffix = name.substr(dot + 1);
    if (suffix.size() > longest)
        return unknown;
    std::array<char, longest> lower;
    std::transform(suffix.begin(), suffix.end(), lower.begin(), ascii_lower);
    const row wanted{std::string_view(lower.data(), suffix.size()), {}};
    const auto found = std::lower_bound(table.begin(), table.end(), wanted, before);
    return found != table.end() && found->suffix == wanted.suffix ? found->type : unknown;
}

} // namespace boshgate::routing
