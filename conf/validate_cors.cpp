// The section "cors": every way to open a site to strangers by accident is an error here.

#include "conf/bounds.hpp"
#include "conf/syntax.hpp"
#include "conf/units.hpp"
#include "conf/validate_rules.hpp"

#include <algorithm>
#include <set>

namespace boshgate::conf {

namespace {

void check_listed_origin(const config& settings, std::size_t index, findings& out) {
    const std::string& origin = settings.cors.origins[index];
    const std::string path = item_path("cors.origins", index);
    if (auto why = check_origin(origin)) {
        out.error(path, std::move(*why));
        return;
    }
    if (origin == "*" && settings.cors.credentials) {
        out.error(path, {"* together with credentials would let every site act as the user",
                         "the origins by name, or credentials: false",
                         {}});
    }
    if (origin == "null" && settings.cors.credentials) {
        out.error(path, {"any site can send the origin null, so it must not get credentials",
                         "the origins by name, or credentials: false",
                         {}});
    }
    const bool tls_somewhere = std::any_of(settings.listen.begin(), settings.listen.end(),
                                           [](const listener& l) { return l.tls.has_value(); });
    if (origin.starts_with("http://") && tls_somewhere) {
        out.warning(path, {"a page that came without TLS may read answers of this https site",
                           "an https origin", "https" + origin.substr(4)});
    }
    if (origin == "*" && settings.cors.origins.size() > 1) {
        out.warning(path, {"* allows every origin, so the others change nothing", {}, {}});
    }
    const auto first =
        std::find(settings.cors.origins.begin(), settings.cors.origins.end(), origin);
    if (static_cast<std::size_t>(first - settings.cors.origins.begin()) < index) {
        out.warning(path, {in_quotes(origin) + " is repeated", {}, {}});
    }
}

void check_fields(const std::vector<std::string>& names, const std::string& list, bool star_allowed,
                  findings& out) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string path = item_path(list, i);
        if (names[i] == "*") {
            if (!star_allowed) {
                out.error(path, {"* is no wildcard here", "the header fields by name", {}});
            }
        } else if (!is_token(names[i])) {
            out.error(path, {in_quotes(names[i]) + " is not a header field name",
                             "a name such as content-type",
                             {}});
        }
    }
}

} // namespace

void validate_cors(const config& settings, findings& out) {
    const cors& c = settings.cors;
    if (c.origins.size() > origins_most) {
        out.error("cors.origins", {"there are more than " + std::to_string(origins_most), {}, {}});
        return;
    }
    for (std::size_t i = 0; i < c.origins.size(); ++i) {
        check_listed_origin(settings, i, out);
    }
    if (c.max_age < seconds{0} || c.max_age > cors_max_age_most) {
        out.error("cors.max_age", {print_duration(c.max_age) + " is out of range",
                                   "0s to " + print_duration(cors_max_age_most),
                                   {}});
    }
    check_fields(c.allow_headers, "cors.allow_headers", false, out);
    // Fetch: with credentials "*" is a literal name in Access-Control-Expose-Headers.
    check_fields(c.expose_headers, "cors.expose_headers", !c.credentials, out);
    if (c.origins.empty() && (c.credentials || c.private_network)) {
        out.warning("cors",
                    {"there are no origins, so this has no effect", "a list of origins", {}});
    }
}

} // namespace boshgate::conf
