#include "discovery/failure_signal.hpp"

#include "routing/bosh_body.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::discovery {
namespace {

using condition = routing::binding_condition;
constexpr auto node_path = endpoint_kind::node_path;
constexpr auto discovery = endpoint_kind::discovery;

std::vector<situation> situations() {
    std::vector<situation> all;
    for (std::size_t i = 0; i < situation_count; ++i)
        all.push_back(static_cast<situation>(i));
    return all;
}

std::vector<client_kind> kinds() {
    std::vector<client_kind> all;
    for (std::size_t i = 0; i < client_kind_count; ++i)
        all.push_back(static_cast<client_kind>(i));
    return all;
}

// "503", "item-not-found" or "close".
std::string text_of(const failure_signal& signal) {
    switch (signal.form) {
    case signal_form::status:
        return std::to_string(signal.status);
    case signal_form::terminate:
        return std::string(name_of(signal.condition));
    case signal_form::close:
        return "close";
    }
    return {};
}

// Calls check(signal, label) for every cell of the table.
template <class Check>
void for_every_cell(Check check) {
    for (const situation what : situations()) {
        for (const client_kind who : kinds()) {
            for (const endpoint_kind where : {node_path, discovery}) {
                for (const bool reused : {false, true}) {
                    const std::string label =
                        std::string(name_of(what)) + ", " + std::string(name_of(who)) +
                        (where == node_path ? ", node path" : ", discovery endpoint") +
                        (reused ? ", reused" : ", fresh");
                    check(signal_for(what, who, where, reused), what, who, reused, label);
                }
            }
        }
    }
}

// The signals of a situation as SIGNALS.md shows them: where the discovery endpoint differs, behind
// a slash.
std::string page_row(situation what) {
    using enum client_kind;
    std::string row = "| " + std::string(name_of(what)) + " |";
    for (const client_kind who : {strophe, converse, legacy, caxl, caxl_discovery, caxl_thin}) {
        const std::string on_node = text_of(signal_for(what, who, node_path, true));
        const std::string elsewhere = text_of(signal_for(what, who, discovery, true));
        row += " " + on_node + (elsewhere == on_node ? "" : " / " + elsewhere) + " |";
    }
    return row;
}

TEST(failure_signal, only_honest_signals) {
    for_every_cell([](const failure_signal& signal, situation what, client_kind who, bool reused,
                      const std::string& label) {
        const std::string_view body = body_of(signal);
        switch (signal.form) {
        case signal_form::status:
            EXPECT_TRUE(body.empty()) << label;
            // A 4xx ends Strophe's session; only those whose protocol says so get one.
            if (who == client_kind::legacy) {
                EXPECT_TRUE(std::set({400, 403, 404, 502, 503, 504}).contains(signal.status))
                    << label;
            } else {
                EXPECT_TRUE(std::set({502, 503, 504}).contains(signal.status)) << label;
            }
            EXPECT_TRUE(signal.retry_after_s == 0 || signal.status == 503) << label;
            break;
        case signal_form::terminate: {
            routing::body_tag tag;
            ASSERT_TRUE(routing::check_body(body, routing::body_limits{}, tag).ok()) << label;
            EXPECT_TRUE(tag.is(routing::body_attribute::type, "terminate")) << label;
            EXPECT_TRUE(tag.is(routing::body_attribute::condition, name_of(signal.condition)))
                << label;
            break;
        }
        case signal_form::close:
            EXPECT_TRUE(body.empty()) << label;
            EXPECT_TRUE(reused || what == situation::session_not_secure) << label;
            break;
        }
    });
}

// bosh.md 4.7: what nobody comes back from.
TEST(failure_signal, no_client_is_sent_away_for_good) {
    for_every_cell([](const failure_signal& signal, situation what, client_kind who, bool,
                      const std::string& label) {
        if (signal.form != signal_form::terminate)
            return;
        EXPECT_NE(signal.condition, condition::other_request) << label;
        EXPECT_NE(signal.condition, condition::host_unknown) << label;
        if (signal.condition == condition::remote_connection_failed) {
            EXPECT_NE(who, client_kind::converse) << label;
            EXPECT_TRUE(what == situation::session_request_node_dead ||
                        what == situation::session_request_no_node)
                << label;
        }
        if (signal.condition == condition::system_shutdown) {
            EXPECT_EQ(who, client_kind::caxl_discovery) << label;
        }
        if (who == client_kind::legacy) {
            EXPECT_EQ(routing::legacy_status_of(signal.condition), 0) << label;
        }
    });
}

// The table once more, from the reader's side: what each kind of client gets on a reused
// connection of a node's path.
struct expectation {
    situation what;
    std::string_view others;   // unknown, Strophe, Converse, stanza
    std::string_view legacy;   // no `ver`
    std::string_view caxl;     // flag unknown
    std::string_view followed; // caxl_discovery
    std::string_view thin;     // caxl_thin
};

constexpr expectation table[] = {
    {situation::session_request_node_dead, "503", "503", "remote-connection-failed",
     "remote-connection-failed", "503"},
    {situation::session_request_failed, "503", "503", "503", "503", "503"},
    {situation::session_request_no_node, "remote-connection-failed", "remote-connection-failed",
     "remote-connection-failed", "remote-connection-failed", "remote-connection-failed"},
    {situation::session_request_limit, "503", "503", "503", "503", "503"},
    {situation::session_request_bad_answer, "502", "502", "internal-server-error",
     "internal-server-error", "502"},
    {situation::session_request_draining, "close", "close", "close", "close", "close"},
    {situation::session_request_steered_away, "502", "502", "internal-server-error",
     "internal-server-error", "502"},
    {situation::session_node_dead, "item-not-found", "404", "item-not-found", "system-shutdown",
     "item-not-found"},
    {situation::session_exchange_failed, "close", "close", "close", "close", "close"},
    {situation::session_overdue, "504", "504", "504", "504", "504"},
    {situation::session_unknown, "item-not-found", "404", "item-not-found", "item-not-found",
     "item-not-found"},
    {situation::session_node_removed, "host-gone", "host-gone", "host-gone", "system-shutdown",
     "host-gone"},
    {situation::session_bad_answer, "502", "502", "502", "502", "502"},
    {situation::session_steered_away, "internal-server-error", "internal-server-error",
     "internal-server-error", "system-shutdown", "internal-server-error"},
    {situation::session_draining, "close", "close", "close", "close", "close"},
    {situation::session_bad_rid, "item-not-found", "404", "item-not-found", "item-not-found",
     "item-not-found"},
    {situation::session_rid_gap, "503", "503", "item-not-found", "item-not-found",
     "item-not-found"},
    {situation::session_overactive, "policy-violation", "403", "policy-violation",
     "policy-violation", "policy-violation"},
    {situation::session_not_secure, "close", "close", "close", "close", "close"},
    {situation::bad_request, "bad-request", "400", "bad-request", "bad-request", "bad-request"},
    {situation::request_too_large, "policy-violation", "403", "policy-violation",
     "policy-violation", "policy-violation"},
};
static_assert(std::size(table) == situation_count);

// Where the discovery endpoint has a word of its own, for everybody. Else CAXL that discovers gets
// there what CAXL that does not gets, and all others what they get on a node's path.
constexpr std::pair<situation, std::string_view> on_discovery[] = {
    {situation::session_request_node_dead, "remote-connection-failed"},
    {situation::session_request_no_node, "remote-connection-failed"},
    {situation::session_request_bad_answer, "internal-server-error"},
    {situation::session_request_steered_away, "internal-server-error"},
};

std::string_view expected(const expectation& one, client_kind who, endpoint_kind where) {
    using enum client_kind;
    const auto differs =
        std::ranges::find(on_discovery, one.what, &std::pair<situation, std::string_view>::first);
    // Converse stops for good after the one, and comes back after the other.
    const auto but_converse = [who](std::string_view told) {
        return who == converse && told == "remote-connection-failed" ? "internal-server-error"
                                                                     : told;
    };
    if (where == discovery && differs != std::end(on_discovery))
        return but_converse(differs->second);
    switch (who) {
    case legacy:
        return one.legacy;
    case caxl:
        return where == discovery ? one.thin : one.caxl;
    case caxl_discovery:
        return where == discovery ? one.thin : one.followed;
    case caxl_thin:
        return one.thin;
    case unknown:
    case strophe:
    case converse:
    case stanza:
        return but_converse(one.others);
    }
    return {};
}

TEST(failure_signal, table) {
    for (const expectation& one : table) {
        for (const endpoint_kind where : {node_path, discovery}) {
            for (const client_kind who : kinds()) {
                EXPECT_EQ(text_of(signal_for(one.what, who, where, true)),
                          expected(one, who, where))
                    << name_of(one.what) << ", " << name_of(who)
                    << (where == discovery ? ", discovery endpoint" : ", node path");
            }
        }
    }
}

// 7 s of repeats and more: nobody waits for that who was told nothing.
TEST(failure_signal, the_end_of_a_login_is_shown_to_the_user) {
    for (const situation what :
         {situation::session_request_node_dead, situation::session_request_no_node,
          situation::session_request_bad_answer, situation::session_request_steered_away}) {
        for (const client_kind who : kinds()) {
            for (const bool reused : {false, true}) {
                EXPECT_EQ(signal_for(what, who, discovery, reused).form, signal_form::terminate)
                    << name_of(what) << ", " << name_of(who);
            }
        }
    }
}

// The page for people has this very table.
TEST(failure_signal, page_shows_the_table) {
    std::ifstream file(std::string(BOSHGATE_SOURCE_DIR) + "/discovery/SIGNALS.md");
    std::stringstream page;
    page << file.rdbuf();
    ASSERT_FALSE(page.str().empty());
    for (const situation what : situations()) {
        const std::string row = page_row(what);
        EXPECT_NE(page.str().find("\n" + row + "\n"), std::string::npos) << "missing: " << row;
    }
}

TEST(failure_signal, a_fresh_connection_gets_a_status_instead_of_a_close) {
    for_every_cell([](const failure_signal& signal, situation what, client_kind who, bool reused,
                      const std::string& label) {
        if (reused || what == situation::session_not_secure)
            return;
        const failure_signal other = signal_for(what, who, node_path, true);
        if (other.form == signal_form::close) {
            EXPECT_EQ(text_of(signal), "503") << label;
        }
    });
}

TEST(failure_signal, retry_after_is_there_where_waiting_helps) {
    for (const auto& [what, seconds] : {std::pair(situation::session_request_node_dead, 5),
                                        std::pair(situation::session_request_failed, 5),
                                        std::pair(situation::session_request_limit, 30),
                                        std::pair(situation::session_request_draining, 5),
                                        std::pair(situation::session_exchange_failed, 0)}) {
        const auto signal = signal_for(what, client_kind::unknown, node_path, false);
        EXPECT_EQ(text_of(signal), "503") << name_of(what);
        EXPECT_EQ(signal.retry_after_s, seconds) << name_of(what);
    }
}

TEST(failure_signal, what_is_wrong_with_a_body_is_told_by_its_condition) {
    for (std::size_t i = 1; i < routing::body_error_count; ++i) {
        const auto why = static_cast<routing::body_error>(i);
        for (const client_kind who : kinds()) {
            const failure_signal signal = signal_for_body(why, who);
            const std::string label = std::string(name_of(why)) + ", " + std::string(name_of(who));
            EXPECT_EQ(text_of(signal), who == client_kind::legacy
                                           ? std::to_string(routing::legacy_status_of(why))
                                           : std::string(routing::condition_of(why)))
                << label;
        }
    }
}

TEST(failure_signal, everything_has_a_name) {
    std::set<std::string_view> names;
    for (const situation what : situations())
        EXPECT_TRUE(names.insert(name_of(what)).second) << name_of(what);
    EXPECT_EQ(name_of(situation::request_too_large), "request_too_large");
    EXPECT_EQ(name_of(signal_form::status), "status");
    EXPECT_EQ(name_of(signal_form::terminate), "terminate");
    EXPECT_EQ(name_of(signal_form::close), "close");
}

} // namespace
} // namespace boshgate::discovery
