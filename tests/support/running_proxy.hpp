#pragma once
// The real proxy inside a test: from configuration text to listening cores, on ports of the
// system's choice.

#include "proxy/app.hpp"
#include "tests/support/sockets.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boshgate::tests {

class running_proxy {
  public:
    // `yaml` is a whole configuration. Addresses of nodes must be numeric: no name is resolved.
    // Throws with the messages when it is not in order. The access log goes nowhere unless
    // `log_file` is given.
    explicit running_proxy(const std::string& yaml);
    ~running_proxy();

    [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const {
        return app_->port(listener);
    }
    [[nodiscard]] proxy::app& app() noexcept { return *app_; }

    // connect opens a plain connection to a listener.
    [[nodiscard]] std::unique_ptr<stream> connect(std::size_t listener = 0) const;
    // ask sends one request on a connection of its own and reads its answer.
    [[nodiscard]] http_answer ask(const std::string& request, std::size_t listener = 0) const;

    // until waits, with a bound, for a condition that another thread brings about.
    [[nodiscard]] static bool until(const std::function<bool()>& condition);

    // ended tells that so many exchanges (or connections) have ended for this reason. An exchange
    // is counted a moment after its answer can be read, so this waits, with a bound.
    [[nodiscard]] bool ended(routing::reason why, std::uint64_t count) const;

    // reload goes on with another configuration, as SIGHUP does. Returns what is wrong with it; "":
    // it is in use now.
    [[nodiscard]] std::string reload(const std::string& yaml);

    // drain and join; afterwards counters are gone.
    void end(std::chrono::milliseconds limit = std::chrono::milliseconds{0});

  private:
    std::unique_ptr<proxy::app> app_;
};

// config_with_node is the least configuration: one plain listener, one core, one node "node-a1" on
// 127.0.0.1. `more` is appended. Bodies are not read (sessions.enabled: false): for tests of what
// any HTTP proxy does. bosh_config_with_node is the same with all that BOSH needs.
[[nodiscard]] std::string config_with_node(std::uint16_t node_port, const std::string& more = {});
[[nodiscard]] std::string bosh_config_with_node(std::uint16_t node_port,
                                                const std::string& more = {});

// The same configuration with another number of cores.
[[nodiscard]] std::string with_threads(std::string yaml, int threads);

// Where a port on 127.0.0.1 is.
[[nodiscard]] proxy::socket_address loopback_address(std::uint16_t port);

// post is a BOSH-like request. `fields` are complete lines.
[[nodiscard]] std::string post(const std::string& path, const std::string& body,
                               const std::string& fields = {});

} // namespace boshgate::tests
