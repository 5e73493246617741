#include "proxy/log_file.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace boshgate::proxy {

int open_log_file(const std::string& file) {
    return ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

std::string log_file_problem(const std::string& file) {
    const auto because = [](int error) { return ": " + std::generic_category().message(error); };
    if (file == "-") {
        return {};
    }
    struct stat found {};
    if (::stat(file.c_str(), &found) == 0) {
        if (S_ISDIR(found.st_mode)) {
            return file + ": is a directory; a file in it is wanted";
        }
        return ::access(file.c_str(), W_OK) == 0 ? "" : file + because(errno);
    }
    if (errno != ENOENT) {
        return file + because(errno);
    }
    const std::filesystem::path parent = std::filesystem::path(file).parent_path();
    const std::string directory = parent.empty() ? "." : parent.string();
    if (::stat(directory.c_str(), &found) != 0) {
        const bool missing = errno == ENOENT;
        return directory + because(errno) +
               (missing ? "; make the directory, writable for the user that runs boshgate" : "");
    }
    if (!S_ISDIR(found.st_mode)) {
        return directory + because(ENOTDIR);
    }
    return ::access(directory.c_str(), W_OK | X_OK) == 0
               ? ""
               : directory + because(errno) + "; no file can be made in it";
}

} // namespace boshgate::proxy
