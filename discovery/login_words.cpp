#include "discovery/login_words.hpp"

#include <array>
#include <cstddef>

namespace boshgate::discovery {

std::optional<node_index> living_home(const login_homes& homes,
                                      const health_view& health) noexcept {
    for (const node_index node : {homes.home, homes.backup}) {
        if (node != no_node && !health.is_dead(node)) {
            return node;
        }
    }
    return std::nullopt;
}

step_end step_end_of(routing::binding_condition condition) noexcept {
    using routing::binding_condition;
    switch (condition) {
    case binding_condition::bad_request:
    case binding_condition::improper_addressing:
        return step_end::unacceptable;
    case binding_condition::host_unknown:
    case binding_condition::policy_violation:
        return step_end::declined;
    case binding_condition::host_gone:
    case binding_condition::internal_server_error:
    case binding_condition::item_not_found:
    case binding_condition::other_request:
    case binding_condition::remote_connection_failed:
    case binding_condition::system_shutdown:
    case binding_condition::undefined_condition:
        return step_end::refused;
    }
    return step_end::refused;
}

std::string_view name_of(login_reason why) noexcept {
    constexpr std::array<std::string_view, 9> names{"stored_home", "stored_backup", "first",
                                                    "second",      "again",         "any",
                                                    "home",        "backup",        "see_other"};
    return names[static_cast<std::size_t>(why)];
}

std::string_view name_of(step_end how) noexcept {
    constexpr std::array<std::string_view, 15> names{
        "under_way",    "named_itself", "named_others", "named_nobody", "named_unknown",
        "dead",         "timeout",      "bad_answer",   "refused",      "declined",
        "unacceptable", "see_other",    "limited",      "known_dead",   "left"};
    return names[static_cast<std::size_t>(how)];
}

std::string_view name_of(login_do what) noexcept {
    constexpr std::array<std::string_view, 5> names{"open", "poll", "deliver", "found", "fail"};
    return names[static_cast<std::size_t>(what)];
}

std::string_view name_of(login_failure failure) noexcept {
    constexpr std::array<std::string_view, 10> names{
        "none",         "nobody",  "homes_down",  "refused",      "bad_answer",
        "steered_away", "limited", "out_of_time", "out_of_steps", "gone"};
    return names[static_cast<std::size_t>(failure)];
}

std::string_view name_of(login_cache what) noexcept {
    constexpr std::array<std::string_view, 3> names{"keep", "learn", "forget"};
    return names[static_cast<std::size_t>(what)];
}

} // namespace boshgate::discovery
