#include "proxy/name_resolver.hpp"

#include "proxy/core.hpp"

#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <boost/asio/executor_work_guard.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boshgate::proxy {
namespace {

using namespace std::chrono_literals;
using routing::ip_address;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string printed(const socket_address& address) {
    char text[INET6_ADDRSTRLEN] = "";
    std::uint16_t port = 0;
    if (address.storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        EXPECT_EQ(address.size, sizeof v4);
        std::memcpy(&v4, &address.storage, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        port = ntohs(v4.sin_port);
    } else {
        sockaddr_in6 v6{};
        EXPECT_EQ(address.size, sizeof v6);
        std::memcpy(&v6, &address.storage, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        port = ntohs(v6.sin6_port);
    }
    return std::string(text) + " " + std::to_string(port);
}

// A name service whose answers the test gives. It outlives the test as long as a look-up hangs.
class name_service {
  public:
    void answer(const std::string& host, looked_up answer) {
        const std::lock_guard lock(mutex_);
        answers_[host] = std::move(answer);
    }
    void answer(const std::string& host, const std::vector<const char*>& addresses) {
        looked_up found;
        for (const char* one : addresses)
            found.addresses.push_back(ip_address::parse(one).value());
        answer(host, found);
    }
    void hang(const std::string& host) {
        const std::lock_guard lock(mutex_);
        hanging_.insert(host);
    }
    void release() {
        const std::lock_guard lock(mutex_);
        hanging_.clear();
        changed_.notify_all();
    }
    // Waits until so many look-ups hang at the same time.
    void wait_for_hanging(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return hang_count_ >= count; });
    }
    void wait_for_none_hanging() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return hang_count_ == 0; });
    }
    [[nodiscard]] int asked(const std::string& host) {
        const std::lock_guard lock(mutex_);
        return asked_[host];
    }
    looked_up look_up(const std::string& host) {
        std::unique_lock lock(mutex_);
        ++asked_[host];
        if (hanging_.contains(host)) {
            ++hang_count_;
            changed_.notify_all();
            changed_.wait(lock, [&] { return !hanging_.contains(host); });
            --hang_count_;
            changed_.notify_all();
        }
        const auto found = answers_.find(host);
        return found != answers_.end() ? found->second : looked_up{{}, "no such name"};
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, looked_up> answers_;
    std::map<std::string, int> asked_;
    std::set<std::string> hanging_;
    std::size_t hang_count_ = 0;
};

class resolving : public testing::Test {
  protected:
    name_resolver::look_up look_up() {
        return [names = names](const std::string& host) { return names->look_up(host); };
    }
    name_resolver::listener listener() {
        return [this](routing::node_index node, const std::vector<socket_address>& addresses,
                      const std::string& because) {
            ++told[node];
            because_of[node] = because;
            known[node].clear();
            for (const socket_address& one : addresses)
                known[node].push_back(printed(one));
        };
    }
    // Runs the control thread until `done`; the test's own timeout is the limit.
    template <class F>
    void run_until(F done) {
        while (!done())
            ASSERT_EQ(context.run_one(), 1U);
    }

    std::shared_ptr<name_service> names = std::make_shared<name_service>();
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work =
        boost::asio::make_work_guard(context); // the proxy's is waiting for signals
    std::map<int, std::vector<std::string>> known;
    std::map<int, std::string> because_of;
    std::map<int, int> told;
};

TEST_F(resolving, numeric_hosts_are_told_at_once_and_never_asked_for) {
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "10.0.0.22", 7335}, {"b", "2001:db8::7", 80}}, 30s);
    EXPECT_THAT(known[0], ElementsAre("10.0.0.22 7335"));
    EXPECT_THAT(known[1], ElementsAre("2001:db8::7 80"));
    EXPECT_EQ(resolver.unanswered(), 0U);
    context.poll();
    EXPECT_EQ(names->asked("10.0.0.22"), 0);
}

TEST_F(resolving, names_are_told_when_they_come) {
    names->answer("a.example", {"10.0.0.1", "2001:db8::1"});
    names->answer("b.example", {"10.0.0.2"});
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "a.example", 7335}, {"b", "b.example", 443}}, 30s);
    EXPECT_EQ(resolver.unanswered(), 2U);
    EXPECT_THAT(known, IsEmpty());
    run_until([&] { return resolver.unanswered() == 0; });
    EXPECT_THAT(known[0], ElementsAre("10.0.0.1 7335", "2001:db8::1 7335"));
    EXPECT_THAT(known[1], ElementsAre("10.0.0.2 443"));
    EXPECT_EQ(because_of[0], "");
}

TEST_F(resolving, only_changes_are_told) {
    names->answer("a.example", {"10.0.0.1"});
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "a.example", 7335}}, 1ms);
    run_until([&] { return names->asked("a.example") >= 4; });
    EXPECT_EQ(told[0], 1);
    names->answer("a.example", looked_up{{}, "name server is away"});
    int asked = names->asked("a.example");
    run_until([&] { return names->asked("a.example") >= asked + 4; });
    EXPECT_EQ(told[0], 1) << "a failure keeps the last good addresses";
    names->answer("a.example", {"10.0.0.9"});
    run_until([&] { return told[0] == 2; });
    EXPECT_THAT(known[0], ElementsAre("10.0.0.9 7335"));
}

TEST_F(resolving, a_name_that_never_resolved_is_told_with_its_reason_once) {
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "a.example", 7335}}, 1ms);
    run_until([&] { return names->asked("a.example") >= 4; });
    EXPECT_EQ(told[0], 1);
    EXPECT_THAT(known[0], IsEmpty());
    EXPECT_EQ(because_of[0], "no such name");
    EXPECT_EQ(resolver.unanswered(), 0U) << "a failure is an answer";
    names->answer("a.example", {"10.0.0.1"});
    run_until([&] { return told[0] == 2; });
    EXPECT_THAT(known[0], ElementsAre("10.0.0.1 7335"));
    EXPECT_EQ(because_of[0], "");
}

TEST_F(resolving, slow_names_hold_up_nobody) {
    std::vector<name_resolver::watched> nodes;
    for (std::size_t i = 0; i + 1 < name_resolver::threads; ++i) {
        const std::string host = "slow" + std::to_string(i);
        names->hang(host);
        nodes.push_back({host, host, 7335});
    }
    for (int i = 0; i < 20; ++i) {
        const std::string host = "quick" + std::to_string(i);
        names->answer(host, {"10.0.0.1"});
        nodes.push_back({host, host, 7335});
    }
    {
        name_resolver resolver(context, listener(), look_up());
        resolver.watch(nodes, 30s);
        run_until([&] { return resolver.unanswered() == name_resolver::threads - 1; });
        names->wait_for_hanging(name_resolver::threads - 1);
        EXPECT_EQ(known.size(), 20U);
    } // does not wait for those that hang
    names->release();
    names->wait_for_none_hanging();
    context.poll();
    EXPECT_EQ(known.size(), 20U) << "nobody hears of them any more";
}

TEST_F(resolving, the_rest_waits_when_all_threads_hang) {
    std::vector<name_resolver::watched> nodes;
    for (std::size_t i = 0; i <= name_resolver::threads; ++i) {
        const std::string host = "host" + std::to_string(i);
        names->hang(host);
        names->answer(host, {"10.0.0.1"});
        nodes.push_back({host, host, 7335});
    }
    name_resolver resolver(context, listener(), look_up());
    resolver.watch(nodes, 30s);
    names->wait_for_hanging(name_resolver::threads);
    EXPECT_EQ(names->asked("host" + std::to_string(name_resolver::threads)), 0);
    names->release();
    run_until([&] { return resolver.unanswered() == 0; });
    EXPECT_EQ(known.size(), nodes.size());
}

TEST_F(resolving, a_reload_keeps_what_is_known) {
    names->answer("a.example", {"10.0.0.1"});
    names->answer("b.example", {"10.0.0.2"});
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "a.example", 7335}, {"b", "b.example", 7335}}, 30s);
    run_until([&] { return resolver.unanswered() == 0; });
    known.clear();
    names->answer("b.example", looked_up{{}, "name server is away"});
    resolver.watch({{"b", "b.example", 7443}, {"c", "c.example", 7335}}, 30s);
    EXPECT_THAT(known[0], ElementsAre("10.0.0.2 7443")) << "under its new place and port";
    EXPECT_EQ(known.count(1), 0U);
    EXPECT_EQ(resolver.unanswered(), 1U);
    run_until([&] { return resolver.unanswered() == 0 && names->asked("b.example") == 2; });
    context.poll();
    EXPECT_THAT(known[0], ElementsAre("10.0.0.2 7443"));
}

TEST_F(resolving, what_was_looked_up_ahead_is_told_at_once) {
    names->answer("a.example", {"10.0.0.1"});
    names->answer("b.example", {"10.0.0.2"});
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"a", "a.example", 7335}}, 30s);
    run_until([&] { return resolver.unanswered() == 0; });
    const std::vector<name_resolver::watched> next{
        {"a", "a.example", 7335}, {"gone", "", 0}, {"b", "b.example", 443}, {"c", "10.0.0.3", 80}};
    resolver.look_ahead(next, 20s);
    EXPECT_EQ(names->asked("a.example"), 1) << "it is watched";
    EXPECT_EQ(names->asked("b.example"), 1);
    EXPECT_EQ(told.count(2), 0U);
    resolver.watch(next, 30s);
    EXPECT_THAT(known[0], ElementsAre("10.0.0.1 7335"));
    EXPECT_THAT(known[2], ElementsAre("10.0.0.2 443"));
    EXPECT_THAT(known[3], ElementsAre("10.0.0.3 80"));
    EXPECT_EQ(told.count(1), 0U) << "no node is there";
    EXPECT_EQ(resolver.unanswered(), 0U);
}

TEST_F(resolving, nobody_waits_long_for_what_is_looked_up_ahead) {
    names->hang("slow.example");
    names->answer("slow.example", {"10.0.0.1"});
    names->answer("b.example", {"10.0.0.2"});
    name_resolver resolver(context, listener(), look_up());
    const std::vector<name_resolver::watched> nodes{{"slow", "slow.example", 80},
                                                    {"b", "b.example", 80}};
    resolver.look_ahead(nodes, 1ms);
    resolver.watch(nodes, 30s);
    EXPECT_EQ(told.count(0), 0U);
    names->release();
    run_until([&] { return resolver.unanswered() == 0; });
    EXPECT_THAT(known[0], ElementsAre("10.0.0.1 80"));
    EXPECT_THAT(known[1], ElementsAre("10.0.0.2 80"));
}

TEST_F(resolving, results_for_an_older_list_are_dropped) {
    names->answer("old.example", {"10.0.0.1"});
    names->answer("new.example", {"10.0.0.2"});
    names->hang("old.example");
    name_resolver resolver(context, listener(), look_up());
    resolver.watch({{"old", "old.example", 7335}}, 30s);
    names->wait_for_hanging(1);
    resolver.watch({{"new", "new.example", 7335}}, 30s);
    names->release();
    names->wait_for_none_hanging();
    run_until([&] { return resolver.unanswered() == 0; });
    context.poll();
    EXPECT_EQ(told[0], 1);
    EXPECT_THAT(known[0], ElementsAre("10.0.0.2 7335"));
}

TEST(system_look_up, knows_localhost) {
    const looked_up found = system_look_up("localhost");
    EXPECT_EQ(found.error, "");
    const ip_address v4 = ip_address::parse("127.0.0.1").value();
    const ip_address v6 = ip_address::parse("::1").value();
    EXPECT_THAT(found.addresses, testing::Contains(testing::AnyOf(v4, v6)));
    EXPECT_EQ(std::count(found.addresses.begin(), found.addresses.end(), v4) +
                  std::count(found.addresses.begin(), found.addresses.end(), v6),
              static_cast<std::ptrdiff_t>(found.addresses.size()))
        << "each once";
}

TEST(system_look_up, says_why_not) {
    // A label longer than 63 bytes is no name: no name server is asked.
    const looked_up none = system_look_up(std::string(64, 'a') + ".invalid");
    EXPECT_THAT(none.addresses, IsEmpty());
    EXPECT_NE(none.error, "");
}

} // namespace
} // namespace boshgate::proxy
