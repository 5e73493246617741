#pragma once
// `boshgate discover`: the way of a user's login, step by step, from the machine and with the
// configuration of the proxy. It goes as far as a session that is ready for a password, and ends
// every session that was opened for it.

#include <ostream>
#include <string>

namespace boshgate::proxy {

// discover prints what it found to `out`, and what is wrong with the configuration or the user's
// name to `err`. `json`: one object on one line. Returns the exit status: 0, the user's nodes are
// known, and a session can be opened there; 1, not so; 2, `user` is no JID.
[[nodiscard]] int discover(const std::string& config_file, const std::string& user, bool json,
                           std::ostream& out, std::ostream& err);

} // namespace boshgate::proxy
