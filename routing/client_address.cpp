#include "routing/client_address.hpp"

#include "routing/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace boshgate::routing {
namespace {

// An element of X-Forwarded-For without the port that some balancers add to it.
std::string_view without_port(std::string_view element) noexcept {
    const auto colon = element.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return element;
    const bool bracketed = element.front() == '[' && element[colon - 1] == ']';
    const bool v4 = element.find(':') == colon;
    const auto port = element.substr(colon + 1);
    const bool plain =
        !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
    return (bracketed || v4) && plain ? element.substr(0, colon) : element;
}

} // namespace

std::optional<trusted_proxies::block> trusted_proxies::parse_block(std::string_view text) noexcept {
    const auto slash = text.find('/');
    const auto address_text = text.substr(0, slash);
    const auto base = ip_address::parse(address_text);
    if (!base)
        return std::nullopt;
    block out{*base, 128};
    if (slash == std::string_view::npos)
        return out;

    // "::ffff:10.0.0.0/104" counts in the mapped form, as it is written.
    const bool dotted = address_text.find(':') == std::string_view::npos;
    const auto digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (error != std::errc() || end != digits.data() + digits.size() || leading_zero ||
        bits > (dotted ? 32u : 128u))
        return std::nullopt;
    out.bits = static_cast<std::uint8_t>(dotted ? bits + 96 : bits);
    for (std::size_t bit = out.bits; bit < 128; ++bit)
        out.base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
    return out;
}

trusted_proxies::trusted_proxies(const std::vector<std::string>& blocks) {
    for (const auto& text : blocks)
        if (const auto parsed = parse_block(text))
            blocks_.push_back(*parsed);
}

bool trusted_proxies::contains(const ip_address& address) const noexcept {
    return std::any_of(blocks_.begin(), blocks_.end(), [&address](const block& in) {
        const std::size_t whole = in.bits / 8, rest = in.bits % 8;
        if (std::memcmp(address.bytes.data(), in.base.bytes.data(), whole) != 0)
            return false;
        const auto mask = static_cast<std::uint8_t>(0xff00u >> rest);
        return rest == 0 || (address.bytes[whole] & mask) == in.base.bytes[whole];
    });
}

client_origin client_of(const request_head& head, const ip_address& peer, bool secure,
                        const trusted_proxies& trusted) noexcept {
    client_origin out{peer, secure};
    if (!trusted.contains(peer))
        return out;

    if (head.count(field_id::x_forwarded_proto) == 1) {
        const auto proto = head.find(field_id::x_forwarded_proto)->value;
        if (equal_ignoring_case(proto, "https"))
            out.secure = true;
        else if (equal_ignoring_case(proto, "http"))
            out.secure = false;
    }

    std::size_t hops = 0;
    const auto fields = head.fields();
    for (auto each = fields.rbegin(); each != fields.rend(); ++each) {
        if (each->id != field_id::x_forwarded_for)
            continue;
        auto rest = each->value;
        for (bool more = true; more;) {
            const auto comma = rest.rfind(',');
            more = comma != std::string_view::npos;
            const auto element = trim_blanks(more ? rest.substr(comma + 1) : rest);
            const auto address = ip_address::parse(without_port(element));
            if (!address || ++hops > forwarded_hops_max)
                return out;
            out.address = *address;
            if (!trusted.contains(*address))
                return out;
            rest = rest.substr(0, more ? comma : 0);
        }
    }
    return out;
}

} // namespace boshgate::routing
