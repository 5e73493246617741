// Any bytes as a <body/>: nothing is read beyond them, what is accepted is what libexpat and
// XEP-0124 section 6 accept and means the same, and a document that is cut off is never mistaken
// for a wrong one.

#include "routing/bosh_body.hpp"
#include "routing/hostnames.hpp"
#include "routing/repeat_rules.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/routing/expat_reading.hpp"

using namespace boshgate::routing;
using boshgate::fuzz::require;

namespace {

// Limits that small documents reach.
body_limits narrow_limits() {
    body_limits limits;
    limits.tag_bytes = 200;
    limits.attributes = 6;
    limits.tag_value_bytes = limits.child_value_bytes = 40;
    limits.namespaces = 3;
    limits.depth = 4;
    limits.elements = 6;
    return limits;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view document = boshgate::fuzz::text_of(data, size);
    const std::string difference = test::disagreement(document);
    require(difference.empty(), difference.c_str());

    const body_limits wide = test::wide_limits();
    body_tag tag, other;
    const body_result whole = check_body(document, wide, tag);
    const body_result limited = check_body(document, narrow_limits(), other);
    require(limited.at <= size && whole.at <= size, "an offset inside of the document");
    require(limited.why == whole.why || condition_of(limited.why) == "policy-violation",
            "limits bring no errors but those of limits");

    if (!read_body_tag(document, wide, tag).ok())
        return 0;
    static_cast<void>(check_request(tag));
    static_cast<void>(class_of(tag));
    hostname_text names[4];
    const hostnames_found found = find_hostnames(tag, wide, names);
    require(found.why == whole.why, "whoever looks into a payload checks it");
    require(read_body_tag(document.substr(0, tag.payload_begin()), wide, other).ok(),
            "the tag does not depend on what follows it");
    const std::size_t cut = size * 31 % tag.payload_begin();
    require(read_body_tag(document.substr(0, cut), wide, other).why == body_error::truncated,
            "a tag that is cut off is called so");
    return 0;
}
