#pragma once
// A link: one connection to a node, plain or TLS, kept alive and used by one exchange at a time.
//
//     connecting -> handshaking -> busy <-> idle -> closed
//
// An answer that arrives in one piece is passed on from the core's buffer without a copy. One that
// does not is gathered, up to conf::limits::answer_buffer; a larger one is streamed with
// back-pressure.

#include "proxy/event_loop.hpp"
#include "proxy/timer_wheel.hpp"
#include "proxy/transport.hpp"
#include "routing/chunked.hpp"
#include "routing/http_head.hpp"
#include "routing/reason.hpp"
#include "routing/route_table.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::proxy {

struct core;
struct exchange;
struct snapshot;
struct socket_address;

class link final : public ready_handler, public timed {
  public:
    // open begins a link for `x` and writes its request as soon as the link stands. On failure
    // (descriptors, limits, no address, refused at once) nothing is left behind and the reason is
    // returned; none means: under way.
    [[nodiscard]] static routing::reason open(core& home, exchange& x);

    // take_idle returns an idle link to a node of this core, or nullptr.
    [[nodiscard]] static link* take_idle(core& home, routing::node_index node);

    ~link() override;

    // serve writes the request of `x` over an idle link. The exchange hears of the outcome by
    // exchange_answered or exchange_link_failed, never from within this call.
    void serve(exchange& x);
    // abandon closes the link of an exchange that wants nothing more from it.
    void abandon();
    // resume reads on after on_answer_data had refused more.
    void resume();
    // end closes whatever the link does; its exchange ends without an answer: the end of a core.
    void end();
    // hurry gives the answer a last moment: the node has answered a newer request of the session.
    void hurry();
    // node_died ends the exchange that the link serves, if its node is this one, within a moment.
    void node_died(routing::node_index node, routing::reason why);
    // close_if_idle closes the link if it is idle (draining, reload).
    void close_if_idle();
    // settings_changed: an idle link keeps no older snapshot (reload).
    void settings_changed();

    void on_ready(std::uint32_t events) override;
    void on_deadline() override;

    std::uint32_t registered_at = 0;

  private:
    enum class phase : std::uint8_t { connecting, handshaking, busy, idle, closed };

    // An answer that did not arrive in one piece.
    struct partial {
        std::string raw; // head, and a body with a length; only the head once chunked or streaming
        std::size_t head = 0; // bytes of the head in raw; 0: not complete yet
        std::size_t need = 0; // bytes of raw that make it complete, when known
        std::optional<routing::chunked_reader> chunks;
        std::string body;       // decoded, of a chunked or until_close answer
        std::uint64_t left = 0; // of a streamed body with a length
        routing::framing body_framing = routing::framing::none;
        std::string start; // what has come of a start tag that is looked at before it goes on
        bool streaming = false;
        bool starting = false; // streaming, and nothing has gone on yet: start is not complete
        bool keep_alive = false;
    };

    link(core& home, exchange& x, int descriptor);

    void on_connected();
    void start_handshake();
    void stands();
    void only_stood();
    void handshake_failed();
    void write_request();
    void on_readable(bool hung_up);
    void on_bytes(std::string_view bytes);
    void on_end(bool broken);
    void read_head(std::string_view bytes);
    void begin_body(std::string_view bytes, std::size_t head_bytes);
    void gather(std::string_view bytes, std::size_t head_bytes);
    void take_more(std::string_view bytes);
    void take_chunks(std::string_view bytes);
    bool start_streaming();
    bool pass_head();
    [[nodiscard]] std::optional<std::string_view> take_start(std::string_view data);
    void stream(std::string_view data);
    void complete(const routing::answer_head& head, std::string_view body, bool reusable);
    void complete_gathered(bool reusable);
    void finish_stream(bool reusable);
    void release(bool reusable);
    bool arm_answer();
    void fail(routing::reason why);
    void close();
    void not_busy() noexcept;
    [[nodiscard]] bool reread_head();

    core& core_;
    exchange* exchange_;
    std::shared_ptr<const snapshot> settings_; // keeps the TLS context
    transport transport_;
    std::unique_ptr<partial> partial_;
    routing::node_index node_;
    std::uint32_t generation_; // of the node's addresses when the link was opened
    phase phase_ = phase::connecting;
    bool reused_ = false;                          // has served an exchange before
    bool sent_ = false;                            // something of the current request went out
    bool busy_ = false;                            // counted as waiting for an answer
    bool hurried_ = false;                         // hurry() was called for this exchange
    routing::reason doom_ = routing::reason::none; // its node is given up, for this
    bool paused_ = false;                          // the sink wants nothing right now
    std::uint8_t interim_ = 0;                     // 1xx heads seen for this answer
    std::uint16_t address_ = 0;                    // index of the node's address that is tried
};

} // namespace boshgate::proxy
