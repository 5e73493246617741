#include "proxy/app.hpp"

#include "proxy/link.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace boshgate::proxy {

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

unsigned core_count(const conf::config& config) noexcept {
    return config.threads != 0 ? config.threads : std::max(1U, std::thread::hardware_concurrency());
}

app::app(std::shared_ptr<const snapshot> compiled, std::unique_ptr<access_log> access)
    : settings_(std::move(compiled)), access_(std::move(access)), shared_(*settings_) {}

app::~app() {
    drain(std::chrono::milliseconds{0});
    join();
}

// One control block for each core: counting references must not bounce a cache line between cores.
std::shared_ptr<const snapshot> app::own_reference() const {
    return {settings_.get(), [keep = settings_](const snapshot*) {}};
}

bool app::start(std::string& problem) {
    const conf::config& config = settings_->config;
    const unsigned count = core_count(config);
    for (unsigned i = 0; i < count; ++i) {
        cores_.push_back(std::make_unique<core>(i, own_reference(), shared_, *access_));
        shared_.cores.push_back(cores_.back().get());
    }
    for (std::size_t which = 0; which < config.listen.size(); ++which) {
        std::uint16_t port = config.listen[which].port;
        for (unsigned i = 0; i < count; ++i) {
            const int descriptor = open_listener(config.listen[which], port, i == 0, problem);
            if (descriptor < 0) {
                cores_.clear();
                return false;
            }
            port = port_of(descriptor);
            cores_[i]->listeners.push_back(
                std::make_unique<listener>(*cores_[i], which, descriptor));
        }
        ports_.push_back(port);
    }
    cores_.front()->start_probing();
    running_ = count;
    for (const std::unique_ptr<core>& one : cores_) {
        threads_.emplace_back([this, home = one.get()] {
            home->loop.run();
            if (--running_ == 0 && on_end_) {
                on_end_();
            }
        });
    }
    return true;
}

void app::set_addresses(routing::node_index node, const std::vector<socket_address>& addresses,
                        const std::string& because) {
    const told_addresses told{node, addresses, because};
    if (telling_ != nullptr) {
        telling_->push_back(told);
        return;
    }
    for (const std::unique_ptr<core>& one : cores_) {
        one->loop.post([home = one.get(), told] { home->set_addresses(told); });
    }
}

void app::drain(std::chrono::milliseconds limit) {
    draining_ = true;
    for (const std::unique_ptr<core>& one : cores_) {
        one->loop.post([home = one.get(), limit] { home->drain(limit); });
    }
}

void app::cut() {
    for (const std::unique_ptr<core>& one : cores_) {
        one->loop.post([home = one.get()] { home->cut(); });
    }
}

void app::join() {
    for (std::thread& one : threads_) {
        one.join();
    }
    threads_.clear();
    cores_.clear();
}

void app::reopen_logs() {
    access_->reopen();
    log_reopen();
}

std::uint64_t app::total(counter core_counters::*which) const {
    std::uint64_t sum = 0;
    for (const std::unique_ptr<core>& one : cores_) {
        sum += (one->counters.*which).get();
    }
    return sum;
}

std::uint64_t app::ended(routing::reason why) const {
    std::uint64_t sum = 0;
    for (const std::unique_ptr<core>& one : cores_) {
        sum += one->counters.ended[static_cast<std::size_t>(why)].get();
    }
    return sum;
}

} // namespace boshgate::proxy
