#pragma once
// The admin listener inside a test, on a thread of its own and a port of the system's choice.

#include "proxy/admin_server.hpp"
#include "tests/support/sockets.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace boshgate::tests {

class running_admin {
  public:
    using setup = std::function<void(proxy::admin_server&, boost::asio::io_context&)>;

    // `add` registers handlers; what these refer to must outlive this object. Throws when the
    // listener cannot be made.
    explicit running_admin(const setup& add, proxy::admin_access access = {{}, {}},
                           const proxy::admin_limits& limits = {});
    ~running_admin();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::unique_ptr<stream> connect() const;
    // ask sends one request on a connection of its own and reads its answer.
    [[nodiscard]] http_answer ask(const std::string& request) const;
    // Does so with a Host that is ours; `fields` are complete lines.
    [[nodiscard]] http_answer get(const std::string& target, const std::string& fields = {}) const;
    [[nodiscard]] http_answer post(const std::string& target, const std::string& fields = {}) const;

  private:
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<proxy::admin_server> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

} // namespace boshgate::tests
