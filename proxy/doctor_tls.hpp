#pragma once
// What OpenSSL knows of a handshake and of certificates, as the facts that
// discovery/tls_diagnosis judges.

#include "discovery/tls_diagnosis.hpp"
#include "proxy/doctor_link.hpp"
#include "proxy/tls_context.hpp"

#include <string>
#include <vector>

#include <openssl/x509.h>

namespace boshgate::proxy {

[[nodiscard]] discovery::certificate_facts facts_of(X509* certificate);

// shake_with makes the handshake with the node's own settings on a connected link, but goes on
// whatever certificate it shows: `problems` of the result are what the proxy would refuse it for,
// all of them. `context` is of this node.
[[nodiscard]] discovery::tls_facts shake_with(const node_tls_context& context,
                                              const conf::node& node, doctor_link& link,
                                              doctor_clock::time_point until);

// own_certificates reads the files of all TLS listeners, and tries each chain with the system's
// trust store. Files that cannot be read are left out: loading has told.
[[nodiscard]] std::vector<discovery::own_certificate> own_certificates(const conf::config& config);

} // namespace boshgate::proxy
