#include "proxy/admin_client.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::uint64_t answer_bytes_max = 64 * 1024 * 1024; // 4096 nodes take 2 MiB

http::verb verb_of(const std::string& method) {
    return method == "POST" ? http::verb::post : http::verb::get;
}

// One request, as a chain of callbacks.
struct call {
    call(asio::io_context& context, const asio::ip::tcp::endpoint& to) : stream(context), at(to) {
        answer.body_limit(answer_bytes_max);
    }

    void begin() {
        stream.async_connect(at, [this](error_code ec) {
            if (ended("", ec)) {
                return;
            }
            http::async_write(stream, request, [this](error_code failed, std::size_t) {
                if (!ended("it closed the connection: ", failed)) {
                    read();
                }
            });
        });
    }

    void read() {
        http::async_read(stream, buffer, answer, [this](error_code ec, std::size_t) {
            if (!ended("it gave no answer: ", ec)) {
                reply.status = answer.get().result_int();
                reply.body = std::move(answer.get().body());
            }
        });
    }

    bool ended(const std::string& what, error_code ec) {
        if (ec) {
            reply.problem =
                ec == boost::beast::error::timeout ? "no answer in time" : what + ec.message();
        }
        return bool(ec);
    }

    boost::beast::tcp_stream stream;
    asio::ip::tcp::endpoint at;
    boost::beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::response_parser<http::string_body> answer;
    admin_reply reply;
};

} // namespace

admin_reply admin_call(const conf::admin_config& settings, const std::string& method,
                       const std::string& target, const std::string& token,
                       std::chrono::milliseconds limit) {
    error_code ec;
    asio::ip::address address = asio::ip::make_address(settings.host, ec);
    if (ec) {
        return {.problem = settings.host + " is no address"};
    }
    if (address.is_unspecified()) {
        address = address.is_v6() ? asio::ip::address(asio::ip::address_v6::loopback())
                                  : asio::ip::address(asio::ip::address_v4::loopback());
    }
    asio::io_context context(1);
    call one(context, {address, settings.port});
    one.request.version(11);
    one.request.method(verb_of(method));
    one.request.target(target);
    one.request.set(http::field::host, "localhost");
    if (!token.empty()) {
        one.request.set(http::field::authorization, "Bearer " + token);
    }
    one.request.keep_alive(false);
    one.request.prepare_payload();
    one.stream.expires_after(limit); // all of it together
    one.begin();
    context.run();
    return std::move(one.reply);
}

} // namespace boshgate::proxy
