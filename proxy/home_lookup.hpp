#pragma once
// The question where a user has their nodes, asked by the proxy itself: for `boshgate discover` and
// for GET /discover. No password is needed: a node names them before anybody has logged in.

#include "proxy/login_driver.hpp"
#include "routing/bare_jid.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace boshgate::proxy {

// lookup_task makes the task of a login_driver, with a session request of our own. `client`: on
// whose behalf.
[[nodiscard]] login_task lookup_task(core& home, const std::shared_ptr<const snapshot>& settings,
                                     const routing::bare_jid& user,
                                     discovery::login_purpose purpose,
                                     const routing::ip_address& client, bool secure);

// append_json_text appends a string of JSON (RFC 8259 7) with its quotes. `text` is UTF-8.
void append_json_text(std::string& out, std::string_view text);

} // namespace boshgate::proxy
