// Whatever an httpd.conf holds, and whatever it includes: the import ends, its notes print as lines
// of plain text, and a configuration that comes out of it loads without an error.

#include "conf/apache_import.hpp"
#include "conf/load.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace boshgate::conf;
using boshgate::fuzz::require;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = boshgate::fuzz::text_of(data, size);
    // The second half is what Include reads, three times at most, so that a run stays short.
    const std::string_view included = text.substr(text.size() / 2);
    int reads = 0;
    const auto imported = import_apache(text, "f", [&](const std::string&) {
        return ++reads > 3 ? std::vector<included_file>{}
                           : std::vector<included_file>{{"g", std::string(included)}};
    });
    for (const apache_note& note : imported.notes) {
        for (const char c : to_string(note))
            require(c >= 0x20 && c <= 0x7e, "a byte that a terminal might act on");
        require(!note.why.empty() && note.last_line >= note.line && note.line > 0,
                "a note without words or place");
        require(!note.why.starts_with("the imported configuration:"),
                "the import wrote what does not load");
    }
    if (!imported.yaml.empty())
        require(!has_errors(load(imported.yaml, "f").problems), "the import does not load");
    return 0;
}
