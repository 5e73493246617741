// Whatever a configuration file holds: loading it ends, its problems print as lines of plain text,
// and what has no error can be printed and loaded again.

#include "conf/load.hpp"
#include "conf/print.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace boshgate::conf;
using boshgate::fuzz::require;

void check_problems(const std::vector<problem>& problems) {
    require(problems.size() <= problems_max + 1, "more problems than are shown");
    int line = 0;
    for (const problem& p : problems) {
        for (const char c : to_string(p))
            require(c >= 0x20 && c <= 0x7e, "a byte that a terminal might act on");
        require(!p.what.empty(), "a problem without words");
        const bool last = &p == &problems.back();
        require(p.line >= line || (last && p.line == 0), "problems out of order");
        line = p.line;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = boshgate::fuzz::text_of(data, size);
    const loaded first = load(text, "f");
    check_problems(first.problems);
    if (has_errors(first.problems))
        return 0;
    const std::string printed = to_yaml(first.config);
    const loaded second = load(printed, "f");
    require(!has_errors(second.problems), "what was printed does not load");
    require(to_yaml(second.config) == printed, "what was printed loads as something else");
    return 0;
}
