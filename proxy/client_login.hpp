#pragma once
// A client of the discovery endpoint that is led to its user's node: what becomes of its session
// request when the login is over. The owner of a login_driver, on the core of the exchange.

#include <string_view>

namespace boshgate::proxy {

struct exchange;

// start_client_login begins for a session request whose head is core::request. `body`: as the nodes
// are to get it; `user`: the bare JID that it names, empty: none. May answer x at once (failure).
// Until it has answered, x.login is to be left when the client leaves.
void start_client_login(exchange& x, std::string_view body, std::string_view user);

} // namespace boshgate::proxy
