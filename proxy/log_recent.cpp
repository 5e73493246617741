#include "proxy/log_recent.hpp"

#include <chrono>
#include <deque>
#include <mutex>

namespace boshgate::proxy {
namespace {

struct kept {
    std::mutex mutex;
    std::deque<log_entry> entries; // the newest last
    std::uint64_t count = 0;
};

kept& all() {
    static kept one;
    return one;
}

// At most `most` bytes, and no half of a UTF-8 character at the end.
std::string cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) {
        return std::string(text);
    }
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) {
        --most;
    }
    return std::string(text.substr(0, most)) + "...";
}

} // namespace

void log_remember(conf::log_level level, std::optional<log_topic> topic, std::string_view text) {
    using namespace std::chrono;
    const auto now = system_clock::now().time_since_epoch();
    log_entry one{.unix_ms = duration_cast<milliseconds>(now).count(),
                  .level = level,
                  .topic = topic,
                  .text = cut(text, log_recent_bytes)};
    const std::lock_guard lock(all().mutex);
    one.number = ++all().count;
    all().entries.push_back(std::move(one));
    if (all().entries.size() > log_recent_max) {
        all().entries.pop_front();
    }
}

std::vector<log_entry> log_recent() {
    const std::lock_guard lock(all().mutex);
    return {all().entries.rbegin(), all().entries.rend()};
}

} // namespace boshgate::proxy
