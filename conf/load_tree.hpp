#pragma once
// The configuration file as a plain tree of our own. yaml-cpp is used as an event source only, in
// load_tree.cpp: its node type keeps the first of two equal keys, follows aliases, and guesses
// types.

#include "conf/config.hpp"
#include "conf/problem.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

enum class tree_kind {
    nothing, // "key:" or "~"
    scalar,
    list,
    map,
    refused, // already reported (an alias, a cut-off value): readers pass over it in silence
};

struct tree_entry;

struct tree {
    tree_kind kind = tree_kind::nothing;
    mark where;
    std::string text;        // of a scalar, as written, without quotes
    bool quoted = false;     // '...', "...", | or >
    std::vector<tree> items; // of a list
    std::vector<tree_entry>
        entries; // of a map, in the order of the file; repeated keys are still there
};

struct tree_entry {
    std::string key;
    mark key_where;
    tree value;
};

struct tree_result {
    tree root;
    bool complete = true; // false: reading stopped early, so a missing key may not be missing
    std::vector<problem> problems;
};

// parse_tree reads one YAML document. Refused, each with its place: syntax errors, more than one
// document, aliases, anchors, explicit tags, keys that are not plain words, bytes that are not
// UTF-8, control characters, and files beyond the bounds in load.hpp. What stood before a syntax
// error is still returned.
[[nodiscard]] tree_result parse_tree(std::string_view text, std::string_view origin);

} // namespace boshgate::conf
