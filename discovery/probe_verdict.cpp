#include "discovery/probe_verdict.hpp"

#include "routing/hostnames.hpp"

#include <algorithm>
#include <array>

namespace boshgate::discovery {

using routing::answer_meaning;
using routing::body_attribute;

namespace {

constexpr probe_finding good{probe_verdict::good, health_reason::none};

constexpr probe_finding bad(health_reason why) {
    return {probe_verdict::bad, why};
}

} // namespace

bool tells_of_trouble(const routing::body_tag& tag) noexcept {
    return tag.is(body_attribute::type, "terminate") &&
           (tag.is(body_attribute::condition, "remote-connection-failed") ||
            tag.is(body_attribute::condition, "system-shutdown") ||
            tag.is(body_attribute::condition, "internal-server-error"));
}

probe_finding find_invented(const routing::node_answer& answer,
                            const routing::body_tag& tag) noexcept {
    const routing::answer_translation meant =
        routing::translate_answer(answer, routing::asked_for::in_session);
    switch (meant.meaning) {
    case answer_meaning::bosh:
    case answer_meaning::bosh_other_status:
        return tells_of_trouble(tag) ? bad(health_reason::sick) : good;
    case answer_meaning::unknown_session:
        return {probe_verdict::ask_empty, health_reason::none};
    case answer_meaning::bad_request:
        // BOSH servers that complain do it without a page; an HTTPS port that is spoken to in HTTP
        // has one.
        return answer.begin.empty() ? good : bad(health_reason::no_bosh);
    case answer_meaning::too_many_requests:
        return good; // it, or what stands before it, is there and has had enough of us
    case answer_meaning::crashed:
        return bad(health_reason::sick);
    case answer_meaning::box_in_between:
        return bad(health_reason::gateway);
    case answer_meaning::refused:
    case answer_meaning::ended:
    case answer_meaning::redirect:
    case answer_meaning::wrong_path:
    case answer_meaning::unexpected_status:
    case answer_meaning::empty:
    case answer_meaning::html:
    case answer_meaning::not_bosh:
        break;
    }
    return bad(health_reason::no_bosh);
}

probe_finding find_session(const routing::node_answer& answer, const routing::body_tag& tag,
                           bool polled, bool wants_names) noexcept {
    const routing::answer_translation meant = routing::translate_answer(
        answer, polled ? routing::asked_for::in_session : routing::asked_for::session);
    if (meant.meaning == answer_meaning::box_in_between) {
        return bad(health_reason::gateway);
    }
    if (meant.action != routing::answer_action::pass) {
        return bad(polled ? health_reason::no_session : health_reason::no_bosh);
    }
    if (tag.is(body_attribute::type, "terminate") || (!polled && !tag.has(body_attribute::sid))) {
        return bad(health_reason::no_session);
    }
    const std::string_view payload =
        answer.begin.substr(std::min<std::size_t>(answer.begin.size(), tag.payload_begin()));
    if (payload.find("features") == std::string_view::npos) {
        return polled ? bad(health_reason::no_mechanisms)
                      : probe_finding{probe_verdict::poll, health_reason::none};
    }
    if (payload.find("mechanism>") == std::string_view::npos) {
        return bad(health_reason::no_mechanisms);
    }
    std::array<routing::hostname_text, 1> names;
    if (wants_names && routing::find_hostnames(tag, routing::body_limits{}, names).count == 0) {
        return bad(health_reason::no_hostnames);
    }
    return good;
}

probe_finding find_empty(const routing::node_answer& answer) noexcept {
    switch (answer.status) {
    case 200: // Punjab ends what it cannot read with a terminate
        return answer.body == routing::body_error::none && !answer.begin.empty()
                   ? good
                   : bad(health_reason::no_bosh);
    case 400:
        return good;
    case 502:
    case 503:
    case 504:
        return bad(health_reason::gateway);
    default:
        return bad(health_reason::no_bosh);
    }
}

} // namespace boshgate::discovery
