// OpenSSL 3 calls its SHA256_* functions deprecated in favour of EVP, which cannot go on from a
// saved state without allocating. A MAC of a 36-byte sid takes 0.13 us this way, 0.70 us with
// EVP_MAC_CTX_dup, 1.5 us with HMAC(); an exchange of the discovery endpoint needs
// one or two.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "routing/sid_tag.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <cstring>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdexcept>

namespace boshgate::routing {
namespace {

constexpr char separator = '.';
constexpr char escape = '_';

bool stands_for_itself(char c) noexcept {
    return is_lower_alnum(ascii_lower(c)) || c == '-' || c == '.';
}

// print writes the first 6 * `chars` bits of `bytes`, of which there is one more than that takes.
void print(const std::uint8_t* bytes, std::size_t chars, char* out) noexcept {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t i = 0; i != chars; ++i) {
        const std::size_t at = 6 * i / 8;
        const unsigned two = static_cast<unsigned>(bytes[at]) << 8 | bytes[at + 1];
        out[i] = alphabet[two >> (10 - 6 * i % 8) & 0x3f];
    }
}

// write_escaped returns the end of what it wrote.
char* write_escaped(std::string_view raw, char* out) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : raw) {
        if (stands_for_itself(c)) {
            *out++ = c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        *out++ = escape;
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 0xf];
    }
    return out;
}

unsigned digit_value(char c) noexcept {
    return static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10);
}

// The text was signed, so write_escaped has made it; its length alone is judged again.
std::optional<std::string_view> read_escaped(std::string_view text,
                                             sid_tagger::raw_room& room) noexcept {
    if (text.find(escape) == std::string_view::npos)
        return text.size() <= room.size() ? std::optional(text) : std::nullopt;
    std::size_t length = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (length == room.size())
            return std::nullopt;
        char c = text[i];
        if (c == escape && text.size() - i > 2) {
            c = static_cast<char>(digit_value(text[i + 1]) << 4 | digit_value(text[i + 2]));
            i += 2;
        }
        room[length++] = c;
    }
    return std::string_view(room.data(), length);
}

// A SHA-256 that has taken one block.
SHA256_CTX resume(const std::array<std::uint32_t, 8>& state) noexcept {
    SHA256_CTX hash;
    SHA256_Init(&hash);
    std::copy(state.begin(), state.end(), hash.h);
    hash.Nl = 8 * SHA256_CBLOCK;
    return hash;
}

// Pairs of id and index, sorted.
std::vector<std::pair<node_id, node_index>> sorted_ids(std::span<const std::string> node_names) {
    std::vector<std::pair<node_id, node_index>> ids;
    ids.reserve(node_names.size());
    for (const std::string& name : node_names)
        ids.emplace_back(node_id_of(name), static_cast<node_index>(ids.size()));
    std::sort(ids.begin(), ids.end());
    return ids;
}

} // namespace

node_id node_id_of(std::string_view name) noexcept {
    // In pieces, so that a name of any length allocates nothing.
    SHA256_CTX hash;
    SHA256_Init(&hash);
    std::array<char, 64> piece;
    for (; !name.empty(); name.remove_prefix(std::min(name.size(), piece.size()))) {
        const std::string_view part = name.substr(0, piece.size());
        to_lower(part, piece.data());
        SHA256_Update(&hash, piece.data(), part.size());
    }
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
    SHA256_Final(digest.data(), &hash);
    node_id id;
    print(digest.data(), id.size(), id.data());
    return id;
}

std::optional<std::pair<node_index, node_index>>
same_node_id(std::span<const std::string> node_names) {
    const auto ids = sorted_ids(node_names);
    const auto same = std::adjacent_find(
        ids.begin(), ids.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
    if (same == ids.end())
        return std::nullopt;
    return std::pair(same->second, std::next(same)->second);
}

sid_tagger::sid_tagger(std::span<const tag_key> keys, std::span<const std::string> node_names)
    : by_id_(sorted_ids(node_names)) {
    if (keys.empty() || keys.size() > keys_max)
        throw std::invalid_argument("sids are tagged with 1 to 8 keys");
    if (same_node_id(node_names))
        throw std::invalid_argument("two nodes have the same id in tagged sids");
    for (const tag_key& key : keys)
        keys_.push_back(states_of(key));
    for (const std::string& name : node_names)
        ids_.push_back(node_id_of(name));
}

sid_tagger::~sid_tagger() {
    OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof keys_.front());
}

sid_tagger::key_states sid_tagger::states_of(const tag_key& key) noexcept {
    const auto state_after = [&key](std::uint8_t pad) {
        std::array<std::uint8_t, SHA256_CBLOCK> block;
        block.fill(pad);
        for (std::size_t i = 0; i != key.size(); ++i)
            block[i] ^= key[i];
        SHA256_CTX hash;
        SHA256_Init(&hash);
        SHA256_Update(&hash, block.data(), block.size());
        digest_state state;
        std::copy(std::begin(hash.h), std::end(hash.h), state.begin());
        OPENSSL_cleanse(block.data(), block.size());
        OPENSSL_cleanse(&hash, sizeof hash);
        return state;
    };
    return {state_after(0x36), state_after(0x5c)};
}

sid_tagger::printed_mac sid_tagger::mac_of(std::string_view text, const key_states& key) noexcept {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
    SHA256_CTX hash = resume(key.inner);
    SHA256_Update(&hash, text.data(), text.size());
    SHA256_Final(digest.data(), &hash);
    hash = resume(key.outer);
    SHA256_Update(&hash, digest.data(), digest.size());
    SHA256_Final(digest.data(), &hash);
    printed_mac printed;
    print(digest.data(), printed.size(), printed.data());
    return printed;
}

bool sid_tagger::signed_by_us(std::string_view text, std::string_view mac) const noexcept {
    return std::any_of(keys_.begin(), keys_.end(), [text, mac](const key_states& key) {
        return CRYPTO_memcmp(mac_of(text, key).data(), mac.data(), mac_chars) == 0;
    });
}

std::string_view sid_tagger::tag(std::string_view raw, node_index node,
                                 tagged_room& room) const noexcept {
    if (raw.empty() || raw.size() > raw_max || node >= ids_.size())
        return {};
    char* out = write_escaped(raw, room.data());
    *out++ = separator;
    out = std::copy(ids_[node].begin(), ids_[node].end(), out);
    const printed_mac made = mac_of({room.data(), out}, keys_.front());
    out = std::copy(made.begin(), made.end(), out);
    return {room.data(), out};
}

std::optional<sid_tagger::untagged> sid_tagger::untag(std::string_view sid,
                                                      raw_room& room) const noexcept {
    if (sid.size() <= tail_chars || sid.size() > tagged_max)
        return std::nullopt;
    const std::string_view text = sid.substr(0, sid.size() - mac_chars);
    if (!signed_by_us(text, sid.substr(text.size())))
        return std::nullopt;
    node_id id;
    text.copy(id.data(), id.size(), text.size() - id.size());
    const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), std::pair(id, node_index{0}));
    if (found == by_id_.end() || found->first != id)
        return std::nullopt;
    const auto raw = read_escaped(sid.substr(0, sid.size() - tail_chars), room);
    return raw ? std::optional(untagged{*raw, found->second}) : std::nullopt;
}

} // namespace boshgate::routing
