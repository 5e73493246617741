#pragma once
// Documents made by chance from a seed: every one is a legal <body/> by XML 1.0, Namespaces in
// XML 1.0 and XEP-0124 section 6, written in all the ways that these leave to the writer.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing::test {

class body_generator {
  public:
    explicit body_generator(std::uint64_t seed) : random_(seed) {}

    std::string document() {
        std::string out;
        if (one_in(8))
            out += "\xef\xbb\xbf";
        if (one_in(4))
            out += declaration();
        if (one_in(4))
            out += space();
        const std::string prefix = one_in(3) ? "b:" : "";
        prefixes_.clear();
        out += "<" + prefix + "body";
        std::vector<std::string> attributes{(prefix.empty() ? "xmlns" : "xmlns:b") + equals() +
                                            (one_in(6)
                                                 ? "'http://jabber.org/protocol/httpbin&#x64;'"
                                                 : "\"http://jabber.org/protocol/httpbind\"")};
        if (one_in(2)) {
            attributes.push_back("xmlns:xmpp" + equals() + "'urn:xmpp:xbosh'");
            attributes.push_back("xmpp:restart" + equals() + value());
            prefixes_.push_back("xmpp");
        }
        if (one_in(2))
            attributes.push_back("xml:lang" + equals() + value());
        for (const std::string_view name : {"rid", "sid", "to", "wait", "own-name", "\xc3\xa4.x"}) {
            if (one_in(2))
                attributes.push_back(std::string(name) + equals() + value());
        }
        std::shuffle(attributes.begin(), attributes.end(), random_);
        for (const std::string& a : attributes)
            out += space() + a;
        out += one_in(3) ? space() : "";
        if (one_in(5)) {
            out += "/>";
        } else {
            out += ">";
            for (auto children = below(4); children-- > 0;)
                out += (one_in(4) ? space() : "") + element(1);
            out += one_in(4) ? space() : "";
            out += "</" + prefix + "body" + (one_in(4) ? space() : "") + ">";
        }
        return out + (one_in(4) ? space() : "");
    }

    // A document with a few bytes changed, removed, doubled or swapped for telling ones.
    std::string damaged() {
        std::string out = document();
        for (auto changes = 1 + below(3); changes-- > 0 && !out.empty();) {
            const std::size_t at = below(out.size());
            switch (below(5)) {
            case 0:
                out.erase(at, 1 + below(8));
                break;
            case 1:
                out[at] = static_cast<char>(below(256));
                break;
            case 2:
                out.insert(at, out.substr(below(out.size()), 1 + below(12)));
                break;
            case 3:
                out.resize(at);
                break;
            default:
                out.insert(at, pick(telling));
            }
        }
        return out;
    }

    std::size_t below(std::size_t bound) { return random_() % bound; }

    // Text of Chars, with all that needs care in XML.
    std::string text() {
        std::string out;
        for (auto pieces = below(5); pieces-- > 0;)
            out += pick(plain);
        return out;
    }

  private:
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <std::size_t Count>
    std::string_view pick(const std::string_view (&list)[Count]) {
        return list[below(Count)];
    }
    std::string space() {
        std::string out;
        do
            out += " \n\t\r"[below(4)];
        while (one_in(3));
        return out;
    }
    std::string equals() { return (one_in(8) ? space() : "") + "=" + (one_in(8) ? space() : ""); }
    std::string declaration() {
        std::string out = "<?xml version" + equals() + (one_in(2) ? "'1.0'" : "\"1.0\"");
        if (one_in(2))
            out += space() + "encoding" + equals() + (one_in(2) ? "'UTF-8'" : "\"utf-8\"");
        if (one_in(2))
            out += space() + "standalone" + equals() + (one_in(2) ? "'yes'" : "\"no\"");
        return out + (one_in(2) ? space() : "") + "?>";
    }
    std::string value() {
        const char quote = one_in(2) ? '"' : '\'';
        std::string out(1, quote);
        for (auto pieces = below(4); pieces-- > 0;)
            out += pick(coded);
        out += one_in(2) ? space() : "";
        if (one_in(4))
            out += quote == '"' ? '\'' : '"';
        return out + quote;
    }
    std::string element(int depth) {
        // An element may declare a prefix, and use any that is declared around it.
        const std::size_t outside = prefixes_.size();
        std::string attributes;
        if (one_in(3)) {
            const std::string fresh = "p" + std::to_string(below(4));
            attributes +=
                space() + "xmlns:" + fresh + equals() + "'urn:" + std::to_string(below(6)) + "'";
            prefixes_.push_back(fresh);
        }
        if (one_in(4))
            attributes += space() + "xmlns=" + (one_in(4) ? "''" : "'jabber:client'");
        std::string name(pick(names));
        if (!prefixes_.empty() && one_in(3))
            name.insert(0, prefixes_[below(prefixes_.size())] + ":");
        if (!prefixes_.empty() && one_in(3))
            attributes += space() + prefixes_[below(prefixes_.size())] + ":a" + equals() + value();
        if (one_in(3))
            attributes += space() + "a" + equals() + value();
        std::string out = "<" + name + attributes + (one_in(4) ? space() : "");
        if (one_in(3)) {
            out += "/>";
        } else {
            out += ">";
            for (auto pieces = below(4); pieces-- > 0;) {
                if (depth < 6 && one_in(2))
                    out += element(depth + 1);
                else if (one_in(4))
                    out += "<![CDATA[" + std::string(pick(sections)) + "]]>";
                else
                    out += pick(coded);
            }
            out += "</" + name + (one_in(6) ? space() : "") + ">";
        }
        prefixes_.resize(outside);
        return out;
    }

    static constexpr std::string_view names[] = {
        "message", "body", "x", "_a.b-c", "hostname", "mechanisms", "\xd0\xb6\xd0\xb6", "A1"};
    static constexpr std::string_view plain[] = {"plain",
                                                 "<",
                                                 "&",
                                                 ">",
                                                 "'",
                                                 "\"",
                                                 "]]>",
                                                 " ",
                                                 "\t",
                                                 "\n",
                                                 "\r\n",
                                                 "\r",
                                                 "\xc3\xa4",
                                                 "\xe2\x82\xac",
                                                 "\xf0\x9f\x98\x80",
                                                 "\x7f",
                                                 "a longer run of plain characters"};
    static constexpr std::string_view coded[] = {"plain",
                                                 "&lt;",
                                                 "&amp;",
                                                 "&#38;",
                                                 "&#x3C;",
                                                 "&apos;",
                                                 "&quot;",
                                                 "]]&gt;",
                                                 " ",
                                                 "\t",
                                                 "\r\n",
                                                 "\n",
                                                 "&#10;",
                                                 "&#13;",
                                                 "\xc3\xa4",
                                                 "\xe2\x82\xac",
                                                 "\xf0\x9f\x98\x80",
                                                 "&#x1F600;",
                                                 "]",
                                                 "]]",
                                                 "a longer run of plain characters"};
    static constexpr std::string_view sections[] = {
        "", "<a b='c'>", "&amp;", "]", "]]", "]] >", "\r\n\xc3\xa4", "<!-- -->", "<?x?>"};
    static constexpr std::string_view telling[] = {"<",
                                                   ">",
                                                   "&",
                                                   "'",
                                                   "\"",
                                                   "/",
                                                   "/>",
                                                   "]]>",
                                                   "<!--",
                                                   "-->",
                                                   "<?",
                                                   "<![CDATA[",
                                                   "xmlns",
                                                   ":",
                                                   "xmlns:",
                                                   "&#0;",
                                                   "&x;",
                                                   "\xed\xa0\x80",
                                                   "\xef\xbf\xbf",
                                                   "\xc0\x80",
                                                   " a='1'",
                                                   " x:a='1'",
                                                   "</body>",
                                                   "<!DOCTYPE body>",
                                                   "=",
                                                   "1",
                                                   "<a/>",
                                                   "text",
                                                   "&#32;",
                                                   "\x01",
                                                   " xmlns:x=''"};

    std::mt19937_64 random_;
    std::vector<std::string> prefixes_;
};

// The seed of a run: that of the environment variable BOSHGATE_SEED, or another one each time.
inline std::uint64_t run_seed() {
    if (const char* given = std::getenv("BOSHGATE_SEED"))
        return std::strtoull(given, nullptr, 0);
    return std::random_device{}();
}

} // namespace boshgate::routing::test
