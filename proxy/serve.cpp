// `boshgate serve`: from a file to a running proxy, and to its end.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"
#include "proxy/configuration.hpp"
#include "proxy/log.hpp"
#include "proxy/name_resolver.hpp"
#include "proxy/out_of_memory.hpp"

#include <csignal>
#include <string>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

namespace boshgate::proxy {
namespace asio = boost::asio;
namespace {

using signal_set = asio::basic_signal_set<asio::io_context::executor_type>;

// Listens for signals until the drain has begun; SIGUSR1 reopens the logs and
// listens on.
void await_signal(signal_set& signals, app& proxy, bool& draining) {
    signals.async_wait([&](const boost::system::error_code& ec, int signal) {
        if (ec) {
            return;
        }
        if (signal == SIGUSR1) {
            proxy.reopen_logs();
            log_info("log files reopened");
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
        await_signal(signals, proxy, draining);
    });
}

void log_listeners(const app& proxy) {
    const conf::config& config = proxy.settings().config;
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const conf::listener& one = config.listen[i];
        log_info("listening on " + one.host + " port " + std::to_string(proxy.port(i)) +
                 (one.tls ? ", TLS" : "") + (one.proxy_protocol ? ", PROXY protocol" : ""));
    }
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

} // namespace

int serve(const std::string& config_file) {
    std::signal(SIGPIPE, SIG_IGN);
    end_when_out_of_memory();
    raise_descriptor_limit();
    loaded_configuration loaded = load_configuration(config_file);
    for (const conf::problem& one : loaded.problems) {
        const bool wrong = one.level == conf::severity::error;
        wrong ? log_error(conf::to_log_text(one)) : log_warning(conf::to_log_text(one));
    }
    if (!loaded.compiled) {
        return 1;
    }
    const conf::config& config = loaded.compiled->config;
    std::string problem;
    if (!log_open(config.log, problem)) {
        log_error("log.file: " + problem);
        return 1;
    }
    std::unique_ptr<access_log> access = access_log::open(config.log, core_count(config), problem);
    if (!access) {
        log_error("log.access_file: " + problem);
        return 1;
    }

    asio::io_context control(1);
    app proxy(loaded.compiled, std::move(access));
    asio::executor_work_guard<asio::io_context::executor_type> work(control.get_executor());
    signal_set signals(control.get_executor(), SIGTERM, SIGINT, SIGUSR1);
    bool draining = false;
    await_signal(signals, proxy, draining);
    proxy.on_end([&control] { asio::post(control, [&control] { control.stop(); }); });

    name_resolver names(
        control,
        [&proxy](routing::node_index node, const std::vector<socket_address>& addresses,
                 const std::string& because) { proxy.set_addresses(node, addresses, because); });
    admin_server admin(control, {config.admin.names, loaded.compiled->admin_tokens});
    add_all(admin, {.control = control, .proxy = proxy, .unresolved = [&names] {
                        return names.unanswered();
                    }});
    // Before anybody is served: who starts it has to hear that the port is taken.
    if (!config.admin.host.empty() && !admin.listen(config.admin, problem)) {
        log_error(problem);
        return 1;
    }
    if (!proxy.start(problem)) {
        log_error(problem);
        return 1;
    }
    std::vector<name_resolver::watched> watched;
    for (const node_entry& node : loaded.compiled->nodes) {
        watched.push_back({node.name, node.host, node.port});
    }
    names.watch(watched, config.timeouts.resolve);
    log_info("boshgate " BOSHGATE_VERSION " serves " + std::to_string(config.nodes.size()) +
             (config.nodes.size() == 1 ? " node" : " nodes") + ", up to " +
             std::to_string(config.limits.connections) + " connections");
    log_listeners(proxy);
    log_admin(config, admin);
    log_discovery(config);
    control.run();
    log_counters(proxy);
    proxy.join();
    log_info("ended");
    log_close();
    return 0;
}

} // namespace boshgate::proxy
