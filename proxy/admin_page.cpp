// /: what is where.

#include "proxy/admin_api.hpp"

namespace boshgate::proxy {

namespace {

constexpr const char* index = "boshgate " BOSHGATE_VERSION R"(

/livez            whether the process runs
/readyz           whether it takes connections
/metrics          for Prometheus
/api/v1/status    the process in one look
/api/v1/nodes     each node: state, why, since when, sessions
/api/v1/lookup    ?jid=alice@example.com: where the next session would be opened, and why
)";

} // namespace

void add_page(admin_server& to) {
    to.get("/", at_once([](const admin_request& /*asked*/) { return admin_text(200, index); }),
           admin_purpose::page);
}

} // namespace boshgate::proxy
