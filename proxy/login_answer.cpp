// What nodes answer to the steps of a login, and what that means for it. login_driver.cpp has the
// rest.

#include "proxy/login_driver.hpp"

#include "discovery/node_names.hpp"
#include "proxy/core.hpp"
#include "routing/hostnames.hpp"
#include "routing/node_translation.hpp"
#include "routing/see_other.hpp"

#include <array>
#include <optional>

namespace boshgate::proxy {

using discovery::no_node;
using discovery::step_end;
using routing::body_attribute;
using routing::node_index;
using routing::reason;

namespace {

step_end end_of(reason why) noexcept {
    if (is_own_limit(why)) {
        return step_end::limited;
    }
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

} // namespace

routing::binding_condition condition_in(const routing::body_tag& tag) noexcept {
    return routing::condition_of(tag.has(body_attribute::condition)
                                     ? tag.written(body_attribute::condition)
                                     : std::string_view());
}

void login_driver::on_answer(exchange& x, const routing::answer_head& head, std::string_view body) {
    const std::shared_ptr<login_driver> keep = self_;
    core_.loop.unset(*this);
    step_ = nullptr;
    const routing::field* type = head.find(routing::field_id::content_type);
    const routing::answer_translation meant = routing::translate_answer(
        {.status = head.status,
         .content_type = type == nullptr ? std::string_view() : type->value,
         .begin = body,
         .body = body.empty() ? routing::body_error::none
                              : routing::check_body(body, settings_->body_limits, core_.tag).why},
        x.purpose == exchange_purpose::login_open ? routing::asked_for::session
                                                  : routing::asked_for::in_session);
    const node_index node = x.node;
    const bool opening = x.purpose == exchange_purpose::login_open;
    const std::uint64_t rid = x.rid;
    exchange_finish(x, 0, reason::answered);
    if (meant.action == routing::answer_action::terminate) {
        open_ = {};
        refusal_ = routing::terminate_body(meant.condition);
        failed(discovery::step_end_of(meant.condition));
        return;
    }
    if (meant.action != routing::answer_action::pass) {
        failed(step_end::bad_answer);
        return;
    }
    if (core_.tag.is(body_attribute::type, "terminate")) {
        open_ = {};
        take_terminate(body, node);
        return;
    }
    if (opening) {
        if (!take_session(node, rid)) {
            failed(step_end::bad_answer);
            return;
        }
        answer_ = body;
    } else {
        features_ = body;
    }
    take_answer(body);
}

// take_session takes the session that an answer opens, whose tag is in core::tag. False: no client
// could go on with it, and it is being ended.
bool login_driver::take_session(node_index node, std::uint64_t rid) {
    const std::string_view sid = core_.tag.has(body_attribute::sid)
                                     ? core_.tag.written(body_attribute::sid)
                                     : std::string_view();
    if (sid.empty() || sid.find('\'') != std::string_view::npos) {
        return false;
    }
    open_ = {.node = node, .sid = std::string(sid), .last_rid = rid};
    routing::sid_tagger::raw_room room;
    const auto raw = core_.tag.value(body_attribute::sid, room);
    if (!raw || raw->size() > room.size()) { // too long to be tagged
        leave_session();
        return false;
    }
    return true;
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
    // A request in between would have to have the next key of the client's. The session stays where
    // it is, as if nobody were named; its client asks for the features.
    word.features = word.features || task_.keyed;
    if (!word.features || task_.user.empty()) {
        return word;
    }
    std::array<routing::hostname_text, 8> texts;
    const std::size_t count = routing::find_hostnames(tag, settings_->body_limits, texts).count;
    const discovery::named_homes named =
        discovery::homes_named({texts.data(), count}, settings_->names, open_.node);
    word.unknown = named.unknown;
    if (named.unknown != 0) {
        tell_unknown({texts.data(), count});
    }
    if (named.count > 0) {
        word.homes.home = named.nodes[0];
    }
    if (named.count > 1) {
        word.homes.backup = named.nodes[1];
    }
    return word;
}

// Of the first two, as homes_named counts them.
void login_driver::tell_unknown(std::span<const routing::hostname_text> hostnames) {
    std::size_t seen = 0;
    for (const routing::hostname_text& one : hostnames) {
        if (one.for_mechanism) {
            continue;
        }
        if (++seen > 2) {
            break;
        }
        if (!settings_->names.find(one, open_.node)) {
            owner_->on_unknown_name(open_.node, one.written);
        }
    }
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
    failed(discovery::step_end_of(condition_in(tag)));
}

void login_driver::on_failure(exchange& x, reason why) {
    const std::shared_ptr<login_driver> keep = self_;
    core_.loop.unset(*this);
    step_ = nullptr;
    core_.shared.nodes.link_failed(core_, x.node, why);
    owner_->on_step_failed(x.node, why);
    exchange_finish(x, 0, why);
    failed(end_of(why));
}

void login_driver::on_answer_head(exchange& x, const routing::answer_head& /*head*/) {
    if (x.purpose == exchange_purpose::login_open) {
        answer_.clear();
    }
}

// An answer that is too large to be gathered is none. But it has opened a session, whose sid stands
// in its first bytes.
bool login_driver::on_answer_data(exchange& x, std::string_view data) {
    const std::shared_ptr<login_driver> keep = self_;
    const node_index node = x.node;
    const std::uint64_t rid = x.rid;
    const bool opening = x.purpose == exchange_purpose::login_open;
    if (opening) {
        const std::size_t most = settings_->body_limits.tag_bytes;
        answer_.append(data.substr(0, most - answer_.size()));
        const auto read = routing::read_body_tag(answer_, settings_->body_limits, core_.tag);
        if (read.why == routing::body_error::truncated && answer_.size() < most) {
            return true;
        }
        if (read.ok() && take_session(node, rid)) {
            leave_session();
        }
    }
    core_.loop.unset(*this);
    step_ = nullptr;
    break_off(x, reason::node_bad_answer);
    owner_->on_step_failed(node, reason::node_bad_answer);
    failed(step_end::bad_answer);
    return false;
}

void login_driver::on_answer_end(exchange& x) {
    on_failure(x, reason::node_bad_answer);
}

void login_driver::on_answer_cut(exchange& x, reason why) {
    on_failure(x, why);
}

void login_driver::on_detached(exchange& /*x*/, reason /*why*/) {}

} // namespace boshgate::proxy
