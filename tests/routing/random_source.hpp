#pragma once
// Random numbers for property tests. A failure shows the seed; BOSHGATE_SEED in the environment
// brings the same run again.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>

namespace boshgate::routing {

class random_source {
  public:
    using result_type = std::mt19937_64::result_type;

    random_source() : random_source(seed_of_run()) {}

    // below returns a number from 0 to bound - 1.
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
    std::uint8_t byte() { return static_cast<std::uint8_t>(engine_()); }
    bool coin() { return below(2) == 0; }

    template <typename Container>
    const auto& pick(const Container& from) {
        return from[below(std::size(from))];
    }

    result_type operator()() { return engine_(); }
    static constexpr result_type min() { return std::mt19937_64::min(); }
    static constexpr result_type max() { return std::mt19937_64::max(); }

  private:
    explicit random_source(result_type seed)
        : engine_(seed), trace_(__FILE__, __LINE__, "BOSHGATE_SEED=" + std::to_string(seed)) {}

    static result_type seed_of_run() {
        const char* given = std::getenv("BOSHGATE_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    }

    std::mt19937_64 engine_;
    testing::ScopedTrace trace_;
};

} // namespace boshgate::routing
