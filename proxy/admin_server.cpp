#include "proxy/admin_server.hpp"

#include "proxy/admin_connection.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/json.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::deferred);

// Out of descriptors: the data path needs the next ones more.
constexpr std::chrono::milliseconds accept_pause{200};

// What ends a coroutine with an exception is a bug of ours; the others go on.
void log_end(const std::exception_ptr& why) {
    if (!why) {
        return;
    }
    try {
        std::rethrow_exception(why);
    } catch (const std::exception& e) {
        log_error("admin listener: " + std::string(e.what()));
    }
}

admin_task ready(admin_answer answer) {
    co_return answer;
}

bool covers(const std::string& route, const std::string& path) {
    return route == path || (route.size() > 1 && route.ends_with('/') && path.starts_with(route));
}

} // namespace

admin_answer admin_text(unsigned status, std::string body) {
    return {.status = status, .type = "text/plain; charset=utf-8", .body = std::move(body)};
}

admin_answer admin_error(unsigned status, std::string_view code, std::string_view message) {
    const boost::json::object error{{"code", code}, {"message", message}};
    return {.status = status,
            .body = boost::json::serialize(boost::json::object{{"error", error}}) + "\n"};
}

admin_handler at_once(std::function<admin_answer(const admin_request&)> answer) {
    return
        [answer = std::move(answer)](const admin_request& asked) { return ready(answer(asked)); };
}

struct admin_server::state final : admin_routes, std::enable_shared_from_this<state> {
    struct route {
        std::string path;
        admin_handler handler;
        admin_purpose why;
    };

    state(asio::io_context& of, admin_access who, const admin_limits& bounds)
        : admin_routes{std::move(who), bounds},
          context(of),
          acceptor(of.get_executor()),
          pause(of.get_executor()) {}

    admin_found find(const std::string& path, bool changes) const override {
        admin_found found;
        for (const route& one : routes) {
            if (!covers(one.path, path)) {
                continue;
            }
            found.exists = true;
            if ((one.why == admin_purpose::change) == changes) {
                found.handler = &one.handler;
                found.why = one.why;
                found.tail = path.substr(one.path.size());
            }
        }
        return found;
    }

    void ended(const admin_connection& gone) noexcept override {
        std::erase_if(connections, [&](const auto& one) { return one.get() == &gone; });
    }

    // Room for one more: whoever asks nothing now can come again.
    bool make_room() {
        if (connections.size() < limits.connections) {
            return true;
        }
        const auto idle = std::min_element(connections.begin(), connections.end(),
                                           [](const auto& one, const auto& other) {
                                               return one->idle_since() < other->idle_since();
                                           });
        if (!(*idle)->is_idle()) {
            return false;
        }
        (*idle)->close();
        connections.erase(idle);
        return true;
    }

    void begin(admin_socket socket) {
        if (!make_room()) {
            return; // closes it
        }
        auto made = std::make_shared<admin_connection>(shared_from_this(), std::move(socket));
        connections.push_back(made);
        asio::co_spawn(context, admin_connection::serve(std::move(made)), log_end);
    }

    static asio::awaitable<void, admin_executor> accept_all(std::shared_ptr<state> of) {
        while (of->acceptor.is_open()) {
            auto [ec, socket] = co_await of->acceptor.async_accept(as_result);
            if (!ec) {
                of->begin(std::move(socket));
            } else if (ec != asio::error::connection_aborted &&
                       ec != asio::error::operation_aborted) {
                log_limited(log_topic::admin, {}, "admin listener: " + ec.message());
                of->pause.expires_after(accept_pause);
                co_await of->pause.async_wait(as_result);
            }
        }
    }

    void close() {
        boost::system::error_code ignored;
        acceptor.close(ignored);
        pause.cancel();
        for (const auto& one : std::exchange(connections, {})) {
            one->close();
        }
    }

    asio::io_context& context;
    asio::basic_socket_acceptor<tcp, admin_executor> acceptor;
    admin_timer pause;
    std::vector<route> routes;
    std::vector<std::shared_ptr<admin_connection>> connections;
};

admin_server::admin_server(asio::io_context& context, admin_access access,
                           const admin_limits& limits)
    : state_(std::make_shared<state>(context, std::move(access), limits)) {}

admin_server::~admin_server() {
    state_->close();
}

void admin_server::get(std::string path, admin_handler handler, admin_purpose why) {
    state_->routes.push_back({std::move(path), std::move(handler), why});
}

void admin_server::post(std::string path, admin_handler handler) {
    state_->routes.push_back({std::move(path), std::move(handler), admin_purpose::change});
}

void admin_server::admit(admin_access access) {
    state_->access = std::move(access);
}

bool admin_server::listen(const conf::admin_config& settings, std::string& problem) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(settings.host, ec);
    const tcp::endpoint at(address, settings.port);
    auto& acceptor = state_->acceptor;
    if (!ec) {
        acceptor.open(at.protocol(), ec);
    }
    if (!ec) {
        acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    }
    if (!ec && address.is_v6()) {
        acceptor.set_option(asio::ip::v6_only(true), ec);
    }
    if (!ec) {
        acceptor.bind(at, ec);
    }
    if (!ec) {
        acceptor.listen(static_cast<int>(state_->limits.connections), ec);
    }
    if (ec) {
        problem = "admin.address: cannot listen on " + settings.host + " port " +
                  std::to_string(settings.port) + ": " + ec.message() +
                  (ec == asio::error::address_in_use
                       ? "; each boshgate of a machine needs an admin.address of its own, or \"\""
                       : "");
        acceptor.close(ec);
        return false;
    }
    asio::co_spawn(state_->context, state::accept_all(state_), log_end);
    return true;
}

std::uint16_t admin_server::port() const noexcept {
    boost::system::error_code ec;
    const tcp::endpoint at = state_->acceptor.local_endpoint(ec);
    return ec ? std::uint16_t{0} : at.port();
}

} // namespace boshgate::proxy
