#include "routing/hostnames.hpp"

#include "routing/bosh_payload.hpp"

namespace boshgate::routing {
namespace {

constexpr std::string_view sasl_uri = "urn:ietf:params:xml:ns:xmpp-sasl";

// Follows the events of a payload; a hostname counts when it turned out to be plain text.
class hostname_finder {
  public:
    hostname_finder(const body_tag& tag, std::span<hostname_text> out) noexcept
        : document_(tag.document()), out_(out) {}

    void on_begin(const payload_reader& reader) noexcept;
    void on_finish(const payload_reader& reader) noexcept;
    void on_text(const payload_reader& reader) noexcept;
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

  private:
    std::string_view document_;
    std::span<hostname_text> out_;
    std::size_t count_ = 0;
    std::size_t mechanisms_depth_ = 0; // depth inside of <mechanisms>; 0: not inside
    bool in_hostname_ = false;
    bool plain_ = false; // nothing but text so far
    hostname_text found_;
};

void hostname_finder::on_begin(const payload_reader& reader) noexcept {
    const std::string_view name = reader.tag().name.local(document_);
    if (reader.tag().self_closed) {
        plain_ = false;
        return;
    }
    if (mechanisms_depth_ == 0) {
        if (name == "mechanisms" && reader.element_namespace().is(sasl_uri))
            mechanisms_depth_ = reader.depth();
        return;
    }
    plain_ = false;
    if (name != "hostname" || reader.depth() != mechanisms_depth_ + 1)
        return;
    in_hostname_ = true;
    plain_ = true;
    found_ = {};
    found_.range = {reader.piece().end, reader.piece().end};
    for (const xml::attribute& a : reader.attributes())
        found_.for_mechanism |= a.name.prefix_length == 0 && a.name.text(document_) == "mechanism";
}

void hostname_finder::on_text(const payload_reader& reader) noexcept {
    plain_ = plain_ && !reader.from_cdata();
    found_.coded = reader.coded();
}

void hostname_finder::on_finish(const payload_reader& reader) noexcept {
    if (in_hostname_ && reader.depth() == mechanisms_depth_) {
        in_hostname_ = false;
        found_.range.end = reader.piece().begin;
        std::string_view text =
            document_.substr(found_.range.begin, found_.range.end - found_.range.begin);
        while (!text.empty() && xml::is_space(text.front()))
            text.remove_prefix(1);
        while (!text.empty() && xml::is_space(text.back()))
            text.remove_suffix(1);
        found_.written = text;
        if (plain_ && !text.empty() && count_ < out_.size())
            out_[count_++] = found_;
    }
    if (reader.depth() < mechanisms_depth_)
        mechanisms_depth_ = 0;
}

} // namespace

hostnames_found find_hostnames(const body_tag& tag, const body_limits& limits,
                               std::span<hostname_text> out) noexcept {
    hostname_finder finder(tag, out);
    const body_error why = read_payload(tag, limits, finder);
    return {why, why == body_error::none ? finder.count() : 0};
}

} // namespace boshgate::routing
