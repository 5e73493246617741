#pragma once
// Opens what a configuration only names: certificates, keys, trust stores, the web root, secrets of
// sids, admin tokens; and looks at the log files. What is wrong is told with the place of the key
// that named it.

#include "conf/config.hpp"
#include "conf/findings.hpp"
#include "conf/secrets.hpp"
#include "proxy/file_source.hpp"
#include "proxy/tls_context.hpp"

#include <memory>
#include <vector>

namespace boshgate::proxy {

struct named_files {
    std::vector<std::unique_ptr<node_tls_context>> node_tls; // by node; nullptr: plain
    std::vector<std::unique_ptr<server_tls>> listener_tls;   // by listener; nullptr: plain
    std::unique_ptr<file_source> web_root;                   // nullptr: there is none
    std::vector<conf::secret> sid_secrets;                   // empty: no file is named
    std::vector<conf::secret> admin_tokens;                  // the same
};

// open_named_files never stops at the first problem. What could not be opened is nullptr. A
// configuration with errors may be given, to find the rest of them: names that are empty, which the
// loader refuses, are passed over.
[[nodiscard]] named_files open_named_files(const conf::config& config, conf::findings& out);

} // namespace boshgate::proxy
