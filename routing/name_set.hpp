#pragma once
// A set of names of header fields, asked once for each field of each message: which of them are
// passed on. Built once from the configuration and then only read.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {

class name_set {
  public:
    static constexpr std::size_t longest = 47; // longer names are not supported: never contained

    name_set() = default;
    // Names that are empty or too long are left out.
    explicit name_set(const std::vector<std::string>& names);

    // contains tells whether the name is in the set, whatever the case of its letters.
    [[nodiscard]] bool contains(std::string_view name) const noexcept {
        // Most names are not: their first letter and their length say so.
        return !name.empty() && name.size() <= longest &&
               (lengths_[slot_of(name)] >> name.size() & 1) != 0 && find(name);
    }

  private:
    // By the first letter, of both cases alike.
    [[nodiscard]] static std::size_t slot_of(std::string_view name) noexcept {
        return static_cast<unsigned char>(name.front()) % 32U;
    }
    [[nodiscard]] bool find(std::string_view name) const noexcept;

    std::array<std::uint64_t, 32> lengths_{}; // bit n: there is a name of n bytes
    std::array<std::vector<std::string>, longest + 1> by_length_;
};

} // namespace boshgate::routing
