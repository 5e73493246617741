#include "routing/sid_tag.hpp"

#include "routing/ascii.hpp"
#include "tests/routing/random_source.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

const std::string uuid = "8a3f2c1e-5b7d-4e90-a1c2-d3e4f5061728";

tag_key key_of(std::uint8_t seed) {
    tag_key key{};
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(seed + 7 * i);
    return key;
}

// A tagger with room of its own; gives copies.
class tags {
  public:
    explicit tags(std::vector<std::uint8_t> keys = {1},
                  std::vector<std::string> names = {"node-a1", "node-b1", "Node-C1"})
        : names_(std::move(names)), tagger_(keys_of(keys), names_) {}

    std::string tag(std::string_view raw, std::size_t node = 0) const {
        sid_tagger::tagged_room room;
        return std::string(tagger_.tag(raw, static_cast<node_index>(node), room));
    }
    // "node raw", or "none".
    std::string untag(std::string_view sid) const {
        sid_tagger::raw_room room;
        const auto found = tagger_.untag(sid, room);
        return found ? names_[found->node] + " " + std::string(found->raw) : "none";
    }

  private:
    static std::vector<tag_key> keys_of(const std::vector<std::uint8_t>& seeds) {
        std::vector<tag_key> keys;
        for (const std::uint8_t seed : seeds)
            keys.push_back(key_of(seed));
        return keys;
    }

    std::vector<std::string> names_;
    sid_tagger tagger_;
};

TEST(sid_tag, comes_back_as_it_was) {
    struct {
        const char* name;
        std::string raw;
        std::string wanted; // before the tail
    } const cases[] = {
        {"a UUID", uuid, uuid},
        {"hex", std::string(40, 'e'), std::string(40, 'e')},
        {"one byte", "x", "x"},
        {"the separator inside", "a.b.c", "a.b.c"},
        {"nothing but separators", "...", "..."},
        {"capitals", "ABCxyz019", "ABCxyz019"},
        {"the escape itself", "a_5fb", "a_5f5fb"},
        {"an escape at the end", "a_", "a_5f"},
        {"base64", "q+/=", "q_2b_2f_3d"},
        {"markup and blanks", "<a b='c'&\">", "_3ca_20b_3d_27c_27_26_22_3e"},
        {"bytes above ASCII", "\xc3\xa9", "_c3_a9"},
        {"controls", std::string("\0\x1f\x7f", 3), "_00_1f_7f"},
    };
    const tags t;
    for (const auto& c : cases) {
        const std::string tagged = t.tag(c.raw, 1);
        ASSERT_EQ(tagged.size(), c.wanted.size() + sid_tagger::tail_chars) << c.name;
        EXPECT_EQ(tagged.substr(0, c.wanted.size() + 1), c.wanted + ".") << c.name;
        EXPECT_EQ(t.untag(tagged), "node-b1 " + c.raw) << c.name;
    }
}

TEST(sid_tag, every_byte_comes_back_through_harmless_characters) {
    const tags t;
    for (int byte = 0; byte < 256; ++byte) {
        const std::string raw = "a" + std::string(1, static_cast<char>(byte)) + "b";
        const std::string tagged = t.tag(raw);
        EXPECT_EQ(tagged.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789_.-"),
                  std::string::npos)
            << byte << ": " << tagged;
        EXPECT_EQ(t.untag(tagged), "node-a1 " + raw) << byte;
    }
}

TEST(sid_tag, sids_at_the_limit) {
    const tags t;
    for (const char byte : {'a', '=', '_', '\0'}) {
        const std::string longest(sid_tagger::raw_max, byte);
        const std::string tagged = t.tag(longest);
        EXPECT_EQ(t.untag(tagged), "node-a1 " + longest) << int{byte};
        EXPECT_EQ(t.tag(longest + byte), "") << int{byte};
    }
    const std::string all_escaped = t.tag(std::string(sid_tagger::raw_max, '='));
    EXPECT_EQ(all_escaped.size(), sid_tagger::tagged_max);
    EXPECT_EQ(t.untag("a" + all_escaped), "none");
    EXPECT_EQ(t.tag(""), "");
    EXPECT_EQ(t.tag("a", 2).size(), 1 + sid_tagger::tail_chars);
    EXPECT_EQ(t.tag("a", 3), "") << "there are three nodes";
}

// Whoever has the key can sign what tag() never writes; it is still refused or harmless.
TEST(sid_tag, signed_text_that_was_never_a_tag) {
    const tag_key key = key_of(1);
    const std::vector<std::string> names{"node-a1"};
    const node_id id = node_id_of("node-a1");
    const std::string node = "." + std::string(id.begin(), id.end());
    const auto sign = [&key](const std::string& text) {
        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
        EXPECT_EQ(size, 32U);
        unsigned char printed[17];
        EXPECT_EQ(EVP_EncodeBlock(printed, mac, 12), 16);
        std::string sid = text + std::string(reinterpret_cast<const char*>(printed), 16);
        for (char& c : sid)
            c = c == '+' ? '-' : c == '/' ? '_' : c;
        return sid;
    };
    const tags t;
    EXPECT_EQ(t.untag(sign(uuid + node)), "node-a1 " + uuid) << "HMAC as OpenSSL has it";
    EXPECT_EQ(t.untag(sign(std::string(256, 'a') + node)), "node-a1 " + std::string(256, 'a'));
    EXPECT_EQ(t.untag(sign(std::string(257, 'a') + node)), "none");
    EXPECT_EQ(t.untag(sign(std::string(256, 'a') + "_61" + node)), "none");
    EXPECT_EQ(t.untag(sign(std::string(254, 'a') + "_61_61" + node)),
              "node-a1 " + std::string(256, 'a'));
    EXPECT_EQ(t.untag(sign("a_" + node)), "node-a1 a_");
    EXPECT_EQ(t.untag(sign("a_6" + node)), "node-a1 a_6");
    EXPECT_EQ(t.untag(sign(node)), "none") << "no raw sid";
    EXPECT_EQ(t.untag(sign("a.AAAAAA")), "none") << "no such node";
}

// The form itself: what one version has tagged the next one must understand.
TEST(sid_tag, the_form_stays) {
    const tags t;
    EXPECT_EQ(t.tag(uuid, 0), "8a3f2c1e-5b7d-4e90-a1c2-d3e4f5061728.tpvf7xiuy4SlzyCZsA-7UP");
    EXPECT_EQ(t.tag("0=", 2), "0_3d.qS-YJ08gARaFauL19N5HK1");
}

TEST(sid_tag, nothing_else_is_taken) {
    const tags t;
    const std::string good = t.tag(uuid, 0);
    const std::string other_node = t.tag(uuid, 1);
    const std::string other_sid = t.tag("8a3f2c1e-5b7d-4e90-a1c2-d3e4f5061729", 0);
    const auto tail = uuid.size();
    struct {
        const char* name;
        std::string sid;
    } const cases[] = {
        {"empty", ""},
        {"the raw sid", uuid},
        {"a tail alone", good.substr(tail)},
        {"a tail's length", std::string(sid_tagger::tail_chars, 'a')},
        {"one more", std::string(sid_tagger::tail_chars + 1, 'a')},
        {"too long", std::string(sid_tagger::tagged_max + 1, 'a')},
        {"another node's id",
         good.substr(0, tail) + other_node.substr(tail, 7) + good.substr(tail + 7)},
        {"another sid's MAC", good.substr(0, tail + 7) + other_sid.substr(tail + 7)},
        {"another sid's tail", good.substr(0, tail) + other_sid.substr(tail)},
        {"tagged twice", t.tag(good).substr(0, good.size()) + good.substr(tail)},
        {"another key", tags({2}).tag(uuid, 0)},
        {"a NUL behind", good + std::string(1, '\0')},
        {"a blank before", " " + good},
        {"an escape for a letter", "_38" + good.substr(1)},
        {"the tail in lower case",
         [&] {
             std::string sid = good;
             for (std::size_t i = tail; i < sid.size(); ++i)
                 sid[i] = ascii_lower(sid[i]);
             return sid;
         }()},
    };
    for (const auto& c : cases)
        EXPECT_EQ(t.untag(c.sid), "none") << c.name << ": " << c.sid;
    EXPECT_EQ(t.untag(good), "node-a1 " + uuid);
}

TEST(sid_tag, every_character_counts) {
    const tags t;
    const std::string good = t.tag(uuid);
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string sid = good;
            sid[i] = static_cast<char>(sid[i] ^ 1 << bit);
            EXPECT_EQ(t.untag(sid), "none") << sid;
        }
        EXPECT_EQ(t.untag(good.substr(0, i)), "none") << i;
        EXPECT_EQ(t.untag(good.substr(i + 1)), "none") << i;
        EXPECT_EQ(t.untag(std::string(good).erase(i, 1)), "none") << i;
        EXPECT_EQ(t.untag(std::string(good).insert(i, 1, 'a')), "none") << i;
    }
}

TEST(sid_tag, whatever_is_tagged_comes_back) {
    random_source random;
    const tags t;
    for (int i = 0; i < 2000; ++i) {
        std::string raw(1 + random.below(sid_tagger::raw_max), '\0');
        for (char& c : raw)
            c = static_cast<char>(random.byte());
        ASSERT_EQ(t.untag(t.tag(raw)), "node-a1 " + raw);
    }
}

TEST(sid_tag, keys_can_be_changed) {
    const tags before({1}), prepared({1, 2}), changed({2, 1}), after({2});
    struct {
        const char* name;
        const tags& signs;
        const tags& reads;
        bool wanted;
    } const cases[] = {
        {"a sid of the old key, all of them", before, prepared, true},
        {"a sid of the first key", prepared, before, true},
        {"the new one signs, prepared instances read", changed, prepared, true},
        {"the new one signs, old instances do not read", changed, before, false},
        {"old sessions go on", prepared, changed, true},
        {"until the old key is gone", prepared, after, false},
        {"new sessions stay", changed, after, true},
    };
    for (const auto& c : cases)
        EXPECT_EQ(c.reads.untag(c.signs.tag(uuid)), c.wanted ? "node-a1 " + uuid : "none")
            << c.name;
}

TEST(sid_tag, keys_at_the_limit) {
    const std::vector<std::string> names{"node-a1"};
    std::vector<tag_key> keys;
    EXPECT_THROW(sid_tagger(keys, names), std::invalid_argument);
    for (std::uint8_t i = 0; i < sid_tagger::keys_max; ++i)
        keys.push_back(key_of(i));
    const sid_tagger all(keys, names);
    const sid_tagger last({&keys.back(), 1}, names);
    sid_tagger::tagged_room tagged;
    sid_tagger::raw_room raw;
    EXPECT_TRUE(all.untag(last.tag(uuid, 0, tagged), raw));
    keys.push_back(key_of(sid_tagger::keys_max));
    EXPECT_THROW(sid_tagger(keys, names), std::invalid_argument);
}

TEST(sid_tag, nodes_may_move_in_the_configuration) {
    const tags before({1}, {"node-a1", "node-b1"});
    struct {
        const char* name;
        std::vector<std::string> names;
        std::string wanted;
    } const cases[] = {
        {"another order", {"node-b1", "node-a1"}, "node-b1 " + uuid},
        {"more nodes", {"node-0", "node-a1", "node-a2", "node-b1"}, "node-b1 " + uuid},
        {"another letter case", {"NODE-A1", "NODE-B1"}, "NODE-B1 " + uuid},
        {"the node is gone", {"node-a1"}, "none"},
        {"no nodes at all", {}, "none"},
        {"a similar name", {"node-b10"}, "none"},
    };
    for (const auto& c : cases)
        EXPECT_EQ(tags({1}, c.names).untag(before.tag(uuid, 1)), c.wanted) << c.name;
}

TEST(sid_tag, ids_of_nodes) {
    const auto id = [](std::string_view name) {
        const node_id made = node_id_of(name);
        return std::string(made.begin(), made.end());
    };
    // The first 36 bits of SHA-256, in base64url.
    EXPECT_EQ(id("node-a1"), "tpvf7x");
    EXPECT_EQ(id("NODE-A1"), id("node-a1"));
    EXPECT_EQ(id(""), "47DEQp");
    for (const std::size_t length : {63U, 64U, 65U, 128U, 1000U}) {
        const std::string name(length, 'N'), lower(length, 'n');
        unsigned char digest[EVP_MAX_MD_SIZE], printed[64];
        ASSERT_EQ(EVP_Digest(lower.data(), length, digest, nullptr, EVP_sha256(), nullptr), 1);
        EVP_EncodeBlock(printed, digest, 6);
        std::string wanted(reinterpret_cast<const char*>(printed), 6);
        for (char& c : wanted)
            c = c == '+' ? '-' : c == '/' ? '_' : c;
        EXPECT_EQ(id(name), wanted) << length;
    }
}

TEST(sid_tag, nodes_of_one_id_are_found) {
    struct {
        const char* name;
        std::vector<std::string> names;
        std::optional<std::pair<node_index, node_index>> wanted;
    } const cases[] = {
        {"none", {}, std::nullopt},
        {"one", {"a"}, std::nullopt},
        {"different ones", {"a", "b", "c"}, std::nullopt},
        {"letter case does not tell them apart", {"b", "a", "c", "A"}, std::pair{1, 3}},
        // Found by trying names: the same 36 bits.
        {"a real collision", {"a", "node-31705", "b", "node-40730"}, std::pair{1, 3}},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(same_node_id(c.names), c.wanted) << c.name;
        const tag_key key = key_of(1);
        if (c.wanted)
            EXPECT_THROW(sid_tagger({&key, 1}, c.names), std::invalid_argument) << c.name;
        else
            EXPECT_NO_THROW(sid_tagger({&key, 1}, c.names)) << c.name;
    }
}

} // namespace
} // namespace boshgate::routing
