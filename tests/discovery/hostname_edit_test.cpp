#include "discovery/hostname_edit.hpp"

#include "tests/support/caxl_urls.hpp"
#include "tests/support/named_nodes.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace boshgate::discovery {

void PrintTo(hostname_outcome outcome, std::ostream* out) {
    static constexpr const char* names[] = {"untouched", "removed", "rewritten", "refused"};
    *out << names[static_cast<std::size_t>(outcome)];
}

namespace {

using routing::node_index;
using strings = std::vector<std::string>;

using tests::node_at;

struct world : tests::named_nodes {
    using named_nodes::named_nodes;

    [[nodiscard]] health_view health() const {
        return {[](const void* self, node_index node) noexcept {
                    return static_cast<const world*>(self)->dead.contains(node);
                },
                this};
    }

    std::set<node_index> dead;
};

std::string features(std::string_view hostnames) {
    return "<body xmlns='http://jabber.org/protocol/httpbind' sid='s' "
           "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
           "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>" +
           std::string(hostnames) + "</mechanisms></stream:features></body>";
}

std::string elements(const strings& hostnames) {
    std::string all;
    for (const auto& one : hostnames)
        all += "<hostname xmlns='urn:xmpp:domain-based-name:0'>" + one + "</hostname>";
    return all;
}

struct edited {
    hostname_outcome outcome;
    std::string document;
};

edited edit(const world& in, const std::string& document, const hostname_reader* reader) {
    routing::body_tag tag;
    EXPECT_TRUE(routing::read_body_tag(document, {}, tag).ok()) << document;
    routing::body_edits edits(tag);
    hostname_edit editor(in.config, in.routes, in.names);
    const hostname_outcome outcome = reader == nullptr
                                         ? editor.remove(tag, {}, edits)
                                         : editor.rewrite(tag, {}, *reader, in.health(), edits);
    std::string after(edits.size(), '\0');
    EXPECT_EQ(edits.write(after), after.size());
    return {outcome, after};
}

// The texts that CAXL reads: of unprefixed hostnames, as they are.
strings read_by_caxl(const std::string& document) {
    routing::body_tag tag;
    EXPECT_TRUE(routing::check_body(document, {}, tag).ok()) << document;
    std::array<routing::hostname_text, 2 * hostnames_max> found;
    const std::size_t count = routing::find_hostname_elements(tag, {}, found).count;
    strings texts;
    for (std::size_t i = 0; i < count; ++i) {
        if (found[i].prefixed)
            continue;
        std::string text(
            document.substr(found[i].range.begin, found[i].range.end - found[i].range.begin));
        text.resize(routing::xml::decode_value(text, text.data(), text.size()));
        texts.push_back(text);
    }
    return texts;
}

const auto three = [] {
    return world({node_at("sd", "sd.example.com"), node_at("a", "a.example.com", {"10.0.0.1"}),
                  node_at("b", "b.example.com")});
};
constexpr node_index sd = 0, a = 1, b = 2;

// Every byte --------------------------------------------------------------------------------

TEST(hostname_edit, removes_every_element_and_nothing_else) {
    const struct {
        const char* name;
        std::string before, after;
        hostname_outcome outcome;
    } rows[] = {
        {"none", "<x/>", "<x/>", hostname_outcome::untouched},
        {"two", "<hostname>a</hostname> <hostname>b</hostname>", " ", hostname_outcome::removed},
        {"of all kinds",
         "<hostname/>1<q:hostname xmlns:q='u'>a</q:hostname><mechanism>X</mechanism>"
         "<hostname mechanism='GSSAPI'>k</hostname><hostname><![CDATA[a]]></hostname>"
         "<hostname>a<x/></hostname>2",
         "1<mechanism>X</mechanism>2", hostname_outcome::removed},
    };
    const world in = three();
    for (const auto& row : rows) {
        const edited result = edit(in, features(row.before), nullptr);
        EXPECT_EQ(result.outcome, row.outcome) << row.name;
        EXPECT_EQ(result.document, features(row.after)) << row.name;
    }
}

TEST(hostname_edit, rewrites_texts_and_leaves_the_rest_as_it_was) {
    const std::string kept = "<hostname\n xmlns='urn:xmpp:domain-based-name:0' x=\"1\" >";
    const struct {
        const char* name;
        std::string before, after;
        hostname_outcome outcome;
    } rows[] = {
        {"none", "", "", hostname_outcome::untouched},
        {"home and backup", kept + "a.example.com</hostname >\n" + kept + " b </hostname>",
         kept + "/a</hostname >\n" + kept + "/b</hostname>", hostname_outcome::rewritten},
        {"already right", kept + "/a</hostname><hostname>/b</hostname>",
         kept + "/a</hostname><hostname>/b</hostname>", hostname_outcome::untouched},
        {"right, but coded", "<hostname>&#x2f;a</hostname><hostname>/b</hostname>",
         "<hostname>/a</hostname><hostname>/b</hostname>", hostname_outcome::rewritten},
        {"home only: twice", kept + "10.0.0.1</hostname >x",
         kept + "/a</hostname >" + kept + "/a/</hostname >x", hostname_outcome::rewritten},
        {"the same twice: in two spellings", "<hostname>a</hostname><hostname>A</hostname>",
         "<hostname>/a</hostname><hostname>/a/</hostname>", hostname_outcome::rewritten},
        {"home unknown", "<hostname>x</hostname><hostname>b</hostname>",
         "<hostname>/b</hostname><hostname>/b/</hostname>", hostname_outcome::rewritten},
        {"both unknown", kept + "x</hostname> " + kept + "y</hostname>", " ",
         hostname_outcome::removed},
        {"further ones", "<hostname>b</hostname><hostname>a</hostname>1<hostname>sd</hostname>2",
         "<hostname>/b</hostname><hostname>/a</hostname>12", hostname_outcome::rewritten},
        {"those that cannot carry a text go",
         "<hostname/><hostname mechanism='GSSAPI'>k</hostname><hostname><![CDATA[b]]></hostname>"
         "<hostname>a</hostname>",
         "<hostname>/a</hostname><hostname>/a/</hostname>", hostname_outcome::rewritten},
        {"a prefixed one counts, but does not carry",
         "<q:hostname xmlns:q='u'>a</q:hostname><hostname>b</hostname>",
         "<hostname>/a</hostname><hostname>/b</hostname>", hostname_outcome::rewritten},
        {"prefixed ones only", "<q:hostname xmlns:q='u'>a</q:hostname>", "",
         hostname_outcome::removed},
        {"Kerberos only", "<hostname mechanism='GSSAPI'>a</hostname>", "",
         hostname_outcome::removed},
    };
    const world in = three();
    const hostname_reader reader{"/sd", sd, name_reading::caxl_2014, true};
    for (const auto& row : rows) {
        const edited result = edit(in, features(row.before), &reader);
        EXPECT_EQ(result.outcome, row.outcome) << row.name;
        EXPECT_EQ(result.document, features(row.after)) << row.name;
    }
}

TEST(hostname_edit, goes_beside_edits_of_the_start_tag) {
    const std::string document = features("<hostname>a</hostname>");
    routing::body_tag tag;
    ASSERT_TRUE(routing::read_body_tag(document, {}, tag).ok());
    routing::body_edits edits(tag);
    const world in = three();
    hostname_edit editor(in.config, in.routes, in.names);
    ASSERT_EQ(edits.set(routing::body_attribute::sid, "s.tagged"), routing::edit_error::none);
    const hostname_reader reader{"/sd", sd, name_reading::caxl_2014, true};
    EXPECT_EQ(editor.rewrite(tag, {}, reader, {}, edits), hostname_outcome::rewritten);
    std::string after(edits.size(), '\0');
    ASSERT_EQ(edits.write(after), after.size());
    std::string wanted = features("<hostname>/a</hostname><hostname>/a/</hostname>");
    wanted.replace(wanted.find("sid='s'"), 7, "sid='s.tagged'");
    EXPECT_EQ(after, wanted);
}

TEST(hostname_edit, takes_so_many_and_no_more) {
    const world in = three();
    const hostname_reader reader{"/sd", sd, name_reading::caxl_2014, true};
    std::string most;
    for (std::size_t i = 0; i < hostnames_max; ++i)
        most += "<hostname>a</hostname>";
    EXPECT_EQ(edit(in, features(most), nullptr).document, features(""));
    EXPECT_EQ(edit(in, features(most), &reader).outcome, hostname_outcome::rewritten);
    most += "<hostname/>";
    EXPECT_EQ(edit(in, features(most), nullptr).outcome, hostname_outcome::refused);
    EXPECT_EQ(edit(in, features(most), nullptr).document, features(most));
    EXPECT_EQ(edit(in, features(most), &reader).outcome, hostname_outcome::refused);

    EXPECT_EQ(edit(in, features("<!-- -->"), nullptr).outcome, hostname_outcome::refused);
    EXPECT_EQ(edit(in, features("<!-- -->"), &reader).outcome, hostname_outcome::refused);
}

TEST(hostname_edit, refuses_where_there_is_no_room_for_edits) {
    const std::string document = features("<hostname>a</hostname>");
    routing::body_tag tag;
    ASSERT_TRUE(routing::read_body_tag(document, {}, tag).ok());
    const world in = three();
    const hostname_reader reader{"/sd", sd, name_reading::caxl_2014, true};
    // Two edits are needed: at n there is room for both, at n + 1 for one.
    for (const std::size_t others : {routing::edits_ceiling - 2, routing::edits_ceiling - 1}) {
        routing::body_edits edits(tag);
        std::size_t made = 0;
        for (std::size_t i = 1; made < others; ++i)
            made +=
                edits.set(static_cast<routing::body_attribute>(i), "x") == routing::edit_error::none
                    ? 1
                    : 0;
        hostname_edit editor(in.config, in.routes, in.names);
        EXPECT_EQ(editor.rewrite(tag, {}, reader, {}, edits), others == routing::edits_ceiling - 2
                                                                  ? hostname_outcome::rewritten
                                                                  : hostname_outcome::refused);
    }
}

// Who sees what ------------------------------------------------------------------------------

TEST(hostname_edit, shows_names_by_who_asked_and_who_lives) {
    const struct {
        const char* name;
        std::string prefix;
        hostname_reader reader;
        strings said;
        std::set<node_index> dead;
        strings wanted;
    } rows[] = {
        {"2014.04", "", {"/sd", sd, name_reading::caxl_2014, true}, {"a", "b"}, {}, {"/a", "/b"}},
        {"8.6.1", "", {"/sd", sd, name_reading::caxl_8_6, true}, {"a", "b"}, {}, {"a", "b"}},
        {"2014.04, prefix",
         "/app",
         {"/app/sd", sd, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/app/a", "/app/b"}},
        {"8.6.1, prefix",
         "/app",
         {"/app/sd", sd, name_reading::caxl_8_6, true},
         {"a.example.com"},
         {},
         {"app/a", "app/a/"}},
        {"another origin", "", {"/sd", sd, name_reading::caxl_2014, false}, {"a", "b"}, {}, {}},
        {"another origin, 8.6.1", "", {"/sd", sd, name_reading::caxl_8_6, false}, {"a"}, {}, {}},
        // Who is where the name leads keeps its URL.
        {"at home", "", {"/a", a, name_reading::caxl_2014, true}, {"a", "b"}, {}, {"/a", "/b"}},
        {"at home by the address",
         "",
         {"/10.0.0.1", a, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/10.0.0.1", "/b"}},
        {"at home, in 8.6.1, with a query",
         "",
         {"/A.example.com?x=1&y", a, name_reading::caxl_8_6, true},
         {"a"},
         {},
         {"A.example.com?x=1&y", "a"}},
        {"at home with a slash, alone",
         "",
         {"/a/", a, name_reading::caxl_2014, true},
         {"a"},
         {},
         {"/a/", "/a"}},
        {"at home by a route",
         "",
         {"/httpbinding", sd, name_reading::caxl_2014, true},
         {"sd", "b"},
         {},
         {"/httpbinding", "/b"}},
        {"at the backup",
         "",
         {"/B", b, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/a", "/B"}},
        {"a target that is not a path of ours",
         "",
         {"http://proxy/a", a, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/a", "/b"}},
        {"a target that leads elsewhere",
         "",
         {"/b", a, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/a", "/b"}},
        {"a target that is not ASCII",
         "",
         {"/a?\xff", a, name_reading::caxl_2014, true},
         {"a", "b"},
         {},
         {"/a", "/b"}},
        // The dead are left out, but never the one that answered.
        {"home dead",
         "",
         {"/sd", sd, name_reading::caxl_2014, true},
         {"a", "b"},
         {a},
         {"/b", "/b/"}},
        {"backup dead",
         "",
         {"/sd", sd, name_reading::caxl_8_6, true},
         {"a", "b"},
         {b},
         {"a", "a/"}},
        {"both dead", "", {"/sd", sd, name_reading::caxl_2014, true}, {"a", "b"}, {a, b}, {}},
        {"the only one dead", "", {"/sd", sd, name_reading::caxl_2014, true}, {"a"}, {a}, {}},
        {"home dead and backup unknown",
         "",
         {"/sd", sd, name_reading::caxl_2014, true},
         {"a", "x"},
         {a},
         {}},
        {"at the backup, home dead",
         "",
         {"/b", b, name_reading::caxl_2014, true},
         {"a", "b"},
         {a},
         {"/b", "/b/"}},
        {"at home, which is said to be dead",
         "",
         {"/a", a, name_reading::caxl_2014, true},
         {"a"},
         {a},
         {"/a", "/a/"}},
    };
    for (const auto& row : rows) {
        world in({node_at("sd", "sd.example.com"), node_at("a", "a.example.com", {"10.0.0.1"}),
                  node_at("b", "b.example.com")},
                 row.prefix, {{"/httpbinding", "sd"}});
        in.dead = row.dead;
        const edited result = edit(in, features(elements(row.said)), &row.reader);
        EXPECT_EQ(read_by_caxl(result.document), row.wanted) << row.name;
    }
}

TEST(hostname_edit, keeps_a_target_to_the_limit) {
    const world in = three();
    const std::string longest = "/a?" + std::string(routing::route_table::path_bytes_max - 3, 'q');
    for (const bool over : {false, true}) {
        const std::string target = longest + (over ? "q" : "");
        const hostname_reader reader{target, a, name_reading::caxl_2014, true};
        const strings wanted = {over ? "/a" : target, "/b"};
        EXPECT_EQ(read_by_caxl(edit(in, features(elements({"a", "b"})), &reader).document), wanted);
    }
}

TEST(hostname_edit, tells_the_versions_apart) {
    const auto reading = [](const std::string& attributes) {
        routing::body_tag tag;
        const std::string document =
            "<body xmlns='http://jabber.org/protocol/httpbind' rid='1' " + attributes + "/>";
        EXPECT_TRUE(routing::read_body_tag(document, {}, tag).ok());
        return name_reading_of(tag);
    };
    EXPECT_EQ(reading("hold='1' ver='1.9' from='a@b' xml:lang='en'"), name_reading::caxl_2014);
    EXPECT_EQ(reading("hold='1' ver='1.9' from='a@b' secure='false'"), name_reading::caxl_8_6);
    EXPECT_EQ(reading("hold='1' ver='1.9' from='a@b' secure='true'"), name_reading::caxl_8_6);
}

// Where the library goes ---------------------------------------------------------------------

// A login of the library in front of a proxy: the nodes it opened sessions at, by name; "outside"
// at the end: it went around the proxy; "not found": a path that leads to no node.
struct journey {
    const world& in;
    tests::caxl_page page;
    std::string authority; // of the proxy: "https://proxy.example.com"
    std::function<strings(const std::string& node)> says;
    // Nodes that the proxy answers for with a terminate, at once.
    std::set<std::string> failing = {};
    bool edited_names = true; // false: what the nodes say goes through, as in any other proxy

    // What a session request at a URL brings; nullopt: no node of this proxy.
    struct arrival {
        std::string node;
        strings hostnames;
    };
    std::optional<arrival> at(const std::string& url, name_reading reading,
                              strings& visited) const {
        if (!url.starts_with(authority + "/")) {
            visited.push_back("outside");
            return std::nullopt;
        }
        const std::string target = url.substr(authority.size());
        const auto node = in.routes.find(target.substr(0, target.find('?')));
        if (!node) {
            visited.push_back("not found");
            return std::nullopt;
        }
        const hostname_reader reader{target, *node, reading, page.origin() == authority};
        const std::string& name = in.config.nodes.at(*node).name;
        visited.push_back(name);
        if (failing.contains(name))
            return std::nullopt;
        if (!edited_names)
            return arrival{name, says(name)};
        const edited result = edit(in, features(elements(says(name))), &reader);
        return arrival{name, read_by_caxl(result.document)};
    }

    [[nodiscard]] strings of_2014(const std::string& sd_url) const {
        strings visited;
        std::string current = sd_url;
        while (visited.size() < 8) {
            const auto here =
                at(tests::caxl_absolute(current, page), name_reading::caxl_2014, visited);
            if (!here || here->hostnames.empty())
                return visited;
            const std::string home = tests::caxl_2014_url(sd_url, here->hostnames[0]);
            const std::string backup =
                tests::caxl_2014_url(sd_url, here->hostnames.size() > 1 ? here->hostnames[1] : "");
            if (current == home || current == backup)
                return visited;
            current = home;
        }
        visited.push_back("no end");
        return visited;
    }

    // The same with the way it fails over: home, backup, the first URL once more, the second one.
    [[nodiscard]] strings of_2014(const std::string& first, const std::string& second) const {
        strings visited;
        std::string sd_url = first, home, backup, node;
        bool first_tried = false;
        const auto url = [&](const std::string& of) { return tests::caxl_2014_url(sd_url, of); };
        while (visited.size() < 32) {
            const auto here =
                at(tests::caxl_absolute(url(node), page), name_reading::caxl_2014, visited);
            if (here) {
                const std::string current = url(node);
                home = here->hostnames.empty() ? "" : here->hostnames[0];
                backup = here->hostnames.size() > 1 ? here->hostnames[1] : "";
                if (home.empty() || current == url(home) || current == url(backup))
                    return visited;
                node = home;
            } else if (!node.empty() && node == home && !backup.empty()) {
                node = backup; // texts are compared: equal ones come back to here for ever
            } else if (!first_tried) {
                first_tried = true;
                sd_url = first;
                node.clear();
            } else if (sd_url == first && second != first) {
                sd_url = second;
                node.clear();
            } else {
                visited.push_back("gave up");
                return visited;
            }
        }
        visited.push_back("no end");
        return visited;
    }

    [[nodiscard]] strings of_861(const std::string& binding_url) const {
        strings visited;
        tests::caxl_861_stream stream;
        std::string home;
        while (visited.size() < 8) {
            const auto here =
                at(stream.open(binding_url, home, page), name_reading::caxl_8_6, visited);
            if (!here || here->hostnames.empty())
                return visited;
            home = here->hostnames[0];
            std::optional<std::string> backup;
            if (here->hostnames.size() > 1)
                backup = here->hostnames[1];
            if (stream.node == tests::caxl_861_switch_host(binding_url, home) ||
                stream.node == tests::caxl_861_switch_host(binding_url, backup))
                return visited;
            stream.node = home;
        }
        visited.push_back("no end");
        return visited;
    }
};

// The proxy of every row: its nodes have the names and hosts that the rows speak of, and the paths
// of the rows' URLs lead to the discovery node.
world proxy_of_rows(std::string prefix) {
    std::map<std::string, std::string> routes;
    for (const char* path : {"/httpbinding", "/myhttpbinding", "/sd-primary", "/caxltestserver99"})
        routes[path] = "node-sd1";
    return world({node_at("node-sd1", "sd1.example.com", {"proxy.example.com"}),
                  node_at("node-a1", "node-a1.example.com"), node_at("ip2", "127.0.0.2"),
                  node_at("cupnodea", "cupnodea.cisco.com", {"cupNodeA.example.com"}),
                  node_at("dash", "cup-node-a.cisco.com"),
                  node_at("home", "home-node.cisco.com", {"home-node"}),
                  node_at("node-cisco", "node.cisco.com"),
                  node_at("v6", "2001:db8:85a3::8a2e:370:7335"), node_at("v6b", "2001:db8::2"),
                  node_at("other", "node-a1.other.net"), node_at("eu", "node-a1.eu.example.com"),
                  node_at("local", "node-a1.local"),
                  node_at("c01", "caxltestserver01.example.com", {"caxltestserver01"}),
                  node_at("c02", "caxltestserver02.example.com", {"caxltestserver02"}),
                  node_at("one", "1.1.1.1"),
                  node_at("new", "newtestserver.example.com", {"newtestserver", "testserver1"})},
                 std::move(prefix), std::move(routes));
}

struct url_row {
    std::string sd_url; // as the page has it
    std::string said;   // the hostname; of several rows of the tables the cases of one form
    std::string wanted; // the node; empty: it stays with the discovery node
};

std::string where_the_proxy_is(const std::string& sd_url) {
    if (sd_url.front() == '/')
        return "https://proxy.example.com";
    return sd_url.substr(0, sd_url.find('/', sd_url.find("//") + 2));
}

tests::caxl_page page_of(const std::string& origin) {
    const auto colon = origin.find("//");
    return {origin.substr(0, colon), origin.substr(colon + 2)};
}

// What the node says of a user with one node, and with two.
std::vector<strings> ways_to_say(const std::string& said) {
    if (said.empty())
        return {{}};
    return {{said}, {said, said}, {said, "caxltestserver02"}};
}

TEST(hostname_edit, keeps_2014_04_on_the_proxy_in_every_row) {
    const url_row rows[] = {
        {"http://primarySDNode:7335/httpbinding", "cupNodeA", "cupnodea"},
        {"https://primarySDNode:7335/httpbinding", "cupNodeA", "cupnodea"},
        {"http://primarySDNode.example.com:7335/httpbinding", "cupNodeA.example.com", "cupnodea"},
        {"https://primarySDNode.example.com:7335/httpbinding", "cupNodeA.example.com", "cupnodea"},
        {"http://127.0.0.1:7335/httpbinding", "127.0.0.2", "ip2"},
        {"https://127.0.0.1:7335/httpbinding", "127.0.0.2", "ip2"},
        {"https://primarySDNode.example.com:7335/httpbinding", "cupNodeA", "cupnodea"},
        {"/node-sd1", "node-a1", "node-a1"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "", ""},
        {"http://do-not-care:7335/httpbinding", "/myhttpbinding", "node-sd1"},
        {"https://do-not-care:7335/myhttpbinding", "127.0.0.2", "ip2"},
        {"https://127.0.0.1:7335/myhttpbinding", "cupnodea.cisco.com", "cupnodea"},
        {"http://127.0.0.2:7335/httpbinding", "cupnodea.cisco.com", "cupnodea"},
        {"https://2001:db8:85a3::8a2e:370:7335/myhttpbinding", "cupnodea", "cupnodea"},
        {"https://do-not-care:7334/myhttpbinding", "2001:db8:85a3::8a2e:370:7335", "v6"},
        {"/httpbinding", "cup-node-a.cisco.com", "dash"},
        {"/httpbinding", "/cupnodea.cisco.com", "cupnodea"},
        {"https://sdnode1.cisco.com:7335/httpbinding", "home-node", "home"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "cupnodea.cisco.com", "cupnodea"},
        {"http://sdnode1.cisco.com:7335/httpbinding", "cupnodea", "cupnodea"},
        {"/sd-primary", "node.cisco.com", "node-cisco"},
        {"/node-sd1", "127.0.0.2", "ip2"},
        {"/node-sd1", "2001:db8::2", "v6b"},
        {"/node-sd1", "[2001:db8::2]", "v6b"},
        {"/node-sd1", "node_a1", ""},
        {"/node-sd1", " node-a1 ", "node-a1"},
        {"/node-sd1", "node-a1:7335", "node-a1"},
        {"/node-sd1", "NODE-A1", "node-a1"},
        {"/node-sd1", "http://node-a1.example.com:7335/httpbinding", "node-a1"},
        {"/app/node-sd1", "node-a1", "node-a1"},
        {"/app/node-sd1", "/app/node-a1", "node-a1"},
        {"http://proxy.example.com/node-sd1", "node-a1", "node-a1"},
        {"http://proxy.example.com/node-sd1", "node-a1.example.com", "node-a1"},
        {"http://proxy:8080/node-sd1", "node-a1", "node-a1"},
        {"http://proxy.example.com/node-sd1", "/node-a1", "node-a1"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.other.net", "other"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.eu.example.com", "eu"},
        {"https://sd1.example.com:7335/httpbinding", "node-a1.local", "local"},
        {"https://sd1:7335/httpbinding", "node-a1.example.com", "node-a1"},
        {"https://sd1.eu.example.com:7335/httpbinding", "node-a1.example.com", "node-a1"},
        {"https://example.com:7335/httpbinding", "node-a1", "node-a1"},
        {"https://proxy.example.com/node-sd1", "https://proxy.example.com/node-a1", ""},
    };
    for (const auto& row : rows) {
        const world in = proxy_of_rows(row.sd_url.starts_with("/app/") ? "/app" : "");
        const std::string proxy = where_the_proxy_is(row.sd_url);
        for (const strings& said : ways_to_say(row.said)) {
            const auto says = [&](const std::string&) { return said; };
            // A second name that is known takes the place of a first that is not.
            std::string wanted = row.wanted;
            if (wanted.empty() && said.size() == 2 && said[0] != said[1])
                wanted = "c02";
            const journey same{in, page_of(proxy), proxy, says};
            const strings visited = same.of_2014(row.sd_url);
            const std::string what = row.sd_url + " + '" + row.said + "', " +
                                     std::to_string(said.size()) +
                                     " names: " + testing::PrintToString(visited);
            EXPECT_EQ(visited.back(), wanted.empty() ? "node-sd1" : wanted) << what;
            // An absolute URL is not the text that comes back: one more session, then it is.
            EXPECT_LE(visited.size(), 2U) << what;

            if (row.sd_url.front() == '/')
                continue; // a path is of the page's own origin always
            const journey cross{in, page_of("https://page.example.net"), proxy, says};
            EXPECT_EQ(cross.of_2014(row.sd_url), strings{"node-sd1"}) << what;
        }
    }
}

// A dead node on whose path the proxy ends every session at once: nothing may go in a circle.
TEST(hostname_edit, lets_nobody_circle_round_a_dead_node) {
    world in({node_at("sd1", "sd1.example.com"), node_at("sd2", "sd2.example.com"),
              node_at("a", "a.example.com"), node_at("b", "b.example.com")});
    constexpr node_index home = 2, backup = 3;
    const std::string proxy = "https://proxy.example.com";
    const struct {
        const char* name;
        strings said;
        std::set<std::string> failing;
        std::set<node_index> known; // to be dead
        strings wanted;
    } rows[] = {
        {"all well", {"a", "b"}, {}, {}, {"sd1", "a"}},
        {"home fails", {"a", "b"}, {"a"}, {}, {"sd1", "a", "b"}},
        {"home is known to be dead", {"a", "b"}, {"a"}, {home}, {"sd1", "b"}},
        {"the only one is known to be dead", {"a"}, {"a"}, {home}, {"sd1"}},
        {"both are", {"a", "b"}, {"a", "b"}, {home, backup}, {"sd1"}},
        {"the only one fails",
         {"a"},
         {"a"},
         {},
         {"sd1", "a", "a", "sd1", "a", "a", "sd2", "a", "a", "gave up"}},
        {"a node that is said to be both",
         {"a", "a"},
         {"a"},
         {},
         {"sd1", "a", "a", "sd1", "a", "a", "sd2", "a", "a", "gave up"}},
    };
    for (const auto& row : rows) {
        in.dead = row.known;
        const journey trip{in, page_of(proxy), proxy, [&](const std::string&) { return row.said; },
                           row.failing};
        EXPECT_EQ(trip.of_2014("/sd1", "/sd2"), row.wanted) << row.name;
    }
    // What it is about: two equal texts.
    const journey untouched{in,    page_of(proxy),
                            proxy, [](const std::string&) {
                                return strings{"a", "a"}; },
                            {"a"}, false};
    EXPECT_EQ(untouched.of_2014("/sd1", "/sd2").back(), "no end");
}

TEST(hostname_edit, keeps_8_6_1_on_the_proxy_in_every_row) {
    const url_row rows[] = {
        {"/caxltestserver99", "", ""},
        {"/caxltestserver99", "caxltestserver01", "c01"},
        {"/caxltestserver99", "caxltestserver02", "c02"},
        {"http://caxltestserver99.example.com:7335/httpbinding", "", ""},
        {"http://caxltestserver99.example.com:7335/httpbinding", "caxltestserver01", ""},
        {"http://caxltestserver99.example.com:7335/httpbinding", "caxltestserver02", ""},
        {"http://caxltestserver99:7335/httpbinding", "caxltestserver01", ""},
        {"http://caxltestserver99.example.com/httpbinding", "caxltestserver01", ""},
        {"http://caxltestserver99/httpbinding", "caxltestserver01", ""},
        {"http://caxltestserver99.example.com/httpbinding", "1.1.1.1", ""},
        {"http://caxltestserver99.example.com/httpbinding", "testserver1", ""},
        {"http://caxltestserver99.example.com/httpbinding", "newtestserver", ""},
        {"/node-sd1", "127.0.0.2", "ip2"},
        {"/node-sd1", "node-a1.example.com", "node-a1"},
        {"/node-sd1", "2001:db8::2", "v6b"},
        // Beyond the table: what breaks 2014.04, and prefixes.
        {"/node-sd1", "/node-a1", "node-a1"},
        {"/node-sd1", " node-a1 ", "node-a1"},
        {"/node-sd1", "node_a1", ""},
        {"/app/node-sd1", "node-a1", "node-a1"},
        {"/app/node-sd1", "/app/node-a1", "node-a1"},
    };
    for (const auto& row : rows) {
        const world in = proxy_of_rows(row.sd_url.starts_with("/app/") ? "/app" : "");
        const bool path = row.sd_url.front() == '/';
        for (const strings& said : ways_to_say(row.said)) {
            const auto says = [&](const std::string&) { return said; };
            const journey trip{
                in, page_of(path ? "https://proxy.example.com" : "https://page.example.net"),
                where_the_proxy_is(row.sd_url), says};
            const strings visited = trip.of_861(row.sd_url);
            const std::string what = row.sd_url + " + '" + row.said + "', " +
                                     std::to_string(said.size()) +
                                     " names: " + testing::PrintToString(visited);
            std::string wanted = row.wanted;
            if (path && wanted.empty() && said.size() == 2 && said[0] != said[1])
                wanted = "c02";
            EXPECT_EQ(visited.back(), wanted.empty() ? "node-sd1" : wanted) << what;
            EXPECT_LE(visited.size(), 2U) << what;
        }
    }
}

} // namespace
} // namespace boshgate::discovery
