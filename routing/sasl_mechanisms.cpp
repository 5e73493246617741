#include "routing/sasl_mechanisms.hpp"

#include "routing/bosh_payload.hpp"

#include <set>
#include <string_view>

namespace boshgate::routing {
namespace {

constexpr std::string_view sasl_uri = "urn:ietf:params:xml:ns:xmpp-sasl";
constexpr std::string_view sasl2_uri = "urn:xmpp:sasl:2";

// Follows the events of a payload: <mechanism/> directly in <mechanisms/> or <authentication/>.
class mechanism_finder {
  public:
    explicit mechanism_finder(const body_tag& tag) : document_(tag.document()) {}

    void on_begin(const payload_reader& reader) {
        const std::string_view name = reader.tag().name.local(document_);
        if (list_depth_ == 0) {
            protocol_ = name == "mechanisms" && reader.element_namespace().is(sasl_uri) ? '1'
                        : name == "authentication" && reader.element_namespace().is(sasl2_uri)
                            ? '2'
                            : '\0';
            if (protocol_ != '\0' && !reader.tag().self_closed) {
                list_depth_ = reader.depth();
            }
            return;
        }
        in_mechanism_ = name == "mechanism" && !reader.tag().self_closed &&
                        reader.depth() == list_depth_ + 1 &&
                        reader.element_namespace().is(protocol_ == '1' ? sasl_uri : sasl2_uri);
        text_.clear();
    }
    void on_text(const payload_reader& reader) {
        if (in_mechanism_) { // names have no character that would be written as a reference
            text_ +=
                document_.substr(reader.piece().begin, reader.piece().end - reader.piece().begin);
        }
    }
    void on_finish(const payload_reader& reader) {
        if (in_mechanism_) {
            all_.insert(std::string{protocol_, ':'} + text_);
            in_mechanism_ = false;
        }
        if (reader.depth() < list_depth_) {
            list_depth_ = 0;
        }
    }

    [[nodiscard]] std::string list() const {
        std::string list;
        for (const std::string& one : all_) {
            list += (list.empty() ? "" : " ") + one;
        }
        return list;
    }

  private:
    std::string_view document_;
    std::set<std::string> all_;
    std::string text_;
    std::size_t list_depth_ = 0; // depth inside of the list; 0: not inside
    char protocol_ = '\0';
    bool in_mechanism_ = false;
};

} // namespace

std::string sasl_mechanisms(const body_tag& tag, const body_limits& limits) {
    mechanism_finder finder(tag);
    return read_payload(tag, limits, finder) == body_error::none ? finder.list() : std::string();
}

} // namespace boshgate::routing
