// The manual says what the program does: every key, every timeout and limit with its default and
// range, and every reason.

#include "conf/bounds.hpp"
#include "conf/load.hpp"
#include "conf/units.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace boshgate::conf {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// The rows of all tables, by their first cell without its backquotes: the other cells.
std::map<std::string, std::vector<std::string>> rows() {
    std::map<std::string, std::vector<std::string>> all;
    std::istringstream in{read_file(fs::path{BOSHGATE_SOURCE_DIR} / "conf" / "MANUAL.md")};
    std::string line;
    while (std::getline(in, line)) {
        if (!line.starts_with("| `")) {
            continue;
        }
        std::vector<std::string> cells;
        std::istringstream rest{line.substr(2)};
        for (std::string cell; std::getline(rest, cell, '|');) {
            const auto first = cell.find_first_not_of(' ');
            const auto last = cell.find_last_not_of(' ');
            if (first != std::string::npos) {
                cells.push_back(cell.substr(first, last - first + 1));
            }
        }
        const std::string name = cells.front().substr(1, cells.front().size() - 2);
        cells.erase(cells.begin());
        all[name] = cells;
    }
    return all;
}

TEST(manual, has_a_row_for_every_key_and_no_other) {
    const auto table = rows();
    std::set<std::string> keys;
    for (const std::string& key : every_key()) {
        keys.insert(key);
        EXPECT_TRUE(table.contains(key)) << key;
    }
    const std::regex dotted{
        R"((listen|nodes|web_root|cors|timeouts|limits|sessions|discovery|health|admin|log)[.\[].*)"};
    for (const auto& [name, cells] : table) {
        EXPECT_TRUE(!std::regex_match(name, dotted) || keys.contains(name)) << name;
    }
}

TEST(manual, shows_defaults_and_ranges) {
    const auto table = rows();
    const config standard;
    for (const timeout_bound& b : timeout_bounds) {
        const auto& cells = table.at("timeouts." + std::string{b.key});
        EXPECT_EQ(cells.at(0), print_duration(standard.timeouts.*b.field)) << b.key;
        EXPECT_EQ(cells.at(1), print_duration(b.least) + " to " + print_duration(b.most)) << b.key;
    }
    const auto numbers = [&](const auto& bounds, const std::string& prefix, const auto& defaults) {
        for (const auto& b : bounds) {
            const auto& cells = table.at(prefix + std::string{b.key});
            EXPECT_EQ(cells.at(0), print_value(b.unit, b.get(defaults))) << b.key;
            EXPECT_EQ(cells.at(1), print_range(b)) << b.key;
        }
    };
    numbers(limit_bounds, "limits.", standard.limits);
    numbers(session_bounds, "sessions.", standard.sessions);
    numbers(health_bounds, "health.", standard.health);
    numbers(discovery_bounds, "discovery.", standard.discovery);
    numbers(discovery_cache_bounds, "discovery.cache.", standard.discovery.cache);
    numbers(discovery_lookup_bounds, "discovery.lookup.", standard.discovery.lookup);
}

TEST(manual, has_a_row_for_every_reason_with_its_status) {
    const auto table = rows();
    const std::string text = read_file(fs::path{BOSHGATE_SOURCE_DIR} / "routing" / "reason.hpp");
    const std::regex reason{R"re(X\((\w+), (\d+), ")re"};
    int count = 0;
    for (std::sregex_iterator r{text.begin(), text.end(), reason}, end; r != end; ++r) {
        const auto row = table.find((*r)[1]);
        ASSERT_NE(row, table.end()) << (*r)[1];
        EXPECT_EQ(row->second.at(0), (*r)[2] == "0" ? "-" : std::string{(*r)[2]}) << (*r)[1];
        ++count;
    }
    EXPECT_GT(count, 40);
}

} // namespace
} // namespace boshgate::conf
