#include "routing/cors.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <array>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;

// Fetch, "CORS-safelisted request-header". A browser asks for them only when their value is
// unusual.
constexpr std::array safelisted{"accept"sv, "accept-language"sv, "content-language"sv,
                                "content-type"sv, "range"sv};

constexpr auto https = "https://"sv;
constexpr auto pattern_start = "https://*."sv;
constexpr auto vary_start = "Vary: "sv;
constexpr auto line_end = "\r\n"sv;

// The authority of an http or https origin, nullopt for all others.
struct web_origin {
    std::string_view authority;
    bool tls = false;
};

std::optional<web_origin> split_web_origin(std::string_view origin) noexcept {
    if (origin.starts_with(https))
        return web_origin{origin.substr(https.size()), true};
    if (origin.starts_with("http://"))
        return web_origin{origin.substr(7), false};
    return std::nullopt;
}

// Bytes of a label in a host name, as browsers write it: international names are in punycode.
constexpr auto label_bytes = [] {
    std::array<bool, 256> table{};
    for (const char c : "abcdefghijklmnopqrstuvwxyz0123456789-_"sv)
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

// Labels with single dots between them.
bool is_host_name(std::string_view text) noexcept {
    char before = '.';
    for (const char c : text) {
        if (!label_bytes[static_cast<unsigned char>(c)] && (c != '.' || before == '.'))
            return false;
        before = c;
    }
    return before != '.';
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

// host [":" port]. The host is a name, an IPv4 address, or an IPv6 address in brackets.
bool is_authority(std::string_view text) noexcept {
    std::size_t host_end = text.find(':');
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        constexpr auto in_address = "0123456789abcdef:."sv;
        if (close == std::string_view::npos || close < 3 ||
            text.substr(1, close - 1).find_first_not_of(in_address) != std::string_view::npos)
            return false;
        host_end = close + 1 == text.size() ? std::string_view::npos : close + 1;
    } else if (!is_host_name(text.substr(0, host_end))) {
        return false;
    }
    return host_end == std::string_view::npos ||
           (text[host_end] == ':' && is_port(text.substr(host_end + 1)));
}

// Schemes of web views and extensions too ("capacitor://localhost").
bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") ==
               std::string_view::npos;
}

void drop_default_port(std::string& origin) {
    if (origin.starts_with(https) && origin.ends_with(":443"))
        origin.resize(origin.size() - 4);
    else if (origin.starts_with("http://") && origin.ends_with(":80"))
        origin.resize(origin.size() - 3);
}

void add_line(std::string& to, std::string_view name, std::string_view value) {
    to.append(name).append(": ").append(value).append(line_end);
}

void add_to_list(std::string& list, std::string_view element) {
    if (!list.empty())
        list.append(", ");
    list.append(element);
}

} // namespace

std::optional<std::string_view> origin_of_refused(std::string_view head) noexcept {
    static constexpr std::string_view name = "origin:";
    std::optional<std::string_view> found;
    std::size_t begin = head.find('\n');
    while (begin != std::string_view::npos) {
        ++begin;
        const std::size_t end = head.find('\n', begin);
        if (end == std::string_view::npos) {
            break;
        }
        std::string_view line = head.substr(begin, end - begin);
        begin = end;
        if (!line.ends_with('\r') || !equal_ignoring_case(line.substr(0, name.size()), name)) {
            continue;
        }
        if (found) {
            return std::nullopt;
        }
        line.remove_suffix(1);
        line.remove_prefix(name.size());
        while (line.starts_with(' ') || line.starts_with('\t')) {
            line.remove_prefix(1);
        }
        while (line.ends_with(' ') || line.ends_with('\t')) {
            line.remove_suffix(1);
        }
        found = line;
    }
    return found;
}

std::optional<std::string_view> origin_of(const request_head& head) noexcept {
    if (!head.has(field_id::origin))
        return std::nullopt;
    const field* found = nullptr;
    for (const auto& each : head.fields()) {
        if (each.id != field_id::origin)
            continue;
        if (found != nullptr)
            return std::string_view();
        found = &each;
    }
    return found->value;
}

std::optional<preflight> read_preflight(const request_head& head, std::string& scratch) {
    const auto* requested = head.find(field_id::access_control_request_method);
    if (head.verb != method::options || !head.has(field_id::origin) || requested == nullptr)
        return std::nullopt;
    preflight out;
    // Two of them are no question that could be answered: no method is called "".
    if (head.count(field_id::access_control_request_method) == 1)
        out.method = requested->value;
    std::size_t parts = 0;
    for (const auto& each : head.fields()) {
        if (each.id == field_id::access_control_request_private_network)
            out.private_network = each.value == "true";
        if (each.id != field_id::access_control_request_headers)
            continue;
        if (++parts == 1) {
            out.headers = each.value;
            continue;
        }
        if (parts == 2)
            scratch = out.headers;
        scratch.append(",").append(each.value);
        out.headers = scratch;
    }
    return out;
}

cors_policy::cors_policy(const conf::cors& settings)
    : private_network_(settings.private_network), enforce_(settings.enforce) {
    any_ =
        std::find(settings.origins.begin(), settings.origins.end(), "*") != settings.origins.end();
    credentials_ = settings.credentials && !any_;
    for (const auto& name : settings.allow_headers) {
        if (name == "*")
            any_header_ = true;
        else if (is_token(name))
            allowed_headers_.push_back(to_lower(name));
    }
    std::sort(allowed_headers_.begin(), allowed_headers_.end());

    std::string exposed;
    for (const auto& name : settings.expose_headers)
        if (is_token(name))
            add_to_list(exposed, name);
    std::string expose_line;
    if (!exposed.empty())
        add_line(expose_line, "Access-Control-Expose-Headers", exposed);

    if (!any_)
        for (const auto& entry : settings.origins)
            add_origin(entry);
    const bool depends = !origins_.empty() || !patterns_.empty();
    const std::string vary = depends ? "Vary: Origin\r\n" : "";
    for (const auto& origin : origins_)
        blocks_.push_back(allow_lines(origin) + expose_line + vary);
    // Patterns never match "null", so that any origin shows whether credentials go along.
    if (!patterns_.empty())
        pattern_tail_ =
            (credentials_ ? "Access-Control-Allow-Credentials: true\r\n" : "") + expose_line + vary;
    common_block_ = any_ ? allow_lines("*") + expose_line : vary;

    add_line(preflight_tail_, "Access-Control-Max-Age",
             std::to_string(std::max<std::int64_t>(settings.max_age.count(), 0)));
    std::string vary_names = depends ? "Origin" : "";
    add_to_list(vary_names, "Access-Control-Request-Method, Access-Control-Request-Headers");
    if (private_network_)
        add_to_list(vary_names, "Access-Control-Request-Private-Network");
    add_line(preflight_tail_, "Vary", vary_names);
}

void cors_policy::add_origin(std::string_view entry) {
    auto origin = to_lower(entry);
    if (origin.size() > 1 && origin.ends_with('/') && !origin.ends_with("//"))
        origin.pop_back();
    drop_default_port(origin);
    if (origin.size() > origin_bytes_max)
        return;

    // Of patterns only https: names below an http site are whatever somebody on the way says.
    if (std::string_view(origin).starts_with(pattern_start)) {
        const auto suffix = std::string_view(origin).substr(pattern_start.size() - 1);
        if (is_authority(suffix.substr(1)))
            patterns_.emplace_back(suffix);
        return;
    }
    const auto colon = origin.find("://");
    const bool lawful =
        origin == "null" ||
        (colon != std::string::npos && is_scheme(std::string_view(origin).substr(0, colon)) &&
         is_authority(std::string_view(origin).substr(colon + 3)));
    if (!lawful || origins_.size() == cors_verdict::no_block)
        return;
    if (exact_.insert(origin, static_cast<std::uint16_t>(origins_.size())))
        origins_.push_back(std::move(origin));
}

std::string cors_policy::allow_lines(std::string_view origin) const {
    std::string out;
    add_line(out, "Access-Control-Allow-Origin", origin);
    // Any site can make a browser send "null": it must never speak with a user's cookies.
    if (credentials_ && origin != "null")
        add_line(out, "Access-Control-Allow-Credentials", "true");
    return out;
}

bool cors_policy::matches_pattern(std::string_view origin) const noexcept {
    if (patterns_.empty() || !origin.starts_with(https))
        return false;
    const auto authority = origin.substr(https.size());
    // What "*" stands for is whole labels: no ':', '/', '@' or '*' gets in, and the suffix brings
    // its dot along.
    return std::any_of(patterns_.begin(), patterns_.end(), [authority](std::string_view suffix) {
        return authority.size() > suffix.size() && authority.ends_with(suffix) &&
               is_host_name(authority.substr(0, authority.size() - suffix.size()));
    });
}

cors_verdict cors_policy::judge(std::optional<std::string_view> origin, std::string_view host,
                                bool secure) const noexcept {
    if (!origin)
        return {origin_kind::none};
    if (origin->empty() || origin->size() > origin_bytes_max)
        return {origin_kind::refused};
    if (any_)
        return {origin_kind::allowed};
    if (const auto listed = exact_.find(*origin))
        return {origin_kind::allowed, *listed};
    if (matches_pattern(*origin))
        return {origin_kind::allowed};

    const auto web = split_web_origin(*origin);
    if (web && (web->tls || !secure)) {
        const auto default_port = web->tls ? ":443"sv : ":80"sv;
        if (host.ends_with(default_port))
            host.remove_suffix(default_port.size());
        // Browsers write both alike; a Host in other letters is as good, but takes longer to
        // compare.
        if (!web->authority.empty() &&
            (web->authority == host || equal_ignoring_case(web->authority, host)))
            return {origin_kind::same_origin};
    }
    return {origin_kind::refused};
}

std::string_view cors_policy::answer_fields(cors_verdict verdict, std::string_view origin,
                                            std::string& scratch) const {
    if (verdict.kind != origin_kind::allowed || any_)
        return common_block_;
    if (verdict.block < blocks_.size())
        return blocks_[verdict.block];
    // Looked at again, so that no caller's mix-up can put an unjudged origin, or a line end, into
    // an answer.
    if (!matches_pattern(origin))
        return common_block_;
    scratch.clear();
    add_line(scratch, "Access-Control-Allow-Origin", origin);
    scratch.append(pattern_tail_);
    return scratch;
}

bool cors_policy::header_allowed(std::string_view name) const noexcept {
    if (std::find(safelisted.begin(), safelisted.end(), name) != safelisted.end())
        return true;
    if (std::binary_search(allowed_headers_.begin(), allowed_headers_.end(), name))
        return true;
    return any_header_ && name != "authorization"; // Fetch, "CORS non-wildcard request-header name"
}

std::optional<std::string> cors_policy::allow_headers(std::string_view asked) const {
    if (asked.size() > preflight_headers_bytes_max)
        return std::nullopt;
    std::string names;
    std::size_t count = 0;
    while (!asked.empty()) {
        const auto name = to_lower(next_element(asked));
        if (name.empty()) // RFC 9110 5.6.1.2: empty elements mean nothing
            continue;
        if (++count > preflight_headers_max || !is_token(name) || !header_allowed(name))
            return std::nullopt;
        add_to_list(names, name);
    }
    return names;
}

std::optional<std::string> cors_policy::preflight_fields(cors_verdict verdict,
                                                         std::string_view origin,
                                                         const preflight& asked) const {
    if (verdict.kind != origin_kind::allowed)
        return std::nullopt;
    if (asked.method != "GET" && asked.method != "HEAD" && asked.method != "POST")
        return std::nullopt;
    const auto names = allow_headers(asked.headers);
    if (!names)
        return std::nullopt;

    std::string out;
    if (any_)
        out = allow_lines("*");
    else if (verdict.block < origins_.size())
        out = allow_lines(origins_[verdict.block]);
    else if (matches_pattern(origin))
        out = allow_lines(origin);
    else
        return std::nullopt;
    add_line(out, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    if (!names->empty())
        add_line(out, "Access-Control-Allow-Headers", *names);
    if (private_network_ && asked.private_network)
        add_line(out, "Access-Control-Allow-Private-Network", "true");
    out.append(preflight_tail_);
    return out;
}

std::string merge_vary(std::span<const std::string_view> node_values, std::string_view block) {
    // The block's own Vary line, which is ours and therefore well formed, comes first and out of
    // the block.
    std::string out(block);
    std::string own;
    if (const auto at = block.find(vary_start); at != std::string_view::npos) {
        const auto end = block.find(line_end, at);
        own = block.substr(at + vary_start.size(), end - at - vary_start.size());
        out.erase(at, end + line_end.size() - at);
    }

    std::vector<std::string_view> names;
    bool everything = false;
    const auto add = [&names, &everything](std::string_view list) {
        while (!list.empty() && !everything) {
            const auto name = next_element(list);
            const auto same = [name](std::string_view known) {
                return equal_ignoring_case(known, name);
            };
            if (name.empty() || std::any_of(names.begin(), names.end(), same))
                continue;
            everything = name == "*" || !is_token(name) || names.size() == vary_names_max;
            names.push_back(name);
        }
    };
    add(own);
    for (const auto value : node_values)
        add(value);

    std::string joined;
    for (const auto name : names)
        add_to_list(joined, name);
    if (!names.empty())
        add_line(out, "Vary", everything ? "*"sv : std::string_view(joined));
    return out;
}

} // namespace boshgate::routing
