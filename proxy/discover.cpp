#include "proxy/discover.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/configuration.hpp"
#include "proxy/core.hpp"
#include "proxy/home_lookup.hpp"
#include "proxy/log.hpp"
#include "proxy/login_report.hpp"
#include "proxy/name_resolver.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

namespace boshgate::proxy {

using discovery::login_failure;
using discovery::login_homes;
using discovery::login_reason;
using discovery::login_step;
using discovery::no_node;
using discovery::step_end;
using routing::node_index;
using std::chrono::milliseconds;

namespace {

// Lets the loop run until the sessions are ended, or will end by themselves.
class farewell final : public timed {
  public:
    explicit farewell(core& home) : home_(home) {}

    void begin(milliseconds most) {
        until_ = home_.loop.now() + most;
        on_deadline();
    }

    void on_deadline() override {
        if (home_.counters.held.get() == 0 || home_.loop.now() >= until_) {
            home_.loop.stop();
            return;
        }
        home_.loop.set(*this, timer_wheel::tick);
    }

  private:
    core& home_;
    milliseconds until_{0};
};

class watcher final : public login_reporter {
  public:
    watcher(core& home, farewell& end, login_report& out) : home_(home), end_(end), out_(out) {}

  private:
    void on_opened(const login_session& opened) override {
        exchange_end_session(home_, home_.settings,
                             {.node = opened.node,
                              .sid = opened.sid,
                              .rid = opened.next_rid,
                              .client = {},
                              .secure = true});
    }

    void on_report(login_report found) override {
        out_ = std::move(found);
        end_.begin(home_.settings->config.discovery.step);
    }

    core& home_;
    farewell& end_;
    login_report& out_;
};

void find_addresses(core& home) {
    boost::asio::io_context context(1);
    name_resolver names(context,
                        [&home](node_index node, const std::vector<socket_address>& addresses,
                                const std::string& because) {
                            home.nodes[node].addresses = addresses;
                            home.nodes[node].unresolved_because = because;
                        });
    std::vector<name_resolver::watched> watched;
    for (const node_entry& node : home.settings->nodes) {
        watched.push_back({node.name, node.host, node.port});
    }
    names.watch(watched, home.settings->config.timeouts.resolve);
    const auto until = std::chrono::steady_clock::now() + home.settings->config.discovery.patience;
    while (names.unanswered() != 0 && context.run_one_until(until) != 0) {
    }
}

login_report ask(const std::shared_ptr<const snapshot>& settings, const routing::bare_jid& user,
                 access_log& access) {
    shared_state shared(*settings);
    core home(0, settings, shared, access);
    shared.cores.push_back(&home);
    find_addresses(home);
    login_report out;
    farewell end(home);
    home.loop.post([&] {
        const auto self = routing::ip_address::v4(0x7f000001); // this machine
        login_driver::make(
            home, settings,
            lookup_task(home, settings, user, discovery::login_purpose::session, self, true),
            std::make_unique<watcher>(home, end, out))
            ->start();
    });
    home.loop.run();
    return out;
}

std::string_view words_of(login_reason why) noexcept {
    switch (why) {
    case login_reason::stored_home:
    case login_reason::home:
        return "home";
    case login_reason::stored_backup:
    case login_reason::backup:
        return "backup";
    case login_reason::first:
        return "primary";
    case login_reason::second:
        return "secondary";
    case login_reason::again:
        return "asked again";
    case login_reason::any:
        return "any node";
    case login_reason::see_other:
        return "sent there";
    }
    return "";
}

std::string_view words_of(login_failure why) noexcept {
    switch (why) {
    case login_failure::nobody:
        return "no node answers";
    case login_failure::homes_down:
        return "none of these can be reached";
    case login_failure::refused:
        return "the node refuses it";
    case login_failure::bad_answer:
        return "no node answers as a BOSH server does";
    case login_failure::steered_away:
        return "sent to a node that is not configured";
    case login_failure::limited:
        return "this proxy is at a limit of its own";
    case login_failure::out_of_time:
        return "discovery.patience is over";
    case login_failure::out_of_steps:
        return "discovery.steps_max is reached";
    case login_failure::gone:
    case login_failure::none:
        break;
    }
    return "";
}

// One user's login in words.
class printer {
  public:
    printer(const snapshot& settings, const routing::bare_jid& user, const login_report& found)
        : settings_(settings), user_(user), found_(found) {}

    [[nodiscard]] std::string text() const {
        std::string out = user_.text() + ": ";
        const login_homes& homes = found_.homes;
        out += homes.none() ? "no home is known" : "home " + name(homes.home);
        if (homes.backup != no_node) {
            out += ", backup " + name(homes.backup);
        }
        out += found_.opened != no_node ? "; a session opens at " + name(found_.opened)
                                        : "; no session: " + std::string(words_of(found_.failure));
        out += '\n';
        std::size_t longest = 0;
        for (const login_step& step : found_.steps) {
            longest = std::max(longest, name(step.node).size());
        }
        for (const login_step& step : found_.steps) {
            out += right(std::to_string(step.began_ms), 6) + " ms" +
                   right("+" + std::to_string(step.took_ms), 7) + " ms  " +
                   left(name(step.node), longest) + "  " + left(words_of(step.why), 11) + "  " +
                   outcome(step) + '\n';
        }
        std::set<std::string> unknown;
        for (const auto& [node, all] : found_.unknown) {
            unknown.insert(all.begin(), all.end());
        }
        for (const std::string& one : unknown) {
            out += "no node of this configuration is called " + conf::in_quotes(one) +
                   ": add it to the aliases of the node that it means, or add that node\n";
        }
        return out;
    }

  private:
    [[nodiscard]] std::string name(node_index node) const { return settings_.nodes[node].name; }

    [[nodiscard]] std::string outcome(const login_step& step) const {
        switch (step.how) {
        case step_end::named_itself:
        case step_end::named_others:
            return "names " + name(step.named.home) +
                   (step.named.backup == no_node ? "" : " and " + name(step.named.backup)) +
                   unknown(step);
        case step_end::named_nobody:
            return "names nobody";
        case step_end::named_unknown:
            return "names nobody" + unknown(step);
        case step_end::dead:
            return because_of(step, "cannot be reached");
        case step_end::timeout:
            return "does not answer";
        case step_end::bad_answer:
            return "does not answer as a BOSH server does";
        case step_end::refused:
            return "refuses at present";
        case step_end::declined:
            return "does not serve this user";
        case step_end::unacceptable:
            return "does not take the request";
        case step_end::see_other:
            return "sends the user elsewhere";
        case step_end::limited:
            return "was not asked: " + because_of(step, "a limit of this proxy");
        case step_end::known_dead:
            return "is not asked again";
        case step_end::under_way:
        case step_end::left:
            break;
        }
        return "was left";
    }

    [[nodiscard]] std::string because_of(const login_step& step, const char* otherwise) const {
        const auto because = found_.unanswered.find(step.node);
        return because == found_.unanswered.end() ? otherwise
                                                  : std::string(routing::words_of(because->second));
    }

    [[nodiscard]] std::string unknown(const login_step& step) const {
        const auto names = found_.unknown.find(step.node);
        std::string text;
        if (step.unknown != 0 && names != found_.unknown.end()) {
            for (const std::string& one : names->second) {
                text += (text.empty() ? ", and " : ", ") + conf::in_quotes(one);
            }
            text +=
                names->second.size() == 1 ? ", which is no node here" : ", which are no nodes here";
        }
        return text;
    }

    static std::string right(const std::string& text, std::size_t width) {
        return std::string(width - std::min(width, text.size()), ' ') + text;
    }
    static std::string left(std::string_view text, std::size_t width) {
        return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
    }

    const snapshot& settings_;
    const routing::bare_jid& user_;
    const login_report& found_;
};

} // namespace

int discover(const std::string& config_file, const std::string& user, bool json, std::ostream& out,
             std::ostream& err) {
    const auto who = routing::bare_jid_of(user);
    if (!who) {
        err << "boshgate: " << conf::in_quotes(user)
            << " is no user, expected a JID such as alice@example.com\n";
        return 2;
    }
    const loaded_configuration loaded = load_configuration(config_file);
    for (const conf::problem& one : loaded.problems) {
        err << conf::to_string(one) << '\n';
    }
    if (!loaded.compiled) {
        return 1;
    }
    if (loaded.compiled->primary == no_node) {
        err << config_file
            << ": discovery: there is no discovery endpoint, expected "
               "discovery.path and discovery.primary\n";
        return 1;
    }
    std::signal(SIGPIPE, SIG_IGN);
    conf::log quiet;
    quiet.level = conf::log_level::warning;
    quiet.access = conf::access_log::off;
    std::string problem;
    const std::unique_ptr<access_log> access =
        log_open(quiet, problem) ? access_log::open(quiet, 1, problem) : nullptr;
    if (!access) {
        err << "boshgate: " << problem << '\n';
        return 1;
    }
    const login_report found = ask(loaded.compiled, *who, *access);
    out << (json ? boost::json::serialize(to_json(*loaded.compiled, *who, found)) + '\n'
                 : printer(*loaded.compiled, *who, found).text());
    return found.homes.none() || found.opened == no_node ? 1 : 0;
}

} // namespace boshgate::proxy
