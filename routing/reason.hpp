#pragma once
// Why an exchange ended. One enum for the access log, the counters and the answers that the proxy
// makes itself; the table below is the only list. A reason with a status is a refusal: the proxy
// answers with that HTTP status. A reason without one (0) ends an exchange in another way: the
// node's own answer, a file, or a plain close.

#include <cstdint>
#include <string_view>

namespace boshgate::routing {

// name, HTTP status of the refusal (0: none), what it means in words for the log and the body of
// the refusal
#define BOSHGATE_REASONS(X)                                                                        \
    X(none, 0, "not ended yet")                                                                    \
    X(answered, 0, "the node's answer was passed on")                                              \
    X(replayed, 0, "a copy of an answered request got the answer that was kept")                   \
    X(node_forgot, 0, "the node had forgotten the poll: answered as it should have been")          \
    X(file, 0, "a file was served")                                                                \
    X(lookup, 0, "the nodes of a user were told")                                                  \
    X(host_meta, 0, "the document that names the discovery endpoint was served")                   \
    X(preflight, 0, "a CORS preflight was answered")                                               \
    X(options, 0, "OPTIONS was answered")                                                          \
    /* the request's framing: RFC 9112, answered 400, connection closed */                         \
    X(bad_request_line, 400, "the request line is not METHOD SP target SP HTTP/1.x")               \
    X(bad_version, 400, "only HTTP/1.0 and HTTP/1.1 are spoken here")                              \
    X(bad_target, 400, "the request target is malformed")                                          \
    X(bad_line_ending, 400, "a line does not end in CR LF, or a CR, LF or NUL stands inside one")  \
    X(bad_field, 400, "a header field is malformed")                                               \
    X(folded_field, 400, "a header field is folded over two lines")                                \
    X(host_missing, 400, "HTTP/1.1 requires a Host header field")                                  \
    X(host_repeated, 400, "there is more than one Host header field")                              \
    X(bad_host, 400, "the Host header field is malformed")                                         \
    X(bad_length, 400, "Content-Length is not a plain decimal number")                             \
    X(length_repeated, 400, "there is more than one Content-Length")                               \
    X(length_and_coding, 400, "Content-Length and Transfer-Encoding exclude each other")           \
    X(bad_coding, 400, "the only transfer coding accepted is chunked, once, in HTTP/1.1")          \
    X(bad_chunk, 400, "the chunked body is malformed")                                             \
    X(chunk_overhead, 400, "the chunked body has too many extension or trailer bytes")             \
    X(bad_proxy_header, 0, "no valid PROXY protocol header came first")                            \
    /* limits and deadlines towards clients */                                                     \
    X(head_timeout, 408, "the request head did not arrive in time")                                \
    X(body_timeout, 408, "the request body did not arrive in time")                                \
    X(body_limit, 413, "the request body is too large")                                            \
    X(target_limit, 414, "the request target is too long")                                         \
    X(head_limit, 431, "the request head is too large")                                            \
    X(fields_limit, 431, "there are too many header fields")                                       \
    X(bad_expectation, 417, "the only expectation met here is 100-continue")                       \
    X(coded_body, 415, "a request body with a Content-Encoding is not accepted")                   \
    X(idle_timeout, 0, "nothing came on a kept-alive connection")                                  \
    X(handshake_timeout, 0, "the TLS handshake took too long")                                     \
    X(handshake_failed, 0, "the TLS handshake failed")                                             \
    X(client_write_timeout, 0, "the client did not take its answer")                               \
    X(client_closed, 0, "the client went away")                                                    \
    X(address_limit, 0, "too many connections from one address")                                   \
    /* sessions: XEP-0124 */                                                                       \
    X(superseded, 0, "a newer copy of the request came; the answer goes to that one")              \
    X(bad_body, 400, "the body is not what XEP-0124 allows")                                       \
    X(rid_old, 404, "the rid is too old: its answer is gone")                                      \
    X(rid_window, 404, "the rid is too far ahead")                                                 \
    X(rid_key, 404, "the rid was used before, with another key")                                   \
    X(rid_gap, 503, "a request before this one never came")                                        \
    X(too_many_requests, 403, "too many unanswered requests of one session")                       \
    X(too_many_copies, 403, "the same request came too often")                                     \
    X(request_rate, 403, "too many requests of one session in a short time")                       \
    X(unauthenticated, 403, "the session was not authenticated in time")                           \
    X(not_secure, 0, "a session that was opened over TLS was asked for without TLS")               \
    X(sessions, 503, "too many sessions")                                                          \
    X(unknown_sid, 404, "the sid is none that was given out here")                                 \
    X(address_sessions, 503, "too many sessions of one address")                                   \
    X(address_questions, 503, "too many users were looked for on behalf of one address")           \
    X(address_unauthenticated, 503, "too many unauthenticated sessions of one address")            \
    /* routing */                                                                                  \
    X(no_user, 400, "the parameter jid names no user")                                             \
    X(address_lookups, 429, "too many questions for users from one address")                       \
    X(no_route, 404, "nothing is served at this path")                                             \
    X(no_node, 503, "no node that the user could log in at is there")                              \
    X(method, 405, "this method is not served at this path")                                       \
    X(origin_refused, 403, "requests from this origin are not allowed")                            \
    X(preflight_refused, 403,                                                                      \
      "the preflight asks for a method or header field that is not allowed")                       \
    X(forbidden_path, 404, "this path is not served")                                              \
    X(bad_range, 416, "the range lies outside of the file")                                        \
    X(file_error, 500, "the file could not be read")                                               \
    X(descriptors, 503, "out of file descriptors")                                                 \
    X(draining, 0, "the proxy is shutting down")                                                   \
    /* nodes: phase and what happened */                                                           \
    X(node_unresolved, 503, "the node's name does not resolve")                                    \
    X(node_refused, 503, "the node refused the connection")                                        \
    X(node_unreachable, 503, "the node cannot be reached")                                         \
    X(node_removed, 404, "the node was taken out of the configuration")                            \
    X(node_links, 503, "too many links to the node are open")                                      \
    X(node_connect_timeout, 504, "the node did not accept the connection in time")                 \
    X(node_tls_failed, 502, "the TLS handshake with the node failed")                              \
    X(node_certificate, 502, "the node's certificate was not accepted")                            \
    X(node_write_timeout, 504, "the node did not take the request in time")                        \
    X(node_reset, 502, "the node reset the link before it answered")                               \
    X(node_closed, 502, "the node closed the link before it answered")                             \
    X(node_truncated, 502, "the node's answer broke off")                                          \
    X(node_bad_answer, 502, "the node's answer is not valid HTTP")                                 \
    X(node_head_limit, 502, "the head of the node's answer is too large")                          \
    X(node_redirect, 502, "the node answered with a redirect")                                     \
    X(node_gateway, 503, "something between here and the node cannot reach it")                    \
    X(node_not_bosh, 502, "the node's answer is no BOSH body, nor a known substitute for one")     \
    X(steered_away, 502, "the node sends the client to a URL that nothing here leads to")          \
    X(node_answer_timeout, 504, "the node did not answer in time")                                 \
    X(node_dead, 503, "the node is taken for dead")                                                \
    X(node_drained, 503, "the node gets no new sessions, as the operator wishes")                  \
    X(node_disabled, 503, "the node is disabled, as the operator wishes")

enum class reason : std::uint8_t {
#define BOSHGATE_REASON_NAME(name, status, words) name,
    BOSHGATE_REASONS(BOSHGATE_REASON_NAME)
#undef BOSHGATE_REASON_NAME
};

// How many reasons there are: the size of a counter table indexed by reason.
inline constexpr std::size_t reason_count = 0
#define BOSHGATE_REASON_ONE(name, status, words) +1
    BOSHGATE_REASONS(BOSHGATE_REASON_ONE)
#undef BOSHGATE_REASON_ONE
    ;

// The reason as the access log and the counters print it: "node_refused".
[[nodiscard]] std::string_view name_of(reason why) noexcept;

// The HTTP status of the refusal; 0 when the reason is not a refusal.
[[nodiscard]] int status_of(reason why) noexcept;

// The reason in words, for people.
[[nodiscard]] std::string_view words_of(reason why) noexcept;

} // namespace boshgate::routing
