#include "proxy/client_login.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/login_driver.hpp"
#include "routing/bosh_body.hpp"

#include <memory>
#include <string>
#include <utility>

namespace boshgate::proxy {

using discovery::login_failure;
using routing::reason;

namespace {

class client_login final : public login_owner {
  public:
    explicit client_login(exchange& x) : x_(x) {}

    void on_session(const login_session& opened) override {
        x_.login = nullptr;
        x_.node = opened.node;
        x_.for_node = true;
        exchange_deliver_session(x_, opened.answer, opened.features);
    }

    // It asks for a session.
    void on_homes(const discovery::login& /*done*/) override { failed(reason::no_node); }

    void on_no_login(const discovery::login& /*done*/, login_failure why,
                     std::string_view refusal) override {
        switch (why) {
        case login_failure::refused:
            refused(refusal);
            return;
        case login_failure::bad_answer:
            failed(reason::node_not_bosh);
            return;
        case login_failure::steered_away:
            failed(reason::steered_away);
            return;
        case login_failure::limited:
            failed(limit_);
            return;
        case login_failure::none:
        case login_failure::nobody:
        case login_failure::homes_down:
        case login_failure::out_of_time:
        case login_failure::out_of_steps:
        case login_failure::gone:
            failed(reason::no_node);
            return;
        }
    }

    void on_step_failed(routing::node_index /*node*/, reason why) override {
        if (is_own_limit(why)) {
            limit_ = why;
        }
    }

  private:
    // The node's own word; to a client without `ver` as one of the HTTP codes (XEP-0124 17.1).
    void refused(std::string_view refusal) {
        core& home = *x_.home;
        x_.login = nullptr;
        make_bosh_answer(home.answer);
        if (x_.facts.client == discovery::client_kind::legacy &&
            routing::read_body_tag(refusal, x_.settings->body_limits, home.tag).ok()) {
            const int status = routing::legacy_status_of(condition_in(home.tag));
            if (status != 0) {
                home.answer.clear();
                home.answer.status = status;
                refusal = {};
            }
        }
        x_.sink->on_answer(x_, home.answer, refusal);
    }

    void failed(reason why) {
        x_.login = nullptr;
        x_.sink->on_failure(x_, why);
    }

    exchange& x_;
    reason limit_ = reason::node_links; // that kept a node from being asked
};

} // namespace

void start_client_login(exchange& x, std::string_view body, std::string_view user) {
    core& home = *x.home;
    login_task task{.purpose = discovery::login_purpose::session,
                    .user = std::string(user),
                    .message =
                        login_message(home, x.settings, x.client, x.secure, &home.request, body),
                    .rid = x.rid,
                    .client = x.client,
                    .secure = x.secure,
                    .keyed = home.tag.keyed()};
    if (!login_driver::may_ask(home, *x.settings, task)) {
        x.sink->on_failure(x, reason::address_questions);
        return;
    }
    home.counters.logins.add();
    const std::shared_ptr<login_driver> made =
        login_driver::make(home, x.settings, std::move(task), std::make_unique<client_login>(x));
    x.login = made.get();
    made->start();
}

} // namespace boshgate::proxy
