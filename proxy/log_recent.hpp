#pragma once
// The last warnings and errors of the log, kept for the status page whatever file the log goes to.
// Bounded in number and length. Any thread.

#include "conf/config.hpp"
#include "proxy/log.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

struct log_entry {
    std::uint64_t number = 0; // counts all that was logged: two readings can be told apart
    std::int64_t unix_ms = 0;
    conf::log_level level = conf::log_level::warning;
    std::optional<log_topic> topic; // of what may repeat
    std::string text;
};

inline constexpr std::size_t log_recent_max = 100;
inline constexpr std::size_t log_recent_bytes = 500; // of one text; more is cut

// log_remember keeps a line; the oldest goes when there are log_recent_max.
void log_remember(conf::log_level level, std::optional<log_topic> topic, std::string_view text);
// log_recent returns what is kept, the newest first.
[[nodiscard]] std::vector<log_entry> log_recent();

} // namespace boshgate::proxy
