#include "routing/body_error.hpp"

#include "routing/binding_condition.hpp"

#include <array>
#include <optional>

namespace boshgate::routing {
namespace {

// As the table of body_error.hpp names them.
namespace condition {
constexpr std::nullopt_t none = std::nullopt;
constexpr binding_condition bad_request = binding_condition::bad_request;
constexpr binding_condition policy_violation = binding_condition::policy_violation;
} // namespace condition

struct row {
    std::string_view name;
    std::optional<binding_condition> told;
    std::string_view words;
};

constexpr std::array<row, body_error_count> table{{
#define BOSHGATE_BODY_ERROR_ROW(name, condition_, words) {#name, condition::condition_, words},
    BOSHGATE_BODY_ERRORS(BOSHGATE_BODY_ERROR_ROW)
#undef BOSHGATE_BODY_ERROR_ROW
}};

const row& row_of(body_error why) noexcept {
    return table[static_cast<std::size_t>(why)];
}

} // namespace

std::string_view name_of(body_error why) noexcept {
    return row_of(why).name;
}
std::string_view words_of(body_error why) noexcept {
    return row_of(why).words;
}

std::string_view condition_of(body_error why) noexcept {
    const std::optional<binding_condition> told = row_of(why).told;
    return told ? name_of(*told) : std::string_view{};
}

int legacy_status_of(body_error why) noexcept {
    const std::optional<binding_condition> told = row_of(why).told;
    return told ? legacy_status_of(*told) : 0;
}

} // namespace boshgate::routing
