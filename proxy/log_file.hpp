#pragma once
// How both logs open their files: one rule for who may read them and for what is not made unasked.

#include <string>

namespace boshgate::proxy {

// open_log_file opens a file for appending, and makes it, readable for owner and group alone (0640,
// less the umask): logs name people. Directories are not made. Returns a descriptor, or -1 and
// errno.
[[nodiscard]] int open_log_file(const std::string& file);

// log_file_problem says why open_log_file would fail for this user, and what to do; empty: it would
// not. Makes nothing. "-" is always in order.
[[nodiscard]] std::string log_file_problem(const std::string& file);

} // namespace boshgate::proxy
