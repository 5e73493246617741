#pragma once
// What `boshgate doctor` says: findings, each a verdict with one sentence and, where something is
// to be done, the mend; and how they are printed for people. Pure: who finds out the facts is
// proxy/doctor*.cpp, who judges them is node_diagnosis, tls_diagnosis and proxy_diagnosis.

#include "conf/config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::discovery {

enum class verdict : std::uint8_t {
    ok,
    warning, // it works, or may work; somebody should look
    wrong,   // users notice, or will as soon as this is needed
};

// A number behind a finding, for programs: "took_ms", "days_left".
struct measure {
    std::string name;
    std::int64_t value = 0;

    bool operator==(const measure&) const = default;
};

struct finding {
    std::string check; // what was looked at, one word: "name", "certificate"
    verdict how = verdict::ok;
    std::string what; // one sentence, without a full stop
    std::string mend; // what to do; empty: nothing
    std::string yaml; // lines of the configuration that do it, each with its line end; may be empty
    std::vector<measure> measures;

    bool operator==(const finding&) const = default;
};

// All that was found of one node, or of the proxy itself.
struct diagnosis {
    std::string kind;  // "proxy" or "node"
    std::string name;  // the node's, or the configuration file's
    std::string about; // the node's URL, or empty
    std::vector<finding> findings;
};

[[nodiscard]] verdict worst(const std::vector<finding>& findings) noexcept;
[[nodiscard]] verdict worst(const std::vector<diagnosis>& all) noexcept;

// As it is printed: "ok", "warning", "wrong".
[[nodiscard]] std::string_view name_of(verdict how) noexcept;

// print writes all of it, wrapped to 80 columns where words allow (lines of configuration are never
// broken: they are there to be copied), and ends with one line that sums it up. `colours`: with the
// escape sequences of a terminal.
[[nodiscard]] std::string print(const std::vector<diagnosis>& all, bool colours);

// "1 day", "2 days".
[[nodiscard]] std::string counted(std::int64_t count, std::string_view noun);

// yaml_of prints a node as it should stand below `nodes`: its name, indented, and its keys.
[[nodiscard]] std::string yaml_of(const conf::node& node);

} // namespace boshgate::discovery
