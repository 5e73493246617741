#pragma once
// One connection of the admin listener: reads requests, asks admin_access, calls handlers, writes
// answers. On the control thread. Only admin_server.cpp and admin_connection.cpp include this:
// Beast stays behind them.

#include "proxy/admin_server.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace boshgate::proxy {

using admin_executor = boost::asio::io_context::executor_type;
using admin_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, admin_executor>;
using admin_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, admin_executor>;
class admin_connection;

// What a path leads to.
struct admin_found {
    bool exists = false;                    // for some method
    const admin_handler* handler = nullptr; // for this one
    admin_purpose why = admin_purpose::read;
    std::string tail;
};

// What connections need of their server.
struct admin_routes {
    admin_routes(admin_access who, const admin_limits& bounds)
        : access(std::move(who)), limits(bounds) {}
    [[nodiscard]] virtual admin_found find(const std::string& path, bool changes) const = 0;
    virtual void ended(const admin_connection& gone) noexcept = 0;

    admin_access access; // another one after a reload
    const admin_limits limits;

  protected:
    ~admin_routes() = default;
};

class admin_connection : public std::enable_shared_from_this<admin_connection> {
  public:
    using clock = std::chrono::steady_clock;

    admin_connection(std::shared_ptr<admin_routes> of, admin_socket socket);

    // serve is the connection's life.
    static boost::asio::awaitable<void, admin_executor>
    serve(std::shared_ptr<admin_connection> self);

    void close();
    [[nodiscard]] bool is_idle() const noexcept { return idle_; }
    // When it became idle; the end of time: it is not.
    [[nodiscard]] clock::time_point idle_since() const noexcept {
        return idle_ ? idle_since_ : clock::time_point::max();
    }

  private:
    using parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
    using request = boost::beast::http::request<boost::beast::http::string_body>;
    // Whether the connection may live on.
    using going_on = boost::asio::awaitable<bool, admin_executor>;

    going_on serve_one();
    going_on refuse_unread(const request& asked, boost::system::error_code why);
    going_on refuse(const request& asked, unsigned status, std::string_view code,
                    std::string_view message);
    going_on end();
    going_on write(const request& asked, admin_answer answer, bool keep_alive);
    boost::asio::awaitable<void, admin_executor> linger();
    admin_task answer_to(const request& asked, const admin_found& found);
    [[nodiscard]] admin_answer refusal_of(const request& asked, const admin_found& found) const;
    // From now on; closes the socket when it is over.
    void set_deadline(std::chrono::milliseconds time);

    std::shared_ptr<admin_routes> of_;
    admin_socket socket_;
    admin_timer deadline_;
    boost::beast::flat_buffer buffer_;
    std::string peer_;
    clock::time_point idle_since_;
    bool idle_ = false;
};

} // namespace boshgate::proxy
