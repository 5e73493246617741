// /livez and /readyz: what a service manager, a balancer or Kubernetes asks.

#include "proxy/admin_api.hpp"
#include "proxy/app.hpp"

#include <memory>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

namespace boshgate::proxy {

namespace asio = boost::asio;

namespace {

// A core answers within a millisecond; one that is only busy never takes so long.
constexpr std::chrono::milliseconds core_limit{5'000};

using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

// The cores that have not answered a question.
struct roll_call {
    explicit roll_call(asio::io_context& of) : over(of.get_executor()) {}
    timer over;
    std::size_t missing = 0;
};

// A process whose event loops stand still lives to the kernel only.
admin_task alive(admin_subject of) {
    const auto call = std::make_shared<roll_call>(of.control);
    call->over.expires_after(core_limit);
    for (const std::unique_ptr<core>& one : of.proxy.cores()) {
        ++call->missing;
        one->loop.post([call, &control = of.control] {
            asio::post(control, [call] {
                if (--call->missing == 0) {
                    call->over.cancel();
                }
            });
        });
    }
    if (call->missing != 0) {
        co_await call->over.async_wait(asio::as_tuple(asio::deferred));
    }
    if (call->missing == 0) {
        co_return admin_text(200, "alive\n");
    }
    co_return admin_text(503, std::to_string(call->missing) + " of " +
                                  std::to_string(of.proxy.cores().size()) +
                                  " cores do not answer\n");
}

admin_answer ready(const admin_subject& of) {
    switch (state_of(of)) {
    case admin_state::ready:
        break;
    case admin_state::starting:
        return admin_text(503, "starting: the names of " + std::to_string(of.unresolved()) +
                                   " nodes are still being looked up\n");
    case admin_state::draining:
        return admin_text(503, "draining: no new connections are taken\n");
    }
    return admin_text(200, "ready\n");
}

} // namespace

admin_state state_of(const admin_subject& of) {
    if (of.proxy.draining()) {
        return admin_state::draining;
    }
    return of.unresolved() != 0 ? admin_state::starting : admin_state::ready;
}

std::string_view name_of(admin_state state) noexcept {
    switch (state) {
    case admin_state::starting:
        return "starting";
    case admin_state::draining:
        return "draining";
    case admin_state::ready:
        break;
    }
    return "ready";
}

void add_health(admin_server& to, const admin_subject& of) {
    to.get("/livez", [of](const admin_request& /*asked*/) { return alive(of); });
    to.get("/readyz", at_once([of](const admin_request& /*asked*/) { return ready(of); }));
}

} // namespace boshgate::proxy
