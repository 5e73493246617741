#include "routing/name_set.hpp"

#include "routing/ascii.hpp"

namespace boshgate::routing {

name_set::name_set(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (!name.empty() && name.size() <= longest) {
            lengths_[slot_of(name)] |= std::uint64_t{1} << name.size();
            by_length_[name.size()].push_back(name);
        }
    }
}

bool name_set::find(std::string_view name) const noexcept {
    for (const std::string& one : by_length_[name.size()]) {
        if (equal_ignoring_case(one, name)) {
            return true;
        }
    }
    return false;
}

} // namespace boshgate::routing
