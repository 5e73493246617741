#pragma once
// Finds out about the proxy itself and this machine: listeners' ports, a boshgate that runs,
// limits, files, certificates, what pages would get.

#include "discovery/diagnosis.hpp"
#include "proxy/doctor_node.hpp"
#include "proxy/snapshot.hpp"

#include <string>
#include <vector>

namespace boshgate::proxy {

// A process that listens somewhere.
struct port_holder {
    std::int64_t process = 0; // 0: not known: another user's, as a rule
    std::string name;
};

// holder_of looks through /proc for who listens on a TCP port, of whatever local address.
[[nodiscard]] port_holder holder_of(std::uint16_t port);

// examine_self judges all of it but the configuration, which loading has judged. `written`: the
// configuration with limits.connections as it was written, `file` its name.
[[nodiscard]] std::vector<discovery::finding> examine_self(const snapshot& settings,
                                                           const conf::config& written,
                                                           const std::string& file,
                                                           const doctor_patience& patience);

} // namespace boshgate::proxy
