#include "routing/body_edit.hpp"

#include "tests/routing/body_generator.hpp"
#include "tests/routing/expat_reading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::routing {
namespace {

using namespace std::string_literals;
using id = body_attribute;

std::string written(const body_edits& edits) {
    std::string out(edits.size(), '\0');
    EXPECT_EQ(edits.write(out), out.size());
    return out;
}

// Reads a document, lets `make` edit it, and returns what is written.
template <class Make>
std::string edited(std::string_view document, Make make) {
    body_tag tag;
    EXPECT_EQ(name_of(read_body_tag(document, {}, tag).why), "none") << document;
    body_edits edits(tag);
    make(edits);
    return written(edits);
}

#define BOSHGATE_NS "xmlns='http://jabber.org/protocol/httpbind'"

TEST(body_edit, replaces_what_stands_between_the_quotes) {
    const std::string document = "<?xml version='1.0'?>\n<body  " BOSHGATE_NS
                                 "\tsid = \"old\" rid='7' ><sid>old</sid></body>\n";
    EXPECT_EQ(edited(document,
                     [](body_edits& e) { EXPECT_EQ(e.set(id::sid, "new.tag"), edit_error::none); }),
              "<?xml version='1.0'?>\n<body  " BOSHGATE_NS
              "\tsid = \"new.tag\" rid='7' ><sid>old</sid></body>\n");
}

TEST(body_edit, adds_behind_the_name_of_the_root) {
    EXPECT_EQ(edited("<body " BOSHGATE_NS "/>",
                     [](body_edits& e) { EXPECT_EQ(e.set(id::sid, "s"), edit_error::none); }),
              "<body sid='s' " BOSHGATE_NS "/>");
    EXPECT_EQ(edited("<b:body\nxmlns:b='http://jabber.org/protocol/httpbind'/>",
                     [](body_edits& e) { EXPECT_EQ(e.set(id::wait, 30U), edit_error::none); }),
              "<b:body wait='30'\nxmlns:b='http://jabber.org/protocol/httpbind'/>");
    EXPECT_EQ(edited("<body " BOSHGATE_NS "/>",
                     [](body_edits& e) { EXPECT_EQ(e.set(id::xml_lang, "de"), edit_error::none); }),
              "<body xml:lang='de' " BOSHGATE_NS "/>");
    EXPECT_EQ(
        edited("<body xmlns:q='urn:xmpp:xbosh' " BOSHGATE_NS "/>",
               [](body_edits& e) { EXPECT_EQ(e.set(id::xmpp_restart, "true"), edit_error::none); }),
        "<body q:restart='true' xmlns:q='urn:xmpp:xbosh' " BOSHGATE_NS "/>");
}

TEST(body_edit, removes_an_attribute_and_the_space_before_it) {
    const std::string document = "<body rid='1'\n  accept='gzip' " BOSHGATE_NS "/>";
    const auto without = [&](id attribute) {
        return edited(document,
                      [&](body_edits& e) { EXPECT_EQ(e.remove(attribute), edit_error::none); });
    };
    EXPECT_EQ(without(id::accept), "<body rid='1' " BOSHGATE_NS "/>");
    EXPECT_EQ(without(id::rid), "<body\n  accept='gzip' " BOSHGATE_NS "/>");
    EXPECT_EQ(without(id::sid), document) << "what is not there need not go";
}

TEST(body_edit, lowers_numbers_only) {
    struct {
        const char* before;
        const char* after;
    } const cases[] = {
        {"wait='60'", "wait='50'"},     {"wait='51'", "wait='50'"},
        {"wait='50'", "wait='50'"},     {"wait='0'", "wait='0'"},
        {"wait='x'", "wait='50'"},      {"wait='-1'", "wait='50'"},
        {"wait='6&#48;'", "wait='50'"}, {"wait='99999999999999999999'", "wait='50'"},
        {"hold='60'", "hold='60'"},
    };
    for (const auto& c : cases) {
        const std::string tail = " " BOSHGATE_NS "/>";
        EXPECT_EQ(edited("<body " + std::string(c.before) + tail,
                         [](body_edits& e) { EXPECT_EQ(e.lower(id::wait, 50), edit_error::none); }),
                  "<body " + std::string(c.after) + tail);
    }
}

TEST(body_edit, several_edits_in_any_order) {
    const std::string document =
        "<body accept='deflate' sid='a' wait='900' " BOSHGATE_NS "><x/></body>";
    EXPECT_EQ(edited(document,
                     [](body_edits& e) {
                         EXPECT_EQ(e.lower(id::wait, 60), edit_error::none);
                         EXPECT_EQ(e.set(id::to, "example.com"), edit_error::none);
                         EXPECT_EQ(e.remove(id::accept), edit_error::none);
                         EXPECT_EQ(e.set(id::sid, "longer than before"), edit_error::none);
                         EXPECT_EQ(e.set(id::from, "a@b"), edit_error::none);
                     }),
              "<body to='example.com' from='a@b' sid='longer than before' wait='60' " BOSHGATE_NS
              "><x/></body>");
}

TEST(body_edit, the_last_edit_of_an_attribute_counts) {
    const std::string document = "<body sid='a' " BOSHGATE_NS "/>";
    EXPECT_EQ(edited(document,
                     [](body_edits& e) {
                         EXPECT_EQ(e.set(id::sid, "b"), edit_error::none);
                         EXPECT_EQ(e.set(id::sid, "c"), edit_error::none);
                     }),
              "<body sid='c' " BOSHGATE_NS "/>");
    EXPECT_EQ(edited(document,
                     [](body_edits& e) {
                         EXPECT_EQ(e.set(id::sid, "b"), edit_error::none);
                         EXPECT_EQ(e.remove(id::sid), edit_error::none);
                     }),
              "<body " BOSHGATE_NS "/>");
    EXPECT_EQ(edited(document,
                     [](body_edits& e) {
                         EXPECT_EQ(e.remove(id::sid), edit_error::none);
                         EXPECT_EQ(e.set(id::sid, "b"), edit_error::none);
                     }),
              "<body sid='b' " BOSHGATE_NS "/>");
    EXPECT_EQ(edited(document,
                     [](body_edits& e) {
                         EXPECT_EQ(e.set(id::to, "b"), edit_error::none);
                         EXPECT_EQ(e.remove(id::to), edit_error::none);
                     }),
              document);
}

TEST(body_edit, escapes_what_a_value_cannot_hold) {
    const std::string value = "<>&'\"\t\n\r \xc3\xa4\xf0\x9f\x98\x80";
    const std::string after = edited("<body sid=\"a\" " BOSHGATE_NS "/>", [&](body_edits& e) {
        EXPECT_EQ(e.set(id::sid, value), edit_error::none);
    });
    EXPECT_EQ(after, "<body sid=\"&lt;&gt;&amp;&apos;&quot;&#9;&#10;&#13; \xc3\xa4"
                     "\xf0\x9f\x98\x80\" " BOSHGATE_NS "/>");
    body_tag tag;
    ASSERT_TRUE(read_body_tag(after, {}, tag).ok());
    EXPECT_TRUE(tag.is(id::sid, value));
}

TEST(body_edit, refuses_what_it_cannot_write) {
    const std::string document = "<body sid='a' " BOSHGATE_NS "><x>t</x></body>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    body_edits edits(tag);
    for (const std::string& bad :
         {"\0"s, "a\x01"s, "\x1f"s, "\xff"s, "\xc3"s, "\xed\xa0\x80"s, "\xef\xbf\xbe"s}) {
        EXPECT_EQ(edits.set(id::sid, bad), edit_error::bad_text);
        EXPECT_EQ(edits.set(id::to, bad), edit_error::bad_text);
        EXPECT_EQ(edits.replace_text({tag.payload_begin() + 3, tag.payload_begin() + 4}, bad),
                  edit_error::bad_text);
    }
    EXPECT_EQ(edits.set(id::other, "x"), edit_error::not_allowed);
    EXPECT_EQ(edits.remove(id::other), edit_error::not_allowed);
    EXPECT_EQ(edits.set(id::xmpp_restart, "true"), edit_error::no_prefix);
    const auto size = static_cast<std::uint32_t>(document.size());
    EXPECT_EQ(edits.replace_text({0, 3}, "x"), edit_error::not_allowed);
    EXPECT_EQ(edits.replace_text({size, size + 1}, "x"), edit_error::not_allowed);
    EXPECT_EQ(edits.replace_text({size, size - 1}, "x"), edit_error::not_allowed);
    EXPECT_TRUE(edits.empty());
    EXPECT_EQ(edits.growth(), 0);
    EXPECT_EQ(written(edits), document);
}

TEST(body_edit, replaces_text_of_the_payload) {
    const std::string document = "<body " BOSHGATE_NS "><a>one</a><b>two</b></body>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    const auto range_of = [&](std::string_view text) {
        const auto begin = static_cast<std::uint32_t>(document.find(text));
        return byte_range{begin, begin + static_cast<std::uint32_t>(text.size())};
    };
    body_edits edits(tag);
    EXPECT_EQ(edits.replace_text(range_of("two"), "2 < 3"), edit_error::none);
    EXPECT_EQ(edits.replace_text(range_of("one"), ""), edit_error::none);
    EXPECT_EQ(edits.replace_text(range_of("two"), "again"), edit_error::overlap);
    EXPECT_EQ(edits.replace_text(range_of("wo<"), "again"), edit_error::overlap);
    EXPECT_EQ(written(edits), "<body " BOSHGATE_NS "><a></a><b>2 &lt; 3</b></body>");
    EXPECT_EQ(edits.growth(), 2);
}

TEST(body_edit, removes_elements_and_repeats_them_beside_other_edits) {
    const std::string document =
        "<body sid='s' " BOSHGATE_NS "> <a/><b x='1'>two</b >\n<c>3<d/></c></body>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    const auto range_of = [&](std::string_view text) {
        const auto begin = static_cast<std::uint32_t>(document.find(text));
        return byte_range{begin, begin + static_cast<std::uint32_t>(text.size())};
    };
    const byte_range a = range_of("<a/>");
    const byte_range b = range_of("<b x='1'>two</b >");
    const byte_range c = range_of("<c>3<d/></c>");
    const byte_range two = range_of("two");
    struct {
        const char* name;
        std::function<void(body_edits&)> make;
        const char* wanted; // behind the start tag
    } const cases[] = {
        {"removed", [&](body_edits& e) { EXPECT_EQ(e.remove_element(b), edit_error::none); },
         " <a/>\n<c>3<d/></c></body>"},
        {"all removed, the last first",
         [&](body_edits& e) {
             EXPECT_EQ(e.remove_element(c), edit_error::none);
             EXPECT_EQ(e.remove_element(b), edit_error::none);
             EXPECT_EQ(e.remove_element(a), edit_error::none);
         },
         " \n</body>"},
        {"repeated",
         [&](body_edits& e) { EXPECT_EQ(e.repeat_element(b, two, "<2>"), edit_error::none); },
         " <a/><b x='1'>two</b ><b x='1'>&lt;2&gt;</b >\n<c>3<d/></c></body>"},
        {"changed and repeated, those beside it removed",
         [&](body_edits& e) {
             EXPECT_EQ(e.repeat_element(b, two, "2"), edit_error::none);
             EXPECT_EQ(e.remove_element(a), edit_error::none);
             EXPECT_EQ(e.replace_text(two, "1"), edit_error::none);
             EXPECT_EQ(e.remove_element(c), edit_error::none);
         },
         " <b x='1'>1</b ><b x='1'>2</b >\n</body>"},
        {"repeated where the next one goes",
         [&](body_edits& e) {
             EXPECT_EQ(e.remove_element({b.begin, b.end}), edit_error::none);
             EXPECT_EQ(e.repeat_element({a.begin, a.end}, {a.begin + 2, a.begin + 2}, ""),
                       edit_error::none);
         },
         " <a/><a/>\n<c>3<d/></c></body>"},
    };
    for (const auto& one : cases) {
        body_edits edits(tag);
        EXPECT_EQ(edits.set(id::sid, "longer"), edit_error::none);
        one.make(edits);
        EXPECT_EQ(written(edits), "<body sid='longer' " BOSHGATE_NS ">" + std::string(one.wanted))
            << one.name;
    }

    body_edits edits(tag);
    const auto size = static_cast<std::uint32_t>(document.size());
    EXPECT_EQ(edits.remove_element(two), edit_error::none);
    EXPECT_EQ(edits.remove_element(b), edit_error::overlap);
    EXPECT_EQ(edits.remove_element({0, 3}), edit_error::not_allowed);
    EXPECT_EQ(edits.remove_element({size, size + 1}), edit_error::not_allowed);
    EXPECT_EQ(edits.remove_element({a.begin, a.begin}), edit_error::not_allowed);
    EXPECT_EQ(edits.repeat_element(a, {a.begin + 2, a.begin + 2}, ""), edit_error::none);
    EXPECT_EQ(edits.repeat_element(a, {a.begin + 2, a.begin + 2}, ""), edit_error::overlap);
    EXPECT_EQ(edits.repeat_element(b, two, "\x01"), edit_error::bad_text);
    EXPECT_EQ(edits.repeat_element(b, {b.begin, two.end}, ""), edit_error::not_allowed);
    EXPECT_EQ(edits.repeat_element(b, {two.begin, b.end}, ""), edit_error::not_allowed);
    EXPECT_EQ(edits.repeat_element({0, 5}, {1, 2}, ""), edit_error::not_allowed);
    EXPECT_EQ(edits.repeat_element(b, {two.end, two.begin}, ""), edit_error::not_allowed);
}

TEST(body_edit, an_answer_may_be_edited_in_its_first_piece) {
    const std::string piece = "<body sid='a' " BOSHGATE_NS "><message><bo";
    EXPECT_EQ(
        edited(piece, [](body_edits& e) { EXPECT_EQ(e.set(id::sid, "ab"), edit_error::none); }),
        "<body sid='ab' " BOSHGATE_NS "><message><bo");
}

TEST(body_edit, limits_hold_at_n_and_n_plus_1) {
    const std::string document = "<body " BOSHGATE_NS "/>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    body_edits edits(tag);
    for (std::size_t i = 1; i <= edits_ceiling; ++i)
        ASSERT_EQ(edits.set(static_cast<id>(i), "x"), edit_error::none) << i;
    EXPECT_EQ(edits.set(static_cast<id>(edits_ceiling + 1), "x"), edit_error::too_many);
    EXPECT_EQ(edits.set(static_cast<id>(edits_ceiling), "y"), edit_error::none);
    const std::string after = written(edits);
    ASSERT_TRUE(read_body_tag(after, test::wide_limits(), tag).ok());
    for (std::size_t i = 1; i <= edits_ceiling; ++i)
        EXPECT_TRUE(tag.is(static_cast<id>(i), i == edits_ceiling ? "y" : "x")) << i;
}

TEST(body_edit, writes_nothing_into_too_small_a_room) {
    const std::string document = "<body sid='a' " BOSHGATE_NS "/>";
    body_tag tag;
    ASSERT_TRUE(read_body_tag(document, {}, tag).ok());
    body_edits edits(tag);
    ASSERT_EQ(edits.set(id::sid, "abc"), edit_error::none);
    ASSERT_EQ(edits.growth(), 2);
    std::string room(document.size() + 1, '#');
    EXPECT_EQ(edits.write(room), 0U);
    EXPECT_EQ(room, std::string(document.size() + 1, '#'));
    room += '#';
    EXPECT_EQ(edits.write(room), document.size() + 2);
}

// Whatever is edited in whatever document: the new values are read, all else is the same bytes.
TEST(body_edit, reading_gives_what_was_set_and_nothing_else_changes) {
    const std::uint64_t seed = test::run_seed();
    std::cout << "BOSHGATE_SEED=" << seed << "\n";
    test::body_generator generator(seed);
    const body_limits limits = test::wide_limits();
    for (int i = 0; i < 10'000; ++i) {
        const std::string document = generator.document();
        body_tag tag;
        ASSERT_TRUE(read_body_tag(document, limits, tag).ok()) << seed << ": " << document;
        const auto changed = static_cast<id>(1 + generator.below(body_attribute_count - 1));
        const auto removed = static_cast<id>(1 + generator.below(body_attribute_count - 1));
        const std::string value = generator.text();
        body_edits edits(tag);
        const edit_error set = edits.set(changed, value);
        ASSERT_TRUE(set == edit_error::none || set == edit_error::no_prefix) << seed;
        if (removed != changed) {
            ASSERT_EQ(edits.remove(removed), edit_error::none) << seed;
        }
        const std::string after = written(edits);
        body_tag read;
        ASSERT_TRUE(read_body_tag(after, limits, read).ok()) << seed << ": " << after;
        ASSERT_EQ(test::disagreement(after), "") << seed << ": " << after;
        if (set == edit_error::none) {
            ASSERT_TRUE(read.is(changed, value)) << seed << ": " << after;
        }
        ASSERT_EQ(after.substr(read.payload_begin()), document.substr(tag.payload_begin())) << seed;

        // The other attributes, as written and in their order.
        const auto others = [&](const body_tag& t) {
            std::vector<std::string> list;
            for (const xml::attribute& a : t.attributes()) {
                const byte_range range{a.name.begin, a.value_end + 1};
                const auto is = [&](id which) { return t.range(which).begin == range.begin; };
                if (!(t.has(changed) && is(changed)) && !(t.has(removed) && is(removed)))
                    list.emplace_back(t.document().substr(range.begin, range.end - range.begin));
            }
            return list;
        };
        ASSERT_EQ(others(read), others(tag)) << seed << ": " << after;
    }
}

TEST(body_edit, errors_have_names) {
    EXPECT_EQ(name_of(edit_error::none), "none");
    EXPECT_EQ(name_of(edit_error::bad_text), "bad_text");
    EXPECT_EQ(name_of(edit_error::no_prefix), "no_prefix");
    EXPECT_EQ(name_of(edit_error::not_allowed), "not_allowed");
    EXPECT_EQ(name_of(edit_error::overlap), "overlap");
    EXPECT_EQ(name_of(edit_error::too_many), "too_many");
}

} // namespace
} // namespace boshgate::routing
