#include "proxy/file_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace boshgate::proxy {

using routing::equal_ignoring_case;
using routing::file_answer;
using routing::reason;

// A descriptor and what is known of the file behind it.
struct found_file {
    found_file() = default;
    found_file(const found_file&) = delete;
    found_file& operator=(const found_file&) = delete;
    ~found_file() {
        if (descriptor >= 0)
            ::close(descriptor);
    }
    void swap(found_file& other) noexcept {
        std::swap(descriptor, other.descriptor);
        std::swap(facts, other.facts);
        name.swap(other.name);
        std::swap(coding, other.coding);
        std::swap(from_fallback, other.from_fallback);
        etag.swap(other.etag);
    }

    int descriptor = -1;
    struct stat facts {};
    std::string name;        // without the variant's suffix
    std::string_view coding; // "br", "gzip", or empty
    bool from_fallback = false;
    std::string etag;
};

namespace {

// Fields that an answer has from us anyway; the connection writes the second half.
constexpr std::array made_here = {std::string_view("Content-Type"),
                                  std::string_view("Content-Encoding"),
                                  std::string_view("Content-Range"),
                                  std::string_view("ETag"),
                                  std::string_view("Last-Modified"),
                                  std::string_view("Accept-Ranges"),
                                  std::string_view("Content-Length"),
                                  std::string_view("Date"),
                                  std::string_view("Connection"),
                                  std::string_view("Transfer-Encoding"),
                                  std::string_view("Vary")};

struct built_in {
    std::string_view name;
    std::string_view value;
};

// Small on purpose: what breaks no web application that is served from its own origin. A page may
// not be framed by others, types are not guessed, paths are not told to other origins.
constexpr std::array security = {
    built_in{"X-Content-Type-Options", "nosniff"},
    built_in{"Referrer-Policy", "same-origin"},
    built_in{"X-Frame-Options", "SAMEORIGIN"},
    built_in{"Content-Security-Policy", "frame-ancestors 'self'"},
};
// Two years, as Mozilla's guideline has it. Without includeSubDomains: the other hosts of the
// domain are not ours to decide for. Over plain HTTP it must not be sent (RFC 6797 7.2).
constexpr built_in transport_security{"Strict-Transport-Security", "max-age=63072000"};

struct variant {
    std::string_view suffix;
    std::string_view coding; // as Accept-Encoding has it
    std::string_view tag;    // as etag_of has it
};
constexpr std::array variants = {variant{".br", "br", "br"}, variant{".gz", "gzip", "gz"}};

void append_line(std::string_view name, std::string_view value, std::string& out) {
    out.append(name).append(": ").append(value).append("\r\n");
}

// What is in web_root.headers under this name, in any letter case.
std::optional<std::string_view> configured(const conf::web_root& settings, std::string_view name) {
    for (const auto& [given, value] : settings.headers)
        if (equal_ignoring_case(given, name))
            return value;
    return std::nullopt;
}

bool is_token(std::string_view text) {
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != std::string_view::npos;
    });
}

// The loader has checked these too; here is where a CR would do its damage.
std::string problem_of(const conf::web_root& settings) {
    for (const auto& [name, value] : settings.headers) {
        const auto repeats = [&name = name](std::string_view one) {
            return equal_ignoring_case(one, name);
        };
        if (!is_token(name))
            return "\"" + name + "\" is no field name";
        if (repeats("Cache-Control"))
            return "Cache-Control is made from max_age";
        if (std::any_of(made_here.begin(), made_here.end(), repeats))
            return name + " is made for each answer";
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            return "the value of " + name + " has a line end or NUL in it";
    }
    return {};
}

// Pictures, sound and packed fonts gain nothing from a second compression.
bool compressible(std::string_view type) {
    if (type.starts_with("image/"))
        return type.starts_with("image/svg") || type.starts_with("image/bmp") ||
               type.starts_with("image/x-icon") || type.starts_with("image/vnd.microsoft.icon");
    return !type.starts_with("video/") && !type.starts_with("audio/") && type != "font/woff" &&
           type != "font/woff2" && type != "application/zip" && type != "application/gzip";
}

std::int64_t nanoseconds_of(const struct stat& facts) {
    return static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec;
}

reason reason_of(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return reason::no_route;
    case EXDEV: // leads outside
    case ELOOP: // or through a link that is not followed
    case ENXIO: // a socket
        return reason::forbidden_path;
    case EMFILE:
    case ENFILE:
        return reason::descriptors;
    default:
        return reason::file_error;
    }
}

// Looks for files below one root for one request. `why` is the reason of the last failure.
struct finder {
    int root;
    path_walk walk;
    reason why = reason::no_route;

    // `directory`: say so when it is one, instead of a failure.
    bool open(const std::string& name, found_file& out, bool* directory = nullptr) {
        const int opened = open_beneath(root, name, walk);
        if (opened < 0) {
            why = reason_of(-opened);
            return false;
        }
        found_file file;
        file.descriptor = opened;
        if (::fstat(opened, &file.facts) != 0) {
            why = reason::file_error;
            return false;
        }
        if (!S_ISREG(file.facts.st_mode)) {
            if (directory != nullptr)
                *directory = S_ISDIR(file.facts.st_mode);
            why = S_ISDIR(file.facts.st_mode) ? reason::no_route : reason::forbidden_path;
            return false;
        }
        file.name = name;
        out.swap(file);
        return true;
    }

    bool open_index(std::string directory, const std::vector<std::string>& names, found_file& out) {
        why = reason::no_route;
        if (!directory.empty() && !directory.ends_with('/'))
            directory += '/';
        for (const std::string& name : names) {
            if (open(directory + name, out))
                return true;
            if (why != reason::no_route)
                return false;
        }
        return false;
    }

    bool open_path(const std::string& name, const conf::web_root& settings, found_file& out) {
        if (name.empty() || name.ends_with('/'))
            return open_index(name, settings.index, out);
        bool directory = false;
        if (open(name, out, &directory))
            return true;
        return directory && open_index(name, settings.index, out);
    }

    // A variant older than the file itself is left over from an older deployment.
    void open_variant(const routing::request_head& head, found_file& file) {
        for (const variant& one : variants) {
            if (!routing::accepts_coding(head, one.coding))
                continue;
            found_file packed;
            if (open(file.name + std::string(one.suffix), packed) &&
                nanoseconds_of(packed.facts) >= nanoseconds_of(file.facts)) {
                packed.name = file.name;
                packed.coding = one.coding;
                packed.from_fallback = file.from_fallback;
                file.swap(packed);
                return;
            }
        }
    }
};

opened_file refusal(reason why) {
    opened_file out;
    out.why = why;
    out.status = routing::status_of(why);
    return out;
}

bool may_fall_back(std::string_view name) {
    return name.substr(name.rfind('/') + 1).find('.') == std::string_view::npos;
}

} // namespace

std::unique_ptr<file_source> file_source::open(const conf::web_root& settings, std::string& problem,
                                               path_walk walk) {
    problem = problem_of(settings);
    if (!problem.empty()) {
        problem.insert(0, "headers: ");
        return nullptr;
    }
    const int directory = ::open(settings.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        problem = settings.path + ": " + std::generic_category().message(errno);
        return nullptr;
    }
    ::close(directory);
    return std::unique_ptr<file_source>(new file_source(settings, walk));
}

file_source::file_source(const conf::web_root& settings, path_walk walk)
    : settings_(settings), walk_(walk) {
    settings_.path = std::filesystem::absolute(settings.path).string();
    while (settings_.fallback.starts_with('/'))
        settings_.fallback.erase(0, 1);
    if (settings.max_age.count() > 0)
        append_line("Cache-Control", "max-age=" + std::to_string(settings.max_age.count()),
                    cache_control_);
    else
        append_line("Cache-Control", "no-cache", cache_control_);

    for (const built_in& one : security)
        if (!configured(settings, one.name))
            append_line(one.name, one.value, plain_fields_);
    for (const auto& [name, value] : settings.headers)
        if (!value.empty() && !equal_ignoring_case(name, transport_security.name))
            append_line(name, value, plain_fields_);
    secure_fields_ = plain_fields_;
    const auto hsts =
        configured(settings, transport_security.name).value_or(transport_security.value);
    if (!hsts.empty())
        append_line(transport_security.name, hsts, secure_fields_);
}

opened_file file_source::find(const routing::request_head& head, bool secure) const {
    const std::optional<std::string> name = routing::relative_file(head.path);
    if (!name)
        return refusal(reason::forbidden_path);
    const int root = ::open(settings_.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return refusal(errno == EMFILE || errno == ENFILE ? reason::descriptors
                                                          : reason::file_error);
    finder look{root, walk_};
    found_file file;
    if (!look.open_path(*name, settings_, file) && look.why == reason::no_route &&
        !settings_.fallback.empty() && may_fall_back(*name) && look.open(settings_.fallback, file))
        file.from_fallback = true;
    if (file.descriptor >= 0 && settings_.precompressed &&
        compressible(routing::content_type(file.name)))
        look.open_variant(head, file);
    ::close(root);
    return file.descriptor >= 0 ? answer(head, secure, file) : refusal(look.why);
}

bool file_source::has(std::string_view path) const {
    const std::optional<std::string> name = routing::relative_file(path);
    const int root = name ? ::open(settings_.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (root < 0)
        return false;
    finder look{root, walk_};
    found_file file;
    const bool found = look.open_path(*name, settings_, file);
    ::close(root);
    return found;
}

opened_file file_source::answer(const routing::request_head& head, bool secure,
                                found_file& file) const {
    const auto size = static_cast<std::uint64_t>(file.facts.st_size);
    std::string_view tag;
    for (const variant& one : variants)
        if (one.coding == file.coding)
            tag = one.tag;
    file.etag = routing::etag_of(size, nanoseconds_of(file.facts), file.facts.st_ino, tag);
    const routing::file_decision decided = routing::decide_file(
        head, {size, static_cast<std::int64_t>(file.facts.st_mtim.tv_sec), file.etag});

    opened_file out;
    out.vary_on_coding = settings_.precompressed && compressible(routing::content_type(file.name));
    switch (decided.answer) {
    case file_answer::whole:
        out.length = size;
        break;
    case file_answer::part:
        out.status = 206;
        out.offset = decided.range.first;
        out.length = decided.range.count;
        break;
    case file_answer::not_modified:
        out.status = 304;
        break;
    case file_answer::precondition_failed:
        out.status = 412;
        break;
    case file_answer::bad_range:
        out.why = reason::bad_range;
        out.status = 416;
        break;
    }
    write_fields(file, decided, secure, out.fields);
    if (out.length != 0 && head.verb != routing::method::head) {
        out.count = out.length;
        out.descriptor = std::exchange(file.descriptor, -1);
    }
    return out;
}

void file_source::write_fields(const found_file& file, const routing::file_decision& decided,
                               bool secure, std::string& out) const {
    const std::string size = std::to_string(file.facts.st_size);
    const bool has_content =
        decided.answer == file_answer::whole || decided.answer == file_answer::part;
    if (has_content) {
        append_line("Content-Type", routing::content_type(file.name), out);
        if (!file.coding.empty())
            append_line("Content-Encoding", file.coding, out);
        append_line("Last-Modified", routing::http_date(file.facts.st_mtim.tv_sec), out);
    }
    if (has_content || decided.answer == file_answer::not_modified) {
        append_line("ETag", file.etag, out);
        // The fallback stands for paths whose real answer may appear with the next deployment.
        if (file.from_fallback)
            append_line("Cache-Control", "no-cache", out);
        else
            out += cache_control_;
    }
    if (has_content || decided.answer == file_answer::bad_range)
        append_line("Accept-Ranges", "bytes", out);
    if (decided.answer == file_answer::part)
        append_line("Content-Range",
                    "bytes " + std::to_string(decided.range.first) + "-" +
                        std::to_string(decided.range.first + decided.range.count - 1) + "/" + size,
                    out);
    else if (decided.answer == file_answer::bad_range)
        append_line("Content-Range", "bytes */" + size, out);
    out += secure ? secure_fields_ : plain_fields_;
}

} // namespace boshgate::proxy
