#include "conf/bounds.hpp"

#include "conf/units.hpp"

namespace boshgate::conf {

std::string print_value(bound_unit unit, std::uint64_t value) {
    switch (unit) {
    case bound_unit::bytes:
        return print_size(value);
    case bound_unit::duration:
        return print_duration(milliseconds{value});
    case bound_unit::whole_seconds:
        return print_duration(seconds{value});
    case bound_unit::count:
        break;
    }
    return std::to_string(value);
}

} // namespace boshgate::conf
