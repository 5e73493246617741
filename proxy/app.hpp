#pragma once
// The running proxy: cores on their threads, and a control thread (the caller's) with an io_context
// for what nobody counts: signals, names of nodes, start and end.

#include "proxy/access_log.hpp"
#include "proxy/core.hpp"
#include "proxy/reload.hpp"
#include "proxy/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace boshgate::proxy {

// core_count returns how many cores a configuration runs: `threads`, or one for each processor.
[[nodiscard]] unsigned core_count(const conf::config& config) noexcept;

class app {
  public:
    app(std::shared_ptr<const snapshot> compiled, std::unique_ptr<access_log> access);
    ~app(); // stop() and join
    app(const app&) = delete;
    app& operator=(const app&) = delete;

    // start binds every listener on every core and starts the threads. False, and a sentence in
    // `problem`: nothing runs.
    [[nodiscard]] bool start(std::string& problem);

    // port returns the port of the n-th listener of the configuration: where it says 0, the one
    // that the system chose.
    [[nodiscard]] std::uint16_t port(std::size_t listener) const { return ports_.at(listener); }

    // set_addresses tells all cores where a node is. An empty list: the name does not resolve,
    // `because` says why.
    void set_addresses(routing::node_index node, const std::vector<socket_address>& addresses,
                       const std::string& because);

    // before says what a snapshot for reload() is to be compiled after. Control thread.
    [[nodiscard]] predecessor before();
    // reload goes on with another snapshot, which was compiled after before(). When it returns
    // true, every request that comes is served by it; what was under way goes on as it began.
    // False, and a sentence in `problem`: nothing has changed. `tell` is called in between, and
    // says by set_addresses where nodes are, as far as that is known: nobody has to wait for it.
    // Control thread; not while draining.
    [[nodiscard]] bool reload(std::shared_ptr<const snapshot> compiled, std::string& problem,
                              const std::function<void()>& tell);
    // forget_old destroys snapshots that nothing uses any more, which takes too long for a core.
    // Returns how many are still in use beside the present one.
    std::size_t forget_old();

    // drain lets what is under way end, at most for `limit`, then cuts it. join waits for that.
    void drain(std::chrono::milliseconds limit);
    // Whether drain was called. Any thread.
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    void join();
    // cut ends everything now: the end of a drain, or a second signal.
    void cut();

    // reopen_logs opens log files again after rotation.
    void reopen_logs();

    // Control thread; valid until the next reload.
    [[nodiscard]] const snapshot& settings() const noexcept { return *settings_; }
    // What all cores know; and the cores, of which other threads may read counters and post to the
    // loop. Until join.
    [[nodiscard]] shared_state& shared() noexcept { return shared_; }
    [[nodiscard]] const std::vector<std::unique_ptr<core>>& cores() const noexcept {
        return cores_;
    }
    // The sum of a counter over the cores.
    [[nodiscard]] std::uint64_t total(counter core_counters::*which) const;
    [[nodiscard]] std::uint64_t ended(routing::reason why) const;

    // on_end is called once, on a core's thread, when the last core has stopped.
    void on_end(std::function<void()> call) { on_end_ = std::move(call); }

  private:
    struct opened_listeners;

    [[nodiscard]] std::shared_ptr<const snapshot> own_reference() const;
    [[nodiscard]] bool open_new_listeners(const conf::config& config, opened_listeners& opened,
                                          std::string& problem) const;
    [[nodiscard]] bool change_logs(const conf::log& wanted, std::string& problem);

    std::shared_ptr<const snapshot> settings_;
    std::vector<std::shared_ptr<const snapshot>> old_; // the oldest first
    std::vector<told_addresses>* telling_ = nullptr;   // while reload() asks where nodes are
    std::unique_ptr<access_log> access_;
    shared_state shared_;
    std::vector<std::unique_ptr<core>> cores_;
    std::vector<std::thread> threads_;
    std::vector<std::uint16_t> ports_;
    std::function<void()> on_end_;
    std::atomic<std::size_t> running_{0};
    std::atomic<bool> draining_{false};
};

// raise_descriptor_limit sets the soft limit of open files to the hard one, and returns it.
std::uint64_t raise_descriptor_limit();

// serve runs the proxy of a configuration until SIGTERM or SIGINT; returns the process's exit
// status: 0 after a drain, 1 when it could not start. `config_file` is read at the start, and at
// each SIGHUP.
[[nodiscard]] int serve(const std::string& config_file);

} // namespace boshgate::proxy
