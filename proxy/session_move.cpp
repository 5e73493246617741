#include "proxy/session_move.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/login_driver.hpp"
#include "proxy/node_request.hpp"
#include "routing/body_edit.hpp"
#include "routing/sasl_mechanisms.hpp"
#include "routing/sasl_user.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace boshgate::proxy {

using routing::body_attribute;
using routing::node_index;

struct session_move {
    std::shared_ptr<const session_origin> origin;
    login_task task;   // without a message: it has had its try, and stays
    std::string sid;   // at the node that it may leave
    std::string shown; // to the client
};

namespace {

// A longer session request is not kept: those of clients in use have 300 bytes.
constexpr std::size_t origin_request_max = 4096;

// A document with some attributes of its <body/> changed; empty: it cannot be.
template <typename Change>
std::string edited(std::string_view body, const routing::body_limits& limits, Change change) {
    routing::body_tag tag; // core::tag is the request's
    if (!routing::read_body_tag(body, limits, tag).ok()) {
        return {};
    }
    routing::body_edits edits(tag);
    if (!change(edits)) {
        return {};
    }
    std::string made(edits.size(), '\0');
    edits.write(made);
    return made;
}

bool done(routing::edit_error why) noexcept {
    return why == routing::edit_error::none;
}

// place_request makes the message of x, which was made for another node, one for x.node with this
// sid. It was written by node_request: its last field is Content-Length.
void place_request(exchange& x, std::string_view sid) {
    core& home = *x.home;
    const snapshot& settings = *home.settings; // where the node is now
    static constexpr std::string_view end = "\r\n\r\n";
    const std::string_view old = x.request.view();
    const std::size_t head = old.find(end) + end.size();
    const std::string body =
        edited(old.substr(head), settings.body_limits, [&](routing::body_edits& edits) {
            return done(edits.set(body_attribute::sid, sid));
        });
    std::string_view fields = old.substr(0, head - end.size());
    fields.remove_prefix(start_of_node(fields));
    fields = fields.substr(0, fields.rfind(' ') + 1);
    const std::string_view start = settings.nodes[x.node].post_start;
    block made = home.blocks.take(start.size() + fields.size() + 20 + end.size() + body.size());
    made.append(start);
    made.append(fields);
    made.append_number(body.size());
    made.append(end);
    made.append(body);
    x.request = std::move(made);
}

class mover final : public login_owner {
  public:
    explicit mover(exchange& x) : x_(x) {}

    void on_session(const login_session& opened) override;
    void on_homes(const discovery::login& /*done*/) override { stay(); }
    void on_no_login(const discovery::login& done, discovery::login_failure why,
                     std::string_view /*refusal*/) override {
        using discovery::login_failure;
        const bool tried = why == login_failure::homes_down || why == login_failure::out_of_time ||
                           why == login_failure::out_of_steps;
        if (tried && !done.homes().none() && !done.homes().has(x_.node)) {
            turn_away();
        } else {
            stay();
        }
    }

    void on_core_end() override {
        x_.login = nullptr;
        exchange_end(x_);
    }

  private:
    void stay() {
        x_.login = nullptr;
        x_.move.reset();
        exchange_send(x_);
    }
    void turn_away();
    void end_first(const session_move& move);

    exchange& x_;
};

void mover::end_first(const session_move& move) {
    if (move.sid.find_first_of("'<&") == std::string::npos) { // else its time ends it
        exchange_end_session(*x_.home, x_.settings,
                             {.node = x_.node,
                              .sid = move.sid,
                              .rid = x_.rid,
                              .client = x_.client,
                              .secure = x_.secure});
    }
}

// The user's nodes are known, and none is up: nobody is logged in at another one, whether the user
// was named before or is now.
void mover::turn_away() {
    const session_move_ptr move = std::move(x_.move);
    x_.login = nullptr;
    end_first(*move);
    x_.home->counters.held.subtract();
    exchange_failed(x_, routing::reason::no_node);
}

void mover::on_session(const login_session& opened) {
    core& home = *x_.home;
    const session_move_ptr move = std::move(x_.move);
    const routing::body_limits& limits = x_.settings->body_limits;
    // The driver has read it.
    [[maybe_unused]] const bool read = routing::read_body_tag(opened.answer, limits, home.tag).ok();
    routing::sid_tagger::raw_room room;
    const std::string sid(home.tag.value(body_attribute::sid, room).value_or(""));
    session_facts granted;
    read_granted(home.tag, granted);
    const bool asked_more = !opened.features.empty(); // then its next rid is used up
    if (opened.node == x_.node || asked_more || granted.requests < x_.facts.requests ||
        routing::sasl_mechanisms(home.tag, limits) != move->origin->mechanisms ||
        opened.done->homes().none()) {
        exchange_end_session(home, x_.settings,
                             {.node = opened.node,
                              .sid = opened.sid,
                              .rid = opened.next_rid,
                              .client = x_.client,
                              .secure = x_.secure});
        stay();
        return;
    }
    end_first(*move);
    x_.node = opened.node;
    home.shared.sessions.moved(x_, {.node = opened.node, .sid = sid, .shown = move->shown},
                               granted);
    exchange_set_wait(x_, std::chrono::seconds{granted.wait});
    place_request(x_, sid);
    x_.shown_sid = std::make_unique<std::string>(move->shown);
    home.counters.sessions_moved.add();
    x_.login = nullptr;
    exchange_send(x_);
}

} // namespace

void session_move_end::operator()(session_move* one) const noexcept {
    delete one;
}

std::unique_ptr<session_origin> origin_of(const routing::body_tag& tag, std::string_view body) {
    std::array<char, routing::bare_jid::part_max> room;
    const std::optional<std::string_view> domain = tag.value(body_attribute::to, room);
    if (!domain || domain->empty() || tag.has(body_attribute::newkey) ||
        body.size() > origin_request_max) {
        return nullptr;
    }
    auto made = std::make_unique<session_origin>();
    made->request = body;
    made->domain = *domain;
    return made;
}

namespace {

// task_of makes the login of the user whom the first message of SASL names; without a message where
// it names nobody, or nobody who lives elsewhere.
login_task task_of(const exchange& x, const session_origin& origin) {
    core& home = *x.home;
    const routing::body_limits& limits = x.settings->body_limits;
    const routing::sasl_start start = routing::sasl_user_of(home.tag, limits, origin.domain);
    if (!start.user || origin.mechanisms.empty()) {
        return {};
    }
    const std::string& user = start.user->text();
    if (home.shared.homes.find(user).home == x.node) {
        return {};
    }
    const std::string asked = edited(origin.request, limits, [&](routing::body_edits& edits) {
        return done(edits.set(body_attribute::rid, x.rid - 1)) &&
               done(edits.set(body_attribute::from, user));
    });
    if (asked.empty()) {
        return {};
    }
    return {.purpose = discovery::login_purpose::session,
            .user = user,
            .message = login_message(home, x.settings, x.client, x.secure, &home.request, asked),
            .rid = x.rid - 1,
            .client = x.client,
            .secure = x.secure,
            .first = x.node};
}

} // namespace

void prepare_move(exchange& x, std::string_view sid, std::string_view shown) {
    core& home = *x.home;
    if (settings_of(x).sessions.elsewhere.count() != 0) {
        return; // its next request may come to an instance that does not know of the move
    }
    const routing::body_tag& tag = home.tag;
    const std::string_view payload = tag.document().substr(tag.payload_begin());
    if (payload.find("<auth") == std::string_view::npos) {
        return;
    }
    std::shared_ptr<const session_origin> origin =
        home.shared.sessions.origin_of({.node = x.node, .sid = sid, .hash = x.session_hash}, x.rid);
    if (!origin) {
        return;
    }
    x.move.reset(new session_move());
    x.move->origin = std::move(origin);
    x.move->sid = sid;
    x.move->shown = shown;
    x.move->task = task_of(x, *x.move->origin);
}

void start_move(exchange& x) {
    core& home = *x.home;
    const login_task& task = x.move->task;
    if (task.message.empty() || !login_driver::may_ask(home, *x.settings, task)) {
        x.move.reset();
        exchange_send(x);
        return;
    }
    const std::shared_ptr<login_driver> made =
        login_driver::make(home, x.settings, x.move->task, std::make_unique<mover>(x));
    x.login = made.get();
    made->start();
}

bool follow_move(exchange& x) {
    const std::optional<session_place> place = x.home->shared.sessions.place_now(x);
    if (!place) {
        return true;
    }
    if (place->node >= x.settings->nodes.size()) {
        return false;
    }
    x.node = place->node;
    place_request(x, place->sid);
    x.shown_sid = std::make_unique<std::string>(place->shown);
    return true;
}

} // namespace boshgate::proxy
