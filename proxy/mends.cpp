#include "proxy/mends.hpp"

namespace boshgate::proxy {

using discovery::health_reason;
using routing::reason;

namespace {

constexpr advice normal{};

constexpr advice framing{
    concern::client,
    "Find the program by its address in the access log. Browsers and BOSH libraries send no such "
    "requests; scanners and home-made scripts do. Nothing is wrong here."};

constexpr advice slow_client{
    concern::client, "Now and then this is a bad mobile network. Many at once, from many "
                     "addresses: look at the network in front of boshgate, or raise the timeout."};

constexpr advice session_misuse{
    concern::client,
    "One client broke the rules of its session and was told to open a new one. Often the same "
    "page in two tabs with one stored sid, or a library that counts its rid wrongly."};

constexpr advice by_address{
    concern::here, "If many users share one address (a gateway, a balancer without "
                   "trusted_proxies), raise the limit or list the balancer in trusted_proxies; "
                   "else one address asks for too much."};

constexpr advice node_broke{
    concern::node,
    "Look at the node's own log at this time: it ended or restarted, or a box between here and "
    "there cuts links that are idle. boshgate repeats what is safe to repeat."};

constexpr advice node_wrong_url{
    concern::node, "Compare the node's URL in the configuration with where its BOSH module "
                   "listens: port, http or https, and path."};

} // namespace

// One switch, longer than functions are here, so that the compiler sees what is missing.
advice mend_of(reason why) noexcept {
    switch (why) {
    case reason::none:
    case reason::answered:
    case reason::replayed:
    case reason::file:
    case reason::lookup:
    case reason::host_meta:
    case reason::preflight:
    case reason::options:
    case reason::idle_timeout:
    case reason::client_closed:
    case reason::superseded:
        return normal;
    case reason::bad_request_line:
    case reason::bad_version:
    case reason::bad_target:
    case reason::bad_line_ending:
    case reason::bad_field:
    case reason::folded_field:
    case reason::host_missing:
    case reason::host_repeated:
    case reason::bad_host:
    case reason::bad_length:
    case reason::length_repeated:
    case reason::length_and_coding:
    case reason::bad_coding:
    case reason::bad_chunk:
    case reason::chunk_overhead:
    case reason::bad_expectation:
    case reason::method:
    case reason::forbidden_path:
    case reason::bad_range:
        return framing;
    case reason::bad_proxy_header:
        return {concern::here,
                "Somebody connects past the balancer, or the balancer does not send the PROXY "
                "protocol: switch it on there, or proxy_protocol off here."};
    case reason::head_timeout:
    case reason::body_timeout:
    case reason::client_write_timeout:
    case reason::handshake_timeout:
        return slow_client;
    case reason::body_limit:
        return {concern::client, "If users send such messages on purpose (pictures inline, say), "
                                 "raise limits.body_bytes, and look at the node's own limit."};
    case reason::target_limit:
    case reason::head_limit:
    case reason::fields_limit:
        return {concern::client, "Mostly cookies of other applications on the same domain: give "
                                 "boshgate a name of its own, or raise the limit."};
    case reason::coded_body:
        return {concern::client, "The client compresses its requests, which no BOSH node "
                                 "understands: switch that off in the client."};
    case reason::handshake_failed:
        return {concern::client,
                "The client is too old, speaks plain HTTP to a TLS port, or does not trust the "
                "certificate: open the page in a browser, look at the certificate's chain, names "
                "and dates. log.level debug says why for each."};
    case reason::address_limit:
    case reason::address_sessions:
    case reason::address_questions:
    case reason::address_unauthenticated:
    case reason::address_lookups:
        return by_address;
    case reason::bad_body:
        return {concern::client,
                "A client sends what XEP-0124 does not allow: find its address and library in the "
                "access log. Scanners do so too."};
    case reason::rid_old:
    case reason::rid_window:
    case reason::rid_key:
    case reason::rid_gap:
    case reason::too_many_requests:
    case reason::too_many_copies:
    case reason::request_rate:
        return session_misuse;
    case reason::unauthenticated:
        return {concern::client,
                "Sessions were opened and nobody logged in: a login form that opens its session "
                "too early, wrong passwords, or somebody who tries the door."};
    case reason::not_secure:
        return {concern::client, "Let clients use one listener only, and let the balancer send "
                                 "X-Forwarded-Proto with every request."};
    case reason::sessions:
        return {concern::here,
                "sessions.max is reached: raise it, or share the users among more instances."};
    case reason::unknown_sid:
        return {concern::here,
                "After a restart this passes by itself. If it goes on, give all instances the same "
                "discovery.keys_file, so that each knows the sids of the others."};
    case reason::no_user:
        return {concern::client, "A program asks for a user and names none: it wants "
                                 "?jid=alice@example.com."};
    case reason::no_route:
        return {concern::client,
                "Compare the path in the access log with nodes, routes and discovery.path of the "
                "configuration: a wrong URL in a client, an old bookmark, or a scanner."};
    case reason::no_node:
        return {concern::node, "No node was left to try for a user: see which are down or "
                               "drained, and bring one back."};
    case reason::origin_refused:
        return {concern::here, "If the page is yours, add its origin (https://host, as the "
                               "browser sends it) to cors.origins."};
    case reason::preflight_refused:
        return {concern::here, "If the page is yours, add the header field that it sends to "
                               "cors.allow_headers."};
    case reason::file_error:
        return {concern::here, "Look at the file's permissions and at the disk: the user that "
                               "boshgate runs as must be able to read web_root."};
    case reason::descriptors:
        return {concern::here, "Raise the limit of open files (LimitNOFILE= of the service), to "
                               "two for each user and some more."};
    case reason::draining:
        return {concern::here, "The process is being ended on purpose. Clients come back to the "
                               "next one."};
    case reason::node_unresolved:
        return {concern::node, "Look the node's name up on this machine (getent hosts NAME); mend "
                               "DNS, or write its address into the URL."};
    case reason::node_refused:
        return {concern::node, "Start the node, or mend the port of its URL: nobody listens "
                               "there."};
    case reason::node_unreachable:
        return {concern::node, "There is no way to the node's network: look at routes, firewall "
                               "and cables between here and there."};
    case reason::node_links:
        return {concern::here, "limits.links_per_node is reached: raise it, and the limit of "
                               "connections at the node."};
    case reason::node_connect_timeout:
        return {concern::node, "The node hangs, or a firewall drops its packets: try `nc -vz HOST "
                               "PORT` from this machine."};
    case reason::node_tls_failed:
        return {concern::node, "An http node under an https URL, or one so old that it needs "
                               "tls.legacy: true. The log has OpenSSL's own words."};
    case reason::node_certificate:
        return {concern::node,
                "Renew the node's certificate, or tell boshgate to trust it: tls.ca_file, or the "
                "pin that the log names, if it is the node's own."};
    case reason::node_write_timeout:
    case reason::node_answer_timeout:
        return {concern::node, "The node takes requests and does not answer: look at its load, "
                               "its database and its log."};
    case reason::node_reset:
    case reason::node_closed:
    case reason::node_truncated:
        return node_broke;
    case reason::node_bad_answer:
    case reason::node_not_bosh:
    case reason::node_head_limit:
        return node_wrong_url;
    case reason::node_forgot:
        return {concern::here, "Another instance of boshgate ended, or lost its links to the node. "
                               "This client noticed nothing; look why that instance ended."};
    case reason::node_redirect:
        return {concern::node, "Write the URL that the node redirects to into the configuration: "
                               "clients must not be sent around the proxy."};
    case reason::node_gateway:
        return {concern::node, "A balancer or proxy in front of the node answers for it and "
                               "cannot reach it: look there, or give the node's own URL."};
    case reason::steered_away:
        return {concern::node, "Add the node that clients are sent to under nodes, or its name as "
                               "an alias: the log names the URL."};
    case reason::node_dead:
        return {concern::node, "The node is down, and users are told so at once: see its reason. "
                               "It is used again by itself when it answers."};
    case reason::node_removed:
        return {concern::here, "A reload took the node out of the configuration. Users who still "
                               "had it go elsewhere with their next session; put it back if that "
                               "was not meant."};
    case reason::node_drained:
    case reason::node_disabled:
        return {concern::node, "You wished so. Enable the node when its maintenance is over."};
    }
    return normal;
}

std::string_view mend_of(health_reason why) noexcept {
    switch (why) {
    case health_reason::none:
        break;
    case health_reason::unresolved:
        return mend_of(reason::node_unresolved).mend;
    case health_reason::refused:
        return mend_of(reason::node_refused).mend;
    case health_reason::unreachable:
        return mend_of(reason::node_unreachable).mend;
    case health_reason::connect_timeout:
        return mend_of(reason::node_connect_timeout).mend;
    case health_reason::tls:
        return mend_of(reason::node_tls_failed).mend;
    case health_reason::certificate:
        return mend_of(reason::node_certificate).mend;
    case health_reason::broken_link:
        return node_broke.mend;
    case health_reason::silent:
        return "The node takes connections and says nothing: its process hangs or its machine "
               "stands still. Look at its load and its log; restart it if it does not come back.";
    case health_reason::gateway:
        return mend_of(reason::node_gateway).mend;
    case health_reason::no_bosh:
        return "Something answers, but not BOSH: load the BOSH module of the node (mod_bosh, "
               "ejabberd_bosh, the XMPP web service), or mend the path of its URL.";
    case health_reason::bad_answer:
        return node_wrong_url.mend;
    case health_reason::sick:
        return "The node ends sessions with errors of its own: its log says which part of it "
               "fails, a database or a directory as a rule.";
    case health_reason::no_session:
        return "The node speaks BOSH and opens no session: look whether it serves the users' "
               "domain, and at its limits.";
    case health_reason::no_mechanisms:
        return "The node offers no way to log in: look at its authentication, and whether it "
               "demands TLS that it does not see behind this proxy.";
    case health_reason::no_hostnames:
        return "The node names no node for the test user: look whether that user exists and has "
               "a home.";
    }
    return {};
}

std::string_view mend_of_health(std::string_view reason_name) noexcept {
#define BOSHGATE_HEALTH_MEND(name, words)                                                          \
    if (reason_name == #name) {                                                                    \
        return mend_of(health_reason::name);                                                       \
    }
    BOSHGATE_HEALTH_REASONS(BOSHGATE_HEALTH_MEND)
#undef BOSHGATE_HEALTH_MEND
    return {};
}

std::string_view mend_of(log_topic topic) noexcept {
    switch (topic) {
    case log_topic::accept:
        return "The limit of open files or limits.connections is reached: raise what the line "
               "names. New users wait until others have gone.";
    case log_topic::descriptors:
        return mend_of(reason::descriptors).mend;
    case log_topic::node_tls:
        return "The line has what OpenSSL found. Renew the node's certificate, or trust it "
               "(tls.ca_file, or the pin that the line names); a node that is too old needs "
               "tls.legacy: true.";
    case log_topic::node_answer:
        return "Look at the node's own log at this time.";
    case log_topic::node_life:
        return "See the node's state and reason.";
    case log_topic::admin:
        return "Somebody asked this listener for what he may not have: a page of another site, a "
               "name that is not in admin.names, or a wrong token.";
    }
    return {};
}

std::string_view name_of(concern where) noexcept {
    switch (where) {
    case concern::client:
        return "client";
    case concern::here:
        return "here";
    case concern::node:
        return "node";
    case concern::none:
        break;
    }
    return "none";
}

} // namespace boshgate::proxy
