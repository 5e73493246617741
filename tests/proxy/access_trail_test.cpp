// What the access log shows of exchanges that the running proxy served, and what it must never
// show.

#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace boshgate::tests {
namespace {

TEST(AccessTrail, OneLineAnExchangeWithItsReasonAndNoSecret) {
    for (const char* format : {"text", "json"}) {
        SCOPED_TRACE(format);
        const temp_directory directory;
        const std::string file = directory.path().string() + "/access.log";
        stub_node node([](const node_request&) {
            return node_reply{.bytes = ok("<body xmlns='http://jabber.org/protocol/httpbind'>"
                                          "<success>c2VjcmV0</success></body>")};
        });
        running_proxy proxy("threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\nnodes: {node-a1: "
                            "\"http://127.0.0.1:" +
                            std::to_string(node.port()) + "/httpbinding\"}\nlog: {access: " +
                            format + ", access_file: " + file + "}\n");
        const std::string body =
            "<body rid='4711' sid='TheSecretSid' xmlns='http://jabber.org/protocol/httpbind'>"
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
            "mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth></body>";
        const auto client = proxy.connect();
        for (int i = 0; i < 2; ++i) {
            client->write(post("/node-a1?token=QueryToken", body,
                               "Authorization: Basic Zm9v\r\nCookie: session=CookieSecret\r\n"));
            ASSERT_EQ(client->read_answer().status, 200);
        }
        ASSERT_EQ(proxy.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
        ASSERT_EQ(proxy.ask("GARBAGE\r\n\r\n").status, 400);
        proxy.end();
        const std::string log = directory.read("access.log");
        EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4) << log;
        for (const char* secret :
             {"TheSecretSid", "AGFsaWNl", "c2VjcmV0", "QueryToken", "CookieSecret", "Zm9v"}) {
            EXPECT_EQ(log.find(secret), std::string::npos) << secret << " in " << log;
        }
        for (const char* shown : {"answered", "no_route", "bad_request_line", "node-a1", "/nowhere",
                                  "4711", "127.0.0.1"}) {
            EXPECT_NE(log.find(shown), std::string::npos) << shown << " not in " << log;
        }
    }
}

} // namespace
} // namespace boshgate::tests
