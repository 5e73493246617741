#pragma once
// What is to be said about the proxy itself and the machine it runs on: its configuration, the
// ports of its listeners, file descriptors, files, discovery, and what pages of other origins would
// get.

#include "conf/config.hpp"
#include "conf/problem.hpp"
#include "discovery/diagnosis.hpp"
#include "routing/cors.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace boshgate::discovery {

enum class port_state : std::uint8_t {
    free,
    ours,       // a boshgate that runs listens there
    taken,      // somebody else does
    forbidden,  // ports below 1024 need a privilege
    no_address, // this machine does not have the address
    failed,     // another error, in words beside it
};

struct port_facts {
    std::string listener; // "0.0.0.0 port 8443"
    std::uint16_t port = 0;
    port_state state = port_state::free;
    std::string error;
    std::string holder; // who has it: "nginx, process 4711"; empty: not known
};

struct descriptor_facts {
    std::uint64_t limit = 0;  // of open files, that the process may raise itself to
    std::int64_t process = 0; // a boshgate that runs, whose limit it is; 0: of this one
};

struct file_facts {
    std::string index; // the first of web_root.index that is there and readable; empty: none
};

// What the browser of a page would see.
struct cors_facts {
    std::string origin;
    std::string entry; // of the configuration, that it is one of; empty: it is of none
    bool allowed = false;
    bool credentials = false;
    bool preflight = false; // a POST with Content-Type: text/xml
};

// What boshgate listens with, and could not do without.
struct proxy_rules {
    const conf::config& config; // limits.connections as it was written: 0 where it was not
    std::string origin;         // the configuration's file
};

// Descriptors that are neither connections nor links: logs, epoll sets, listeners, files.
inline constexpr std::uint64_t descriptors_besides = 256;
// With fewer connections than this by default a site is small, and most likely not meant to be.
inline constexpr std::uint64_t connections_expected = 1'000;
// Origins of a list that are looked at one by one.
inline constexpr std::size_t origins_shown = 20;

// The findings of loading, each with its place; one that says so when there are none.
[[nodiscard]] std::vector<finding> judge_configuration(const std::vector<conf::problem>& problems);
[[nodiscard]] finding judge_port(const port_facts& facts);
[[nodiscard]] finding judge_descriptors(const descriptor_facts& facts, const proxy_rules& rules);
// nullopt: there is no web root.
[[nodiscard]] std::optional<finding> judge_files(const file_facts& facts, const proxy_rules& rules);
// Of the discovery endpoint, as far as the configuration tells; empty without one. `secrets`: in
// discovery.keys_file.
[[nodiscard]] std::vector<finding> judge_discovery(std::size_t secrets, const proxy_rules& rules);
[[nodiscard]] std::vector<finding> judge_cors(const std::vector<cors_facts>& facts,
                                              const proxy_rules& rules);

// By how many seconds the clock of each node is ahead. nullopt: nothing points at this machine.
[[nodiscard]] std::optional<finding> judge_own_clock(const std::vector<std::int64_t>& ahead);

// origins_to_try: those of the configuration, patterns with a name in place of their star, and
// last one that is not listed.
[[nodiscard]] std::vector<cors_facts> origins_to_try(const conf::cors& settings);

// ask_policy lets the policy of the request path judge an origin.
void ask_policy(const routing::cors_policy& policy, cors_facts& origin);

} // namespace boshgate::discovery
