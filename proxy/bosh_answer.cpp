#include "proxy/bosh_answer.hpp"

#include "discovery/probe_verdict.hpp"
#include "proxy/caxl_evidence.hpp"
#include "proxy/core.hpp"
#include "proxy/exchange.hpp"
#include "proxy/log.hpp"
#include "proxy/node_request.hpp"
#include "routing/body_edit.hpp"
#include "routing/login_proof.hpp"
#include "routing/node_translation.hpp"
#include "routing/sasl_mechanisms.hpp"
#include "routing/see_other.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace boshgate::proxy {

using routing::answer_action;
using routing::body_attribute;
using routing::reason;

namespace {

// A node that grants no number sets no limit (XEP-0124 11). No client in use sends more at once.
constexpr std::uint8_t requests_unlimited = 5;

// How long a terminate of ours waits for its answer, of which nothing depends.
constexpr std::chrono::milliseconds ending_patience{10'000};

// Whether a node's answer ends the session (XEP-0124 13); a stream's end does not (16.5).
bool ends_session(const routing::body_tag& tag) noexcept {
    return tag.is(body_attribute::type, "terminate") && !tag.has(body_attribute::stream);
}

template <typename Number>
Number granted(const routing::body_tag& tag, body_attribute which) noexcept {
    return static_cast<Number>(
        std::min<std::uint64_t>(tag.number(which).value_or(0), std::numeric_limits<Number>::max()));
}

// A session request was answered, with the tag in core::tag: the session is known from here on.
// `next`: the answer to the next rid, if that was asked for already.
void learn_session(exchange& x, std::string_view next = {}) {
    core& home = *x.home;
    const routing::body_tag& tag = home.tag;
    if (!tag.has(body_attribute::sid) || tag.is(body_attribute::type, "terminate")) {
        return;
    }
    session_facts facts = x.facts;
    facts.secure = x.secure;
    read_granted(tag, facts);
    std::array<char, session_table::sid_max> room;
    const std::optional<std::string_view> sid = tag.value(body_attribute::sid, room);
    if (!sid || sid->empty() || sid->size() > session_table::sid_max) {
        return;
    }
    const std::uint64_t hash = routing::session_hash(*sid, x.settings->log_key);
    x.session_hash = hash;
    if (!is_own(x)) {
        home.counters.sessions_opened.add();
    }
    if (x.sink == nullptr && x.request_class == routing::request_class::session_request &&
        tag.written(body_attribute::sid).find('\'') == std::string_view::npos) {
        // The client has gone before it knew its session: nobody will ever use it (bosh.md 2.2, row
        // G).
        home.counters.orphans_ended.add();
        exchange_end_session(home, x.settings,
                             {.node = x.node,
                              .sid = tag.written(body_attribute::sid),
                              .rid = x.rid + 1,
                              .client = x.client,
                              .secure = x.secure});
        return;
    }
    if (is_own(x)) {
        return; // whoever asked knows what to do with it
    }
    x.entered = false; // counted as the session's from here on
    home.shared.sessions.open(x.node, *sid, hash, x.rid, facts, x.client, home.loop.steady_ms(),
                              next, std::move(x.begun_as));
}

// What an answer means that is not plainly a <body/> in a 200.
routing::answer_translation translate(exchange& x, std::string_view body) {
    core& home = *x.home;
    const routing::field* type = home.answer.find(routing::field_id::content_type);
    const routing::asked_for what = x.opens_session ? routing::asked_for::session
                                    : x.request_class == routing::request_class::terminate
                                        ? routing::asked_for::termination
                                        : routing::asked_for::in_session;
    return routing::translate_answer(
        {.status = home.answer.status,
         .content_type = type == nullptr ? std::string_view() : type->value,
         .begin = body,
         .body = body.empty() ? routing::body_error::none
                              : routing::read_body_tag(body, {}, home.tag).why},
        what);
}

// The usual answer: translate() would pass it as it is.
bool plain(core& home, std::string_view body) noexcept {
    if (home.answer.status != 200 || !body.starts_with("<body")) {
        return false;
    }
    const routing::field* type = home.answer.find(routing::field_id::content_type);
    return type != nullptr &&
           routing::equal_ignoring_case(type->value, routing::terminate_content_type) &&
           routing::read_body_tag(body, {}, home.tag).ok(); // a page may begin with <body>, too
}

// A terminate that sends the client to another URL: the proxied one of that node, or nowhere.
// False: nowhere.
bool map_see_other(exchange& x, std::string_view& body) {
    core& home = *x.home;
    const snapshot& settings = *x.settings;
    const auto found = routing::find_see_other(home.tag, settings.body_limits);
    if (!found) {
        return true; // none, or without a URL: as it is
    }
    const auto target =
        x.sink == nullptr
            ? std::nullopt
            : routing::see_other_target(*found, x.sink->base(), settings.config, settings.routes);
    routing::body_edits edits(home.tag);
    if (!target || edits.replace_text(found->range, *target) != routing::edit_error::none) {
        return false;
    }
    home.edited.resize(edits.size());
    edits.write(home.edited);
    body = home.edited;
    make_bosh_answer(home.answer);
    return true;
}

std::string_view written(const routing::body_edits& edits, std::string_view body,
                         std::string& room) {
    if (edits.empty()) {
        return body;
    }
    room.resize(edits.size());
    edits.write(room);
    return room;
}

struct sid_rooms {
    routing::sid_tagger::raw_room raw;
    routing::sid_tagger::tagged_room tagged;
};

// The sid in an answer to a client of the discovery endpoint: with its node.
void show_sid(const exchange& x, routing::body_edits& edits, sid_rooms& rooms) {
    const routing::body_tag& tag = x.home->tag;
    if (tag.has(body_attribute::sid)) {
        const std::optional<std::string_view> sid = tag.value(body_attribute::sid, rooms.raw);
        const std::string_view shown = x.shown_sid ? std::string_view(*x.shown_sid)
                                       : sid ? x.settings->tags->tag(*sid, x.node, rooms.tagged)
                                             : std::string_view();
        // Refused for what was never offered to a client.
        [[maybe_unused]] const routing::edit_error why = edits.set(body_attribute::sid, shown);
    }
}

// What a client of the discovery endpoint gets to see of an answer, whose tag is in core::tag: the
// sid with its node, and no names of nodes. `room` holds what is changed.
std::string_view with_tag(const exchange& x, std::string_view body, std::string& room) {
    const snapshot& settings = *x.settings;
    const routing::body_tag& tag = x.home->tag;
    routing::body_edits edits(tag);
    sid_rooms rooms;
    show_sid(x, edits, rooms);
    discovery::hostname_edit names(settings.config, settings.routes, settings.names);
    if ((x.opens_session || !x.facts.authenticated) &&
        body.find("hostname") != std::string_view::npos) {
        // Refused for what no client reads names in.
        [[maybe_unused]] const discovery::hostname_outcome done =
            names.remove(tag, settings.body_limits, edits);
    }
    return written(edits, body, room);
}

// What a client of a node's own path gets to see: names of nodes that lead back here. nullopt: no
// client should see that.
std::optional<std::string_view> with_names(const exchange& x, std::string_view body,
                                           std::string& room) {
    const snapshot& settings = *x.settings;
    if (body.find("hostname") == std::string_view::npos) {
        return body;
    }
    const routing::body_tag& tag = x.home->tag;
    routing::body_edits edits(tag);
    discovery::hostname_edit names(settings.config, settings.routes, settings.names);
    const discovery::hostname_outcome done =
        settings.config.discovery.hostnames == conf::hostnames_shown::remove
            ? names.remove(tag, settings.body_limits, edits)
            : names.rewrite(tag, settings.body_limits,
                            {.target = x.names->target,
                             .node = x.node,
                             .reading = x.facts.reading,
                             .same_origin = x.names->same_origin},
                            x.home->health(), edits);
    if (done == discovery::hostname_outcome::refused) {
        return std::nullopt;
    }
    return written(edits, body, room);
}

// The exchange ends without an answer that a client could use.
bool give_up(exchange& x, reason why) {
    exchange_failed(x, why);
    return false;
}

// The node has spoken BOSH, with the tag in core::tag. Most words are good ones; with some a node
// says that it is in trouble itself.
void note_word(const exchange& x) {
    core& home = *x.home;
    if (discovery::tells_of_trouble(home.tag)) {
        home.shared.nodes.hint(home, x.node);
    } else {
        home.shared.nodes.word(home, x.node);
    }
}

// Puts what the answer means in its place, and its tag into core::tag if it has a body. False: the
// exchange goes on, or has ended.
bool follow_translation(exchange& x, std::string_view& body) {
    core& home = *x.home;
    const routing::answer_translation meant = translate(x, body);
    if (meant.action == answer_action::pass) {
        note_word(x);
    }
    if (meant.action == answer_action::pass && !meant.retype && home.answer.status == 200) {
        return true;
    }
    const std::string& name = x.settings->nodes[x.node].name;
    log_limited(log_topic::node_answer, name,
                "node " + name + ": answered " + std::to_string(home.answer.status) + ": " +
                    std::string(routing::words_of(meant.meaning)) + " (" +
                    std::string(routing::name_of(meant.action)) + ")");
    home.counters.answers_translated.add();
    if (meant.action == answer_action::fail || meant.action == answer_action::repeat ||
        meant.meaning == routing::answer_meaning::crashed) {
        home.shared.nodes.hint(home, x.node);
    }
    switch (meant.action) {
    case answer_action::pass:
        make_bosh_answer(home.answer);
        return true;
    case answer_action::terminate:
        if (x.facts.client == discovery::client_kind::legacy && meant.status != 200) {
            home.answer.clear();
            home.answer.status = meant.status;
            body = {};
            return true;
        }
        make_bosh_answer(home.answer);
        body = routing::terminate_body(meant.condition);
        return routing::read_body_tag(body, {}, home.tag).ok(); // always: it is ours
    case answer_action::repeat:
        home.counters.held.add();
        if (exchange_repeat(x, meant.failure)) {
            return false;
        }
        home.counters.held.subtract();
        return give_up(x, reason::node_gateway);
    case answer_action::fail:
        return give_up(x, reason::node_not_bosh);
    }
    return true;
}

} // namespace

void exchange_end_session(core& home, const std::shared_ptr<const snapshot>& settings,
                          const session_to_end& what) {
    exchange& last = exchange_begin(home);
    last.settings = settings;
    last.node = what.node;
    last.client = what.client;
    last.secure = what.secure;
    last.verb = routing::method::post;
    last.bosh = true;
    last.purpose = exchange_purpose::login_more;
    last.request_class = routing::request_class::terminate;
    last.rid = what.rid;
    last.give_up_us = last.begun_us + ending_patience.count() * 1000;
    std::string body = "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' rid='" +
                       std::to_string(what.rid) + "' sid='";
    body.append(what.sid).append("'/>");
    last.request_bytes = body.size();
    last.request = node_request(last, nullptr, body);
    exchange_start(last);
}

void read_granted(const routing::body_tag& tag, session_facts& facts) noexcept {
    facts.wait = granted<std::uint16_t>(tag, body_attribute::wait);
    facts.inactivity = granted<std::uint16_t>(tag, body_attribute::inactivity);
    facts.requests = tag.has(body_attribute::requests)
                         ? granted<std::uint8_t>(tag, body_attribute::requests)
                         : requests_unlimited;
}

void make_bosh_answer(routing::answer_head& head) {
    head.clear();
    head.status = 200;
    head.add({routing::field_id::content_type, "Content-Type", routing::terminate_content_type});
}

namespace {

// What is offered in the answer with the features, whose tag is in core::tag.
void note_offer(const exchange& x) {
    if (x.begun_as) {
        x.begun_as->mechanisms = routing::sasl_mechanisms(x.home->tag, x.settings->body_limits);
    }
}

} // namespace

void exchange_deliver_session(exchange& x, std::string_view answer, std::string_view features) {
    core& home = *x.home;
    std::string next;
    const routing::body_limits& limits = x.settings->body_limits;
    if (!features.empty() && routing::read_body_tag(features, limits, home.tag).ok()) {
        note_offer(x);
        next = with_tag(x, features, home.edited);
    }
    // Read before, by whoever asked the node.
    [[maybe_unused]] const bool read = routing::read_body_tag(answer, limits, home.tag).ok();
    make_bosh_answer(home.answer);
    if (features.empty()) {
        note_offer(x);
    }
    learn_session(x, next);
    x.answered_us = home.loop.now_us();
    x.sink->on_answer(x, home.answer, with_tag(x, answer, home.edited));
}

void exchange_expect_names(exchange& x) {
    if (x.tagged || x.settings->config.discovery.hostnames == conf::hostnames_shown::keep) {
        return; // at the discovery endpoint there are none to be seen
    }
    x.names = std::make_unique<names_reader>();
    x.names->target = x.home->request.target;
    x.names->same_origin = x.cors.kind == routing::origin_kind::none ||
                           x.cors.kind == routing::origin_kind::same_origin;
}

std::optional<reason> exchange_read_start(exchange& x, std::string_view start,
                                          std::string_view& shown) {
    core& home = *x.home;
    const routing::body_error why =
        routing::read_body_tag(start, x.settings->body_limits, home.tag).why;
    if (why == routing::body_error::truncated) {
        return std::nullopt;
    }
    if (why != routing::body_error::none) {
        return reason::node_not_bosh;
    }
    if (ends_session(home.tag) && home.tag.is(body_attribute::condition, "see-other-uri")) {
        return reason::steered_away; // where to stands too far behind
    }
    shown = start;
    if (x.tagged) {
        routing::body_edits edits(home.tag);
        sid_rooms rooms;
        show_sid(x, edits, rooms);
        shown = written(edits, start, home.edited);
    }
    return reason::none;
}

bool exchange_take_bosh_answer(exchange& x, std::string_view& body) {
    core& home = *x.home;
    if (home.answer.find(routing::field_id::content_encoding) != nullptr) {
        if (x.tagged || !x.settings->request_fields.contains("Accept-Encoding")) {
            const std::string& name = x.settings->nodes[x.node].name;
            log_limited(log_topic::node_answer, name,
                        "node " + name +
                            ": answered in a Content-Encoding that it was not asked for");
            return give_up(x, reason::node_not_bosh);
        }
        // The operator lets Accept-Encoding through: what the body says stays the node's.
        if (x.of != nullptr) {
            if (!x.facts.authenticated) { // nobody is sent away for what cannot be known
                home.shared.sessions.logged_in(x);
            }
            [[maybe_unused]] const bool down = home.shared.sessions.answered(
                x, std::nullopt, false, x.sink != nullptr, home.loop.steady_ms());
        }
        return true;
    }
    if (plain(home, body)) {
        note_word(x);
    } else if (!follow_translation(x, body)) {
        return false;
    }
    if (x.of != nullptr && exchange_doubts(x, body)) {
        return false;
    }
    const bool ends = !body.empty() && ends_session(home.tag);
    if (ends && !is_own(x) && home.tag.is(body_attribute::condition, "see-other-uri") &&
        (x.tagged || !map_see_other(x, body))) {
        return give_up(x, reason::steered_away); // a tagged sid cannot move to another node
    }
    if (x.of != nullptr && !x.facts.authenticated && !ends && !body.empty() &&
        routing::shows_login(home.tag, x.settings->body_limits)) {
        home.shared.sessions.logged_in(x);
    }
    if (x.tagged && home.answer.status == 200 && !body.empty()) {
        body = with_tag(x, body, home.edited);
    }
    if (x.names && !ends && home.answer.status == 200 && !body.empty()) {
        const std::optional<std::string_view> shown = with_names(x, body, home.edited);
        if (!shown) {
            return give_up(x, reason::node_not_bosh);
        }
        body = *shown;
    }
    if (!body.empty() && !x.tagged) {
        note_hostnames(x, body); // which it can only follow if it sees them
    }
    if (x.of == nullptr) {
        if (x.opens_session && !body.empty()) {
            learn_session(x);
        }
        return true;
    }
    const bool keeps = home.answer.status == 200 && !body.empty();
    const bool down = home.shared.sessions.answered(x, keeps ? std::optional(body) : std::nullopt,
                                                    ends, x.sink != nullptr, home.loop.steady_ms());
    if (!down && x.sink != nullptr) {
        home.counters.held.add(); // until it goes down
        home.counters.answers_parked.add();
        exchange_pause(x, x.settings->config.sessions.reorder);
        return false;
    }
    return true;
}

} // namespace boshgate::proxy
