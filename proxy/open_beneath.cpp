#include "proxy/open_beneath.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

constexpr int reading = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// The kernel answers EAGAIN when something was renamed while it walked.
constexpr int attempts_max = 8;

int open_by_kernel(int directory, const char* path) noexcept {
    struct open_how how {};
    how.flags = static_cast<unsigned>(reading);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 1;; ++attempt) {
        const long opened = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (opened >= 0)
            return static_cast<int>(opened);
        if ((errno != EAGAIN && errno != EINTR) || attempt == attempts_max)
            return -errno;
    }
}

// One component. O_DIRECTORY says ENOTDIR of a symbolic link too: tell them apart.
int open_component(int directory, const char* name, bool last) noexcept {
    const int flags = last ? reading | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const int opened = ::openat(directory, name, flags);
    if (opened >= 0)
        return opened;
    const int error = errno;
    struct stat facts {};
    if (error == ENOTDIR && ::fstatat(directory, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(facts.st_mode))
        return -ELOOP;
    return -error;
}

int open_by_hand(int directory, std::string path) {
    if (path.starts_with('/'))
        return -EXDEV;
    int at = directory;
    for (std::size_t from = 0;;) {
        const std::size_t slash = path.find('/', from);
        const bool last = slash == std::string::npos;
        if (!last)
            path[slash] = '\0';
        const char* name = path.c_str() + from;
        // A trailing slash asks for the directory itself; ".." leads out.
        const bool out = std::strcmp(name, "..") == 0;
        const int next = out ? -EXDEV : open_component(at, *name != '\0' ? name : ".", last);
        if (at != directory)
            ::close(at);
        if (next < 0 || last)
            return next;
        at = next;
        from = slash + 1;
    }
}

} // namespace

path_walk best_walk() noexcept {
    const int here = open_by_kernel(AT_FDCWD, ".");
    if (here < 0)
        return here == -ENOSYS || here == -EPERM ? path_walk::by_hand : path_walk::kernel;
    ::close(here);
    return path_walk::kernel;
}

int open_beneath(int directory, const std::string& path, path_walk walk) {
    if (path.empty() || path.find('\0') != std::string::npos)
        return -ENOENT;
    return walk == path_walk::kernel ? open_by_kernel(directory, path.c_str())
                                     : open_by_hand(directory, path);
}

} // namespace boshgate::proxy
