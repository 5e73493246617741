#include "proxy/access_log.hpp"

#include "proxy/log.hpp"
#include "proxy/log_file.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

// A line longer than this cannot be: every byte of method, path and node escaped, and the rest.
constexpr std::size_t line_bytes_max = 8 * 1024;
// Waiting longer than this would only make the next write larger.
constexpr std::size_t hurry_bytes = 256 * 1024;
// A buffer that grew while the file was slow gives its memory back.
constexpr std::size_t kept_bytes = 1024 * 1024;

std::string words(const std::string& file, int error) {
    return "access log " + file + ": " + std::generic_category().message(error);
}

// One core's lines. The lock is the core's alone but for the moment when the writer swaps.
struct alignas(64) shard {
    std::mutex mutex;
    std::string lines; // guarded by mutex
};

} // namespace

struct access_log::state {
    explicit state(unsigned cores) : shards(std::max(cores, 1U)) {}

    void run();
    void write_all(std::string_view bytes);
    void note_drops();

    void close_file() const noexcept;

    std::atomic<conf::access_log> kind = conf::access_log::off;
    std::vector<shard> shards;
    std::atomic<std::uint64_t> dropped{0};

    std::mutex file_mutex; // the writer holds it round write(2); reopen swaps under it
    std::string file;      // guarded by file_mutex
    int descriptor = -1;   // guarded by file_mutex
    bool cut_line = false; // guarded by file_mutex: the last write ended inside a line
    int last_error = 0;    // guarded by file_mutex: said already

    std::mutex mutex;
    std::condition_variable wake;
    bool waiting_lines = false;   // guarded by mutex: some shard is not empty
    bool hurry = false;           // guarded by mutex
    bool stopping = false;        // guarded by mutex
    std::uint64_t drops_said = 0; // the writer's
    std::thread writer;           // the control thread's: runs from when the log was first on

    // The control thread's: what prepare() has opened.
    conf::log next;
    int next_descriptor = -1;
};

void access_log::state::close_file() const noexcept {
    if (descriptor >= 0 && descriptor != STDOUT_FILENO)
        ::close(descriptor);
}

// The writer sleeps without a timeout while there is nothing to write.
void access_log::state::run() {
    std::string taken;
    for (;;) {
        bool last = false;
        {
            std::unique_lock lock(mutex);
            wake.wait(lock, [&] { return waiting_lines || stopping; });
            wake.wait_for(lock, flush_interval, [&] { return hurry || stopping; });
            waiting_lines = false;
            hurry = false;
            last = stopping;
        }
        for (shard& one : shards) {
            taken.clear();
            if (taken.capacity() > kept_bytes)
                taken.shrink_to_fit();
            {
                const std::lock_guard lock(one.mutex);
                taken.swap(one.lines);
            }
            if (!taken.empty())
                write_all(taken);
        }
        note_drops();
        if (last)
            return;
    }
}

void access_log::state::write_all(std::string_view bytes) {
    const std::lock_guard lock(file_mutex);
    std::string mended;
    if (cut_line) {
        mended.append("\n").append(bytes);
        bytes = mended;
    }
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count > 0) {
            cut_line = bytes[static_cast<std::size_t>(count) - 1] != '\n';
            bytes.remove_prefix(static_cast<std::size_t>(count));
            last_error = 0;
        } else if (count < 0 && errno != EINTR) {
            dropped += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
            if (std::exchange(last_error, errno) != errno)
                log_error(words(file, errno));
            return;
        }
    }
}

void access_log::state::note_drops() {
    const std::uint64_t now = dropped.load(std::memory_order_relaxed);
    if (now != drops_said)
        log_warning("access log: " + std::to_string(now - drops_said) +
                    " lines were dropped, the file does not take them fast enough");
    drops_said = now;
}

std::unique_ptr<access_log> access_log::open(const conf::log& settings, unsigned cores,
                                             std::string& problem) {
    std::unique_ptr<access_log> made(new access_log(std::make_unique<state>(cores)));
    if (!made->prepare(settings, problem))
        return nullptr;
    made->commit();
    return made;
}

bool access_log::prepare(const conf::log& settings, std::string& problem) {
    state& of = *state_;
    if (of.next_descriptor >= 0 && of.next_descriptor != STDOUT_FILENO)
        ::close(of.next_descriptor); // of a reload that failed elsewhere
    of.next_descriptor = -1;
    of.next = settings;
    if (settings.access == conf::access_log::off)
        return true;
    of.next_descriptor =
        settings.access_file == "-" ? STDOUT_FILENO : open_log_file(settings.access_file);
    if (of.next_descriptor < 0) {
        problem = words(settings.access_file, errno);
        return false;
    }
    return true;
}

void access_log::commit() {
    state& of = *state_;
    const int descriptor = std::exchange(of.next_descriptor, -1);
    of.kind = of.next.access;
    if (descriptor < 0)
        return; // off; the old file takes the lines that wait
    {
        const std::lock_guard lock(of.file_mutex);
        if (of.descriptor != descriptor)
            of.close_file();
        of.descriptor = descriptor;
        of.cut_line = false;
        of.file = of.next.access_file;
    }
    if (!of.writer.joinable())
        of.writer = std::thread([log = &of] { log->run(); });
}

access_log::access_log(std::unique_ptr<state> made) : state_(std::move(made)) {}

access_log::~access_log() {
    if (state_->next_descriptor >= 0 && state_->next_descriptor != STDOUT_FILENO)
        ::close(state_->next_descriptor);
    if (!state_->writer.joinable())
        return;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake.notify_one();
    state_->writer.join();
    state_->close_file();
}

bool access_log::enabled() const noexcept {
    return state_->kind.load(std::memory_order_relaxed) != conf::access_log::off;
}

std::uint64_t access_log::dropped() const noexcept {
    return state_->dropped.load(std::memory_order_relaxed);
}

void access_log::write(const access_record& record) {
    if (!enabled())
        return;
    shard& mine = state_->shards[record.core % state_->shards.size()];
    bool first = false;
    bool full = false;
    {
        const std::lock_guard lock(mine.mutex);
        const std::size_t before = mine.lines.size();
        if (before + line_bytes_max > buffer_bytes) {
            state_->dropped.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        if (state_->kind.load(std::memory_order_relaxed) == conf::access_log::json)
            format_json(record, mine.lines);
        else
            format_text(record, mine.lines);
        mine.lines += '\n';
        first = before == 0;
        full = before < hurry_bytes && mine.lines.size() >= hurry_bytes;
    }
    if (!first && !full)
        return;
    {
        const std::lock_guard lock(state_->mutex);
        state_->waiting_lines = true;
        state_->hurry = state_->hurry || full;
    }
    state_->wake.notify_one();
}

void access_log::reopen() {
    const std::lock_guard lock(state_->file_mutex);
    if (!enabled() || state_->file == "-")
        return;
    const int fresh = open_log_file(state_->file);
    if (fresh < 0) {
        log_error(words(state_->file, errno) + "; the old file stays in use");
        return;
    }
    ::close(state_->descriptor);
    state_->descriptor = fresh;
    state_->cut_line = false;
}

} // namespace boshgate::proxy
