// /api/v1/nodes: what is known of each node, and the operator's wishes.

#include "conf/problem.hpp"
#include "conf/suggest.hpp"
#include "conf/url.hpp"
#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"
#include "proxy/log.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace boshgate::proxy {

namespace json = boost::json;
using discovery::node_wish;
using routing::node_index;

namespace {

constexpr std::string_view collection = "/api/v1/nodes/";

struct wish_word {
    std::string_view word;
    node_wish wish;
};
constexpr std::array<wish_word, 3> wish_words{{
    {"drain", node_wish::drain},
    {"disable", node_wish::disable},
    {"enable", node_wish::none},
}};

json::value or_null(std::string_view text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value role_of(const snapshot& settings, node_index node) {
    if (node == settings.primary) {
        return "primary";
    }
    return node == settings.secondary ? json::value("secondary") : json::value(nullptr);
}

std::optional<node_index> find(const snapshot& settings, std::string_view name) {
    for (std::size_t i = 0; i < settings.nodes.size(); ++i) {
        if (!settings.nodes[i].removed && settings.nodes[i].name == name) {
            return static_cast<node_index>(i);
        }
    }
    return std::nullopt;
}

admin_answer no_such_node(const snapshot& settings, const std::string& name) {
    std::vector<std::string_view> known;
    for (const node_entry& one : settings.nodes) {
        if (!one.removed) {
            known.push_back(one.name);
        }
    }
    const std::string_view near = conf::closest(name, known);
    return admin_error(404, "node",
                       "there is no node " + conf::in_quotes(name) +
                           (near.empty() ? "" : ", did you mean " + std::string(near) + "?"));
}

admin_answer list(const admin_subject& of) {
    json::array all;
    for (std::size_t i = 0; i < of.proxy.settings().nodes.size(); ++i) {
        if (const auto node = static_cast<node_index>(i); of.proxy.settings().in_use(node)) {
            all.push_back(node_json(of.proxy, node));
        }
    }
    return {.body = json::serialize(json::object{{"nodes", std::move(all)}}) + "\n"};
}

admin_answer one_node(const admin_subject& of, const admin_request& asked) {
    const auto node = find(of.proxy.settings(), asked.tail);
    if (!node) {
        return no_such_node(of.proxy.settings(), asked.tail);
    }
    return {.body = json::serialize(node_json(of.proxy, *node)) + "\n"};
}

// NAME/drain, NAME/disable, NAME/enable.
admin_answer change(const admin_subject& of, const admin_request& asked) {
    const auto slash = std::min(asked.tail.rfind('/'), asked.tail.size());
    const std::string name = asked.tail.substr(0, slash);
    const std::string word = asked.tail.substr(std::min(slash + 1, asked.tail.size()));
    const auto* const wanted = std::find_if(wish_words.begin(), wish_words.end(),
                                            [&](const wish_word& w) { return w.word == word; });
    if (wanted == wish_words.end()) {
        return admin_error(404, "path",
                           "expected " + std::string(collection) +
                               "NAME/drain, NAME/disable or NAME/enable");
    }
    const auto node = find(of.proxy.settings(), name);
    if (!node) {
        return no_such_node(of.proxy.settings(), name);
    }
    log_info("admin listener: " + asked.peer + " asks to " + word + " node " + name);
    of.proxy.shared().nodes.wish(*node, wanted->wish);
    return {.body = json::serialize(node_json(of.proxy, *node)) + "\n"};
}

// What became of clients' requests for a node, and how quickly it answers where it does not hold.
struct answered {
    std::uint64_t requests = 0; // with an answer of the node
    std::uint64_t timed = 0;
    std::uint64_t sum_us = 0;
};

answered answered_by(const app& proxy, node_index node) {
    answered all;
    for (const std::unique_ptr<core>& one : proxy.cores()) {
        const node_counters& counts = one->node_counts[node];
        for (const auto& way : counts.ended) {
            all.requests += way[static_cast<std::size_t>(routing::reason::answered)].get();
        }
        for (std::size_t i = 0; i <= durations::bounds_us.size(); ++i) {
            all.timed += counts.answers.in(i);
        }
        all.sum_us += counts.answers.sum_us();
    }
    return all;
}

} // namespace

json::object node_json(app& proxy, node_index node) {
    const snapshot& settings = proxy.settings();
    const conf::node& conf = settings.config.nodes[node];
    const node_report report = proxy.shared().nodes.report(node);
    const answered answers = answered_by(proxy, node);
    json::array aliases;
    for (const std::string& alias : conf.aliases) {
        aliases.emplace_back(alias);
    }
    return {{"name", conf.name},
            {"path", settings.config.prefix + "/" + conf.name},
            {"url", conf::print_url(conf.url)},
            {"aliases", std::move(aliases)},
            {"role", role_of(settings, node)},
            {"state", name_of(report.state)},
            {"measured", name_of(report.measured)},
            {"reason", or_null(report.reason)},
            {"words", or_null(report.words)},
            {"evidence", or_null(report.evidence)},
            {"since_unix_ms", report.since_unix_ms},
            {"wish", name_of(report.wish)},
            {"sessions", proxy.shared().sessions.at(node)},
            {"held", report.held},
            {"links", proxy.shared().links[node].load(std::memory_order_relaxed)},
            {"answers", answers.requests},
            {"answer_time", json::object{{"count", answers.timed},
                                         {"sum_ms", static_cast<double>(answers.sum_us) / 1000}}},
            {"certificate_expires_unix_ms", report.certificate_expires == 0
                                                ? json::value(nullptr)
                                                : json::value(report.certificate_expires * 1000)}};
}

void add_nodes(admin_server& to, const admin_subject& of) {
    to.get("/api/v1/nodes", at_once([of](const admin_request& /*asked*/) { return list(of); }));
    to.get(std::string(collection),
           at_once([of](const admin_request& asked) { return one_node(of, asked); }));
    to.post(std::string(collection),
            at_once([of](const admin_request& asked) { return change(of, asked); }));
}

} // namespace boshgate::proxy
