#include "proxy/login_report.hpp"

#include <utility>

#include <boost/json.hpp>

namespace boshgate::proxy {

namespace json = boost::json;
using discovery::login_failure;
using discovery::login_step;
using discovery::no_node;
using discovery::step_end;
using routing::node_index;

namespace {

json::value name_or_null(const snapshot& settings, node_index node) {
    return node == no_node ? json::value(nullptr) : json::value(settings.nodes[node].name);
}

// Why the link of a step failed, as far as a link was to blame.
json::value reason_of(const login_report& found, const login_step& step) {
    const auto because = found.unanswered.find(step.node);
    const bool is_told = step.how == step_end::dead || step.how == step_end::limited;
    return is_told && because != found.unanswered.end()
               ? json::value(routing::name_of(because->second))
               : json::value(nullptr);
}

json::array unknown_names_of(const login_report& found, const login_step& step) {
    json::array names;
    if (const auto unknown = found.unknown.find(step.node);
        step.unknown != 0 && unknown != found.unknown.end()) {
        for (const std::string& one : unknown->second) {
            names.emplace_back(one);
        }
    }
    return names;
}

} // namespace

json::object to_json(const snapshot& settings, const routing::bare_jid& user,
                     const login_report& found) {
    json::array steps;
    for (const login_step& step : found.steps) {
        steps.push_back(json::object{{"node", settings.nodes[step.node].name},
                                     {"why", discovery::name_of(step.why)},
                                     {"outcome", discovery::name_of(step.how)},
                                     {"home", name_or_null(settings, step.named.home)},
                                     {"backup", name_or_null(settings, step.named.backup)},
                                     {"reason", reason_of(found, step)},
                                     {"unknown_names", unknown_names_of(found, step)},
                                     {"polls", step.polls},
                                     {"began_ms", step.began_ms},
                                     {"took_ms", step.took_ms}});
    }
    return {{"jid", user.text()},
            {"home", name_or_null(settings, found.homes.home)},
            {"backup", name_or_null(settings, found.homes.backup)},
            {"opened", name_or_null(settings, found.opened)},
            {"failure", found.failure == login_failure::none
                            ? json::value(nullptr)
                            : json::value(discovery::name_of(found.failure))},
            {"steps", std::move(steps)}};
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
