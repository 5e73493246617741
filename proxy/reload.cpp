#include "proxy/reload.hpp"

#include "proxy/app.hpp"
#include "proxy/connection.hpp"
#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/listener.hpp"
#include "proxy/log.hpp"
#include "proxy/prober.hpp"

#include <algorithm>
#include <latch>
#include <utility>

#include <unistd.h>

namespace boshgate::proxy {

using routing::node_index;

node_change change_of(const snapshot& before, const snapshot& now, node_index node) noexcept {
    const bool was = before.in_use(node);
    const bool is = now.in_use(node);
    if (!was || !is) {
        return was ? node_change::removed : is ? node_change::added : node_change::none;
    }
    const node_entry& old = before.nodes[node];
    const node_entry& fresh = now.nodes[node];
    if (old.host != fresh.host || old.port != fresh.port || old.post_start != fresh.post_start) {
        return node_change::moved;
    }
    return old.tls != fresh.tls ? node_change::trusted : node_change::none;
}

void shared_state::adopt(const snapshot& before, const snapshot& now) {
    sessions.limit(now.config.sessions);
    caxl.limit(now.config.sessions.max);
    homes.limit(now.config.discovery);
    nodes.adopt(now);
    for (std::size_t i = 0; i < now.nodes.size(); ++i) {
        const auto node = static_cast<node_index>(i);
        const node_change change = change_of(before, now, node);
        if (change == node_change::removed) {
            homes.forget_node(node);
        }
        if (i < before.nodes.size() && before.nodes[i].name != now.nodes[i].name) {
            // The slot is another node's now. Nothing that could mean the old one is under way.
            sessions.forget_node(node);
            caxl.forget_node(node);
            homes.forget_node(node);
        }
    }
}

void core::adopt(const core_reload& change) {
    // Those that go let in who waits already, as they were.
    for (const std::unique_ptr<listener>& one : listeners) {
        if (!change.listeners[one->index()]) {
            one->end();
        }
    }
    const std::shared_ptr<const snapshot> before = std::exchange(settings, change.settings);
    adopt_listeners(change);
    adopt_nodes(*before);
    for (const told_addresses& told : change.addresses) {
        set_addresses(told);
    }
    watch_nodes();
}

void core::set_addresses(const told_addresses& told) {
    node_links& of = nodes[told.node];
    of.unresolved_because = told.because;
    if (of.addresses == told.addresses) {
        return;
    }
    of.addresses = told.addresses;
    close_idle_links(told.node);
}

// A node that moved must not be served by what is left at the old place: not by idle links, nor
// by busy ones once they have their answer.
void core::close_idle_links(node_index node) {
    ++nodes[node].generation;
    for (link* idle : std::vector<link*>(nodes[node].idle)) {
        idle->close_if_idle();
    }
}

void core::adopt_listeners(const core_reload& change) {
    for (const std::unique_ptr<listener>& one : listeners) {
        if (const auto place = change.listeners[one->index()]) {
            one->set_index(*place);
            continue;
        }
        for (connection* client : connections.copy()) {
            client->listener_gone(*one);
        }
    }
    std::erase_if(listeners, [](const auto& one) { return one->stopped(); });
    for (const auto& [place, descriptor] : change.opened) {
        listeners.push_back(std::make_unique<listener>(*this, place, descriptor));
    }
}

void core::adopt_nodes(const snapshot& before) {
    for (std::size_t i = 0; i < settings->nodes.size(); ++i) {
        const node_change change = change_of(before, *settings, static_cast<node_index>(i));
        if (change == node_change::none) {
            continue;
        }
        const auto node = static_cast<node_index>(i);
        close_idle_links(node);
        if (change == node_change::trusted) {
            continue;
        }
        const bool elsewhere = change != node_change::moved ||
                               before.nodes[i].host != settings->nodes[i].host ||
                               before.nodes[i].port != settings->nodes[i].port;
        if (elsewhere) {
            nodes[i].addresses.clear();
            nodes[i].unresolved_because = "it has not been looked up yet";
        }
        if (index == 0) { // the only core that finds nodes silent
            if (i < probers_.size()) {
                probers_[i].reset();
            }
            shared.nodes.forget(node, change == node_change::moved);
        }
    }
    for (link* one : links.copy()) {
        one->settings_changed();
    }
}

// The sockets of listeners that were not there before, one for each core. Closed again unless they
// are handed over.
struct app::opened_listeners {
    opened_listeners() = default;
    ~opened_listeners() {
        for (const std::vector<int>& of_one : descriptors) {
            for (const int descriptor : of_one) {
                ::close(descriptor);
            }
        }
    }
    opened_listeners(const opened_listeners&) = delete;
    opened_listeners& operator=(const opened_listeners&) = delete;

    std::vector<std::optional<std::size_t>> kept; // by place in the old configuration
    std::vector<std::size_t> places;              // in the new one, of those that are opened
    std::vector<std::vector<int>> descriptors;    // of each of these, by core
    std::vector<std::uint16_t> ports;             // by place in the new one
};

bool app::open_new_listeners(const conf::config& config, opened_listeners& opened,
                             std::string& problem) const {
    const std::vector<conf::listener>& old = settings_->config.listen;
    opened.kept = listeners_kept(old, config.listen);
    for (std::size_t place = 0; place < config.listen.size(); ++place) {
        const conf::listener& wanted = config.listen[place];
        const auto found = std::find(opened.kept.begin(), opened.kept.end(), place);
        if (found != opened.kept.end()) {
            opened.ports.push_back(ports_[static_cast<std::size_t>(found - opened.kept.begin())]);
            continue;
        }
        // One of ours may have the port, at another address that covers this one.
        const bool beside = std::find(ports_.begin(), ports_.end(), wanted.port) != ports_.end();
        opened.places.push_back(place);
        std::vector<int>& descriptors = opened.descriptors.emplace_back();
        std::uint16_t port = wanted.port;
        for (std::size_t i = 0; i < cores_.size(); ++i) {
            const int descriptor = open_listener(wanted, port, i == 0 && !beside, problem);
            if (descriptor < 0) {
                return false;
            }
            descriptors.push_back(descriptor);
            port = port_of(descriptor);
        }
        opened.ports.push_back(port);
    }
    return true;
}

predecessor app::before() {
    forget_old();
    return {.now = settings_, .oldest = (old_.empty() ? settings_ : old_.front())->number};
}

std::size_t app::forget_old() {
    // A count of one is ours, and nobody can make it two again.
    std::erase_if(old_, [](const auto& one) { return one.use_count() == 1; });
    return old_.size();
}

// Both logs or none.
bool app::change_logs(const conf::log& wanted, std::string& problem) {
    const conf::log& now = settings_->config.log;
    if (wanted == now) {
        return true;
    }
    const bool access = wanted.access != now.access || wanted.access_file != now.access_file;
    if (access && !access_->prepare(wanted, problem)) {
        return false;
    }
    const bool own = wanted.file != now.file || wanted.level != now.level;
    if (own && !log_open(wanted, problem)) {
        problem = "log.file: " + problem;
        return false;
    }
    if (access) {
        access_->commit();
    }
    return true;
}

bool app::reload(std::shared_ptr<const snapshot> compiled, std::string& problem,
                 const std::function<void()>& tell) {
    if (draining_) {
        problem = "the proxy is shutting down";
        return false;
    }
    opened_listeners opened;
    if (!open_new_listeners(compiled->config, opened, problem) ||
        !change_logs(compiled->config.log, problem)) {
        return false;
    }
    // From here on nothing can fail.
    old_.push_back(std::exchange(settings_, std::move(compiled)));
    ports_ = opened.ports;
    core_reload change{.listeners = opened.kept};
    telling_ = &change.addresses;
    tell();
    telling_ = nullptr;
    shared_.adopt(*old_.back(), *settings_);
    std::latch adopted(static_cast<std::ptrdiff_t>(cores_.size()));
    for (std::size_t i = 0; i < cores_.size(); ++i) {
        auto mine = std::make_shared<core_reload>(change);
        mine->settings = own_reference();
        for (std::size_t which = 0; which < opened.places.size(); ++which) {
            mine->opened.push_back({opened.places[which], opened.descriptors[which][i]});
        }
        cores_[i]->loop.post([home = cores_[i].get(), mine, &adopted] {
            home->adopt(*mine);
            mine->settings.reset(); // the core has its own
            adopted.count_down();
        });
    }
    opened.descriptors.clear();
    adopted.wait();
    forget_old();
    return true;
}

} // namespace boshgate::proxy
