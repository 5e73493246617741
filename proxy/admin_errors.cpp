// /api/v1/errors: what went wrong lately, in words, with the mend.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"
#include "proxy/log_recent.hpp"
#include "proxy/mends.hpp"
#include "proxy/recent_counts.hpp"

#include <chrono>
#include <memory>
#include <string_view>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/json.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;
namespace json = boost::json;
using routing::node_index;
using routing::reason;

namespace {

using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

constexpr std::chrono::seconds reading{5};

std::int64_t ms(auto time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::int64_t steady_ms() {
    return ms(std::chrono::steady_clock::now().time_since_epoch());
}

std::int64_t unix_ms() {
    return ms(std::chrono::system_clock::now().time_since_epoch());
}

// Reads the counters of all reasons, so that it is known how much of them is recent. Lives as long
// as the handler that owns it.
class watch : public std::enable_shared_from_this<watch> {
  public:
    explicit watch(const admin_subject& of) : of_(of), next_(of.control.get_executor()) {}

    void look() {
        const std::int64_t now = steady_ms();
        for (std::size_t i = 0; i < routing::reason_count; ++i) {
            counts_.read(i, of_.proxy.ended(static_cast<reason>(i)), now);
        }
    }
    void look_on() {
        next_.expires_after(reading);
        next_.async_wait([self = weak_from_this()](const boost::system::error_code& ec) {
            if (const auto still = self.lock(); !ec && still) {
                still->look();
                still->look_on();
            }
        });
    }
    [[nodiscard]] json::array reasons() const;

  private:
    admin_subject of_;
    timer next_;
    recent_counts counts_{routing::reason_count};
};

json::array watch::reasons() const {
    json::array all;
    const std::int64_t now = steady_ms();
    for (std::size_t i = 0; i < routing::reason_count; ++i) {
        const auto why = static_cast<reason>(i);
        const advice what = mend_of(why);
        if (what.where == concern::none || counts_.last_ms(i) < 0) {
            continue;
        }
        all.push_back(json::object{{"reason", routing::name_of(why)},
                                   {"words", routing::words_of(why)},
                                   {"where", name_of(what.where)},
                                   {"mend", what.mend},
                                   {"count", of_.proxy.ended(why)},
                                   {"lately", counts_.lately(i, now)},
                                   {"last_unix_ms", unix_ms() - (now - counts_.last_ms(i))}});
    }
    return all;
}

// Those that are not well, whatever the operator wishes of them.
json::array nodes(app& proxy) {
    json::array all;
    const snapshot& settings = proxy.settings();
    for (std::size_t i = 0; i < settings.nodes.size(); ++i) {
        const auto node = static_cast<node_index>(i);
        if (!settings.in_use(node)) {
            continue;
        }
        const node_report now = proxy.shared().nodes.report(node);
        if (now.measured != discovery::health_state::up) {
            all.push_back(json::object{{"node", settings.nodes[i].name},
                                       {"state", discovery::name_of(now.measured)},
                                       {"reason", now.reason},
                                       {"words", now.words},
                                       {"evidence", now.evidence},
                                       {"mend", mend_of_health(now.reason)}});
        }
    }
    return all;
}

json::array log_lines() {
    json::array all;
    for (const log_entry& one : log_recent()) {
        all.push_back(json::object{
            {"number", one.number},
            {"unix_ms", one.unix_ms},
            {"level", one.level == conf::log_level::error ? "error" : "warning"},
            {"text", one.text},
            {"mend", one.topic ? json::value(mend_of(*one.topic)) : json::value(nullptr)}});
    }
    return all;
}

} // namespace

void add_errors(admin_server& to, const admin_subject& of) {
    const auto seen = std::make_shared<watch>(of);
    seen->look_on();
    to.get("/api/v1/errors", at_once([of, seen](const admin_request& /*asked*/) {
               seen->look();
               const json::object all{
                   {"lately_ms",
                    static_cast<std::int64_t>(recent_counts::minutes) * recent_counts::minute_ms},
                   {"nodes", nodes(of.proxy)},
                   {"reasons", seen->reasons()},
                   {"log", log_lines()}};
               return admin_answer{.body = json::serialize(all) + "\n"};
           }));
}

} // namespace boshgate::proxy
