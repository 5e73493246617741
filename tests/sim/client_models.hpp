#pragma once
// Models of BOSH clients, as far as they repeat: Strophe, stanza, CAXL, and one that sends more at
// a time than it was allowed. Each sends numbered stanzas and keeps what it got by rid; answers
// count in the order of the rids.

#include "tests/sim/wire.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace boshgate::sim {

enum class client_kind : std::uint8_t { strophe, stanza, caxl, eager };
inline constexpr client_kind all_clients[] = {client_kind::strophe, client_kind::stanza,
                                              client_kind::caxl, client_kind::eager};
[[nodiscard]] const char* name_of(client_kind kind) noexcept;

class client_model {
  public:
    using open_connection = std::function<std::shared_ptr<wire>(wire::asker)>;
    struct settings {
        client_kind kind = client_kind::strophe;
        std::uint64_t first = 0; // rid of the session request, which is answered
        microseconds wait = 20 * second;
        open_connection open;
        // Called with each stanza that the client takes from the server, in the order of the rids.
        std::function<void(std::uint32_t)> take;
        // A stanza of its own came back.
        std::function<void(std::uint32_t)> echo;
    };

    client_model(schedule& when, settings with);

    void start() { pump(); }
    // The user writes something.
    void push(std::uint32_t stanza);

    // Why it gave the session up, or nothing.
    [[nodiscard]] const char* ended() const noexcept { return ended_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    // Requests that it gave up although they may have been answered with data (CAXL).
    [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }
    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
    [[nodiscard]] bool idle() const noexcept { return out_.empty(); }

  private:
    struct pending {
        request what;
        std::shared_ptr<wire> connection; // of the newest copy
        unsigned sends = 0;
        bool answered = false;
        bool given_up = false;
        answer got;
        std::uint64_t turn = 0; // of the newest copy
    };

    void pump();
    void send(pending& one);
    void send_later(std::uint64_t rid, microseconds delay);
    void on_answer(std::uint64_t rid, const answer& what);
    void on_failure(std::uint64_t rid, bool timed_out);
    void strophe_failed(pending& one, bool timed_out);
    void stanza_failed(pending& one);
    void caxl_failed(pending& one);
    void end(const char* why);
    void take_in_order();
    [[nodiscard]] pending* find(std::uint64_t rid);
    [[nodiscard]] std::size_t in_flight() const;
    [[nodiscard]] microseconds timeout() const;

    schedule& when_;
    settings with_;
    std::uint64_t next_;
    std::deque<pending> requests_; // by rid
    std::deque<std::uint32_t> out_;
    const char* ended_ = nullptr;
    unsigned errors_ = 0; // in a row
    std::uint64_t turn_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t forgotten_ = 0;
    std::uint64_t turns_ = 0;
};

} // namespace boshgate::sim
