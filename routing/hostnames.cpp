#include "routing/hostnames.hpp"

#include "routing/bosh_payload.hpp"

namespace boshgate::routing {
namespace {

constexpr std::string_view sasl_uri = "urn:ietf:params:xml:ns:xmpp-sasl";

enum class wanted : std::uint8_t { plain_ones, all };

// Follows the events of a payload. What a hostname is shows when it ends.
class hostname_finder {
  public:
    hostname_finder(const body_tag& tag, std::span<hostname_text> out, wanted which) noexcept
        : document_(tag.document()), out_(out), which_(which) {}

    void on_begin(const payload_reader& reader) noexcept;
    void on_finish(const payload_reader& reader) noexcept;
    void on_text(const payload_reader& reader) noexcept;
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

  private:
    void begin_one(const payload_reader& reader) noexcept;
    void count_one() noexcept;

    std::string_view document_;
    std::span<hostname_text> out_;
    wanted which_;
    std::size_t count_ = 0;
    std::size_t mechanisms_depth_ = 0; // depth inside of <mechanisms>; 0: not inside
    bool in_hostname_ = false;
    bool plain_ = false; // nothing but text so far
    hostname_text found_;
};

void hostname_finder::on_begin(const payload_reader& reader) noexcept {
    const std::string_view name = reader.tag().name.local(document_);
    const bool closed = reader.tag().self_closed;
    if (mechanisms_depth_ == 0) {
        if (!closed && name == "mechanisms" && reader.element_namespace().is(sasl_uri))
            mechanisms_depth_ = reader.depth();
        return;
    }
    plain_ = false;
    // A self-closed element is not counted by depth().
    if (name != "hostname" || reader.depth() + (closed ? 1U : 0U) != mechanisms_depth_ + 1)
        return;
    begin_one(reader);
    if (closed)
        count_one();
    else
        in_hostname_ = plain_ = true;
}

void hostname_finder::begin_one(const payload_reader& reader) noexcept {
    found_ = {};
    found_.element = reader.piece();
    found_.range = {reader.piece().end, reader.piece().end};
    found_.prefixed = reader.tag().name.prefix_length != 0;
    for (const xml::attribute& a : reader.attributes())
        found_.for_mechanism |= a.name.prefix_length == 0 && a.name.text(document_) == "mechanism";
}

void hostname_finder::count_one() noexcept {
    const bool counts = found_.plain || which_ == wanted::all;
    if (counts && count_ < out_.size())
        out_[count_] = found_;
    if (counts && (count_ < out_.size() || which_ == wanted::all))
        ++count_;
}

void hostname_finder::on_text(const payload_reader& reader) noexcept {
    plain_ = plain_ && !reader.from_cdata();
    found_.coded = reader.coded();
}

void hostname_finder::on_finish(const payload_reader& reader) noexcept {
    if (in_hostname_ && reader.depth() == mechanisms_depth_) {
        in_hostname_ = false;
        found_.range.end = reader.piece().begin;
        found_.element.end = reader.piece().end;
        std::string_view text =
            document_.substr(found_.range.begin, found_.range.end - found_.range.begin);
        while (!text.empty() && xml::is_space(text.front()))
            text.remove_prefix(1);
        while (!text.empty() && xml::is_space(text.back()))
            text.remove_suffix(1);
        found_.written = text;
        found_.plain = plain_ && !text.empty();
        count_one();
    }
    if (reader.depth() < mechanisms_depth_)
        mechanisms_depth_ = 0;
}

hostnames_found find(const body_tag& tag, const body_limits& limits, std::span<hostname_text> out,
                     wanted which) noexcept {
    hostname_finder finder(tag, out, which);
    const body_error why = read_payload(tag, limits, finder);
    return {why, why == body_error::none ? finder.count() : 0};
}

} // namespace

hostnames_found find_hostnames(const body_tag& tag, const body_limits& limits,
                               std::span<hostname_text> out) noexcept {
    return find(tag, limits, out, wanted::plain_ones);
}

hostnames_found find_hostname_elements(const body_tag& tag, const body_limits& limits,
                                       std::span<hostname_text> out) noexcept {
    return find(tag, limits, out, wanted::all);
}

} // namespace boshgate::routing
