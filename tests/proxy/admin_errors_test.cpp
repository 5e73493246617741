// /api/v1/errors: what has happened is there, with words and mend; what is normal is not. And the
// page that shows it is served under a policy that lets in nothing else.

#include "proxy/admin_api.hpp"
#include "proxy/log.hpp"
#include "tests/support/running_admin.hpp"
#include "tests/support/running_proxy.hpp"

#include <gtest/gtest.h>

#include <string>

#include <boost/json.hpp>

namespace boshgate::tests {
namespace {

namespace json = boost::json;
using routing::reason;

const std::string session_body =
    "<body xmlns='http://jabber.org/protocol/httpbind' rid='1000' to='example.com' wait='30' "
    "hold='1'/>";

class AdminErrors : public testing::Test {
  protected:
    [[nodiscard]] json::object errors() const {
        return json::parse(admin_.get("/api/v1/errors").body).as_object();
    }
    // The entry of a reason; empty: there is none.
    [[nodiscard]] static json::object entry(const json::object& of, std::string_view name) {
        for (const json::value& one : of.at("reasons").as_array()) {
            if (one.at("reason").as_string() == name) {
                return one.as_object();
            }
        }
        return {};
    }

    running_proxy proxy_{bosh_config_with_node(1)};
    running_admin admin_{[this](proxy::admin_server& to, boost::asio::io_context& context) {
        const proxy::admin_subject of{
            .control = context, .proxy = proxy_.app(), .unresolved = [] { return 0U; }};
        add_errors(to, of);
        add_page(to);
    }};
};

TEST_F(AdminErrors, CountsFaultsAndNothingElse) {
    EXPECT_TRUE(entry(errors(), "no_route").empty());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(proxy_.ask(post("/nowhere", "<body/>")).status, 404);
    }
    ASSERT_TRUE(proxy_.ended(reason::no_route, 3));
    const json::object found = errors();
    const json::object one = entry(found, "no_route");
    ASSERT_FALSE(one.empty());
    EXPECT_EQ(one.at("count"), 3);
    EXPECT_EQ(one.at("lately"), 3);
    EXPECT_EQ(one.at("where"), "client");
    EXPECT_EQ(one.at("words").as_string(), routing::words_of(reason::no_route));
    EXPECT_NE(one.at("mend").as_string(), "");
    EXPECT_GT(one.at("last_unix_ms").as_int64(), 1'600'000'000'000);
    EXPECT_EQ(found.at("lately_ms"), 900'000);
    EXPECT_TRUE(entry(found, "client_closed").empty()) << "that clients leave is normal";
}

TEST_F(AdminErrors, HasTheLogWithTheNewestFirst) {
    proxy::log_warning("the first of two");
    proxy::log_limited(proxy::log_topic::accept, {}, "the second of two");
    const json::array log = errors().at("log").as_array();
    ASSERT_GE(log.size(), 2U);
    EXPECT_EQ(log[0].at("text"), "the second of two");
    EXPECT_EQ(log[0].at("level"), "warning");
    EXPECT_TRUE(log[0].at("mend").is_string());
    EXPECT_EQ(log[1].at("text"), "the first of two");
    EXPECT_TRUE(log[1].at("mend").is_null());
    EXPECT_EQ(log[0].at("number").to_number<int>(), log[1].at("number").to_number<int>() + 1);
}

TEST_F(AdminErrors, NamesNodesThatAreNotWell) {
    EXPECT_TRUE(errors().at("nodes").is_array());
    // Nobody listens on port 1: the first request finds out.
    EXPECT_NE(proxy_.ask(post("/node-a1", session_body)).status, 200);
    ASSERT_TRUE(running_proxy::until([&] { return !errors().at("nodes").as_array().empty(); }));
    const json::object node = errors().at("nodes").at(0).as_object();
    EXPECT_EQ(node.at("node"), "node-a1");
    EXPECT_EQ(node.at("reason"), "refused");
    EXPECT_NE(node.at("mend").as_string(), "");
}

TEST_F(AdminErrors, ThePageMayRunNothingButItself) {
    const http_answer page = admin_.get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.field("Content-Type"), "text/html; charset=utf-8");
    const std::string policy = page.field("Content-Security-Policy");
    EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << policy;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
    EXPECT_EQ(policy.find('*'), std::string::npos) << policy;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << policy;
}

} // namespace
} // namespace boshgate::tests
