// What the proxy itself tells: where a user's nodes are, and where its discovery endpoint is.

#include "proxy/connection.hpp"

#include "proxy/core.hpp"
#include "proxy/home_lookup.hpp"

#include <memory>
#include <string>
#include <utility>

namespace boshgate::proxy {

using discovery::login_failure;
using discovery::login_homes;
using discovery::login_purpose;
using discovery::no_node;
using routing::reason;

namespace {

constexpr unsigned lookups_again_s = 60; // rates are by the minute

} // namespace

// Waits for the homes on behalf of an exchange.
class connection::lookup_owner final : public login_owner {
  public:
    lookup_owner(connection& of, exchange& x, routing::bare_jid user)
        : of_(of), x_(x), user_(std::move(user)) {}

    void on_session(const login_session& /*opened*/) override {
        failed(reason::no_node);
    } // never: homes

    void on_homes(const discovery::login& done) override {
        x_.login = nullptr;
        of_.send_homes(x_, user_, done.homes());
    }

    void on_no_login(const discovery::login& /*done*/, login_failure why,
                     std::string_view /*refusal*/) override {
        if (why == login_failure::refused) {
            // Nobody here, or nobody at all: what a user without nodes gets, too.
            x_.login = nullptr;
            of_.send_homes(x_, user_, {});
            return;
        }
        failed(why == login_failure::limited ? limit_ : reason::no_node);
    }

    void on_step_failed(routing::node_index /*node*/, reason why) override {
        if (is_own_limit(why)) {
            limit_ = why;
        }
    }

  private:
    void failed(reason why) {
        x_.login = nullptr;
        of_.refuse(x_, why);
    }

    connection& of_;
    exchange& x_;
    routing::bare_jid user_;
    reason limit_ = reason::node_links; // that kept a node from being asked
};

connection::own_answer connection::own_answer_at(std::string_view path) const noexcept {
    const snapshot& settings = *core_.settings;
    if (!settings.lookup_path.empty() && routing::equal_ignoring_case(path, settings.lookup_path)) {
        return own_answer::lookup;
    }
    if (settings.config.discovery.host_meta) {
        if (path == conf::host_meta_paths[0]) {
            return own_answer::host_meta;
        }
        if (path == conf::host_meta_paths[1]) {
            return own_answer::host_meta_json;
        }
    }
    return own_answer::none;
}

void connection::dispatch_own(exchange& x) {
    if (own_ == own_answer::lookup) {
        dispatch_lookup(x);
    } else {
        send_host_meta(x);
    }
}

void connection::dispatch_lookup(exchange& x) {
    const auto user = routing::user_in_query(core_.request.query);
    if (!user) {
        refuse(x, reason::no_user);
        return;
    }
    core_.counters.lookups.add();
    login_task task =
        lookup_task(core_, x.settings, *user, login_purpose::homes, x.client, x.secure);
    if (!core_.shared.lookups.take(x.client, x.settings->config.discovery.lookup.per_address,
                                   core_.loop.steady_ms()) ||
        !login_driver::may_ask(core_, *x.settings, task)) {
        refuse_with(x, routing::status_of(reason::address_lookups), reason::address_lookups,
                    lookups_again_s);
        return;
    }
    const std::shared_ptr<login_driver> made = login_driver::make(
        core_, x.settings, std::move(task), std::make_unique<lookup_owner>(*this, x, *user));
    x.login = made.get();
    made->start();
}

void connection::send_homes(exchange& x, const routing::bare_jid& user, const login_homes& homes) {
    const snapshot& settings = *x.settings;
    std::string body = "{\"jid\":";
    append_json_text(body, user.text());
    const std::pair<std::string_view, routing::node_index> members[] = {{"home", homes.home},
                                                                        {"backup", homes.backup}};
    for (const auto& [key, node] : members) {
        body.append(",\"").append(key).append("\":");
        if (node == no_node) {
            body.append("null");
        } else {
            append_json_text(body, settings.config.prefix + '/' + settings.nodes[node].name);
        }
    }
    body.append("}\n");
    send_small(x, 200, reason::lookup,
               "Content-Type: application/json\r\nCache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               body);
}

// XEP-0156 3: any page may read it.
void connection::send_host_meta(exchange& x) {
    const conf::config& config = x.settings->config;
    if (core_.request.host.empty()) { // HTTP/1.0
        refuse(x, reason::no_route);
        return;
    }
    const std::string url = (x.secure ? "https://" : "http://") + std::string(core_.request.host) +
                            config.prefix + config.discovery.path;
    constexpr std::string_view relation = "urn:xmpp:alt-connections:xbosh";
    std::string fields = "Cache-Control: max-age=300\r\nX-Content-Type-Options: nosniff\r\n"
                         "Access-Control-Allow-Origin: *\r\nContent-Type: application/";
    std::string body;
    if (own_ == own_answer::host_meta) {
        fields += "xrd+xml\r\n";
        body = "<?xml version='1.0' encoding='utf-8'?>\n"
               "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n  <Link rel='";
        // Neither an authority nor a path of the configuration holds what XML would have to quote.
        body.append(relation).append("' href='").append(url).append("'/>\n</XRD>\n");
    } else {
        fields += "json\r\n";
        body = "{\"links\":[{\"rel\":\"";
        body.append(relation).append("\",\"href\":");
        append_json_text(body, url);
        body += "}]}\n";
    }
    x.cors_done = true;
    send_small(x, 200, reason::host_meta, fields, body);
}

} // namespace boshgate::proxy
