#include "routing/static_rules.hpp"

#include "tests/routing/request_of.hpp"

#include <gtest/gtest.h>

#include <set>

namespace boshgate::routing {

void PrintTo(const file_decision& decision, std::ostream* out) {
    constexpr const char* names[] = {"whole", "part", "not_modified", "precondition_failed",
                                     "bad_range"};
    *out << names[static_cast<std::size_t>(decision.answer)];
    if (decision.answer == file_answer::part)
        *out << " " << decision.range.first << "+" << decision.range.count;
}

namespace {

TEST(relative_file, decodes_once_and_refuses_what_leaves_the_root) {
    const struct {
        std::string path;
        std::optional<std::string> file;
    } rows[] = {
        {"/", ""},
        {"/index.html", "index.html"},
        {"/a/b%20c.js", "a/b c.js"},
        {"/a/", "a/"},
        {"/a/b/", "a/b/"},
        {"/%61", "a"},
        {"/a%3Fb%23c", "a?b#c"},
        {"/a+b", "a+b"},
        {"/a;v=1", "a;v=1"},
        {"/%C3%A9", "\xc3\xa9"},
        {"/\xc3\xa9", "\xc3\xa9"},
        {"/%e2%82%ac%F0%9F%98%80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"/%252e%252e/x", "%2e%2e/x"}, // once
        {"/%2525", "%25"},
        {"/a.b..c", "a.b..c"},
        {"/a..", "a.."},
        {"/.well-known/security.txt", ".well-known/security.txt"},
        {"/.well-known/", ".well-known/"},
        // no path of ours
        {"", {}},
        {"*", {}},
        {"index.html", {}},
        {"http://h/", {}},
        // out of the root, in all disguises
        {"/..", {}},
        {"/../x", {}},
        {"/a/../x", {}},
        {"/a/..", {}},
        {"/a/../", {}},
        {"/.", {}},
        {"/./x", {}},
        {"/a/.", {}},
        {"/...", {}},
        {"/%2e%2e/x", {}},
        {"/%2E./x", {}},
        {"/.%2e", {}},
        {"/a/%2e", {}},
        {"/..;/x", {}},
        {"/..%2fx", {}},
        {"/a%2fb", {}},
        {"/a%2Fb", {}},
        {"/%2f", {}},
        {"/a\\b", {}},
        {"/..\\x", {}},
        {"/a%5cb", {}},
        {"/a%5C..%5Cb", {}},
        {"/%c0%ae%c0%ae/x", {}}, // overlong dots
        {"/%c0%af", {}},
        {"//", {}},
        {"//x", {}},
        {"/a//b", {}},
        {"/a//", {}},
        // hidden files
        {"/.git/config", {}},
        {"/.htaccess", {}},
        {"/a/.env", {}},
        {"/%2ehtpasswd", {}},
        {"/.well-knownx", {}},
        {"/a/.well-known/x", {}},
        // bad escapes and bytes
        {"/%", {}},
        {"/%2", {}},
        {"/a%4", {}},
        {"/%zz", {}},
        {"/%4g", {}},
        {"/% 41", {}},
        {"/%u0041", {}},
        {"/%00", {}},
        {"/a%00.html", {}},
        {std::string("/a\0b", 4), {}},
        {"/a%0d%0ab", {}},
        {"/a%09b", {}},
        {"/a%1f", {}},
        {"/a%7f", {}},
        {"/a\x01", {}},
        // UTF-8
        {"/%ff", {}},
        {"/%80", {}},
        {"/%c3", {}},
        {"/%c3/x", {}},
        {"/%c1%81", {}},
        {"/%e0%80%80", {}},
        {"/%e2%82", {}},
        {"/%ed%a0%80", {}}, // a surrogate
        {"/%ed%9f%bf", "\xed\x9f\xbf"},
        {"/%f0%80%80%80", {}},
        {"/%f0%90%80%80", "\xf0\x90\x80\x80"},
        {"/%f4%8f%bf%bf", "\xf4\x8f\xbf\xbf"},
        {"/%f4%90%80%80", {}},
        {"/%f5%80%80%80", {}},
        {"/%f0%9f%98", {}},
    };
    for (const auto& row : rows)
        EXPECT_EQ(relative_file(row.path), row.file) << row.path;
}

TEST(relative_file, takes_names_to_the_limit_and_no_longer) {
    const std::string longest(relative_file_bytes_max, 'a');
    EXPECT_EQ(relative_file("/" + longest), longest);
    EXPECT_EQ(relative_file("/" + longest + "a"), std::nullopt);
    std::string escaped = "/";
    for (std::size_t i = 0; i < relative_file_bytes_max; ++i)
        escaped += "%61";
    EXPECT_EQ(relative_file(escaped), longest);
    EXPECT_EQ(relative_file(escaped + "%61"), std::nullopt);
}

TEST(etag_of, is_strong_and_differs_wherever_the_file_does) {
    const auto tag = etag_of(4711, 1'700'000'000'123'456'789, 42, "");
    EXPECT_TRUE(tag.starts_with("\"1267-")) << tag;
    EXPECT_TRUE(tag.ends_with("\"")) << tag;
    EXPECT_EQ(tag.find_first_not_of("0123456789abcdef-", 1), tag.size() - 1) << tag;
    EXPECT_EQ(tag, etag_of(4711, 1'700'000'000'123'456'789, 42, ""));

    const std::set<std::string> tags{tag,
                                     etag_of(4712, 1'700'000'000'123'456'789, 42, ""),
                                     etag_of(4711, 1'700'000'000'123'456'790, 42, ""),
                                     etag_of(4711, 1'700'000'000'123'456'789, 43, ""),
                                     etag_of(4711, 42, 1'700'000'000'123'456'789, ""),
                                     etag_of(4711, 1'700'000'000'123'456'789, 42, "br"),
                                     etag_of(4711, 1'700'000'000'123'456'789, 42, "gz"),
                                     etag_of(0, 0, 0, ""),
                                     etag_of(UINT64_MAX, INT64_MIN, UINT64_MAX, "br")};
    EXPECT_EQ(tags.size(), 9u);
}

constexpr std::string_view etag = "\"abc\"";
constexpr std::int64_t modified = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT
const std::string same = "Sun, 06 Nov 1994 08:49:37 GMT\r\n";
const std::string earlier = "Sun, 06 Nov 1994 08:49:36 GMT\r\n";
const std::string later = "Sun, 06 Nov 1994 08:49:38 GMT\r\n";

constexpr file_decision whole{}, not_modified{file_answer::not_modified, {}},
    failed{file_answer::precondition_failed, {}}, bad_range{file_answer::bad_range, {}};
constexpr file_decision part(std::uint64_t first, std::uint64_t count) {
    return {file_answer::part, {first, count}};
}

file_decision decide(const std::string& fields, std::uint64_t size = 1000,
                     std::string_view start = "GET / HTTP/1.1") {
    return decide_file(request_of(fields, start).head(), {size, modified, etag});
}

TEST(decide_file, evaluates_preconditions_in_the_order_of_the_rfc) {
    const struct {
        std::string fields;
        file_decision decision;
    } rows[] = {
        {"", whole},
        // step 1: If-Match, compared strongly
        {"If-Match: \"abc\"\r\n", whole},
        {"If-Match: *\r\n", whole},
        {"If-Match: \"x\", \"abc\"\r\n", whole},
        {"If-Match: \"x\"\r\nIf-Match: \"abc\"\r\n", whole},
        {"If-Match: \"x\"\r\n", failed},
        {"If-Match: W/\"abc\"\r\n", failed},
        {"If-Match: abc\r\n", failed},
        {"If-Match: \"abc\r\n", failed},
        {"If-Match:\r\n", failed},
        {"If-Match: \"x,\"abc\"\r\n", failed},
        {"If-Match: \"x\", junk, \"abc\"\r\n", failed},
        // step 2: If-Unmodified-Since, only without If-Match
        {"If-Unmodified-Since: " + same, whole},
        {"If-Unmodified-Since: " + later, whole},
        {"If-Unmodified-Since: " + earlier, failed},
        {"If-Unmodified-Since: yesterday\r\n", whole},
        {"If-Unmodified-Since: " + earlier + "If-Unmodified-Since: " + earlier, whole},
        {"If-Match: \"abc\"\r\nIf-Unmodified-Since: " + earlier, whole},
        // step 3: If-None-Match, compared weakly
        {"If-None-Match: \"abc\"\r\n", not_modified},
        {"If-None-Match: W/\"abc\"\r\n", not_modified},
        {"If-None-Match: *\r\n", not_modified},
        {"If-None-Match: \"x\" , W/\"y\",,\"abc\"\r\n", not_modified},
        {"If-None-Match: \"x\"\r\nIf-None-Match: \"abc\"\r\n", not_modified},
        {"If-None-Match: \"a,bc\", \"abc\"\r\n", not_modified},
        {"If-None-Match: \"x\"\r\n", whole},
        {"If-None-Match: \"abcd\"\r\n", whole},
        {"If-None-Match: abc\r\n", whole},
        {"If-None-Match: w/\"abc\"\r\n", whole},
        // step 4: If-Modified-Since, only without If-None-Match
        {"If-Modified-Since: " + same, not_modified},
        {"If-Modified-Since: " + later, not_modified},
        {"If-Modified-Since: " + earlier, whole},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", not_modified},
        {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", not_modified},
        {"If-Modified-Since: 0\r\n", whole},
        {"If-Modified-Since: " + same + "If-Modified-Since: " + same, whole},
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: " + same, whole},
        // steps 1 and 2 before 3 and 4, all of them before the range
        {"If-None-Match: \"abc\"\r\nIf-Match: \"x\"\r\n", failed},
        {"If-Modified-Since: " + same + "If-Unmodified-Since: " + earlier, failed},
        {"If-Match: \"abc\"\r\nIf-None-Match: \"abc\"\r\n", not_modified},
        {"Range: bytes=0-1\r\nIf-Match: \"x\"\r\n", failed},
        {"Range: bytes=0-1\r\nIf-None-Match: \"abc\"\r\n", not_modified},
        {"Range: bytes=2000-\r\nIf-None-Match: \"abc\"\r\n", not_modified},
        {"Range: bytes=0-1\r\nIf-Modified-Since: " + same, not_modified},
        {"Range: bytes=0-1\r\nIf-Match: \"abc\"\r\n", part(0, 2)},
        // step 5: If-Range
        {"Range: bytes=0-1\r\nIf-Range: \"abc\"\r\n", part(0, 2)},
        {"Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", whole},
        {"Range: bytes=0-1\r\nIf-Range: W/\"abc\"\r\n", whole},
        {"Range: bytes=0-1\r\nIf-Range: " + same, part(0, 2)},
        {"Range: bytes=0-1\r\nIf-Range: " + later, whole},
        {"Range: bytes=0-1\r\nIf-Range: " + earlier, whole},
        {"Range: bytes=0-1\r\nIf-Range:\r\n", whole},
        {"Range: bytes=0-1\r\nIf-Range: \"abc\"\r\nIf-Range: \"abc\"\r\n", whole},
        {"Range: bytes=2000-\r\nIf-Range: \"x\"\r\n", whole},
        {"If-Range: \"abc\"\r\n", whole},
    };
    for (const auto& row : rows)
        EXPECT_EQ(decide(row.fields), row.decision) << row.fields;
}

TEST(decide_file, evaluates_ranges) {
    const struct {
        std::string range;
        std::uint64_t size;
        file_decision decision;
    } rows[] = {
        {"bytes=0-0", 1000, part(0, 1)},
        {"bytes=0-999", 1000, part(0, 1000)},
        {"bytes=0-1000", 1000, part(0, 1000)},
        {"bytes=999-999", 1000, part(999, 1)},
        {"bytes=1000-1000", 1000, bad_range},
        {"bytes=1000-", 1000, bad_range},
        {"bytes=999-", 1000, part(999, 1)},
        {"bytes=0-", 1000, part(0, 1000)},
        {"bytes=-1", 1000, part(999, 1)},
        {"bytes=-1000", 1000, part(0, 1000)},
        {"bytes=-1001", 1000, part(0, 1000)},
        {"bytes=-0", 1000, bad_range},
        {"BYTES=0-1", 1000, part(0, 2)},
        {"bytes= 0-1", 1000, part(0, 2)},
        {"bytes=00-01", 1000, part(0, 2)},
        {"bytes=0-18446744073709551615", 1000, part(0, 1000)},
        {"bytes=0-99999999999999999999999", 1000, part(0, 1000)},
        {"bytes=18446744073709551616-", 1000, bad_range},
        {"bytes=-99999999999999999999999", 1000, part(0, 1000)},
        {"bytes=0-18446744073709551614", UINT64_MAX, part(0, UINT64_MAX)},
        // an empty file
        {"bytes=0-", 0, bad_range},
        {"bytes=0-0", 0, bad_range},
        {"bytes=-1", 0, whole},
        {"bytes=-0", 0, bad_range},
        // not for us, or not well formed
        {"bytes=0-1,5-6", 1000, whole},
        {"bytes=0-1,", 1000, whole},
        {"bytes=-1,-2", 1000, whole},
        {"bytes=2-1", 1000, whole},
        {"bytes=", 1000, whole},
        {"bytes=-", 1000, whole},
        {"bytes=1", 1000, whole},
        {"bytes=a-b", 1000, whole},
        {"bytes=0-b", 1000, whole},
        {"bytes=+0-1", 1000, whole},
        {"bytes=0--1", 1000, whole},
        {"bytes=0 - 1", 1000, whole},
        {"bytes 0-1", 1000, whole},
        {"bytes", 1000, whole},
        {"lines=0-1", 1000, whole},
        {"", 1000, whole},
    };
    for (const auto& row : rows)
        EXPECT_EQ(decide("Range: " + row.range + "\r\n", row.size), row.decision)
            << row.range << " of " << row.size;
    EXPECT_EQ(decide("Range: bytes=0-1\r\nRange: bytes=0-1\r\n"), whole);
}

TEST(decide_file, knows_ranges_in_get_only_and_conditions_in_head_too) {
    EXPECT_EQ(decide("Range: bytes=0-1\r\n", 1000, "HEAD / HTTP/1.1"), whole);
    EXPECT_EQ(decide("Range: bytes=5000-\r\n", 1000, "HEAD / HTTP/1.1"), whole);
    EXPECT_EQ(decide("If-None-Match: \"abc\"\r\n", 1000, "HEAD / HTTP/1.1"), not_modified);
    EXPECT_EQ(decide("If-Match: \"x\"\r\n", 1000, "HEAD / HTTP/1.1"), failed);
}

TEST(accepts_coding, reads_weights_and_stars_over_all_fields) {
    const struct {
        std::string fields;
        bool br, gzip;
    } rows[] = {
        {"", false, false},
        {"Accept-Encoding:\r\n", false, false},
        {"Accept-Encoding: gzip, deflate, br\r\n", true, true},
        {"Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", true, true},
        {"Accept-Encoding: GZip,BR\r\n", true, true},
        {"Accept-Encoding: gzip;q=1.0, br;q=0\r\n", false, true},
        {"Accept-Encoding: gzip;q=0.001,br;q=0.000\r\n", false, true},
        {"Accept-Encoding: gzip ; q=0.5 , br ;Q=1\r\n", true, true},
        {"Accept-Encoding: *\r\n", true, true},
        {"Accept-Encoding: *;q=0\r\n", false, false},
        {"Accept-Encoding: *;q=0, br\r\n", true, false},
        {"Accept-Encoding: br;q=0, *\r\n", false, true},
        {"Accept-Encoding: *\r\nAccept-Encoding: gzip;q=0\r\n", true, false},
        {"Accept-Encoding: identity\r\n", false, false},
        {"Accept-Encoding: brx, xgzip, gzi\r\n", false, false},
        {"Accept-Encoding: ,,br,,\r\n", true, false},
        {"Accept-Encoding: br;q=1.000, gzip;q=0.\r\n", true, false},
        {"Accept-Encoding: br;q=1., gzip;q=1.001\r\n", true, false},
        {"Accept-Encoding: br;q=2, gzip;q=-1\r\n", false, false},
        {"Accept-Encoding: br;q=, gzip;q\r\n", false, false},
        {"Accept-Encoding: br;q=0.0001, gzip;q=0.5x\r\n", false, false},
        {"Accept-Encoding: br;level=9, gzip;\r\n", false, false},
        {"Accept-Encoding: br;q=05, gzip;q=.5\r\n", false, false},
        {"Accept-Encoding: br gzip\r\n", false, false},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(accepts_coding(request_of(row.fields).head(), "br"), row.br)
            << "br in " << row.fields;
        EXPECT_EQ(accepts_coding(request_of(row.fields).head(), "gzip"), row.gzip)
            << "gzip in " << row.fields;
    }
}

} // namespace
} // namespace boshgate::routing
