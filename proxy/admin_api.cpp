#include "proxy/admin_api.hpp"

namespace boshgate::proxy {

void add_all(admin_server& to, const admin_subject& of) {
    add_health(to, of);
    add_status(to, of);
    add_nodes(to, of);
    add_lookup(to, of);
    add_metrics(to, of);
    add_errors(to, of);
    add_page(to);
}

} // namespace boshgate::proxy
