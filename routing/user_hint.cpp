#include "routing/user_hint.hpp"

#include "routing/ascii.hpp"

#include <span>
#include <string>

namespace boshgate::routing {
namespace {

std::optional<bare_jid> user_of_from(const body_tag& body) {
    std::string room(body.written(body_attribute::from).size(), '\0');
    const auto from = body.value(body_attribute::from, std::span(room.data(), room.size()));
    return from ? bare_jid_of(*from) : std::nullopt;
}

// Of a piece of the target with escapes; one that is broken makes it nobody's name.
std::optional<bare_jid> user_of_encoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto escaped = escaped_byte(text.substr(i));
            if (!escaped)
                return std::nullopt;
            c = *escaped;
            i += 2;
        }
        decoded.push_back(c);
    }
    return bare_jid_of(decoded);
}

std::optional<bare_jid> user_of_field(const request_head& head, std::string_view name) {
    const field* found = nullptr;
    for (const field& each : head.fields()) {
        if (!equal_ignoring_case(each.name, name))
            continue;
        if (found != nullptr)
            return std::nullopt;
        found = &each;
    }
    return found == nullptr ? std::nullopt : bare_jid_of(found->value);
}

} // namespace

std::optional<bare_jid> user_in_query(std::string_view query) {
    constexpr std::string_view wanted = "jid=";
    while (!query.empty()) {
        const auto end = query.find('&');
        if (query.starts_with(wanted))
            return user_of_encoded(query.substr(0, end).substr(wanted.size()));
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    }
    return std::nullopt;
}

std::string_view name_of(user_hint which) noexcept {
    switch (which) {
    case user_hint::from:
        return "from";
    case user_hint::path:
        return "path";
    case user_hint::query:
        return "query";
    case user_hint::field:
        return "field";
    }
    return {};
}

std::optional<named_user> user_named_by(const body_tag& body, const request_head& head,
                                        const hint_places& places) {
    if (const auto user = user_of_from(body))
        return named_user{*user, user_hint::from};
    if (const auto user = user_of_encoded(places.segment))
        return named_user{*user, user_hint::path};
    if (const auto user = user_in_query(head.query))
        return named_user{*user, user_hint::query};
    if (!places.field.empty())
        if (const auto user = user_of_field(head, places.field))
            return named_user{*user, user_hint::field};
    return std::nullopt;
}

} // namespace boshgate::routing
