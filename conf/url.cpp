#include "conf/url.hpp"

#include "conf/address.hpp"
#include "conf/problem.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace boshgate::conf {

namespace {

constexpr std::string_view wanted = "a URL such as https://node-a1.example.com:7335/httpbinding";

std::string_view std_view(boost::urls::string_view text) noexcept {
    return {text.data(), text.size()};
}

fault bad(std::string_view text, std::string_view why, std::string hint = {}) {
    return {in_quotes(text) + ' ' + std::string{why}, std::string{wanted}, std::move(hint)};
}

std::string lower(std::string_view text) {
    std::string folded{text};
    std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return folded;
}

// What can be said before, and better than, the grammar says "no".
std::optional<fault> look_first(std::string_view text) {
    if (text.empty()) {
        return fault{"the URL is empty", std::string{wanted}, {}};
    }
    if (text.size() > url_bytes_max) {
        return bad(text, "is longer than " + std::to_string(url_bytes_max) + " bytes");
    }
    const auto not_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
    if (std::any_of(text.begin(), text.end(), not_ascii)) {
        return bad(text, "has letters that are not ASCII; write the host in its xn-- form and the "
                         "path percent-encoded");
    }
    if (text.find("://") == std::string_view::npos) {
        const auto host = text.substr(0, text.find_first_of(":/"));
        const bool host_like = is_host_name(host) || parse_address(host).has_value();
        return bad(text, "has no scheme", host_like ? "https://" + std::string{text} : "");
    }
    const auto authority = text.substr(text.find("://") + 3);
    const auto end = authority.find_first_of("/?#");
    if (!authority.starts_with('[') && parse_address(authority.substr(0, end)) &&
        authority.substr(0, end).find(':') != std::string_view::npos) {
        return bad(text, "has an IPv6 address without brackets",
                   std::string{text.substr(0, text.find("://") + 3)} + '[' +
                       std::string{authority.substr(0, end)} + ']' +
                       std::string{end == std::string_view::npos ? "" : authority.substr(end)});
    }
    if (authority.starts_with('[') &&
        authority.substr(0, authority.find(']')).find('%') != std::string_view::npos) {
        return bad(text,
                   "has a zone in its IPv6 address, which names an interface of this machine only");
    }
    return std::nullopt;
}

result<bool> read_scheme(std::string_view text, std::string_view scheme) {
    const std::string folded = lower(scheme);
    if (folded == "https" || folded == "http") {
        return folded == "https";
    }
    std::string hint;
    const auto tail = std::string{text.substr(scheme.size())};
    if (folded == "wss" || folded == "htps" || folded == "httpss" || folded == "htpps") {
        hint = "https" + tail;
    } else if (folded == "ws" || folded == "htp" || folded == "htttp") {
        hint = "http" + tail;
    }
    return fault{in_quotes(scheme) + " is not a scheme that nodes are reached by", "http or https",
                 std::move(hint)};
}

result<std::string> read_host(std::string_view text, const boost::urls::url_view& url) {
    const std::string_view host = std_view(url.encoded_host());
    switch (url.host_type()) {
    case boost::urls::host_type::ipv4:
        return std::string{host};
    case boost::urls::host_type::ipv6:
        if (const auto address = parse_address(host.substr(1, host.size() - 2))) {
            return print_address(*address);
        }
        return bad(text, "has a malformed IPv6 address");
    case boost::urls::host_type::name:
        break;
    default:
        return bad(text, "has no host");
    }
    if (host.empty()) {
        return bad(text, "has no host");
    }
    if (host.ends_with('.') && is_host_name(host.substr(0, host.size() - 1))) {
        // Certificates never carry the final dot, and servers disagree about it in Host.
        std::string shorter{text};
        shorter.erase(text.find(host) + host.size() - 1, 1);
        return bad(text, "has a dot at the end of its host", std::move(shorter));
    }
    if (!is_host_name(host)) {
        return bad(host, "is not a host name");
    }
    return lower(host);
}

} // namespace

result<http_url> parse_http_url(std::string_view text) {
    if (auto early = look_first(text)) {
        return *early;
    }
    const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
    if (!parsed) {
        return bad(text, "is not a valid URL");
    }
    const boost::urls::url_view url = *parsed;
    // Boost 1.81 takes "http://a:80b/x" for port 80 and path "b/x"; RFC 3986 3.2 has no such URL.
    const std::string_view behind_scheme = text.substr(text.find("://") + 3);
    if (std_view(url.encoded_authority()) !=
        behind_scheme.substr(0, behind_scheme.find_first_of("/?#"))) {
        return bad(text, "is not a valid URL");
    }
    const auto tls = read_scheme(text, std_view(url.scheme()));
    if (!tls) {
        return tls.why();
    }
    if (!url.has_authority()) {
        return bad(text, "has no host");
    }
    if (url.has_userinfo()) {
        return fault{"the URL carries a user name or password", std::string{wanted}, {}};
    }
    if (url.has_fragment()) {
        return bad(text, "has a fragment, which is never sent to a server",
                   std::string{text.substr(0, text.find('#'))});
    }
    auto host = read_host(text, url);
    if (!host) {
        return host.why();
    }
    http_url read{
        .tls = *tls, .host = *host, .port = *tls ? std::uint16_t{443} : std::uint16_t{80}};
    if (url.has_port()) {
        const auto port = parse_port(std_view(url.port()));
        if (!port) {
            return port.why();
        }
        read.port = *port;
    }
    read.target = std_view(url.encoded_target());
    if (!read.target.starts_with('/')) {
        read.target.insert(0, 1, '/');
    }
    return read;
}

std::string print_url(const http_url& url) {
    std::string text = url.tls ? "https://" : "http://";
    const bool v6 = url.host.find(':') != std::string::npos;
    text += v6 ? '[' + url.host + ']' : url.host;
    if (url.port != (url.tls ? 443 : 80)) {
        text += ':' + std::to_string(url.port);
    }
    return text + url.target;
}

} // namespace boshgate::conf
