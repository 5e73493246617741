#pragma once
// The sid that a client of the discovery endpoint gets to see: the node's own sid with its node and
// a MAC behind it. So any instance that has the same keys routes any session, also one that another
// instance opened before a restart, and nobody can aim a sid at a node of his choice. XEP-0124 7.2
// leaves the form of a sid to whoever issues it; clients treat it as opaque text.
//
//     8a3f2c1e-5b7d-4e90-a1c2-d3e4f5061728.tpvf7xiuy4SlzyCZsA-7UP
//     raw sid                              node   MAC
//
// Only letters, digits, '-', '.' and '_' come out, which pass unchanged through XML, JSON, HTML and
// URLs. Other bytes of a raw sid, and '_', become '_' and two hex digits: what nodes issue today
// has none, but a node may issue what it likes.
//
// node id  the first 36 bits of SHA-256 of the node's name in lower case. Of the name, so that it
//          survives another order of the configuration and means the same in every instance.
// MAC      the first 96 bits of HMAC-SHA-256 (RFC 2104) of all that stands before it. Both are
//          printed in the alphabet of base64url (RFC 4648 5).
//
// Keys are changed without losing a session in three steps, each on every instance before the next
// one: add the new key at the end; move it to the front; drop the old one when no session can be
// that old.
//
// Built once for each snapshot, read by every core without a lock. Allocates only when built.

#include "routing/route_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::routing {

using tag_key = std::array<std::uint8_t, 32>;

// What a tagged sid says of its node.
using node_id = std::array<char, 6>;

// node_id_of: the id of the node with this name, in any letter case.
[[nodiscard]] node_id node_id_of(std::string_view name) noexcept;

// same_node_id finds two nodes that have the same id, the lower index first; nullopt: all differ.
// 36 bits make that a matter of one in millions for hundreds of nodes, but then one of the names
// has to change: for the check of a configuration.
[[nodiscard]] std::optional<std::pair<node_index, node_index>>
same_node_id(std::span<const std::string> node_names);

class sid_tagger {
  public:
    static constexpr std::size_t keys_max = 8;
    // Longest raw sid. Servers in use issue 50 bytes at most.
    static constexpr std::size_t raw_max = 256;
    static constexpr std::size_t mac_chars = 16;
    static constexpr std::size_t tail_chars = 1 + std::tuple_size_v<node_id> + mac_chars;
    static constexpr std::size_t tagged_max = 3 * raw_max + tail_chars; // every byte escaped

    using raw_room = std::array<char, raw_max>;
    using tagged_room = std::array<char, tagged_max>;

    // keys: the first signs, all verify. node_names: in the order of config::nodes.
    // Throws std::invalid_argument for no keys or more than keys_max, and for what same_node_id
    // finds: the loader has refused both before.
    sid_tagger(std::span<const tag_key> keys, std::span<const std::string> node_names);
    ~sid_tagger();
    sid_tagger(const sid_tagger&) = delete;
    sid_tagger& operator=(const sid_tagger&) = delete;

    // tag writes the tagged sid to `room` and returns it: always the same for the same key, node
    // and raw sid. Refused, with an empty result: a raw sid that is empty or longer than raw_max, a
    // node that there is not. Such a session cannot be offered.
    [[nodiscard]] std::string_view tag(std::string_view raw, node_index node,
                                       tagged_room& room) const noexcept;

    struct untagged {
        std::string_view raw; // in the tagged sid, or in the room if it had escapes
        node_index node;
    };

    // untag takes apart what tag() has made under any of the keys. nullopt, with no telling why:
    // anything else, and a node that is not configured any more. It is to look like any unknown sid
    // (XEP-0124 14.3). MACs are compared in constant time, and before the node is looked up.
    [[nodiscard]] std::optional<untagged> untag(std::string_view sid,
                                                raw_room& room) const noexcept;

  private:
    using digest_state = std::array<std::uint32_t, 8>;
    using printed_mac = std::array<char, mac_chars>;

    // HMAC's two inner hashes after their first block, which is made of the key alone.
    struct key_states {
        digest_state inner, outer;
    };

    [[nodiscard]] static key_states states_of(const tag_key& key) noexcept;
    [[nodiscard]] static printed_mac mac_of(std::string_view text, const key_states& key) noexcept;
    [[nodiscard]] bool signed_by_us(std::string_view text, std::string_view mac) const noexcept;

    std::vector<key_states> keys_;
    std::vector<node_id> ids_;                          // by node
    std::vector<std::pair<node_id, node_index>> by_id_; // sorted
};

} // namespace boshgate::routing
