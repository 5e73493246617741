#pragma once
// The event loop of one core: an epoll set in which every socket is registered once,
// edge-triggered, for good.
//
// Why not Asio here: its reactor costs either a failing recv or an epoll_ctl for each wait (6.0
// system calls a request against 4.1), and ties a buffer to each read. Asio runs what nobody
// counts: signals, names, start-up (proxy/app).
//
// One thread runs a loop; all calls but post() belong to that thread.

#include "proxy/timer_wheel.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace boshgate::proxy {

// Something with a descriptor in the epoll set.
class ready_handler {
  public:
    virtual ~ready_handler() = default;
    // events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as epoll_wait reported them.
    virtual void on_ready(std::uint32_t events) = 0;
};

class event_loop {
  public:
    using milliseconds = std::chrono::milliseconds;

    event_loop(); // throws std::system_error when the kernel gives no epoll set: start-up only
    ~event_loop();
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    // watch registers a socket edge-triggered for reading, writing and hang-up. False: errno says
    // why.
    [[nodiscard]] bool watch(int descriptor, ready_handler& handler) noexcept;
    // watch_accept registers a listening socket, level-triggered for reading.
    [[nodiscard]] bool watch_accept(int descriptor, ready_handler& handler) noexcept;
    // unwatch takes a descriptor out that stays open. (close() takes it out by itself.)
    void unwatch(int descriptor) noexcept;

    // retire destroys a handler after the current batch of events: an event for it may still lie in
    // the batch.
    void retire(std::unique_ptr<ready_handler> handler) { retired_.push_back(std::move(handler)); }

    // again calls the handler's on_ready once in the next round, as if everything had become ready:
    // it stopped reading or writing on purpose, to let others have their turn, and no edge will
    // come. forget takes that back (a handler that closes).
    void again(ready_handler& handler);
    void forget(ready_handler& handler) noexcept { std::erase(again_, &handler); }

    // clear_retired destroys what was retired, and what that retires: the end of a core, after
    // run().
    void clear_retired();

    // run serves events until stop() was called.
    void run();
    void stop() noexcept { stopped_ = true; }

    // post runs `work` on the loop's thread, soon and in order. Any thread.
    void post(std::function<void()> work);

    // now is the time since the loop was made, read once for each batch of events.
    [[nodiscard]] milliseconds now() const noexcept { return milliseconds{now_us_ / 1000}; }
    [[nodiscard]] std::int64_t now_us() const noexcept { return now_us_; }

    // steady_ms is the same moment on the system's steady clock, which all cores share.
    [[nodiscard]] std::uint64_t steady_ms() const noexcept {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<milliseconds>(
                (zero_ + std::chrono::microseconds{now_us_}).time_since_epoch())
                .count());
    }

    void set(timed& what, milliseconds delay) noexcept { timers_.set(what, now(), delay); }
    void unset(timed& what) noexcept { timers_.unset(what); }

  private:
    void update_now() noexcept;
    void run_posted();
    void run_again();

    int epoll_ = -1;
    int wake_ = -1;
    bool stopped_ = false;
    std::chrono::steady_clock::time_point zero_;
    std::int64_t now_us_ = 0;
    timer_wheel timers_;
    std::vector<std::unique_ptr<ready_handler>> retired_;
    std::vector<ready_handler*> again_;
    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_; // guarded by posted_mutex_
};

} // namespace boshgate::proxy
