#include "routing/proxy_header.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace boshgate::routing {
namespace {

using namespace std::string_view_literals;

constexpr auto v1_start = "PROXY "sv;
constexpr auto v2_signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t v2_fixed_bytes = 16; // signature, version and command, family, length

constexpr proxy_header refused{read_state::refused, 0, std::nullopt};
constexpr proxy_header partial{read_state::partial, 0, std::nullopt};

// Whether `bytes` are, or may still become, something that begins with `start`.
bool may_start_with(std::string_view bytes, std::string_view start) noexcept {
    const auto common = std::min(bytes.size(), start.size());
    return bytes.substr(0, common) == start.substr(0, common);
}

// Cuts the word up to the next blank off the line, and that blank. The last word ends with the
// line.
std::optional<std::string_view> next_word(std::string_view& line) noexcept {
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos)
        return std::nullopt;
    const auto word = line.substr(0, blank);
    line.remove_prefix(blank + 1);
    return word;
}

bool is_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool leading_zero = text.size() > 1 && text.front() == '0';
    return error == std::errc() && end == text.data() + text.size() && !leading_zero;
}

// An address in version 1: of the announced family, without brackets.
std::optional<ip_address> v1_address(std::optional<std::string_view> text, bool v6) noexcept {
    if (!text || text->starts_with('[') || (text->find(':') != std::string_view::npos) != v6)
        return std::nullopt;
    return ip_address::parse(*text);
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443" or "PROXY UNKNOWN" with anything after it.
proxy_header read_v1(std::string_view bytes) noexcept {
    const auto seen = bytes.substr(0, proxy_v1_bytes_max);
    const auto end = seen.find_first_of("\r\n\0"sv);
    if (end == std::string_view::npos)
        return bytes.size() < proxy_v1_bytes_max ? partial : refused;
    if (seen[end] != '\r')
        return refused;
    if (end + 1 == seen.size())
        return bytes.size() < proxy_v1_bytes_max ? partial : refused;
    if (seen[end + 1] != '\n')
        return refused;

    auto line = seen.substr(v1_start.size(), end - v1_start.size());
    proxy_header out{read_state::complete, end + 2, std::nullopt};
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN "))
        return out;
    const auto family = next_word(line);
    if (family != "TCP4" && family != "TCP6")
        return refused;
    const bool v6 = family == "TCP6";
    out.source = v1_address(next_word(line), v6);
    const auto destination = v1_address(next_word(line), v6);
    const auto source_port = next_word(line);
    if (!out.source || !destination || !source_port || !is_port(*source_port) || !is_port(line))
        return refused;
    return out;
}

proxy_header read_v2(std::string_view bytes) noexcept {
    const auto at = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    constexpr auto command_at = v2_signature.size();
    if (bytes.size() <= command_at)
        return partial;
    const auto command = at(command_at); // version 2 in the high half; LOCAL 0, PROXY 1
    if (command != 0x20 && command != 0x21)
        return refused;
    if (bytes.size() < v2_fixed_bytes)
        return partial;
    const auto family = at(command_at + 1);
    const std::size_t length =
        static_cast<std::size_t>(at(command_at + 2)) << 8 | at(command_at + 3);
    const auto total = v2_fixed_bytes + length;

    // Bytes of the address part. LOCAL comes with any family, or none, and its addresses mean
    // nothing.
    std::size_t addresses = 0;
    if (command == 0x21) {
        switch (family) {
        case 0x00: // unspecified
            break;
        case 0x11: // TCP over IPv4: 2 addresses, 2 ports
            addresses = 12;
            break;
        case 0x21: // TCP over IPv6
            addresses = 36;
            break;
        case 0x31: // a Unix stream: two paths of 108 bytes
            addresses = 216;
            break;
        default: // datagrams cannot have come over this connection
            return refused;
        }
    }
    if (total > proxy_v2_bytes_max || length < addresses)
        return refused;
    if (bytes.size() < total)
        return partial;

    proxy_header out{read_state::complete, total, std::nullopt};
    if (addresses == 12) {
        std::uint32_t address = 0;
        for (std::size_t i = 0; i < 4; ++i)
            address = address << 8 | at(v2_fixed_bytes + i);
        out.source = ip_address::v4(address);
    } else if (addresses == 36) {
        out.source.emplace();
        std::transform(bytes.begin() + v2_fixed_bytes, bytes.begin() + v2_fixed_bytes + 16,
                       out.source->bytes.begin(),
                       [](char c) { return static_cast<std::uint8_t>(c); });
    }
    return out;
}

} // namespace

proxy_header read_proxy_header(std::string_view bytes) noexcept {
    if (bytes.empty())
        return partial;
    if (may_start_with(bytes, v1_start))
        return bytes.size() < v1_start.size() ? partial : read_v1(bytes);
    if (may_start_with(bytes, v2_signature))
        return bytes.size() < v2_signature.size() ? partial : read_v2(bytes);
    return refused;
}

} // namespace boshgate::routing
