#pragma once
// A log-linear histogram of nanoseconds: 64 steps for each power of two, so a value is known to
// 1.6 %, with constant memory and a few instructions for each sample.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class histogram {
  public:
    void add(std::int64_t ns) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
        ++counts_[bucket(value)];
        ++total_;
        largest_ = std::max(largest_, value);
    }

    std::uint64_t count() const { return total_; }
    double max_us() const { return static_cast<double>(largest_) / 1000.0; }

    // The value in microseconds that `share` (0 to 1) of the samples do not exceed; 0 when empty.
    double quantile_us(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) {
                return std::min(static_cast<double>(middle(i)), static_cast<double>(largest_)) /
                       1000.0;
            }
        }
        return max_us();
    }

  private:
    static constexpr unsigned step_bits = 6;
    static constexpr std::uint64_t steps = 1U << step_bits;

    static std::size_t bucket(std::uint64_t value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > step_bits + 1 ? width - step_bits - 1 : 0;
        return static_cast<std::size_t>(shift * steps + (value >> shift));
    }
    static std::uint64_t middle(std::size_t index) {
        const auto shift = index < 2 * steps ? 0U : static_cast<unsigned>(index / steps - 1);
        const std::uint64_t low = (index - shift * steps) << shift;
        return low + ((std::uint64_t{1} << shift) >> 1);
    }

    std::array<std::uint64_t, steps*(64 - step_bits + 1)> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t largest_ = 0;
};

} // namespace bench
