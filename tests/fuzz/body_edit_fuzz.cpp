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

// What becomes of the hostnames of a document: the first one that is plain is renamed, and
// repeated; the second one, whatever it is, is removed.
struct hostname_edits {
    bool made = false;
    std::size_t before = 0; // elements
    std::size_t after = 0;
    bool renamed = false;
    bool repeated = false;
};

hostname_edits edit_hostnames(const body_tag& tag, const body_limits& limits, body_edits& edits) {
    hostname_text names[2];
    hostname_edits done;
    done.before = find_hostname_elements(tag, limits, names).count;
    done.after = done.before;
    if (done.before > 0 && names[0].plain) {
        done.renamed = edits.replace_text(names[0].range, new_host) == edit_error::none;
        if (edits.repeat_element(names[0].element, names[0].range, new_host) == edit_error::none) {
            ++done.after;
            done.made = done.repeated = true;
        }
    }
    if (done.before > 1 && edits.remove_element(names[1].element) == edit_error::none) {
        --done.after;
        done.made = true;
    }
    done.made = done.made || done.renamed;
    return done;
}

// How many hostnames libexpat sees among the SASL mechanisms.
std::size_t hostnames_seen(std::string_view events) {
    std::size_t count = 0;
    std::size_t depth = 0;
    std::size_t mechanisms = 0; // depth inside of them; 0: outside
    for (std::size_t at = events.find('\x01'); at != events.npos;
         at = events.find('\x01', at + 1)) {
        if (events[at + 1] == '>') {
            if (depth-- == mechanisms)
                mechanisms = 0;
            continue;
        }
        const std::string_view name = events.substr(at + 2, events.find('\x02', at) - at - 2);
        ++depth;
        if (mechanisms == 0 && name == "urn:ietf:params:xml:ns:xmpp-sasl!mechanisms")
            mechanisms = depth;
        else if (mechanisms != 0 && depth == mechanisms + 1 &&
                 name.substr(name.rfind('!') + 1) == "hostname") // npos + 1 is 0
            ++count;
    }
    return count;
}

void check_hostnames(const body_tag& after, const test::expat_reading& theirs,
                     const hostname_edits& done) {
    require(hostnames_seen(theirs.events()) == done.after, "as many as libexpat sees");
    hostname_text names[2];
    require(find_hostname_elements(after, test::wide_limits(), names).count == done.after,
            "as many hostnames as were made");
    const auto is_new = [](const hostname_text& one) {
        return one.plain && xml::value_is(one.written, one.coded, new_host);
    };
    if (done.renamed)
        require(is_new(names[0]), "the new name");
    if (done.repeated)
        require(is_new(names[1]), "and its repetition behind it");
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
    const hostname_edits hosts = edit_hostnames(tag, limits, edits);

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
    check_hostnames(after, theirs, hosts);
    if (steered && !wanted.contains(body_attribute::condition) &&
        !wanted.contains(body_attribute::type)) {
        const auto found = find_see_other(after, limits);
        require(found && xml::value_is(found->written, found->coded, new_uri), "the new URL");
    }
    if (!hosts.made && !steered) {
        require(edited.substr(after.payload_begin()) == document.substr(tag.payload_begin()),
                "the payload is as it was");
    }
    return 0;
}
