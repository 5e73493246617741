#pragma once
// The terminal binding conditions of XEP-0124 17.2, and the body that tells a client one of them.
// A terminate that is made here is empty but for its condition: a child in it makes one client take
// it for a login and loop, and without a condition another one dies in silence.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boshgate::routing {

// name, as it stands in the attribute, HTTP status for clients without `ver` (17.1; 0: none, they
// too get the condition)
#define BOSHGATE_BINDING_CONDITIONS(X)                                                             \
    X(bad_request, "bad-request", 400)                                                             \
    X(host_gone, "host-gone", 0)                                                                   \
    X(host_unknown, "host-unknown", 0)                                                             \
    X(improper_addressing, "improper-addressing", 0)                                               \
    X(internal_server_error, "internal-server-error", 0)                                           \
    X(item_not_found, "item-not-found", 404)                                                       \
    X(other_request, "other-request", 0)                                                           \
    X(policy_violation, "policy-violation", 403)                                                   \
    X(remote_connection_failed, "remote-connection-failed", 0)                                     \
    X(system_shutdown, "system-shutdown", 0)                                                       \
    X(undefined_condition, "undefined-condition", 0)

// remote-stream-error and see-other-uri are missing on purpose: they have content that only a node
// can have.
enum class binding_condition : std::uint8_t {
#define BOSHGATE_BINDING_CONDITION_NAME(name, text, status) name,
    BOSHGATE_BINDING_CONDITIONS(BOSHGATE_BINDING_CONDITION_NAME)
#undef BOSHGATE_BINDING_CONDITION_NAME
};

inline constexpr std::size_t binding_condition_count = 0
#define BOSHGATE_BINDING_CONDITION_ONE(name, text, status) +1
    BOSHGATE_BINDING_CONDITIONS(BOSHGATE_BINDING_CONDITION_ONE)
#undef BOSHGATE_BINDING_CONDITION_ONE
    ;

// The condition as it stands in the attribute and in logs: "item-not-found".
[[nodiscard]] std::string_view name_of(binding_condition condition) noexcept;

// The condition that an attribute's text names; undefined_condition for every other text, also for
// none.
[[nodiscard]] binding_condition condition_of(std::string_view text) noexcept;

// The HTTP status that a client without `ver` gets instead: 400, 403 or 404 (XEP-0124 17.1); 0: it
// gets the terminate as everybody does.
[[nodiscard]] int legacy_status_of(binding_condition condition) noexcept;

// The whole document: <body type='terminate' condition='item-not-found' xmlns='...'/>. No
// declaration and no blank in front, no prefix: CAXL looks at the text. Of static storage, so that
// it can be sent as it is. It goes out with 200 and terminate_content_type.
[[nodiscard]] std::string_view terminate_body(binding_condition condition) noexcept;

inline constexpr std::string_view terminate_content_type = "text/xml; charset=utf-8";

} // namespace boshgate::routing
