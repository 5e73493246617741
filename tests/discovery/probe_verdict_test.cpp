#include "discovery/probe_verdict.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace boshgate::discovery {
namespace {

using reason = health_reason;
using verdict = probe_verdict;

constexpr std::string_view xml_type = "text/xml; charset=utf-8";
constexpr std::string_view html_type = "text/html";

std::string terminate(std::string_view condition) {
    return "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='" +
           std::string(condition) + "'/>";
}

// An answer, read as the prober reads it.
struct read_answer {
    read_answer(int status, std::string_view type, std::string text) : body(std::move(text)) {
        answer = {.status = status,
                  .content_type = type,
                  .begin = body,
                  .body = body.empty() ? routing::body_error::none
                                       : routing::read_body_tag(body, {}, tag).why};
        if (answer.body != routing::body_error::none) {
            tag = routing::body_tag{};
        }
    }
    read_answer(const read_answer&) = delete;
    read_answer& operator=(const read_answer&) = delete;

    std::string body;
    routing::body_tag tag;
    routing::node_answer answer;
};

TEST(probe_verdict, of_an_invented_sid) {
    struct row {
        const char* name;
        int status;
        std::string_view type;
        std::string body;
        probe_finding expected;
    };
    const std::string page = "<!DOCTYPE html><html><body>404 Not Found</body></html>";
    const probe_finding good{verdict::good, reason::none};
    const std::vector<row> rows{
        {"Prosody, ejabberd, MongooseIM, CUP", 200, xml_type, terminate("item-not-found"), good},
        {"ejabberd, with its own charset", 200, "text/xml; charset=utf8",
         terminate("item-not-found"), good},
        {"Punjab, a 404 with a body", 404, xml_type, terminate("item-not-found"), good},
        {"no condition", 200, xml_type,
         "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate'/>", good},
        {"Openfire, a 404 with a page", 404, html_type, page, {verdict::ask_empty, reason::none}},
        {"Punjab, a 404 with nothing", 404, "", "", {verdict::ask_empty, reason::none}},
        {"bad request, with nothing", 400, "", "", good},
        {"too many requests", 429, "", "", good},
        {"HTTPS port spoken to in HTTP", 400, html_type, page, {verdict::bad, reason::no_bosh}},
        {"Prosody's HTTP module without BOSH",
         200,
         html_type,
         page,
         {verdict::bad, reason::no_bosh}},
        {"empty", 200, xml_type, "", {verdict::bad, reason::no_bosh}},
        {"JSON", 200, "application/json", "{}", {verdict::bad, reason::no_bosh}},
        {"redirect", 302, html_type, page, {verdict::bad, reason::no_bosh}},
        {"no POST here", 405, html_type, page, {verdict::bad, reason::no_bosh}},
        {"forbidden", 403, html_type, page, {verdict::bad, reason::no_bosh}},
        {"MongooseIM crashed", 500, "", "", {verdict::bad, reason::sick}},
        {"500 with a page", 500, html_type, page, {verdict::bad, reason::no_bosh}},
        {"bad gateway", 502, html_type, page, {verdict::bad, reason::gateway}},
        {"unavailable", 503, html_type, page, {verdict::bad, reason::gateway}},
        {"gateway timeout", 504, "", "", {verdict::bad, reason::gateway}},
        {"shutting down",
         200,
         xml_type,
         terminate("system-shutdown"),
         {verdict::bad, reason::sick}},
        {"internal error",
         200,
         xml_type,
         terminate("internal-server-error"),
         {verdict::bad, reason::sick}},
        {"its XMPP server is away",
         200,
         xml_type,
         terminate("remote-connection-failed"),
         {verdict::bad, reason::sick}},
    };
    for (const row& one : rows) {
        const read_answer got(one.status, one.type, one.body);
        const probe_finding found = find_invented(got.answer, got.tag);
        EXPECT_EQ(found.verdict, one.expected.verdict) << one.name;
        EXPECT_EQ(name_of(found.why), name_of(one.expected.why)) << one.name;
    }
}

TEST(probe_verdict, of_a_post_without_a_body) {
    struct row {
        const char* name;
        int status;
        std::string body;
        probe_finding expected;
    };
    const std::vector<row> rows{
        {"Openfire, ejabberd, MongooseIM", 400, "<html/>", {verdict::good, reason::none}},
        {"Punjab", 200, terminate("bad-request"), {verdict::good, reason::none}},
        {"a web server", 404, "<html/>", {verdict::bad, reason::no_bosh}},
        {"a web server without POST", 405, "", {verdict::bad, reason::no_bosh}},
        {"a page", 200, "<html/>", {verdict::bad, reason::no_bosh}},
        {"nothing", 200, "", {verdict::bad, reason::no_bosh}},
        {"a box in between", 503, "", {verdict::bad, reason::gateway}},
    };
    for (const row& one : rows) {
        const read_answer got(one.status, xml_type, one.body);
        const probe_finding found = find_empty(got.answer);
        EXPECT_EQ(found.verdict, one.expected.verdict) << one.name;
        EXPECT_EQ(name_of(found.why), name_of(one.expected.why)) << one.name;
    }
}

TEST(probe_verdict, of_a_session) {
    struct row {
        const char* name;
        int status;
        std::string body;
        bool polled;
        bool wants_names;
        probe_finding expected;
    };
    const std::string start = "<body xmlns='http://jabber.org/protocol/httpbind' "
                              "xmlns:stream='http://etherx.jabber.org/streams' sid='s'>";
    const auto features = [&](const std::string& inside) {
        return start + "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" +
               inside + "</mechanisms></stream:features></body>";
    };
    const std::string plain = "<mechanism>PLAIN</mechanism>";
    const std::string named = plain + "<hostname>node-a1</hostname>";
    const std::string page = "<html><body>404</body></html>";
    const probe_finding good{verdict::good, reason::none};
    const std::vector<row> rows{
        {"with a mechanism", 200, features(plain), false, false, good},
        {"the same, polled", 200, features(plain), true, false, good},
        {"a name is not asked for", 200, features(named), false, false, good},
        {"a name is", 200, features(named), false, true, good},
        {"a name is, and there is none",
         200,
         features(plain),
         false,
         true,
         {verdict::bad, reason::no_hostnames}},
        {"features later", 200, start + "</body>", false, false, {verdict::poll, reason::none}},
        {"features never",
         200,
         "<body xmlns='http://jabber.org/protocol/httpbind'/>",
         true,
         false,
         {verdict::bad, reason::no_mechanisms}},
        {"no mechanism", 200, features(""), false, false, {verdict::bad, reason::no_mechanisms}},
        {"no sid",
         200,
         "<body xmlns='http://jabber.org/protocol/httpbind'/>",
         false,
         false,
         {verdict::bad, reason::no_session}},
        {"host unknown",
         200,
         terminate("host-unknown"),
         false,
         false,
         {verdict::bad, reason::no_session}},
        {"ended while it was polled",
         200,
         terminate("remote-stream-error"),
         true,
         false,
         {verdict::bad, reason::no_session}},
        {"a page", 404, page, false, false, {verdict::bad, reason::no_bosh}},
        {"gone while it was polled", 404, page, true, false, {verdict::bad, reason::no_session}},
        {"a box in between", 502, page, false, false, {verdict::bad, reason::gateway}},
    };
    for (const row& one : rows) {
        const read_answer got(one.status, xml_type, one.body);
        const probe_finding found = find_session(got.answer, got.tag, one.polled, one.wants_names);
        EXPECT_EQ(found.verdict, one.expected.verdict) << one.name;
        EXPECT_EQ(name_of(found.why), name_of(one.expected.why)) << one.name;
    }
}

} // namespace
} // namespace boshgate::discovery
