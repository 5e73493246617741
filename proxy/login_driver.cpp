#include "proxy/login_driver.hpp"

#include "discovery/node_names.hpp"
#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/link.hpp"
#include "proxy/node_request.hpp"
#include "routing/bosh_payload.hpp"
#include "routing/hostnames.hpp"
#include "routing/see_other.hpp"

#include <algorithm>
#include <array>
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
using routing::body_attribute;
using routing::node_index;
using routing::reason;
using std::chrono::milliseconds;

namespace {

// How long a step that nobody waits for any more is listened to: a node that was only slow has
// opened a session by then, which is to be ended.
constexpr milliseconds late_answer{10'000};

discovery::login_rules rules_of(const conf::discovery_config& settings) {
    return {.steps_max = static_cast<std::uint8_t>(
                std::min<std::uint32_t>(settings.steps_max, discovery::login_rules::steps_most)),
            // The client can be given one answer beside that to its session request: a rid that the
            // node has seen beyond that would swallow what the client sends under it.
            .polls_max = 1,
            .step = settings.step,
            .patience = settings.patience};
}

// Of two discovery nodes a user who is not known can be opened at either: at the one that holds
// less.
discovery::login_nodes nodes_of(const core& home, const snapshot& settings,
                                const login_task& task) {
    discovery::login_nodes nodes{.first = settings.primary,
                                 .second = settings.secondary,
                                 .count = static_cast<std::uint16_t>(settings.nodes.size()),
                                 .spread = static_cast<std::uint16_t>(task.rid)};
    const shared_state& shared = home.shared;
    if (task.user.empty() && nodes.second != no_node &&
        shared.held_at(nodes.second) < shared.held_at(nodes.first)) {
        std::swap(nodes.first, nodes.second);
    }
    return nodes;
}

step_end end_of(reason why) noexcept {
    switch (why) {
    case reason::node_answer_timeout:
    case reason::node_connect_timeout:
        return step_end::timeout;
    case reason::node_bad_answer:
    case reason::node_head_limit:
    case reason::node_redirect:
    case reason::node_not_bosh:
    case reason::node_gateway:
        return step_end::bad_answer;
    default:
        return step_end::dead;
    }
}

// The node that a see-other-host means. Its port is one of XMPP over TCP (RFC 6120 4.9.3.19), which
// says nothing about BOSH: a host that is not known with it is looked for without.
std::optional<node_index> node_of_host(const discovery::node_names& names, std::string_view host,
                                       node_index said_by) {
    if (const auto found = names.find(host, said_by)) {
        return found;
    }
    const std::size_t colon = host.rfind(':');
    return colon == std::string_view::npos ? std::nullopt
                                           : names.find(host.substr(0, colon), said_by);
}

// Whether it tells something about the node, and not about us.
bool blames_node(reason why) noexcept {
    return why != reason::node_links && why != reason::descriptors && why != reason::draining;
}

} // namespace

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
      login_(rules_of(settings_->config.discovery), nodes_of(home, *settings_, task_),
             {.dead = &login_driver::is_avoided, .whose = this}) {}

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
    const std::string& user = task_.user;
    if (!user.empty() && core_.shared.homes.find(user).none()) {
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
    begin();
}

void login_driver::woken() {
    if (std::exchange(waiting_, false)) {
        core_.loop.unset(*this);
        begin();
    }
}

void login_driver::begin() {
    const std::shared_ptr<login_driver> keep = self_;
    const login_homes stored =
        task_.user.empty() ? login_homes{} : core_.shared.homes.find(task_.user);
    follow(login_.on_start(task_.purpose, stored, now_ms()));
}

std::int64_t login_driver::now_ms() const {
    return static_cast<std::int64_t>(core_.loop.steady_ms());
}

bool login_driver::is_avoided(const void* whose, node_index node) noexcept {
    const core& home = static_cast<const login_driver*>(whose)->core_;
    return home.shared.avoided(node, home.loop.steady_ms());
}

void login_driver::cache(login_cache what) {
    if (task_.user.empty()) {
        return;
    }
    if (what == login_cache::learn) {
        core_.shared.homes.learn(task_.user, login_.homes());
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

// A step goes the way of any exchange; nobody's log and nobody's limits know of it.
void login_driver::open(const login_action& action) {
    exchange& step = exchange_begin(core_);
    step.purpose = exchange_purpose::login_open;
    step.node = action.node;
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
    exchange& step = exchange_begin(core_);
    step.purpose = exchange_purpose::login_more;
    step.node = action.node;
    step.request_class = routing::request_class::page; // whatever it finds, it is asked once
    step.rid = ++open_.last_rid;
    step.client = task_.client;
    step.secure = task_.secure;
    step.verb = routing::method::post;
    step.request = node_request(step, nullptr,
                                "<body xmlns='http://jabber.org/protocol/httpbind' rid='" +
                                    std::to_string(step.rid) + "' sid='" + open_.sid + "'/>");
    send(step, action);
}

void login_driver::send(exchange& step, const login_action& action) {
    step.settings = settings_;
    step.sink = this;
    step.client = task_.client;
    step.secure = task_.secure;
    step.verb = routing::method::post;
    step.bosh = true;
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
    // Once one node was silent the next ones get half of a step; less is no sign of anything.
    if (now_ms() - step_began_ms_ >= settings_->config.discovery.step.count() / 2) {
        core_.shared.doubt(node, core_.loop.steady_ms());
    }
    drop_step();
    failed(step_end::timeout);
}

// drop_step: nobody waits for it any more. What was not sent stays so; a session that is opened all
// the same is ended when its answer comes, unless that is too large to be one.
void login_driver::drop_step() {
    if (step_ == nullptr) {
        return;
    }
    exchange& step = *std::exchange(step_, nullptr);
    step.sink = nullptr;
    // One that is being streamed has nowhere to go.
    if ((step.sent_us == 0 || step.streaming) && step.via != nullptr) {
        step.via->abandon();
        step.via = nullptr;
        core_.counters.held.subtract();
        exchange_finish(step, 0, reason::client_closed);
    }
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

void login_driver::on_answer(exchange& x, const routing::answer_head& head, std::string_view body) {
    const std::shared_ptr<login_driver> keep = self_;
    core_.loop.unset(*this);
    step_ = nullptr;
    const int status = head.status;
    const node_index node = x.node;
    const bool opening = x.purpose == exchange_purpose::login_open;
    const std::uint64_t rid = x.rid;
    exchange_finish(x, 0, reason::answered);
    if (status != 200 || routing::check_body(body, settings_->body_limits, core_.tag).why !=
                             routing::body_error::none) {
        failed(step_end::bad_answer);
        return;
    }
    if (core_.tag.is(body_attribute::type, "terminate")) {
        open_ = {};
        take_terminate(body, node);
        return;
    }
    if (opening) {
        const std::string_view sid = core_.tag.has(body_attribute::sid)
                                         ? core_.tag.written(body_attribute::sid)
                                         : std::string_view();
        if (sid.empty() || sid.find('\'') != std::string_view::npos) {
            failed(step_end::bad_answer);
            return;
        }
        open_ = {.node = node, .sid = std::string(sid), .last_rid = rid};
        routing::sid_tagger::raw_room room;
        const auto raw = core_.tag.value(body_attribute::sid, room);
        if (!raw || raw->size() > room.size()) {
            leave_session(); // too long to be tagged: no client could go on with it
            failed(step_end::bad_answer);
            return;
        }
        answer_ = body;
    } else {
        features_ = body;
    }
    take_answer(body);
}

void login_driver::take_answer(std::string_view body) {
    const discovery::node_word word = read_word(body);
    follow(login_.on_opened(word, now_ms()));
}

// read_word reads what a node says of its user's nodes, from the answer in core::tag.
discovery::node_word login_driver::read_word(std::string_view body) {
    discovery::node_word word;
    const routing::body_tag& tag = core_.tag;
    word.features = tag.payload_begin() < body.size() &&
                    body.substr(tag.payload_begin()).find("features") != std::string_view::npos;
    if (!word.features || task_.user.empty()) {
        return word;
    }
    std::array<routing::hostname_text, 8> texts;
    const std::size_t count = routing::find_hostnames(tag, settings_->body_limits, texts).count;
    const discovery::named_homes named =
        discovery::homes_named({texts.data(), count}, settings_->names, open_.node);
    word.unknown = named.unknown;
    if (named.count > 0) {
        word.homes.home = named.nodes[0];
    }
    if (named.count > 1) {
        word.homes.backup = named.nodes[1];
    }
    return word;
}

void login_driver::take_terminate(std::string_view body, node_index said_by) {
    const routing::body_tag& tag = core_.tag;
    refusal_ = body;
    if (tag.is(body_attribute::condition, "see-other-uri")) {
        const auto found = routing::find_see_other(tag, settings_->body_limits);
        const auto node =
            found ? routing::node_of_url(found->written, settings_->config, settings_->routes)
                  : std::nullopt;
        failed(step_end::see_other, node.value_or(no_node));
        return;
    }
    if (const auto host = routing::find_see_other_host(tag, settings_->body_limits)) {
        failed(step_end::see_other,
               node_of_host(settings_->names, *host, said_by).value_or(no_node));
        return;
    }
    const auto condition = routing::condition_of(tag.has(body_attribute::condition)
                                                     ? tag.written(body_attribute::condition)
                                                     : std::string_view());
    failed(discovery::step_end_of(condition));
}

void login_driver::on_failure(exchange& x, reason why) {
    const std::shared_ptr<login_driver> keep = self_;
    core_.loop.unset(*this);
    step_ = nullptr;
    if (blames_node(why)) {
        core_.shared.doubt(x.node, core_.loop.steady_ms());
    }
    owner_->on_step_failed(x.node, why);
    exchange_finish(x, 0, why);
    failed(end_of(why));
}

// An answer to a session request that is too large to be gathered is none.
void login_driver::on_answer_head(exchange& /*x*/, const routing::answer_head& /*head*/) {}

bool login_driver::on_answer_data(exchange& /*x*/, std::string_view /*data*/) {
    return true;
}

void login_driver::on_answer_end(exchange& x) {
    on_failure(x, reason::node_bad_answer);
}

void login_driver::on_answer_cut(exchange& x, reason why) {
    on_failure(x, why);
}

void login_driver::on_detached(exchange& /*x*/, reason /*why*/) {}

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
    const std::shared_ptr<login_driver> keep = self_;
    const std::unique_ptr<login_owner> owner = over();
    owner->on_no_login(login_, why, refusal_);
}

// over: it has no step any more, and gives its owner back.
std::unique_ptr<login_owner> login_driver::over() {
    core_.loop.unset(*this);
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

} // namespace boshgate::proxy
