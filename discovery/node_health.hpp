#pragma once
// What is known of a node's health, with the reason: the state machine of one node. Questions
// (probes) and what traffic shows go in; when to ask next and what to think of the node come out.
//
//              a question failed, or a link did          `fall` failures in a row
//         up -----------------------------------> suspect ----------------------> down
//          ^             a good answer               |                              |
//          +-----------------------------------------+                              |
//          +------------- good answers in a row: `rise`, more after relapses -------+
//
// Traffic alone brings nobody down: what fails for clients makes a node suspect, and it is asked at
// once. Quiet is never a sign; only what was asked and not answered is. A node that is down gets
// nobody new; what it holds is given up later, when it has left questions unanswered for `give_up`:
// it may only be slow, and its users would all come back at once.
//
// Pure: times are milliseconds of any steady clock. Over this lies the operator's wish
// (health_shown).

#include <chrono>
#include <cstdint>
#include <string_view>

namespace boshgate::discovery {

enum class health_state : std::uint8_t {
    up,
    suspect, // something failed; who has a choice goes elsewhere until that is cleared up
    down,
    draining, // the operator's: no new sessions
    disabled, // the operator's: nothing at all
};

enum class node_wish : std::uint8_t { none, drain, disable };

// Why a node is not up. name, in words ("the node ...").
#define BOSHGATE_HEALTH_REASONS(X)                                                                 \
    X(none, "is well")                                                                             \
    X(unresolved, "has a name that does not resolve")                                              \
    X(refused, "takes no connections: refused")                                                    \
    X(unreachable, "takes no connections: cannot be reached")                                      \
    X(connect_timeout, "takes no connections: not in time")                                        \
    X(tls, "does not get through the TLS handshake")                                               \
    X(certificate, "shows a certificate that is not accepted")                                     \
    X(broken_link, "breaks links off before it answers")                                           \
    X(silent, "does not answer any more")                                                          \
    X(gateway, "is cut off: something before it answers for it")                                   \
    X(no_bosh, "speaks no BOSH at its URL")                                                        \
    X(bad_answer, "answers nonsense")                                                              \
    X(sick, "ends sessions for trouble of its own")                                                \
    X(no_session, "opens no session")                                                              \
    X(no_mechanisms, "offers no way to log in")                                                    \
    X(no_hostnames, "names no node for the user it was asked about")

enum class health_reason : std::uint8_t {
#define BOSHGATE_HEALTH_REASON(name, words) name,
    BOSHGATE_HEALTH_REASONS(BOSHGATE_HEALTH_REASON)
#undef BOSHGATE_HEALTH_REASON
};

// What became of what the node holds, and of who goes on with a session there.
enum class node_death : std::uint8_t {
    none,
    refused, // it took no connection for a while; the first link that stands ends that
    silent,  // it left questions unanswered for long; the first answer ends that
};

// What a node is asked.
enum class probe_kind : std::uint8_t {
    tcp,     // does it take a connection
    tls,     // does it get through the handshake
    bosh,    // does it know that it does not know a sid
    session, // does it open a session that somebody could log in to
};

struct health_rules {
    std::chrono::milliseconds interval{1000}; // 0: never ask
    std::chrono::milliseconds timeout{800};   // of a question
    std::chrono::milliseconds give_up{3200};  // questions unanswered for so long
    std::chrono::milliseconds session_interval{600'000};
    unsigned rise = 2;
    unsigned fall = 2;
    unsigned jitter = 10; // percent of the interval
    probe_kind usual = probe_kind::bosh;
    bool asks_sessions = false; // after doubt, and every session_interval
};

// What to do at this moment.
struct probe_plan {
    bool ask = false;
    probe_kind kind = probe_kind::bosh;
    bool fresh = false;                // over a new link, with a full handshake
    std::chrono::milliseconds pause{}; // look again after this; else of the question: its timeout
};

class node_health {
  public:
    // `seed`: of the jitter, so that nodes are not asked in step.
    explicit node_health(std::uint32_t seed = 1) noexcept : random_(seed * 2654435761U + 1) {}

    // next says whether to ask now. `last_word_ms`: when the node answered anybody. A question that
    // is to be asked ends with on_answer or on_failure; one at a time.
    [[nodiscard]] probe_plan next(std::int64_t now_ms, std::int64_t last_word_ms,
                                  const health_rules& rules) noexcept;

    // The question was answered well, `took_ms` after it was sent.
    void on_answer(probe_kind kind, std::int64_t now_ms, std::int64_t took_ms,
                   const health_rules& rules) noexcept;
    // One was that had failed as silent before; the next may be under way.
    void on_late_answer(std::int64_t now_ms, std::int64_t took_ms,
                        const health_rules& rules) noexcept;
    // It was not; sent at `sent_ms`.
    void on_failure(probe_kind kind, health_reason why, std::int64_t sent_ms, std::int64_t now_ms,
                    const health_rules& rules) noexcept;

    // It could not be asked, for reasons of ours.
    void on_dropped() noexcept { asking_ = false; }

    // What traffic shows. A link failed, or an answer did not come: the node is suspect.
    void on_sign(health_reason why, std::int64_t now_ms, const health_rules& rules) noexcept;
    // An answer tells of trouble. A client can bring that about: the node is only asked.
    void on_hint() noexcept { hinted_ = true; }
    // No link could be opened for as long as a session's request is worth.
    void on_no_link(health_reason why, std::int64_t now_ms, const health_rules& rules) noexcept;
    // It has answered something, whatever that says.
    void on_life() noexcept;
    // A link stands; the node has answered somebody well. Only worth telling while it is not up.
    void on_link(std::int64_t now_ms, const health_rules& rules) noexcept;
    void on_word(std::int64_t now_ms, const health_rules& rules) noexcept;

    [[nodiscard]] health_state state() const noexcept { return state_; }
    [[nodiscard]] health_reason why() const noexcept { return why_; } // none while up
    [[nodiscard]] node_death death() const noexcept { return death_; }
    // It is down, but the last thing it did was to answer.
    [[nodiscard]] bool coming_back() const noexcept {
        return state_ == health_state::down && goods_ != 0;
    }
    // Good answers in a row that it takes to be up again.
    [[nodiscard]] unsigned rise_needed() const noexcept { return needed_; }

  private:
    void learn(std::int64_t took_ms, const health_rules& rules) noexcept;
    void good(std::int64_t now_ms, const health_rules& rules) noexcept;
    void doubt(health_reason why, std::int64_t now_ms, const health_rules& rules) noexcept;
    void fall(health_reason why, std::int64_t now_ms, const health_rules& rules) noexcept;
    [[nodiscard]] std::int64_t due(std::int64_t last_word_ms, const health_rules& rules) noexcept;

    health_state state_ = health_state::up;
    health_reason why_ = health_reason::none;
    node_death death_ = node_death::none;
    bool asking_ = false;
    bool urgent_ = true;          // ask at once: also the first time
    bool hinted_ = false;         // ask soon
    bool session_wanted_ = false; // a session is to be opened before the doubt is over
    bool fell_before_ = false;
    unsigned failures_ = 0;         // in a row
    unsigned session_failures_ = 0; // in a row, of questions for a session
    unsigned goods_ = 0;            // in a row, since the last failure
    unsigned needed_ = 0;
    unsigned last_needed_ = 0; // at the fall before
    std::uint32_t random_;
    std::int64_t asked_ms_ = 0;
    std::int64_t pause_ms_ = 0; // until the next question of a quiet, healthy node
    std::int64_t good_ms_ = 0;  // of the last good answer that was counted
    std::int64_t doubt_ms_ = 0; // of the last failure
    std::int64_t fell_ms_ = 0;
    std::int64_t fresh_ms_ = 0;          // of the last question over a new link
    std::int64_t session_ms_ = 0;        // of the last question for a session
    std::int64_t patience_ms_ = 0;       // what a question gets; learnt from slow nodes
    std::int64_t unanswered_since_ = -1; // when the first of the unanswered questions was sent
};

// health_shown lays the operator's wish over what was measured.
[[nodiscard]] health_state health_shown(health_state measured, node_wish wish) noexcept;

// As they are printed: "up", "suspect"; "no_bosh"; "drain".
[[nodiscard]] std::string_view name_of(health_state state) noexcept;
[[nodiscard]] std::string_view name_of(health_reason why) noexcept;
[[nodiscard]] std::string_view name_of(node_wish wish) noexcept;
[[nodiscard]] std::string_view name_of(probe_kind kind) noexcept;
// In words that follow "the node": "takes no connections: refused".
[[nodiscard]] std::string_view words_of(health_reason why) noexcept;

} // namespace boshgate::discovery
