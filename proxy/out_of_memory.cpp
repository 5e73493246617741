#include "proxy/out_of_memory.hpp"

#include <new>
#include <string_view>

#include <unistd.h>

namespace boshgate::proxy {
namespace {

[[noreturn]] void end_now() noexcept {
    constexpr std::string_view line =
        "boshgate: out of memory, ending with status 3: clients repeat what was not answered. "
        "Give the process more memory, or lower limits.connections and limits.body_bytes\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(exit_out_of_memory);
}

} // namespace

void end_when_out_of_memory() noexcept {
    std::set_new_handler(end_now);
}

} // namespace boshgate::proxy
