#include "routing/media_types.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boshgate::routing {
namespace {

TEST(content_type, goes_by_the_last_suffix) {
    const struct {
        std::string_view name, type;
    } rows[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"INDEX.HTM", "text/html; charset=utf-8"},
        {"js/app.min.js", "text/javascript; charset=utf-8"},
        {"app.mjs", "text/javascript; charset=utf-8"},
        {"app.js.map", "application/json"},
        {"style.css", "text/css; charset=utf-8"},
        {"readme.txt", "text/plain; charset=utf-8"},
        {"data.json", "application/json"},
        {"site.webmanifest", "application/manifest+json"},
        {"logo.svg", "image/svg+xml"},
        {"logo.PNG", "image/png"},
        {"ring.ogg", "audio/ogg"},
        {"font.woff2", "font/woff2"},
        {"module.wasm", "application/wasm"},
        {"archive.tar.gz", "application/gzip"},
        {"clientaccesspolicy.xml", "application/xml"},
        {"first.7z", "application/x-7z-compressed"}, // the ends of the table
        {"last.zip", "application/zip"},
        {"unknown.xyz", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"html.", "application/octet-stream"},
        {"x.htm l", "application/octet-stream"},
        {"x.htmlx", "application/octet-stream"},
        {"x.ht", "application/octet-stream"},
        {".html", "application/octet-stream"},
        {"dir/.html", "application/octet-stream"},
        {"dir.html/file", "application/octet-stream"},
        {"x.webmanifestlonger", "application/octet-stream"},
        {"", "application/octet-stream"},
        {".", "application/octet-stream"},
        {"/", "application/octet-stream"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(content_type(row.name), row.type) << row.name;
}

TEST(content_type, tells_the_charset_of_all_text) {
    for (const auto* suffix : {"html", "css", "js", "csv", "md", "txt", "vcf", "vtt", "ics"})
        EXPECT_TRUE(content_type(std::string("x.") + suffix).ends_with("; charset=utf-8"))
            << suffix;
}

} // namespace
} // namespace boshgate::routing
