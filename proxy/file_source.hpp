#pragma once
// Opens a file below the web root for one request, safely: never outside of the root, whatever symbolic links and ".."
// say; picks the precompressed variant; evaluates conditions and range; and writes the head of the answer. Sending is the
// connection's business (sendfile, or reads through TLS).

#include "conf/config.hpp"
#include "routing/http_head.hpp"
#include "routing/reason.hpp"
#include "routing/static_rules.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct opened_file {
    routing::reason why = routing::reason::file; // a refusal otherwise: no_route, forbidden_path, bad_range, file_error, descriptors
    int status = 200;        // 200, 206, 304, 412; or the refusal's
    int descriptor = -1;     // open when there are bytes to send; the caller closes it
    std::uint64_t offset = 0;
    std::uint64_t count = 0; // bytes to send (0 for HEAD, 304, empty files)
    std::uint64_t length = 0; // Content-Length of the answer (HEAD: what GET would send)
    std::string fields;      // complete lines: Content-Type, ETag, Last-Modified, Cache-Control, Accept-Ranges,
                             // Content-Range, Content-Encoding, security fields. Not Content-Length, Vary, Date, CORS,
                             // Connection: those are the connection's, see vary_on_coding
    bool vary_on_coding = false; // Vary: Accept-Encoding applies (a precompressed variant exists or could)
};

class file_source {
  public:
    // open opens the directory itself. nullptr and a sentence in `problem` if it is not a readable directory.
    [[nodiscard]] static std::unique_ptr<file_source> open(const conf::web_root& settings, std::string& problem);
    ~file_source();
    file_source(const file_source&) = delete;
    file_source& operator=(const file_source&) = delete;

    // find answers GET or HEAD of head.path. A directory without a trailing slash gets its index served as well (never a
    // redirect). `secure`: the client came over TLS (Strict-Transport-Security then).
    [[nodiscard]] opened_file find(const routing::request_head& head, bool secure) const;

  private:
    file_source(const conf::web_root& settings, int directory);
    const conf::web_root settings_;
    int directory_;
    std::string security_fields_;
};

} // namespace boshgate::proxy
