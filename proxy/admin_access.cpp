#include "proxy/admin_access.hpp"

#include "conf/address.hpp"
#include "conf/syntax.hpp"

#include <algorithm>
#include <utility>

#include <openssl/crypto.h>

namespace boshgate::proxy {

namespace {

// The host of "host", "host:port" or "[address]:port"; empty: it is none of these.
std::string_view host_of(std::string_view field) {
    if (conf::check_host_field(field)) {
        return {};
    }
    if (field.starts_with('[')) {
        return field.substr(1, field.find(']') - 1);
    }
    return field.substr(0, field.find(':'));
}

// Whether an Origin is of the same host and port as the request's Host. Whoever puts TLS in front
// of us has pages with https.
bool is_same_origin(std::string_view origin, std::string_view host) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme)) {
            return conf::to_lower(origin.substr(scheme.size())) == conf::to_lower(host);
        }
    }
    return false;
}

bool is_foreign(const admin_caller& who, admin_purpose why) {
    if (who.origin && !is_same_origin(*who.origin, who.host.value_or(""))) {
        return true;
    }
    // "none": typed in, or a bookmark. Programs send nothing.
    if (!who.fetch_site || *who.fetch_site == "same-origin" || *who.fetch_site == "none") {
        return false;
    }
    const bool followed_link =
        !who.origin && who.fetch_mode == "navigate" && who.fetch_dest == "document";
    return why != admin_purpose::page || !followed_link;
}

} // namespace

admin_access::admin_access(std::vector<std::string> names, std::vector<conf::secret> tokens)
    : names_(std::move(names)), tokens_(std::move(tokens)) {
    for (std::string& name : names_) {
        name = conf::to_lower(name);
    }
    names_.emplace_back("localhost");
}

bool admin_access::is_ours(std::string_view host) const {
    const std::string_view name = host_of(host);
    return conf::parse_address(name).has_value() ||
           std::find(names_.begin(), names_.end(), conf::to_lower(name)) != names_.end();
}

bool admin_access::knows_token(std::string_view authorization) const {
    constexpr std::string_view scheme = "bearer ";
    if (conf::to_lower(authorization.substr(0, scheme.size())) != scheme) {
        return false;
    }
    authorization.remove_prefix(scheme.size());
    const auto first = authorization.find_first_not_of(' ');
    const auto given =
        conf::parse_secret(authorization.substr(std::min(first, authorization.size())));
    if (!given) {
        return false;
    }
    // All of them, whichever fits: how long it takes tells nothing.
    int known = 0;
    for (const conf::secret& token : tokens_) {
        known |= CRYPTO_memcmp(token.data(), given->data(), token.size()) == 0 ? 1 : 0;
    }
    return known != 0;
}

admin_refusal admin_access::judge(const admin_caller& who, admin_purpose why) const {
    if (who.host && !is_ours(*who.host)) {
        return admin_refusal::host;
    }
    if (is_foreign(who, why)) {
        return admin_refusal::origin;
    }
    if (why != admin_purpose::change) {
        return admin_refusal::none;
    }
    if (tokens_.empty()) {
        return admin_refusal::no_token;
    }
    return knows_token(who.authorization.value_or("")) ? admin_refusal::none : admin_refusal::token;
}

std::string_view name_of(admin_refusal why) noexcept {
    switch (why) {
    case admin_refusal::host:
        return "host";
    case admin_refusal::origin:
        return "origin";
    case admin_refusal::no_token:
        return "no_token";
    case admin_refusal::token:
        return "token";
    case admin_refusal::none:
        break;
    }
    return "none";
}

std::string_view words_of(admin_refusal why) noexcept {
    switch (why) {
    case admin_refusal::host:
        return "this is not the name of the admin listener: use its address, or list the name in "
               "admin.names";
    case admin_refusal::origin:
        return "a page of another origin asks, and none may: open the address of the admin "
               "listener itself";
    case admin_refusal::no_token:
        return "nothing can be changed here: admin.token_file is not set";
    case admin_refusal::token:
        return "this needs a token of admin.token_file: Authorization: Bearer TOKEN";
    case admin_refusal::none:
        break;
    }
    return "";
}

} // namespace boshgate::proxy
