#include "proxy/node_request.hpp"

#include "proxy/core.hpp"
#include "proxy/exchange.hpp"

#include <array>

namespace boshgate::proxy {

using routing::field_id;

// Names and values come from the strict head reader: they cannot carry CR, LF or NUL.
block node_request(const exchange& x, const routing::request_head* client, std::string_view body) {
    const snapshot& settings = *x.settings;
    const node_entry& node = settings.nodes[x.node];
    const bool posts = x.verb == routing::method::post;
    const std::string_view start = posts ? node.post_start : node.get_start;

    std::array<const routing::field*, 32>
        passed; // more of the listed fields than this are not passed on
    std::size_t count = 0;
    std::size_t size = start.size() + body.size();
    if (client != nullptr) {
        for (const routing::field& one : client->fields()) {
            // An answer that is edited has to be readable here.
            const bool unreadable = x.tagged && one.id == field_id::accept_encoding;
            if (count < passed.size() && one.id != field_id::connection && !unreadable &&
                settings.request_fields.contains(one.name) &&
                !(client->connection_lists_fields &&
                  routing::named_by_connection(*client, one.name))) {
                passed[count++] = &one;
                size += one.name.size() + one.value.size() + 4;
            }
        }
    }
    std::array<char, 46> text;
    const std::string_view address = x.client.print(text);
    static constexpr std::string_view forwarded = "X-Forwarded-For: ";
    static constexpr std::string_view https = "\r\nX-Forwarded-Proto: https\r\n";
    static constexpr std::string_view http = "\r\nX-Forwarded-Proto: http\r\n";
    // Fixed: some nodes look at the type, and one takes JSON for something else (bosh.md 5).
    static constexpr std::string_view type =
        "Content-Type: text/xml; charset=utf-8\r\nContent-Length: ";
    static constexpr std::size_t number = 20; // digits of a length
    size += forwarded.size() + address.size() + https.size() + type.size() + number + 4;

    block out = x.home->blocks.take(size);
    out.append(start);
    for (std::size_t i = 0; i < count; ++i) {
        append_field(out, *passed[i]);
    }
    out.append(forwarded);
    out.append(address);
    out.append(x.secure ? https : http);
    if (posts) {
        out.append(type);
        out.append_number(body.size());
        out.append("\r\n\r\n");
    } else {
        out.append("\r\n");
    }
    out.append(body);
    return out;
}

} // namespace boshgate::proxy
