#pragma once
// The error log: what the operator should know of, one line each. Thin on purpose: spdlog stays
// behind log.cpp, so that no header drags it in. Any thread may log.

#include "conf/config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace boshgate::proxy {

// log_open sends the log to settings.file ("-": standard error, in colours on a terminal) from now
// on. False and a sentence in `problem` if the file cannot be opened; the log then stays where it
// was. Until the first call it goes to standard error.
[[nodiscard]] bool log_open(const conf::log& settings, std::string& problem);
// log_reopen opens the file again: after rotation.
void log_reopen();
// log_close writes what is buffered.
void log_close();

[[nodiscard]] bool log_enabled(conf::log_level level) noexcept;
void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_info(std::string_view text);
void log_debug(std::string_view text);

// What may repeat a thousand times a second when something is wrong.
enum class log_topic : std::uint8_t {
    accept,
    descriptors,
    node_tls,
    node_answer,
    node_life,
    admin
};
inline constexpr int log_topics = 6;

// log_limited warns, at most log_limit_per_second times a second for each topic and subject (a
// node's name, or empty), so that one node's noise does not hide another's outage; the first line
// after a gap says how many were left out.
inline constexpr std::uint32_t log_limit_per_second = 5;
void log_limited(log_topic topic, std::string_view subject, std::string_view text);

} // namespace boshgate::proxy
