#pragma once
// How often things happened lately, from counters that only grow: kept by the minute for a quarter
// of an hour. Whoever owns it reads the counters often enough (every few seconds); what is between
// two readings counts as of the later one.
//
// Pure: times are milliseconds of any clock that does not go back.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace boshgate::proxy {

class recent_counts {
  public:
    static constexpr std::int64_t minute_ms = 60'000;
    static constexpr std::size_t minutes = 15; // with the one that runs

    // `counters` of them, all 0.
    explicit recent_counts(std::size_t counters) : all_(counters) {}

    // read takes what a counter shows now. It never shows less than before.
    void read(std::size_t which, std::uint64_t value, std::int64_t now_ms);
    // How much it has grown in the minute of now_ms and those before it, `minutes` in all.
    [[nodiscard]] std::uint64_t lately(std::size_t which, std::int64_t now_ms) const;
    // When it was last seen to have grown; -1: never.
    [[nodiscard]] std::int64_t last_ms(std::size_t which) const { return all_.at(which).last_ms; }

  private:
    struct minute {
        std::int64_t number = -1; // since the clock's beginning
        std::uint64_t count = 0;
    };
    struct one {
        std::uint64_t value = 0;
        std::int64_t last_ms = -1;
        std::array<minute, minutes> ring{};
    };
    std::vector<one> all_;
};

} // namespace boshgate::proxy
