// The first message of SASL, made by chance: a user comes out only where the message names one, and
// base64 that is accepted has one spelling.

#include "routing/base64.hpp"
#include "routing/sasl_user.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace boshgate::routing;
using boshgate::fuzz::require;

constexpr std::string_view domain = "example.com";

std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t k) {
            return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
        };
        const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (std::size_t k = 0; k < 4; ++k)
            out += i + k > bytes.size() ? '=' : alphabet[three >> (18 - 6 * k) & 63];
    }
    return out;
}

void check_base64(std::string_view text) {
    std::string room(text.size(), '\0');
    if (const auto length = base64_decode(text, room))
        require(base64(std::string_view(room).substr(0, *length)) == text, "one spelling");
}

sasl_start read(std::string_view document) {
    body_tag tag;
    if (!read_body_tag(document, {}, tag).ok())
        return {};
    const sasl_start start = sasl_user_of(tag, {}, domain);
    require(start.user.has_value() == (start.what == sasl_outcome::user), "a user or a reason");
    require(!start.user || start.user->domain() == domain, "a user of this domain");
    require(!start.user ||
                (!start.user->localpart().empty() && bare_jid_of(start.user->text()) == start.user),
            "a user's address");
    require(start.what != sasl_outcome::user || check_payload(tag, {}).ok(),
            "only of a payload that is accepted");
    require(!name_of(start.what).empty(), "every reason has a name");
    return start;
}

// What a body with this response names.
std::optional<bare_jid> named_in(std::string_view mechanism, std::string_view response,
                                 bool sasl2) {
    const std::string inner = base64(response);
    std::string document = "<body xmlns='http://jabber.org/protocol/httpbind'>";
    if (sasl2)
        document += "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='" + std::string(mechanism) +
                    "'><initial-response>" + inner + "</initial-response></authenticate></body>";
    else
        document += "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" +
                    std::string(mechanism) + "'>" + inner + "</auth></body>";
    return read(document).user;
}

// Whether a response is short enough to be looked at.
bool fits(std::string_view response) {
    return base64(response).size() <= sasl_response_max;
}

// As a client writes a name in SCRAM.
std::string saslname(std::string_view name) {
    std::string out;
    for (const char c : name)
        out += c == ',' ? std::string("=2C") : c == '=' ? std::string("=3D") : std::string(1, c);
    return out;
}

// Any name that makes an address comes back through both mechanisms.
void check_name(std::string_view name, bool sasl2) {
    if (name.empty() || name.size() > 900 || name.find('\0') != std::string_view::npos)
        return;
    const auto wanted =
        name.find('@') == std::string_view::npos ? bare_jid::made_of(name, domain) : std::nullopt;
    if (name.find('@') != std::string_view::npos && !bare_jid_of(name))
        require(!named_in("PLAIN", std::string(1, '\0') + std::string(name) + '\0' + "x", sasl2),
                "no address, nobody");
    if (!wanted)
        return;
    const std::string plain = std::string(1, '\0') + std::string(name) + '\0' + "x";
    require(named_in("PLAIN", plain, sasl2) == wanted, "PLAIN names the user");
    const std::string own = wanted->text() + plain;
    require(named_in("PLAIN", own, sasl2) == wanted, "who may act as himself");
    require(!named_in("PLAIN", "x" + own, sasl2), "and as nobody else");
    const std::string scram = ",n=" + saslname(name) + ",r=x";
    const std::string alone = "n," + scram;
    require(named_in("SCRAM-SHA-1", alone, sasl2) == (fits(alone) ? wanted : std::nullopt),
            "SCRAM names the user");
    // A name of many commas is three times as long, and stands there twice.
    const std::string both = "y,a=" + saslname(wanted->text()) + scram;
    require(named_in("SCRAM-SHA-1", both, sasl2) == (fits(both) ? wanted : std::nullopt),
            "who may act as himself, in so many characters");
}

} // namespace

// The first byte says what the rest is: a document, a response, a user's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = boshgate::fuzz::text_of(data, size);
    check_base64(input);
    if (input.empty())
        return 0;
    const std::string_view rest = input.substr(1);
    const bool sasl2 = (data[0] & 4) != 0;
    switch (data[0] % 4) {
    case 0:
        (void)read(rest);
        break;
    case 1:
        (void)named_in("PLAIN", rest, sasl2);
        break;
    case 2:
        (void)named_in("SCRAM-SHA-256", rest, sasl2);
        break;
    default:
        check_name(rest, sasl2);
    }
    return 0;
}
