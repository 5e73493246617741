// A node says that it does not know a request, and several instances serve the session.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using routing::reason;

const std::string unknown =
    "<body " + bosh_namespace + " type='terminate' condition='item-not-found'/>";

// A node that answers each rid with these, one after the other; the last one again and again.
class forgetful_node {
  public:
    explicit forgetful_node(std::map<std::uint64_t, std::vector<std::string>> answers)
        : answers_(std::move(answers)), node([this](const node_request& got) -> node_reply {
              const std::lock_guard lock(mutex_);
              std::vector<std::string>& left = answers_[rid_of(got)];
              const std::string now = left.empty() ? unknown : left.front();
              if (left.size() > 1) {
                  left.erase(left.begin());
              }
              return {.bytes = ok(now)};
          }) {}

    [[nodiscard]] std::vector<std::uint64_t> rids() const {
        std::vector<std::uint64_t> all;
        for (const node_request& one : node.requests()) {
            all.push_back(rid_of(one));
        }
        return all;
    }

  private:
    std::mutex mutex_;
    std::map<std::uint64_t, std::vector<std::string>> answers_;

  public:
    stub_node node; // last: its threads use the others
};

using rids = std::vector<std::uint64_t>;
constexpr const char* several = "sessions: {elsewhere: 10ms}\n";

TEST(ExchangeDoubt, APollThatItsNodeForgotIsAnsweredAsTheNodeShouldHave) {
    forgetful_node one({{1004, {answer_to(1004)}}, {1005, {unknown}}});
    running_proxy proxy(bosh_config_with_node(one.node.port(), several));
    const http_answer got = proxy.ask(poll("s", 1005, "<presence/>"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "<body " + bosh_namespace + "/>");
    EXPECT_EQ(one.rids(), (rids{1005, 1005, 1004}));
    EXPECT_NE(one.node.requests()[1].body.find("<presence/>"), std::string::npos);
    const std::string asked = one.node.requests()[2].body;
    EXPECT_EQ(attribute(asked, "sid"), "s");
    EXPECT_EQ(asked.substr(asked.size() - 2), "/>") << "a question carries nothing";
    EXPECT_TRUE(proxy.ended(reason::node_forgot, 1));
    // It is kept for copies, and the session goes on.
    EXPECT_EQ(proxy.ask(poll("s", 1005, "<presence/>")).body, got.body);
    EXPECT_EQ(one.rids().size(), 3U);
    EXPECT_TRUE(proxy.ended(reason::replayed, 1));
}

TEST(ExchangeDoubt, ARequestThatCameTooEarlyIsAskedAgain) {
    forgetful_node one({{1005, {unknown, answer_to(1005)}}});
    running_proxy proxy(bosh_config_with_node(one.node.port(), several));
    EXPECT_EQ(proxy.ask(poll("s", 1005)).body, answer_to(1005));
    EXPECT_EQ(one.rids(), (rids{1005, 1005}));
    EXPECT_TRUE(proxy.ended(reason::answered, 1));
}

TEST(ExchangeDoubt, WhereTheSessionIsGoneTheClientHearsOfIt) {
    for (const std::string& before :
         {unknown, "<body " + bosh_namespace + " type='terminate' condition='other-request'/>"}) {
        forgetful_node one({{1004, {before}}});
        running_proxy proxy(bosh_config_with_node(one.node.port(), several));
        EXPECT_EQ(proxy.ask(poll("s", 1005)).body, unknown);
        EXPECT_EQ(one.rids(), (rids{1005, 1005, 1004}));
        EXPECT_TRUE(proxy.ended(reason::answered, 1));
    }
}

TEST(ExchangeDoubt, NothingElseIsDoubted) {
    const std::string other =
        "<body " + bosh_namespace + " type='terminate' condition='other-request'/>";
    struct {
        const char* name;
        const char* config;
        std::string answer;
        std::string request;
    } const cases[] = {
        {"one instance", "", unknown, poll("s", 1005)},
        {"another condition", several, other, poll("s", 1005)},
        {"a keyed session", several, unknown, poll("s", 1005, "", " key='abc'")},
        {"the end of a session", several, unknown, poll("s", 1005, "", " type='terminate'")},
    };
    for (const auto& c : cases) {
        forgetful_node one({{1005, {c.answer}}});
        running_proxy proxy(bosh_config_with_node(one.node.port(), c.config));
        EXPECT_EQ(proxy.ask(c.request).body, c.answer) << c.name;
        EXPECT_EQ(one.rids().size(), 1U) << c.name;
    }
}

TEST(ExchangeDoubt, ANodeThatDoesNotAnswerTheQuestionIsAFailureForTheClientToRepeat) {
    stub_node node([](const node_request& got) -> node_reply {
        if (rid_of(got) == 1004) {
            return {.bytes = {}, .close = true};
        }
        return {.bytes = ok(unknown)};
    });
    running_proxy proxy(bosh_config_with_node(node.port(), several));
    EXPECT_GE(proxy.ask(poll("s", 1005)).status, 500);
}

} // namespace
} // namespace boshgate::tests
