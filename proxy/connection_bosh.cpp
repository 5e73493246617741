// Requests with a <body/>: read, judged, and sent on as one of a session or for one.

#include "proxy/connection.hpp"

#include "proxy/bosh_signal.hpp"
#include "proxy/caxl_evidence.hpp"
#include "proxy/client_login.hpp"
#include "proxy/core.hpp"
#include "proxy/node_request.hpp"
#include "proxy/session.hpp"
#include "routing/ascii.hpp"
#include "routing/body_edit.hpp"
#include "routing/bosh_body.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace boshgate::proxy {

using discovery::signal_form;
using routing::body_attribute;
using routing::body_error;
using routing::reason;

namespace {

// Tells copies of a request from other requests under the same rid. Nothing hangs on it but a
// counter, so it is told by samples: the length, the first eight bytes, some from the middle, and
// those in front of "</body>".
std::uint16_t hash_of(std::string_view payload) noexcept {
    std::uint64_t hash = payload.size();
    const auto add = [&](std::size_t at) {
        std::uint64_t word = 0;
        std::memcpy(&word, payload.data() + at, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 32U;
    };
    if (constexpr std::size_t end = 7 + sizeof hash; payload.size() >= end) {
        const std::size_t last = payload.size() - end;
        add(0);
        add(last / 4);
        add(last / 2);
        add(last - last / 4);
        add(last);
    }
    return static_cast<std::uint16_t>(hash);
}

// A key is hexadecimal, in letters of any case (XEP-0124 15), and its hash a secret: nobody can
// choose another one that passes for it.
std::uint32_t hash_of_key(std::string_view key, const routing::session_hash_key& secret) noexcept {
    std::array<char, 64> folded{}; // longer than any key
    if (key.size() <= folded.size()) {
        routing::to_lower(key, folded.data());
        key = {folded.data(), key.size()};
    }
    return static_cast<std::uint32_t>(routing::session_hash(key, secret)) | 1U;
}

} // namespace

void connection::dispatch_bosh(exchange& x, std::string_view body) {
    const snapshot& settings = *x.settings;
    routing::body_tag& tag = core_.tag;
    x.bosh = true;
    x.request_bytes = body.size();
    if (authority_ != core_.request.host) {
        authority_ = core_.request.host;
    }
    body_error why = routing::check_body(body, settings.body_limits, tag).why;
    const bool read = why == body_error::none;
    if (read) {
        why = routing::check_request(tag);
    }
    if (why != body_error::none) {
        core_.counters.bodies_refused.add();
        x.request_class = routing::request_class::session_request;
        // Without `ver` it may be a session's request, whose client has one: only a session request
        // that was read tells.
        const bool legacy = read && !tag.has(body_attribute::sid) && !tag.has(body_attribute::ver);
        send_signal(x, reason::bad_body,
                    discovery::signal_for_body(why, legacy ? discovery::client_kind::legacy
                                                           : discovery::client_kind::unknown));
        return;
    }
    x.request_class = routing::class_of(tag);
    x.rid = tag.rid().value_or(0);
    x.print.payload = hash_of(body.substr(tag.payload_begin()));
    if (tag.has(body_attribute::key)) {
        x.print.key = hash_of_key(tag.written(body_attribute::key), settings.log_key);
    }
    if (!tag.has(body_attribute::sid)) {
        dispatch_session_request(x, body);
        return;
    }
    dispatch_in_session(x, body);
}

void connection::dispatch_in_session(exchange& x, std::string_view body) {
    const snapshot& settings = *x.settings;
    const routing::body_tag& tag = core_.tag;
    std::array<char, routing::sid_tagger::tagged_max> room;
    std::string_view sid = tag.coded(body_attribute::sid)
                               ? tag.value(body_attribute::sid, room).value_or("")
                               : tag.written(body_attribute::sid);
    routing::sid_tagger::raw_room raw;
    std::optional<session_place> place;
    routing::node_index opened_at = x.node;
    std::string_view shown;
    if (x.tagged) {
        const auto known = settings.tags->untag(sid, raw);
        if (!known) {
            send_signal(x, reason::unknown_sid, signal_of(x, reason::unknown_sid, reused_));
            return;
        }
        x.session_hash = routing::session_hash(known->raw, settings.log_key);
        place = core_.shared.sessions.place_now(
            {.node = known->node, .sid = known->raw, .hash = x.session_hash});
        if (place) {
            x.shown_sid = std::make_unique<std::string>(sid);
        }
        shown = sid;
        opened_at = known->node;
        x.node = place ? place->node : known->node;
        sid = known->raw;
        routing::body_edits edits(tag);
        // Cannot be refused: the attribute is there, and the text is what a node wrote.
        [[maybe_unused]] const auto why =
            edits.set(body_attribute::sid, place ? std::string_view(place->sid) : sid);
        core_.edited.resize(edits.size());
        edits.write(core_.edited);
        body = core_.edited;
    } else {
        x.session_hash = routing::session_hash(sid, settings.log_key);
    }
    if (!settings.in_use(x.node)) {
        // One that is not known yet: the session has moved there on a core that a reload has
        // reached, and this one not; in a moment it will.
        on_failure(x, x.node < settings.nodes.size() ? reason::node_removed
                                                     : reason::node_unreachable);
        return;
    }
    x.request = node_request(x, &core_.request, body);
    if (sid.empty() || sid.size() > session_table::sid_max) {
        exchange_start(x); // no session can be kept for it
        return;
    }
    if (x.tagged && !place) {
        prepare_move(x, sid, shown);
    }
    exchange_start_in_session(x, {.node = opened_at, .sid = sid, .hash = x.session_hash});
}

void connection::dispatch_session_request(exchange& x, std::string_view body) {
    const snapshot& settings = *x.settings;
    const conf::sessions_config& sessions = settings.config.sessions;
    routing::body_tag& tag = core_.tag;
    x.opens_session = true;
    if (!settings.in_use(x.node)) {
        on_failure(x, reason::node_removed);
        return;
    }
    recognise_asker(x);
    const reason refused = core_.shared.sessions.enter_request(x.client);
    if (refused != reason::none) {
        on_failure(x, refused);
        return;
    }
    x.entered = true;
    // The node holds a first answer too: no features yet (XEP-0206 4).
    const std::uint64_t asked = tag.number(body_attribute::wait).value_or(0);
    std::uint64_t wait = asked;
    routing::body_edits edits(tag);
    const auto most_wait = static_cast<std::uint64_t>(sessions.wait_max.count());
    if (most_wait != 0 && tag.has(body_attribute::wait) &&
        edits.lower(body_attribute::wait, most_wait) == routing::edit_error::none) {
        wait = std::min(asked, most_wait);
    }
    if (sessions.hold_max != 0) {
        // Cannot be refused: check_request has found a number, or nothing.
        [[maybe_unused]] const routing::edit_error why =
            edits.lower(body_attribute::hold, sessions.hold_max);
    }
    std::optional<routing::named_user> named;
    if (x.tagged) {
        named = named_user();
        if (named && named->by != routing::user_hint::from) {
            // A node names the home of whom the body names, and that is learnt. Refused only for
            // what no JID holds.
            [[maybe_unused]] const routing::edit_error why =
                edits.set(body_attribute::from, named->user.text());
        }
    }
    if (!edits.empty()) {
        core_.edited.resize(edits.size());
        edits.write(core_.edited);
        body = core_.edited;
    }
    exchange_set_wait(x, std::chrono::seconds{std::min<std::uint64_t>(wait, 65535)});
    if (x.tagged && !named && settings.config.discovery.move_at_auth) {
        x.begun_as = origin_of(tag, body);
    }
    if (x.tagged) {
        start_client_login(x, body,
                           named ? std::string_view(named->user.text()) : std::string_view());
        return;
    }
    x.facts.reading = discovery::name_reading_of(tag);
    exchange_expect_names(x);
    x.request = node_request(x, &core_.request, body);
    exchange_start(x);
}

// named_user finds out for whom the session request in core::request and core::tag is.
std::optional<routing::named_user> connection::named_user() const {
    const snapshot& settings = *core_.settings;
    const conf::discovery_config& discovery = settings.config.discovery;
    const bool believed = settings.trusted.contains(peer_);
    return routing::user_named_by(
        core_.tag, core_.request,
        {.segment = settings.routes.find_discovery(core_.request.path).value_or(""),
         .field = believed ? std::string_view(discovery.user_header) : std::string_view()});
}

void connection::on_failure(exchange& x, reason why) {
    if (x.bosh) {
        send_signal(x, why, signal_of(x, why, reused_));
    } else {
        refuse(x, why);
    }
}

// send_signal tells the client of a request with a <body/> what discovery/failure_signal chose.
void connection::send_signal(exchange& x, reason why, const discovery::failure_signal& signal) {
    switch (signal.form) {
    case signal_form::close:
        // Not leave(): nothing of it is under way any more, though a pause before a repeat looks
        // so.
        exchange_ = nullptr;
        exchange_finish(x, 0, why);
        close(false);
        return;
    case signal_form::terminate: {
        static constexpr std::string_view fields =
            "Content-Type: text/xml; charset=utf-8\r\nCache-Control: no-store\r\n";
        send_small(x, 200, why, fields, discovery::body_of(signal));
        return;
    }
    case signal_form::status:
        refuse_with(x, signal.status, why, signal.retry_after_s);
        return;
    }
}

} // namespace boshgate::proxy
