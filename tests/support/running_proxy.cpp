#include "tests/support/running_proxy.hpp"

#include "conf/load.hpp"
#include "proxy/access_log.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace boshgate::tests {
namespace {

std::shared_ptr<const proxy::snapshot> compile_text(const std::string& yaml,
                                                    const proxy::predecessor& before = {}) {
    conf::loaded loaded = conf::load(yaml, "test.yaml");
    std::string messages;
    for (const conf::problem& one : loaded.problems) {
        messages += conf::to_string(one) + "\n";
    }
    conf::findings found{loaded.marks, "test.yaml"};
    std::shared_ptr<const proxy::snapshot> compiled;
    if (!conf::has_errors(loaded.problems)) {
        compiled = proxy::compile(std::move(loaded.config), found, before);
    }
    for (const conf::problem& one : found.take()) {
        messages += conf::to_string(one) + "\n";
    }
    if (!compiled) {
        throw std::runtime_error(messages);
    }
    return compiled;
}

proxy::socket_address numeric(const std::string& host, std::uint16_t port) {
    proxy::socket_address made;
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) {
        throw std::runtime_error("not a numeric IPv4 address: " + host);
    }
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    made.size = sizeof v4;
    return made;
}

void tell_addresses(proxy::app& app) {
    const std::vector<proxy::node_entry>& nodes = app.settings().nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!nodes[i].removed) {
            app.set_addresses(static_cast<routing::node_index>(i),
                              {numeric(nodes[i].host, nodes[i].port)}, {});
        }
    }
}

} // namespace

running_proxy::running_proxy(const std::string& yaml) {
    std::signal(SIGPIPE, SIG_IGN);
    std::shared_ptr<const proxy::snapshot> compiled = compile_text(yaml);
    std::string problem;
    std::unique_ptr<proxy::access_log> access =
        proxy::access_log::open(compiled->config.log, proxy::core_count(compiled->config), problem);
    if (!access) {
        throw std::runtime_error(problem);
    }
    app_ = std::make_unique<proxy::app>(compiled, std::move(access));
    if (!app_->start(problem)) {
        throw std::runtime_error(problem);
    }
    tell_addresses(*app_);
}

std::string running_proxy::reload(const std::string& yaml) {
    std::string problem;
    try {
        auto compiled = compile_text(yaml, app_->before());
        static_cast<void>(
            app_->reload(std::move(compiled), problem, [this] { tell_addresses(*app_); }));
    } catch (const std::runtime_error& error) {
        problem = error.what();
    }
    return problem;
}

running_proxy::~running_proxy() {
    end();
}

void running_proxy::end(std::chrono::milliseconds limit) {
    if (app_) {
        app_->drain(limit);
        app_->join();
        app_.reset();
    }
}

std::unique_ptr<stream> running_proxy::connect(std::size_t listener) const {
    return std::make_unique<stream>(connect_to_loopback(port(listener)), nullptr,
                                    stream::role::client);
}

http_answer running_proxy::ask(const std::string& request, std::size_t listener) const {
    const std::unique_ptr<stream> client = connect(listener);
    client->write(request);
    return client->read_answer(request.starts_with("HEAD "));
}

bool running_proxy::ended(routing::reason why, std::uint64_t count) const {
    return until([&] { return app_->ended(why) == count; });
}

bool running_proxy::until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + read_limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
}

proxy::socket_address loopback_address(std::uint16_t port) {
    return numeric("127.0.0.1", port);
}

std::string bosh_config_with_node(std::uint16_t node_port, const std::string& more) {
    return "threads: 1\n"
           "listen: [{address: \"127.0.0.1:0\"}]\n"
           "nodes: {node-a1: \"http://127.0.0.1:" +
           std::to_string(node_port) + "/httpbinding\"}\nlog: {access: \"off\"}\n" +
           // A silent stub is no sick node, unless the test says so.
           (more.find("health:") == std::string::npos ? "health: {interval: 0s}\n" : "") + more;
}

std::string config_with_node(std::uint16_t node_port, const std::string& more) {
    return bosh_config_with_node(node_port, "sessions: {enabled: false}\n" + more);
}

std::string with_threads(std::string yaml, int threads) {
    const std::string one = "threads: 1\n";
    return yaml.replace(yaml.find(one), one.size(), "threads: " + std::to_string(threads) + "\n");
}

std::string post(const std::string& path, const std::string& body, const std::string& fields) {
    return "POST " + path + " HTTP/1.1\r\nHost: proxy.example.com\r\nContent-Type: text/xml\r\n" +
           fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace boshgate::tests
