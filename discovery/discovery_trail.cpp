#include "discovery/discovery_trail.hpp"

namespace boshgate::discovery {

using routing::node_index;

namespace {

// Cores read the clock for themselves, and one may have read it a moment later than another.
bool within(std::uint64_t limit_ms, std::uint64_t since_ms, std::uint64_t now_ms) noexcept {
    return now_ms <= since_ms || now_ms - since_ms <= limit_ms;
}

} // namespace

bool discovery_trail::decides(node_index at, std::uint64_t now_ms) const noexcept {
    return step_ == step::told && at_ == at && within(decision_ms, since_ms_, now_ms);
}

discovery_evidence discovery_trail::on_session_request(node_index at,
                                                       std::uint64_t now_ms) noexcept {
    if (step_ == step::left && told_.has(at) && within(hop_ms, since_ms_, now_ms)) {
        step_ = step::none;
        seen_ = discovery_evidence::followed;
    }
    return seen_;
}

void discovery_trail::on_hostnames(node_index at, const nodes_told& told,
                                   std::uint64_t now_ms) noexcept {
    step_ = told.known == 0 || told.has(at) ? step::none : step::told;
    told_ = told;
    at_ = at;
    since_ms_ = now_ms;
}

void discovery_trail::on_left(node_index at, std::uint64_t now_ms) noexcept {
    if (decides(at, now_ms)) {
        step_ = step::left;
        since_ms_ = now_ms;
    }
}

discovery_evidence discovery_trail::on_authentication(node_index at,
                                                      std::uint64_t now_ms) noexcept {
    if (decides(at, now_ms)) {
        step_ = step::none;
        if (told_.named == 2) {
            seen_ = discovery_evidence::ignored;
        }
    }
    return seen_;
}

} // namespace boshgate::discovery
