#include "routing/session_hash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace boshgate::routing {
namespace {

// The last, incomplete word of a text.
std::uint64_t load_rest(const char* p, std::size_t length) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < length; ++i)
        word |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
    return word;
}

// Eight bytes as a little-endian number, on every machine.
std::uint64_t load(const void* p) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, sizeof word);
        return word;
    }
    return load_rest(static_cast<const char*>(p), 8);
}

struct sip_state {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }

    void absorb(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

} // namespace

std::uint64_t session_hash(std::string_view sid, const session_hash_key& key) noexcept {
    const std::uint64_t k0 = load(key.data());
    const std::uint64_t k1 = load(key.data() + 8);
    // The constants spell "somepseudorandomlygeneratedbytes": they only make the halves differ.
    sip_state state{k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
                    k1 ^ 0x7465646279746573U};
    const char* bytes = sid.data();
    std::size_t left = sid.size();
    for (; left >= 8; left -= 8, bytes += 8)
        state.absorb(load(bytes));
    state.absorb(load_rest(bytes, left) | std::uint64_t{sid.size()} << 56);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i)
        state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::array<char, 16> hex_of(std::uint64_t hash) noexcept {
    std::array<char, 16> text{};
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 0xf];
    return text;
}

} // namespace boshgate::routing
