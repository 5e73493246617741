// What is done with a request: refused, answered here, served from a file, or sent to a node.

#include "proxy/connection.hpp"

#include "proxy/core.hpp"
#include "proxy/listener.hpp"
#include "proxy/node_request.hpp"

#include <array>
#include <utility>

#include <unistd.h>

namespace boshgate::proxy {

using routing::field_id;
using routing::framing;
using routing::method;
using routing::origin_kind;
using routing::reason;

// judge decides what can be decided from the head alone, before the body has come: so that a
// request that leads nowhere costs no body, and nothing of it reaches a node. Leaves the CORS
// verdict and the node behind for dispatch.
reason connection::judge() {
    const snapshot& settings = *core_.settings;
    const routing::request_head& request = core_.request;
    cors_ =
        settings.cors.judge(routing::origin_of(request), request.host, transport_.ssl() != nullptr);
    if (cors_.kind == origin_kind::allowed) {
        core_.counters.cors_allowed.add();
    }
    to_discovery_ = settings.routes.find_discovery(request.path).has_value();
    std::optional<routing::node_index> node =
        to_discovery_ ? settings.primary : settings.routes.find(request.path);
    if (!node && request.verb == method::post) {
        node = settings.removed_at(request.path); // its sessions are told
    }
    to_node_ = node.has_value();
    node_ = node.value_or(0);
    own_ = to_node_ ? own_answer::none : own_answer_at(request.path);
    const bool own = own_ != own_answer::none;
    // A body that nobody wants is gathered like any other: the same bound, whoever answers.
    const bool too_large = request.body == framing::length &&
                           request.content_length > settings.config.limits.body_bytes;
    const auto has_file = [&] { return settings.files && settings.files->has(request.path); };
    if (request.verb == method::other || (request.verb == method::post && !to_node_)) {
        return to_node_ || own || has_file() ? reason::method : reason::no_route;
    }
    if (request.verb == method::options) {
        // A preflight asks about the origin, not about the path: a browser that is refused here
        // would hide the 404 that the request itself will get (Fetch 4.8).
        const bool known = to_node_ || own || request.path == "*" ||
                           routing::read_preflight(request, core_.scratch) || has_file();
        return !known ? reason::no_route : too_large ? reason::body_limit : reason::none;
    }
    if (own) {
        // `enforce` is about nodes, which know their users; this answers anybody who is let in.
        return own_ == own_answer::lookup && cors_.kind == origin_kind::refused
                   ? reason::origin_refused
               : too_large ? reason::body_limit
                           : reason::none;
    }
    if (!to_node_) {
        return !settings.files ? reason::no_route : too_large ? reason::body_limit : reason::none;
    }
    if (cors_.kind == origin_kind::refused && settings.cors.enforce()) {
        return reason::origin_refused;
    }
    if (too_large) {
        return reason::body_limit;
    }
    const routing::field* coding = request.find(field_id::content_encoding);
    if (coding != nullptr && !routing::equal_ignoring_case(coding->value, "identity")) {
        return reason::coded_body;
    }
    return reason::none;
}

// begin takes an exchange for the request in core::request.
exchange& connection::begin() {
    exchange& x = exchange_begin(core_);
    const routing::request_head& request = core_.request;
    core_.counters.fields_dropped.add(request.dropped_fields);
    const routing::client_origin client =
        routing::client_of(request, peer_, transport_.ssl() != nullptr, core_.settings->trusted);
    x.sink = this;
    x.client = client.address;
    x.secure = client.secure;
    x.client_port = client.address == peer_ ? port_ : std::uint16_t{0};
    x.verb = request.verb;
    x.minor_version = request.minor_version;
    x.keep_alive = request.keep_alive;
    x.cors = cors_;
    if (cors_.kind == origin_kind::allowed && cors_.block == routing::cors_verdict::no_block) {
        x.origin = routing::origin_of(request).value_or("");
    }
    if (core_.log.enabled()) {
        x.path = request.path;
        x.tls = transport_.ssl() != nullptr ? SSL_get_version(transport_.ssl()) : "";
    }
    exchange_ = &x;
    continued_ = false;
    return x;
}

void connection::dispatch(std::string_view body) {
    exchange& x = begin();
    core_.loop.unset(*this);
    phase_ = phase::waiting;
    if (x.verb == method::options) {
        dispatch_options(x);
    } else if (to_node_) {
        dispatch_node(x, body);
    } else if (own_ != own_answer::none) {
        dispatch_own(x);
    } else {
        dispatch_file(x);
    }
}

void connection::dispatch_options(exchange& x) {
    const snapshot& settings = *core_.settings;
    const std::optional<routing::preflight> asked =
        routing::read_preflight(core_.request, core_.scratch);
    if (!asked) {
        const bool posts =
            to_node_ || core_.request.path == "*"; // RFC 9110 9.3.7: "*" is all of us
        send_small(x, 204, reason::options,
                   posts ? "Allow: GET, HEAD, OPTIONS, POST\r\n" : "Allow: GET, HEAD, OPTIONS\r\n",
                   {});
        return;
    }
    if (cors_.kind == origin_kind::same_origin) {
        send_small(x, 204, reason::preflight, "Allow: GET, HEAD, OPTIONS, POST\r\n", {});
        return;
    }
    const std::string_view origin = routing::origin_of(core_.request).value_or("");
    const std::optional<std::string> fields = settings.cors.preflight_fields(cors_, origin, *asked);
    if (!fields) {
        x.cors.kind = origin_kind::refused;
        x.cors.block = routing::cors_verdict::no_block;
        refuse(x, cors_.kind == origin_kind::allowed ? reason::preflight_refused
                                                     : reason::origin_refused);
        return;
    }
    x.cors_done = true; // the block is complete, with Allow-Origin and Vary
    send_small(x, 204, reason::preflight, *fields, {});
}

void connection::dispatch_file(exchange& x) {
    opened_file file = core_.settings->files->find(core_.request, x.secure);
    if (file.why != reason::file && file.why != reason::bad_range) {
        refuse(x, file.why);
        return;
    }
    outgoing_ = std::make_unique<outgoing>();
    outgoing_->file = file.descriptor;
    outgoing_->offset = file.offset;
    outgoing_->left = file.count;
    outgoing_->status = file.status;
    outgoing_->why = file.why;
    begin_out(file.status);
    append_date();
    core_.out.append(file.fields);
    const std::array<std::string_view, 1> vary{"Accept-Encoding"};
    append_cors(x, {vary.data(), file.vary_on_coding ? vary.size() : 0});
    if (file.status != 304) {
        append_length(file.length);
    }
    append_connection_fields(x);
    core_.out.append("\r\n");
    if (!transport_.write(*core_.buffers, core_.out)) {
        leave(reason::client_closed);
        return;
    }
    if (outgoing_->left == 0) {
        finished(file.status, file.why);
        return;
    }
    phase_ = phase::sending;
    core_.loop.set(*this, core_.settings->config.timeouts.client_write);
    continue_sending();
}

void connection::dispatch_node(exchange& x, std::string_view body) {
    x.node = node_;
    x.tagged = to_discovery_;
    if (x.verb == method::post && x.settings->config.sessions.enabled) {
        dispatch_bosh(x, body);
        return;
    }
    if (!x.settings->in_use(x.node)) {
        refuse(x, reason::node_removed);
        return;
    }
    if (x.verb != method::post) {
        body =
            {}; // a body of GET means nothing (RFC 9110 9.3.1), and a node must not have to guess
        x.request_class = routing::request_class::page;
    } else {
        x.request_class = routing::request_class::keyed; // unread: never sent twice
    }
    x.request_bytes = body.size();
    x.request = node_request(x, &core_.request, body);
    exchange_start(x);
}

} // namespace boshgate::proxy
