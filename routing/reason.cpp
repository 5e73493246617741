#include "routing/reason.hpp"

#include <array>

namespace boshgate::routing {
namespace {

struct row {
    std::string_view name;
    int status;
    std::string_view words;
};

constexpr std::array<row, reason_count> table{{
#define BOSHGATE_REASON_ROW(name, status, words) {#name, status, words},
    BOSHGATE_REASONS(BOSHGATE_REASON_ROW)
#undef BOSHGATE_REASON_ROW
}};

const row& row_of(reason why) noexcept {
    return table[static_cast<std::size_t>(why)];
}

} // namespace

std::string_view name_of(reason why) noexcept {
    return row_of(why).name;
}
int status_of(reason why) noexcept {
    return row_of(why).status;
}
std::string_view words_of(reason why) noexcept {
    return row_of(why).words;
}

} // namespace boshgate::routing
