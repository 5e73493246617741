#include "tests/support/running_admin.hpp"

#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>

namespace boshgate::tests {

running_admin::running_admin(const setup& add, proxy::admin_access access,
                             const proxy::admin_limits& limits)
    : work_(context_.get_executor()),
      server_(std::make_unique<proxy::admin_server>(context_, std::move(access), limits)) {
    add(*server_, context_);
    conf::admin_config settings;
    settings.port = 0;
    std::string problem;
    if (!server_->listen(settings, problem)) {
        throw std::runtime_error(problem);
    }
    port_ = server_->port();
    thread_ = std::thread([this] { context_.run(); });
}

running_admin::~running_admin() {
    boost::asio::post(context_, [this] {
        server_.reset();
        work_.reset();
    });
    thread_.join(); // run() returns when nothing is left: whatever hangs on shows here
}

std::unique_ptr<stream> running_admin::connect() const {
    return std::make_unique<stream>(connect_to_loopback(port_), nullptr, stream::role::client);
}

http_answer running_admin::ask(const std::string& request) const {
    const std::unique_ptr<stream> client = connect();
    client->write(request);
    return client->read_answer(request.starts_with("HEAD "));
}

http_answer running_admin::get(const std::string& target, const std::string& fields) const {
    return ask("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
}

http_answer running_admin::post(const std::string& target, const std::string& fields) const {
    return ask("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" + fields +
               "\r\n");
}

} // namespace boshgate::tests
