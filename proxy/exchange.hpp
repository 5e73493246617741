#pragma once
// An exchange: one request on its way to a node and back. It is not tied to the connection it came
// on: the client side is an answer_sink, which may go away while the node still thinks (then the
// exchange goes on, because ending it would end a held poll at the node, see bosh.md 4.8 "row G").
//
// This is the driver: it finds a link, has the request written, repeats it where
// routing/repeat_rules allows, and hands the answer to the sink. Only its own core touches it, but
// for its place in its session.

#include "discovery/hostname_edit.hpp"
#include "proxy/block_pool.hpp"
#include "proxy/session.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/timer_wheel.hpp"
#include "routing/cors.hpp"
#include "routing/http_head.hpp"
#include "routing/reason.hpp"
#include "routing/repeat_rules.hpp"
#include "routing/route_table.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

struct core;
class link;
class login_driver;
struct exchange;

// Where an answer goes. Each call may end the exchange from the sink's point of view, as said.
class answer_sink {
  public:
    // The whole answer is here. Ends the exchange.
    virtual void on_answer(exchange& x, const routing::answer_head& head,
                           std::string_view body) = 0;
    // A large answer begins: its head. on_answer_data and on_answer_end (or on_answer_cut) follow.
    virtual void on_answer_head(exchange& x, const routing::answer_head& head) = 0;
    // More of it. False: stop reading from the node until exchange_resume().
    [[nodiscard]] virtual bool on_answer_data(exchange& x, std::string_view data) = 0;
    // It is complete. Ends the exchange.
    virtual void on_answer_end(exchange& x) = 0;
    // It broke off after on_answer_head. Ends the exchange.
    virtual void on_answer_cut(exchange& x, routing::reason why) = 0;
    // There is no answer, and nothing of one was passed on. Ends the exchange.
    virtual void on_failure(exchange& x, routing::reason why) = 0;
    // There will be no answer for this sink: a newer copy of the request gets it (superseded), or
    // its client's time is over while the node's is not. The exchange goes on without it.
    virtual void on_detached(exchange& x, routing::reason why) = 0;
    // Scheme and authority under which the client knows the proxy: "https://chat.example.com".
    [[nodiscard]] virtual std::string base() const = 0;

  protected:
    ~answer_sink() = default;
};

// The deadline of an exchange that waits for something other than its link.
class exchange_wait final : public timed {
  public:
    explicit exchange_wait(exchange& x) : of(x) {}
    void on_deadline() override;

    exchange& of;
    std::uint32_t registered_at = 0;
};

// Whose exchange it is.
enum class exchange_purpose : std::uint8_t {
    client,
    // The proxy's own, of which nobody is told, and which are not tried for long:
    question,     // does the node live?
    question_tcp, // does it take a connection, and no more
    question_tls, // does it get through the handshake, and no more
    login_open,   // a session request on behalf of a client that is being led to its node
    login_more,   // what a session that was opened so is asked or told
};

// How the client of a node's own path will read the names of nodes in an answer.
struct names_reader {
    std::string target; // as it was sent
    bool same_origin = false;
};

// What a node said of a request that it does not know, and what was asked of it since.
struct refusal_doubt {
    std::string answer;        // the node's; in the end what goes down instead
    bool asked_before = false; // asked for the answer before it
    bool forgotten = false;    // the node had forgotten it
};

struct exchange {
    core* home = nullptr;
    answer_sink* sink = nullptr;   // nullptr: the client has gone
    link* via = nullptr;           // nullptr: no link at the moment
    login_driver* login = nullptr; // what opens its session, on the discovery endpoint
    std::shared_ptr<const snapshot> settings;
    block request; // head and body as the node gets them, kept so that they can be sent again

    // Its place in its session, guarded by the lock of the session's shard; see session.hpp.
    session* of = nullptr;
    exchange* next_member = nullptr;
    exchange* previous_member = nullptr;
    // Written under that lock by any core; its own may read it without, through role_of().
    session_role role = session_role::none;
    bool finished = false;   // it is over, but a wake for it is still on its way
    std::uint32_t wakes = 0; // on their way; counted up by any core, down by its own
    routing::request_print print;
    session_facts facts;                      // of its session, as they were when it was admitted
    std::unique_ptr<exchange_wait> wait;      // only while it waits
    std::unique_ptr<session_origin> begun_as; // only of a session request whose session can move
    session_move_ptr move;                    // only of a request that may move its session
    std::unique_ptr<std::string> shown_sid;   // only of one that has moved: as its client knows it
    std::unique_ptr<refusal_doubt> doubt;     // only of one that its node says it does not know
    std::unique_ptr<names_reader> names; // only where the answer may have names that are edited
    std::int64_t hold_until_us = 0;      // held back: when its turn comes whatever happens
    std::int64_t give_up_us = 0; // when its client's patience ends; 0: timeouts.answer decides

    std::int64_t begun_us = 0; // loop time at which the request head was complete
    std::int64_t sent_us = 0;  // loop time at which the request was written
    std::int64_t answered_us =
        0; // loop time at which the node's answer was complete, or had failed
    std::int64_t first_failure_us = 0; // loop time of the first broken link
    std::uint64_t request_bytes = 0;
    std::uint64_t answer_bytes = 0;
    std::uint64_t session_hash = 0; // keyed hash of the sid, for the log
    std::uint64_t rid = 0;
    std::string path;   // for the log; empty when there is none
    std::string origin; // only for an origin that was allowed by pattern

    routing::node_index node = 0;
    routing::cors_verdict cors;
    routing::method verb = routing::method::post;
    int minor_version = 1;              // of the request
    bool keep_alive = true;             // the client's connection may live on
    bool for_node = false;              // exchange_start was called
    bool streaming = false;             // on_answer_head was called
    std::uint8_t connects_repeated = 0; // further connects after one that sent nothing
    std::uint8_t repeats = 0;           // times the request was written again
    bool secure = false;                // the client itself uses TLS, as far as we know
    bool cors_done = false;             // the answer's CORS fields are written already
    bool bosh = false;                  // its body was read: a request of a session, or for one
    bool tagged = false;                // its client knows the session by a tagged sid
    bool replayed = false;              // its answer is that of an earlier copy
    bool opens_session = false;         // it has no sid
    bool tries_node = false; // for a session at a node that is down, to see whether it is
    bool fresh_link = false; // over a new link, whose handshake resumes nothing
    bool entered = false;    // counted as a session request of its address
    exchange_purpose purpose = exchange_purpose::client;
    routing::request_class request_class = routing::request_class::page;
    const char* tls = ""; // protocol of the client's connection, for the log
    routing::ip_address client;
    std::uint16_t client_port = 0;
};

// Recycles exchanges of one core.
class exchange_pool {
  public:
    exchange_pool() { free_.reserve(kept_max); } // so that giving back cannot fail
    exchange_pool(const exchange_pool&) = delete;
    exchange_pool& operator=(const exchange_pool&) = delete;
    ~exchange_pool();

    [[nodiscard]] exchange& take();
    void give_back(exchange& done) noexcept;

  private:
    static constexpr std::size_t kept_max = 1024;
    std::vector<std::unique_ptr<exchange>> free_;
    std::vector<exchange*> zombies_; // over, but a wake for them is on its way
};

// role_of is for its own core, without the lock: another core may be giving it its turn.
[[nodiscard]] inline session_role role_of(exchange& x) noexcept {
    return std::atomic_ref(x.role).load(std::memory_order_relaxed);
}

// Whether the exchange is the proxy's own.
[[nodiscard]] inline bool is_own(const exchange& x) noexcept {
    return x.purpose != exchange_purpose::client;
}

// Whether all it wants is a link that stands.
[[nodiscard]] inline bool asks_links(const exchange& x) noexcept {
    return x.purpose == exchange_purpose::question_tcp ||
           x.purpose == exchange_purpose::question_tls;
}

// Whether it is a question whether the node is well.
[[nodiscard]] inline bool is_question(const exchange& x) noexcept {
    return x.purpose == exchange_purpose::question || asks_links(x);
}

[[nodiscard]] inline const conf::config& settings_of(const exchange& x) noexcept {
    return x.settings->config;
}

// exchange_begin takes an exchange from the core's pool for a request whose head was just read.
[[nodiscard]] exchange& exchange_begin(core& home);
// exchange_finish counts and logs the exchange, and gives it back. `status`: what the client got;
// 0: nothing.
void exchange_finish(exchange& x, int status, routing::reason why);

// exchange_start sends the exchange to its node: over an idle link, or a new one. May call the sink
// at once (failure).
void exchange_start(exchange& x);
// exchange_start_in_session does so for a request with a sid when the session's rid window lets it;
// else it waits, or gets the answer of the first copy.
void exchange_start_in_session(exchange& x, const session_key& of);
// exchange_send does what exchange_start does for an exchange that was counted before: its turn has
// come. exchange_open_link never takes an idle link: what broke one may have broken all.
void exchange_send(exchange& x);
void exchange_open_link(exchange& x);
// exchange_abandon tells that the sink has gone. A streaming exchange, and one of a page, ends (its
// link is closed), and so does a copy; any other goes on, because a repeat of the client may ask
// for its answer.
// `status` and `why` are what the client got and why it went, for an exchange that ends here.
void exchange_abandon(exchange& x, int status, routing::reason why);
// exchange_resume goes on reading a streamed answer after on_answer_data had said false.
void exchange_resume(exchange& x);

// A wake for a member of a session: sent by any core, taken on the exchange's own.
void exchange_send_wake(exchange& x, wake_kind kind, std::uint32_t argument);
// exchange_end ends one that waits: the end of a core.
void exchange_end(exchange& x);
// exchange_pause lets it wait; exchange_wait_over goes on with it. exchange_hold_back does so for
// one whose turn in its session has not come.
void exchange_pause(exchange& x, std::chrono::milliseconds time);
void exchange_hold_back(exchange& x, std::chrono::milliseconds time);
// exchange_set_wait sets how long its client will wait, from the session's `wait`.
void exchange_set_wait(exchange& x, std::chrono::seconds wait);
// exchange_stop_waiting ends that for good: before the sink is told, which takes an exchange that
// still waits for one that goes on without it.
void exchange_stop_waiting(exchange& x);
void exchange_wait_over(exchange& x);
// exchange_leave_session takes a client's request out of its session. False: the request is the
// node's already, or will be, and goes on for the client's next copy.
[[nodiscard]] bool exchange_leave_session(exchange& x);
void exchange_wake(exchange& x, wake_kind kind, std::uint32_t argument);
// exchange_take_bosh_answer learns what the answer in core::answer says about the session, and
// keeps it. Head and body are changed where a client must not see them as they are. False: it goes
// down later, or not at all.
[[nodiscard]] bool exchange_take_bosh_answer(exchange& x, std::string_view& body);
// exchange_doubts is asked about each answer in a session, with its tag in core::tag. True: the
// node says that it does not know the request, and is asked again. False: `body` is what goes down,
// with its tag in core::tag; it may be another one.
[[nodiscard]] bool exchange_doubts(exchange& x, std::string_view& body);
// exchange_expect_names makes ready for names of nodes in the answer to the request in
// core::request: the answer to a session request, or a later one before the client has logged in.
void exchange_expect_names(exchange& x);
// exchange_read_start looks at the first bytes of a streamed answer with a <body/>, before anything
// of it goes down. nullopt: more of its start tag has to come. none: `shown` is what goes down in
// their place, and may lie in the core's buffers. Another reason: the exchange fails for it.
[[nodiscard]] std::optional<routing::reason>
exchange_read_start(exchange& x, std::string_view start, std::string_view& shown);
// exchange_answered_unkept tells the session that the node has answered, with what is not kept
// here: it is too large. A copy asks the node, which has stored it, also when this answer did not
// reach its client whole. The exchange is no member from then on.
void exchange_answered_unkept(exchange& x);
// exchange_failed ends an exchange that its node does not answer.
void exchange_failed(exchange& x, routing::reason why);
// exchange_repeat sends it again, where the table of repeats allows that. False: it does not.
[[nodiscard]] bool exchange_repeat(exchange& x, routing::node_failure failure);

// What a new link asks when it stands. False: the exchange has to wait once more, and has let go of
// the link.
[[nodiscard]] bool exchange_may_write(exchange& x);
// What a link reports to its exchange. The request was handed to the kernel whole.
void exchange_written(exchange& x);
// How long the link shall wait for the answer from now on; 0: no longer, it is overdue. A client
// whose own patience has ended is let go.
[[nodiscard]] std::chrono::milliseconds exchange_patience(exchange& x);
// What a link reports to its exchange. `sent`: the request was handed to the kernel, at least in
// part; `reused`: the link had served before. The link has let go of the exchange already.
void exchange_link_failed(exchange& x, routing::reason why, bool sent, bool reused);
// The answer, complete. The link may already serve another exchange.
void exchange_answered(exchange& x, const routing::answer_head& head, std::string_view body);
// The end of a streamed answer.
void exchange_stream_ended(exchange& x);

} // namespace boshgate::proxy
