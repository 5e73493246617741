#pragma once
// Every duration and every limit with its key, its unit and its range. The loader reads by these
// tables, validate() checks by them, and the compiler checks that each default lies within its
// range.

#include "conf/config.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

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

enum class bound_unit { count, bytes, duration, whole_seconds };

// A number of a section, as get() and set() see it: in its unit, whatever the field's type is.
template <class Section>
struct number_bound {
    std::string_view key;
    bound_unit unit;
    std::uint64_t least;
    std::uint64_t most;
    bool or_zero; // 0 is allowed below `least`, and turns the thing off
    std::uint64_t (*get)(const Section&);
    void (*set)(Section&, std::uint64_t); // takes allowed values only

    [[nodiscard]] constexpr bool allows(std::uint64_t value) const noexcept {
        return (value >= least && value <= most) || (or_zero && value == 0);
    }
};

template <auto Field>
struct field_traits;
template <class Section, class T, T Section::*Field>
struct field_traits<Field> {
    using section = Section;
    using type = T;
    static constexpr bool is_time = requires(T value) { value.count(); };
};

template <auto Field>
constexpr auto bound_of(std::string_view key, bound_unit unit, std::uint64_t least,
                        std::uint64_t most, bool or_zero = false) {
    using traits = field_traits<Field>;
    using section = typename traits::section;
    using type = typename traits::type;
    return number_bound<section>{key,
                                 unit,
                                 least,
                                 most,
                                 or_zero,
                                 [](const section& all) -> std::uint64_t {
                                     if constexpr (traits::is_time) {
                                         return static_cast<std::uint64_t>((all.*Field).count());
                                     } else {
                                         return all.*Field;
                                     }
                                 },
                                 [](section& all, std::uint64_t value) {
                                     if constexpr (traits::is_time) {
                                         all.*Field = type{static_cast<typename type::rep>(value)};
                                     } else {
                                         all.*Field = static_cast<type>(value);
                                     }
                                 }};
}

// Durations of sections that have other numbers too.
template <auto Field>
constexpr auto time_bound(std::string_view key, std::chrono::milliseconds least,
                          std::chrono::milliseconds most, bool or_zero = false) {
    using type = typename field_traits<Field>::type;
    constexpr bool whole = std::is_same_v<type, seconds>;
    const auto in_unit = [](milliseconds time) {
        return static_cast<std::uint64_t>(std::chrono::duration_cast<type>(time).count());
    };
    return bound_of<Field>(key, whole ? bound_unit::whole_seconds : bound_unit::duration,
                           in_unit(least), in_unit(most), or_zero);
}

using limit_bound = number_bound<limits>;
using session_bound = number_bound<sessions_config>;
using health_bound = number_bound<health_config>;
using discovery_bound = number_bound<discovery_config>;
using discovery_cache_bound = number_bound<discovery_cache>;
using discovery_lookup_bound = number_bound<discovery_lookup>;

// print_value writes a number as the file has it: "100", "64KiB", "30s".
[[nodiscard]] std::string print_value(bound_unit unit, std::uint64_t value);

// print_range writes what a bound allows: "1 to 256", "0s, or 5s to 10m".
template <class Section>
[[nodiscard]] std::string print_range(const number_bound<Section>& bound) {
    const std::string range =
        print_value(bound.unit, bound.least) + " to " + print_value(bound.unit, bound.most);
    return bound.or_zero ? print_value(bound.unit, 0) + ", or " + range : range;
}

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;

// Header fields: 256 is the size of the array that routing reads a message head into.
inline constexpr std::array<limit_bound, 13> limit_bounds{{
    bound_of<&limits::connections>("connections", bound_unit::count, 0, 10'000'000),
    bound_of<&limits::connections_per_address>("connections_per_address", bound_unit::count, 0,
                                               10'000'000),
    bound_of<&limits::head_bytes>("head_bytes", bound_unit::bytes, 256, 256 * kib),
    bound_of<&limits::target_bytes>("target_bytes", bound_unit::bytes, 64, 128 * kib),
    bound_of<&limits::fields>("fields", bound_unit::count, 1, 256),
    bound_of<&limits::body_bytes>("body_bytes", bound_unit::bytes, 1, 64 * mib),
    bound_of<&limits::chunk_overhead>("chunk_overhead", bound_unit::bytes, 16, 1 * mib),
    bound_of<&limits::pipelined_bytes>("pipelined_bytes", bound_unit::bytes, 1 * kib, 16 * mib),
    bound_of<&limits::answer_head_bytes>("answer_head_bytes", bound_unit::bytes, 256, 256 * kib),
    bound_of<&limits::answer_fields>("answer_fields", bound_unit::count, 1, 256),
    bound_of<&limits::answer_buffer>("answer_buffer", bound_unit::bytes, 1 * kib, 16 * mib),
    bound_of<&limits::links_per_node>("links_per_node", bound_unit::count, 1, 1'000'000),
    bound_of<&limits::body_elements>("body_elements", bound_unit::count, 100, 1'000'000),
}};

inline constexpr std::uint64_t gib = 1024 * mib;

inline constexpr std::array<health_bound, 8> health_bounds{{
    time_bound<&health_config::interval>("interval", milliseconds{100}, std::chrono::hours{1},
                                         true),
    time_bound<&health_config::timeout>("timeout", milliseconds{50}, std::chrono::minutes{1}),
    bound_of<&health_config::rise>("rise", bound_unit::count, 1, 100),
    bound_of<&health_config::fall>("fall", bound_unit::count, 1, 100),
    time_bound<&health_config::give_up>("give_up", milliseconds{100}, std::chrono::minutes{10}),
    bound_of<&health_config::jitter>("jitter", bound_unit::count, 0, 50),
    time_bound<&health_config::session_interval>("session_interval", seconds{10},
                                                 std::chrono::hours{24}, true),
    bound_of<&health_config::certificate_days>("certificate_days", bound_unit::count, 0, 365),
}};

// All of `sessions` but the switch `enabled`.
inline constexpr std::array<session_bound, 14> session_bounds{{
    bound_of<&sessions_config::max>("max", bound_unit::count, 1, 10'000'000),
    bound_of<&sessions_config::per_address>("per_address", bound_unit::count, 0, 10'000'000),
    time_bound<&sessions_config::wait_max>("wait_max", seconds{5}, seconds{600}, true),
    bound_of<&sessions_config::hold_max>("hold_max", bound_unit::count, 0, 10),
    time_bound<&sessions_config::answer_margin>("answer_margin", milliseconds{500},
                                                milliseconds{4'900}),
    time_bound<&sessions_config::repeat_budget>("repeat_budget", seconds{0}, seconds{30}),
    time_bound<&sessions_config::reorder>("reorder", seconds{0}, seconds{10}),
    time_bound<&sessions_config::elsewhere>("elsewhere", milliseconds{10}, seconds{2}, true),
    bound_of<&sessions_config::replay_answers>("replay_answers", bound_unit::count, 0, 16),
    bound_of<&sessions_config::replay_bytes>("replay_bytes", bound_unit::bytes, 1 * kib, 16 * mib),
    bound_of<&sessions_config::replay_total>("replay_total", bound_unit::bytes, 64 * kib, 64 * gib),
    time_bound<&sessions_config::authentication_timeout>("authentication_timeout", seconds{1},
                                                         std::chrono::minutes{10}, true),
    bound_of<&sessions_config::unauthenticated_per_address>("unauthenticated_per_address",
                                                            bound_unit::count, 0, 10'000'000),
    bound_of<&sessions_config::requests_per_second>("requests_per_second", bound_unit::count, 0,
                                                    100'000),
}};

// CAXL waits 35 s for the answer to a session request.
inline constexpr std::array<discovery_bound, 4> discovery_bounds{{
    time_bound<&discovery_config::step>("step", milliseconds{50}, seconds{30}),
    time_bound<&discovery_config::patience>("patience", milliseconds{50}, seconds{30}),
    bound_of<&discovery_config::steps_max>("steps_max", bound_unit::count, 1, 100),
    bound_of<&discovery_config::questions_per_address>("questions_per_address", bound_unit::count,
                                                       0, 10'000'000),
}};

inline constexpr std::array<discovery_cache_bound, 2> discovery_cache_bounds{{
    bound_of<&discovery_cache::users>("users", bound_unit::count, 1, 10'000'000),
    time_bound<&discovery_cache::keep>("keep", seconds{1}, std::chrono::hours{24}, true),
}};

inline constexpr std::array<discovery_lookup_bound, 1> discovery_lookup_bounds{{
    bound_of<&discovery_lookup::per_address>("per_address", bound_unit::count, 0, 10'000'000),
}};

constexpr bool defaults_within_bounds() {
    const timeouts default_timeouts{};
    for (const timeout_bound& b : timeout_bounds) {
        if (default_timeouts.*b.field < b.least || default_timeouts.*b.field > b.most) {
            return false;
        }
    }
    const auto allowed = [](const auto& bounds, const auto& defaults) {
        return std::all_of(bounds.begin(), bounds.end(),
                           [&](const auto& b) { return b.allows(b.get(defaults)); });
    };
    return allowed(limit_bounds, limits{}) && allowed(session_bounds, sessions_config{}) &&
           allowed(discovery_cache_bounds, discovery_cache{});
    // discovery_config, discovery_lookup and health_config have strings, of which a compiler need
    // not make constants: a test validates its defaults.
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
inline constexpr std::size_t admin_names_most = 64;
inline constexpr std::size_t field_name_bytes_most =
    47; // of a header field: what the table of passed fields holds
inline constexpr std::size_t names_bytes_most = 255; // of a node's name or alias

} // namespace boshgate::conf
