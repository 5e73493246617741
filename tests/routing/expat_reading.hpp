#pragma once
// A second opinion on XML: libexpat, the parser of Prosody and ejabberd, reads a document, says
// whether it and XEP-0124 section 6 would have it, and writes down what it saw. body_events writes
// down what we saw, in the same notation. Shared by the tests and the fuzz targets.

#include "routing/bosh_payload.hpp"

#include <expat.h>

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boshgate::routing::test {

// No limit of ours stands in the way of a comparison.
inline body_limits wide_limits() {
    body_limits limits;
    limits.tag_bytes = limits.tag_value_bytes = limits.child_value_bytes = 1U << 30;
    limits.attributes = xml::attributes_ceiling;
    limits.namespaces = xml::namespaces_ceiling;
    limits.depth = depth_ceiling;
    limits.elements = 1U << 30;
    return limits;
}

using attribute_list =
    std::vector<std::pair<std::string, std::string>>; // "uri!local" or "local", value

class expat_reading {
  public:
    explicit expat_reading(std::string_view document) {
        // A URI may contain the separator, a local name may not: the last one separates.
        parser_ = XML_ParserCreateNS("UTF-8", '!');
        XML_SetUserData(parser_, this);
        XML_SetElementHandler(parser_, on_begin, on_finish);
        XML_SetCharacterDataHandler(parser_, on_text);
        XML_SetCdataSectionHandler(parser_, on_cdata, [](void*) {});
        XML_SetCommentHandler(parser_, [](void* self, const char*) { forbid(self); });
        XML_SetProcessingInstructionHandler(
            parser_, [](void* self, const char*, const char*) { forbid(self); });
        XML_SetStartDoctypeDeclHandler(
            parser_, [](void* self, const char*, const char*, const char*, int) { forbid(self); });
        XML_SetXmlDeclHandler(parser_, on_declaration);
        well_formed_ = XML_Parse(parser_, document.data(), static_cast<int>(document.size()), 1) ==
                       XML_STATUS_OK;
        if (!well_formed_)
            error_ = XML_ErrorString(XML_GetErrorCode(parser_));
        document_ = document;
    }
    ~expat_reading() { XML_ParserFree(parser_); }
    expat_reading(const expat_reading&) = delete;
    expat_reading& operator=(const expat_reading&) = delete;

    [[nodiscard]] bool well_formed() const { return well_formed_; }
    [[nodiscard]] const std::string& error() const { return error_; }
    // Well-formed, the right root, nothing in it that XEP-0124 section 6 forbids.
    [[nodiscard]] bool acceptable() const {
        return well_formed_ && !forbidden_ && root_ == "http://jabber.org/protocol/httpbind!body";
    }
    [[nodiscard]] const std::string& events() const { return events_; }
    [[nodiscard]] const attribute_list& root_attributes() const { return root_attributes_; }

  private:
    static expat_reading& at(void* self) { return *static_cast<expat_reading*>(self); }
    static void forbid(void* self) { at(self).forbidden_ = true; }

    static void on_begin(void* self, const char* name, const char** attributes) {
        expat_reading& reading = at(self);
        if (reading.depth_++ == 0) {
            reading.root_ = name;
            for (; attributes[0] != nullptr; attributes += 2)
                reading.root_attributes_.emplace_back(attributes[0], attributes[1]);
        } else {
            reading.events_ += "\x01<";
            reading.events_ += name;
            reading.events_ += '\x02';
        }
    }
    static void on_finish(void* self, const char*) {
        if (--at(self).depth_ > 0)
            at(self).events_ += "\x01>\x02";
    }
    static void on_text(void* self, const char* text, int length) {
        expat_reading& reading = at(self);
        const std::string_view piece(text, static_cast<std::size_t>(length));
        if (reading.depth_ > 1) {
            reading.events_ += piece;
            return;
        }
        // White space is all that may stand directly under the root, and not as a reference.
        int offset = 0, size = 0;
        const char* input = XML_GetInputContext(reading.parser_, &offset, &size);
        if (piece.find_first_not_of(" \t\r\n") != std::string_view::npos ||
            (input != nullptr && input[offset] == '&'))
            reading.forbidden_ = true;
    }
    static void on_cdata(void* self) {
        if (at(self).depth_ == 1)
            forbid(self);
    }
    static void on_declaration(void* self, const char* version, const char* encoding, int) {
        std::string name(encoding == nullptr ? "utf-8" : encoding);
        for (char& c : name)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (version == nullptr || std::string_view(version) != "1.0" || name != "utf-8")
            forbid(self);
    }

    XML_Parser parser_;
    std::string_view document_;
    std::string error_, events_, root_;
    attribute_list root_attributes_;
    int depth_ = 0;
    bool well_formed_ = false, forbidden_ = false;
};

// A piece of character data as a parser hands it on: references resolved, line ends unified
// (XML 1.0 2.11).
inline std::string text_of(std::string_view piece, bool literal) {
    std::string text;
    for (xml::cursor c(piece); !c.done();) {
        if (*c.at == '&' && !literal) {
            std::uint32_t code = 0;
            if (xml::read_reference(c, code) != body_error::none)
                return "a reference that did not pass came through";
            char bytes[4];
            text.append(bytes, xml::encode_utf8(code, bytes));
        } else if (*c.at == '\r') {
            c.at += c.left() > 1 && c.at[1] == '\n' ? 2 : 1;
            text += '\n';
        } else {
            text += *c.at++;
        }
    }
    return text;
}

inline std::string decoded(std::string_view written, bool coded) {
    if (!coded)
        return std::string(written);
    std::string value(written.size(), '\0');
    const std::size_t length = xml::decode_value(written, value.data(), value.size());
    return length == xml::does_not_fit ? "does not fit" : value.substr(0, length);
}

// What stands in an accepted document below its root, in expat_reading's notation.
inline std::string body_events(const body_tag& tag, const body_limits& limits) {
    std::string events;
    payload_reader reader(tag, limits);
    for (;;) {
        switch (reader.next()) {
        case payload_event::begin: {
            const auto space = reader.element_namespace();
            events += "\x01<";
            events += decoded(space.written, space.coded);
            events += space.written.empty() ? "" : "!";
            events += reader.tag().name.local(tag.document());
            events += reader.tag().self_closed ? "\x02\x01>\x02" : "\x02";
            break;
        }
        case payload_event::finish:
            if (reader.depth() > 0)
                events += "\x01>\x02";
            break;
        case payload_event::text:
            events += text_of(tag.document().substr(reader.piece().begin,
                                                    reader.piece().end - reader.piece().begin),
                              reader.from_cdata());
            break;
        case payload_event::refused:
            return "refused: " + std::string(name_of(reader.why()));
        case payload_event::end:
            return events;
        }
    }
}

// The root's attributes, without declarations, in expat_reading's notation.
inline attribute_list body_attributes(const body_tag& tag) {
    attribute_list list;
    const std::string_view document = tag.document();
    for (const xml::attribute& a : tag.attributes()) {
        const std::string_view prefix = a.name.prefix(document);
        if (prefix == "xmlns" || a.name.text(document) == "xmlns")
            continue;
        std::string name;
        if (prefix == "xml") {
            name = "http://www.w3.org/XML/1998/namespace!";
        } else if (!prefix.empty()) {
            for (const xml::attribute& d : tag.attributes()) {
                if (d.name.prefix(document) == "xmlns" && d.name.local(document) == prefix)
                    name = decoded(d.value(document), d.coded) + "!";
            }
        }
        name += a.name.local(document);
        list.emplace_back(name, decoded(a.value(document), a.coded));
    }
    return list;
}

// What is wrong when the two opinions on a document differ; empty when they agree.
inline std::string disagreement(std::string_view document) {
    const body_limits limits = wide_limits();
    const expat_reading theirs(document);
    body_tag tag;
    const body_result ours = check_body(document, limits, tag);
    switch (ours.why) {
    case body_error::name_limit:
    case body_error::attribute_limit:
    case body_error::namespace_limit:
    case body_error::depth_limit:
        return {}; // ceilings: there is no second opinion on them
    default:
        break;
    }
    if (ours.ok() && !theirs.acceptable())
        return "accepted here, refused by expat or by XEP-0124: " + theirs.error();
    if (!ours.ok() && theirs.acceptable())
        return "refused here as " + std::string(name_of(ours.why)) + " at " +
               std::to_string(ours.at) + ", accepted by expat";
    if (!ours.ok())
        return {};
    if (body_attributes(tag) != theirs.root_attributes())
        return "the root's attributes differ";
    if (body_events(tag, limits) != theirs.events())
        return "the payloads differ";
    return {};
}

} // namespace boshgate::routing::test
