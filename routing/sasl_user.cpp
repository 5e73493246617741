#include "routing/sasl_user.hpp"

#include "routing/ascii.hpp"
#include "routing/base64.hpp"
#include "routing/bosh_payload.hpp"

#include <algorithm>
#include <array>
#include <openssl/crypto.h>
#include <string>

namespace boshgate::routing {
namespace {

constexpr std::string_view sasl_uri = "urn:ietf:params:xml:ns:xmpp-sasl";
constexpr std::string_view sasl2_uri = "urn:xmpp:sasl:2";

// Follows the events of a payload: which mechanism, and where its response stands.
class auth_finder {
  public:
    explicit auth_finder(const body_tag& tag) noexcept : document_(tag.document()) {}

    void on_begin(const payload_reader& reader) noexcept;
    void on_text(const payload_reader& reader) noexcept;
    void on_finish(const payload_reader& reader) noexcept {
        if (reader.depth() < response_depth_)
            response_depth_ = 0;
    }

    [[nodiscard]] bool found() const noexcept { return found_; }
    [[nodiscard]] bool alone() const noexcept { return children_ == 1; }
    [[nodiscard]] std::string_view mechanism() const noexcept { return mechanism_; }
    // As written. Only what is_plain() says is all of it.
    [[nodiscard]] std::string_view response() const noexcept { return response_; }
    [[nodiscard]] bool is_plain() const noexcept { return plain_; }

  private:
    void begin_child(const payload_reader& reader, std::string_view name) noexcept;

    std::string_view document_;
    std::string_view mechanism_;
    std::string_view response_;
    std::size_t children_ = 0;
    std::size_t responses_ = 0;
    std::size_t response_depth_ = 0; // depth inside of the element with the response; 0: not inside
    bool found_ = false;
    bool sasl2_ = false;
    bool plain_ = true;
};

void auth_finder::begin_child(const payload_reader& reader, std::string_view name) noexcept {
    ++children_;
    sasl2_ = name == "authenticate" && reader.element_namespace().is(sasl2_uri);
    if (!sasl2_ && !(name == "auth" && reader.element_namespace().is(sasl_uri)))
        return;
    found_ = true;
    for (const xml::attribute& a : reader.attributes())
        if (a.name.text(document_) == "mechanism")
            mechanism_ = a.value(document_);
    if (!sasl2_ && !reader.tag().self_closed)
        response_depth_ = reader.depth();
}

void auth_finder::on_begin(const payload_reader& reader) noexcept {
    const bool closed = reader.tag().self_closed;
    const std::size_t depth = reader.depth() + (closed ? 1 : 0); // as if it were open
    const std::string_view name = reader.tag().name.local(document_);
    if (depth == 2) {
        begin_child(reader, name);
        return;
    }
    if (response_depth_ != 0)
        plain_ = false;
    // XEP-0388 2.3: the response is a child, among others that do not matter here.
    if (depth == 3 && sasl2_ && name == "initial-response" &&
        reader.element_namespace().is(sasl2_uri)) {
        plain_ = plain_ && ++responses_ == 1;
        if (!closed)
            response_depth_ = depth;
    }
}

void auth_finder::on_text(const payload_reader& reader) noexcept {
    if (response_depth_ == 0)
        return;
    // A second piece of text stands behind an element or a CDATA section.
    plain_ = plain_ && response_.empty() && !reader.from_cdata();
    response_ = document_.substr(reader.piece().begin, reader.piece().end - reader.piece().begin);
}

bool is_mechanism(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 20 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
    });
}

// What an initial response says: who logs in, and as whom he wants to act; empty: as himself.
struct identities {
    std::string user, acts_as;
};

// RFC 4616 2: [authzid] NUL authcid NUL passwd, and no other NUL.
std::optional<identities> read_plain(std::string_view response) {
    const auto first = response.find('\0');
    const auto second = response.find('\0', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos ||
        response.find('\0', second + 1) != std::string_view::npos)
        return std::nullopt;
    const std::string_view user = response.substr(first + 1, second - first - 1);
    if (user.empty() || second + 1 == response.size())
        return std::nullopt;
    return identities{std::string(user), std::string(response.substr(0, first))};
}

// cut takes the text up to the next comma, and the comma; nullopt: there is none.
std::optional<std::string_view> cut(std::string_view& text) noexcept {
    const auto comma = text.find(',');
    if (comma == std::string_view::npos)
        return std::nullopt;
    const auto before = text.substr(0, comma);
    text.remove_prefix(comma + 1);
    return before;
}

// RFC 5802 7, saslname behind its "a=" or "n=": a comma is written =2C, an equals sign =3D.
std::optional<std::string> read_name(std::string_view attribute, std::string_view key) {
    if (!attribute.starts_with(key) || attribute.size() == key.size())
        return std::nullopt;
    attribute.remove_prefix(key.size());
    std::string name;
    for (std::size_t i = 0; i < attribute.size(); ++i) {
        char c = attribute[i];
        if (c == '\0')
            return std::nullopt;
        if (c == '=') {
            const auto code = attribute.substr(i + 1, 2);
            if (code != "2C" && code != "3D")
                return std::nullopt;
            c = code == "2C" ? ',' : '=';
            i += 2;
        }
        name.push_back(c);
    }
    return name;
}

// RFC 5802 7, client-first-message: channel binding, "," [a=...] "," n=... "," r=... . A mandatory
// extension ("m=") stands where the name must be, and is refused with it.
std::optional<identities> read_scram(std::string_view response) {
    const auto binding = cut(response);
    if (!binding || !(*binding == "n" || *binding == "y" ||
                      (binding->starts_with("p=") && binding->size() > 2)))
        return std::nullopt;
    const auto acts_as = cut(response);
    const auto user = cut(response);
    if (!acts_as || !user || !response.starts_with("r=") || response.size() == 2 ||
        response[2] == ',')
        return std::nullopt;
    const auto user_name = read_name(*user, "n=");
    const auto other_name = acts_as->empty() ? std::string() : read_name(*acts_as, "a=");
    if (!user_name || !other_name)
        return std::nullopt;
    return identities{*user_name, *other_name};
}

// The outcome where the identities are known.
sasl_outcome judge(const identities& who, std::string_view domain, std::optional<bare_jid>& user) {
    // Some clients log in with the whole address.
    const auto at = who.user.find('@');
    const auto own = std::string_view(who.user).substr(0, at);
    auto made = bare_jid::made_of(own, domain);
    if (made && at != std::string::npos &&
        made != bare_jid::made_of(own, std::string_view(who.user).substr(at + 1)))
        made.reset();
    if (!made)
        return sasl_outcome::no_user;
    if (!who.acts_as.empty() && bare_jid_of(who.acts_as) != made)
        return sasl_outcome::other_identity;
    user = std::move(made);
    return sasl_outcome::user;
}

sasl_outcome read_response(std::string_view mechanism, std::string_view written,
                           std::string_view domain, std::optional<bare_jid>& user) {
    const bool plain = mechanism == "PLAIN";
    if (!plain && !mechanism.starts_with("SCRAM-"))
        return sasl_outcome::other_mechanism;
    if (written.empty() || written == "=")
        return sasl_outcome::no_response;
    if (written.size() > sasl_response_max)
        return sasl_outcome::too_long;
    std::array<char, sasl_response_max / 4 * 3> room;
    const auto length = base64_decode(written, room);
    std::optional<identities> who;
    if (length) {
        const std::string_view response(room.data(), *length);
        who = plain ? read_plain(response) : read_scram(response);
    }
    OPENSSL_cleanse(room.data(), room.size());
    if (!length)
        return sasl_outcome::bad_base64;
    return who ? judge(*who, domain, user) : sasl_outcome::bad_response;
}

} // namespace

std::string_view name_of(sasl_outcome what) noexcept {
    switch (what) {
    case sasl_outcome::user:
        return "user";
    case sasl_outcome::no_auth:
        return "no_auth";
    case sasl_outcome::not_alone:
        return "not_alone";
    case sasl_outcome::bad_mechanism:
        return "bad_mechanism";
    case sasl_outcome::other_mechanism:
        return "other_mechanism";
    case sasl_outcome::no_response:
        return "no_response";
    case sasl_outcome::too_long:
        return "too_long";
    case sasl_outcome::bad_base64:
        return "bad_base64";
    case sasl_outcome::bad_response:
        return "bad_response";
    case sasl_outcome::other_identity:
        return "other_identity";
    case sasl_outcome::no_user:
        return "no_user";
    }
    return {};
}

sasl_start sasl_user_of(const body_tag& tag, const body_limits& limits, std::string_view domain) {
    auth_finder finder(tag);
    if (read_payload(tag, limits, finder) != body_error::none || !finder.found())
        return {};
    sasl_start start;
    if (!finder.alone()) {
        start.what = sasl_outcome::not_alone;
    } else if (!is_mechanism(finder.mechanism())) {
        start.what = sasl_outcome::bad_mechanism;
    } else {
        start.mechanism = finder.mechanism();
        start.what = finder.is_plain()
                         ? read_response(start.mechanism, finder.response(), domain, start.user)
                         : sasl_outcome::bad_base64;
    }
    return start;
}

} // namespace boshgate::routing
