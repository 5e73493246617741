#include "proxy/prober.hpp"

#include "proxy/core.hpp"
#include "proxy/log.hpp"
#include "proxy/node_request.hpp"
#include "routing/node_translation.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace boshgate::proxy {

using discovery::health_reason;
using discovery::probe_kind;
using discovery::probe_verdict;
using routing::reason;
using std::chrono::milliseconds;

namespace {

// Questions that are listened to after their time, and for how long: each holds a link.
constexpr std::size_t late_most = 3;
constexpr milliseconds late_answer{10'000};

exchange_purpose purpose_of(probe_kind kind) noexcept {
    switch (kind) {
    case probe_kind::tcp:
        return exchange_purpose::question_tcp;
    case probe_kind::tls:
        return exchange_purpose::question_tls;
    case probe_kind::bosh:
    case probe_kind::session:
        break;
    }
    return exchange_purpose::question;
}

} // namespace

prober::prober(core& home, routing::node_index node) : core_(home), node_(node) {
    // Not all nodes at the same moment.
    const milliseconds interval = core_.settings->config.health.interval;
    core_.loop.set(*this, (interval * (node % 16)) / 16);
}

prober::~prober() {
    for (const question& one : under_way_) {
        one.x->sink = nullptr;
        exchange_abandon(*one.x, 0, reason::client_closed);
    }
}

void prober::look() {
    if (deadline_ms_ == 0) {
        on_deadline();
    }
}

void prober::on_deadline() {
    const auto now = static_cast<std::int64_t>(core_.loop.steady_ms());
    if (deadline_ms_ != 0) {
        if (now < deadline_ms_) {
            core_.loop.set(*this, milliseconds{deadline_ms_ - now});
            return;
        }
        unanswered();
    }
    const discovery::probe_plan plan = core_.shared.nodes.next_probe(core_, node_);
    core_.loop.set(*this, plan.pause);
    if (plan.ask) {
        time_ms_ = plan.pause.count();
        deadline_ms_ = now + time_ms_;
        ask(plan.kind, plan.fresh, false, core_.loop.steady_ms());
    }
}

void prober::ask(probe_kind kind, bool fresh, bool empty, std::uint64_t asked_ms) {
    exchange& x = exchange_begin(core_);
    x.sink = this;
    x.purpose = purpose_of(kind);
    x.fresh_link = fresh || asks_links(x);
    x.node = node_;
    x.verb = routing::method::post;
    x.request_class = routing::request_class::page; // of no use later: never sent twice
    x.client = routing::ip_address::v4(0x7f000001); // this machine, as it is
    x.give_up_us = x.begun_us + late_answer.count() * 1000;
    std::string body;
    if (!empty) {
        const std::string number = std::to_string(++asked_);
        body = "<body xmlns='http://jabber.org/protocol/httpbind' rid='" + number +
               "' sid='boshgate-asks-whether-you-live-" + number + "'/>";
    }
    x.request = node_request(x, nullptr, body);
    core_.counters.questions.add();
    under_way_.push_back(
        {.x = &x, .kind = kind, .asked_ms = asked_ms, .empty = empty, .late = false});
    exchange_start(x);
}

// The newest question has had its time.
void prober::unanswered() {
    deadline_ms_ = 0;
    question& one = under_way_.back();
    one.late = true;
    const std::string waited = std::to_string(elapsed_ms(core_.loop.steady_ms(), one.asked_ms));
    core_.counters.questions_unanswered.add();
    core_.shared.nodes.probe_failed(core_, node_, one.kind, health_reason::silent,
                                    "no answer within " + waited + " ms", one.asked_ms);
    if (under_way_.size() > late_most) {
        exchange& oldest = *under_way_.front().x;
        under_way_.erase(under_way_.begin());
        oldest.sink = nullptr;
        exchange_abandon(oldest, 0, reason::node_answer_timeout);
    }
}

prober::question prober::take(const exchange& x) {
    const auto found = std::find_if(under_way_.begin(), under_way_.end(),
                                    [&](const question& one) { return one.x == &x; });
    const question one = *found;
    under_way_.erase(found);
    if (!one.late) {
        deadline_ms_ = 0;
    }
    return one;
}

void prober::answered(const question& one) {
    if (!one.late) {
        core_.shared.nodes.probe_answered(core_, node_, one.kind, one.asked_ms);
        core_.loop.set(*this, milliseconds{0});
        return;
    }
    core_.shared.nodes.probe_answered_late(core_, node_, one.asked_ms);
    if (deadline_ms_ !=
        0) { // the next one gets the time that this one has taken, and as much again
        const auto took =
            static_cast<std::int64_t>(elapsed_ms(core_.loop.steady_ms(), one.asked_ms));
        deadline_ms_ +=
            std::max<std::int64_t>(0, std::min(2 * took, late_answer.count()) - time_ms_);
        time_ms_ = std::max(time_ms_, std::min(2 * took, late_answer.count()));
    }
}

void prober::failed(const question& one, health_reason why, const std::string& evidence) {
    if (one.late) {
        return; // it was told off for this one already
    }
    core_.counters.questions_unanswered.add();
    core_.shared.nodes.probe_failed(core_, node_, one.kind, why, evidence, one.asked_ms);
    core_.loop.set(*this, milliseconds{0});
}

void prober::judge(const question& one, const routing::answer_head& head, std::string_view body) {
    const routing::field* type = head.find(routing::field_id::content_type);
    routing::node_answer answer{.status = head.status,
                                .content_type = type == nullptr ? std::string_view() : type->value,
                                .begin = body,
                                .body = body.empty()
                                            ? routing::body_error::none
                                            : routing::read_body_tag(body, {}, core_.tag).why};
    const discovery::probe_finding found =
        one.empty ? discovery::find_empty(answer) : discovery::find_invented(answer, core_.tag);
    switch (found.verdict) {
    case probe_verdict::good:
        answered(one);
        return;
    case probe_verdict::ask_empty:
        if (!one.late) {
            deadline_ms_ = static_cast<std::int64_t>(core_.loop.steady_ms()) + time_ms_;
            core_.loop.set(*this, milliseconds{time_ms_});
            ask(one.kind, false, true, one.asked_ms);
        }
        return;
    case probe_verdict::bad: {
        const auto meant = routing::translate_answer(answer, routing::asked_for::in_session);
        failed(one, found.why,
               "HTTP " + std::to_string(answer.status) + ", " +
                   std::string(routing::words_of(meant.meaning)));
        return;
    }
    }
}

void prober::on_answer(exchange& x, const routing::answer_head& head, std::string_view body) {
    const question one = take(x);
    judge(one, head, body);
    exchange_finish(x, 0, reason::answered);
}

void prober::on_answer_head(exchange& /*x*/, const routing::answer_head& /*head*/) {}

bool prober::on_answer_data(exchange& /*x*/, std::string_view /*data*/) {
    return true;
}

// A link that stands, or an answer too large for a <body/> of this kind.
void prober::on_answer_end(exchange& x) {
    const question one = take(x);
    const bool asked_links = asks_links(x);
    exchange_finish(x, 0, reason::answered);
    if (asked_links) {
        answered(one);
    } else {
        failed(one, health_reason::no_bosh, "an answer of more than limits.answer_buffer");
    }
}

void prober::on_answer_cut(exchange& x, reason why) {
    on_failure(x, why);
}

void prober::on_failure(exchange& x, reason why) {
    const question one = take(x);
    const std::string because = core_.nodes[node_].unresolved_because;
    exchange_finish(x, 0, why);
    const health_reason known = health_reason_of(why);
    if (known == health_reason::none) {
        core_.shared.nodes.probe_dropped(core_, node_); // no descriptors, too many links
        core_.loop.set(*this, core_.settings->config.health.interval);
        return;
    }
    failed(one, known,
           std::string(routing::words_of(why)) +
               (why == reason::node_unresolved && !because.empty() ? ": " + because : ""));
}

void prober::on_detached(exchange& x, reason why) {
    const question one = take(x);
    failed(one, health_reason_of(why), std::string(routing::words_of(why)));
}

} // namespace boshgate::proxy
