// Decodes any bytes as a chunked body: whole, cut in pieces, and by a second decoder that takes the
// grammar for granted.
#include "routing/chunked.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace boshgate;
using namespace boshgate::fuzz;
using routing::read_state;

struct decoded {
    read_state state = read_state::partial;
    routing::reason why = routing::reason::none;
    std::string data;
    std::size_t consumed = 0;
};

// Feeds pieces of `stride` bytes, each from an allocation of its own.
decoded decode(std::string_view input, std::size_t stride, std::size_t overhead) {
    routing::chunked_reader reader(overhead);
    decoded out;
    for (std::size_t begin = 0; begin < input.size(); begin += stride) {
        const std::string_view part = input.substr(begin, stride);
        const std::vector<char> piece(part.begin(), part.end());
        std::string_view rest{piece.data(), piece.size()};
        while (!rest.empty()) {
            const auto step = reader.next(rest);
            require(step.consumed <= rest.size(), "no more is consumed than there is");
            require(step.data.empty() ||
                        (step.data.data() >= rest.data() &&
                         step.data.data() + step.data.size() == rest.data() + step.consumed),
                    "the data lie at the end of what was consumed");
            require((step.state == read_state::refused) == (step.why != routing::reason::none),
                    "what is refused has a reason");
            out.state = step.state;
            out.why = step.why;
            out.data += step.data;
            out.consumed += step.consumed;
            if (step.state != read_state::partial) {
                return out;
            }
            require(step.consumed != 0, "a partial body takes all it gets");
            rest.remove_prefix(step.consumed);
        }
    }
    return out;
}

// For bodies that are known to be whole: line by line.
std::string decode_plainly(std::string_view input) {
    std::string out;
    const auto line = [&input] {
        const std::size_t end = input.find("\r\n");
        require(end != std::string_view::npos, "every line ends");
        const std::string_view text = input.substr(0, end);
        input.remove_prefix(end + 2);
        return text;
    };
    for (;;) {
        const std::string head(line());
        const std::size_t size = std::stoull(head, nullptr, 16);
        if (size == 0) {
            break;
        }
        require(size + 2 <= input.size() && input.substr(size, 2) == "\r\n", "data end in CR LF");
        out += input.substr(0, size);
        input.remove_prefix(size + 2);
    }
    while (!line().empty()) {
    }
    require(input.empty(), "the body ends where the reader says");
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = text_of(data, size);
    for (const std::size_t overhead : {std::size_t{16 * 1024}, std::size_t{24}}) {
        const decoded whole = decode(input, std::max<std::size_t>(size, 1), overhead);
        for (const std::size_t stride : {1U, 2U, 3U, 7U, 64U}) {
            const decoded cut = decode(input, stride, overhead);
            require(cut.state == whole.state && cut.why == whole.why, "cuts do not matter");
            require(cut.data == whole.data, "nor to the data");
            require(whole.state == read_state::refused || cut.consumed == whole.consumed,
                    "nor to the end");
        }
        require(whole.data.size() <= size, "decoding does not add");
        require(whole.consumed <= 2 * whole.data.size() + overhead, "the overhead is bounded");
        if (whole.state == read_state::complete) {
            require(decode_plainly(input.substr(0, whole.consumed)) == whole.data,
                    "both decoders agree");
        }
    }
    return 0;
}
