#pragma once
// Whether a user's CAXL does its own discovery, told by what it does with the hostnames that a node
// hands out (client_kind.hpp, discovery_evidence). A state machine for each user: it is fed what
// happens in the sessions of that user, in any order, and concludes only from what nobody else
// would do. Times are milliseconds of any clock that does not go backwards.

#include "discovery/client_kind.hpp"
#include "routing/route_table.hpp"

#include <array>
#include <cstdint>

namespace boshgate::discovery {

// The hostnames of one answer, as far as CAXL reads them: home and backup.
struct nodes_told {
    std::array<routing::node_index, 2> nodes{}; // the first `known` of them
    std::uint8_t known = 0;                     // how many names stand for a node that we have
    std::uint8_t named = 0;                     // how many names there were: 0 to 2

    [[nodiscard]] bool has(routing::node_index node) const noexcept {
        return (known > 0 && nodes[0] == node) || (known > 1 && nodes[1] == node);
    }
};

class discovery_trail {
  public:
    // How long after the end of the first session the second is opened at most: CAXL 8.6.1 pauses
    // for a second, and where its home node is dead it comes to the backup after 7 s of repeats.
    static constexpr std::uint64_t hop_ms = 10'000;
    // How long after the names a client authenticates or leaves; CAXL does it at once.
    static constexpr std::uint64_t decision_ms = 60'000;

    // The user asks `at` for a session. Returns what is known of its CAXL by then.
    discovery_evidence on_session_request(routing::node_index at, std::uint64_t now_ms) noexcept;
    // A session at `at`, not authenticated, was given names. Names that are ours and lead nowhere
    // else prove nothing, whatever the client does next: CAXL logs in where it is, too.
    void on_hostnames(routing::node_index at, const nodes_told& told,
                      std::uint64_t now_ms) noexcept;
    // A session at `at` is ended by its client before it was authenticated.
    void on_left(routing::node_index at, std::uint64_t now_ms) noexcept;
    // The client begins to authenticate at `at`. Returns what is known of its CAXL now. One name
    // proves nothing here: with a home and no backup CAXL 2014.04 stays, though it discovers
    // (caxl.md b, "One-name defect").
    discovery_evidence on_authentication(routing::node_index at, std::uint64_t now_ms) noexcept;

    // forget_node: that index stands for another node from here on.
    void forget_node(routing::node_index node) noexcept {
        if (at_ == node || told_.has(node)) {
            step_ = step::none;
        }
    }

    [[nodiscard]] discovery_evidence seen() const noexcept { return seen_; }

  private:
    enum class step : std::uint8_t {
        none,
        told, // names that lead elsewhere were given at `at_`
        left, // and the session ended
    };

    [[nodiscard]] bool decides(routing::node_index at, std::uint64_t now_ms) const noexcept;

    std::uint64_t since_ms_ = 0; // of the step
    nodes_told told_;
    routing::node_index at_ = 0;
    step step_ = step::none;
    discovery_evidence seen_ = discovery_evidence::none;
};

} // namespace boshgate::discovery
