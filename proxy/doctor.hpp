#pragma once
// `boshgate doctor`: tries everything that a configuration names, from the machine where the proxy
// runs, and prints what is wrong with the mend.

#include "proxy/doctor_node.hpp"

#include <ostream>
#include <string>

namespace boshgate::proxy {

struct doctor_wishes {
    std::string config_file;
    std::string node;   // this one alone, and nothing of the proxy; empty: all
    std::string domain; // of the users; empty: guessed from the names of nodes
    bool json = false;
    bool colours = false;
    bool progress = false; // on `err`, for a terminal
    doctor_patience patience;
};

// doctor prints its findings to `out`. Returns the exit status: 0, all in order, or warnings only;
// 1, something is wrong; 2, there is no such node, or the domain is none.
[[nodiscard]] int doctor(const doctor_wishes& wishes, std::ostream& out, std::ostream& err);

} // namespace boshgate::proxy
