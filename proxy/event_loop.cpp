#include "proxy/event_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

constexpr int batch_max = 256; // events taken from the kernel at once

bool add(int epoll, int descriptor, std::uint32_t events, void* handler) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = handler;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

} // namespace

event_loop::event_loop() : zero_(std::chrono::steady_clock::now()) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_ < 0 || wake_ < 0 || !add(epoll_, wake_, EPOLLIN, nullptr)) {
        throw std::system_error(errno, std::generic_category(), "cannot make an epoll set");
    }
}

event_loop::~event_loop() {
    clear_retired();
    ::close(wake_);
    ::close(epoll_);
}

bool event_loop::watch(int descriptor, ready_handler& handler) noexcept {
    return add(epoll_, descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &handler);
}

bool event_loop::watch_accept(int descriptor, ready_handler& handler) noexcept {
    return add(epoll_, descriptor, EPOLLIN, &handler);
}

void event_loop::unwatch(int descriptor) noexcept {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

void event_loop::update_now() noexcept {
    now_us_ = std::chrono::duration_cast<std::chrono::microseconds>(
                  std::chrono::steady_clock::now() - zero_)
                  .count();
}

void event_loop::post(std::function<void()> work) {
    bool first = false;
    {
        const std::lock_guard lock(posted_mutex_);
        first = posted_.empty();
        posted_.push_back(std::move(work));
    }
    if (first) {
        const std::uint64_t one = 1;
        // The counter cannot overflow: it is written once for each time the queue was empty.
        [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    }
}

void event_loop::run_posted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_, &count, sizeof count);
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(posted_mutex_);
        work.swap(posted_);
    }
    for (const std::function<void()>& one : work) {
        one();
    }
}

void event_loop::clear_retired() {
    while (!retired_.empty()) {
        std::vector<std::unique_ptr<ready_handler>> dead;
        dead.swap(retired_);
    }
}

void event_loop::again(ready_handler& handler) {
    // An event of its own may have brought the handler here before its turn came.
    if (std::find(again_.begin(), again_.end(), &handler) == again_.end()) {
        again_.push_back(&handler);
    }
}

void event_loop::run_again() {
    // One at a time from the list itself: a handler may forget another one, and those that come
    // back wait for the next round.
    for (std::size_t left = again_.size(); left > 0 && !again_.empty(); --left) {
        ready_handler* handler = again_.front();
        again_.erase(again_.begin());
        handler->on_ready(EPOLLIN | EPOLLOUT |
                          EPOLLRDHUP); // its hang-up may have been seen already
    }
}

void event_loop::run() {
    std::array<epoll_event, batch_max> events;
    update_now();
    while (!stopped_) {
        const int count = ::epoll_wait(epoll_, events.data(), batch_max,
                                       again_.empty() ? timers_.sleep(now()) : 0);
        update_now();
        bool posted = false;
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr == nullptr) {
                posted = true; // after the batch: posted work may close what the batch still names
                continue;
            }
            static_cast<ready_handler*>(event.data.ptr)->on_ready(event.events);
        }
        if (posted) {
            run_posted();
        }
        run_again();
        timers_.advance(now());
        clear_retired();
    }
}

} // namespace boshgate::proxy
