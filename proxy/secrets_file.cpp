#include "proxy/secrets_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

constexpr mode_t allowed_mode = 0640;

struct descriptor {
    explicit descriptor(int opened) : fd(opened) {}
    ~descriptor() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int fd;
};

// The text of a file, gone from memory when it has been read.
struct secret_text {
    secret_text() = default;
    ~secret_text() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
    secret_text(const secret_text&) = delete;
    secret_text& operator=(const secret_text&) = delete;
    std::array<char, conf::secrets_file_bytes_max + 1> bytes{};
    std::size_t size = 0;
};

std::string error_text() {
    return std::generic_category().message(errno);
}

// Empty: the file was read into `text`. Otherwise why not.
std::string read_whole(int fd, secret_text& text) {
    while (text.size < text.bytes.size()) {
        const ssize_t got =
            ::read(fd, text.bytes.data() + text.size, text.bytes.size() - text.size);
        if (got == 0) {
            return {};
        }
        if (got < 0 && errno != EINTR) {
            return error_text();
        }
        text.size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return "is larger than " + std::to_string(conf::secrets_file_bytes_max) + " bytes";
}

} // namespace

std::vector<conf::secret> read_secrets_file(const std::string& file, const std::string& path,
                                            conf::findings& out) {
    // Not to wait for the writer of a pipe.
    const descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat facts {};
    if (opened.fd < 0 || ::fstat(opened.fd, &facts) != 0) {
        out.error(path, {file + ": " + error_text(), {}, {}});
        return {};
    }
    if (!S_ISREG(facts.st_mode)) {
        out.error(path, {file + ": is no regular file", "a file with a secret on each line", {}});
        return {};
    }
    secret_text text;
    if (const std::string why = read_whole(opened.fd, text); !why.empty()) {
        out.error(path, {file + ": " + why, {}, {}});
        return {};
    }
    if (const mode_t mode = facts.st_mode & 0777U; (mode & ~(allowed_mode | S_IXUSR)) != 0) {
        std::array<char, 8> digits{};
        std::snprintf(digits.data(), digits.size(), "%04o", static_cast<unsigned>(mode));
        out.warning(path, {file + ": mode " + digits.data() + " lets others at the secrets",
                           "mode 0600 or 0640",
                           {}});
    }
    conf::secrets found = conf::read_secrets({text.bytes.data(), text.size});
    for (conf::fault& why : found.faults) {
        why.what = file + ": " + why.what;
        out.error(path, std::move(why));
    }
    return found.faults.empty() ? std::move(found.all) : std::vector<conf::secret>{};
}

const conf::secret& secret_of_process() {
    static const conf::secret made = [] {
        conf::secret fresh{};
        if (RAND_priv_bytes(fresh.data(), static_cast<int>(fresh.size())) != 1) {
            throw std::runtime_error("no random bytes for the secret that signs sids");
        }
        return fresh;
    }();
    return made;
}

} // namespace boshgate::proxy
