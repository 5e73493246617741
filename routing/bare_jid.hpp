#pragma once
// A user's address without resource (RFC 7622 3), in the one spelling by which two are compared and
// looked up. Only ASCII letters are folded: what servers make of other letters differs from one to
// the next, and a name that is not recognised costs one question to a discovery node, no more.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace boshgate::routing {

class bare_jid {
  public:
    static constexpr std::size_t part_max = 1023;                     // RFC 7622 3.1, bytes
    static constexpr std::size_t bytes_max = 2 * part_max + 1;        // of text()
    static constexpr std::size_t full_max = bytes_max + 1 + part_max; // with a resource

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::string_view localpart() const noexcept {
        return std::string_view(text_).substr(0, at_);
    }
    [[nodiscard]] std::string_view domain() const noexcept {
        return std::string_view(text_).substr(at_ + 1);
    }

    friend bool operator==(const bare_jid&, const bare_jid&) = default;

    // made_of puts an address together from its two parts, of 1 to part_max bytes each. nullopt:
    // a part is empty or too long, is not UTF-8, or holds what it may not: controls, blanks and
    // "&'/:<>@ in a localpart (RFC 7622 3.3.1); in a domain all ASCII but letters, digits, '-',
    // '.', '_' and what an IPv6 address needs. One dot at the end of a domain is dropped (3.2).
    [[nodiscard]] static std::optional<bare_jid> made_of(std::string_view localpart,
                                                         std::string_view domain);

  private:
    bare_jid() = default;

    std::string text_;
    std::size_t at_ = 0; // where the '@' stands
};

// bare_jid_of reads localpart@domain, with or without a /resource, which is dropped unread.
// nullopt: more than full_max bytes, what made_of refuses, and a domain alone: that is no user.
[[nodiscard]] std::optional<bare_jid> bare_jid_of(std::string_view jid);

} // namespace boshgate::routing
