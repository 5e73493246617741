#include "routing/see_other.hpp"

#include "conf/url.hpp"
#include "routing/ascii.hpp"
#include "routing/bosh_payload.hpp"

#include <vector>

namespace boshgate::routing {
namespace {

constexpr std::string_view condition_name = "see-other-uri";

std::string_view without_space(std::string_view text) noexcept {
    while (!text.empty() && xml::is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && xml::is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

// An element that holds a text, and how many elements it lies in.
struct text_element {
    std::string_view name, uri;
    std::size_t inside;
};
constexpr text_element uri_element{"uri", "http://jabber.org/protocol/httpbind", 1};
constexpr text_element host_element{"see-other-host", "urn:ietf:params:xml:ns:xmpp-streams", 2};

// Follows the events of a payload; the first such element counts.
class text_finder {
  public:
    text_finder(const body_tag& tag, const text_element& wanted) noexcept
        : document_(tag.document()), wanted_(wanted) {}

    void on_begin(const payload_reader& reader) noexcept {
        plain_ = false; // an element inside of it, if it is open
        const bool place = reader.depth() == wanted_.inside + (reader.tag().self_closed ? 0U : 1U);
        if (!place || seen_ || reader.tag().name.local(document_) != wanted_.name ||
            !reader.element_namespace().is(wanted_.uri))
            return;
        seen_ = true;
        open_ = plain_ = !reader.tag().self_closed;
        found_.range = {reader.piece().end, reader.piece().end};
    }

    void on_text(const payload_reader& reader) noexcept {
        plain_ = plain_ && !reader.from_cdata();
        found_.coded = found_.coded || (open_ && reader.coded());
    }

    void on_finish(const payload_reader& reader) noexcept {
        if (!open_ || reader.depth() != wanted_.inside)
            return;
        open_ = false;
        found_.range.end = reader.piece().begin;
        found_.written = without_space(
            document_.substr(found_.range.begin, found_.range.end - found_.range.begin));
        good_ = plain_ && !found_.written.empty();
    }

    [[nodiscard]] std::optional<see_other> result() const noexcept {
        return good_ ? std::optional(found_) : std::nullopt;
    }

  private:
    std::string_view document_;
    text_element wanted_;
    see_other found_;
    bool seen_ = false;
    bool open_ = false;
    bool plain_ = false; // nothing but text so far
    bool good_ = false;
};

} // namespace

std::optional<see_other> find_see_other(const body_tag& tag, const body_limits& limits) noexcept {
    if (!tag.is(body_attribute::condition, condition_name) ||
        !tag.is(body_attribute::type, "terminate"))
        return std::nullopt;
    text_finder finder(tag, uri_element);
    return read_payload(tag, limits, finder) == body_error::none ? finder.result() : std::nullopt;
}

std::optional<std::string_view> find_see_other_host(const body_tag& tag,
                                                    const body_limits& limits) noexcept {
    if (!tag.is(body_attribute::type, "terminate"))
        return std::nullopt;
    text_finder finder(tag, host_element);
    if (read_payload(tag, limits, finder) != body_error::none)
        return std::nullopt;
    const auto found = finder.result();
    return found ? std::optional(found->written) : std::nullopt;
}

std::optional<node_index> node_of_url(std::string_view url, const conf::config& config,
                                      const route_table& routes) {
    const auto read = conf::parse_http_url(url);
    if (!read)
        return std::nullopt;
    for (std::size_t i = 0; i < config.nodes.size(); ++i) {
        const conf::http_url& known = config.nodes[i].url;
        if (known.host == read->host && known.port == read->port && known.target == read->target)
            return static_cast<node_index>(i);
    }
    // An alias, or a name written in another way.
    const std::string host =
        read->host.find(':') == std::string::npos ? read->host : "[" + read->host + "]";
    const auto node = routes.find(config.prefix + "/" + host + ":" + std::to_string(read->port));
    if (!node || config.nodes[*node].url.target != read->target)
        return std::nullopt;
    return node;
}

std::optional<std::string> see_other_target(const see_other& found, std::string_view base,
                                            const conf::config& config, const route_table& routes) {
    std::vector<char> room(found.written.size());
    std::string_view url = found.written;
    if (found.coded) {
        const std::size_t length = xml::decode_value(url, room.data(), room.size());
        if (length == xml::does_not_fit)
            return std::nullopt;
        url = {room.data(), length};
    }
    const auto node = node_of_url(url, config, routes);
    if (!node)
        return std::nullopt;
    return std::string(base) + config.prefix + "/" + config.nodes[*node].name;
}

} // namespace boshgate::routing
