#include "proxy/core.hpp"

#include "proxy/connection.hpp"
#include "proxy/link.hpp"
#include "proxy/listener.hpp"
#include "routing/static_rules.hpp"

#include <ctime>
#include <utility>

namespace boshgate::proxy {

bool shared_state::enter(const routing::ip_address& address, std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = by_address_[std::string(address.bytes.begin(), address.bytes.end())];
    if (limit != 0 && count >= limit) {
        return false;
    }
    ++count;
    return true;
}

void shared_state::leave(const routing::ip_address& address) {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(std::string(address.bytes.begin(), address.bytes.end()));
    if (found != by_address_.end() && --found->second == 0) {
        by_address_.erase(found);
    }
}

shared_state::shared_state(const snapshot& settings)
    : links(settings.nodes.size()),
      dead(settings.nodes.size()),
      sessions(settings.config.sessions, settings.nodes.size()) {}

struct core::drain_deadline final : timed {
    explicit drain_deadline(core& of) : home(of) {}
    void on_deadline() override { home.cut(); }
    core& home;
    std::chrono::milliseconds at{0}; // loop time
};

// Drops sessions that ran out of time; each round looks at a part of the table.
struct core::sweeper final : timed {
    explicit sweeper(core& of) : home(of) { home.loop.set(*this, pause); }
    void on_deadline() override {
        home.shared.sessions.sweep(round++, home.loop.steady_ms());
        home.loop.set(*this, pause);
    }
    static constexpr std::chrono::milliseconds pause{1000};
    core& home;
    std::uint64_t round = 0;
};

core::core(unsigned which, std::shared_ptr<const snapshot> compiled, shared_state& state,
           access_log& access)
    : index(which),
      settings(std::move(compiled)),
      shared(state),
      log(access),
      nodes(settings->nodes.size()) {
    if (index == 0 && settings->config.sessions.enabled) {
        sweeper_ = std::make_unique<sweeper>(*this);
    }
}

core::~core() {
    // Nothing runs any more. Whatever hangs on the loop goes now, while all it refers to still
    // stands.
    listeners.clear();
    for (connection* one : connections.copy()) {
        one->cut();
    }
    for (link* one : links.copy()) {
        one->end();
    }
    for (exchange_wait* one : waits.copy()) {
        exchange_end(one->of);
    }
    loop.clear_retired();
}

void core::drain(std::chrono::milliseconds limit) {
    const std::chrono::milliseconds at = loop.now() + limit;
    if (draining) {
        if (at < drain_deadline_->at) {
            drain_deadline_->at = at;
            loop.set(*drain_deadline_, limit);
        }
        return;
    }
    draining = true;
    for (const std::unique_ptr<listener>& one : listeners) {
        one->stop();
    }
    for (connection* one : connections.copy()) {
        one->drain();
    }
    for (link* one : links.copy()) {
        one->close_if_idle();
    }
    drain_deadline_ = std::make_unique<drain_deadline>(*this);
    drain_deadline_->at = at;
    loop.set(*drain_deadline_, limit);
    connection_gone();
}

void core::cut() {
    for (connection* one : connections.copy()) {
        one->cut();
    }
}

void core::free_polls(routing::node_index node) {
    for (link* one : links.copy()) {
        one->node_died(node);
    }
}

void core::connection_gone() {
    if (draining && connections.empty()) {
        loop.stop();
    }
}

std::string_view core::date_line() {
    const std::int64_t second = loop.now_us() / 1'000'000;
    if (second != date_second_) {
        date_second_ = second;
        const auto now = static_cast<std::int64_t>(std::time(nullptr));
        date_line_.assign("Date: ").append(routing::http_date(now)).append("\r\n");
    }
    return date_line_;
}

} // namespace boshgate::proxy
