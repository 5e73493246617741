#pragma once
// A connection: one TCP or TLS connection from a client, speaking HTTP/1.
//
//     proxy_header -> handshake -> idle -> head -> body -> waiting -> (sending) -> idle ...
//                                                              after the last answer
//                                                              -> lingering -> closed
//
// One exchange at a time; requests that come meanwhile are read ahead, up to
// conf::limits::pipelined_bytes, and served in order. A request that arrives in one piece is read
// from the core's buffer; a connection owns memory only for a request that did not (pending), and
// for bytes that the kernel did not take (transport).
//
// While a poll is held there is no read pending and no timer: readiness tells when the client goes
// or talks.

#include "discovery/failure_signal.hpp"
#include "discovery/login_words.hpp"
#include "proxy/event_loop.hpp"
#include "proxy/exchange.hpp"
#include "proxy/timer_wheel.hpp"
#include "proxy/transport.hpp"
#include "routing/chunked.hpp"
#include "routing/client_address.hpp"
#include "routing/http_head.hpp"
#include "routing/user_hint.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct core;
class listener;

class connection final : public ready_handler, public timed, public answer_sink {
  public:
    // open adopts an accepted descriptor, and the place among limits.connections that the listener
    // took for it. The connection lives until it closes itself.
    static void open(core& home, const listener& from, int descriptor,
                     const routing::ip_address& peer, std::uint16_t port);
    ~connection() override;

    // drain closes an idle connection, and makes any other close after its answer.
    void drain();
    // cut closes at once: the end of a drain. With a reset, which browsers take for a reason to ask
    // again on a new connection; a BOSH client on its first exchange, for which no browser does
    // that, is told by an answer.
    void cut();
    // listener_gone tells every connection of a listener that it is not there any more (a reload).
    void listener_gone(const listener& gone);

    void on_ready(std::uint32_t events) override;
    void on_deadline() override;

    void on_answer(exchange& x, const routing::answer_head& head, std::string_view body) override;
    void on_answer_head(exchange& x, const routing::answer_head& head) override;
    [[nodiscard]] bool on_answer_data(exchange& x, std::string_view data) override;
    void on_answer_end(exchange& x) override;
    void on_answer_cut(exchange& x, routing::reason why) override;
    void on_failure(exchange& x, routing::reason why) override;
    void on_detached(exchange& x, routing::reason why) override;
    [[nodiscard]] std::string base() const override;

    std::uint32_t registered_at = 0;

  private:
    static constexpr std::size_t out_kept =
        1024 * 1024; // capacity of core::out that survives a large answer

    enum class phase : std::uint8_t {
        proxy_header,
        handshake,
        idle,
        head,
        body,
        waiting,
        sending,
        lingering,
        closed
    };

    // A request that did not arrive in one piece, or bytes that came ahead of their time.
    struct pending {
        std::string bytes;    // as they came; only the head once a chunked body is being decoded
        std::size_t head = 0; // bytes of the complete head; 0: not complete
        std::size_t need = 0; // bytes that make head and body complete
        std::optional<routing::chunked_reader> chunks;
        std::string body; // decoded
    };

    // A file, or the rest of an answer, on its way down.
    struct outgoing {
        int file = -1;
        std::uint64_t offset = 0;
        std::uint64_t left = 0;
        bool chunked = false; // a streamed answer goes down in chunked coding
        bool ended = false;   // nothing more will be added
        int status = 0;
        routing::reason why = routing::reason::none;
    };

    connection(core& home, const listener& from, int descriptor, const routing::ip_address& peer,
               std::uint16_t port);

    // connection.cpp: life and events
    void start();
    void start_handshake();
    void on_readable(bool hung_up);
    void on_handshake(io_state state);
    void on_ended();
    void on_writable();
    void become_idle();
    void leave(routing::reason why);
    void close(bool politely);
    void linger();

    // connection_request.cpp: bytes to requests
    void on_bytes(std::string_view bytes);
    [[nodiscard]] std::size_t read_proxy_header(std::string_view bytes);
    void serve(std::string_view bytes);
    [[nodiscard]] std::size_t read_requests(std::string_view bytes);
    [[nodiscard]] std::size_t read_one(std::string_view bytes);
    [[nodiscard]] std::size_t await_body(std::string_view bytes, std::size_t head_bytes);
    [[nodiscard]] std::size_t take_chunks(std::string_view bytes);
    [[nodiscard]] bool reading() const noexcept;
    [[nodiscard]] bool reread_head();
    void serve_pending();
    void refuse_unread(routing::reason why, std::string_view head = {});

    // connection_dispatch.cpp: what is done with a request
    [[nodiscard]] routing::reason judge();
    void dispatch(std::string_view body);
    void dispatch_options(exchange& x);
    void dispatch_file(exchange& x);
    void dispatch_node(exchange& x, std::string_view body);

    // connection_own.cpp: what the proxy itself tells
    enum class own_answer : std::uint8_t { none, lookup, host_meta, host_meta_json };
    class lookup_owner;
    [[nodiscard]] own_answer own_answer_at(std::string_view path) const noexcept;
    void dispatch_own(exchange& x);
    void dispatch_lookup(exchange& x);
    void send_homes(exchange& x, const routing::bare_jid& user,
                    const discovery::login_homes& homes);
    void send_host_meta(exchange& x);

    // connection_bosh.cpp: requests with a <body/>
    void dispatch_bosh(exchange& x, std::string_view body);
    void dispatch_session_request(exchange& x, std::string_view body);
    [[nodiscard]] std::optional<routing::named_user> named_user() const;
    void dispatch_in_session(exchange& x, std::string_view body);
    void dispatch_tagged(exchange& x, std::string_view sid);
    void send_signal(exchange& x, routing::reason why, const discovery::failure_signal& signal);

    [[nodiscard]] exchange& begin();

    // connection_answer.cpp: answers down
    void refuse(exchange& x, routing::reason why);
    void refuse_with(exchange& x, int status, routing::reason why, unsigned retry_after_s);
    void compose_refusal(exchange& x, int status, routing::reason why, unsigned retry_after_s);
    void continue_sending();
    void finished(int status, routing::reason why);
    void begin_out(int status);
    void append_date();
    void append_length(std::uint64_t length);
    void append_connection_fields(const exchange& x);
    void append_node_head(const exchange& x, const routing::answer_head& head);
    [[nodiscard]] bool keeps_alive(const exchange& x) const noexcept;
    void append_cors(const exchange& x, std::span<const std::string_view> vary);
    void send_small(exchange& x, int status, routing::reason why, std::string_view fields,
                    std::string_view body);
    void compose_small(exchange& x, int status, std::string_view fields, std::string_view body);
    void hand_over(exchange& x, int status, routing::reason why);

    core& core_;
    const listener* listener_; // nullptr: it is gone
    transport transport_;
    exchange* exchange_ = nullptr; // while one is under way
    std::unique_ptr<pending> pending_;
    std::unique_ptr<outgoing> outgoing_;
    routing::ip_address peer_;
    std::size_t lingered_ = 0; // bytes read and dropped behind the last answer
    std::string authority_;    // as the client wrote it in Host
    std::uint16_t port_;
    bool reused_ = false; // has carried an exchange before
    phase phase_ = phase::idle;
    bool unread_ = false;     // reading stopped: more may lie in the kernel
    bool read_ended_ = false; // the client has closed its side
    bool closing_ = false;    // close after the current answer
    bool continued_ = false;  // 100 Continue was sent for this request
    bool serving_ = false;    // read_requests is on the stack
    bool counted_ = false;    // in the table of addresses
    // What judge() found out about the request whose head is in core::request.
    routing::cors_verdict cors_;
    routing::node_index node_ = 0;
    bool to_node_ = false;
    bool to_discovery_ = false; // to_node_ is true then, too
    own_answer own_ = own_answer::none;
};

} // namespace boshgate::proxy
