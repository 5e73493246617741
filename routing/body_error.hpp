#pragma once
// Why a BOSH <body/> is not accepted: what is wrong with its XML, which limit it breaks, or which
// rule of XEP-0124 it breaks. The table below is the only list. The condition is what a client with
// `ver` is told in a terminate body (XEP-0124 17.2); a client without `ver` gets the HTTP status
// instead (17.1).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

// name, condition, what it means in words for the log
#define BOSHGATE_BODY_ERRORS(X)                                                                    \
    X(none, none, "accepted")                                                                      \
    X(truncated, bad_request, "the document ends before it is complete")                           \
    /* characters: XML 1.0 2.2, 4.1 */                                                             \
    X(bad_utf8, bad_request, "the document is not valid UTF-8")                                    \
    X(bad_character, bad_request, "a character that XML does not allow")                           \
    X(bad_reference, bad_request, "a malformed reference, or to an entity that is not predefined") \
    X(bare_cdata_end, bad_request, "']]>' stands in character data")                               \
    /* what XEP-0124 section 6 forbids */                                                          \
    X(comment, bad_request, "comments are not allowed")                                            \
    X(instruction, bad_request, "processing instructions are not allowed")                         \
    X(doctype, bad_request, "document type declarations are not allowed")                          \
    X(text_in_body, bad_request, "character data directly under the body element")                 \
    X(no_body, bad_request, "the document has no root element")                                    \
    X(wrong_root, bad_request, "the root is not 'body' of http://jabber.org/protocol/httpbind")    \
    X(after_root, bad_request, "something other than white space follows the root element")        \
    /* well-formedness: XML 1.0 2.8, 3.1, Namespaces in XML 1.0 */                                 \
    X(bad_declaration, bad_request, "the XML declaration is malformed or not of version 1.0")      \
    X(bad_encoding, bad_request, "the XML declaration names an encoding other than UTF-8")         \
    X(bad_name, bad_request, "a name is malformed")                                                \
    X(bad_tag, bad_request, "a tag is malformed")                                                  \
    X(bad_markup, bad_request, "'<!' begins something that is not a CDATA section")                \
    X(bad_value, bad_request, "an attribute value is not quoted or contains '<'")                  \
    X(mismatched_tag, bad_request, "an end tag does not match its start tag")                      \
    X(repeated_attribute, bad_request, "an attribute occurs twice in one tag")                     \
    X(unbound_prefix, bad_request, "a namespace prefix is not declared")                           \
    X(bad_namespace, bad_request, "a namespace declaration that is not allowed")                   \
    /* limits */                                                                                   \
    X(size_limit, policy_violation, "the document is too large")                                   \
    X(tag_limit, policy_violation, "the start tag of the body element is too long")                \
    X(name_limit, policy_violation, "a name is too long")                                          \
    X(value_limit, policy_violation, "an attribute value is too long")                             \
    X(attribute_limit, policy_violation, "a tag has too many attributes")                          \
    X(namespace_limit, policy_violation, "too many namespace declarations are in force")           \
    X(depth_limit, policy_violation, "elements are nested too deeply")                             \
    X(element_limit, policy_violation, "there are too many elements")                              \
    /* attributes of a request: XEP-0124 6, 7.1, 22 */                                             \
    X(no_rid, bad_request, "there is no rid")                                                      \
    X(bad_rid, bad_request, "rid is not a plain decimal number from 1 to 2^53-1")                  \
    X(empty_sid, bad_request, "sid is empty")                                                      \
    X(bad_number, bad_request, "wait, hold, pause or ack is not a plain decimal number in range")  \
    X(bad_version, bad_request, "ver is not two plain decimal numbers with a dot between")

enum class body_error : std::uint8_t {
#define BOSHGATE_BODY_ERROR_NAME(name, condition, words) name,
    BOSHGATE_BODY_ERRORS(BOSHGATE_BODY_ERROR_NAME)
#undef BOSHGATE_BODY_ERROR_NAME
};

// How many errors there are: the size of a counter table indexed by body_error.
inline constexpr std::size_t body_error_count = 0
#define BOSHGATE_BODY_ERROR_ONE(name, condition, words) +1
    BOSHGATE_BODY_ERRORS(BOSHGATE_BODY_ERROR_ONE)
#undef BOSHGATE_BODY_ERROR_ONE
    ;

// The error as log and counters print it: "repeated_attribute".
[[nodiscard]] std::string_view name_of(body_error why) noexcept;

// The error in words, for people.
[[nodiscard]] std::string_view words_of(body_error why) noexcept;

// The terminal binding condition for it, as it stands in the condition attribute: "bad-request" or
// "policy-violation" (XEP-0124 17.2). Empty for body_error::none.
[[nodiscard]] std::string_view condition_of(body_error why) noexcept;

// The HTTP status for a client that sent no `ver`: 400 or 403 (XEP-0124 17.1). 0 for
// body_error::none.
[[nodiscard]] int legacy_status_of(body_error why) noexcept;

} // namespace boshgate::routing
