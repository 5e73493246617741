#pragma once
// Models of one session at a node, as two real servers behave (measured, and read in their source):
// which repeats they replay, hold, refuse, echo or never answer.

#include "tests/sim/wire.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace boshgate::sim {

enum class node_kind : std::uint8_t { prosody, ejabberd };

class node_model {
  public:
    struct settings {
        std::uint64_t first = 0; // rid of the session request, which is answered
        microseconds wait = 20 * second;
        microseconds inactivity = 60 * second;
        // Called with each stanza that the server takes from the client.
        std::function<void(std::uint32_t)> take;
    };

    virtual ~node_model() = default;
    virtual void asked(const std::shared_ptr<wire>& from, const request& what) = 0;
    virtual void closed(const std::shared_ptr<wire>& from) = 0;
    // The server has a stanza for the client.
    virtual void push(std::uint32_t stanza) = 0;

    // Why the session ended here, or nothing.
    [[nodiscard]] const char* ended() const noexcept { return ended_; }

  protected:
    node_model(schedule& when, settings with) : when_(when), with_(std::move(with)) {}

    schedule& when_;
    settings with_;
    const char* ended_ = nullptr;
};

// Prosody 0.12. Holds one request, keeps two answers, defers one request that overtook, hears of
// closed connections. Its defects: a held request whose connection closed is forgotten once the
// next one has come; a deferred one whose connection closed stays the first in the queue.
class prosody_model final : public node_model {
  public:
    prosody_model(schedule& when, settings with);
    void asked(const std::shared_ptr<wire>& from, const request& what) override;
    void closed(const std::shared_ptr<wire>& from) override;
    void push(std::uint32_t stanza) override;

  private:
    struct held {
        std::uint64_t rid = 0;
        std::shared_ptr<wire> to;
        bool finished = false;
    };
    struct late {
        std::shared_ptr<held> who;
        stanzas payload;
    };
    void open(const std::shared_ptr<held>& one, const request& what);
    void flush();
    void destroy(const std::shared_ptr<held>& one);
    void store(std::uint64_t rid, const answer& what);
    [[nodiscard]] const answer* stored(std::uint64_t rid);
    void restart_wait();

    std::uint64_t rid_;
    std::deque<std::shared_ptr<held>> requests_;
    stanzas buffer_;
    std::deque<std::pair<std::uint64_t, answer>> responses_; // the last one used is in front
    std::optional<late> deferred_;
    std::map<const wire*, std::shared_ptr<held>> open_;
    bool processing_ = false;
    std::uint64_t wait_turn_ = 0;
    std::uint64_t idle_turn_ = 0;
};

// ejabberd. Holds the newest request, keeps two answers, never hears of closed connections. A
// repeat of a held request takes its place and is answered with a copy of itself unless data come;
// a request that overtook is looked at only when its predecessor is answered with data; a second
// copy of a request that is kept waiting crashes the session.
class ejabberd_model final : public node_model {
  public:
    ejabberd_model(schedule& when, settings with);
    void asked(const std::shared_ptr<wire>& from, const request& what) override;
    void closed(const std::shared_ptr<wire>&) override {}
    void push(std::uint32_t stanza) override;

  private:
    static constexpr std::uint64_t requests = 2;
    struct receiver {
        std::shared_ptr<wire> to;
        stanzas request; // to be processed, or to be echoed
        bool echoes = false;
    };
    void active(const std::shared_ptr<wire>& from, const request& what);
    void keep(std::uint64_t rid, receiver one);
    void drop_holding();
    void reply(std::uint64_t rid, const std::shared_ptr<wire>& to, const answer& what);
    void follow(std::uint64_t rid);
    void crash();
    void stop(const char* why);
    void restart_wait();
    void restart_idle();

    std::uint64_t previous_;
    std::map<std::uint64_t, receiver> receivers_;
    std::map<std::uint64_t, answer> responses_;
    stanzas buffer_;
    std::uint64_t wait_turn_ = 0;
    std::uint64_t idle_turn_ = 0;
};

[[nodiscard]] std::unique_ptr<node_model> make_node(node_kind kind, schedule& when,
                                                    node_model::settings with);

} // namespace boshgate::sim
