// What a reload has changed, for the log.

#include "proxy/reload.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace boshgate::proxy {
namespace {

constexpr std::size_t names_shown = 8;

std::string listener_name(const conf::listener& one) {
    return one.host + " port " + std::to_string(one.port);
}

class summary {
  public:
    // "2 nodes added (a, b)"
    void add(std::string_view what, std::string_view done, const std::vector<std::string>& names) {
        if (names.empty()) {
            return;
        }
        begin();
        text_.append(std::to_string(names.size())).append(" ").append(what);
        text_.append(names.size() == 1 ? " " : "s ").append(done).append(" (");
        for (std::size_t i = 0; i < std::min(names.size(), names_shown); ++i) {
            text_.append(i == 0 ? "" : ", ").append(names[i]);
        }
        text_.append(names.size() > names_shown ? ", ...)" : ")");
    }
    void add_section(std::string_view name, bool changed) {
        if (changed) {
            begin();
            text_.append(name).append(" changed");
        }
    }
    [[nodiscard]] std::string take() { return text_.empty() ? "nothing" : std::move(text_); }

  private:
    void begin() { text_.append(text_.empty() ? "" : "; "); }
    std::string text_;
};

void add_nodes(const snapshot& before, const snapshot& now, summary& out) {
    std::vector<std::string> added;
    std::vector<std::string> removed;
    std::vector<std::string> moved;
    std::vector<std::string> trusted;
    for (std::size_t i = 0; i < std::max(before.nodes.size(), now.nodes.size()); ++i) {
        switch (change_of(before, now, static_cast<routing::node_index>(i))) {
        case node_change::none:
            break;
        case node_change::added:
            added.push_back(now.nodes[i].name);
            break;
        case node_change::removed:
            removed.push_back(before.nodes[i].name);
            break;
        case node_change::moved:
            moved.push_back(now.nodes[i].name);
            break;
        case node_change::trusted:
            trusted.push_back(now.nodes[i].name);
            break;
        }
    }
    out.add("node", "added", added);
    out.add("node", "removed", removed);
    out.add("node", "moved", moved);
    out.add("node", "with other TLS", trusted);
}

void add_listeners(const snapshot& before, const snapshot& now, summary& out) {
    const auto& old = before.config.listen;
    const auto& fresh = now.config.listen;
    const auto kept = listeners_kept(old, fresh);
    std::vector<std::string> opened;
    std::vector<std::string> closed;
    std::vector<std::string> renewed;
    for (std::size_t i = 0; i < old.size(); ++i) {
        if (!kept[i]) {
            closed.push_back(listener_name(old[i]));
            continue;
        }
        const server_tls* was = before.tls[i].get();
        const server_tls* is = now.tls[*kept[i]].get();
        if (was != nullptr && is != nullptr && was->certificates() != is->certificates()) {
            renewed.push_back(listener_name(old[i]));
        }
    }
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (std::find(kept.begin(), kept.end(), i) == kept.end()) {
            opened.push_back(listener_name(fresh[i]));
        }
    }
    out.add("listener", "opened", opened);
    out.add("listener", "closed", closed);
    out.add("listener", "with other certificates", renewed);
}

} // namespace

std::vector<std::optional<std::size_t>> listeners_kept(const std::vector<conf::listener>& before,
                                                       const std::vector<conf::listener>& now) {
    std::vector<std::optional<std::size_t>> kept(before.size());
    for (std::size_t place = 0; place < now.size(); ++place) {
        for (std::size_t i = 0; i < before.size(); ++i) {
            if (!kept[i] && before[i].host == now[place].host &&
                before[i].port == now[place].port) {
                kept[i] = place;
                break;
            }
        }
    }
    return kept;
}

std::string changes_between(const snapshot& before, const snapshot& now) {
    const conf::config& old = before.config;
    const conf::config& fresh = now.config;
    summary out;
    add_nodes(before, now, out);
    add_listeners(before, now, out);
    out.add_section("routes", old.prefix != fresh.prefix || old.routes != fresh.routes);
    out.add_section("web_root", old.web_root != fresh.web_root);
    out.add_section("cors", old.cors != fresh.cors);
    out.add_section("trusted_proxies", old.trusted_proxies != fresh.trusted_proxies);
    out.add_section("header fields", old.request_headers != fresh.request_headers ||
                                         old.answer_headers != fresh.answer_headers);
    out.add_section("timeouts", old.timeouts != fresh.timeouts);
    out.add_section("limits", old.limits != fresh.limits);
    out.add_section("sessions", old.sessions != fresh.sessions);
    out.add_section("discovery", old.discovery != fresh.discovery);
    out.add_section("health", old.health != fresh.health);
    out.add_section("log", old.log != fresh.log);
    return out.take();
}

std::vector<std::string> needs_start(const conf::config& before, const conf::config& now) {
    std::vector<std::string> all;
    if (before.threads != now.threads) {
        all.emplace_back("threads: takes effect at the next start");
    }
    if (before.admin.host != now.admin.host || before.admin.port != now.admin.port) {
        all.emplace_back("admin.address: takes effect at the next start");
    }
    return all;
}

} // namespace boshgate::proxy
