#pragma once
// Opens a file below the web root for one request, safely: never outside of the root, whatever
// symbolic links and ".." say; picks the precompressed variant; evaluates conditions and range; and
// writes the head of the answer. Sending is the connection's business (sendfile, or reads through
// TLS). Any core may call; nothing is cached but what the kernel caches, so that a new file is
// served when it is there.

#include "conf/config.hpp"
#include "proxy/open_beneath.hpp"
#include "routing/http_head.hpp"
#include "routing/reason.hpp"
#include "routing/static_rules.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct opened_file {
    // file; or a refusal: no_route, forbidden_path, bad_range, file_error, descriptors
    routing::reason why = routing::reason::file;
    int status = 200;    // 200, 206, 304, 412; or the refusal's
    int descriptor = -1; // open when there are bytes to send; the caller closes it
    std::uint64_t offset = 0;
    std::uint64_t count = 0;  // bytes to send (0 for HEAD, 304, 412, 416, empty files)
    std::uint64_t length = 0; // Content-Length of the answer (HEAD: what GET would send)
    // Complete lines: Content-Type, Content-Encoding, ETag, Last-Modified, Cache-Control,
    // Accept-Ranges, Content-Range, security fields. Not Content-Length, Vary, Date, CORS,
    // Connection: those are the connection's, see vary_on_coding. Of the refusals only bad_range
    // has any.
    std::string fields;
    // Vary: Accept-Encoding applies: another client may get a precompressed variant of this path.
    bool vary_on_coding = false;
};

struct found_file;

class file_source {
  public:
    // open checks that the directory can be read. nullptr and a sentence in `problem` (about
    // web_root) if not, or if settings.headers would repeat a field that is made here. The
    // directory is looked up again by its name for each request: a deployment that replaces it (mv,
    // or a symbolic link) needs no reload. `walk` is for tests.
    [[nodiscard]] static std::unique_ptr<file_source>
    open(const conf::web_root& settings, std::string& problem, path_walk walk = best_walk());

    // find answers GET or HEAD of head.path. A directory, with or without a trailing slash, gets
    // its index (never a redirect, never a listing). A path that is no file gets settings.fallback
    // when its last segment has no dot, so that a missing script or picture stays a 404; whatever
    // the client accepts, so that caches need not tell clients apart. Sockets, FIFOs and devices
    // are forbidden_path. `secure`: the client came over TLS (Strict-Transport-Security then).
    [[nodiscard]] opened_file find(const routing::request_head& head, bool secure) const;

    // has tells whether a path names a file that can be read, or a directory with an index: what
    // methods that files do not have are refused for. The fallback is left out: it stands for paths
    // that nobody knows, and for those a POST, or an OPTIONS, is told so.
    [[nodiscard]] bool has(std::string_view path) const;

  private:
    file_source(const conf::web_root& settings, path_walk walk);
    [[nodiscard]] opened_file answer(const routing::request_head& head, bool secure,
                                     found_file& file) const;
    void write_fields(const found_file& file, const routing::file_decision& decided, bool secure,
                      std::string& out) const;

    conf::web_root settings_;
    path_walk walk_;
    std::string cache_control_; // complete line
    std::string plain_fields_;  // security fields, complete lines
    std::string secure_fields_; // the same over TLS
};

} // namespace boshgate::proxy
