#pragma once
// What was found out about one node, and what is to be said about it: its name, each of its
// addresses, TLS, what its URL answers to BOSH and to a browser, its clock, and whether it opens
// sessions. discovery/tls_diagnosis has the part about TLS.

#include "conf/config.hpp"
#include "discovery/diagnosis.hpp"
#include "discovery/tls_diagnosis.hpp"
#include "routing/node_translation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::discovery {

// A name that takes longer, or an answer, is worth a look.
inline constexpr std::int64_t slow_ms = 1'000;
// Clocks that differ by more are worth a look; beyond the second figure tokens, Kerberos and
// certificates fail (RFC 4120 7.5.1 has five minutes).
inline constexpr std::int64_t clock_warned_s = 10;
inline constexpr std::int64_t clock_wrong_s = 300;

// How an attempt on the network ended.
enum class link_end : std::uint8_t {
    done,
    refused,     // nobody listens there
    unreachable, // no way there
    silent,      // nothing came until the deadline
    closed,      // closed or reset before it was complete
    failed,      // another error, in words beside it
};

struct name_facts {
    bool numeric = false; // the URL has an address; nothing was looked up
    std::vector<std::string> addresses;
    std::size_t tried = 0; // of these, from the front
    std::string error;     // not empty: the look-up failed
    std::int64_t took_ms = 0;
};

struct connect_facts {
    std::string address; // "192.0.2.7 port 7335"
    link_end end = link_end::done;
    std::string error; // of failed
    std::int64_t took_ms = 0;
};

// An HTTP answer, or why there is none.
struct answer_facts {
    link_end end = link_end::done;
    std::string error;      // of failed: what is wrong with the answer
    bool not_http = false;  // bytes came that are no HTTP
    bool tls_alert = false; // ... but TLS
    int status = 0;
    std::string content_type;
    std::string location;
    std::string body; // as far as it was read
    std::int64_t took_ms = 0;
    std::optional<std::int64_t> date; // its Date, seconds since the epoch
    std::int64_t asked = 0;           // when it was asked for, and when it had come: our clock
    std::int64_t answered = 0;
};

// What came to a POST of a <body/> with an invented sid (XEP-0124 17.2: item-not-found).
struct bosh_facts {
    answer_facts answer;
    routing::answer_meaning meaning = routing::answer_meaning::bosh;
    bool terminates = false;
    std::string condition;
    // Some BOSH servers answer an unknown sid with 404, as all do for a path that does not exist.
    // These have another answer for a POST without a body than other paths of the same server: 400.
    bool not_found_is_bosh = false;
    std::string found_at;     // another path of this node where there is BOSH; empty: none known
    bool tls_answers = false; // of an http URL: the port speaks TLS
    std::string tls_pin;      // and this is its key
    bool tls_trusted = false; // and it needs no pin
};

// What came of opening a session, and ending it.
struct opening_facts {
    answer_facts answer;
    std::string domain;        // that was asked for
    bool domain_known = false; // or else guessed from names
    std::string mechanisms;    // offered, in the order of the alphabet; empty: none
    std::string condition;     // of a terminate
    bool opened = false;
};

struct address_facts {
    connect_facts connect;
    std::optional<tls_facts> tls;
    std::optional<bosh_facts> bosh;
    std::optional<answer_facts> page; // of a GET
    std::optional<opening_facts> session;
};

struct node_facts {
    name_facts name;
    std::vector<address_facts> addresses;
};

struct node_rules {
    const conf::config& config;
    const conf::node& node;
    std::string origin;   // the configuration's file, as the operator named it
    std::int64_t now = 0; // seconds since the epoch
};

// "nodes.node-a1 (boshgate.yaml:7)"
[[nodiscard]] std::string place_of(const node_rules& rules);

// Words that several findings have in common.
[[nodiscard]] std::string in_place(const node_rules& rules); // "put this in the place of nodes..."
[[nodiscard]] std::string in_ms(std::int64_t count);         // "12 ms"
// A duration that is enough for what took so long, in whole seconds: "4s".
[[nodiscard]] std::string enough_for(std::int64_t took_ms);
// Why there is no answer, in words that follow "the node".
[[nodiscard]] std::string why_none(const answer_facts& answer);
[[nodiscard]] std::string status_of(const answer_facts& answer); // "status 404"

[[nodiscard]] finding judge_name(const name_facts& facts, const node_rules& rules);
[[nodiscard]] finding judge_connect(const connect_facts& facts, const node_rules& rules);
[[nodiscard]] finding judge_bosh(const bosh_facts& facts, const node_rules& rules);
[[nodiscard]] finding judge_page(const answer_facts& facts, bool bosh_answers);
[[nodiscard]] finding judge_clock(const answer_facts& facts);
// nullopt: it says nothing, because the domain was only guessed.
[[nodiscard]] std::optional<finding> judge_session(const opening_facts& facts,
                                                   const node_rules& rules);

// diagnose puts it together: one line for the name; for the first address that takes connections
// all lines; for each other one its connection, and what is worse there than at the first.
[[nodiscard]] diagnosis diagnose(const node_facts& facts, const node_rules& rules);

// domains_to_try lists domains that the users of these nodes may have, the likeliest first, at most
// six: what the names of nodes and the origins of pages have in common.
[[nodiscard]] std::vector<std::string> domains_to_try(const conf::config& config);

} // namespace boshgate::discovery
