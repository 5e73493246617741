#include "proxy/file_source.hpp"

#include "tests/support/temp_directory.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::proxy {
namespace {

using routing::reason;
using testing::HasSubstr;
using testing::Not;
using tests::temp_directory;

// Modification times that tests may rely on.
void set_time(const std::string& file, std::int64_t seconds, long nanoseconds = 0) {
    const timespec time{static_cast<time_t>(seconds), nanoseconds};
    const timespec both[2] = {time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), both, 0), 0);
}

// What a client would see.
struct served {
    opened_file head;
    std::string bytes;

    // The value of a field, "-" when it is not there, "twice" when it is there more than once.
    [[nodiscard]] std::string field(const std::string& name) const {
        const std::string start = name + ": ";
        std::string value = "-";
        for (std::size_t from = 0; from < head.fields.size();) {
            const auto end = head.fields.find("\r\n", from);
            EXPECT_NE(end, std::string::npos) << head.fields;
            if (head.fields.compare(from, start.size(), start) == 0)
                value = value == "-"
                            ? head.fields.substr(from + start.size(), end - from - start.size())
                            : "twice";
            from = end + 2;
        }
        return value;
    }
};

class files : public testing::TestWithParam<path_walk> {
  protected:
    void SetUp() override {
        settings.path = (directory.path() / "root").string();
        write("index.html", "<h1>index</h1>");
        write("app.js", "0123456789");
        write("docs/index.html", "docs");
        directory.write("secret.txt", "secret");
    }

    void write(const std::string& name, const std::string& bytes,
               std::int64_t modified = 1'700'000'000) const {
        set_time(directory.write("root/" + name, bytes), modified);
    }

    [[nodiscard]] std::string at(const std::string& name) const {
        return settings.path + "/" + name;
    }

    served get(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& fields = {},
               bool secure = false, const char* verb = "GET") {
        std::string problem;
        const auto source = file_source::open(settings, problem, GetParam());
        EXPECT_TRUE(source) << problem;
        std::string text = std::string(verb) + " " + path + " HTTP/1.1\r\nHost: a\r\n";
        for (const auto& [name, value] : fields)
            text.append(name).append(": ").append(value).append("\r\n");
        text += "\r\n";
        routing::request_head head;
        EXPECT_EQ(routing::read_request_head(text, {}, head).state, routing::read_state::complete)
            << text;
        served out{source->find(head, secure), {}};
        if (out.head.descriptor >= 0) {
            out.bytes.resize(out.head.count);
            EXPECT_EQ(::pread(out.head.descriptor, out.bytes.data(), out.bytes.size(),
                              static_cast<off_t>(out.head.offset)),
                      static_cast<ssize_t>(out.head.count));
            ::close(out.head.descriptor);
        } else {
            EXPECT_EQ(out.head.count, 0U);
        }
        return out;
    }

    temp_directory directory;
    conf::web_root settings;
};

INSTANTIATE_TEST_SUITE_P(walks, files, testing::Values(path_walk::kernel, path_walk::by_hand),
                         [](const auto& one) {
                             return one.param == path_walk::kernel ? "kernel" : "by_hand";
                         });

TEST_P(files, serves_a_file) {
    const served answer = get("/app.js");
    EXPECT_EQ(answer.head.why, reason::file);
    EXPECT_EQ(answer.head.status, 200);
    EXPECT_EQ(answer.bytes, "0123456789");
    EXPECT_EQ(answer.head.length, 10U);
    EXPECT_EQ(answer.field("Content-Type"), routing::content_type("app.js"));
    EXPECT_EQ(answer.field("Last-Modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
    EXPECT_EQ(answer.field("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.field("Content-Encoding"), "-");
    EXPECT_THAT(answer.field("ETag"), testing::MatchesRegex("\".+\""));
    EXPECT_TRUE(answer.head.vary_on_coding);
}

TEST_P(files, serves_what_paths_mean) {
    write("a b/ü.txt", "umlaut");
    write(".well-known/acme-challenge/token", "token");
    write("empty.txt", "");
    const std::tuple<const char*, int, const char*> cases[] = {
        {"/", 200, "<h1>index</h1>"},
        {"/index.html", 200, "<h1>index</h1>"},
        {"/docs/", 200, "docs"},
        {"/docs", 200, "docs"},
        {"/docs/index.html", 200, "docs"},
        {"/app.js?v=1", 200, "0123456789"},
        {"/a%20b/%C3%BC.txt", 200, "umlaut"},
        {"/.well-known/acme-challenge/token", 200, "token"},
        {"/empty.txt", 200, ""},
        {"/none.js", 404, ""},
        {"/none/at/all", 404, ""},
        {"/app.js/", 404, ""},
        {"/app.js/more", 404, ""},
        {"/a%20b/", 404, ""}, // no index, no listing
        {"/a%20b", 404, ""},
    };
    for (const auto& [path, status, bytes] : cases) {
        SCOPED_TRACE(path);
        const served answer = get(path);
        EXPECT_EQ(answer.head.status, status);
        EXPECT_EQ(answer.head.why, status == 200 ? reason::file : reason::no_route);
        EXPECT_EQ(answer.bytes, bytes);
        EXPECT_EQ(answer.head.length, std::string_view(bytes).size());
    }
}

TEST_P(files, refuses_to_leave_the_root) {
    write(".hidden", "hidden");
    write(".git/config", "config");
    for (const char* path :
         {"/../secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
          "/docs/..%5c..%5csecret.txt", "//secret.txt", "/./app.js", "/app.js%00.html", "/.hidden",
          "/.git/config", "/%2egit/config", "/docs/%2e%2e/app.js", "/%ff"}) {
        SCOPED_TRACE(path);
        const served answer = get(path);
        EXPECT_EQ(answer.head.why, reason::forbidden_path);
        EXPECT_EQ(answer.head.status, 404);
        EXPECT_EQ(answer.head.fields, "");
    }
}

TEST_P(files, follows_links_only_inside) {
    std::filesystem::create_symlink("app.js", at("inside.js"));
    std::filesystem::create_symlink("docs", at("inside"));
    std::filesystem::create_symlink("../secret.txt", at("relative.txt"));
    std::filesystem::create_symlink(directory.path() / "secret.txt", at("absolute.txt"));
    std::filesystem::create_symlink("..", at("up"));
    std::filesystem::create_symlink("/proc/self", at("proc"));
    std::filesystem::create_symlink("loop", at("loop"));
    for (const char* path : {"/relative.txt", "/absolute.txt", "/up/secret.txt",
                             "/proc/root/etc/passwd", "/proc/environ", "/loop", "/up", "/proc"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(get(path).head.why, reason::forbidden_path);
    }
    // Where the kernel can't say "beneath", no link is followed at all.
    const auto inside = GetParam() == path_walk::kernel ? reason::file : reason::forbidden_path;
    EXPECT_EQ(get("/inside.js").head.why, inside);
    EXPECT_EQ(get("/inside/index.html").head.why, inside);
    EXPECT_EQ(get("/inside/").head.why, inside);
}

TEST_P(files, an_index_may_not_lead_outside_either) {
    std::filesystem::create_directory(at("trap"));
    std::filesystem::create_symlink("../../secret.txt", at("trap/index.html"));
    settings.fallback = "index.html";
    EXPECT_EQ(get("/trap/").head.why, reason::forbidden_path);
    std::filesystem::create_symlink("../secret.txt", at("app.js.br"));
    const served answer = get("/app.js", {{"Accept-Encoding", "br"}});
    EXPECT_EQ(answer.bytes, "0123456789") << "a variant outside is no variant";
}

TEST_P(files, never_waits_for_what_is_no_file) {
    ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(at("app.js.br").c_str(), 0600), 0);
    const int unix_socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string socket_path = at("socket");
    ASSERT_LT(socket_path.size(), sizeof address.sun_path);
    socket_path.copy(address.sun_path, socket_path.size());
    ASSERT_EQ(::bind(unix_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(get("/fifo").head.why, reason::forbidden_path);
    EXPECT_EQ(get("/socket").head.why, reason::forbidden_path);
    EXPECT_EQ(get("/app.js", {{"Accept-Encoding", "br"}}).bytes, "0123456789");
    ::close(unix_socket);
}

TEST_P(files, a_root_that_is_gone_is_an_error_not_a_404) {
    std::string problem;
    const auto source = file_source::open(settings, problem, GetParam());
    ASSERT_TRUE(source) << problem;
    std::filesystem::remove_all(settings.path);
    routing::request_head head;
    ASSERT_EQ(routing::read_request_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, head).state,
              routing::read_state::complete);
    const opened_file answer = source->find(head, false);
    EXPECT_EQ(answer.why, reason::file_error);
    EXPECT_EQ(answer.status, 500);
}

TEST_P(files, serves_a_root_that_was_replaced) {
    std::string problem;
    const auto source = file_source::open(settings, problem, GetParam());
    ASSERT_TRUE(source) << problem;
    std::filesystem::rename(settings.path, settings.path + ".old");
    write("app.js", "new deployment");
    routing::request_head head;
    ASSERT_EQ(routing::read_request_head("GET /app.js HTTP/1.1\r\nHost: a\r\n\r\n", {}, head).state,
              routing::read_state::complete);
    const opened_file answer = source->find(head, false);
    EXPECT_EQ(answer.length, 14U);
    ::close(answer.descriptor);
}

TEST_P(files, says_when_descriptors_have_run_out) {
    std::string problem;
    const auto source = file_source::open(settings, problem, GetParam());
    ASSERT_TRUE(source) << problem;
    routing::request_head head;
    ASSERT_EQ(routing::read_request_head("GET /app.js HTTP/1.1\r\nHost: a\r\n\r\n", {}, head).state,
              routing::read_state::complete);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int lowest_free = ::dup(0);
    ASSERT_GE(lowest_free, 0);
    ::close(lowest_free);
    // None left, then one: the root can be opened, the file can't.
    for (const int left : {0, 1}) {
        const rlimit tight{static_cast<rlim_t>(lowest_free + left), before.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
        const opened_file answer = source->find(head, false);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        EXPECT_EQ(answer.why, reason::descriptors) << left;
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.descriptor, -1);
    }
    const int still_free = ::dup(0);
    EXPECT_EQ(still_free, lowest_free) << "nothing leaks";
    ::close(still_free);
}

TEST_P(files, head_is_get_without_bytes) {
    const served get_answer = get("/app.js");
    const served head_answer = get("/app.js", {}, false, "HEAD");
    EXPECT_EQ(head_answer.head.status, 200);
    EXPECT_EQ(head_answer.head.descriptor, -1);
    EXPECT_EQ(head_answer.head.length, 10U);
    EXPECT_EQ(head_answer.head.fields, get_answer.head.fields);
}

TEST_P(files, serves_ranges) {
    struct row {
        const char* range;
        int status;
        const char* bytes;
        const char* content_range;
    };
    const row rows[] = {
        {"bytes=0-3", 206, "0123", "bytes 0-3/10"},    {"bytes=9-9", 206, "9", "bytes 9-9/10"},
        {"bytes=4-", 206, "456789", "bytes 4-9/10"},   {"bytes=-2", 206, "89", "bytes 8-9/10"},
        {"bytes=5-100", 206, "56789", "bytes 5-9/10"}, {"bytes=10-", 416, "", "bytes */10"},
        {"bytes=0-1,3-4", 200, "0123456789", "-"},     {"lines=1-2", 200, "0123456789", "-"},
    };
    for (const row& one : rows) {
        SCOPED_TRACE(one.range);
        const served answer = get("/app.js", {{"Range", one.range}});
        EXPECT_EQ(answer.head.status, one.status);
        EXPECT_EQ(answer.head.why, one.status == 416 ? reason::bad_range : reason::file);
        EXPECT_EQ(answer.bytes, one.bytes);
        EXPECT_EQ(answer.head.length, std::string_view(one.bytes).size());
        EXPECT_EQ(answer.field("Content-Range"), one.content_range);
    }
}

TEST_P(files, answers_conditions) {
    const std::string tag = get("/app.js").field("ETag");
    const served same = get("/app.js", {{"If-None-Match", tag}});
    EXPECT_EQ(same.head.status, 304);
    EXPECT_EQ(same.head.why, reason::file);
    EXPECT_EQ(same.head.length, 0U);
    EXPECT_EQ(same.field("ETag"), tag);
    EXPECT_EQ(same.field("Cache-Control"), "no-cache");
    EXPECT_EQ(same.field("Content-Type"), "-");
    EXPECT_TRUE(same.head.vary_on_coding) << "304 varies as 200 does";

    const served since = get("/app.js", {{"If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"}});
    EXPECT_EQ(since.head.status, 304);
    const served failed = get("/app.js", {{"If-Match", "\"other\""}});
    EXPECT_EQ(failed.head.status, 412);
    EXPECT_EQ(failed.bytes, "");

    write("app.js", "changed!!!", 1'700'000'001);
    EXPECT_EQ(get("/app.js", {{"If-None-Match", tag}}).head.status, 200);
    // Another file in the same second with the same length is another representation.
    const std::string second = get("/app.js").field("ETag");
    set_time(at("app.js"), 1'700'000'001, 5);
    EXPECT_EQ(get("/app.js", {{"If-None-Match", second}}).head.status, 200);
}

TEST_P(files, chooses_the_packed_variant) {
    write("app.js.br", "brotli");
    write("app.js.gz", "gzip");
    struct row {
        const char* accept;
        const char* bytes;
        const char* coding;
    };
    const row rows[] = {
        {"br", "brotli", "br"},
        {"gzip", "gzip", "gzip"},
        {"gzip, deflate, br", "brotli", "br"},
        {"gzip;q=1, br;q=0", "gzip", "gzip"},
        {"identity", "0123456789", "-"},
        {"zstd", "0123456789", "-"},
    };
    std::vector<std::string> tags;
    for (const row& one : rows) {
        SCOPED_TRACE(one.accept);
        const served answer = get("/app.js", {{"Accept-Encoding", one.accept}});
        EXPECT_EQ(answer.bytes, one.bytes);
        EXPECT_EQ(answer.head.length, std::string_view(one.bytes).size());
        EXPECT_EQ(answer.field("Content-Encoding"), one.coding);
        EXPECT_EQ(answer.field("Content-Type"), routing::content_type("app.js"));
        EXPECT_TRUE(answer.head.vary_on_coding);
        tags.push_back(answer.field("ETag"));
    }
    EXPECT_NE(tags[0], tags[1]);
    EXPECT_NE(tags[0], tags[4]);
    EXPECT_NE(tags[1], tags[4]);
    EXPECT_EQ(tags[0], tags[2]);

    // Conditions and ranges are about the chosen variant.
    EXPECT_EQ(get("/app.js", {{"Accept-Encoding", "br"}, {"If-None-Match", tags[0]}}).head.status,
              304);
    EXPECT_EQ(get("/app.js", {{"Accept-Encoding", "br"}, {"If-None-Match", tags[4]}}).head.status,
              200);
    EXPECT_EQ(get("/app.js", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=1-"}}).bytes, "zip");

    set_time(at("app.js.br"), 1'699'999'999);
    EXPECT_EQ(get("/app.js", {{"Accept-Encoding", "br, gzip"}}).bytes, "gzip")
        << "a variant older than the file is of another deployment";

    settings.precompressed = false;
    const served plain = get("/app.js", {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(plain.bytes, "0123456789");
    EXPECT_FALSE(plain.head.vary_on_coding);
}

TEST_P(files, packs_no_pictures) {
    write("logo.png", "png");
    write("logo.png.br", "packed");
    write("logo.svg", "svg");
    write("logo.svg.br", "packed");
    const served png = get("/logo.png", {{"Accept-Encoding", "br"}});
    EXPECT_EQ(png.bytes, "png");
    EXPECT_FALSE(png.head.vary_on_coding);
    EXPECT_EQ(get("/logo.svg", {{"Accept-Encoding", "br"}}).bytes, "packed");
}

TEST_P(files, falls_back_for_pages_of_a_single_page_application) {
    settings.max_age = std::chrono::seconds(60);
    EXPECT_EQ(get("/rooms/42").head.status, 404) << "no fallback is configured";
    for (const char* fallback : {"app.html", "/app.html"}) {
        settings.fallback = fallback;
        write("app.html", "app");
        write("app.html.br", "packed");
        for (const char* path : {"/rooms", "/rooms/42", "/rooms/", "/docs/none"}) {
            SCOPED_TRACE(path);
            const served answer = get(path);
            EXPECT_EQ(answer.head.status, 200);
            EXPECT_EQ(answer.bytes, "app");
            EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
            EXPECT_EQ(answer.field("Content-Type"), routing::content_type("app.html"));
        }
        EXPECT_EQ(get("/rooms", {{"Accept-Encoding", "br"}}).bytes, "packed");
        EXPECT_EQ(get("/rooms", {{"Accept-Encoding", "br"}}).field("Cache-Control"), "no-cache");
        for (const char* path : {"/none.js", "/rooms/none.png", "/user/a.b"})
            EXPECT_EQ(get(path).head.why, reason::no_route) << path;
        EXPECT_EQ(get("/.git").head.why, reason::forbidden_path);
        EXPECT_EQ(get("/docs").bytes, "docs") << "what is there comes first";
        EXPECT_EQ(get("/app.html").field("Cache-Control"), "max-age=60");
    }
    std::filesystem::remove(at("app.html"));
    EXPECT_EQ(get("/rooms").head.why, reason::no_route);
}

TEST_P(files, tries_index_names_in_order) {
    settings.index = {"none.html", "start.html", "index.html"};
    EXPECT_EQ(get("/").bytes, "<h1>index</h1>");
    write("start.html", "start");
    EXPECT_EQ(get("/").bytes, "start");
    settings.index.clear();
    EXPECT_EQ(get("/").head.why, reason::no_route);
}

TEST_P(files, adds_security_fields) {
    const served plain = get("/app.js");
    EXPECT_EQ(plain.field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(plain.field("Referrer-Policy"), "same-origin");
    EXPECT_EQ(plain.field("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(plain.field("Content-Security-Policy"), "frame-ancestors 'self'");
    EXPECT_EQ(plain.field("Strict-Transport-Security"), "-");
    EXPECT_EQ(get("/app.js", {}, true).field("Strict-Transport-Security"), "max-age=63072000");

    settings.headers = {{"x-frame-options", ""},
                        {"content-security-policy", "default-src 'self'"},
                        {"Permissions-Policy", "camera=()"},
                        {"strict-transport-security", "max-age=60"}};
    const served changed = get("/app.js", {}, true);
    EXPECT_EQ(changed.field("X-Frame-Options"), "-");
    EXPECT_EQ(changed.field("x-frame-options"), "-");
    EXPECT_EQ(changed.field("Content-Security-Policy"), "-") << "replaced, not repeated";
    EXPECT_EQ(changed.field("content-security-policy"), "default-src 'self'");
    EXPECT_EQ(changed.field("Permissions-Policy"), "camera=()");
    EXPECT_EQ(changed.field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(changed.field("Strict-Transport-Security"), "max-age=60");
    EXPECT_THAT(get("/app.js").head.fields, Not(HasSubstr("trict-")));
    settings.headers["strict-transport-security"] = "";
    EXPECT_THAT(get("/app.js", {}, true).head.fields, Not(HasSubstr("rict-")));
}

TEST_P(files, open_says_what_is_wrong) {
    std::string problem;
    settings.path = (directory.path() / "none").string();
    EXPECT_FALSE(file_source::open(settings, problem, GetParam()));
    EXPECT_THAT(problem, HasSubstr("none: No such file or directory"));
    settings.path = (directory.path() / "secret.txt").string();
    EXPECT_FALSE(file_source::open(settings, problem, GetParam()));
    EXPECT_THAT(problem, HasSubstr("Not a directory"));
    settings.path = (directory.path() / "root").string();
    const std::pair<const char*, const char*> fields[] = {{"content-length", "5"},
                                                          {"VARY", "Origin"},
                                                          {"Cache-Control", "public"},
                                                          {"no name", "x"},
                                                          {"", "x"},
                                                          {"X-A", "a\r\nSet-Cookie: b"},
                                                          {"X-B:", "x"},
                                                          {"Transfer-Encoding", ""}};
    for (const auto& [name, value] : fields) {
        settings.headers = {{name, value}};
        EXPECT_FALSE(file_source::open(settings, problem, GetParam())) << name;
        EXPECT_THAT(problem, testing::StartsWith("headers: "));
    }
}

TEST(open_beneath, the_walk_of_this_machine_is_found) {
    // Both answers are right; what counts is that the chosen one can open something.
    temp_directory directory;
    directory.write("a/b", "x");
    const int root = ::open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(root, 0);
    const int opened = open_beneath(root, "a/b", best_walk());
    EXPECT_GE(opened, 0);
    ::close(opened);
    ::close(root);
}

TEST(open_beneath, both_walks_say_the_same) {
    temp_directory directory;
    directory.write("a/b", "x");
    std::filesystem::create_symlink("..", directory.path() / "up");
    std::filesystem::create_symlink("nowhere", directory.path() / "dangling");
    const int root = ::open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(root, 0);
    using namespace std::string_literals;
    const std::pair<std::string, int> cases[] = {
        {"a/b", 0},          {"a", 0},
        {"a/", 0},           {"a/b/", -ENOTDIR},
        {"none", -ENOENT},   {"a/none", -ENOENT},
        {"none/b", -ENOENT}, {"a/b/c", -ENOTDIR},
        {"../x", -EXDEV},    {"/etc", -EXDEV},
        {"", -ENOENT},       {"a\0b"s, -ENOENT},
        {"a/b\0"s, -ENOENT}, {std::string(300, 'x'), -ENAMETOOLONG}};
    for (const path_walk walk : {path_walk::kernel, path_walk::by_hand})
        for (const auto& [path, expected] : cases) {
            const int opened = open_beneath(root, path, walk);
            EXPECT_EQ(opened < 0 ? opened : 0, expected) << path;
            if (opened >= 0)
                ::close(opened);
        }
    EXPECT_EQ(open_beneath(root, "up/x", path_walk::kernel), -EXDEV);
    EXPECT_EQ(open_beneath(root, "up/x", path_walk::by_hand), -ELOOP);
    EXPECT_EQ(open_beneath(root, "dangling", path_walk::kernel), -ENOENT);
    EXPECT_EQ(open_beneath(root, "dangling", path_walk::by_hand), -ELOOP);
    ::close(root);
}

} // namespace
} // namespace boshgate::proxy
