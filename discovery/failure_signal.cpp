#include "discovery/failure_signal.hpp"

#include <array>

namespace boshgate::discovery {
namespace {

using condition = routing::binding_condition;

constexpr failure_signal http(std::uint16_t status, std::uint16_t retry_after_s = 0) {
    return {signal_form::status, status, condition::item_not_found, retry_after_s};
}
constexpr failure_signal terminate(condition told) {
    return {signal_form::terminate, 200, told, 0};
}
// `otherwise`: the status on a fresh connection.
constexpr failure_signal cut(std::uint16_t otherwise, std::uint16_t retry_after_s = 0) {
    return {signal_form::close, otherwise, condition::item_not_found, retry_after_s};
}

// What each kind of client is told.
struct row {
    std::array<failure_signal, client_kind_count> told{};

    [[nodiscard]] constexpr row but(client_kind who, failure_signal other) const {
        row changed = *this;
        changed.told[static_cast<std::size_t>(who)] = other;
        return changed;
    }
};

constexpr row everybody(failure_signal same) {
    row all;
    all.told.fill(same);
    return all;
}

// CAXL that goes elsewhere by itself, or may: the table's most frequent exception.
constexpr row with_caxl_elsewhere(const row& others, failure_signal told) {
    return others.but(client_kind::caxl, told).but(client_kind::caxl_discovery, told);
}

constexpr row with_every_caxl(const row& others, failure_signal told) {
    return with_caxl_elsewhere(others, told).but(client_kind::caxl_thin, told);
}

struct rule {
    situation what;
    row on_node_path;
    row on_discovery;
};

constexpr rule same_everywhere(situation what, const row& told) {
    return {what, told, told};
}

// Seconds until another attempt makes sense. No script client reads it (bosh.md 4.6, last row);
// people, probes and balancers do.
constexpr std::uint16_t soon = 5;
constexpr std::uint16_t later = 30;

// The end of a login at the discovery endpoint, where every other node was tried: the user has to
// see it. After an HTTP failure no library shows anything for longer than 30 s (CAXL: 7 s), after a
// terminate each does within 0.1 s (SIGNALS.md, "What users are shown"). remote-connection-failed
// is XEP-0124's word for it (17.2). After that one Converse stops for good, also where it had a
// session before; after any other it says so and tries again every 3 s.
constexpr row no_login =
    everybody(terminate(condition::remote_connection_failed))
        .but(client_kind::converse, terminate(condition::internal_server_error));

// "brings back" below is bosh.md 4.7. Rows with an HTTP failure are about "5xx" of bosh.md 4.6:
// the same rid again from every library, with its own pauses; any 4xx would end Strophe's session.
//
// No cell has these: remote-connection-failed and host-unknown towards Converse, or within a
// session (Converse stops for good), system-shutdown towards CAXL that is not known to discover by
// itself, and other-request towards any CAXL (the same).
constexpr std::array<rule, situation_count> table{{
    // caxl.md e, "terminate, any condition": the next node at once, instead of after 7 s of repeats
    // (b, "Failover while connecting"). Thin CAXL shows any terminate to the user, and repeats
    // after HTTP errors for 7 s (c 6); bosh.md 4.7, last item for the others: their path leads to
    // no other node, and this one may be back soon.
    {situation::session_request_node_dead,
     with_caxl_elsewhere(everybody(http(503, soon)),
                         terminate(condition::remote_connection_failed)),
     no_login},
    // caxl.md "What a proxy implementer must do" 5: for a blip let the client repeat.
    same_everywhere(situation::session_request_failed, everybody(http(503, soon))),
    // As above. CAXL with discovery on asks here once more, then shows it (caxl.md b).
    same_everywhere(situation::session_request_no_node, no_login),
    // bosh.md 8 D 77. A terminate would bring CAXL to the next node, and Converse back, at once.
    same_everywhere(situation::session_request_limit, everybody(http(503, later))),
    // bosh.md 8 E 85, 86, 92: 502. The next node may be better: as session_request_node_dead. At
    // the discovery endpoint all were tried.
    {situation::session_request_bad_answer,
     with_caxl_elsewhere(everybody(http(502)), terminate(condition::internal_server_error)),
     everybody(terminate(condition::internal_server_error))},
    // bosh.md 2.5, last item: a cut makes the browser ask the next instance, at once.
    same_everywhere(situation::session_request_draining, everybody(cut(503, soon))),
    // As session_request_bad_answer: the node cannot be had from here.
    {situation::session_request_steered_away,
     with_caxl_elsewhere(everybody(http(502)), terminate(condition::internal_server_error)),
     everybody(terminate(condition::internal_server_error))},

    // bosh.md 4.7: item-not-found is true, and brings all of them back. caxl.md e, second table:
    // system-shutdown takes CAXL to its next node one countdown earlier, where it has one; without
    // discovery it would be final. On the discovery endpoint the same URL leads to another node.
    {situation::session_node_dead,
     everybody(terminate(condition::item_not_found))
         .but(client_kind::caxl_discovery, terminate(condition::system_shutdown)),
     everybody(terminate(condition::item_not_found))},
    // The session may live, so its rid must come again: bosh.md 1.11, third item. Best by the
    // browser itself (caxl.md e, "A browser detail"): it repeats exactly this request, at once.
    // After a 5xx Strophe pauses for 8 s (bosh.md 4.1), and CAXL repeats its newest request, which
    // loses an older one for ever (4.4).
    same_everywhere(situation::session_exchange_failed, everybody(cut(503))),
    // bosh.md 2.2 F. Not by a cut: the browser's repeat would only use up what is left of the
    // client's own timer.
    same_everywhere(situation::session_overdue, everybody(http(504))),
    // bosh.md 4.7, 8 B 35, 36, 8 E 103; one answer for all unknown sids: 124 14.3.
    same_everywhere(situation::session_unknown, everybody(terminate(condition::item_not_found))),
    // bosh.md 1.11, row host-gone; 8 B 41. For CAXL the next node at once, as session_node_dead.
    {situation::session_node_removed,
     everybody(terminate(condition::host_gone))
         .but(client_kind::caxl_discovery, terminate(condition::system_shutdown)),
     everybody(terminate(condition::host_gone))},
    // bosh.md 8 E 92. The rid was most likely taken; the node may still have the answer.
    same_everywhere(situation::session_bad_answer, everybody(http(502))),
    // caxl.md "What a proxy implementer must do" 7: system-shutdown where that leads on.
    {situation::session_steered_away,
     everybody(terminate(condition::internal_server_error))
         .but(client_kind::caxl_discovery, terminate(condition::system_shutdown)),
     everybody(terminate(condition::internal_server_error))},
    // bosh.md 2.5, last item; 8 G 118: no made-up answers. The session lives at its node.
    same_everywhere(situation::session_draining, everybody(cut(503, soon))),
    // 124 14.2, 14.3; bosh.md 8 D 57, 58, 62.
    same_everywhere(situation::session_bad_rid, everybody(terminate(condition::item_not_found))),
    // bosh.md 8 D 64. CAXL never repeats an older request whose successor is open (4.4), so the gap
    // stays; the others still repeat it.
    same_everywhere(situation::session_rid_gap,
                    with_every_caxl(everybody(http(503)), terminate(condition::item_not_found))),
    // 124 11, 14.3; bosh.md 8 D 61, 67.
    same_everywhere(situation::session_overactive,
                    everybody(terminate(condition::policy_violation))),
    // 124 19.1; bosh.md 8 D 79: the connection ends, the session does not.
    same_everywhere(situation::session_not_secure, everybody(cut(0))),

    // 124 17.2; bosh.md 8 C 43-55, 8 D 56, 68.
    same_everywhere(situation::bad_request, everybody(terminate(condition::bad_request))),
    same_everywhere(situation::request_too_large,
                    everybody(terminate(condition::policy_violation))),
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].what != static_cast<situation>(i))
            return false;
    }
    return true;
}
static_assert(in_order(), "a situation's place in the table is its number");

// XEP-0124 17.2: three of the conditions are HTTP codes to clients without `ver`.
failure_signal for_legacy(failure_signal told) noexcept {
    const int status =
        told.form == signal_form::terminate ? routing::legacy_status_of(told.condition) : 0;
    return status == 0 ? told : http(static_cast<std::uint16_t>(status));
}

} // namespace

failure_signal signal_for(situation what, client_kind who, endpoint_kind where,
                          bool reused) noexcept {
    const rule& found = table[static_cast<std::size_t>(what)];
    const row& told = where == endpoint_kind::node_path ? found.on_node_path : found.on_discovery;
    failure_signal signal = told.told[static_cast<std::size_t>(who)];
    if (signal.form != signal_form::close)
        return who == client_kind::legacy ? for_legacy(signal) : signal;
    if (!reused && signal.status != 0)
        return http(signal.status, signal.retry_after_s);
    return {signal_form::close, 0, condition::item_not_found, 0};
}

failure_signal signal_for_body(routing::body_error why, client_kind who) noexcept {
    const situation what = routing::legacy_status_of(why) == 403 ? situation::request_too_large
                                                                 : situation::bad_request;
    return signal_for(what, who, endpoint_kind::node_path, false);
}

std::string_view body_of(const failure_signal& signal) noexcept {
    return signal.form == signal_form::terminate ? routing::terminate_body(signal.condition)
                                                 : std::string_view{};
}

std::string_view name_of(situation what) noexcept {
    constexpr std::array<std::string_view, situation_count> names{"session_request_node_dead",
                                                                  "session_request_failed",
                                                                  "session_request_no_node",
                                                                  "session_request_limit",
                                                                  "session_request_bad_answer",
                                                                  "session_request_draining",
                                                                  "session_request_steered_away",
                                                                  "session_node_dead",
                                                                  "session_exchange_failed",
                                                                  "session_overdue",
                                                                  "session_unknown",
                                                                  "session_node_removed",
                                                                  "session_bad_answer",
                                                                  "session_steered_away",
                                                                  "session_draining",
                                                                  "session_bad_rid",
                                                                  "session_rid_gap",
                                                                  "session_overactive",
                                                                  "session_not_secure",
                                                                  "bad_request",
                                                                  "request_too_large"};
    return names[static_cast<std::size_t>(what)];
}

std::string_view name_of(signal_form form) noexcept {
    switch (form) {
    case signal_form::status:
        return "status";
    case signal_form::terminate:
        return "terminate";
    case signal_form::close:
        return "close";
    }
    return {};
}

} // namespace boshgate::discovery
