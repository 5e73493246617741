#pragma once
// The typed configuration: plain structs, every field with its default and its unit.
//
// `conf::load()` fills it from YAML and collects every problem; `proxy/snapshot` compiles it into
// what the request path reads. Nothing here is looked at per request. Where a comment says
// "default", that is the value of the field initialiser: there is no second place for defaults.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Where in the configuration file something stood; 1-based, 0 means "not from a file".
struct mark {
    int line = 0;
    int column = 0;
};

// An http or https URL, taken apart. `target` is what stands on the request line: path plus query.
struct http_url {
    bool tls = false;
    std::string host; // lower case; an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string target = "/";

    bool operator==(const http_url&) const = default;
};

struct certificate_files {
    std::string certificate; // PEM file: leaf first, then the chain
    std::string key;         // PEM file
    mark where;
};

enum class tls_version { v1_2, v1_3 };

struct listener_tls {
    std::vector<certificate_files> certificates; // the first one serves clients whose SNI fits none
    tls_version min_version = tls_version::v1_2;
};

struct listener {
    std::string host;       // numeric address to bind, without brackets; "0.0.0.0", "::"
    std::uint16_t port = 0; // 0: the system chooses (the start-up line of the log says which)
    std::optional<listener_tls> tls;
    bool proxy_protocol = false; // expect a PROXY protocol header (v1 or v2) before anything else
    mark where;
};

struct node_tls {
    bool verify = true;  // false: any certificate is taken; logged loudly at every start
    std::string ca_file; // PEM; empty: the system's trust store
    // "sha256//<base64>" of the SPKI; if any is given, one must match, and it replaces the check of
    // chain and name (self-signed CUP nodes).
    std::vector<std::string> pins;
    std::string server_name; // SNI and name to verify; empty: `host` or the URL's host
    bool legacy = false;     // TLS 1.0 and 1.1, RSA key exchange, old ciphers: this node only

    bool operator==(const node_tls&) const = default;
};

struct node {
    std::string name;                 // the path segment, for instance node-a1
    http_url url;                     // exactly what the node gets
    std::vector<std::string> aliases; // further names that clients may use
    std::string host; // Host header field; empty: the URL's host, with port if not the default one
    node_tls tls;
    mark where;
};

struct cors {
    // "https://chat.example.com", "https://*.example.com", "null", "*"
    std::vector<std::string> origins;
    bool credentials = false; // Access-Control-Allow-Credentials: true
    seconds max_age{7200};    // how long browsers may keep a preflight answer
    std::vector<std::string> allow_headers{"content-type"}; // beyond the CORS safelist
    std::vector<std::string> expose_headers;
    // Answer Access-Control-Request-Private-Network for allowed origins.
    bool private_network = false;
    bool enforce = true; // refuse (403) an actual request whose Origin is neither ours nor listed

    bool operator==(const cors&) const = default;
};

struct web_root {
    std::string path; // directory; empty: no files are served
    std::vector<std::string> index{"index.html"};
    std::string fallback;      // file for unknown paths of a single-page application; empty: 404
    bool precompressed = true; // serve x.br or x.gz when it lies beside x and the client takes it
    seconds max_age{0};        // Cache-Control: max-age; 0: no-cache (revalidate each time)
    // Added to, or instead of, the built-in security header fields; an empty value takes a built-in
    // one away.
    std::map<std::string, std::string> headers;

    bool operator==(const web_root&) const = default;
};

enum class log_level { error, warning, info, debug };
enum class access_log { off, text, json };

struct log {
    log_level level = log_level::info;
    std::string file = "-"; // "-": standard error
    access_log access = access_log::text;
    std::string access_file = "-"; // "-": standard output

    bool operator==(const log&) const = default;
};

// Every duration, named by phase. Each is read in exactly one function; conf/MANUAL.md describes
// them on one page.
struct timeouts {
    // Accept (and PROXY header) until the handshake is done; then close.
    milliseconds tls_handshake{10'000};
    // Between exchanges of one connection, nothing read; then silent close.
    milliseconds idle{75'000};
    milliseconds head{10'000};         // first byte until end of the request head, in all; then 408
    milliseconds body{30'000};         // end of head until end of body, in all; then 408
    milliseconds client_write{30'000}; // one answer: without progress for this long; then close
    milliseconds connect{1'000};       // TCP and TLS to a node, together; then 504
    milliseconds node_write{10'000};   // one request to a node; then as a broken link
    // Request written until the node's answer is complete; then 504. A streamed answer: from each
    // piece to the next. Must exceed the longest `wait` a node grants (Prosody 120 s).
    milliseconds answer{150'000};
    milliseconds link_idle{45'000}; // an unused link is closed; below the node's own keep-alive
    milliseconds resolve{30'000};   // distance between two look-ups of a node's name
    milliseconds drain{30'000};     // SIGTERM until held polls are cut

    bool operator==(const timeouts&) const = default;
};

// What a node is usually asked: does it take a connection, does it get through the TLS handshake,
// does it know that it does not know a session.
enum class health_probe { tcp, tls, bosh };

// How nodes are asked whether they are well.
struct health_config {
    milliseconds interval{1'000}; // silence until a node is asked, and between questions. 0: never
    milliseconds timeout{800};    // of a question: connect, TLS and answer together
    std::uint32_t rise = 2;       // good answers in a row; then a node that was down is up
    std::uint32_t fall = 2;       // failures in a row; then the node is down
    milliseconds give_up{3'200};  // of unanswered questions; then what is held there is given up
    std::uint32_t jitter = 10;    // percent that `interval` may be shorter
    health_probe probe = health_probe::bosh;
    // Sessions are opened for this XMPP domain, to see whether they can be; empty: user's, or none.
    std::string domain;
    // A user whose nodes the discovery nodes know: they must name one; empty: nobody.
    std::string user;
    milliseconds session_interval{600'000}; // between these. 0: only after a doubt
    // The log warns when a node's certificate has fewer days left; 0: never.
    std::uint32_t certificate_days = 14;

    bool operator==(const health_config&) const = default;
};

// Every bound. Each has one place of enforcement, a counter, and a test at n and n+1.
struct limits {
    // Open client connections, all cores; 0: derived from the descriptor limit.
    std::uint32_t connections = 0;
    std::uint32_t connections_per_address = 0; // of one client address; 0: no limit
    std::uint32_t head_bytes = 16 * 1024;      // request line and fields; then 431
    std::uint32_t target_bytes = 8 * 1024;     // then 414
    std::uint32_t fields = 100;                // then 431
    std::uint64_t body_bytes = 1024 * 1024;    // after chunked decoding; then 413
    // By how much chunk heads, extensions and trailers may outgrow the data so far; then 400.
    std::uint32_t chunk_overhead = 16 * 1024;
    // Read ahead while an exchange is pending; then reading stops.
    std::uint32_t pipelined_bytes = 64 * 1024;
    std::uint32_t answer_head_bytes = 16 * 1024; // of a node's answer; then 502
    std::uint32_t answer_fields = 100;           // of a node's answer; then 502
    // A node's answer up to here is relayed whole; a larger one is streamed.
    std::uint32_t answer_buffer = 256 * 1024;
    std::uint32_t links_per_node = 20'000; // open links to one node, all cores; then 503
    // XML elements of one request's <body/>, itself included; then bad-request. What else bounds
    // the XML (depth, attributes, namespaces) is in routing/bosh_body.hpp: no client comes near it.
    std::uint32_t body_elements = 20'000;

    bool operator==(const limits&) const = default;
};

// What the proxy does as one that understands BOSH (XEP-0124), and the bounds of that. A session
// here is what the proxy keeps about one: soft state, which a request of an unknown sid never
// needs.
struct sessions_config {
    // false: bodies are not read, a route passes what it gets, as any HTTP proxy does.
    bool enabled = true;
    std::uint32_t max = 100'000;   // in memory, all cores; then session requests are refused
    std::uint32_t per_address = 0; // of one client address; 0: no limit (NAT, VPN gateways)

    // Clamps of session requests (XEP-0124 7.1). Answers are never changed. 0: as the client asks.
    seconds wait_max{0};
    std::uint32_t hold_max = 0;

    // A poll's answer is awaited for the session's own `wait` and this. CAXL gives up 5 s after
    // `wait`, stanza 33 s after it asked, with a `wait` of 30 s: the proxy must be the first to
    // notice.
    milliseconds answer_margin{2'500};
    // A request whose link broke is repeated to the same node for this long, then the client gets
    // the failure. 0: never repeated.
    milliseconds repeat_budget{4'000};
    // A request that overtook an earlier one waits this long for it. 0: it does not wait.
    milliseconds reorder{5'000};
    // Several instances serve a session by turns: a request waits only this long for an older one
    // that has not come here, for it has come to another one. 0: a session is served by one.
    milliseconds elsewhere{0};

    // Answers kept for a client that repeats a request (XEP-0124 14.3): as many as the session's
    // `requests`, and these.
    std::uint32_t replay_answers = 2;
    std::uint32_t replay_bytes = 64 * 1024;        // of one session; the oldest go first
    std::uint64_t replay_total = 64 * 1024 * 1024; // of the whole process; then none is kept

    // Session request answered until SASL has succeeded; then the session ends. 0: no limit.
    milliseconds authentication_timeout{60'000};
    // Sessions of one client address that have not got through SASL; 0: no limit.
    std::uint32_t unauthenticated_per_address = 1'000;
    // Of one session, in the mean; as many may come at once (XEP-0124 11). 0: no limit.
    std::uint32_t requests_per_second = 0;

    bool operator==(const sessions_config&) const = default;
};

// What clients of a node's own path see of the <hostname> children of the SASL mechanisms, by which
// CAXL finds its user's nodes.
enum class hostnames_shown {
    rewrite, // names that lead back to this proxy; those that cannot are removed
    remove,
    keep,
};

// Where the users found last have their nodes.
struct discovery_cache {
    std::uint32_t users = 100'000; // then the least recently used goes
    milliseconds keep{600'000};    // since it was learnt. 0: nothing is kept

    bool operator==(const discovery_cache&) const = default;
};

// Where clients look for the endpoint (XEP-0156 3, RFC 6415 2), whatever the prefix.
inline constexpr std::array<std::string_view, 2> host_meta_paths{"/.well-known/host-meta",
                                                                 "/.well-known/host-meta.json"};

// GET path?jid=alice@example.com: which nodes a user has, for programs.
struct discovery_lookup {
    std::string path; // `prefix` goes before it; empty: there is no such path
    // Of one client address, in a minute, in the mean; as many may come at once. 0: no limit.
    std::uint32_t per_address = 30;

    bool operator==(const discovery_lookup&) const = default;
};

// The discovery endpoint: one path for all users, behind which the proxy finds each user's node.
struct discovery_config {
    // `prefix` goes before it; a user may stand behind it: /httpbinding/alice@example.com. Empty:
    // there is no discovery endpoint.
    std::string path;
    std::string primary;   // name of the node that is asked for a user's nodes
    std::string secondary; // and of the one asked when it fails; may be empty
    // A request header field with the user's JID, believed from `trusted_proxies` only; empty:
    // none.
    std::string user_header;
    // One node, asked for a session: connect, TLS and answer together; then the next one is tried.
    milliseconds step{1'000};
    milliseconds patience{5'000}; // one login in all; then the client is told
    std::uint32_t steps_max = 12; // nodes asked in one login; then the client is told
    discovery_cache cache;
    // A session whose user is only known from its SASL <auth> moves to the user's node then.
    bool move_at_auth = true;
    // Secrets of the tags in sids, one a line (conf/secrets.hpp); empty: made when the process
    // starts.
    std::string keys_file;
    hostnames_shown hostnames = hostnames_shown::rewrite;
    // Logins of one client address that had to ask for the user's nodes, in a minute, in the mean;
    // as many may come at once. 0: no limit. Wide: users behind one gateway come back together.
    std::uint32_t questions_per_address = 1'000;
    discovery_lookup lookup;
    // /.well-known/host-meta and host-meta.json (XEP-0156) are ours, and name the endpoint.
    bool host_meta = false;

    bool operator==(const discovery_config&) const = default;
};

// The listener for the operator and for monitoring: state, metrics, and what may be changed while
// the proxy runs. Plain HTTP.
struct admin_config {
    std::string host = "127.0.0.1"; // numeric address to bind, without brackets; empty: none
    std::uint16_t port = 9380;      // 0: the system chooses
    // Names besides numeric addresses and localhost that requests may have as their Host: a page
    // whose name was bent to our address (DNS rebinding) does not know them.
    std::vector<std::string> names;
    // Tokens of those who may change something, one a line (conf/secrets.hpp); empty: nobody may.
    std::string token_file;

    bool operator==(const admin_config&) const = default;
};

struct config {
    unsigned threads = 0; // cores to run; 0: as many as the machine has
    std::vector<listener> listen;
    // "/app": node paths become /app/node-a1; empty or "/...", no trailing slash.
    std::string prefix;
    std::optional<conf::web_root> web_root;
    std::vector<node> nodes; // in the order of the file
    // Further paths, each to one node's name: /httpbinding -> node-sd1.
    std::map<std::string, std::string> routes;
    conf::cors cors;
    // Addresses or CIDR blocks whose X-Forwarded-For is believed.
    std::vector<std::string> trusted_proxies;
    // Passed to nodes, and from nodes to clients.
    std::vector<std::string> request_headers{"accept", "accept-language", "user-agent"};
    std::vector<std::string> answer_headers{
        "cache-control", "content-encoding", "content-language", "content-type", "date",
        "etag",          "expires",          "last-modified",    "retry-after"};
    conf::timeouts timeouts;
    conf::limits limits;
    sessions_config sessions;
    discovery_config discovery;
    health_config health;
    admin_config admin;
    conf::log log;
};

} // namespace boshgate::conf
