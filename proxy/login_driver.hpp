#pragma once
// Leads to a user's node, or finds out which nodes are theirs: the driver of discovery/login. It
// sends a session request to one node after another, reads which nodes they name, and ends every
// session that is not to be. Whoever wants that is its owner: a client of the discovery endpoint
// (client_login), or who asks for the homes alone.
//
// It lives on one core until its owner has been told or has left. A session that is answered too
// late is ended all the same: nobody knows its sid.

#include "discovery/login.hpp"
#include "proxy/exchange.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/timer_wheel.hpp"
#include "routing/binding_condition.hpp"
#include "routing/bosh_body.hpp"
#include "routing/hostnames.hpp"
#include "routing/ip_address.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct core;

// What is wanted, and what is sent for it.
struct login_task {
    discovery::login_purpose purpose = discovery::login_purpose::session;
    std::string user;           // the bare JID; empty: none is named
    std::string message;        // login_message()
    std::uint64_t rid = 0;      // of the session request
    routing::ip_address client; // on whose behalf
    bool secure = false;        // it came over TLS
    // The discovery node that is asked first, where the task has a reason for that; no_node: none.
    routing::node_index first = discovery::no_node;
    bool keyed = false; // it begins a sequence of keys, which only the client can go on
};

// A session that nodes have opened for somebody.
struct login_session {
    routing::node_index node = discovery::no_node;
    std::string_view sid;       // as the node wrote it
    std::uint64_t next_rid = 0; // the first that the node has not got
    std::string_view answer;    // the node's, to the session request
    std::string_view features;  // to the next rid, where it was asked for that as well; else empty
    const discovery::login* done = nullptr; // how it was found
};

// Who wants a login. Exactly one of the first three is called, or on_core_end, and then the owner
// is destroyed; none, if it left before.
class login_owner {
  public:
    virtual ~login_owner() = default;
    // Purpose session: it is the owner's from here on.
    virtual void on_session(const login_session& opened) = 0;
    // Purpose homes: done.homes() are they, perhaps none. No session is open any more.
    virtual void on_homes(const discovery::login& done) = 0;
    // `refusal`: the terminate of the node that refused; for login_failure::refused.
    virtual void on_no_login(const discovery::login& done, discovery::login_failure why,
                             std::string_view refusal) = 0;
    // The core ends: nobody is told anything any more.
    virtual void on_core_end() {}
    // Meanwhile: a node has not answered, and why. For who shows it.
    virtual void on_step_failed(routing::node_index /*node*/, routing::reason /*why*/) {}
    // The same: a node names a home or backup that is no node of this configuration; as written.
    virtual void on_unknown_name(routing::node_index /*said_by*/, std::string_view /*name*/) {}
};

// login_rules_of takes what bounds a login from the configuration.
[[nodiscard]] discovery::login_rules login_rules_of(const conf::discovery_config& settings);

// The condition of a terminate; undefined_condition: it has none.
[[nodiscard]] routing::binding_condition condition_in(const routing::body_tag& tag) noexcept;

// Whether a step failed for something of our own, of which the node knows nothing.
[[nodiscard]] constexpr bool is_own_limit(routing::reason why) noexcept {
    return why == routing::reason::node_links || why == routing::reason::descriptors;
}

// login_message is a session request as any node gets it, but for the request line and Host.
// `head`: of the client's request, whose listed fields are passed on; nullptr: it is the proxy's.
[[nodiscard]] std::string login_message(core& home, const std::shared_ptr<const snapshot>& settings,
                                        const routing::ip_address& client, bool secure,
                                        const routing::request_head* head, std::string_view body);

class login_driver final : public timed,
                           private answer_sink,
                           public std::enable_shared_from_this<login_driver> {
  public:
    // may_ask counts a login against what its client's address may ask. False: its user's nodes are
    // not known, and the address has asked enough.
    [[nodiscard]] static bool may_ask(core& home, const snapshot& settings, const login_task& task);

    // make prepares; start begins, and may tell the owner at once. The driver keeps itself.
    [[nodiscard]] static std::shared_ptr<login_driver>
    make(core& home, std::shared_ptr<const snapshot> settings, login_task task,
         std::unique_ptr<login_owner> owner);
    void start();

    // leave: the owner wants nothing any more, and is destroyed.
    void leave();
    // end: the core ends, with nobody left who could call leave.
    void end();
    // woken: the login of the same user that this one waits for is over, or something else wants it
    // to go on by itself.
    void woken();

    void on_deadline() override;

    std::uint32_t registered_at = 0;

  private:
    // A session that a node has opened for us.
    struct opened_session {
        routing::node_index node = discovery::no_node;
        std::string sid;            // as the node wrote it
        std::uint64_t last_rid = 0; // that the node has got
    };

    login_driver(core& home, std::shared_ptr<const snapshot> settings, login_task task,
                 std::unique_ptr<login_owner> owner);

    void on_answer(exchange& x, const routing::answer_head& head, std::string_view body) override;
    void on_answer_head(exchange& x, const routing::answer_head& head) override;
    [[nodiscard]] bool on_answer_data(exchange& x, std::string_view data) override;
    void on_answer_end(exchange& x) override;
    void on_answer_cut(exchange& x, routing::reason why) override;
    void on_failure(exchange& x, routing::reason why) override;
    void on_detached(exchange& x, routing::reason why) override;
    [[nodiscard]] std::string base() const override { return {}; }

    [[nodiscard]] discovery::login_homes stored_homes();
    void begin(const discovery::login_homes& stored);
    void follow(const discovery::login_action& action);
    void cache(discovery::login_cache what);
    [[nodiscard]] exchange& begin_step(exchange_purpose purpose,
                                       const discovery::login_action& action);
    void open(const discovery::login_action& action);
    void poll(const discovery::login_action& action);
    void send(exchange& step, const discovery::login_action& action);
    void leave_session();
    void deliver();
    void found();
    void fail(discovery::login_failure why);
    void drop_step();
    void break_off(exchange& step, routing::reason why);
    [[nodiscard]] std::unique_ptr<login_owner> over();

    // login_answer.cpp: what nodes answer
    void take_answer(std::string_view body);
    void take_terminate(std::string_view body, routing::node_index said_by);
    [[nodiscard]] discovery::node_word read_word(std::string_view body);
    void tell_unknown(std::span<const routing::hostname_text> hostnames);
    [[nodiscard]] bool take_session(routing::node_index node, std::uint64_t rid);
    void failed(discovery::step_end how, routing::node_index other = discovery::no_node);

    [[nodiscard]] std::int64_t now_ms() const;

    core& core_;
    std::shared_ptr<const snapshot> settings_;
    login_task task_;
    std::unique_ptr<login_owner> owner_; // nullptr: it was told, or has left
    exchange* step_ = nullptr;           // what a node is asked at this moment
    discovery::login login_;
    opened_session open_;  // node no_node: none is open
    std::string answer_;   // to the session request; of one that is too large, its first bytes
    std::string features_; // the answer with the features, where these came later
    std::string refusal_;  // the last terminate of a node
    std::string holding_;  // the user whose turn is ours; empty: none
    std::shared_ptr<login_driver> self_;
    std::int64_t step_began_ms_ = 0;
    bool waiting_ = false; // for another login of the same user
};

} // namespace boshgate::proxy
