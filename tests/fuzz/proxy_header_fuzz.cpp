// The PROXY header reader and address parser: memory safety, and that a decision never changes with
// more bytes.

#include "routing/client_address.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>
#include <string_view>

namespace {

using namespace boshgate::routing;
using boshgate::fuzz::require;

void check_round_trip(const ip_address& address) {
    std::array<char, 46> buffer;
    require(ip_address::parse(address.print(buffer)) == address, "what is printed reads back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = boshgate::fuzz::text_of(data, size);
    const auto header = read_proxy_header(bytes);
    require(header.consumed <= size, "no more than there is");
    require((header.state == read_state::complete) == (header.consumed > 0),
            "bytes for complete headers only");
    require(header.state == read_state::complete || !header.source,
            "a source in complete headers only");
    if (header.source)
        check_round_trip(*header.source);

    if (header.state == read_state::complete) {
        const auto alone = read_proxy_header(bytes.substr(0, header.consumed));
        require(alone.state == read_state::complete && alone.consumed == header.consumed,
                "what follows does not matter");
        require(alone.source == header.source, "what follows does not change the source");
        require(read_proxy_header(bytes.substr(0, header.consumed - 1)).state ==
                    read_state::partial,
                "every byte of a header counts");
    } else if (size > 0) {
        const auto before = read_proxy_header(bytes.substr(0, size - 1));
        require(before.state != read_state::complete, "more bytes do not undo a header");
        require(before.state != read_state::refused || header.state == read_state::refused,
                "more bytes do not undo a refusal");
    }

    if (const auto address = ip_address::parse(bytes))
        check_round_trip(*address);
    if (const auto block = trusted_proxies::parse_block(bytes))
        require(trusted_proxies({std::string(bytes)}).contains(block->base),
                "a block contains its base");
    return 0;
}
