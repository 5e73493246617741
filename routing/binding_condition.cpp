#include "routing/binding_condition.hpp"

#include <array>

namespace boshgate::routing {
namespace {

struct row {
    std::string_view name;
    std::string_view body;
    int legacy_status;
};

constexpr std::array<row, binding_condition_count> table{{
#define BOSHGATE_BINDING_CONDITION_ROW(name, text, status)                                         \
    {text,                                                                                         \
     "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='" text "'/>",  \
     status},
    BOSHGATE_BINDING_CONDITIONS(BOSHGATE_BINDING_CONDITION_ROW)
#undef BOSHGATE_BINDING_CONDITION_ROW
}};

const row& row_of(binding_condition condition) noexcept {
    return table[static_cast<std::size_t>(condition)];
}

} // namespace

std::string_view name_of(binding_condition condition) noexcept {
    return row_of(condition).name;
}
binding_condition condition_of(std::string_view text) noexcept {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (table[i].name == text)
            return static_cast<binding_condition>(i);
    return binding_condition::undefined_condition;
}
int legacy_status_of(binding_condition condition) noexcept {
    return row_of(condition).legacy_status;
}
std::string_view terminate_body(binding_condition condition) noexcept {
    return row_of(condition).body;
}

} // namespace boshgate::routing
