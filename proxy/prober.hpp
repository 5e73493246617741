#pragma once
// Asks nodes that hold requests and have gone silent whether they live (discovery/node_silence
// decides when), and tells the cores of the verdict. One for each node, on core 0.
//
// The question is a POST with an invented sid: every BOSH server answers it at once, and forgets
// it (bosh.md 7). It goes the way of any exchange, over an idle link or a new one.

#include "discovery/node_silence.hpp"
#include "proxy/exchange.hpp"
#include "proxy/timer_wheel.hpp"
#include "routing/route_table.hpp"

#include <string>
#include <string_view>

namespace boshgate::proxy {

struct core;

class prober final : public timed, private answer_sink {
  public:
    prober(core& home, routing::node_index node);
    ~prober() override;

    void on_deadline() override;

  private:
    void on_answer(exchange& x, const routing::answer_head& head, std::string_view body) override;
    void on_answer_head(exchange& x, const routing::answer_head& head) override;
    [[nodiscard]] bool on_answer_data(exchange& x, std::string_view data) override;
    void on_answer_end(exchange& x) override;
    void on_answer_cut(exchange& x, routing::reason why) override;
    void on_failure(exchange& x, routing::reason why) override;
    void on_detached(exchange& x, routing::reason why) override;
    [[nodiscard]] std::string base() const override { return {}; }

    void ask();
    void answered();
    void unanswered(routing::reason why);

    core& core_;
    routing::node_index node_;
    discovery::node_silence silence_;
    exchange* question_ = nullptr;
    std::uint64_t asked_ = 0;
};

} // namespace boshgate::proxy
