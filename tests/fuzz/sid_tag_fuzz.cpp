// Sids as clients may send them: only what was tagged is untagged, whatever is changed in it.

#include "routing/ascii.hpp"
#include "routing/sid_tag.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace boshgate::routing;
using boshgate::fuzz::require;

const std::vector<tag_key> keys{{1, 2, 3}, {4, 5, 6}};
const std::vector<std::string> names{"node-a1", "node-b1"};

const sid_tagger& tagger() {
    static const sid_tagger made(keys, names);
    return made;
}

// Whether what was taken is what one of the keys makes of it. (libFuzzer sees what a MAC is
// compared with, and so finds right ones, which nobody else can.)
bool is_genuine(std::string_view sid, const sid_tagger::untagged& taken) {
    static const sid_tagger second({&keys[1], 1}, names);
    sid_tagger::tagged_room room;
    return tagger().tag(taken.raw, taken.node, room) == sid ||
           second.tag(taken.raw, taken.node, room) == sid;
}

bool harmless(char c) {
    return is_lower_alnum(ascii_lower(c)) || c == '-' || c == '.' || c == '_';
}

// A tagged sid with a piece of it replaced by other text.
std::string changed(std::string_view tagged, std::size_t at, std::string_view other) {
    std::string out(tagged);
    at = std::min(at, out.size());
    return out.replace(at, std::min(other.size(), out.size() - at), other);
}

} // namespace

// The first byte says where something is changed, the second how many bytes that is made of; then
// come these bytes, and the raw sid.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = boshgate::fuzz::text_of(data, size);
    sid_tagger::raw_room raw_room;
    const auto taken = tagger().untag(bytes, raw_room);
    require(!taken || is_genuine(bytes, *taken), "only what was made here is taken");
    if (size < 3)
        return 0;
    const std::string_view other = bytes.substr(2, data[1] % 32);
    const std::string_view raw = bytes.substr(std::min(size, 2 + other.size()));

    const auto node = static_cast<node_index>(data[0] & 1);
    sid_tagger::tagged_room room;
    const std::string_view tagged = tagger().tag(raw, node, room);
    require(tagged.empty() == (raw.empty() || raw.size() > sid_tagger::raw_max),
            "every sid within the limit can be tagged");
    if (tagged.empty())
        return 0;
    require(std::all_of(tagged.begin(), tagged.end(), harmless), "harmless characters only");
    const auto back = tagger().untag(tagged, raw_room);
    require(back && back->raw == raw && back->node == node, "it comes back as it was");

    const std::string sid = changed(tagged, data[0], other);
    const auto other_sid = tagger().untag(sid, raw_room);
    require(!other_sid || is_genuine(sid, *other_sid), "what is changed is not taken");
    sid_tagger::tagged_room twice_room;
    const std::string_view twice =
        tagger().tag(tagged.substr(0, sid_tagger::raw_max), node, twice_room);
    require(twice != tagged &&
                tagger().untag(twice, raw_room)->raw == tagged.substr(0, sid_tagger::raw_max),
            "a tagged sid is a sid like any other");
    return 0;
}
