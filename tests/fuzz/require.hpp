#pragma once
// What a fuzz target demands. A demand that is not met ends the process, and libFuzzer keeps the
// input.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace boshgate::fuzz {

inline void require(bool met, const char* what) {
    if (!met) {
        std::fprintf(stderr, "not met: %s\n", what);
        std::abort();
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace boshgate::fuzz
