#pragma once
// Where secrets come from: those of tagged sids from the file that discovery.keys_file names, or
// from this process; tokens of the admin listener from admin.token_file.

#include "conf/findings.hpp"
#include "conf/secrets.hpp"

#include <string>
#include <vector>

namespace boshgate::proxy {

// read_secrets_file opens the file; nothing but a regular file, or a link to one, will do. Empty
// when it cannot be used; `out` says why, at the key `path`. A mode that lets more than owner and
// group read it, or more than the owner write it, is a warning.
[[nodiscard]] std::vector<conf::secret>
read_secrets_file(const std::string& file, const std::string& path, conf::findings& out);

// secret_of_process is drawn at the first call and then stays, so that sessions outlive another
// load of the configuration. Throws std::runtime_error when there is no randomness.
[[nodiscard]] const conf::secret& secret_of_process();

} // namespace boshgate::proxy
