// The section "health". Its numbers are with all other bounds.

#include "conf/problem.hpp"
#include "conf/validate_rules.hpp"

#include <algorithm>

namespace boshgate::conf {

namespace {

constexpr std::size_t jid_part_bytes_most = 1023; // RFC 7622 3.2, 3.3

// A part of an address as it can stand in an attribute, without white space and what XML would
// have escaped.
bool is_jid_part(std::string_view text) {
    return !text.empty() && text.size() <= jid_part_bytes_most &&
           std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
                      std::string_view("\"&'/:<>@").find(c) != std::string_view::npos;
           });
}

} // namespace

void validate_health(const config& settings, findings& out) {
    const health_config& h = settings.health;
    if (!h.domain.empty() && !is_jid_part(h.domain)) {
        out.error("health.domain", {in_quotes(h.domain) + " is no XMPP domain",
                                    "a domain, such as example.com", h.domain});
    }
    if (!h.user.empty()) {
        const std::size_t at = h.user.find('@');
        if (at == std::string::npos || !is_jid_part(h.user.substr(0, at)) ||
            !is_jid_part(h.user.substr(at + 1))) {
            out.error("health.user",
                      {in_quotes(h.user) + " is no bare JID",
                       "an address without a resource, such as alice@example.com", h.user});
        }
        if (settings.discovery.path.empty()) {
            out.error(
                "health.user",
                {"there is no discovery endpoint, so no node is asked for the nodes of a user",
                 "discovery.path, or health.domain in its place",
                 {}});
        }
    }
    if (h.interval.count() == 0 && (!h.domain.empty() || !h.user.empty())) {
        out.error("health.interval",
                  {"0s: nodes are never asked, so domain and user have no effect",
                   "an interval such as 1s, or no domain and no user",
                   {}});
    }
}

} // namespace boshgate::conf
