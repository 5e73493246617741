#include "conf/address.hpp"

#include "conf/problem.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>
#include <charconv>

namespace boshgate::conf {

namespace {

constexpr std::string_view listen_wanted =
    "an address and a port such as 0.0.0.0:8443 or [::]:8443";
constexpr std::string_view host_wanted =
    "a host name, perhaps with a port, such as chat.example.com:7335";
constexpr std::string_view block_wanted =
    "an address or a block such as 10.0.0.0/8 or 2001:db8::/32";

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_label_byte(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

bool is_number(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

fault bad(std::string_view text, std::string_view why, std::string_view wanted,
          std::string hint = {}) {
    return {in_quotes(text) + ' ' + std::string{why}, std::string{wanted}, std::move(hint)};
}

// Splits "[::1]:80" and "name:80". The port may be missing: then nullopt.
struct host_and_port {
    std::string_view host;
    std::optional<std::string_view> port;
    bool bracketed = false;
};

std::optional<host_and_port> split(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        host_and_port parts{text.substr(1, end - 1), std::nullopt, true};
        text.remove_prefix(end + 1);
        if (text.empty()) {
            return parts;
        }
        if (text.front() != ':') {
            return std::nullopt;
        }
        parts.port = text.substr(1);
        return parts;
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return host_and_port{text, std::nullopt, false};
    }
    return host_and_port{text.substr(0, colon), text.substr(colon + 1), false};
}

} // namespace

std::optional<numeric_address> parse_address(std::string_view text) {
    numeric_address address;
    if (const auto v4 = boost::urls::parse_ipv4_address({text.data(), text.size()})) {
        const auto octets = v4->to_bytes();
        address.bytes[10] = address.bytes[11] = 0xff;
        std::copy(octets.begin(), octets.end(), address.bytes.begin() + 12);
        return address;
    }
    if (const auto v6 = boost::urls::parse_ipv6_address({text.data(), text.size()})) {
        const auto octets = v6->to_bytes();
        std::copy(octets.begin(), octets.end(), address.bytes.begin());
        address.v6 = true;
        return address;
    }
    return std::nullopt;
}

std::string print_address(const numeric_address& address) {
    if (!address.v6) {
        std::array<unsigned char, 4> octets{};
        std::copy(address.bytes.begin() + 12, address.bytes.end(), octets.begin());
        return std::string{boost::urls::ipv4_address{octets}.to_string()};
    }
    std::array<unsigned char, 16> octets{};
    std::copy(address.bytes.begin(), address.bytes.end(), octets.begin());
    return std::string{boost::urls::ipv6_address{octets}.to_string()};
}

bool is_host_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253) {
        return false;
    }
    std::string_view label;
    while (true) {
        const auto dot = text.find('.');
        label = text.substr(0, dot);
        const bool well_formed = !label.empty() && label.size() <= 63 && label.front() != '-' &&
                                 label.back() != '-' &&
                                 std::all_of(label.begin(), label.end(), is_label_byte);
        if (!well_formed) {
            return false;
        }
        if (dot == std::string_view::npos) {
            break;
        }
        text.remove_prefix(dot + 1);
    }
    // A name whose last label is a number would be taken for an IPv4 address by every browser.
    return !is_number(label);
}

result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = ec == std::errc{} && end == text.data() + text.size() && is_number(text);
    if (!whole || port == 0 || text.front() == '0') {
        return bad(text, "is not a port", "a number from 1 to 65535");
    }
    return port;
}

result<endpoint> parse_listen_address(std::string_view text) {
    const auto parts = split(text);
    if (is_number(text)) {
        return bad(text, "has no address", listen_wanted, "0.0.0.0:" + std::string{text});
    }
    if (!parts || (!parts->bracketed && parse_address(text))) {
        const bool v6 = text.find(':') != std::string_view::npos;
        return bad(text, "has no port", listen_wanted,
                   v6 ? '[' + std::string{text} + "]:8443" : "");
    }
    if (!parts->port) {
        return bad(text, "has no port", listen_wanted);
    }
    std::uint16_t port = 0;
    if (*parts->port != "0") {
        const auto read = parse_port(*parts->port);
        if (!read) {
            return bad(*parts->port, "is not a port", "a number from 0 to 65535");
        }
        port = *read;
    }
    const auto address = parse_address(parts->host);
    if (address && address->v6 == parts->bracketed) {
        return endpoint{print_address(*address), port};
    }
    const std::string tail = ':' + std::string{*parts->port};
    if (parts->host.empty() || parts->host == "*") {
        return bad(text, "has no address", listen_wanted, "0.0.0.0" + tail + " or [::]" + tail);
    }
    if (address && address->v6) {
        return bad(text, "needs brackets", listen_wanted,
                   '[' + std::string{parts->host} + ']' + tail);
    }
    if (parts->host == "localhost") {
        return bad(text, "is a name", listen_wanted, "127.0.0.1" + tail);
    }
    return bad(text, "is not a numeric address with a port", listen_wanted);
}

std::optional<fault> check_host_field(std::string_view text) {
    const auto parts = split(text);
    const bool known_host =
        parts &&
        (parts->bracketed ? parse_address(parts->host).value_or(numeric_address{}).v6
                          : is_host_name(parts->host) ||
                                (parse_address(parts->host) && !parse_address(parts->host)->v6));
    if (!known_host) {
        return bad(text, "is not a host", host_wanted);
    }
    if (parts->port && !parse_port(*parts->port)) {
        return bad(text, "has no valid port", host_wanted);
    }
    return std::nullopt;
}

std::optional<fault> check_block(std::string_view text) {
    const auto slash = text.find('/');
    auto address = parse_address(text.substr(0, slash));
    if (!address) {
        return bad(text, "is not an address block", block_wanted);
    }
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view digits = text.substr(slash + 1);
    const unsigned width = address->v6 ? 128 : 32;
    unsigned bits = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool whole = ec == std::errc{} && end == digits.data() + digits.size() &&
                       is_number(digits) && (digits.size() == 1 || digits.front() != '0');
    if (!whole || bits > width) {
        return bad(text, "has no valid prefix length",
                   "a number from 0 to " + std::to_string(width));
    }
    auto base = *address;
    for (unsigned bit = bits + (128 - width); bit < 128; ++bit) {
        base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
    }
    if (base != *address) {
        return bad(text, "has bits set below its prefix", block_wanted,
                   print_address(base) + '/' + std::string{digits});
    }
    return std::nullopt;
}

} // namespace boshgate::conf
