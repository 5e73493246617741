#include "proxy/session_move.hpp"

#include "proxy/bosh_answer.hpp"
#include "proxy/core.hpp"
#include "proxy/login_driver.hpp"
#include "proxy/node_request.hpp"
#include "routing/body_edit.hpp"
#include "routing/sasl_user.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace boshgate::proxy {

using routing::body_attribute;
using routing::node_index;

struct session_move {
    session_origin origin;
    login_task task;
    std::string sid;   // at the node that it may leave
    std::string shown; // to the client
};

namespace {

// A longer session request is not kept: those of clients in use have 300 bytes.
constexpr std::size_t origin_request_max = 4096;

// A document with some attributes of its <body/> changed; empty: it cannot be.
template <typename Change>
std::string edited(std::string_view body, Change change) {
    routing::body_tag tag; // core::tag is the request's
    if (!routing::read_body_tag(body, {}, tag).ok()) {
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
    const std::string body = edited(old.substr(head), [&](routing::body_edits& edits) {
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
    void on_no_login(const discovery::login& /*done*/, discovery::login_failure /*why*/,
                     std::string_view /*refusal*/) override {
        stay();
    }

  private:
    void stay() {
        x_.login = nullptr;
        x_.move.reset();
        exchange_send(x_);
    }

    exchange& x_;
};

void mover::on_session(const login_session& opened) {
    core& home = *x_.home;
    const session_move_ptr move = std::move(x_.move);
    const auto end = [&](node_index node, std::string_view sid, std::uint64_t rid) {
        exchange_end_session(
            home, x_.settings,
            {.node = node, .sid = sid, .rid = rid, .client = x_.client, .secure = x_.secure});
    };
    if (!routing::read_body_tag(opened.answer, {}, home.tag).ok()) {
        stay(); // the driver has read it
        return;
    }
    routing::sid_tagger::raw_room room;
    const std::string sid(home.tag.value(body_attribute::sid, room).value_or(""));
    const bool asked_more = !opened.features.empty(); // then its next rid is used up
    const std::string offered = mechanisms_in(asked_more ? opened.features : opened.answer);
    if (opened.node == x_.node || asked_more || offered != move->origin.mechanisms ||
        opened.done->homes().none()) {
        end(opened.node, opened.sid, opened.next_rid);
        stay();
        return;
    }
    if (move->sid.find_first_of("'<&") == std::string::npos) { // else its time ends it
        end(x_.node, move->sid, x_.rid);
    }
    x_.node = opened.node;
    home.shared.sessions.moved(x_, {.node = opened.node, .sid = sid, .shown = move->shown});
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

std::string mechanisms_in(std::string_view body) {
    static constexpr std::string_view begin = "<mechanism>";
    static constexpr std::string_view end = "</mechanism>";
    std::vector<std::string_view> all;
    for (std::size_t at = 0; (at = body.find(begin, at)) != std::string_view::npos;) {
        at += begin.size();
        const std::size_t stop = body.find(end, at);
        if (stop == std::string_view::npos) {
            break;
        }
        all.push_back(body.substr(at, stop - at));
        at = stop;
    }
    std::sort(all.begin(), all.end());
    std::string list;
    for (const std::string_view one : all) {
        list.append(one).append(" ");
    }
    return list;
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
    std::unique_ptr<session_origin> origin = home.shared.sessions.take_origin(
        {.node = x.node, .sid = sid, .hash = x.session_hash}, x.rid);
    if (!origin || origin->mechanisms.empty()) {
        return;
    }
    const routing::sasl_start start =
        routing::sasl_user_of(tag, x.settings->body_limits, origin->domain);
    if (!start.user) {
        return;
    }
    const std::string& user = start.user->text();
    if (home.shared.homes.find(user).home == x.node) {
        return;
    }
    session_move_ptr move(new session_move());
    move->origin = std::move(*origin);
    move->sid = sid;
    move->shown = shown;
    const std::string asked = edited(move->origin.request, [&](routing::body_edits& edits) {
        return done(edits.set(body_attribute::rid, x.rid - 1)) &&
               done(edits.set(body_attribute::from, user));
    });
    if (asked.empty()) {
        return;
    }
    move->task = {.purpose = discovery::login_purpose::session,
                  .user = user,
                  .message =
                      login_message(home, x.settings, x.client, x.secure, &home.request, asked),
                  .rid = x.rid - 1,
                  .client = x.client,
                  .secure = x.secure};
    if (login_driver::may_ask(home, *x.settings, move->task)) {
        x.move = std::move(move);
    }
}

void start_move(exchange& x) {
    core& home = *x.home;
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
