// What is to be said of the answers of a node: to a <body/>, and to a GET. node_diagnosis.cpp has
// the rest.

#include "conf/problem.hpp"
#include "conf/units.hpp"
#include "discovery/node_diagnosis.hpp"
#include "routing/ascii.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace boshgate::discovery {
namespace {

using routing::answer_meaning;

constexpr std::size_t page_text_bytes = 50;

// What stands between the first of these tags, in whatever letters.
std::string_view inside(std::string_view html, std::string_view lower, std::string_view begin,
                        std::string_view end) {
    const auto at = lower.find(begin);
    const auto stop = at == std::string_view::npos ? at : lower.find(end, at);
    return stop == std::string_view::npos
               ? std::string_view()
               : html.substr(at + begin.size(), stop - at - begin.size());
}

// The title of a page, or its text: as far as it tells one page from another.
std::string text_of_page(std::string_view html) {
    html = html.substr(0, 4096);
    std::string lower;
    for (const char c : html) {
        lower += routing::ascii_lower(c);
    }
    if (const std::string_view title = inside(html, lower, "<title>", "</title>"); !title.empty()) {
        html = title;
    } else if (const auto body = lower.find("<body"); body != std::string::npos) {
        html.remove_prefix(body);
    }
    std::string out;
    bool in_tag = false;
    for (const char c : html) {
        in_tag = c == '<' || (in_tag && c != '>');
        const char shown = in_tag || c <= ' ' || c > '~' || c == '>' ? ' ' : c;
        if (shown != ' ' || (!out.empty() && out.back() != ' ')) {
            out += shown;
        }
    }
    out.resize(out.find_last_not_of(' ') + 1);
    if (out.size() > page_text_bytes) {
        const auto end = out.rfind(' ', page_text_bytes);
        out.resize(end == std::string::npos ? page_text_bytes : end);
        out += " ...";
    }
    return out;
}

void mend_path(finding& out, const bosh_facts& facts, const node_rules& rules) {
    if (!facts.found_at.empty()) {
        conf::node node = rules.node;
        node.url.target = facts.found_at;
        out.mend = "there is BOSH at " + facts.found_at + " of this node: " + in_place(rules);
        out.yaml = yaml_of(node);
        return;
    }
    out.mend = "switch BOSH on in the node, correct the path of its URL, or say with `host` which "
               "Host the node serves it for (" +
               place_of(rules) + ")";
}

void mend_plain(finding& out, const bosh_facts& facts, const node_rules& rules) {
    conf::node node = rules.node;
    node.url.tls = true;
    if (!facts.tls_trusted && !facts.tls_pin.empty()) {
        node.tls.pins = {facts.tls_pin};
    }
    out.what = "the port speaks TLS, and the URL says http";
    out.mend = in_place(rules);
    if (!node.tls.pins.empty()) {
        out.mend = "if this is the node's key (compare the pin on the node itself), " + out.mend;
    }
    out.yaml = yaml_of(node);
}

finding answers_bosh(const bosh_facts& facts, const node_rules& rules) {
    finding out{.check = "bosh"};
    out.measures.push_back({"took_ms", facts.answer.took_ms});
    out.what = "answers as a BOSH server does, in " + in_ms(facts.answer.took_ms);
    if (facts.meaning == answer_meaning::unknown_session) {
        out.what += " (404 for an unknown sid, as Openfire)";
    } else if (facts.terminates && facts.condition != "item-not-found") {
        out.how = verdict::warning;
        out.what =
            "is a BOSH server, but says " +
            (facts.condition.empty() ? "nothing about why" : conf::in_quotes(facts.condition)) +
            " to an unknown sid, where item-not-found is due";
        out.mend = "see what the node's log says";
    } else if (!facts.terminates) {
        out.how = verdict::warning;
        out.what = "answers with a <body/> that does not end an unknown session";
        out.mend = "see what the node's log says";
    }
    const auto limit = rules.config.health.timeout.count();
    if (facts.answer.took_ms >= limit) {
        out.how = verdict::warning;
        out.what += "; that is longer than health.timeout, so the node counts as down at times";
        out.mend = "find out what makes the node slow; or be more patient";
        out.yaml = "health: { timeout: " + enough_for(facts.answer.took_ms) + " }\n";
    } else if (facts.answer.took_ms > slow_ms) {
        out.how = std::max(out.how, verdict::warning);
        out.mend = out.mend.empty() ? "find out what makes the node slow" : out.mend;
    }
    return out;
}

// An answer that is no BOSH.
finding answers_else(const bosh_facts& facts, const node_rules& rules) {
    const answer_facts& answer = facts.answer;
    finding out{.check = "bosh", .how = verdict::wrong};
    out.what = std::string(routing::words_of(facts.meaning)) + " (" + status_of(answer) + ")";
    switch (facts.meaning) {
    case answer_meaning::unknown_session: // and nothing says that it is more than a missing page
    case answer_meaning::wrong_path:
        out.what = "there is no BOSH at this URL, or not for this Host (status 404)";
        mend_path(out, facts, rules);
        break;
    case answer_meaning::html:
    case answer_meaning::not_bosh:
    case answer_meaning::empty:
    case answer_meaning::unexpected_status:
        mend_path(out, facts, rules);
        break;
    case answer_meaning::redirect:
        out.what = "the node sends clients elsewhere (" + status_of(answer) + ", to " +
                   conf::in_quotes(answer.location) + ")";
        mend_path(out, facts, rules);
        break;
    case answer_meaning::box_in_between:
        out.mend = "ask the URL of the BOSH server itself, or see what the proxy between says";
        break;
    case answer_meaning::too_many_requests:
        out.how = verdict::warning;
        out.mend = "take this machine out of that limit: all users come from its address";
        break;
    case answer_meaning::bad_request:
    case answer_meaning::refused:
        out.mend =
            "see what the node's log says; a firewall for web applications may be in between";
        if (!facts.found_at.empty()) {
            mend_path(out, facts, rules);
        }
        break;
    default:
        out.mend = "see what the node's log says";
        break;
    }
    return out;
}

} // namespace

finding judge_bosh(const bosh_facts& facts, const node_rules& rules) {
    const answer_facts& answer = facts.answer;
    finding out{.check = "bosh", .how = verdict::wrong};
    if (facts.tls_answers) {
        mend_plain(out, facts, rules);
        return out;
    }
    if (answer.not_http) {
        out.what = "what listens there does not speak HTTP";
        out.mend = "use the port of the node's BOSH (" + place_of(rules) +
                   "), not one of XMPP such as 5222";
        return out;
    }
    if (answer.end != link_end::done) {
        out.what = "the node " + why_none(answer);
        out.mend = answer.end == link_end::silent ? "look at the node's process, and restart it"
                                                  : "see what the node's log says";
        return out;
    }
    const bool bosh = facts.meaning == answer_meaning::bosh ||
                      (facts.meaning == answer_meaning::unknown_session && facts.not_found_is_bosh);
    return bosh ? answers_bosh(facts, rules) : answers_else(facts, rules);
}

finding judge_page(const answer_facts& facts, bool bosh_answers) {
    finding out{.check = "page"};
    if (facts.end != link_end::done) {
        out.how = verdict::warning;
        out.what = "for a GET the node " + why_none(facts);
        out.mend = "see what the node's log says";
        return out;
    }
    const std::string text = text_of_page(facts.body);
    out.what = status_of(facts) + (text.empty() ? ", without a text" : ", \"" + text + "\"");
    if (facts.status == 200) {
        return out;
    }
    if (bosh_answers) {
        out.what += ": not every BOSH server has a page";
        return out;
    }
    out.how = verdict::warning;
    out.what += ": a BOSH server shows a page of its own there, as a rule";
    return out;
}

} // namespace boshgate::discovery
