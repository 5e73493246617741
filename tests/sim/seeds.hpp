#pragma once
// Which worlds are played. Every world has its seed. BOSHGATE_SIM_WORLDS plays that many in each
// scenario (the short form plays some), BOSHGATE_SIM_SEED begins with another seed, and with
// BOSHGATE_SIM_TRACE=1 one world of a scenario is printed step by step.

#include <cstdint>
#include <cstdlib>

namespace boshgate::sim {

struct seeds {
    bool traced;
    std::uint64_t first;
    std::uint64_t count;

    [[nodiscard]] static seeds chosen() {
        const auto number_of = [](const char* name, std::uint64_t otherwise) {
            const char* text = std::getenv(name);
            return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
        };
        const bool traced = number_of("BOSHGATE_SIM_TRACE", 0) != 0;
        return {traced, number_of("BOSHGATE_SIM_SEED", 1),
                traced ? 1 : number_of("BOSHGATE_SIM_WORLDS", 12)};
    }
};

} // namespace boshgate::sim
