#pragma once
// Every duration and every limit with its key, its unit and its range. The loader reads by these
// tables, validate() checks by them, and the compiler checks that each default lies within its
// range.

#include "conf/config.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace boshgate::conf {

struct timeout_bound {
    std::string_view key;
    milliseconds timeouts::*field;
    milliseconds least;
    milliseconds most;
};

inline constexpr std::array<timeout_bound, 11> timeout_bounds{{
    {"tls_handshake", &timeouts::tls_handshake, milliseconds{10}, std::chrono::minutes{5}},
    {"idle", &timeouts::idle, milliseconds{10}, std::chrono::hours{1}},
    {"head", &timeouts::head, milliseconds{10}, std::chrono::minutes{5}},
    {"body", &timeouts::body, milliseconds{10}, std::chrono::hours{1}},
    {"client_write", &timeouts::client_write, milliseconds{10}, std::chrono::hours{1}},
    {"connect", &timeouts::connect, milliseconds{10}, std::chrono::minutes{1}},
    {"node_write", &timeouts::node_write, milliseconds{10}, std::chrono::minutes{10}},
    {"answer", &timeouts::answer, milliseconds{10}, std::chrono::hours{1}},
    {"link_idle", &timeouts::link_idle, milliseconds{10}, std::chrono::hours{1}},
    {"resolve", &timeouts::resolve, milliseconds{10}, std::chrono::hours{24}},
    {"drain", &timeouts::drain, milliseconds{0}, std::chrono::hours{1}},
}};

enum class limit_unit { count, bytes };

struct limit_bound {
    std::string_view key;
    limit_unit unit;
    std::uint64_t least;
    std::uint64_t most;
    std::uint64_t (*get)(const limits&);
    void (*set)(limits&, std::uint64_t); // takes values within the range only
};

template <auto Field>
constexpr limit_bound bound_of(std::string_view key, limit_unit unit, std::uint64_t least,
                               std::uint64_t most) {
    return {key,
            unit,
            least,
            most,
            [](const limits& all) -> std::uint64_t { return all.*Field; },
            [](limits& all, std::uint64_t value) {
                using type = std::remove_reference_t<decltype(all.*Field)>;
                all.*Field = static_cast<type>(value);
            }};
}

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;

// Header fields: 256 is the size of the array that routing reads a message head into.
inline constexpr std::array<limit_bound, 12> limit_bounds{{
    bound_of<&limits::connections>("connections", limit_unit::count, 0, 10'000'000),
    bound_of<&limits::connections_per_address>("connections_per_address", limit_unit::count, 0,
                                               10'000'000),
    bound_of<&limits::head_bytes>("head_bytes", limit_unit::bytes, 256, 256 * kib),
    bound_of<&limits::target_bytes>("target_bytes", limit_unit::bytes, 64, 128 * kib),
    bound_of<&limits::fields>("fields", limit_unit::count, 1, 256),
    bound_of<&limits::body_bytes>("body_bytes", limit_unit::bytes, 1, 64 * mib),
    bound_of<&limits::chunk_overhead>("chunk_overhead", limit_unit::bytes, 16, 1 * mib),
    bound_of<&limits::pipelined_bytes>("pipelined_bytes", limit_unit::bytes, 1 * kib, 16 * mib),
    bound_of<&limits::answer_head_bytes>("answer_head_bytes", limit_unit::bytes, 256, 256 * kib),
    bound_of<&limits::answer_fields>("answer_fields", limit_unit::count, 1, 256),
    bound_of<&limits::answer_buffer>("answer_buffer", limit_unit::bytes, 1 * kib, 16 * mib),
    bound_of<&limits::links_per_node>("links_per_node", limit_unit::count, 1, 1'000'000),
}};

constexpr bool defaults_within_bounds() {
    const timeouts default_timeouts{};
    for (const timeout_bound& b : timeout_bounds) {
        if (default_timeouts.*b.field < b.least || default_timeouts.*b.field > b.most) {
            return false;
        }
    }
    const limits default_limits{};
    for (const limit_bound& b : limit_bounds) {
        if (b.get(default_limits) < b.least || b.get(default_limits) > b.most) {
            return false;
        }
    }
    return true;
}
static_assert(defaults_within_bounds());

inline constexpr seconds cors_max_age_most{86'400}; // no browser keeps a preflight answer longer
inline constexpr seconds file_max_age_most{31'536'000}; // a year, the customary maximum
inline constexpr unsigned threads_most = 1024;
inline constexpr std::size_t listeners_most = 64;
inline constexpr std::size_t nodes_most = 4096;
inline constexpr std::size_t aliases_most = 64; // of one node
inline constexpr std::size_t routes_most = 4096;
inline constexpr std::size_t origins_most = 1024;
inline constexpr std::size_t field_name_bytes_most =
    47; // of a header field: what the table of passed fields holds
inline constexpr std::size_t names_bytes_most = 255; // of a node's name or alias

} // namespace boshgate::conf
