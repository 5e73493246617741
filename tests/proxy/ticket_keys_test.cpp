#include "proxy/ticket_keys.hpp"

#include <gtest/gtest.h>

namespace boshgate::proxy {
namespace {

using std::chrono::seconds;

const ticket_keys::time_point start{std::chrono::hours(1000)};

TEST(ticket_keys, one_key_seals_for_one_rotation) {
    ticket_keys keys;
    ticket_keys::key first;
    ticket_keys::key later;
    ASSERT_TRUE(keys.to_seal(start, first));
    ASSERT_TRUE(keys.to_seal(start + ticket_keys::rotation - seconds(1), later));
    EXPECT_EQ(first.name, later.name);
    EXPECT_EQ(first.cipher, later.cipher);
    EXPECT_EQ(first.mac, later.mac);
    ASSERT_TRUE(keys.to_seal(start + ticket_keys::rotation, later));
    EXPECT_NE(first.name, later.name);
    EXPECT_NE(first.cipher, later.cipher);
    EXPECT_NE(first.mac, later.mac);
}

TEST(ticket_keys, every_ticket_can_be_opened_for_one_rotation) {
    ticket_keys keys;
    ticket_keys::key sealing;
    ASSERT_TRUE(keys.to_seal(start, sealing));
    const auto sealed = start + ticket_keys::rotation - seconds(1); // the last ticket of this key
    ticket_keys::key next;
    ASSERT_TRUE(keys.to_seal(sealed + seconds(2), next));
    ticket_keys::key opening;
    ASSERT_TRUE(keys.to_open(sealing.name.data(), sealed + ticket_keys::rotation, opening));
    EXPECT_EQ(opening.cipher, sealing.cipher);
    EXPECT_FALSE(keys.to_open(sealing.name.data(), start + 2 * ticket_keys::rotation, opening));
}

TEST(ticket_keys, two_keys_are_kept) {
    ticket_keys keys;
    ticket_keys::key first;
    ticket_keys::key other;
    ASSERT_TRUE(keys.to_seal(start, first));
    ASSERT_TRUE(keys.to_seal(start + ticket_keys::rotation, other));
    EXPECT_TRUE(keys.to_open(first.name.data(), start + ticket_keys::rotation, other));
    ASSERT_TRUE(keys.to_seal(start + 2 * ticket_keys::rotation, other));
    EXPECT_FALSE(keys.to_open(first.name.data(), start + ticket_keys::rotation, other));
}

TEST(ticket_keys, unknown_names_open_nothing) {
    ticket_keys keys;
    ticket_keys::key found;
    const ticket_keys::key unknown;
    EXPECT_FALSE(keys.to_open(unknown.name.data(), start, found)) << "an empty slot has no name";
    ASSERT_TRUE(keys.to_seal(start, found));
    EXPECT_FALSE(keys.to_open(unknown.name.data(), start, found));
}

TEST(ticket_keys, the_process_has_one_set) {
    EXPECT_EQ(ticket_keys::of_process(), ticket_keys::of_process());
}

} // namespace
} // namespace boshgate::proxy
