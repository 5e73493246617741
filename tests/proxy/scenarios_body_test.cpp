// <body/>s of clients through the real proxy: which ones travel, unchanged, and which ones a node
// never sees. tests/scenarios.md says what each of these is about.

#include "routing/reason.hpp"
#include "tests/support/bosh_client.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace boshgate::tests {
namespace {

using proxy::core_counters;

const std::string open = "<body " + bosh_namespace + " ";

struct body {
    std::string name;
    std::string text;
};

std::string repeated(const std::string& what, std::size_t times) {
    std::string all;
    all.reserve(what.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        all += what;
    }
    return all;
}

// XML that looks odd and is in order: the node gets every byte of it, and only the root was read.
TEST(ScenarioBodies, OddOnesThatAreInOrderTravelUnchanged) {
    const std::vector<body> bodies{
        {"declaration", "<?xml version='1.0' encoding='UTF-8'?>" + open + "sid='s' rid='5'/>"},
        {"byte order mark", "\xef\xbb\xbf" + open + "sid='s' rid='5'/>"},
        {"leading newline", "\r\n" + open + "sid='s' rid='5'/>"},
        {"white space at the end", open + "sid='s' rid='5'/>\r\n"},
        {"double quotes", "<body xmlns=\"http://jabber.org/protocol/httpbind\" rid=\"5\" "
                          "sid=\"s\"/>"},
        {"a prefixed root", "<b:body xmlns:b='http://jabber.org/protocol/httpbind' sid='s' "
                            "rid='5'><b:x/></b:body>"},
        {"CDATA in a child",
         open + "sid='s' rid='5'><a><![CDATA[</body><body sid='x'>]]></a></body>"},
        {"a value that imitates attributes", open + "to=\"x' sid='y' rid='7\" sid='s' rid='5'/>"},
        {"a body inside of a message",
         open + "sid='s' rid='5'><message xmlns='jabber:client'><body sid='x' rid='99' "
                "type='terminate'>hi</body></message></body>"},
        {"another namespace behind xmpp:",
         open + "sid='s' rid='5' xmlns:xmpp='urn:other' xmpp:restart='true'/>"},
        {"restart without a namespace", open + "sid='s' rid='5' restart='true'/>"},
        {"attributes that nobody knows",
         open + "sid='s' rid='5' xmlns:q='urn:q' q:sid='1' x='2'/>"},
        {"ack, report and time", open + "sid='s' rid='5' ack='4' report='3' time='852'/>"},
        {"a key", open + "sid='s' rid='5' key='ca393b51b682f61f98e7877d61146407f3d0a770' "
                         "newkey='bfb06a6f113cd6fd3838ab9d300fdb4fe3da2f7d'/>"},
        {"a stream of its own", open + "sid='s' rid='5' to='other.example' stream='two'/>"},
    };
    for (const body& one : bodies) {
        SCOPED_TRACE(one.name);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(node.port()));
        EXPECT_EQ(proxy.ask(session_request(4)).body, session_answer("s"));
        EXPECT_EQ(proxy.ask(post("/node-a1", one.text)).status, 200);
        ASSERT_EQ(node.requests().size(), 2U);
        EXPECT_EQ(node.requests()[1].body, one.text);
        // It counted as rid 5 of session s, and not as a restart, an end or another session.
        EXPECT_EQ(proxy.ask(poll("s", 6)).body, answer_to(6));
        EXPECT_EQ(proxy.ask(poll("s", 6)).body, answer_to(6));
        EXPECT_EQ(node.requests().size(), 3U) << "the copy was replayed";
        EXPECT_EQ(proxy.app().total(&core_counters::bodies_refused), 0U);
    }
}

TEST(ScenarioBodies, BadOnesEndHere) {
    using namespace std::string_literals;
    const std::string session = open + "sid='s' rid='5'>";
    const std::string ask = open + "to='example.com' ver='1.6' rid='5' ";
    struct refused {
        std::string name;
        std::string text;
        const char* condition = "bad-request";
    };
    const std::vector<refused> bodies{
        {"start tag cut off", "<body sid='s' rid='5"},
        {"a child not closed", session + "<a></body>"},
        {"text behind the root", session + "</body>x"},
        {"CDATA under body", session + "<![CDATA[x]]></body>"},
        {"an external entity", "<!DOCTYPE b [<!ENTITY x SYSTEM 'http://127.0.0.1:1/x'>]>" +
                                   session + "<a>&x;</a></body>"},
        {"billion laughs", "<!DOCTYPE b [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>" + session +
                               "<a>&b;</a></body>"},
        {"an attribute twice by namespace",
         open + "sid='s' rid='5' xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>"},
        {"an unbound prefix in the root", open + "sid='s' rid='5' xmpp:restart='true'/>"},
        {"a prefixed root that is no body", "<b:body xmlns='http://jabber.org/protocol/httpbind' "
                                            "xmlns:b='urn:b' sid='s' rid='5'/>"},
        {"a body in capitals", "<BODY " + bosh_namespace + " sid='s' rid='5'/>"},
        {"a reference to NUL", session + "<a>&#0;</a></body>"},
        {"U+FFFE", session + "<a>\xef\xbf\xbe</a></body>"},
        {"a control", session + "<a>\x02</a></body>"},
        {"UTF-16", "\xff\xfe<\0b\0o\0d\0y\0"s},
        {"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + open + "sid='s' rid='5'/>"},
        {"an overlong form", session + "<a>\xc0\xaf</a></body>"},
        {"an empty sid", open + "sid='' rid='5'/>"},
        {"an empty sid and a host", open + "sid='' to='example.com' rid='5' ver='1.6'/>"},
        {"hold below 0", ask + "hold='-1'/>"},
        {"hold beyond all use", ask + "hold='1000000000'/>"},
        {"wait with a fraction", ask + "wait='1.5'/>"},
        {"wait with blanks", ask + "wait=' 60 '/>"},
        {"wait beyond all use", ask + "wait='1000000000'/>"},
        {"an empty wait", ask + "wait=''/>"},
        {"pause beyond 64 bits", open + "sid='s' rid='5' pause='99999999999999999999'/>"},
        {"a version without minor number", open + "to='example.com' rid='5' ver='1'/>"},
        {"a version that ends in a dot", open + "to='example.com' rid='5' ver='1.'/>"},
        {"a version in letters", open + "to='example.com' rid='5' ver='x'/>"},
    };
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    for (const refused& one : bodies) {
        SCOPED_TRACE(one.name);
        const http_answer answer = proxy.ask(post("/node-a1", one.text));
        EXPECT_EQ(terminated(answer), one.condition) << answer.status << answer.body;
    }
    EXPECT_EQ(node.links(), 0);
    EXPECT_EQ(proxy.app().total(&core_counters::bodies_refused), bodies.size());
}

// What is too large for its limit is told as such where XEP-0124 has a condition for it.
TEST(ScenarioBodies, BodiesOfAnySizeAreBounded) {
    const std::string session = open + "sid='s' rid='5'>";
    const std::vector<body> bodies{
        {"10000 attributes",
         [] {
             std::string all = open + "sid='s' rid='5'";
             for (int i = 0; i < 10'000; ++i) {
                 all += " a" + std::to_string(i) + "=''";
             }
             return all + "/>";
         }()},
        {"100000 children", session + repeated("<a/>", 100'000) + "</body>"},
        {"10000 levels", session + repeated("<a>", 10'000) + repeated("</a>", 10'000) + "</body>"},
        {"a value of 1 MB", session + "<a b='" + std::string(1'000'000, 'x') + "'/></body>"},
        {"a sid of 10 kB", open + "rid='5' sid='" + std::string(10'000, 'x') + "'/>"},
        {"a sid of 1 MB", open + "rid='5' sid='" + std::string(1'000'000, 'x') + "'/>"},
    };
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    for (const body& one : bodies) {
        SCOPED_TRACE(one.name);
        const std::string condition = terminated(proxy.ask(post("/node-a1", one.text)));
        EXPECT_EQ(condition, "policy-violation");
    }
    EXPECT_EQ(node.links(), 0);
    EXPECT_EQ(proxy.app().total(&core_counters::bodies_refused), bodies.size());
    EXPECT_EQ(proxy.ask(poll("s", 5)).body, answer_to(5));
}

// A rid is an integer from 1 to 2^53-1, written as one.
TEST(ScenarioBodies, RidsAreIntegersOrNothing) {
    struct written {
        std::string rid;
        bool legal;
    };
    stub_node node(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    std::size_t passed = 0;
    for (const written& one : {written{"1", true},
                               {"9007199254740991", true},
                               {"0", false},
                               {"-1", false},
                               {"+1", false},
                               {"1e3", false},
                               {"007", false},
                               {"0x7", false},
                               {"1.0", false},
                               {" 1", false},
                               {"", false},
                               {"9007199254740992", false},
                               {"9223372036854775808", false},
                               {"18446744073709551617", false},
                               {std::string(400, '9'), false}}) {
        SCOPED_TRACE(one.rid);
        // A session for each: the window of one would refuse most of them.
        const std::string sid = "s" + std::to_string(one.rid.size()) + one.rid.substr(0, 8);
        const http_answer answer =
            proxy.ask(post("/node-a1", open + "sid='" + sid + "' rid='" + one.rid + "'/>"));
        EXPECT_EQ(terminated(answer), one.legal ? "" : "bad-request");
        passed += one.legal ? 1 : 0;
        EXPECT_EQ(node.requests().size(), passed);
    }
}

// One sid in two spellings is one session; one that differs in a blank or in case is another.
TEST(ScenarioBodies, SidsAreComparedByTheirMeaning) {
    struct spelling {
        const char* written;
        bool same;
    };
    const spelling spellings[] = {{"AbC&amp;1", true},
                                  {"&#x41;bC&#38;1", true},
                                  {"AbC&amp;1 ", false},
                                  {"abc&amp;1", false},
                                  {"AbC&amp;amp;1", false},
                                  {"\xd0\x90"
                                   "bC&amp;1",
                                   false}};
    stub_node node([](const node_request& got) {
        return attribute(got.body, "sid").empty()
                   ? node_reply{.bytes = ok(session_answer("AbC&amp;1"))}
                   : bosh_node(got);
    });
    running_proxy proxy(bosh_config_with_node(node.port()));
    EXPECT_EQ(proxy.ask(session_request(4)).status, 200);
    EXPECT_EQ(proxy.ask(poll("AbC&amp;1", 5)).body, answer_to(5));
    std::size_t requests = 2;
    for (const spelling& one : spellings) {
        SCOPED_TRACE(one.written);
        EXPECT_EQ(proxy.ask(poll(one.written, 5)).body, answer_to(5));
        requests += one.same ? 0 : 1;
        EXPECT_EQ(node.requests().size(), requests) << "replayed, or the node's";
    }
}

// `route` asks a connection manager to connect to somewhere. Here it leads nowhere: the node is the
// path's, and gets the attribute as it was.
TEST(ScenarioBodies, RouteLeadsNowhere) {
    stub_node node(bosh_node);
    stub_node elsewhere(bosh_node);
    running_proxy proxy(bosh_config_with_node(node.port()));
    std::size_t count = 0;
    for (const std::string& route :
         {"xmpp:127.0.0.1:" + std::to_string(elsewhere.port()),
          "xmpp:a@127.0.0.1:" + std::to_string(elsewhere.port()),
          "http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/httpbinding",
          std::string("xmpp:169.254.169.254:80")}) {
        SCOPED_TRACE(route);
        EXPECT_EQ(proxy.ask(session_request(1000, " route='" + route + "'")).body,
                  session_answer("s"));
        ASSERT_EQ(node.requests().size(), ++count);
        EXPECT_EQ(attribute(node.requests().back().body, "route"), route);
    }
    EXPECT_EQ(elsewhere.links(), 0);
}

// A session request of any shape is the node's to judge, as long as it is one.
TEST(ScenarioBodies, SessionRequestsOfAnyShape) {
    const std::vector<body> bodies{
        {"with a payload", open + "to='example.com' rid='5' ver='1.6'><a xmlns='u'/></body>"},
        {"without to", open + "rid='5' ver='1.6' wait='30' hold='1'/>"},
        {"without wait and hold", open + "to='example.com' rid='5' ver='1.6'/>"},
        {"the least", open + "rid='5'/>"},
    };
    for (const body& one : bodies) {
        SCOPED_TRACE(one.name);
        stub_node node(bosh_node);
        running_proxy proxy(bosh_config_with_node(node.port()));
        EXPECT_EQ(proxy.ask(post("/node-a1", one.text)).body, session_answer("s"));
        ASSERT_EQ(node.requests().size(), 1U);
        EXPECT_EQ(node.requests()[0].body, one.text);
        EXPECT_EQ(proxy.app().total(&core_counters::sessions_opened), 1U);
        EXPECT_EQ(proxy.ask(poll("s", 6)).body, answer_to(6));
    }
}

} // namespace
} // namespace boshgate::tests
