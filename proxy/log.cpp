#include "proxy/log.hpp"

#include "proxy/log_file.hpp"
#include "proxy/log_recent.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>

#include <unistd.h>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace boshgate::proxy {
namespace {

constexpr const char* pattern = "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v";

std::shared_ptr<spdlog::logger> make_standard() {
    auto made = std::make_shared<spdlog::logger>(
        "boshgate", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern(pattern);
    return made;
}

struct log_state {
    std::mutex mutex; // of `logger` and `file`: they change at start, reload and rotation only
    std::shared_ptr<spdlog::logger> logger = make_standard();
    std::string file = "-";
};

log_state& state() {
    static log_state one;
    return one;
}

std::shared_ptr<spdlog::logger> logger() {
    const std::lock_guard lock(state().mutex);
    return state().logger;
}

spdlog::level::level_enum level_of(conf::log_level level) noexcept {
    switch (level) {
    case conf::log_level::error:
        return spdlog::level::err;
    case conf::log_level::warning:
        return spdlog::level::warn;
    case conf::log_level::info:
        return spdlog::level::info;
    case conf::log_level::debug:
        break;
    }
    return spdlog::level::debug;
}

std::shared_ptr<spdlog::logger> open_file(const std::string& file, std::string& problem) {
    // spdlog would make the file readable for all, and the directories above it.
    const int descriptor = open_log_file(file);
    if (descriptor < 0) {
        problem = file + ": " + std::generic_category().message(errno);
        return nullptr;
    }
    ::close(descriptor);
    try {
        auto made = std::make_shared<spdlog::logger>(
            "boshgate", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
        made->set_pattern(pattern);
        made->flush_on(spdlog::level::trace);
        return made;
    } catch (const spdlog::spdlog_ex& failure) {
        problem = failure.what();
        return nullptr;
    }
}

void write(spdlog::level::level_enum level, std::string_view text) {
    logger()->log(level, spdlog::string_view_t(text.data(), text.size()));
}

void warn(std::string_view text, std::optional<log_topic> topic) {
    write(spdlog::level::warn, text);
    log_remember(conf::log_level::warning, topic, text);
}

} // namespace

bool log_open(const conf::log& settings, std::string& problem) {
    auto made = settings.file == "-" ? make_standard() : open_file(settings.file, problem);
    if (!made) {
        return false;
    }
    made->set_level(level_of(settings.level));
    const std::lock_guard lock(state().mutex);
    state().logger = std::move(made);
    state().file = settings.file;
    return true;
}

void log_reopen() {
    std::string problem;
    const auto before = logger();
    std::string file;
    {
        const std::lock_guard lock(state().mutex);
        file = state().file;
    }
    if (file == "-") {
        return;
    }
    auto made = open_file(file, problem);
    if (!made) {
        log_error("cannot open the log file again: " + problem);
        return;
    }
    made->set_level(before->level());
    const std::lock_guard lock(state().mutex);
    state().logger = std::move(made);
}

void log_close() {
    logger()->flush();
}

bool log_enabled(conf::log_level level) noexcept {
    const std::lock_guard lock(state().mutex);
    return state().logger->should_log(level_of(level));
}

void log_error(std::string_view text) {
    write(spdlog::level::err, text);
    log_remember(conf::log_level::error, std::nullopt, text);
}
void log_warning(std::string_view text) {
    warn(text, std::nullopt);
}
void log_info(std::string_view text) {
    write(spdlog::level::info, text);
}
void log_debug(std::string_view text) {
    write(spdlog::level::debug, text);
}

void log_limited(log_topic topic, std::string_view subject, std::string_view text) {
    struct window {
        std::int64_t second = 0;
        std::uint32_t lines = 0;
        std::uint64_t left_out = 0;
    };
    static std::mutex mutex;
    // Guarded by mutex. Bounded: subjects are names of the configuration.
    static std::array<std::map<std::string, window, std::less<>>, log_topics> windows;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    std::uint64_t left_out = 0;
    {
        const std::lock_guard lock(mutex);
        auto& of_topic = windows[static_cast<std::size_t>(topic)];
        auto found = of_topic.find(subject);
        if (found == of_topic.end()) {
            found = of_topic.emplace(std::string(subject), window{}).first;
        }
        window& one = found->second;
        if (one.second != second) {
            one.second = second;
            one.lines = 0;
        }
        if (++one.lines > log_limit_per_second) {
            ++one.left_out;
            return;
        }
        left_out = std::exchange(one.left_out, 0);
    }
    if (left_out != 0) {
        warn(std::string(text) + " (" + std::to_string(left_out) + " more like it were left out)",
             topic);
    } else {
        warn(text, topic);
    }
}

} // namespace boshgate::proxy
