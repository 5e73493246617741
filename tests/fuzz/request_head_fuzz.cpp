// Reads any bytes as the head of a request.
#include "tests/fuzz/head_demands.hpp"

#include <memory>

namespace {

using namespace boshgate;
using namespace boshgate::fuzz;

routing::request_head head;
routing::request_head again;

read_result read(std::string_view input, const routing::head_limits& limits) {
    return routing::read_request_head(input, limits, head);
}

// The head as its reader understood it, in the plainest words. Reading that must give the same.
std::string written_again() {
    std::string out;
    out.append(head.verb_text).append(" ").append(head.target);
    out.append(head.minor_version == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (const routing::field& one : head.fields()) {
        out.append(one.name).append(":").append(one.value).append("\r\n");
    }
    return out.append("\r\n");
}

void demand_of_request(std::string_view bytes) {
    require(lies_in(head.target, bytes) && !head.target.empty(),
            "the target lies in what was read");
    const bool constant = head.path == "/" || head.path == "*";
    require(!head.path.empty() && (constant || lies_in(head.path, head.target)),
            "so does the path");
    require(lies_in(head.query, head.target), "so does the query");
    require(lies_in(head.host, bytes), "so does the host");
    require(head.path == "*" || head.path.front() == '/', "a path begins with a slash");
    require(head.target.find_first_of("\r\n \t#") == std::string_view::npos,
            "a target is one word");
    require(head.count(field_id::host) <= 1, "there is one Host");
    require(head.minor_version == 0 || !head.host.empty(), "HTTP/1.1 has a host");
    require(head.host.find_first_of("@,/ ") == std::string_view::npos, "the host is one name");
    require(!head.expect_continue || head.minor_version == 1, "HTTP/1.0 expects nothing");
    for (const routing::field& one : head.fields()) {
        require(one.name.find('_') == std::string_view::npos, "names with an underscore are gone");
    }
    demand_of_fields(head, bytes);
    demand_of_framing(head);
    require(head.body != framing::none ||
                (!head.has(field_id::content_length) && !head.has(field_id::transfer_encoding)),
            "what is announced is read");

    const std::string plain = written_again();
    const read_result result = routing::read_request_head(plain, {}, again);
    require(result.state == read_state::complete && result.consumed == plain.size(),
            "a head written again is a head");
    require(
        again.verb == head.verb && again.path == head.path && again.query == head.query &&
            again.host == head.host && again.body == head.body &&
            again.content_length == head.content_length && again.keep_alive == head.keep_alive &&
            again.expect_continue == head.expect_continue && again.field_count == head.field_count,
        "and says the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = text_of(data, size);
    const auto with = [](const routing::head_limits& limits) {
        return [limits](std::string_view bytes) { return read(bytes, limits); };
    };
    demand_of_prefixes(with({}), input);
    demand_of_prefixes(with({.bytes = 200, .target = 20, .fields = 3}), input);

    const read_result result = read(input, {});
    if (result.state != read_state::complete) {
        return 0;
    }
    demand_of_request(input.substr(0, result.consumed));
    require(read(input, {.bytes = result.consumed}).state == read_state::complete,
            "the limit fits");
    require(read(input, {.bytes = result.consumed - 1}).why == routing::reason::head_limit,
            "one byte less does not");
    return 0;
}
