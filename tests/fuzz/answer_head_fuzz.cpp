// Reads any bytes as the head of a node's answer.
#include "tests/fuzz/head_demands.hpp"

namespace {

using namespace boshgate;
using namespace boshgate::fuzz;

routing::answer_head head;
routing::answer_head again;

void demand_of_answer(std::string_view bytes, bool to_head) {
    require(head.status >= 100 && head.status <= 599, "a status has three digits");
    demand_of_fields(head, bytes);
    demand_of_framing(head);
    const bool bodiless = to_head || head.status < 200 || head.status == 204 || head.status == 304;
    require(bodiless == (head.body == framing::none), "who has no body is known from the status");

    std::string plain = head.minor_version == 1 ? "HTTP/1.1 " : "HTTP/1.0 ";
    plain.append(std::to_string(head.status)).append("\r\n");
    for (const routing::field& one : head.fields()) {
        plain.append(one.name).append(":").append(one.value).append("\r\n");
    }
    plain.append("\r\n");
    const read_result result = routing::read_answer_head(plain, {}, to_head, again);
    require(result.state == read_state::complete && result.consumed == plain.size(),
            "a head written again is a head");
    require(again.status == head.status && again.body == head.body &&
                again.content_length == head.content_length &&
                again.keep_alive == head.keep_alive && again.field_count == head.field_count,
            "and says the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = text_of(data, size);
    for (const bool to_head : {false, true}) {
        const auto with = [to_head](const routing::head_limits& limits) {
            return [limits, to_head](std::string_view bytes) {
                return routing::read_answer_head(bytes, limits, to_head, head);
            };
        };
        demand_of_prefixes(with({}), input);
        demand_of_prefixes(with({.bytes = 200, .fields = 3}), input);
        const read_result result = with({})(input);
        if (result.state == read_state::complete) {
            demand_of_answer(input.substr(0, result.consumed), to_head);
            require(with({.bytes = result.consumed - 1})(input).why ==
                        routing::reason::node_head_limit,
                    "one byte less does not fit");
        } else if (result.state == read_state::refused) {
            require(result.why == routing::reason::node_bad_answer ||
                        result.why == routing::reason::node_head_limit,
                    "a node's fault is called so");
        }
    }
    return 0;
}
