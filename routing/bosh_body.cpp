#include "routing/bosh_body.hpp"

#include <algorithm>
#include <limits>

namespace boshgate::routing {
namespace {

using xml::cursor;
using xml::known_namespace;

struct named {
    std::string_view name;
    body_attribute id;
};

// The attributes in no namespace, shortest first: those of every request come first.
constexpr named plain_names[] = {
    {"to", body_attribute::to},
    {"rid", body_attribute::rid},
    {"sid", body_attribute::sid},
    {"ack", body_attribute::ack},
    {"key", body_attribute::key},
    {"ver", body_attribute::ver},
    {"from", body_attribute::from},
    {"hold", body_attribute::hold},
    {"time", body_attribute::time},
    {"type", body_attribute::type},
    {"wait", body_attribute::wait},
    {"pause", body_attribute::pause},
    {"route", body_attribute::route},
    {"accept", body_attribute::accept},
    {"authid", body_attribute::authid},
    {"newkey", body_attribute::newkey},
    {"report", body_attribute::report},
    {"secure", body_attribute::secure},
    {"stream", body_attribute::stream},
    {"content", body_attribute::content},
    {"polling", body_attribute::polling},
    {"charsets", body_attribute::charsets},
    {"maxpause", body_attribute::maxpause},
    {"requests", body_attribute::requests},
    {"condition", body_attribute::condition},
    {"inactivity", body_attribute::inactivity},
};

constexpr named xbosh_names[] = {
    {"restart", body_attribute::xmpp_restart},
    {"restartlogic", body_attribute::xmpp_restartlogic},
    {"version", body_attribute::xmpp_version},
};

// Where in plain_names the names of each length begin; the last entry is the end.
constexpr std::size_t longest_plain_name = 10;
constexpr auto plain_name_starts = [] {
    std::array<std::uint8_t, longest_plain_name + 2> starts{};
    for (std::size_t length = 0; length < starts.size(); ++length) {
        for (const named& n : plain_names)
            starts[length] = static_cast<std::uint8_t>(starts[length] + (n.name.size() < length));
    }
    return starts;
}();
static_assert(plain_name_starts.back() == std::size(plain_names), "no name is longer");

body_attribute find_plain(std::string_view name) noexcept {
    if (name.size() > longest_plain_name)
        return body_attribute::other;
    for (std::size_t i = plain_name_starts[name.size()]; i < plain_name_starts[name.size() + 1];
         ++i) {
        // The first letter tells most of them apart without a call.
        if (plain_names[i].name.front() == name.front() && plain_names[i].name == name)
            return plain_names[i].id;
    }
    return body_attribute::other;
}

body_attribute find_xbosh(std::string_view name) noexcept {
    for (const named& n : xbosh_names) {
        if (n.name == name)
            return n.id;
    }
    return body_attribute::other;
}

// At most 16 digits can be within rid_ceiling; the rest is for references that a writer made
// needlessly.
constexpr std::size_t number_room = 128;

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::size_t digits) noexcept {
    if (text.empty() || text.size() > digits || (text.front() == '0' && text.size() > 1))
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<unsigned char>(c - '0');
        if (digit > 9)
            return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

body_error expect(cursor& c, std::string_view text, body_error otherwise) noexcept {
    bool cut = false;
    if (c.follows(text, cut)) {
        c.at += text.size();
        return body_error::none;
    }
    return cut ? body_error::truncated : otherwise;
}

// `= "value"` of the XML declaration.
body_error read_declared(cursor& c, std::string_view& value) noexcept {
    xml::skip_space(c);
    if (const body_error why = expect(c, "=", body_error::bad_declaration); why != body_error::none)
        return why;
    xml::skip_space(c);
    if (c.done())
        return body_error::truncated;
    const char quote = *c.at;
    if (quote != '"' && quote != '\'')
        return body_error::bad_declaration;
    const char* const first = ++c.at;
    while (!c.done() && *c.at != quote) {
        // Everything that is legal here is of letters, digits, '.', '_', '-'.
        if (*c.at <= ' ' || *c.at == '<' || *c.at == '>' || *c.at == '?')
            return body_error::bad_declaration;
        ++c.at;
    }
    if (c.done())
        return body_error::truncated;
    value = {first, static_cast<std::size_t>(c.at - first)};
    ++c.at;
    return body_error::none;
}

bool is_utf8(std::string_view encoding) noexcept {
    constexpr std::string_view wanted = "utf-8";
    return std::equal(encoding.begin(), encoding.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// The XML declaration behind `<?xml` (XML 1.0 2.8): version, then encoding, then standalone.
body_error read_declaration(cursor& c) noexcept {
    constexpr std::string_view parts[] = {"version", "encoding", "standalone"};
    for (std::size_t part = 0; part < std::size(parts); ++part) {
        const char* const before = c.at;
        xml::skip_space(c);
        bool cut = false;
        if (!c.follows(parts[part], cut)) {
            if (cut)
                return body_error::truncated;
            if (part == 0)
                return body_error::bad_declaration;
            c.at = before;
            continue;
        }
        if (c.at == before)
            return body_error::bad_declaration;
        c.at += parts[part].size();
        std::string_view value;
        if (const body_error why = read_declared(c, value); why != body_error::none)
            return why;
        if (part == 0 && value != "1.0")
            return body_error::bad_declaration;
        if (part == 1 && !is_utf8(value))
            return body_error::bad_encoding;
        if (part == 2 && value != "yes" && value != "no")
            return body_error::bad_declaration;
    }
    xml::skip_space(c);
    return expect(c, "?>", body_error::bad_declaration);
}

// Everything in front of the root's `<`, and the `<` itself.
body_error read_prolog(cursor& c) noexcept {
    // Nearly every document begins with its root.
    if (c.left() > 1 && c.at[0] == '<' && c.at[1] != '?' && c.at[1] != '!') {
        ++c.at;
        return body_error::none;
    }
    bool cut = false;
    if (c.follows("\xef\xbb\xbf", cut))
        c.at += 3;
    else if (cut)
        return body_error::truncated;
    // Only at the very start is it an XML declaration; later it is a processing instruction.
    if (c.follows("<?xml", cut) && c.left() > 5 && xml::is_space(c.at[5])) {
        c.at += 5;
        if (const body_error why = read_declaration(c); why != body_error::none)
            return why;
    } else if (cut || (c.left() == 5 && c.follows("<?xml", cut))) {
        return body_error::truncated;
    }
    xml::skip_space(c);
    if (c.done())
        return body_error::truncated;
    if (*c.at != '<')
        return body_error::no_body;
    ++c.at;
    if (c.done())
        return body_error::truncated;
    if (*c.at == '?')
        return body_error::instruction;
    if (*c.at != '!')
        return body_error::none;
    if (c.follows("!--", cut))
        return body_error::comment;
    if (cut)
        return body_error::truncated;
    if (c.follows("!DOCTYPE", cut))
        return body_error::doctype;
    return cut ? body_error::truncated : body_error::bad_markup;
}

bool number_within(const body_tag& tag, body_attribute id, std::uint64_t low,
                   std::uint64_t high) noexcept {
    if (!tag.has(id))
        return true;
    const auto number = tag.number(id);
    return number && *number >= low && *number <= high;
}

} // namespace

// What may write a body_tag.
struct body_reader {
    static body_error read(cursor& c, std::string_view bytes, const body_limits& limits,
                           body_tag& out, std::uint32_t& at) noexcept;
    static void identify(const xml::namespace_scope& scope, body_tag& out) noexcept;
};

// `c` runs over `bytes`, but may end earlier: at the limit.
body_error body_reader::read(cursor& c, std::string_view bytes, const body_limits& limits,
                             body_tag& out, std::uint32_t& at) noexcept {
    out.document_ = bytes;
    const body_error prolog = read_prolog(c);
    at = c.offset();
    if (prolog != body_error::none)
        return prolog;
    const std::span<xml::attribute> room(out.attributes_.data(),
                                         std::min(limits.attributes, xml::attributes_ceiling));
    const body_error tag = xml::read_start_tag(c, limits.tag_value_bytes, room, out.tag_);
    at = c.offset();
    if (tag != body_error::none)
        return tag;
    out.payload_begin_ = at;
    xml::namespace_scope scope(out.document_, limits.namespaces);
    if (const body_error why = scope.enter(out.tag_, out.attributes(), at); why != body_error::none)
        return why;
    at = out.tag_.name.begin;
    if (out.tag_.name.local(out.document_) != "body" ||
        scope.find(out.root_prefix()).space != known_namespace::httpbind)
        return body_error::wrong_root;
    identify(scope, out);
    return body_error::none;
}

void body_reader::identify(const xml::namespace_scope& scope, body_tag& out) noexcept {
    out.index_.fill(body_tag::absent);
    for (std::size_t i = 0; i < out.tag_.attributes; ++i) {
        const xml::qualified_name& name = out.attributes_[i].name;
        if (name.prefix_length == 0) {
            const body_attribute id = find_plain({out.document_.data() + name.begin, name.length});
            out.index_[static_cast<std::size_t>(id)] = static_cast<std::uint8_t>(i);
            continue;
        }
        const std::string_view prefix = name.prefix(out.document_);
        const std::string_view local = name.local(out.document_);
        body_attribute id = body_attribute::other;
        if (prefix == "xml" && local == "lang")
            id = body_attribute::xml_lang;
        else if (scope.find(prefix).space == known_namespace::xbosh)
            id = find_xbosh(local);
        out.index_[static_cast<std::size_t>(id)] = static_cast<std::uint8_t>(i);
    }
    out.index_[static_cast<std::size_t>(body_attribute::other)] = body_tag::absent;
    out.rid_ = out.number(body_attribute::rid).value_or(0);
}

std::string_view name_of(body_attribute id) noexcept {
    switch (id) {
    case body_attribute::xml_lang:
        return "xml:lang";
    case body_attribute::xmpp_restart:
        return "xmpp:restart";
    case body_attribute::xmpp_restartlogic:
        return "xmpp:restartlogic";
    case body_attribute::xmpp_version:
        return "xmpp:version";
    default:
        for (const named& n : plain_names) {
            if (n.id == id)
                return n.name;
        }
        return {};
    }
}

std::optional<std::string_view> body_tag::value(body_attribute id,
                                                std::span<char> room) const noexcept {
    if (!has(id))
        return std::nullopt;
    if (!coded(id))
        return written(id);
    const std::size_t length = xml::decode_value(written(id), room.data(), room.size());
    if (length == xml::does_not_fit)
        return std::nullopt;
    return std::string_view(room.data(), length);
}

std::optional<std::uint64_t> body_tag::number(body_attribute id) const noexcept {
    char room[number_room];
    const auto text = value(id, room);
    const auto number = text ? parse_decimal(*text, 16) : std::nullopt;
    return number && *number <= rid_ceiling ? number : std::nullopt;
}

std::optional<body_version> body_tag::version(body_attribute id) const noexcept {
    char room[number_room];
    const auto text = value(id, room);
    if (!text)
        return std::nullopt;
    const std::size_t dot = text->find('.');
    if (dot == std::string_view::npos)
        return std::nullopt;
    const auto major = parse_decimal(text->substr(0, dot), 4);
    const auto minor = parse_decimal(text->substr(dot + 1), 4);
    if (!major || !minor)
        return std::nullopt;
    return body_version{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

body_kind body_tag::kind() const noexcept {
    if (!has(body_attribute::sid))
        return body_kind::session_request;
    if (is(body_attribute::type, "terminate"))
        return has(body_attribute::stream) ? body_kind::close_stream : body_kind::terminate;
    if (has(body_attribute::pause))
        return body_kind::pause;
    if (is(body_attribute::xmpp_restart, "true") || is(body_attribute::xmpp_restart, "1"))
        return body_kind::restart;
    return has(body_attribute::to) ? body_kind::new_stream : body_kind::ordinary;
}

byte_range body_tag::range(body_attribute id) const noexcept {
    if (!has(id))
        return {};
    return {at(id).name.begin, at(id).value_end + 1};
}

byte_range body_tag::value_range(body_attribute id) const noexcept {
    if (!has(id))
        return {};
    return {at(id).value_begin, at(id).value_end};
}

body_result read_body_tag(std::string_view bytes, const body_limits& limits,
                          body_tag& out) noexcept {
    body_result result;
    // Offsets have 32 bits.
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
        result.why = body_error::size_limit;
        return result;
    }
    cursor c(bytes);
    const bool clipped = bytes.size() > limits.tag_bytes;
    if (clipped)
        c.end = c.begin + limits.tag_bytes;
    result.why = body_reader::read(c, bytes, limits, out, result.at);
    if (clipped && result.why == body_error::truncated)
        result.why = body_error::tag_limit;
    return result;
}

body_error check_request(const body_tag& tag) noexcept {
    if (!tag.has(body_attribute::rid))
        return body_error::no_rid;
    if (!tag.rid())
        return body_error::bad_rid;
    if (tag.has(body_attribute::sid) && tag.written(body_attribute::sid).empty())
        return body_error::empty_sid;
    // XEP-0124 22: unsigned short, unsigned byte, positive integer.
    if (!number_within(tag, body_attribute::wait, 0, 65535) ||
        !number_within(tag, body_attribute::hold, 0, 255) ||
        !number_within(tag, body_attribute::pause, 0, 65535) ||
        !number_within(tag, body_attribute::ack, 1, rid_ceiling))
        return body_error::bad_number;
    if (tag.has(body_attribute::ver) && !tag.version())
        return body_error::bad_version;
    return body_error::none;
}

} // namespace boshgate::routing
