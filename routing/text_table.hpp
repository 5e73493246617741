#pragma once
// A table from texts to small numbers, built once and then only read: one flat array, no allocation
// and few pointers to follow in find. To look up a request's path, std::unordered_map takes more
// than twice the instructions.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::routing {

class text_table {
  public:
    // insert adds a text, which must not be empty. Returns false and changes nothing if it is there
    // already.
    bool insert(std::string_view text, std::uint16_t value) {
        if (2 * (count_ + 1) > slots_.size())
            grow();
        const auto hash = hash_of(text);
        auto& slot = slots_[index_of(text, hash)];
        if (!slot.text.empty())
            return false;
        slot = {hash, std::string(text), value};
        ++count_;
        return true;
    }

    [[nodiscard]] std::optional<std::uint16_t> find(std::string_view text) const noexcept {
        if (slots_.empty() || text.empty())
            return std::nullopt;
        const auto& slot = slots_[index_of(text, hash_of(text))];
        return slot.text.empty() ? std::nullopt : std::optional(slot.value);
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }

  private:
    struct entry {
        std::uint64_t hash = 0;
        std::string text; // empty: a free slot
        std::uint16_t value = 0;
    };

    // Texts come from the configuration, so nobody can choose them to collide; what clients ask for
    // is never stored.
    [[nodiscard]] static std::uint64_t hash_of(std::string_view text) noexcept {
        std::uint64_t hash = text.size();
        const auto mix = [&hash](std::uint64_t word) {
            hash = (hash ^ word) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 32;
        };
        std::uint64_t word = 0;
        for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
            std::memcpy(&word, text.data(), sizeof word);
            mix(word);
        }
        word = 0;
        for (const char c : text)
            word = word << 8 | static_cast<unsigned char>(c);
        mix(word);
        return hash;
    }

    // Where the text is, or the free slot where it would go. At most half of the slots are taken.
    [[nodiscard]] std::size_t index_of(std::string_view text, std::uint64_t hash) const noexcept {
        const auto mask = slots_.size() - 1;
        auto at = static_cast<std::size_t>(hash) & mask;
        while (!slots_[at].text.empty() && (slots_[at].hash != hash || slots_[at].text != text))
            at = (at + 1) & mask;
        return at;
    }

    void grow() {
        auto old =
            std::exchange(slots_, std::vector<entry>(slots_.empty() ? 8 : 2 * slots_.size()));
        for (auto& each : old)
            if (!each.text.empty())
                slots_[index_of(each.text, each.hash)] = std::move(each);
    }

    std::vector<entry> slots_; // a power of two of them
    std::size_t count_ = 0;
};

} // namespace boshgate::routing
