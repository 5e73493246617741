#pragma once
// What an import has to say about a line of an Apache configuration.

#include <string>
#include <vector>

namespace boshgate::conf {

enum class apache_note_kind {
    unrelated, // nothing to do with proxying BOSH; `why` is one word
    dropped,   // not carried over, and it may matter
    changed,   // carried over, but it means something else, or needs a look
};

struct apache_note {
    apache_note_kind kind = apache_note_kind::dropped;
    std::string origin; // file
    int line = 0;       // 1-based
    int last_line = 0;  // of a section that was left out as a whole; else equal to line
    std::string text;   // the line, shortened and printable
    std::string why;
};

// "httpd.conf:12: not carried over: ProxyPassMatch ...: why", "httpd.conf:3-9: ...". One line.
[[nodiscard]] std::string to_string(const apache_note& note);

} // namespace boshgate::conf
