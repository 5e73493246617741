#include "routing/login_proof.hpp"

#include "routing/bosh_payload.hpp"

#include <algorithm>

namespace boshgate::routing {
namespace {

class login_finder {
  public:
    explicit login_finder(const body_tag& tag) noexcept : document_(tag.document()) {}

    void on_begin(const payload_reader& reader) noexcept {
        const bool child = reader.depth() == (reader.tag().self_closed ? 1U : 2U);
        found_ = found_ || (child && (is_success(reader) || is_stanza(reader)));
    }
    void on_text(const payload_reader&) noexcept {}
    void on_finish(const payload_reader&) noexcept {}

    [[nodiscard]] bool found() const noexcept { return found_; }

  private:
    [[nodiscard]] bool is_success(const payload_reader& reader) const noexcept {
        if (reader.tag().name.local(document_) != "success") {
            return false;
        }
        const auto space = reader.element_namespace();
        return space.is("urn:ietf:params:xml:ns:xmpp-sasl") || space.is("urn:xmpp:sasl:2");
    }
    [[nodiscard]] bool is_stanza(const payload_reader& reader) const noexcept {
        const std::string_view name = reader.tag().name.local(document_);
        const auto attributes = reader.attributes();
        return (name == "message" || name == "presence") &&
               std::none_of(attributes.begin(), attributes.end(), [this](const auto& one) {
                   return one.name.local(document_) == "type" &&
                          xml::value_is(one.value(document_), one.coded, "error");
               });
    }

    std::string_view document_;
    bool found_ = false;
};

} // namespace

bool shows_login(const body_tag& tag, const body_limits& limits) noexcept {
    login_finder finder(tag);
    return read_payload(tag, limits, finder) == body_error::none && finder.found();
}

} // namespace boshgate::routing
