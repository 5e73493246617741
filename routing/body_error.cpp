#include "routing/body_error.hpp"

#include <array>

namespace boshgate::routing {
namespace {

enum class condition : std::uint8_t { none, bad_request, policy_violation };

struct row {
    std::string_view name;
    condition told;
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
    switch (row_of(why).told) {
    case condition::none:
        return {};
    case condition::bad_request:
        return "bad-request";
    case condition::policy_violation:
        return "policy-violation";
    }
    return {};
}

int legacy_status_of(body_error why) noexcept {
    switch (row_of(why).told) {
    case condition::none:
        return 0;
    case condition::bad_request:
        return 400;
    case condition::policy_violation:
        return 403;
    }
    return 0;
}

} // namespace boshgate::routing
