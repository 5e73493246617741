// The event loop by itself: turns, posted work, and objects that end in the middle of a batch.

#include "proxy/event_loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/epoll.h>

namespace boshgate::proxy {
namespace {

struct noting final : ready_handler {
    explicit noting(std::function<void(std::uint32_t)> call) : then(std::move(call)) {}
    void on_ready(std::uint32_t events) override { then(events); }
    std::function<void(std::uint32_t)> then;
};

TEST(EventLoop, AgainIsOneTurnARoundHoweverOftenItIsAskedFor) {
    event_loop loop;
    std::string turns;
    std::uint32_t seen = 0;
    noting* busy = nullptr;
    noting greedy([&](std::uint32_t events) {
        turns += 'g';
        seen = events;
        loop.again(*busy);
        loop.again(*busy);
    });
    noting other([&](std::uint32_t) {
        turns += 'o';
        if (turns.size() >= 8) {
            loop.stop();
        }
        loop.again(other);
    });
    busy = &greedy;
    loop.again(greedy);
    loop.again(greedy);
    loop.again(other);
    loop.run();
    EXPECT_EQ(turns, "gogogogo");
    EXPECT_EQ(seen, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

TEST(EventLoop, ForgottenHandlersGetNoTurn) {
    event_loop loop;
    noting gone([](std::uint32_t) { ADD_FAILURE() << "was forgotten"; });
    noting first([&](std::uint32_t) {
        loop.forget(gone);
        loop.stop();
    });
    loop.again(first);
    loop.again(gone);
    loop.run();
}

TEST(EventLoop, PostedWorkRunsInOrderAndMayPostMore) {
    event_loop loop;
    std::string done;
    loop.post([&] {
        done += '1';
        loop.post([&] {
            done += '3';
            loop.stop();
        });
    });
    loop.post([&] { done += '2'; });
    loop.run();
    EXPECT_EQ(done, "123");
}

TEST(EventLoop, WhatIsRetiredLivesUntilTheRoundEnds) {
    event_loop loop;
    bool alive = true;
    struct mortal final : ready_handler {
        explicit mortal(bool& flag) : alive(flag) {}
        ~mortal() override { alive = false; }
        void on_ready(std::uint32_t) override {}
        bool& alive;
    };
    loop.post([&] { loop.retire(std::make_unique<mortal>(alive)); });
    loop.post([&] {
        EXPECT_TRUE(alive);
        loop.post([&] {
            EXPECT_FALSE(alive);
            loop.stop();
        });
    });
    loop.run();
    EXPECT_FALSE(alive);
}

} // namespace
} // namespace boshgate::proxy
