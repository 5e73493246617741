#pragma once
// The admin listener: plain HTTP/1.1 for the operator and for monitoring, on the control thread,
// off the data path. Handlers are registered by path before listen(); who may ask them for what is
// decided by admin_access before they are called.
//
//     admin_server admin(control, {names, tokens});
//     admin.get("/livez", at_once([](const admin_request&) { return admin_text(200, "alive\n");
//     })); if (!admin.listen(config.admin, problem)) ...
//
// Everything here belongs to the thread of its io_context.

#include "conf/config.hpp"
#include "proxy/admin_access.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace boshgate::proxy {

struct admin_request {
    std::string path;  // without the query, as sent
    std::string tail;  // what stands behind the path of the handler, when that ends in '/'
    std::string query; // without '?'; empty: there is none
    std::string peer;  // who asks, for the log
};

struct admin_answer {
    unsigned status = 200;
    std::string type = "application/json"; // Content-Type
    std::string body;
    // Content-Security-Policy: nothing may be loaded, unless the page says what it needs.
    std::string policy = "default-src 'none'; frame-ancestors 'none'";
};

// admin_text makes an answer of plain text.
[[nodiscard]] admin_answer admin_text(unsigned status, std::string body);
// admin_error makes what every failed call gets: {"error":{"code":...,"message":...}}.
[[nodiscard]] admin_answer admin_error(unsigned status, std::string_view code,
                                       std::string_view message);

// A handler is a coroutine on the control thread. The request outlives it.
using admin_task = boost::asio::awaitable<admin_answer, boost::asio::io_context::executor_type>;
using admin_handler = std::function<admin_task(const admin_request&)>;
// at_once makes a handler of a function that has its answer without waiting.
[[nodiscard]] admin_handler at_once(std::function<admin_answer(const admin_request&)> answer);

// What bounds a client. Of a request's body nothing is used, so it may as well be missing.
struct admin_limits {
    std::size_t connections = 64; // beyond it the one that is idle for longest is closed
    std::uint32_t head_bytes = 8 * 1024;
    std::uint32_t body_bytes = 4 * 1024;
    std::chrono::milliseconds idle{60'000};    // between requests
    std::chrono::milliseconds request{10'000}; // first byte until the end of the body, in all
    std::chrono::milliseconds write{30'000};   // one answer, in all
};

class admin_server {
  public:
    // `context` must outlive this object.
    admin_server(boost::asio::io_context& context, admin_access access,
                 const admin_limits& limits = {});
    // Closes everything; handlers that still wait are not resumed.
    ~admin_server();
    admin_server(const admin_server&) = delete;
    admin_server& operator=(const admin_server&) = delete;

    // Handlers of GET (and HEAD), and of POST, which always changes something. A path that ends in
    // '/' and is longer than that stands for all that begin with it. `page`: see admin_purpose.
    void get(std::string path, admin_handler handler, admin_purpose why = admin_purpose::read);
    void post(std::string path, admin_handler handler);

    // listen binds the address and begins to serve. False, and a sentence in `problem`: it cannot.
    [[nodiscard]] bool listen(const conf::admin_config& settings, std::string& problem);
    // admit: who may ask from here on (a reload).
    void admit(admin_access access);
    // The port that is bound; 0: none.
    [[nodiscard]] std::uint16_t port() const noexcept;

  private:
    struct state;
    std::shared_ptr<state> state_; // suspended coroutines may outlive this object
};

} // namespace boshgate::proxy
