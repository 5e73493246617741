#include "proxy/core.hpp"

#include "proxy/connection.hpp"
#include "proxy/link.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"
#include "proxy/login_driver.hpp"
#include "proxy/prober.hpp"
#include "routing/static_rules.hpp"

#include <ctime>
#include <utility>

namespace boshgate::proxy {

shared_state::shared_state(const snapshot& settings)
    : links(settings.slots.most),
      sessions(settings.config.sessions, settings.slots.most),
      caxl(settings.config.sessions.max),
      homes(settings.config.discovery),
      nodes(settings, cores) {}

struct core::drain_deadline final : timed {
    explicit drain_deadline(core& of) : home(of) {}
    void on_deadline() override { home.cut(); }
    core& home;
    std::chrono::milliseconds at{0}; // loop time
};

// Drops sessions, and what is known of users, when their time is over; each round looks at a part
// of the table.
struct core::sweeper final : timed {
    explicit sweeper(core& of) : home(of) { home.loop.set(*this, pause); }
    void on_deadline() override {
        home.shared.sessions.sweep(round++, home.loop.steady_ms());
        home.shared.caxl.forget_old(home.loop.steady_ms());
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
      node_counts(settings->slots.most),
      nodes(settings->slots.most) {
    if (index == 0) {
        sweeper_ = std::make_unique<sweeper>(*this);
    }
}

core::~core() {
    // Nothing runs any more, and no other core is to be told so. Whatever hangs on the loop goes
    // now, while all it refers to still stands.
    draining = false;
    probers_.clear();
    listeners.clear();
    for (connection* one : connections.copy()) {
        one->cut();
    }
    for (login_driver* one : logins.copy()) {
        one->end();
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

void core::start_probing() {
    probing_ = true;
    watch_nodes();
}

void core::watch_nodes() {
    if (!probing_) {
        return;
    }
    probers_.resize(settings->nodes.size());
    for (std::size_t i = 0; i < probers_.size(); ++i) {
        const auto node = static_cast<routing::node_index>(i);
        if (!settings->in_use(node)) {
            probers_[i].reset();
        } else if (!probers_[i]) {
            probers_[i] = std::make_unique<prober>(*this, node);
        }
    }
}

void core::look_at(routing::node_index node) {
    if (node < probers_.size() && probers_[node]) {
        probers_[node]->look();
    }
}

void core::free_polls(routing::node_index node, routing::reason why) {
    for (link* one : links.copy()) {
        one->node_died(node, why);
    }
}

discovery::health_view core::health() const noexcept {
    return {.dead =
                [](const void* whose, routing::node_index node) noexcept {
                    const core& home = *static_cast<const core*>(whose);
                    return home.shared.nodes.avoided(node, home.loop.steady_ms());
                },
            .whose = this};
}

void core::connection_gone() {
    if (!draining || !connections.empty() || shared.open_connections() != 0) {
        return;
    }
    // The last of all: those that have waited for it end, too.
    for (core* one : shared.cores) {
        one->loop.post([one] {
            if (one->draining && one->connections.empty()) {
                one->loop.stop();
            }
        });
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
