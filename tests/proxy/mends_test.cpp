// Whoever is told that something is wrong is told what to do about it.

#include "proxy/mends.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace boshgate::tests {
namespace {

using namespace proxy;
using discovery::health_reason;
using routing::reason;

// Sentences: a capital letter first (or the name of a key), a full stop last, one blank between.
void expect_sentences(std::string_view text, std::string_view of) {
    ASSERT_FALSE(text.empty()) << of;
    EXPECT_EQ(text.back(), '.') << of << ": " << text;
    EXPECT_EQ(text.find("  "), std::string_view::npos) << of << ": " << text;
    EXPECT_LT(text.size(), 260U) << of << ": people read two lines, not ten";
}

TEST(Mends, EveryReasonThatIsAFaultHasOne) {
    for (std::size_t i = 0; i < routing::reason_count; ++i) {
        const auto why = static_cast<reason>(i);
        const advice what = mend_of(why);
        if (what.where == concern::none) {
            EXPECT_TRUE(what.mend.empty()) << name_of(why);
        } else {
            expect_sentences(what.mend, name_of(why));
        }
        // What the proxy answers on purpose, and what nodes do wrong, is never passed over.
        if (routing::status_of(why) != 0 || routing::name_of(why).starts_with("node_")) {
            EXPECT_NE(what.where, concern::none) << name_of(why);
        }
    }
}

TEST(Mends, NormalEndsAreNoFaults) {
    for (const reason why : {reason::answered, reason::replayed, reason::file, reason::preflight,
                             reason::idle_timeout, reason::client_closed, reason::superseded}) {
        EXPECT_EQ(mend_of(why).where, concern::none) << name_of(why);
    }
}

TEST(Mends, FaultsAreLookedForWhereTheyAre) {
    struct row {
        reason why;
        concern where;
    };
    for (const row& one : std::to_array<row>({{reason::node_refused, concern::node},
                                              {reason::node_drained, concern::node},
                                              {reason::no_node, concern::node},
                                              {reason::node_links, concern::here},
                                              {reason::origin_refused, concern::here},
                                              {reason::descriptors, concern::here},
                                              {reason::sessions, concern::here},
                                              {reason::no_route, concern::client},
                                              {reason::bad_field, concern::client},
                                              {reason::rid_window, concern::client}})) {
        EXPECT_EQ(mend_of(one.why).where, one.where) << name_of(one.why);
    }
}

TEST(Mends, EveryStateOfANodeHasOneByItsName) {
#define BOSHGATE_HEALTH_TEST(name, words)                                                          \
    if (health_reason::name != health_reason::none) {                                              \
        expect_sentences(mend_of_health(#name), #name);                                            \
        EXPECT_EQ(mend_of_health(#name), mend_of(health_reason::name)) << #name;                   \
    }
    BOSHGATE_HEALTH_REASONS(BOSHGATE_HEALTH_TEST)
#undef BOSHGATE_HEALTH_TEST
    EXPECT_EQ(mend_of_health(""), "");
    EXPECT_EQ(mend_of_health("none"), "");
    EXPECT_EQ(mend_of_health("no_such_reason"), "");
}

TEST(Mends, EveryKindOfWarningHasOne) {
    for (int i = 0; i < log_topics; ++i) {
        expect_sentences(mend_of(static_cast<log_topic>(i)), std::to_string(i));
    }
}

TEST(Mends, PlacesHaveNames) {
    EXPECT_EQ(name_of(concern::none), "none");
    EXPECT_EQ(name_of(concern::client), "client");
    EXPECT_EQ(name_of(concern::here), "here");
    EXPECT_EQ(name_of(concern::node), "node");
}

} // namespace
} // namespace boshgate::tests
