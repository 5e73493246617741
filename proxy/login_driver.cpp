#include "proxy/login_driver.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/node_request.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace boshgate::proxy {

using discovery::login_action;
using discovery::login_cache;
using discovery::login_do;
using discovery::login_failure;
using discovery::login_homes;
using discovery::no_node;
using discovery::step_end;
using routing::node_index;
using routing::reason;
using std::chrono::milliseconds;

namespace {

// How long a step that nobody waits for any more is listened to: a node that was only slow has
// opened a session by then, which is to be ended.
constexpr milliseconds late_answer{10'000};

// Of two discovery nodes a user who is not known can be opened at either: at the one that holds
// less. Who was opened at one of them, it has answered just now.
discovery::login_nodes nodes_of(const core& home, const snapshot& settings,
                                const login_task& task) {
    discovery::login_nodes nodes{.first = settings.primary,
                                 .second = settings.secondary,
                                 .count = static_cast<std::uint16_t>(settings.nodes.size()),
                                 .spread = static_cast<std::uint16_t>(task.rid)};
    const node_states& known = home.shared.nodes;
    if (nodes.second != no_node &&
        (task.user.empty() ? known.held_at(nodes.second) < known.held_at(nodes.first)
                           : task.first == nodes.second)) {
        std::swap(nodes.first, nodes.second);
    }
    return nodes;
}

} // namespace

discovery::login_rules login_rules_of(const conf::discovery_config& settings) {
    return {.steps_max = static_cast<std::uint8_t>(
                std::min<std::uint32_t>(settings.steps_max, discovery::login_rules::steps_most)),
            // The client can be given one answer beside that to its session request: a rid that the
            // node has seen beyond that would swallow what the client sends under it.
            .polls_max = 1,
            .step = settings.step,
            .patience = settings.patience};
}

std::string login_message(core& home, const std::shared_ptr<const snapshot>& settings,
                          const routing::ip_address& client, bool secure,
                          const routing::request_head* head, std::string_view body) {
    exchange any;
    any.home = &home;
    any.settings = settings;
    any.client = client;
    any.secure = secure;
    any.node = 0;
    any.verb = routing::method::post;
    any.tagged = true; // whoever asks, the answer is read here
    const std::size_t start = settings->nodes[any.node].post_start.size();
    return std::string(node_request(any, head, body).view().substr(start));
}

login_driver::login_driver(core& home, std::shared_ptr<const snapshot> settings, login_task task,
                           std::unique_ptr<login_owner> owner)
    : core_(home),
      settings_(std::move(settings)),
      task_(std::move(task)),
      owner_(std::move(owner)),
      login_(login_rules_of(settings_->config.discovery), nodes_of(home, *settings_, task_),
             home.health()) {}

bool login_driver::may_ask(core& home, const snapshot& settings, const login_task& task) {
    shared_state& shared = home.shared;
    return task.user.empty() || !shared.homes.find(task.user).none() ||
           shared.questions.take(task.client, settings.config.discovery.questions_per_address,
                                 home.loop.steady_ms());
}

std::shared_ptr<login_driver> login_driver::make(core& home,
                                                 std::shared_ptr<const snapshot> settings,
                                                 login_task task,
                                                 std::unique_ptr<login_owner> owner) {
    return std::shared_ptr<login_driver>(
        new login_driver(home, std::move(settings), std::move(task), std::move(owner)));
}

void login_driver::start() {
    self_ = shared_from_this();
    core_.logins.add(*this);
    const std::string& user = task_.user;
    const login_homes stored = stored_homes();
    if (!user.empty() && stored.none()) {
        bool holds = false;
        if (!core_.shared.homes.take_turn(user, self_, core_, holds)) {
            waiting_ = true;
            core_.loop.set(*this, settings_->config.discovery.step);
            return;
        }
        if (holds) {
            holding_ = user;
        }
    }
    begin(stored);
}

void login_driver::woken() {
    if (std::exchange(waiting_, false)) {
        core_.loop.unset(*this);
        begin(stored_homes());
    }
}

login_homes login_driver::stored_homes() {
    if (task_.user.empty()) {
        return {};
    }
    // They may have been learnt by a login of an older or a newer snapshot.
    login_homes known = core_.shared.homes.find(task_.user);
    if (known.backup != no_node && !settings_->in_use(known.backup)) {
        known.backup = no_node;
    }
    return known.home == no_node || settings_->in_use(known.home) ? known : login_homes{};
}

void login_driver::begin(const login_homes& stored) {
    const std::shared_ptr<login_driver> keep = self_;
    if (!stored.none()) {
        core_.counters.homes_known.add();
    }
    follow(login_.on_start(task_.purpose, stored, now_ms()));
}

std::int64_t login_driver::now_ms() const {
    return static_cast<std::int64_t>(core_.loop.steady_ms());
}

void login_driver::cache(login_cache what) {
    if (task_.user.empty()) {
        return;
    }
    if (what == login_cache::learn) {
        if (core_.shared.homes.learn(task_.user, login_.homes())) {
            core_.counters.homes_evicted.add();
        }
    } else if (what == login_cache::forget) {
        core_.shared.homes.forget(task_.user);
    }
}

void login_driver::follow(const login_action& action) {
    const std::shared_ptr<login_driver> keep = self_;
    cache(action.cache);
    if (action.leave != no_node) {
        leave_session();
    }
    switch (action.what) {
    case login_do::open:
        open(action);
        return;
    case login_do::poll:
        poll(action);
        return;
    case login_do::deliver:
        deliver();
        return;
    case login_do::found:
        found();
        return;
    case login_do::fail:
        fail(action.failure);
        return;
    }
}

// begin_step makes an exchange of our own; it goes the way of any other, but nobody's log and
// nobody's limits know of it. Its request is still to be written.
exchange& login_driver::begin_step(exchange_purpose purpose, const login_action& action) {
    exchange& step = exchange_begin(core_);
    step.settings = settings_;
    step.sink = this;
    step.purpose = purpose;
    step.node = action.node;
    step.client = task_.client;
    step.secure = task_.secure;
    step.verb = routing::method::post;
    step.bosh = true;
    return step;
}

void login_driver::open(const login_action& action) {
    exchange& step = begin_step(exchange_purpose::login_open, action);
    step.opens_session = true;
    step.request_class = routing::request_class::session_request;
    step.rid = task_.rid;
    const std::string_view start = settings_->nodes[action.node].post_start;
    step.request = core_.blocks.take(start.size() + task_.message.size());
    step.request.append(start);
    step.request.append(task_.message);
    answer_.clear();
    features_.clear();
    core_.counters.login_steps.add();
    send(step, action);
}

void login_driver::poll(const login_action& action) {
    exchange& step = begin_step(exchange_purpose::login_more, action);
    step.request_class = routing::request_class::page; // whatever it finds, it is asked once
    step.rid = ++open_.last_rid;
    step.request = node_request(step, nullptr,
                                "<body xmlns='http://jabber.org/protocol/httpbind' rid='" +
                                    std::to_string(step.rid) + "' sid='" + open_.sid + "'/>");
    send(step, action);
}

void login_driver::send(exchange& step, const login_action& action) {
    const milliseconds left{std::max<std::int64_t>(1, action.deadline_ms - now_ms())};
    step.give_up_us = step.begun_us + (left + late_answer).count() * 1000;
    step_ = &step;
    step_began_ms_ = now_ms();
    core_.loop.set(*this, left);
    exchange_start(step);
}

void login_driver::on_deadline() {
    const std::shared_ptr<login_driver> keep = self_;
    if (waiting_) {
        woken();
        return;
    }
    if (step_ == nullptr) {
        return;
    }
    const node_index node = step_->node;
    // After one silent node the next gets half of a step; less is no sign of anything.
    if (now_ms() - step_began_ms_ >= settings_->config.discovery.step.count() / 2) {
        core_.shared.nodes.link_failed(core_, node, reason::node_answer_timeout);
    }
    drop_step();
    failed(step_end::timeout);
}

// drop_step: nobody waits for it any more. What was not sent stays so; a session that is opened all
// the same is ended when its answer comes, unless that is too large to be gathered.
void login_driver::drop_step() {
    if (step_ == nullptr) {
        return;
    }
    exchange& step = *std::exchange(step_, nullptr);
    step.sink = nullptr;
    // One that is being streamed has nowhere to go.
    if ((step.sent_us == 0 || step.streaming) && step.via != nullptr) {
        break_off(step, reason::client_closed);
    }
}

void login_driver::break_off(exchange& step, reason why) {
    step.via->abandon();
    step.via = nullptr;
    core_.counters.held.subtract();
    exchange_finish(step, 0, why);
}

void login_driver::failed(step_end how, node_index other) {
    follow(login_.on_failed(how, now_ms(), other));
}

void login_driver::leave_session() {
    if (open_.node == no_node) {
        return;
    }
    exchange_end_session(core_, settings_,
                         {.node = open_.node,
                          .sid = open_.sid,
                          .rid = open_.last_rid + 1,
                          .client = task_.client,
                          .secure = task_.secure});
    open_ = {};
}

void login_driver::deliver() {
    const std::shared_ptr<login_driver> keep = self_;
    const std::unique_ptr<login_owner> owner = over();
    owner->on_session({.node = open_.node,
                       .sid = open_.sid,
                       .next_rid = open_.last_rid + 1,
                       .answer = answer_,
                       .features = features_,
                       .done = &login_});
}

void login_driver::found() {
    const std::shared_ptr<login_driver> keep = self_;
    const std::unique_ptr<login_owner> owner = over();
    owner->on_homes(login_);
}

void login_driver::fail(login_failure why) {
    core_.counters.logins_failed[static_cast<std::size_t>(why)].add();
    const std::shared_ptr<login_driver> keep = self_;
    const std::unique_ptr<login_owner> owner = over();
    owner->on_no_login(login_, why, refusal_);
}

// over: it has no step any more, and gives its owner back.
std::unique_ptr<login_owner> login_driver::over() {
    core_.loop.unset(*this);
    core_.logins.remove(*this);
    if (!holding_.empty()) {
        core_.shared.homes.give_turn(std::exchange(holding_, {}));
    }
    self_.reset();
    return std::move(owner_);
}

void login_driver::leave() {
    const std::shared_ptr<login_driver> keep = self_;
    if (!waiting_) {
        const login_action last = login_.on_gone(now_ms());
        cache(last.cache);
        leave_session();
    }
    waiting_ = false;
    drop_step();
    over().reset();
}

// No farewell to a node: its session ends by its own time, as all do whose proxy ends.
void login_driver::end() {
    const std::shared_ptr<login_driver> keep = self_;
    drop_step();
    over()->on_core_end();
}

} // namespace boshgate::proxy
