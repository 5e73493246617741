#include "proxy/prober.hpp"

#include "proxy/bosh_answer.hpp"
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

// The first look-up of a name is over soon.
constexpr milliseconds until_looked_up{20};

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
    const node_links& links = core_.nodes[node_];
    if (links.addresses.empty() && links.unresolved_because.empty()) {
        core_.loop.set(*this, until_looked_up); // the start: nobody knows yet where it is
        return;
    }
    const auto now = static_cast<std::int64_t>(core_.loop.steady_ms());
    if (deadline_ms_ != 0) {
        if (now < deadline_ms_) {
            core_.loop.set(*this, milliseconds{deadline_ms_ - now});
            return;
        }
        unanswered();
    }
    go_on();
}

void prober::go_on() {
    const discovery::probe_plan plan = core_.shared.nodes.next_probe(core_, node_);
    core_.loop.set(*this, plan.pause);
    if (plan.ask) {
        time_ms_ = plan.pause.count();
        deadline_ms_ = static_cast<std::int64_t>(core_.loop.steady_ms()) + time_ms_;
        ask(plan.kind, plan.kind == probe_kind::session ? step::open : step::usual, plan.fresh,
            core_.loop.steady_ms());
    }
}

std::string prober::body_of(step what) {
    static constexpr std::string_view start =
        "<body xmlns='http://jabber.org/protocol/httpbind' rid='";
    const conf::health_config& health = core_.settings->config.health;
    switch (what) {
    case step::empty:
        return {};
    case step::open: {
        // What every server wants to see before it shows its features (bosh.md 7).
        rid_ = 1'000'000 + core_.loop.steady_ms() % 1'000'000'000;
        const std::string_view domain =
            health.domain.empty() ? std::string_view(health.user).substr(health.user.find('@') + 1)
                                  : std::string_view(health.domain);
        std::string body(start);
        body.append(std::to_string(rid_)).append("' to='").append(domain);
        if (!health.user.empty()) {
            body.append("' from='").append(health.user);
        }
        return body + "' wait='1' hold='1' ver='1.6' xml:lang='en' "
                      "content='text/xml; charset=utf-8' xmlns:xmpp='urn:xmpp:xbosh' "
                      "xmpp:version='1.0'/>";
    }
    case step::poll:
        return std::string(start) + std::to_string(++rid_) + "' sid='" + sid_ + "'/>";
    case step::usual:
        break;
    }
    const std::string number = std::to_string(++asked_);
    return std::string(start) + number + "' sid='boshgate-asks-whether-you-live-" + number + "'/>";
}

void prober::ask(probe_kind kind, step what, bool fresh, std::uint64_t asked_ms) {
    exchange& x = exchange_begin(core_);
    x.sink = this;
    x.purpose = purpose_of(kind);
    x.fresh_link = fresh || asks_links(x);
    x.node = node_;
    x.verb = routing::method::post;
    x.request_class = routing::request_class::page; // of no use later: never sent twice
    x.client = routing::ip_address::v4(0x7f000001); // this machine, as it is
    x.give_up_us = x.begun_us + late_answer.count() * 1000;
    x.request = node_request(x, nullptr, body_of(what));
    core_.counters.questions.add();
    under_way_.push_back(
        {.x = &x, .kind = kind, .asked_ms = asked_ms, .what = what, .late = false});
    exchange_start(x);
}

// The question goes on with another request.
void prober::more(const question& before, step next) {
    if (before.late) {
        end_session();
        return;
    }
    deadline_ms_ = static_cast<std::int64_t>(core_.loop.steady_ms()) + time_ms_;
    core_.loop.set(*this, milliseconds{time_ms_});
    ask(before.kind, next, false, before.asked_ms);
}

// What was opened is ended, or it would live for its inactivity and count as a user.
void prober::end_session() {
    if (sid_.empty()) {
        return;
    }
    exchange_end_session(core_, core_.settings,
                         {.node = node_,
                          .sid = sid_,
                          .rid = rid_ + 1,
                          .client = routing::ip_address::v4(0x7f000001),
                          .secure = false});
    sid_.clear();
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
        if (core_.shared.nodes.measured(node_) == discovery::health_state::up) {
            go_on(); // most often to sleep
        } else {
            core_.loop.set(*this, milliseconds{0});
        }
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
    end_session();
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
    const bool readable = answer.body == routing::body_error::none && !body.empty();
    const routing::body_tag none;
    const routing::body_tag& tag = readable ? core_.tag : none;
    const snapshot& settings = *core_.settings;
    const bool knows_users = !settings.config.health.user.empty() &&
                             (node_ == settings.primary || node_ == settings.secondary);
    discovery::probe_finding found;
    switch (one.what) {
    case step::usual:
        found = discovery::find_invented(answer, tag);
        break;
    case step::empty:
        found = discovery::find_empty(answer);
        break;
    case step::open:
        sid_.clear();
        if (tag.has(routing::body_attribute::sid) &&
            tag.written(routing::body_attribute::sid).find('\'') == std::string_view::npos) {
            sid_ = tag.written(routing::body_attribute::sid);
        }
        found = discovery::find_session(answer, tag, false, knows_users);
        break;
    case step::poll:
        found = discovery::find_session(answer, tag, true, knows_users);
        break;
    }
    switch (found.verdict) {
    case probe_verdict::good:
        end_session();
        answered(one);
        return;
    case probe_verdict::ask_empty:
        more(one, step::empty);
        return;
    case probe_verdict::poll:
        more(one, step::poll);
        return;
    case probe_verdict::bad:
        const auto meant = routing::translate_answer(answer, routing::asked_for::in_session);
        failed(one, found.why,
               "HTTP " + std::to_string(answer.status) + ", " +
                   std::string(routing::words_of(meant.meaning)));
        return;
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
    const node_links& links = core_.nodes[node_];
    const std::string because = why == reason::node_unresolved ? links.unresolved_because
                                : why == reason::node_certificate || why == reason::node_tls_failed
                                    ? links.handshake_failed_because
                                    : std::string();
    exchange_finish(x, 0, why);
    const health_reason known = health_reason_of(why);
    if (known == health_reason::none) {
        core_.shared.nodes.probe_dropped(core_, node_); // no descriptors, too many links
        core_.loop.set(*this, core_.settings->config.health.interval);
        return;
    }
    failed(one, known,
           std::string(routing::words_of(why)) + (because.empty() ? "" : ": " + because));
}

void prober::on_detached(exchange& x, reason why) {
    const question one = take(x);
    failed(one, health_reason_of(why), std::string(routing::words_of(why)));
}

} // namespace boshgate::proxy
