#include "proxy/admin_connection.hpp"

#include "proxy/log.hpp"

#include <array>
#include <exception>
#include <optional>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr auto as_result = asio::as_tuple(asio::deferred);

constexpr std::chrono::milliseconds linger_time{1000};
constexpr std::size_t linger_bytes = 64 * 1024;
constexpr std::size_t linger_piece = 4 * 1024;

bool changes(const http::request<http::string_body>& asked) {
    return asked.method() == http::verb::post;
}

std::optional<std::string_view> field_of(const http::request<http::string_body>& asked,
                                         std::string_view name) {
    const auto found = asked.find(name);
    return found == asked.end() ? std::nullopt : std::optional<std::string_view>(found->value());
}

admin_caller caller_of(const http::request<http::string_body>& asked) {
    return {.host = field_of(asked, "Host"),
            .origin = field_of(asked, "Origin"),
            .fetch_site = field_of(asked, "Sec-Fetch-Site"),
            .fetch_mode = field_of(asked, "Sec-Fetch-Mode"),
            .fetch_dest = field_of(asked, "Sec-Fetch-Dest"),
            .authorization = field_of(asked, "Authorization")};
}

// What the parser lets through, and two readers could read in two ways (http-head rules of the data
// path, as far as they matter where nothing is passed on). Empty: in order.
std::string_view fault_of(const http::request<http::string_body>& asked) {
    if (asked.count(http::field::transfer_encoding) != 0) {
        return "the request has a Transfer-Encoding, expected Content-Length or no body";
    }
    for (const std::string_view once : {"Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode",
                                        "Sec-Fetch-Dest", "Authorization", "Content-Length"}) {
        if (asked.count(once) > 1) {
            return "a header field that must stand once is repeated";
        }
    }
    if (asked.version() == 11 && asked.count(http::field::host) == 0) {
        return "the request has no Host";
    }
    return asked.target().starts_with('/') ? "" : "the request target is no path";
}

std::string path_of(const http::request<http::string_body>& asked) {
    const std::string_view target = asked.target();
    return std::string(target.substr(0, target.find('?')));
}

} // namespace

admin_connection::admin_connection(std::shared_ptr<admin_routes> of, admin_socket socket)
    : of_(std::move(of)),
      socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      buffer_(of_->limits.head_bytes + of_->limits.body_bytes) {
    boost::system::error_code ec;
    const auto from = socket_.remote_endpoint(ec);
    peer_ = ec ? "?" : from.address().to_string();
}

void admin_connection::close() {
    boost::system::error_code ignored;
    deadline_.cancel();
    socket_.close(ignored);
}

void admin_connection::set_deadline(std::chrono::milliseconds time) {
    deadline_.expires_after(time); // the wait before it ends with operation_aborted
    deadline_.async_wait([self = weak_from_this()](const boost::system::error_code& ec) {
        if (const auto still = self.lock(); !ec && still) {
            still->close();
        }
    });
}

asio::awaitable<void, admin_executor>
admin_connection::serve(std::shared_ptr<admin_connection> self) {
    bool going_on = true;
    while (going_on) { // g++ 12 makes a trap of `while (co_await ...) {}`
        going_on = co_await self->serve_one();
    }
    co_await self->linger();
    self->close();
    self->of_->ended(*self);
}

admin_connection::going_on admin_connection::serve_one() {
    parser in;
    in.header_limit(of_->limits.head_bytes);
    in.body_limit(of_->limits.body_bytes);
    if (buffer_.size() == 0) {
        idle_ = true;
        idle_since_ = clock::now();
        set_deadline(of_->limits.idle);
        const auto [ec] = co_await socket_.async_wait(admin_socket::wait_read, as_result);
        idle_ = false;
        if (ec) {
            co_return false;
        }
    }
    set_deadline(of_->limits.request);
    const auto [ec, bytes] = co_await http::async_read_header(socket_, buffer_, in, as_result);
    if (ec) {
        co_return co_await refuse_unread(in.get(), ec);
    }
    if (bytes > of_->limits.head_bytes) { // it came in one piece, which the parser never measures
        co_return co_await refuse_unread(in.get(), http::error::header_limit);
    }
    // Before the body: the parser takes trailers for fields of the head, and there are none without
    // a chunked body.
    if (const std::string_view fault = fault_of(in.get()); !fault.empty()) {
        co_return co_await refuse(in.get(), 400, "request", fault);
    }
    if (!in.is_done()) {
        const auto [failed, more] = co_await http::async_read(socket_, buffer_, in, as_result);
        if (failed) {
            co_return co_await refuse_unread(in.get(), failed);
        }
    }
    deadline_.cancel(); // handlers bound their own time
    const admin_found found = of_->find(path_of(in.get()), changes(in.get()));
    admin_answer answer = refusal_of(in.get(), found);
    if (answer.status == 200) {
        answer = co_await answer_to(in.get(), found);
    }
    co_return co_await write(in.get(), std::move(answer), in.get().keep_alive());
}

// What could not be read. No answer for who has gone, or whose time is over.
admin_connection::going_on admin_connection::refuse_unread(const request& asked,
                                                           boost::system::error_code why) {
    if (why == http::error::header_limit || why == http::error::buffer_overflow) {
        return refuse(asked, 431, "head", "the head is too large");
    }
    if (why == http::error::body_limit) {
        return refuse(asked, 413, "body", "the body is too large");
    }
    const bool gone = why == http::error::end_of_stream || why == http::error::partial_message ||
                      why.category() != make_error_code(http::error::bad_method).category();
    return gone ? end() : refuse(asked, 400, "request", why.message());
}

admin_connection::going_on admin_connection::end() {
    co_return false;
}

admin_connection::going_on admin_connection::refuse(const request& asked, unsigned status,
                                                    std::string_view code,
                                                    std::string_view message) {
    return write(asked, admin_error(status, code, message), false);
}

// Reads and drops what still comes: a close with unread bytes would be a reset, which takes our
// last answer away from a client that has not read it yet.
asio::awaitable<void, admin_executor> admin_connection::linger() {
    boost::system::error_code ec;
    socket_.shutdown(admin_socket::shutdown_send, ec);
    set_deadline(linger_time);
    std::array<char, linger_piece> piece{};
    for (std::size_t dropped = 0; !ec && dropped < linger_bytes;) {
        const auto [failed, bytes] =
            co_await socket_.async_read_some(asio::buffer(piece), as_result);
        ec = failed;
        dropped += bytes;
    }
}

admin_answer admin_connection::refusal_of(const request& asked, const admin_found& found) const {
    const admin_refusal why =
        of_->access.judge(caller_of(asked), changes(asked) ? admin_purpose::change : found.why);
    // Nobody is told which paths there are before it is known that he may ask.
    if (why != admin_refusal::none) {
        log_limited(log_topic::admin, {},
                    "admin listener: refused " + std::string(asked.method_string()) + " of " +
                        peer_ + ": " + std::string(words_of(why)));
        return admin_error(why == admin_refusal::token ? 401 : 403, name_of(why), words_of(why));
    }
    if (!found.exists) {
        return admin_error(404, "path", "there is nothing at this path");
    }
    if (found.handler == nullptr || (!changes(asked) && asked.method() != http::verb::get &&
                                     asked.method() != http::verb::head)) {
        return admin_error(405, "method", "this path does not take this method");
    }
    return {};
}

admin_task admin_connection::answer_to(const request& asked, const admin_found& found) {
    const std::string_view target = asked.target();
    const auto mark = target.find('?');
    const admin_request made{
        .path = path_of(asked),
        .tail = found.tail,
        .query = mark == std::string_view::npos ? "" : std::string(target.substr(mark + 1)),
        .peer = peer_};
    try {
        admin_task answer = (*found.handler)(made);
        co_return co_await std::move(answer);
    } catch (const std::exception& e) {
        log_error("admin listener: " + made.path + ": " + e.what());
    }
    co_return admin_error(500, "failed", "the log of events says why");
}

admin_connection::going_on admin_connection::write(const request& asked, admin_answer answer,
                                                   bool keep_alive) {
    http::response<http::string_body> out(http::int_to_status(answer.status), asked.version());
    out.set(http::field::content_type, answer.type);
    out.set(http::field::cache_control, "no-store");
    out.set("Content-Security-Policy", answer.policy);
    out.set("Cross-Origin-Opener-Policy", "same-origin");
    out.set("Cross-Origin-Resource-Policy", "same-origin");
    out.set("Referrer-Policy", "no-referrer");
    out.set("X-Content-Type-Options", "nosniff");
    out.set("X-Frame-Options", "DENY");
    if (answer.status == 401) {
        out.set(http::field::www_authenticate, "Bearer realm=\"boshgate\"");
    } else if (answer.status == 405) {
        out.set(http::field::allow,
                of_->find(path_of(asked), true).handler != nullptr ? "POST" : "GET, HEAD");
    }
    out.body() = std::move(answer.body);
    out.keep_alive(keep_alive);
    out.prepare_payload();
    if (asked.method() == http::verb::head) {
        out.body().clear(); // its length stays in the head
    }
    set_deadline(of_->limits.write);
    const auto [ec, bytes] = co_await http::async_write(socket_, out, as_result);
    co_return !ec && keep_alive;
}

} // namespace boshgate::proxy
