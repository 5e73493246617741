#include "proxy/login_report.hpp"

#include "proxy/home_lookup.hpp"

#include <utility>

namespace boshgate::proxy {

using discovery::login_failure;
using discovery::login_step;
using discovery::no_node;
using discovery::step_end;
using routing::node_index;

namespace {

void member(std::string& out, const snapshot& settings, std::string_view key, node_index node) {
    out.append(",\"").append(key).append("\":");
    if (node == no_node) {
        out += "null";
    } else {
        append_json_text(out, settings.nodes[node].name);
    }
}

void append_step(std::string& out, const snapshot& settings, const login_report& found,
                 const login_step& step) {
    out += "{\"node\":";
    append_json_text(out, settings.nodes[step.node].name);
    out.append(",\"why\":\"").append(discovery::name_of(step.why));
    out.append("\",\"outcome\":\"").append(discovery::name_of(step.how)).append("\"");
    member(out, settings, "home", step.named.home);
    member(out, settings, "backup", step.named.backup);
    const auto because = found.unanswered.find(step.node);
    out += ",\"reason\":";
    const bool is_told = step.how == step_end::dead || step.how == step_end::limited;
    out += is_told && because != found.unanswered.end()
               ? '"' + std::string(routing::name_of(because->second)) + '"'
               : "null";
    out += ",\"unknown_names\":[";
    if (const auto unknown = found.unknown.find(step.node);
        step.unknown != 0 && unknown != found.unknown.end()) {
        for (const std::string& one : unknown->second) {
            out += one == *unknown->second.begin() ? "" : ",";
            append_json_text(out, one);
        }
    }
    out += "],\"polls\":" + std::to_string(step.polls) +
           ",\"began_ms\":" + std::to_string(step.began_ms) +
           ",\"took_ms\":" + std::to_string(step.took_ms) + '}';
}

} // namespace

std::string to_json(const snapshot& settings, const routing::bare_jid& user,
                    const login_report& found) {
    std::string out = "{\"jid\":";
    append_json_text(out, user.text());
    member(out, settings, "home", found.homes.home);
    member(out, settings, "backup", found.homes.backup);
    member(out, settings, "opened", found.opened);
    out += ",\"failure\":";
    out += found.failure == login_failure::none
               ? "null"
               : '"' + std::string(discovery::name_of(found.failure)) + '"';
    out += ",\"steps\":[";
    for (const login_step& step : found.steps) {
        if (&step != found.steps.data()) {
            out += ',';
        }
        append_step(out, settings, found, step);
    }
    return out + "]}";
}

void login_reporter::take(const discovery::login& done) {
    report_.homes = done.homes();
    report_.steps.assign(done.trace().begin(), done.trace().end());
    on_report(std::move(report_));
}

void login_reporter::on_session(const login_session& opened) {
    report_.opened = opened.node;
    on_opened(opened);
    take(*opened.done);
}

void login_reporter::on_homes(const discovery::login& done) {
    take(done);
}

void login_reporter::on_no_login(const discovery::login& done, login_failure why,
                                 std::string_view /*refusal*/) {
    report_.failure = why;
    take(done);
}

void login_reporter::on_unknown_name(node_index said_by, std::string_view name) {
    report_.unknown[said_by].emplace(name);
}

void login_reporter::on_step_failed(node_index node, routing::reason why) {
    report_.unanswered.emplace(node, why);
}

} // namespace boshgate::proxy
