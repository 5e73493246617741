// /api/v1/status: the process in one look.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"

#include <boost/json.hpp>
#include <unistd.h>

namespace boshgate::proxy {

namespace json = boost::json;

namespace {

std::int64_t ms(std::chrono::system_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

json::array listeners_of(const app& proxy) {
    json::array all;
    const std::vector<conf::listener>& listen = proxy.settings().config.listen;
    for (std::size_t i = 0; i < listen.size(); ++i) {
        all.push_back(json::object{{"address", listen[i].host},
                                   {"port", proxy.port(i)},
                                   {"tls", listen[i].tls.has_value()},
                                   {"proxy_protocol", listen[i].proxy_protocol}});
    }
    return all;
}

json::value discovery_of(const app& proxy) {
    const conf::config& config = proxy.settings().config;
    if (config.discovery.path.empty()) {
        return nullptr;
    }
    return json::object{{"path", config.prefix + config.discovery.path},
                        {"primary", config.discovery.primary},
                        {"secondary", config.discovery.secondary.empty()
                                          ? json::value(nullptr)
                                          : json::value(config.discovery.secondary)}};
}

admin_answer status(const admin_subject& of) {
    app& proxy = of.proxy;
    const conf::config& config = proxy.settings().config;
    const auto count = [&](counter core_counters::*which) { return proxy.total(which); };
    const json::object all{
        {"version", BOSHGATE_VERSION},
        {"state", name_of(state_of(of))},
        {"pid", ::getpid()},
        {"started_unix_ms", ms(of.started.time_since_epoch())},
        {"uptime_ms", ms(std::chrono::system_clock::now() - of.started)},
        {"cores", proxy.cores().size()},
        {"listeners", listeners_of(proxy)},
        {"connections", json::object{{"open", count(&core_counters::connections)},
                                     {"limit", config.limits.connections},
                                     {"accepted", count(&core_counters::connections_accepted)}}},
        {"sessions", json::object{{"open", proxy.shared().sessions.size()},
                                  {"limit", config.sessions.max},
                                  {"opened", count(&core_counters::sessions_opened)}}},
        {"exchanges", json::object{{"begun", count(&core_counters::exchanges)},
                                   {"held", count(&core_counters::held)}}},
        {"links", json::object{{"open", count(&core_counters::links)},
                               {"opened", count(&core_counters::links_opened)}}},
        {"nodes", proxy.settings().nodes_in_use()},
        {"discovery", discovery_of(proxy)}};
    return {.body = json::serialize(all) + "\n"};
}

} // namespace

void add_status(admin_server& to, const admin_subject& of) {
    to.get("/api/v1/status", at_once([of](const admin_request& /*asked*/) { return status(of); }));
}

} // namespace boshgate::proxy
