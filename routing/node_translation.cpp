#include "routing/node_translation.hpp"

#include "routing/ascii.hpp"
#include "routing/xml_scan.hpp"

#include <algorithm>
#include <array>

namespace boshgate::routing {
namespace {

using action = answer_action;
using meaning = answer_meaning;
using condition = binding_condition;

struct meaning_row {
    std::string_view name;
    std::string_view words;
};

constexpr std::array<meaning_row, answer_meaning_count> meanings{{
    {"bosh", "a BOSH answer"},
    {"bosh_other_status", "a BOSH answer whose status is not 200"},
    {"unknown_session", "the node does not know the session"},
    {"bad_request", "the node cannot read the request"},
    {"refused", "the node refuses the request"},
    {"crashed", "the node failed on the request"},
    {"ended", "the session has ended"},
    {"redirect", "the node answered with a redirect"},
    {"wrong_path", "there is no BOSH at the node's URL, or not for this Host"},
    {"box_in_between", "something between here and the node cannot reach it"},
    {"too_many_requests", "the node, or something before it, limits requests"},
    {"unexpected_status", "a status that has no meaning in BOSH"},
    {"empty", "an answer without a body"},
    {"html", "a page instead of a BOSH answer"},
    {"not_bosh", "a body that is not a BOSH answer"},
}};

answer_translation tell(meaning why, condition told) noexcept {
    answer_translation out;
    out.action = action::terminate;
    out.meaning = why;
    out.condition = told;
    if (const int status = legacy_status_of(told); status != 0)
        out.status = static_cast<std::uint16_t>(status);
    return out;
}

constexpr answer_translation fail(meaning why, std::uint16_t status = 502) {
    answer_translation out;
    out.action = action::fail;
    out.meaning = why;
    out.status = status;
    return out;
}

constexpr answer_translation repeat(meaning why, std::uint16_t status) {
    answer_translation out;
    out.action = action::repeat;
    out.meaning = why;
    out.status = status;
    out.failure = node_failure::gateway_error;
    return out;
}

// The media type of a Content-Type, without parameters.
std::string_view media_type(std::string_view content_type) noexcept {
    return trim_blanks(content_type.substr(0, content_type.find(';')));
}

bool same_letters(std::string_view a, std::string_view lower) noexcept {
    return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                      [](char x, char y) { return ascii_lower(x) == y; });
}

// A body is UTF-8, or it would not have been read. So XML without a charset, or with that one, is
// right; XMLHttpRequest parses nothing else, and one server misspells the charset.
bool fits_body(std::string_view content_type) noexcept {
    const std::string_view type = media_type(content_type);
    if (!same_letters(type, "text/xml") && !same_letters(type, "application/xml"))
        return false;
    const std::string_view parameters = content_type.substr(
        std::min(content_type.size(),
                 static_cast<std::size_t>(type.data() - content_type.data()) + type.size()));
    std::string_view rest = trim_blanks(parameters);
    if (rest.empty())
        return true;
    rest = trim_blanks(rest.substr(1)); // behind the semicolon
    return rest.empty() || same_letters(rest, "charset=utf-8") ||
           same_letters(rest, "charset=\"utf-8\"");
}

bool is_page(const node_answer& answer) noexcept {
    const std::string_view type = media_type(answer.content_type);
    if (same_letters(type, "application/xhtml+xml"))
        return true;
    std::string_view text = answer.begin;
    while (!text.empty() && xml::is_space(text.front()))
        text.remove_prefix(1);
    if (same_letters(text.substr(0, 5), "<html") || same_letters(text.substr(0, 9), "<!doctype"))
        return true;
    return same_letters(type, "text/html");
}

answer_translation not_a_body(const node_answer& answer) noexcept {
    return fail(is_page(answer) ? meaning::html : meaning::not_bosh);
}

// An answer whose body, if there is one, is no <body/>.
answer_translation by_status(const node_answer& answer, asked_for what) noexcept {
    switch (answer.status) {
    case 400: // ejabberd: malformed XML; Openfire: the same, and stanzas without a sid
        return tell(meaning::bad_request, condition::bad_request);
    case 403: // ejabberd: stanza above its limit
    case 413: // above the node's limit, below ours
        return tell(meaning::refused, condition::policy_violation);
    case 404: // Openfire and Punjab: unknown sid. Without a sid it can only be the URL or the Host
        return what == asked_for::session
                   ? fail(meaning::wrong_path)
                   : tell(meaning::unknown_session, condition::item_not_found);
    case 408: // a proxy that closes an idle link says so first
        return repeat(meaning::box_in_between, 503);
    case 429: // as a 4xx it would end Strophe's session; here it means "later"
        return fail(meaning::too_many_requests, 503);
    case 500:
        // MongooseIM crashes on a bad body and says nothing. A page comes from something else, and
        // the session may be well.
        return answer.begin.empty() ? tell(meaning::crashed, condition::internal_server_error)
                                    : fail(meaning::unexpected_status);
    case 502:
    case 503:
    case 504: // BOSH servers send none of these
        return repeat(meaning::box_in_between, 503);
    default:
        break;
    }
    if (answer.status >= 300 && answer.status < 400)
        return fail(meaning::redirect);
    if (answer.status >= 400)
        return fail(meaning::unexpected_status);
    if (!answer.begin.empty())
        return not_a_body(answer);
    // MongooseIM ends a session with an empty 200, without header fields.
    return what == asked_for::termination ? tell(meaning::ended, condition::item_not_found)
                                          : fail(meaning::empty);
}

} // namespace

answer_translation translate_answer(const node_answer& answer, asked_for what) noexcept {
    const bool redirect = answer.status >= 300 && answer.status < 400;
    if (!redirect && !answer.begin.empty() && answer.body == body_error::none) {
        answer_translation out;
        out.meaning = answer.status == 200 ? meaning::bosh : meaning::bosh_other_status;
        out.retype = !fits_body(answer.content_type);
        return out;
    }
    return by_status(answer, what);
}

std::string_view name_of(answer_action what) noexcept {
    switch (what) {
    case action::pass:
        return "pass";
    case action::terminate:
        return "terminate";
    case action::repeat:
        return "repeat";
    case action::fail:
        return "fail";
    }
    return {};
}
std::string_view name_of(answer_meaning why) noexcept {
    return meanings[static_cast<std::size_t>(why)].name;
}
std::string_view words_of(answer_meaning why) noexcept {
    return meanings[static_cast<std::size_t>(why)].words;
}

} // namespace boshgate::routing
