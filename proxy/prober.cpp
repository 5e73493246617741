#include "proxy/prober.hpp"

#include "proxy/core.hpp"
#include "proxy/log.hpp"
#include "proxy/node_request.hpp"

#include <string>
#include <utility>

namespace boshgate::proxy {

using discovery::node_silence;
using routing::reason;

namespace {

discovery::silence_rules rules_of(const core& home) {
    const conf::health_config& health = home.settings->config.health;
    return {.interval = health.interval, .fall = health.fall};
}

} // namespace

prober::prober(core& home, routing::node_index node) : core_(home), node_(node) {
    // Not all nodes at the same moment.
    const auto interval = core_.settings->config.health.interval;
    core_.loop.set(*this, interval + (interval * (node % 16)) / 16);
}

prober::~prober() {
    if (question_ != nullptr) {
        question_->sink = nullptr;
    }
}

void prober::on_deadline() {
    const shared_node& node = core_.shared.nodes[node_];
    const auto now = static_cast<std::int64_t>(core_.loop.steady_ms());
    const auto action = silence_.on_time(
        now, static_cast<std::int64_t>(node.last_word_ms.load(std::memory_order_relaxed)),
        core_.shared.held_at(node_) != 0 || core_.shared.doubted(node_), rules_of(core_));
    // Half the interval: silence is seen soon after it is long enough.
    core_.loop.set(*this, silence_.dead() ? core_.settings->config.health.interval
                                          : core_.settings->config.health.interval / 2);
    if (action == node_silence::action::ask) {
        ask();
    }
}

void prober::ask() {
    exchange& x = exchange_begin(core_);
    question_ = &x;
    x.sink = this;
    x.purpose = exchange_purpose::question;
    x.node = node_;
    x.verb = routing::method::post;
    x.request_class = routing::request_class::page; // of no use later: never sent twice
    x.client = routing::ip_address::v4(0x7f000001); // this machine, as it is
    x.give_up_us = x.begun_us + core_.settings->config.health.timeout.count() * 1000;
    const std::string number = std::to_string(++asked_);
    const std::string body = "<body xmlns='http://jabber.org/protocol/httpbind' rid='" + number +
                             "' sid='boshgate-asks-whether-you-live-" + number + "'/>";
    x.request = node_request(x, nullptr, body);
    core_.counters.questions.add();
    exchange_start(x);
}

void prober::answered() {
    question_ = nullptr;
    if (silence_.on_answer() == node_silence::change::revived) {
        core_.shared.revive(core_, node_, node_death::silent);
    }
}

void prober::unanswered(reason why) {
    question_ = nullptr;
    core_.counters.questions_unanswered.add();
    const bool was_dead = silence_.dead();
    core_.shared.doubt(node_, core_.loop.steady_ms());
    if (silence_.on_no_answer(rules_of(core_)) == node_silence::change::died) {
        core_.shared.take_for_dead(core_, node_, node_death::silent, why);
    } else if (!was_dead) {
        core_.loop.set(*this, std::chrono::milliseconds{0}); // the next question at once
    }
}

void prober::on_answer(exchange& x, const routing::answer_head& /*head*/,
                       std::string_view /*body*/) {
    exchange_finish(x, 0, reason::answered);
    answered();
}

void prober::on_answer_head(exchange& /*x*/, const routing::answer_head& /*head*/) {}

bool prober::on_answer_data(exchange& /*x*/, std::string_view /*data*/) {
    return true;
}

void prober::on_answer_end(exchange& x) {
    exchange_finish(x, 0, reason::answered);
    answered();
}

void prober::on_answer_cut(exchange& x, reason why) {
    exchange_finish(x, 0, why);
    answered(); // its head was an answer
}

void prober::on_failure(exchange& x, reason why) {
    exchange_finish(x, 0, why);
    unanswered(why);
}

void prober::on_detached(exchange& /*x*/, reason why) {
    unanswered(why);
}

} // namespace boshgate::proxy
