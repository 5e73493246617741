#include "routing/bare_jid.hpp"

#include "routing/ascii.hpp"
#include "routing/xml_characters.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

bool in_localpart(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7f &&
           std::string_view("\"&'/:<>@").find(c) == std::string_view::npos;
}

bool in_domain(char c) noexcept {
    return is_lower_alnum(ascii_lower(c)) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
}

bool good(std::string_view part, bool (*may_hold)(char)) noexcept {
    return !part.empty() && part.size() <= bare_jid::part_max &&
           std::all_of(part.begin(), part.end(), may_hold) && xml::is_utf8(part);
}

} // namespace

std::optional<bare_jid> bare_jid::made_of(std::string_view localpart, std::string_view domain) {
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    if (!good(localpart, in_localpart) || !good(domain, in_domain))
        return std::nullopt;
    bare_jid made;
    made.at_ = localpart.size();
    made.text_.resize(localpart.size() + 1 + domain.size());
    to_lower(localpart, made.text_.data());
    made.text_[made.at_] = '@';
    to_lower(domain, made.text_.data() + made.at_ + 1);
    return made;
}

std::optional<bare_jid> bare_jid_of(std::string_view jid) {
    if (jid.size() > bare_jid::full_max)
        return std::nullopt;
    // RFC 7622 3.1: the first slash begins the resource, which may hold any '@'; the first '@'
    // before it ends the localpart.
    const std::string_view bare = jid.substr(0, jid.find('/'));
    const std::size_t at = bare.find('@');
    if (at == std::string_view::npos)
        return std::nullopt;
    return bare_jid::made_of(bare.substr(0, at), bare.substr(at + 1));
}

} // namespace boshgate::routing
