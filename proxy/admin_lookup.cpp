// /api/v1/lookup: where a user's next session would be opened, and why. It is the login's own state
// machine that says so, with what the cache and the health of nodes hold at this moment; nobody is
// asked unless the question says so.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"
#include "proxy/home_lookup.hpp"
#include "proxy/login_report.hpp"
#include "routing/user_hint.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;
namespace json = boost::json;
using discovery::login_action;
using discovery::login_do;
using discovery::login_homes;
using discovery::login_reason;
using discovery::no_node;
using routing::node_index;

namespace {

// Questions that ask nodes, at once: each opens a session or more.
constexpr int asks_max = 4;
// Beyond discovery.patience, which bounds a login.
constexpr std::chrono::milliseconds slack{5'000};

using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

// What a login asks of nodes' health, as core::health(), for a thread that is no core's.
struct moment {
    const node_states& nodes;
    std::uint64_t now_ms;

    [[nodiscard]] discovery::health_view view() const noexcept {
        return {.dead =
                    [](const void* whose, node_index node) noexcept {
                        const moment& at = *static_cast<const moment*>(whose);
                        return at.nodes.avoided(node, at.now_ms);
                    },
                .whose = this};
    }
};

std::uint64_t steady_now_ms() {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

// As a login takes them: a node may have been taken out by a reload.
login_homes stored_homes(app& proxy, const routing::bare_jid& user) {
    const snapshot& settings = proxy.settings();
    login_homes known = proxy.shared().homes.find(user.text());
    if (known.backup != no_node && !settings.in_use(known.backup)) {
        known.backup = no_node;
    }
    return known.home == no_node || settings.in_use(known.home) ? known : login_homes{};
}

login_action first_step(app& proxy, const login_homes& stored) {
    const snapshot& settings = proxy.settings();
    const moment at{proxy.shared().nodes, steady_now_ms()};
    discovery::login login(login_rules_of(settings.config.discovery),
                           {.first = settings.primary,
                            .second = settings.secondary,
                            .count = static_cast<std::uint16_t>(settings.nodes.size())},
                           at.view());
    return login.on_start(discovery::login_purpose::session, stored, 0);
}

// "node-a1 takes no connections: refused", "node-a1 is draining".
std::string condition_of(app& proxy, node_index node) {
    const node_report report = proxy.shared().nodes.report(node);
    return proxy.settings().nodes[node].name + (report.words.empty()
                                                    ? " is " + std::string(name_of(report.state))
                                                    : " " + std::string(report.words));
}

std::string why_not(app& proxy, const login_homes& stored) {
    std::string text = condition_of(proxy, stored.home);
    if (stored.backup != no_node) {
        text += ", " + condition_of(proxy, stored.backup);
    }
    return text;
}

// Why the login begins there, for people.
std::string words_of(app& proxy, const login_homes& stored, const login_action& next) {
    const snapshot& settings = proxy.settings();
    if (next.what != login_do::open) {
        return "no node is in use";
    }
    const std::string known =
        stored.none() ? "the user's nodes are not known at this moment"
                      : "the user's nodes are not in use (" + why_not(proxy, stored) + ")";
    switch (next.why) {
    case login_reason::stored_home:
        return "it is the user's home, as a login lately found out";
    case login_reason::stored_backup:
        return "it is the user's backup; the home is not in use: " +
               condition_of(proxy, stored.home);
    case login_reason::first:
        return known + "; the primary discovery node is asked first";
    case login_reason::second:
        return known + "; the secondary discovery node is asked first: " +
               condition_of(proxy, settings.primary);
    default:
        return known + "; no discovery node is in use, so any other node is asked";
    }
}

json::value name_or_null(const snapshot& settings, node_index node) {
    return node == no_node ? json::value(nullptr) : json::value(settings.nodes[node].name);
}

json::object known_json(app& proxy, const routing::bare_jid& user) {
    const snapshot& settings = proxy.settings();
    const login_homes stored = stored_homes(proxy, user);
    const login_action next = first_step(proxy, stored);
    const bool opens = next.what == login_do::open;
    json::value cached = nullptr;
    if (!stored.none()) {
        cached = json::object{{"home", name_or_null(settings, stored.home)},
                              {"backup", name_or_null(settings, stored.backup)}};
    }
    return {{"jid", user.text()},
            {"cached", std::move(cached)},
            {"next", name_or_null(settings, opens ? next.node : no_node)},
            {"why", opens ? json::value(name_of(next.why)) : json::value(nullptr)},
            {"words", words_of(proxy, stored, next)}};
}

// A login that only asks. It lives on core 0; the answer comes to the control thread.
struct question {
    explicit question(asio::io_context& of) : control(of), over(of.get_executor()) {}

    void answer(json::object report) {
        asio::post(control, [self = self.lock(), report = std::move(report)]() mutable {
            if (self) {
                self->found = std::move(report);
                self->over.cancel();
            }
        });
    }

    asio::io_context& control;
    timer over;
    json::object found; // empty: nothing has come
    std::weak_ptr<question> self;
};

class asker final : public login_reporter {
  public:
    asker(std::shared_ptr<question> of, std::shared_ptr<const snapshot> settings,
          routing::bare_jid user)
        : of_(std::move(of)), settings_(std::move(settings)), user_(std::move(user)) {}

  private:
    void on_report(login_report found) override { of_->answer(to_json(*settings_, user_, found)); }

    std::shared_ptr<question> of_;
    std::shared_ptr<const snapshot> settings_; // a reload may come in between
    routing::bare_jid user_;
};

void ask(core& home, const std::shared_ptr<question>& of, const routing::bare_jid& user) {
    const auto self = routing::ip_address::v4(0x7f000001); // this machine
    login_task task =
        lookup_task(home, home.settings, user, discovery::login_purpose::homes, self, true);
    login_driver::make(home, home.settings, std::move(task),
                       std::make_unique<asker>(of, home.settings, user))
        ->start();
}

bool wants_asking(std::string_view query) {
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        if (query.substr(0, end) == "ask=true") {
            return true;
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return false;
}

admin_answer json_answer(const json::object& all) {
    return {.body = json::serialize(all) + "\n"};
}

admin_task look_up(admin_subject of, std::shared_ptr<int> asking, const admin_request& asked) {
    const snapshot& settings = of.proxy.settings();
    if (settings.primary == no_node) {
        co_return admin_error(404, "discovery",
                              "there is no discovery endpoint: users choose their node themselves");
    }
    const std::optional<routing::bare_jid> user = routing::user_in_query(asked.query);
    if (!user) {
        co_return admin_error(400, "jid", "expected ?jid=alice@example.com");
    }
    json::object all = known_json(of.proxy, *user);
    if (!wants_asking(asked.query)) {
        co_return json_answer(all);
    }
    if (*asking >= asks_max) {
        co_return admin_error(429, "busy", "other questions are under way; ask again in a moment");
    }
    const auto sent = std::make_shared<question>(of.control);
    sent->self = sent;
    sent->over.expires_after(settings.config.discovery.patience + slack);
    core& home = *of.proxy.cores().front();
    home.loop.post([&home, sent, user = *user] { ask(home, sent, user); });
    ++*asking;
    co_await sent->over.async_wait(asio::as_tuple(asio::deferred));
    --*asking;
    if (sent->found.empty()) {
        co_return admin_error(503, "draining", "the cores do not answer any more");
    }
    all["asked"] = std::move(sent->found);
    co_return json_answer(all);
}

} // namespace

void add_lookup(admin_server& to, const admin_subject& of) {
    to.get("/api/v1/lookup", [of, asking = std::make_shared<int>(0)](const admin_request& asked) {
        return look_up(of, asking, asked);
    });
}

} // namespace boshgate::proxy
