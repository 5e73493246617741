// Whatever origin and headers come: blocks of fields stay well formed, and nothing is permitted
// that is not listed.

#include "routing/cors.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>
#include <string_view>

namespace {

using namespace boshgate::routing;
using boshgate::fuzz::require;

cors_policy make_policy(std::vector<std::string> origins, std::vector<std::string> headers) {
    boshgate::conf::cors settings;
    settings.origins = std::move(origins);
    settings.allow_headers = std::move(headers);
    settings.expose_headers = {"x-request-id"};
    settings.credentials = true;
    settings.private_network = true;
    return cors_policy(settings);
}

// Complete lines "Name: value" CR LF, nothing else, each name once.
void check_lines(std::string_view block) {
    std::vector<std::string_view> names;
    while (!block.empty()) {
        const auto end = block.find("\r\n");
        require(end != std::string_view::npos, "a line without an end");
        const auto line = block.substr(0, end);
        for (const char c : line)
            require(c != '\r' && c != '\n' && c != '\0', "a line end inside a line");
        const auto colon = line.find(": ");
        require(colon != std::string_view::npos && colon > 0 && colon + 2 < line.size(),
                "a line without name or value");
        for (const auto known : names)
            require(known != line.substr(0, colon), "a name that stands twice");
        names.push_back(line.substr(0, colon));
        block.remove_prefix(end + 2);
    }
}

void check_policy(const cors_policy& policy, std::string_view origin, std::string_view host,
                  std::string_view rest) {
    const auto verdict = policy.judge(origin, host);
    std::string scratch;
    const std::string block(policy.answer_fields(verdict, origin, scratch));
    check_lines(block);
    const auto start = "Access-Control-Allow-Origin: " + std::string(origin) + "\r\n";
    const bool any = block.starts_with("Access-Control-Allow-Origin: *\r\n");
    require(any || (verdict.kind == origin_kind::allowed) == block.starts_with(start),
            "permission for allowed origins and for nobody else");
    require(!any || block.find("Credentials") == std::string::npos, "no credentials with *");
    if (verdict.kind == origin_kind::refused && !any)
        require(block == "Vary: Origin\r\n" || block.empty(),
                "nothing but Vary for refused origins");

    if (const auto fields = policy.preflight_fields(verdict, origin, {"POST", rest, true})) {
        require(verdict.kind == origin_kind::allowed, "preflights of allowed origins only");
        check_lines(*fields);
    }
    const std::string_view node_values[] = {host, rest};
    const auto merged = merge_vary(node_values, block);
    check_lines(merged);
    require(merge_vary(node_values, merged) == merged, "merging twice changes nothing");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto listed = make_policy(
        {"https://chat.example.com", "https://*.example.com", "null"}, {"content-type"});
    static const auto any = make_policy({"*"}, {"*"});
    static const auto nobody = make_policy({}, {});
    const std::string_view text = boshgate::fuzz::text_of(data, size);
    auto tail = text;
    const auto next = [&tail] {
        const auto line = tail.substr(0, tail.find('\n'));
        tail.remove_prefix(std::min(line.size() + 1, tail.size()));
        return line;
    };
    const auto origin = next(), host = next();
    for (const auto* policy : {&listed, &any, &nobody})
        check_policy(*policy, origin, host, tail);

    // The input as configuration: what it allows must still be a well-formed block that says what
    // was listed.
    const auto written = make_policy({std::string(text)}, {std::string(text)});
    check_policy(written, text, host, text);
    check_policy(written, origin, host, tail);

    // A pattern lets in what lies below it, and nothing else.
    if (listed.judge(text, "").kind == origin_kind::allowed && text != "null")
        require(text.starts_with("https://") && text.ends_with(".example.com") &&
                    text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.", 8) ==
                        std::string_view::npos,
                "an origin below the pattern");
    return 0;
}
