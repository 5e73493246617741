#include "proxy/caxl_evidence.hpp"

#include "proxy/core.hpp"
#include "proxy/exchange.hpp"
#include "routing/hostnames.hpp"

#include <array>
#include <span>

namespace boshgate::proxy {

using discovery::client_kind;
using discovery::discovery_evidence;
using routing::body_attribute;

namespace {

// The user of a session request: nobody, if its `from` is none.
user_hash user_of(const exchange& x) {
    const routing::body_tag& tag = x.home->tag;
    std::array<char, 4096> room; // a longer one is no JID
    return user_hash_of(x.client, tag.value(body_attribute::from, room).value_or(""),
                        x.settings->log_key);
}

bool waits_for_login(const exchange& x) noexcept {
    return x.facts.user != 0 && !x.facts.authenticated;
}

// What the names of an answer come to, for CAXL that reads them: those of Kerberos (XEP-0233 0.2)
// are not about nodes, and of the others it takes two.
discovery::nodes_told told_by(const exchange& x, std::span<const routing::hostname_text> names) {
    discovery::nodes_told told;
    for (const routing::hostname_text& one : names) {
        if (one.for_mechanism || told.named == told.nodes.size()) {
            continue;
        }
        if (one.written.find("://") != std::string_view::npos) {
            return {}; // CAXL stays where such a name is, discovery or not (caxl.md b)
        }
        ++told.named;
        if (const auto node = x.settings->names.find(one, x.node)) {
            told.nodes[told.known++] = *node;
        }
    }
    return told;
}

} // namespace

void recognise_asker(exchange& x) {
    core& home = *x.home;
    const routing::field* type = home.request.find(routing::field_id::content_type);
    const client_kind kind =
        discovery::recognise_client(home.tag, type == nullptr ? std::string_view() : type->value);
    x.facts.client = kind;
    if (kind != client_kind::caxl || x.tagged) {
        return; // the discovery endpoint shows nobody hostnames, and treats all CAXL alike
    }
    x.facts.user = user_of(x);
    if (x.facts.user == 0) {
        return;
    }
    const discovery_evidence seen =
        home.shared.caxl.on_session_request(x.facts.user, x.node, home.loop.steady_ms());
    x.facts.client = discovery::with_evidence(kind, seen);
    if (seen != discovery_evidence::none) {
        (seen == discovery_evidence::followed ? home.counters.caxl_discovery
                                              : home.counters.caxl_thin)
            .add();
    }
}

void note_hostnames(exchange& x, std::string_view body) {
    core& home = *x.home;
    if (!waits_for_login(x) || body.find("hostname") == std::string_view::npos) {
        return;
    }
    std::array<routing::hostname_text, 8> names;
    const routing::hostnames_found found =
        routing::find_hostnames(home.tag, x.settings->body_limits, names);
    if (home.shared.caxl.on_hostnames(x.facts.user, x.node,
                                      told_by(x, std::span(names).first(found.count)),
                                      home.loop.steady_ms())) {
        home.counters.caxl_forgotten.add();
    }
}

void note_step(exchange& x) {
    core& home = *x.home;
    if (!waits_for_login(x)) {
        return;
    }
    if (x.request_class == routing::request_class::terminate) {
        home.shared.caxl.on_left(x.facts.user, x.node, home.loop.steady_ms());
        return;
    }
    // RFC 6120 6.4.2. CAXL knows no other way to log in.
    const std::string_view payload = home.tag.document().substr(home.tag.payload_begin());
    if (payload.find("<auth") == std::string_view::npos) {
        return;
    }
    const discovery_evidence seen =
        home.shared.caxl.on_authentication(x.facts.user, x.node, home.loop.steady_ms());
    const client_kind kind = discovery::with_evidence(client_kind::caxl, seen);
    if (kind == x.facts.client) {
        return;
    }
    x.facts.client = kind;
    if (x.of != nullptr) {
        home.shared.sessions.recognised(x);
    }
    if (kind == client_kind::caxl_thin) {
        home.counters.caxl_thin.add();
    }
}

} // namespace boshgate::proxy
