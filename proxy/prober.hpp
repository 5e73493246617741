#pragma once
// Asks a node whether it is well, and hands the outcome to node_states. One for each node, on core
// 0; discovery/node_health decides when and what, discovery/probe_verdict what an answer says.
//
// The usual question is a POST with an invented sid: every BOSH server answers it at once, and
// forgets it (bosh.md 7). It goes the way of any exchange, over an idle link or a new one. One
// question at a time; those that were not answered in time are listened to for a while longer,
// because a node that is slow is not one that is gone.

#include "discovery/node_health.hpp"
#include "discovery/probe_verdict.hpp"
#include "proxy/exchange.hpp"
#include "proxy/timer_wheel.hpp"
#include "routing/route_table.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

struct core;

class prober final : public timed, private answer_sink {
  public:
    prober(core& home, routing::node_index node);
    ~prober() override;

    void on_deadline() override;
    // look: something has happened that may make it time to ask.
    void look();

  private:
    enum class step : std::uint8_t {
        usual,
        empty, // the second one, without a body
        open,  // a session request
        poll,  // what it was answered with had no features
    };
    // A question that is under way.
    struct question {
        exchange* x = nullptr;
        discovery::probe_kind kind = discovery::probe_kind::bosh;
        std::uint64_t asked_ms = 0;
        step what = step::usual;
        bool late = false; // the node was told off for it
    };

    void on_answer(exchange& x, const routing::answer_head& head, std::string_view body) override;
    void on_answer_head(exchange& x, const routing::answer_head& head) override;
    [[nodiscard]] bool on_answer_data(exchange& x, std::string_view data) override;
    void on_answer_end(exchange& x) override;
    void on_answer_cut(exchange& x, routing::reason why) override;
    void on_failure(exchange& x, routing::reason why) override;
    void on_detached(exchange& x, routing::reason why) override;
    [[nodiscard]] std::string base() const override { return {}; }

    void go_on();
    void ask(discovery::probe_kind kind, step what, bool fresh, std::uint64_t asked_ms);
    [[nodiscard]] std::string body_of(step what);
    void unanswered();
    [[nodiscard]] question take(const exchange& x);
    void answered(const question& one);
    void failed(const question& one, discovery::health_reason why, const std::string& evidence);
    void more(const question& before, step next);
    void end_session();
    void judge(const question& one, const routing::answer_head& head, std::string_view body);

    core& core_;
    routing::node_index node_;
    std::vector<question> under_way_; // the back is the newest
    std::int64_t deadline_ms_ = 0;    // of the newest, on the steady clock; 0: it is over
    std::int64_t time_ms_ = 0;        // what that one gets
    std::uint64_t asked_ = 0;
    std::string sid_;       // of the session that it has opened for us, as written
    std::uint64_t rid_ = 0; // the last that it has got
};

} // namespace boshgate::proxy
