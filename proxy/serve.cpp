// `boshgate serve`: from a file to a running proxy, and to its end.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"
#include "proxy/configuration.hpp"
#include "proxy/log.hpp"
#include "proxy/name_resolver.hpp"
#include "proxy/out_of_memory.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace boshgate::proxy {
namespace asio = boost::asio;
namespace {

using signal_set = asio::basic_signal_set<asio::io_context::executor_type>;

// How long a reload waits for the addresses of new hosts. Meanwhile the proxy serves; only signals
// wait.
constexpr std::chrono::milliseconds look_ahead{1'000};
// How often snapshots that are left over from a reload are looked for.
constexpr std::chrono::milliseconds forget_pause{5'000};

void log_problems(const std::vector<conf::problem>& problems) {
    for (const conf::problem& one : problems) {
        const bool wrong = one.level == conf::severity::error;
        wrong ? log_error(conf::to_log_text(one)) : log_warning(conf::to_log_text(one));
    }
}

// By index; a node that was removed has no host.
std::vector<name_resolver::watched> nodes_to_watch(const snapshot& settings) {
    std::vector<name_resolver::watched> all;
    for (const node_entry& node : settings.nodes) {
        all.push_back({node.name, node.removed ? std::string() : node.host, node.port});
    }
    return all;
}

// `known`: places of those that were told before.
void log_listeners(const app& proxy, const std::vector<std::optional<std::size_t>>& known = {}) {
    const conf::config& config = proxy.settings().config;
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const conf::listener& one = config.listen[i];
        if (std::find(known.begin(), known.end(), i) != known.end()) {
            continue;
        }
        log_info("listening on " + one.host + " port " + std::to_string(proxy.port(i)) +
                 (one.tls ? ", TLS" : "") + (one.proxy_protocol ? ", PROXY protocol" : ""));
    }
}

// What SIGHUP does: the file is read anew, and everything changes at once or nothing. All of it
// runs on the control thread, so a second SIGHUP comes after the first.
class reloader {
  public:
    reloader(asio::io_context& control, app& proxy, name_resolver& names, admin_server& admin,
             std::string file)
        : proxy_(proxy), names_(names), admin_(admin), file_(std::move(file)), later_(control) {}

    void reload() {
        const loaded_configuration loaded = load_configuration(file_, proxy_.before());
        log_problems(loaded.problems);
        if (!loaded.compiled) {
            log_error("reload: " + file_ + " cannot be used; nothing has changed");
            return;
        }
        const snapshot& fresh = *loaded.compiled;
        const std::string changes = changes_between(proxy_.settings(), fresh);
        for (const std::string& one : needs_start(proxy_.settings().config, fresh.config)) {
            log_warning(one);
        }
        const auto known = listeners_kept(proxy_.settings().config.listen, fresh.config.listen);
        const std::vector<name_resolver::watched> watched = nodes_to_watch(fresh);
        names_.look_ahead(watched, look_ahead);
        std::string problem;
        if (!proxy_.reload(loaded.compiled, problem,
                           [&] { names_.watch(watched, fresh.config.timeouts.resolve); })) {
            log_error("reload: " + problem + "; nothing has changed");
            return;
        }
        admin_.admit({fresh.config.admin.names, fresh.admin_tokens});
        log_listeners(proxy_, known);
        log_info("reload: " + changes);
        forget_later();
    }

  private:
    void forget_later() {
        later_.expires_after(forget_pause);
        later_.async_wait([this](const boost::system::error_code& ec) {
            if (!ec && proxy_.forget_old() != 0) {
                forget_later();
            }
        });
    }

    app& proxy_;
    name_resolver& names_;
    admin_server& admin_;
    const std::string file_;
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>,
                               asio::io_context::executor_type>
        later_;
};

// Listens for signals until the end; SIGUSR1 reopens the logs, SIGHUP reads the configuration anew.
void await_signal(signal_set& signals, app& proxy, reloader& reloading, bool& draining) {
    signals.async_wait([&](const boost::system::error_code& ec, int signal) {
        if (ec) {
            return;
        }
        if (signal == SIGUSR1) {
            proxy.reopen_logs();
            log_info("log files reopened");
        } else if (signal == SIGHUP) {
            if (draining) {
                log_warning("reload: the proxy is shutting down; nothing has changed");
            } else {
                reloading.reload();
            }
        } else if (!draining) {
            draining = true;
            const auto limit = proxy.settings().config.timeouts.drain;
            log_info("draining: no new connections; what is under way gets up to " +
                     std::to_string(limit.count()) + " ms; a second signal ends at once");
            proxy.drain(limit);
        } else {
            log_info("second signal: ending at once");
            proxy.cut();
        }
        await_signal(signals, proxy, reloading, draining);
    });
}

void log_admin(const conf::config& config, const admin_server& admin) {
    if (!config.admin.host.empty()) {
        log_info("admin listener on " + config.admin.host + " port " +
                 std::to_string(admin.port()) +
                 (config.admin.token_file.empty() ? "; nobody may change anything: "
                                                    "admin.token_file is empty"
                                                  : ""));
    }
}

void log_discovery(const conf::config& config) {
    if (!config.discovery.path.empty() && config.discovery.keys_file.empty()) {
        log_info("discovery.keys_file is empty: sids of " + config.prefix + config.discovery.path +
                 " are signed by this process alone; sessions there end with it, and several "
                 "instances need the file");
    }
}

void log_start(const app& proxy) {
    const conf::config& config = proxy.settings().config;
    log_info("boshgate " BOSHGATE_VERSION " serves " + std::to_string(config.nodes.size()) +
             (config.nodes.size() == 1 ? " node" : " nodes") + ", up to " +
             std::to_string(config.limits.connections) + " connections");
    log_listeners(proxy);
    log_discovery(config);
}

void log_counters(const app& proxy) {
    std::string line = "ended:";
    for (std::size_t i = 0; i < routing::reason_count; ++i) {
        const auto why = static_cast<routing::reason>(i);
        if (const std::uint64_t count = proxy.ended(why); count != 0) {
            line += " " + std::string(routing::name_of(why)) + "=" + std::to_string(count);
        }
    }
#define BOSHGATE_COUNTER_TEXT(name, words)                                                         \
    if (const std::uint64_t count = proxy.total(&core_counters::name); count != 0) {               \
        line += " " #name "=" + std::to_string(count);                                             \
    }
    BOSHGATE_COUNTERS(BOSHGATE_COUNTER_TEXT)
#undef BOSHGATE_COUNTER_TEXT
    log_info(line);
}

std::unique_ptr<access_log> open_logs(const conf::config& config, std::string& problem) {
    if (!log_open(config.log, problem)) {
        problem = "log.file: " + problem;
        return nullptr;
    }
    std::unique_ptr<access_log> access = access_log::open(config.log, core_count(config), problem);
    if (!access) {
        problem = "log.access_file: " + problem;
    }
    return access;
}

} // namespace

int serve(const std::string& config_file) {
    std::signal(SIGPIPE, SIG_IGN);
    end_when_out_of_memory();
    raise_descriptor_limit();
    loaded_configuration loaded = load_configuration(config_file);
    log_problems(loaded.problems);
    if (!loaded.compiled) {
        return 1;
    }
    std::string problem;
    std::unique_ptr<access_log> access = open_logs(loaded.compiled->config, problem);
    if (!access) {
        log_error(problem);
        return 1;
    }

    asio::io_context control(1);
    app proxy(std::move(loaded.compiled), std::move(access));
    asio::executor_work_guard<asio::io_context::executor_type> work(control.get_executor());
    signal_set signals(control.get_executor(), SIGTERM, SIGINT, SIGUSR1);
    signals.add(SIGHUP);
    proxy.on_end([&control] { asio::post(control, [&control] { control.stop(); }); });

    name_resolver names(
        control,
        [&proxy](routing::node_index node, const std::vector<socket_address>& addresses,
                 const std::string& because) { proxy.set_addresses(node, addresses, because); });
    const conf::admin_config& wanted = proxy.settings().config.admin;
    admin_server admin(control, {wanted.names, proxy.settings().admin_tokens});
    add_all(admin, {.control = control, .proxy = proxy, .unresolved = [&names] {
                        return names.unanswered();
                    }});
    // Before anybody is served: who starts it has to hear that the port is taken.
    if (!wanted.host.empty() && !admin.listen(wanted, problem)) {
        log_error(problem);
        return 1;
    }
    if (!proxy.start(problem)) {
        log_error(problem);
        return 1;
    }
    log_start(proxy);
    log_admin(proxy.settings().config, admin);
    names.watch(nodes_to_watch(proxy.settings()), proxy.settings().config.timeouts.resolve);
    reloader reloading(control, proxy, names, admin, config_file);
    bool draining = false;
    await_signal(signals, proxy, reloading, draining);
    control.run();
    log_counters(proxy);
    proxy.join();
    log_info("ended");
    log_close();
    return 0;
}

} // namespace boshgate::proxy
