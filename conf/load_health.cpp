// The section "health".

#include "conf/load_keys.hpp"
#include "conf/load_numbers.hpp"

namespace boshgate::conf {

namespace {

constexpr std::array<std::string_view, 3> probe_words{"tcp", "tls", "bosh"};

constexpr std::array<key_of<health_config>, 11> health_keys{{
    {"interval", read_by<health_bounds>},
    {"timeout", read_by<health_bounds>},
    {"rise", read_by<health_bounds>},
    {"fall", read_by<health_bounds>},
    {"give_up", read_by<health_bounds>},
    {"jitter", read_by<health_bounds>},
    {"probe",
     [](reader& in, const place& at, health_config& out) {
         if (const auto index = in.one_of(at, probe_words)) {
             out.probe = static_cast<health_probe>(*index);
         }
     }},
    {"domain", read_member<&health_config::domain>},
    {"user", read_member<&health_config::user>},
    {"session_interval", read_by<health_bounds>},
    {"certificate_days", read_by<health_bounds>},
}};

} // namespace

void read_health(reader& in, const place& at, config& out) {
    read_map(in, at, "a map such as { interval: 1s, domain: example.com }", health_keys,
             out.health);
}

void list_health_keys(std::vector<std::string>& out) {
    list_keys(out, "health.", health_keys);
}

} // namespace boshgate::conf
