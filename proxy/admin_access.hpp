#pragma once
// Who may ask the admin listener for what. It stands on a loopback address as a rule, which keeps
// other machines out, but not the browser of whoever sits at this one: any page may send requests
// to 127.0.0.1, and one whose name its owner bends to 127.0.0.1 (DNS rebinding) may read the
// answers. So the Host has to be one that such a page cannot have, and a page of another origin is
// refused. What changes something needs a token besides, which a program sends and no page has.
//
// Pure: takes the fields of a request's head.

#include "conf/secrets.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::proxy {

// What a request says about who sends it. nullopt: there is no such field.
struct admin_caller {
    std::optional<std::string_view> host;
    std::optional<std::string_view> origin;        // RFC 6454 7.1
    std::optional<std::string_view> fetch_site;    // Sec-Fetch-Site, -Mode, -Dest: W3C Fetch
    std::optional<std::string_view> fetch_mode;    // Metadata
    std::optional<std::string_view> fetch_dest;    //
    std::optional<std::string_view> authorization; // RFC 6750 2.1
};

enum class admin_purpose {
    page,   // to open the status page: a link on another page may lead here
    read,   // everybody who reaches us
    change, // whoever has a token
};

enum class admin_refusal {
    none,
    host,     // a Host that is not ours
    origin,   // a page of another origin
    no_token, // none is configured: nobody may change anything
    token,    // the request has none, or a wrong one
};

class admin_access {
  public:
    // `names`: that Host may have, besides numeric addresses and localhost. `tokens`: each of them
    // will do.
    admin_access(std::vector<std::string> names, std::vector<conf::secret> tokens);

    // judge compares tokens in constant time. A request without Host (HTTP/1.0) is no browser's.
    [[nodiscard]] admin_refusal judge(const admin_caller& who, admin_purpose why) const;

  private:
    [[nodiscard]] bool is_ours(std::string_view host) const;
    [[nodiscard]] bool knows_token(std::string_view authorization) const;

    std::vector<std::string> names_; // lower case
    std::vector<conf::secret> tokens_;
};

// name_of and words_of: for programs, and for people who want to mend it.
[[nodiscard]] std::string_view name_of(admin_refusal why) noexcept;
[[nodiscard]] std::string_view words_of(admin_refusal why) noexcept;

} // namespace boshgate::proxy
