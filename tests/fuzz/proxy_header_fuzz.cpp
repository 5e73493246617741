// The PROXY header reader and address parser: memory safety, and that a decision never changes with
// more bytes.

#include "routing/client_address.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace boshgate::routing;

void require(bool holds) {
    if (!holds)
        std::abort();
}

void check_round_trip(const ip_address& address) {
    std::array<char, 46> buffer;
    require(ip_address::parse(address.print(buffer)) == address);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto header = read_proxy_header(bytes);
    require(header.consumed <= size);
    require((header.state == read_state::complete) == (header.consumed > 0));
    require(header.state == read_state::complete || !header.source);
    if (header.source)
        check_round_trip(*header.source);

    if (header.state == read_state::complete) {
        const auto alone = read_proxy_header(bytes.substr(0, header.consumed));
        require(alone.state == read_state::complete && alone.consumed == header.consumed);
        require(alone.source == header.source);
        require(read_proxy_header(bytes.substr(0, header.consumed - 1)).state ==
                read_state::partial);
    } else if (size > 0) {
        const auto before = read_proxy_header(bytes.substr(0, size - 1));
        require(before.state != read_state::complete);
        require(before.state != read_state::refused || header.state == read_state::refused);
    }

    if (const auto address = ip_address::parse(bytes))
        check_round_trip(*address);
    if (const auto block = trusted_proxies::parse_block(bytes))
        require(trusted_proxies({std::string(bytes)}).contains(block->base));
    return 0;
}
