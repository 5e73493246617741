// A node that says it does not know a request of a session (item-not-found) ends the session, for
// its client will not go on. Where several instances serve a session by turns, the node may be
// mistaken in two ways, and neither is the user's fault:
//
//   - The request overtook others that come through other instances. It is sent again a moment
//     later.
//   - The node held it as a poll, the link broke with the instance that had it, and a newer request
//     came before its repeat: Prosody 0.12 forgets such a poll (bosh.md 2.3). One instance alone
//     sees to the order; several cannot.
//
// In the second case the node owes the poll an empty answer (XEP-0124 11: the newer request ends
// it), and nothing is lost with it. That this is so, the answer before it tells: a node keeps the
// answers it gave last, so if it still has that one and not the poll's, it never gave one to the
// poll. Asking for an answer that is stored changes nothing at a node.

#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/exchange.hpp"
#include "proxy/node_request.hpp"
#include "routing/body_edit.hpp"

namespace boshgate::proxy {

using routing::body_attribute;

namespace {

constexpr std::string_view empty_body = "<body xmlns='http://jabber.org/protocol/httpbind'/>";

bool terminates(const routing::body_tag& tag) noexcept {
    return tag.is(body_attribute::type, "terminate");
}

bool may_doubt(const exchange& x) {
    // A key is good for one request (XEP-0124 15): nothing can be asked in between.
    return settings_of(x).sessions.elsewhere.count() != 0 && x.print.key == 0 &&
           x.request_class != routing::request_class::terminate;
}

// ask_before asks for the answer before x's. False: it cannot be asked.
bool ask_before(exchange& x) {
    const std::optional<session_place> place = x.home->shared.sessions.place_now(x);
    const std::string_view sid = place ? place->sid : x.of->sid;
    if (sid.find_first_of("'<&") != std::string_view::npos) {
        return false;
    }
    std::string body = "<body xmlns='http://jabber.org/protocol/httpbind' rid='" +
                       std::to_string(x.rid - 1) + "' sid='";
    body.append(sid).append("'/>");
    x.request = node_request(x, nullptr, body);
    x.doubt->asked_before = true;
    x.home->counters.held.add();
    exchange_open_link(x);
    return true;
}

} // namespace

bool exchange_doubts(exchange& x, std::string_view& body) {
    core& home = *x.home;
    const bool ends = !body.empty() && terminates(home.tag);
    const bool unknown = ends && home.tag.is(body_attribute::condition, "item-not-found");
    if (!x.doubt) {
        if (!unknown || !may_doubt(x)) {
            return false;
        }
        x.doubt = std::make_unique<refusal_doubt>();
        x.doubt->answer = body;
        home.counters.held.add();
        exchange_pause(x, settings_of(x).sessions.elsewhere);
        return true;
    }
    if (!x.doubt->asked_before) {
        return unknown && ask_before(x);
    }
    x.doubt->forgotten = !body.empty() && !ends && home.answer.status == 200;
    if (x.doubt->forgotten) {
        x.doubt->answer = empty_body;
    }
    body = x.doubt->answer;
    make_bosh_answer(home.answer);
    // Read before, or ours.
    [[maybe_unused]] const bool read = routing::read_body_tag(body, {}, home.tag).ok();
    return false;
}

} // namespace boshgate::proxy
