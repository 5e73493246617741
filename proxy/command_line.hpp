#pragma once
// The command line: `boshgate serve|check|discover|nodes|import-apache|--version|--help`. Reads
// files and prints; the work is elsewhere.

#include <ostream>
#include <string>
#include <vector>

namespace boshgate::proxy {

// run_command carries out the words behind the program's name. Returns the exit status: 0 done, 1
// the work found problems (they were printed), 2 the words make no sense (usage was printed).
[[nodiscard]] int run_command(const std::vector<std::string>& words, std::ostream& out,
                              std::ostream& err);

} // namespace boshgate::proxy
