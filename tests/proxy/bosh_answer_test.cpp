// Odd answers of nodes, as clients get to see them: never a page, a 4xx or nothing at all, but what
// they mean; and each library is told of failures in the way that it takes best.

#include "routing/reason.hpp"
#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <gtest/gtest.h>

namespace boshgate::tests {
namespace {

using routing::reason;

const std::string ns = "xmlns='http://jabber.org/protocol/httpbind'";
const std::string page = "<!DOCTYPE html><html><body>Oops</body></html>";
const std::string strophe = "<body rid='100' " + ns +
                            " to='example.com' xml:lang='en' wait='60' hold='1' "
                            "content='text/xml; charset=utf-8' ver='1.6'/>";
const std::string caxl = "<body " + ns +
                         " hold='1' ver='1.9' to='example.com' wait='30' from='a@example.com' "
                         "rid='100'/>";
const std::string legacy = "<body rid='100' " + ns + " to='example.com' wait='60' hold='1'/>";

std::string bosh(const std::string& body) {
    return post("/node-a1", body);
}

std::string terminated(const std::string& condition) {
    return "<body " + ns + " type='terminate' condition='" + condition + "'/>";
}

std::string answer(const std::string& status, const std::string& body,
                   const std::string& type = "text/html") {
    return "HTTP/1.1 " + status + "\r\n" + (body.empty() ? "" : "Content-Type: " + type + "\r\n") +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// A node that opens sessions as it should, and answers everything else with the same bytes.
stub_node::handler opens_then(std::string bytes) {
    return [bytes = std::move(bytes)](const node_request& request) {
        if (request.body.find(" sid=") == std::string::npos)
            return node_reply{
                ok("<body " + ns + " sid='s1' wait='60' requests='2' inactivity='30' hold='1'/>")};
        return node_reply{bytes};
    };
}

struct seen {
    int status = 0; // 0: the connection ended
    std::string body;
};

// Opens a session, then polls on the same connection.
seen polled(running_proxy& proxy, const std::string& opening, const std::string& request) {
    const auto client = proxy.connect();
    client->write(opening);
    const http_answer opened = client->read_answer();
    EXPECT_EQ(opened.status, 200) << opened.body;
    client->write(request);
    const http_answer got = client->read_answer();
    return {got.status, got.body};
}

const std::string poll = "<body rid='101' sid='s1' " + ns + "/>";

TEST(BoshAnswer, OddAnswersInASessionAreTranslated) {
    const struct {
        std::string name;
        std::string bytes; // of the node
        int status;
        std::string body; // empty: not looked at
        reason why;
    } cases[] = {
        {"Openfire: unknown sid", answer("404 Not Found", page), 200, terminated("item-not-found"),
         reason::answered},
        {"ejabberd: bad XML", answer("400 Bad Request", ""), 200, terminated("bad-request"),
         reason::answered},
        {"ejabberd: too large", answer("403 Forbidden", page), 200, terminated("policy-violation"),
         reason::answered},
        {"MongooseIM: crash", answer("500 Internal Server Error", ""), 200,
         terminated("internal-server-error"), reason::answered},
        {"a body behind a 404", answer("404 Not Found", terminated("item-not-found"), "text/xml"),
         200, terminated("item-not-found"), reason::answered},
        {"a body that calls itself a page", answer("200 OK", terminated("host-gone")), 200,
         terminated("host-gone"), reason::answered},
        {"a page", answer("200 OK", page), 502, "", reason::node_not_bosh},
        {"nothing", answer("200 OK", ""), 502, "", reason::node_not_bosh},
        {"a page with 500", answer("500 Internal Server Error", page), 502, "",
         reason::node_not_bosh},
        {"401", answer("401 Unauthorized", page), 502, "", reason::node_not_bosh},
        // The session may live: the browser repeats, because its connection was used before.
        {"a box in between", answer("502 Bad Gateway", page), 0, "", reason::node_gateway},
    };
    for (const auto& one : cases) {
        stub_node node(opens_then(one.bytes));
        running_proxy proxy(bosh_config_with_node(node.port()));
        const seen got = polled(proxy, bosh(strophe), bosh(poll));
        EXPECT_EQ(got.status, one.status) << one.name;
        if (!one.body.empty()) {
            EXPECT_EQ(got.body, one.body) << one.name;
        }
        EXPECT_EQ(got.body.find("<html"), std::string::npos) << one.name;
        EXPECT_TRUE(proxy.ended(one.why, one.why == reason::answered ? 2 : 1)) << one.name;
    }
}

TEST(BoshAnswer, ClientsWithoutVerGetTheCodes) {
    const struct {
        std::string bytes;
        int status;
    } cases[] = {
        {answer("404 Not Found", page), 404},
        {answer("400 Bad Request", ""), 400},
        {answer("413 Too Large", page), 403},
        {answer("500 Internal Server Error", ""), 200}, // no code stands for this condition
    };
    for (const auto& one : cases) {
        stub_node node(opens_then(one.bytes));
        running_proxy proxy(bosh_config_with_node(node.port()));
        const seen got = polled(proxy, bosh(legacy), bosh(poll));
        EXPECT_EQ(got.status, one.status) << one.bytes;
        EXPECT_EQ(got.body.find("<html"), std::string::npos) << one.bytes;
    }
}

TEST(BoshAnswer, AnEmptyAnswerEndsASessionThatWasToEnd) {
    stub_node node(opens_then(answer("200 OK", "")));
    running_proxy proxy(bosh_config_with_node(node.port()));
    const seen got = polled(proxy, bosh(strophe),
                            bosh("<body rid='101' sid='s1' type='terminate' " + ns + "/>"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, terminated("item-not-found"));
}

TEST(BoshAnswer, ASessionRequestIsRefusedAsTheLibraryTakesIt) {
    const struct {
        std::string name;
        std::string request;
        int status;
        std::string body;
    } cases[] = {
        {"Strophe repeats after a 5xx", bosh(strophe), 502, ""},
        {"CAXL goes on to the next node", bosh(caxl), 200, terminated("internal-server-error")},
    };
    for (const std::string& bytes :
         {answer("200 OK", page), answer("404 Not Found", page), answer("405 No", page)}) {
        stub_node node([&bytes](const node_request&) { return node_reply{bytes}; });
        running_proxy proxy(bosh_config_with_node(node.port()));
        for (const auto& one : cases) {
            const http_answer got = proxy.ask(one.request);
            EXPECT_EQ(got.status, one.status) << one.name << bytes;
            if (!one.body.empty()) {
                EXPECT_EQ(got.body, one.body) << one.name << bytes;
            }
        }
    }
}

TEST(BoshAnswer, SeeOtherUriLeadsToTheProxiedUrl) {
    std::uint16_t port = 0;
    std::string path = "/httpbinding";
    stub_node node([&](const node_request& request) {
        const std::string uri = "http://127.0.0.1:" + std::to_string(port) + path;
        return opens_then(ok("<body " + ns + " type='terminate' condition='see-other-uri'><uri>" +
                             uri + "</uri></body>"))(request);
    });
    port = node.port();
    running_proxy proxy(bosh_config_with_node(node.port()));
    const seen mapped = polled(proxy, bosh(strophe), bosh(poll));
    EXPECT_EQ(mapped.status, 200);
    EXPECT_NE(mapped.body.find("condition='see-other-uri'"), std::string::npos) << mapped.body;
    EXPECT_NE(mapped.body.find("/node-a1</uri></body>"), std::string::npos) << mapped.body;
    EXPECT_EQ(mapped.body.find(std::to_string(port) + path), std::string::npos) << mapped.body;

    path = "/elsewhere";
    const seen away = polled(proxy, bosh(strophe), bosh(poll));
    EXPECT_EQ(away.status, 200);
    EXPECT_EQ(away.body, terminated("internal-server-error"));
    EXPECT_TRUE(proxy.ended(reason::steered_away, 1));
}

} // namespace
} // namespace boshgate::tests
