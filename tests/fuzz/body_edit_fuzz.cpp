// Edits made by chance on documents made by chance: what is written reads as the edits say, and
// nothing else of the document has changed.

#include "routing/body_edit.hpp"
#include "routing/hostnames.hpp"
#include "routing/see_other.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/routing/expat_reading.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

using namespace boshgate::routing;
using boshgate::fuzz::require;

namespace {

// The first bytes of the input are the edits, up to a NUL; the rest is the document.
class script {
  public:
    explicit script(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] bool done() const { return bytes_.empty(); }
    unsigned byte() {
        if (bytes_.empty())
            return 0;
        const auto first = static_cast<unsigned char>(bytes_.front());
        bytes_.remove_prefix(1);
        return first;
    }
    std::string_view text() {
        const std::size_t length = std::min<std::size_t>(byte() % 16, bytes_.size());
        const std::string_view text = bytes_.substr(0, length);
        bytes_.remove_prefix(length);
        return text;
    }

  private:
    std::string_view bytes_;
};

constexpr std::string_view new_host = "host<&>'\"";
constexpr std::string_view new_uri = "https://host/<&>'\"";

using wanted_values = std::map<body_attribute, std::optional<std::string>>;

// Makes the edits that the script says, and notes what they should come to.
wanted_values make_edits(script commands, const body_tag& tag, body_edits& edits) {
    wanted_values wanted;
    while (!commands.done()) {
        const auto id = static_cast<body_attribute>(commands.byte() % body_attribute_count);
        const unsigned command = commands.byte() % 4;
        const std::string_view text = commands.text();
        if (command == 0) {
            if (edits.set(id, text) == edit_error::none)
                wanted[id] = std::string(text);
        } else if (command == 1) {
            if (edits.set(id, text.size()) == edit_error::none)
                wanted[id] = std::to_string(text.size());
        } else if (command == 2) {
            if (edits.remove(id) == edit_error::none)
                wanted[id] = std::nullopt;
        } else if (!wanted.contains(id) && tag.has(id)) {
            const auto before = tag.number(id);
            if (edits.lower(id, text.size()) == edit_error::none &&
                (!before || *before > text.size()))
                wanted[id] = std::to_string(text.size());
        }
    }
    return wanted;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = boshgate::fuzz::text_of(data, size);
    const std::size_t split = std::min(input.find('\0'), input.size());
    const std::string_view document = input.substr(std::min(split + 1, input.size()));

    body_limits limits = test::wide_limits();
    limits.attributes = 24; // so that there is room for what is added
    body_tag tag;
    if (!check_body(document, limits, tag).ok())
        return 0;
    body_edits edits(tag);
    const wanted_values wanted = make_edits(script(input.substr(0, split)), tag, edits);
    hostname_text names[2];
    const std::size_t hostnames = find_hostnames(tag, limits, names).count;
    const bool renamed =
        hostnames > 0 && edits.replace_text(names[0].range, new_host) == edit_error::none;

    const auto elsewhere = find_see_other(tag, limits);
    const bool steered =
        elsewhere && edits.replace_text(elsewhere->range, new_uri) == edit_error::none;

    std::string edited(edits.size(), '\0');
    require(edits.write(edited) == edited.size(), "it is as long as said");
    require(!edits.empty() || edited == document, "without edits nothing changes");

    body_tag after;
    require(check_body(edited, test::wide_limits(), after).ok(), "what is written is accepted");
    const test::expat_reading theirs(edited);
    require(theirs.acceptable(), "by libexpat too");
    for (std::size_t i = 1; i < body_attribute_count; ++i) {
        const auto id = static_cast<body_attribute>(i);
        const auto edit = wanted.find(id);
        if (edit == wanted.end()) {
            require(after.has(id) == tag.has(id) && after.written(id) == tag.written(id),
                    "other attributes are as they were");
        } else if (edit->second) {
            require(after.is(id, *edit->second), "the new value is there");
        } else {
            require(!after.has(id), "what is removed is gone");
        }
    }
    if (renamed) {
        require(find_hostnames(after, limits, names).count == hostnames, "as many as before");
        require(xml::value_is(names[0].written, names[0].coded, new_host), "the new name");
    }
    if (steered && !wanted.contains(body_attribute::condition) &&
        !wanted.contains(body_attribute::type)) {
        const auto found = find_see_other(after, limits);
        require(found && xml::value_is(found->written, found->coded, new_uri), "the new URL");
    }
    if (!renamed && !steered) {
        require(edited.substr(after.payload_begin()) == document.substr(tag.payload_begin()),
                "the payload is as it was");
    }
    return 0;
}
