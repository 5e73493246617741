#pragma once
// Opening a file below a directory and nowhere else, whatever symbolic links and ".." say. The
// kernel does it with openat2(2) since Linux 5.6; where that is forbidden (older container runtimes
// answer EPERM to a system call that they don't know), one component after the other is opened
// without following any symbolic link.

#include <string>

namespace boshgate::proxy {

enum class path_walk : unsigned char {
    kernel,  // openat2: relative symbolic links that stay inside are followed
    by_hand, // no symbolic link is followed
};

// best_walk tries which one works here.
[[nodiscard]] path_walk best_walk() noexcept;

// open_beneath opens `path`, which is relative to `directory`, for reading, without waiting for
// anything (a FIFO without a writer opens at once). Returns the descriptor or a negative errno:
// -EXDEV or -ELOOP when the path leads outside or through a link that is not followed, -EMFILE and
// -ENFILE when descriptors have run out, and what open(2) knows else.
[[nodiscard]] int open_beneath(int directory, const std::string& path, path_walk walk);

} // namespace boshgate::proxy
