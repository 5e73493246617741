#pragma once
// What must hold of every head that a reader took, of requests and of answers.

#include "routing/http_head.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::fuzz {

using routing::field_id;
using routing::framing;
using routing::read_result;
using routing::read_state;

inline bool lies_in(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

inline void demand_of_fields(const routing::message_head& head, std::string_view read) {
    for (const routing::field& one : head.fields()) {
        require(!one.name.empty() && lies_in(one.name, read), "a name lies in what was read");
        require(lies_in(one.value, read), "a value lies in what was read");
        for (const char c : one.name) {
            require(c > 0x20 && c < 0x7f && c != ':', "a name is a token");
        }
        for (const char c : one.value) {
            const auto byte = static_cast<unsigned char>(c);
            require(byte == '\t' || (byte >= 0x20 && byte != 0x7f), "a value has no controls");
        }
        const auto blank = [](char c) { return c == ' ' || c == '\t'; };
        require(one.value.empty() || (!blank(one.value.front()) && !blank(one.value.back())),
                "a value has no blanks round it");
    }
}

// No two readers can come to different ends of the body.
inline void demand_of_framing(const routing::message_head& head) {
    const std::size_t lengths = head.count(field_id::content_length);
    const std::size_t codings = head.count(field_id::transfer_encoding);
    require(lengths + codings <= 1, "at most one field frames the body");
    require(codings == 0 || head.minor_version == 1, "chunked is of HTTP/1.1");
    require(head.body != framing::chunked || codings == 1, "chunked has its field");
    require(head.body != framing::length || lengths == 1, "a length has its field");
    require(head.body != framing::until_close || (lengths == 0 && !head.keep_alive),
            "until_close has no field and nothing behind it");
    if (lengths == 1) {
        require(head.find(field_id::content_length)->value == std::to_string(head.content_length),
                "the length is what is written");
    }
}

// `read(bytes)` reads a head. Whether the input is cut or goes on must not change what was said of
// it.
template <class Read>
void demand_of_prefixes(Read read, std::string_view input) {
    const read_result whole = read(input);
    const std::size_t end = whole.state == read_state::complete ? whole.consumed : input.size();
    require(end <= input.size(), "no more is consumed than there is");
    require(whole.state == read_state::complete || whole.consumed == 0, "only heads are consumed");
    require((whole.state == read_state::refused) == (whole.why != routing::reason::none),
            "what is refused has a reason");
    // All cuts of a short input, some of a long one: the work stays linear in both.
    const std::size_t stride = 1 + end / 128;
    bool refused = false;
    for (std::size_t size = 0; size < end; size += stride) {
        // an own allocation, so that a read behind its end is seen
        const std::vector<char> prefix(input.begin(),
                                       input.begin() + static_cast<std::ptrdiff_t>(size));
        const read_state state = read({prefix.data(), prefix.size()}).state;
        require(state != read_state::complete, "a part is not complete");
        require(!refused || state == read_state::refused, "what is refused stays refused");
        refused = refused || state == read_state::refused;
    }
    require(!refused || whole.state == read_state::refused, "a part of a head is partial");
    const read_result longer = read(std::string(input).append("\r\nX: y\r\n\r\n"));
    if (whole.state != read_state::partial) {
        require(longer.state == whole.state && longer.consumed == whole.consumed,
                "what comes behind does not matter");
    }
}

} // namespace boshgate::fuzz
