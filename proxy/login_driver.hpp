#pragma once
// Leads a client of the discovery endpoint to its user's node: the driver of discovery/login. It
// sends the client's own session request to one node after another, reads which nodes they name,
// ends the sessions that are not to be, and gives the client the answer of the one that is, as if
// there had been no other.
//
// It lives on the core of the exchange that it serves, until that has its answer or its client has
// gone. A session that is answered too late is ended all the same: nobody knows its sid.

#include "discovery/login.hpp"
#include "proxy/exchange.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/timer_wheel.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct core;

class login_driver final : public timed,
                           private answer_sink,
                           public std::enable_shared_from_this<login_driver> {
  public:
    // start begins for a session request whose head is core::request. `body`: as the nodes are to
    // get it; `user`: the bare JID that it names, empty: none. May answer x at once (failure).
    static void start(exchange& x, std::string_view body, std::string_view user);

    // client_left: nobody waits any more. Ends the exchange that is served, with what its client
    // got.
    void client_left(int status, routing::reason why);
    // woken: the login of the same user that this one waits for is over, or something else wants it
    // to go on by itself.
    void woken();

    void on_deadline() override;

  private:
    // A session that a node has opened for us.
    struct opened_session {
        routing::node_index node = discovery::no_node;
        std::string sid;            // as the node wrote it
        std::uint64_t last_rid = 0; // that the node has got
    };

    login_driver(exchange& x, std::string_view body, std::string_view user);

    void on_answer(exchange& x, const routing::answer_head& head, std::string_view body) override;
    void on_answer_head(exchange& x, const routing::answer_head& head) override;
    [[nodiscard]] bool on_answer_data(exchange& x, std::string_view data) override;
    void on_answer_end(exchange& x) override;
    void on_answer_cut(exchange& x, routing::reason why) override;
    void on_failure(exchange& x, routing::reason why) override;
    void on_detached(exchange& x, routing::reason why) override;
    [[nodiscard]] std::string base() const override { return {}; }

    void begin();
    void follow(const discovery::login_action& action);
    void cache(discovery::login_cache what);
    void open(const discovery::login_action& action);
    void poll(const discovery::login_action& action);
    void send(exchange& step, const discovery::login_action& action);
    void leave_session();
    void deliver();
    void fail(discovery::login_failure why);
    void drop_step();
    void over();

    void take_answer(std::string_view body);
    void take_terminate(std::string_view body);
    [[nodiscard]] discovery::node_word read_word(std::string_view body);
    void failed(discovery::step_end how, routing::node_index other = discovery::no_node);

    [[nodiscard]] std::int64_t now_ms() const;
    [[nodiscard]] static bool is_avoided(const void* whose, routing::node_index node) noexcept;

    core& core_;
    std::shared_ptr<const snapshot> settings_;
    exchange* client_;         // nullptr: it has its answer, or has gone
    exchange* step_ = nullptr; // what a node is asked at this moment
    discovery::login login_;
    std::string user_;
    std::string rest_;     // of the message to a node, behind its request line and Host
    opened_session open_;  // node no_node: none is open
    std::string answer_;   // to the session request
    std::string features_; // the answer with the features, where these came later
    std::string refusal_;  // the last terminate of a node
    std::string holding_;  // the user whose turn is ours; empty: none
    std::shared_ptr<login_driver> self_;
    std::int64_t step_began_ms_ = 0;
    bool waiting_ = false; // for another login of the same user
};

} // namespace boshgate::proxy
