#include "routing/node_translation.hpp"

#include "routing/bosh_body.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace boshgate::routing {
namespace {

using action = answer_action;
using meaning = answer_meaning;
using condition = binding_condition;
using asked = asked_for;

constexpr std::string_view good = "<body xmlns='http://jabber.org/protocol/httpbind' rid='5'/>";
constexpr std::string_view gone = "<body xmlns='http://jabber.org/protocol/httpbind' "
                                  "type='terminate' condition='item-not-found'/>";
constexpr std::string_view page = "<!DOCTYPE html><html><body>Oops</body></html>";
constexpr std::string_view xml_type = "text/xml; charset=utf-8";

// An answer, read as the proxy reads it.
answer_translation translated(int status, std::string_view type, std::string_view body,
                              asked what) {
    body_tag tag;
    const body_error why =
        body.empty() ? body_error::none : check_body(body, body_limits{}, tag).why;
    return translate_answer({status, type, body, why}, what);
}

struct expectation {
    std::string_view source; // server and section of the notes on BOSH
    int status;
    std::string_view type;
    std::string_view body;
    asked what;
    action done;
    meaning why;
    condition told;           // of terminate
    std::uint16_t status_out; // of terminate: for legacy clients
};

constexpr condition no = condition::internal_server_error; // where nothing is told

constexpr expectation table[] = {
    {"any: 200 with a body", 200, xml_type, good, asked::in_session, action::pass, meaning::bosh,
     no, 200},
    {"any: session created", 200, xml_type, good, asked::session, action::pass, meaning::bosh, no,
     200},
    {"Prosody, ejabberd, MongooseIM: unknown sid is a body", 200, xml_type, gone, asked::in_session,
     action::pass, meaning::bosh, no, 200},
    {"Punjab: unknown sid, 404 with a body", 404, xml_type, gone, asked::in_session, action::pass,
     meaning::bosh_other_status, no, 200},
    {"201 with a body: CAXL takes it, Strophe leaves a hole", 201, xml_type, good,
     asked::in_session, action::pass, meaning::bosh_other_status, no, 200},
    {"503 with a body", 503, xml_type, gone, asked::in_session, action::pass,
     meaning::bosh_other_status, no, 200},

    {"Openfire: unknown sid", 404, "text/html", page, asked::in_session, action::terminate,
     meaning::unknown_session, condition::item_not_found, 404},
    {"Openfire: unknown sid, terminate", 404, "text/html", page, asked::termination,
     action::terminate, meaning::unknown_session, condition::item_not_found, 404},
    {"Prosody: unknown Host", 404, "text/html", page, asked::session, action::fail,
     meaning::wrong_path, no, 502},
    {"CUP: wrong path", 404, "", "", asked::session, action::fail, meaning::wrong_path, no, 502},
    {"ejabberd: malformed XML", 400, "", "", asked::in_session, action::terminate,
     meaning::bad_request, condition::bad_request, 400},
    {"ejabberd: malformed XML, session request", 400, "text/html", page, asked::session,
     action::terminate, meaning::bad_request, condition::bad_request, 400},
    {"Openfire: stanza without sid", 400, "text/html", page, asked::session, action::terminate,
     meaning::bad_request, condition::bad_request, 400},
    {"ejabberd: stanza too large", 403, "", "", asked::in_session, action::terminate,
     meaning::refused, condition::policy_violation, 403},
    {"above the node's body limit", 413, "text/html", page, asked::in_session, action::terminate,
     meaning::refused, condition::policy_violation, 403},
    {"MongooseIM: crash", 500, "", "", asked::in_session, action::terminate, meaning::crashed,
     condition::internal_server_error, 200},
    {"a page with 500", 500, "text/html", page, asked::in_session, action::fail,
     meaning::unexpected_status, no, 502},
    {"MongooseIM: close", 200, "", "", asked::termination, action::terminate, meaning::ended,
     condition::item_not_found, 404},
    {"empty 200 in a session", 200, "", "", asked::in_session, action::fail, meaning::empty, no,
     502},
    {"empty 200 to a session request", 200, "", "", asked::session, action::fail, meaning::empty,
     no, 502},
    {"204 in a session", 204, "", "", asked::in_session, action::fail, meaning::empty, no, 502},
    {"204 to a terminate", 204, "", "", asked::termination, action::terminate, meaning::ended,
     condition::item_not_found, 404},

    {"200 with a page", 200, "text/html", page, asked::in_session, action::fail, meaning::html, no,
     502},
    {"200 with a page that calls itself XML", 200, xml_type, page, asked::in_session, action::fail,
     meaning::html, no, 502},
    {"200 with a page in capitals", 200, "", "\r\n <HTML><body/>", asked::in_session, action::fail,
     meaning::html, no, 502},
    {"Prosody: GET's page, XHTML", 200, "application/xhtml+xml; charset=utf-8", "<x/>",
     asked::session, action::fail, meaning::html, no, 502},
    {"ejabberd 18.12: an attribute twice", 200, xml_type,
     "<body xmlns='http://jabber.org/protocol/httpbind' polling='2' polling='2'/>", asked::session,
     action::fail, meaning::not_bosh, no, 502},
    {"another root", 200, xml_type, "<stream xmlns='http://jabber.org/protocol/httpbind'/>",
     asked::in_session, action::fail, meaning::not_bosh, no, 502},
    {"compressed though nobody asked", 200, xml_type, "\x1f\x8b\x08", asked::in_session,
     action::fail, meaning::not_bosh, no, 502},
    {"cut off", 200, xml_type, "<body xmlns='http://jabber.org/protocol/httpbind'>",
     asked::in_session, action::fail, meaning::not_bosh, no, 502},

    {"301", 301, "text/html", page, asked::in_session, action::fail, meaning::redirect, no, 502},
    {"307 with a body", 307, xml_type, good, asked::in_session, action::fail, meaning::redirect, no,
     502},
    {"502 of a box in between", 502, "text/html", page, asked::in_session, action::repeat,
     meaning::box_in_between, no, 503},
    {"503 of a box in between", 503, "text/html", page, asked::session, action::repeat,
     meaning::box_in_between, no, 503},
    {"504 of a box in between", 504, "", "", asked::termination, action::repeat,
     meaning::box_in_between, no, 503},
    {"408 on an idle link", 408, "text/html", page, asked::in_session, action::repeat,
     meaning::box_in_between, no, 503},
    {"429", 429, "text/html", page, asked::in_session, action::fail, meaning::too_many_requests, no,
     503},
    {"401", 401, "text/html", page, asked::in_session, action::fail, meaning::unexpected_status, no,
     502},
    {"405", 405, "text/html", page, asked::session, action::fail, meaning::unexpected_status, no,
     502},
    {"501", 501, "", "", asked::in_session, action::fail, meaning::unexpected_status, no, 502},
    {"599", 599, "", "", asked::in_session, action::fail, meaning::unexpected_status, no, 502},
};

TEST(node_translation, table) {
    std::set<meaning> seen;
    for (const expectation& one : table) {
        const answer_translation got = translated(one.status, one.type, one.body, one.what);
        EXPECT_EQ(name_of(got.action), name_of(one.done)) << one.source;
        EXPECT_EQ(name_of(got.meaning), name_of(one.why)) << one.source;
        EXPECT_EQ(got.status, one.status_out) << one.source;
        if (one.done == action::terminate) {
            EXPECT_EQ(name_of(got.condition), name_of(one.told)) << one.source;
        }
        if (one.done == action::repeat) {
            EXPECT_EQ(name_of(got.failure), "gateway_error") << one.source;
        }
        if (one.done == action::fail) {
            EXPECT_EQ(name_of(got.failure), "server_error") << one.source;
        }
        seen.insert(one.why);
    }
    EXPECT_EQ(seen.size(), answer_meaning_count) << "a meaning has no case";
}

// No status of all that exist brings a page, a redirect, a 4xx or an empty answer to a client.
TEST(node_translation, nothing_but_honest_answers_for_any_status) {
    for (int status = 200; status < 600; ++status) {
        for (const std::string_view body : {std::string_view{}, page, good, gone}) {
            for (const asked what : {asked::session, asked::in_session, asked::termination}) {
                const answer_translation got = translated(status, "text/html", body, what);
                const std::string label = std::to_string(status) + " " + std::string(body);
                const bool is_bosh = body == good || body == gone;
                EXPECT_EQ(got.action == action::pass, is_bosh && status / 100 != 3) << label;
                if (got.action == action::repeat || got.action == action::fail) {
                    EXPECT_GE(got.status, 500) << label;
                }
                if (got.action == action::terminate) {
                    const int legacy = legacy_status_of(got.condition);
                    EXPECT_EQ(got.status, legacy == 0 ? 200 : legacy) << label;
                }
            }
        }
    }
}

TEST(node_translation, content_type_is_mended_where_a_body_has_another) {
    constexpr struct {
        std::string_view type;
        bool retyped;
    } cases[] = {
        {"text/xml; charset=utf-8", false},
        {"text/xml;charset=UTF-8", false},
        {"text/xml", false},
        {"TEXT/XML; charset=\"utf-8\"", false},
        {"application/xml", false},
        {"text/xml;", false},
        {"text/xml; charset=utf8", true}, // MongooseIM
        {"text/xml; charset=iso-8859-1", true},
        {"text/html; charset=utf-8", true},
        {"text/plain", true},
        {"", true},
        {";", true},
        {"text/xmlx", true},
    };
    for (const auto& one : cases)
        EXPECT_EQ(translated(200, one.type, good, asked::in_session).retype, one.retyped)
            << one.type;
}

TEST(node_translation, every_meaning_has_a_name_and_words) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < answer_meaning_count; ++i) {
        const auto why = static_cast<meaning>(i);
        EXPECT_TRUE(names.insert(name_of(why)).second) << i;
        EXPECT_FALSE(words_of(why).empty()) << name_of(why);
    }
    EXPECT_EQ(name_of(meaning::not_bosh), "not_bosh");
}

} // namespace
} // namespace boshgate::routing
