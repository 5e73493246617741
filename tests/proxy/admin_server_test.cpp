#include "proxy/admin_server.hpp"

#include "tests/support/running_admin.hpp"
#include "tests/support/running_proxy.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

namespace boshgate::tests {
namespace {

using proxy::admin_answer;
using proxy::admin_limits;
using proxy::admin_purpose;
using proxy::admin_request;
using proxy::admin_server;
using proxy::admin_text;
using proxy::at_once;
using std::chrono::milliseconds;

namespace asio = boost::asio;

const std::string token(64, 'a');

proxy::admin_access with_token() {
    return {{}, {*conf::parse_secret(token)}};
}

void add_handlers(admin_server& to, asio::io_context& /*context*/) {
    to.get("/hello",
           at_once([](const admin_request& /*asked*/) { return admin_text(200, "hello\n"); }));
    to.get("/echo/", at_once([](const admin_request& asked) {
               return admin_text(200, asked.path + "|" + asked.tail + "|" + asked.query + "|" +
                                          asked.peer);
           }));
    to.post("/echo/", at_once([](const admin_request& asked) {
                return admin_text(200, "changed " + asked.tail);
            }));
    to.get("/fails", at_once([](const admin_request& /*asked*/) -> admin_answer {
               throw std::runtime_error("out of ideas");
           }));
    to.get("/", at_once([](const admin_request& /*asked*/) { return admin_text(200, "page"); }),
           admin_purpose::page);
}

TEST(AdminServer, CallsTheHandlerOfAPath) {
    const running_admin admin(add_handlers);
    const http_answer hello = admin.get("/hello");
    EXPECT_EQ(hello.status, 200);
    EXPECT_EQ(hello.body, "hello\n");
    EXPECT_EQ(hello.field("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(hello.field("Cache-Control"), "no-store");
    EXPECT_EQ(hello.field("X-Frame-Options"), "DENY");
    EXPECT_EQ(hello.field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(hello.field("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'");
    EXPECT_EQ(hello.field("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(admin.get("/echo/a%20b/c?x=1&y").body, "/echo/a%20b/c|a%20b/c|x=1&y|127.0.0.1");
    EXPECT_EQ(admin.get("/").body, "page");
    EXPECT_EQ(admin.get("/?x").body, "page");
}

TEST(AdminServer, AHeadHasTheLengthAndNoBody) {
    const running_admin admin(add_handlers);
    const http_answer got = admin.ask("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.field("Content-Length"), "6");
    EXPECT_EQ(got.body, "");
}

TEST(AdminServer, SaysWhyItRefuses) {
    const running_admin admin(add_handlers, with_token());
    const std::string head = " HTTP/1.1\r\nHost: localhost\r\n";
    const std::string bearer = "Authorization: Bearer ";
    struct refusal {
        std::string request;
        int status;
        const char* code;
    };
    const refusal cases[] = {
        {"GET /nothing" + head + "\r\n", 404, "path"},
        {"GET /hello/" + head + "\r\n", 404, "path"},
        {"GET /hellos" + head + "\r\n", 404, "path"},
        {"PUT /hello" + head + "\r\n", 405, "method"},
        {"OPTIONS /hello" + head + "\r\n", 405, "method"},
        {"POST /hello" + head + bearer + token + "\r\n\r\n", 405, "method"},
        {"POST /hello" + head + "\r\n", 401, "token"},
        {"POST /echo/x" + head + bearer + std::string(64, 'b') + "\r\n\r\n", 401, "token"},
        {"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "host"},
        {"GET /nothing HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "host"},
        {"GET /hello" + head + "Origin: http://evil.example\r\n\r\n", 403, "origin"},
        {"OPTIONS /echo/x" + head +
             "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
         403, "origin"},
        {"POST /echo/x" + head + bearer + token + "\r\nOrigin: http://evil.example\r\n\r\n", 403,
         "origin"},
        {"GET /hello HTTP/1.1\r\n\r\n", 400, "request"},
        {"GET /hello" + head + "Host: localhost\r\n\r\n", 400, "request"},
        {"GET /hello" + head + bearer + "x\r\n" + bearer + token + "\r\n\r\n", 400, "request"},
        {"GET http://localhost/hello" + head + "\r\n", 400, "request"},
        {"POST /echo/x" + head + bearer + token +
             "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: evil.example\r\n\r\n",
         400, "request"},
        {"GET /hello" + head + "Transfer-Encoding: gzip\r\n\r\n", 400, "request"},
        {"GET /hello HTTP/1.1\nHost: localhost\n\n", 400, "request"},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n", 400, "request"},
    };
    for (const refusal& one : cases) {
        const http_answer got = admin.ask(one.request);
        EXPECT_EQ(got.status, one.status) << one.request;
        EXPECT_NE(got.body.find("{\"error\":{\"code\":\"" + std::string(one.code) + "\""),
                  std::string::npos)
            << one.request << got.body;
    }
    EXPECT_EQ(admin.post("/echo/x", bearer + token + "\r\n").body, "changed x");
    EXPECT_EQ(admin.post("/echo/x").field("WWW-Authenticate"), "Bearer realm=\"boshgate\"");
    EXPECT_EQ(admin.ask("PUT /hello" + head + "\r\n").field("Allow"), "GET, HEAD");
    EXPECT_EQ(running_admin(add_handlers).post("/echo/x", bearer + token + "\r\n").status, 403)
        << "no token is configured";
}

TEST(AdminServer, AnswersOldAndImpatientClients) {
    const running_admin admin(add_handlers);
    const auto client = admin.connect();
    client->write("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client->read_answer().body, "hello\n");
    EXPECT_TRUE(client->at_end());

    const auto eager = admin.connect();
    const std::string one = "GET /echo/1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    eager->write(one + one + "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(eager->read_answer().status, 200);
    EXPECT_EQ(eager->read_answer().status, 200);
    EXPECT_EQ(eager->read_answer().body, "hello\n");
    EXPECT_TRUE(eager->at_end());
}

TEST(AdminServer, AHandlerThatThrowsIsAnError) {
    const running_admin admin(add_handlers);
    const auto client = admin.connect();
    client->write("GET /fails HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 500);
    client->write("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client->read_answer().status, 200) << "and the connection lives on";
}

// A request whose head has exactly this many bytes.
std::string with_head(std::size_t bytes) {
    const std::string start = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Fill: ";
    return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
}

std::string with_body(std::size_t bytes) {
    return "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
           "\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
}

TEST(AdminServer, BoundsHeadAndBody) {
    admin_limits limits;
    limits.head_bytes = 300;
    limits.body_bytes = 200;
    const running_admin admin(add_handlers, with_token(), limits);
    EXPECT_EQ(admin.ask(with_head(300)).status, 200);
    EXPECT_EQ(admin.ask(with_head(301)).status, 431);
    EXPECT_EQ(admin.ask(with_head(30'000)).status, 431);
    EXPECT_EQ(admin.ask(with_body(200)).body, "changed x");
    EXPECT_EQ(admin.ask(with_body(201)).status, 413);
    EXPECT_EQ(admin.ask(with_body(30'000)).status, 413);
}

TEST(AdminServer, ClosesWhoIsIdleForARoomOfSomebodyElse) {
    admin_limits limits;
    limits.connections = 2;
    const running_admin admin(add_handlers, with_token(), limits);
    const std::string hello = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const auto first = admin.connect();
    const auto second = admin.connect();
    for (const auto& one : {first.get(), second.get()}) {
        one->write(hello);
        EXPECT_EQ(one->read_answer().status, 200);
    }
    first->write(hello); // now the second is idle for longer
    EXPECT_EQ(first->read_answer().status, 200);
    const auto third = admin.connect();
    third->write(hello);
    EXPECT_EQ(third->read_answer().status, 200);
    EXPECT_TRUE(second->at_end());
    first->write(hello);
    EXPECT_EQ(first->read_answer().status, 200);
}

TEST(AdminServer, TakesNoMoreThanItCanServe) {
    admin_limits limits;
    limits.connections = 2;
    using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                             asio::wait_traits<std::chrono::steady_clock>,
                                             asio::io_context::executor_type>;
    std::atomic<int> waiting = 0;
    std::vector<std::weak_ptr<timer>> waits; // the listener's thread's, and no longer than it
    asio::io_context* on = nullptr;
    const auto slow = [&](asio::io_context& context) -> proxy::admin_task {
        const auto wait = std::make_shared<timer>(context.get_executor());
        waits.push_back(wait);
        wait->expires_after(read_limit);
        ++waiting;
        co_await wait->async_wait(asio::as_tuple(asio::deferred));
        co_return admin_text(200, "at last");
    };
    const running_admin admin(
        [&](admin_server& to, asio::io_context& context) {
            on = &context;
            to.get("/slow", [&](const admin_request& /*asked*/) { return slow(context); });
        },
        with_token(), limits);
    const auto one = admin.connect();
    one->write("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(running_proxy::until([&] { return waiting == 1; }));
    const auto other = admin.connect(); // one place is left
    other->write("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(running_proxy::until([&] { return waiting == 2; }));
    EXPECT_TRUE(admin.connect()->at_end()) << "all places are taken by those who wait";
    asio::post(*on, [&] {
        for (const auto& wait : waits) {
            if (const auto still = wait.lock()) {
                still->cancel();
            }
        }
    });
    EXPECT_EQ(one->read_answer().body, "at last");
    EXPECT_EQ(other->read_answer().body, "at last");
}

TEST(AdminServer, TimesOut) {
    admin_limits limits;
    limits.idle = milliseconds{50};
    limits.request = milliseconds{50};
    const running_admin admin(add_handlers, with_token(), limits);
    EXPECT_TRUE(admin.connect()->at_end()) << "idle";
    const auto slow = admin.connect();
    slow->write("GET /hello HTTP/1.1\r\n");
    EXPECT_TRUE(slow->at_end()) << "a head that does not end";
    const auto without_body = admin.connect();
    without_body->write("POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx");
    EXPECT_TRUE(without_body->at_end()) << "a body that does not end";
}

TEST(AdminServer, SaysWhenThePortIsTaken) {
    const running_admin admin(add_handlers);
    asio::io_context context(1);
    admin_server second(context, {{}, {}});
    conf::admin_config settings;
    settings.port = admin.port();
    std::string problem;
    EXPECT_FALSE(second.listen(settings, problem));
    EXPECT_EQ(problem, "admin.address: cannot listen on 127.0.0.1 port " +
                           std::to_string(admin.port()) +
                           ": Address already in use; each boshgate of a machine needs an "
                           "admin.address of its own, or \"\"");
    EXPECT_EQ(second.port(), 0);
}

} // namespace
} // namespace boshgate::tests
