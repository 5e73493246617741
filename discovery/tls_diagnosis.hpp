#pragma once
// What a node shows in its TLS handshake, and what is to be said about it: by the rules of this
// node's configuration, so that a finding is what the running proxy meets. And certificates of our
// own listeners, as browsers will judge them.

#include "conf/config.hpp"
#include "discovery/diagnosis.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::discovery {

// Within so many days of its end somebody should look at a certificate: automatic renewals are done
// 30 days before.
inline constexpr std::int64_t days_warned = 14;

struct certificate_facts {
    std::string subject; // printable, one line
    std::string issuer;
    std::vector<std::string> names; // DNS names and addresses
    std::int64_t not_before = 0;    // seconds since the epoch
    std::int64_t not_after = 0;
    bool signed_itself = false;
};

// Why a certificate is not accepted. Several may hold at once.
enum class trust_fault : std::uint8_t {
    wrong_pin,
    signed_itself,     // and not trusted
    unknown_authority, // nobody who is trusted signed it, or the chain has a gap
    expired,           // any certificate of the chain
    not_yet_valid,
    wrong_name,
    weak, // key or signature too short
    other,
};

struct trust_problem {
    trust_fault fault = trust_fault::other;
    std::string words; // OpenSSL's
    bool operator==(const trust_problem&) const = default;
};

enum class tls_end : std::uint8_t {
    done,
    plain_http, // what answers speaks HTTP without TLS
    legacy,     // fails; with nodes.<name>.tls.legacy it would not
    silent,     // nothing came until the deadline
    closed,     // the link was closed or reset
    failed,     // with OpenSSL's words in `error`
};

struct tls_facts {
    tls_end end = tls_end::failed;
    std::string error;
    std::string version; // "TLSv1.3"
    std::string cipher;
    std::vector<certificate_facts> chain; // as it was sent, the leaf first
    std::string trusted_by;               // the authority where a verified chain ends
    std::string pin;                      // sha256//... of the leaf's key
    std::string expected_name;            // that the certificate should have
    std::vector<trust_problem> problems;  // empty: accepted
    std::int64_t took_ms = 0;
};

// What is judged against.
struct tls_rules {
    const conf::node& node;
    std::string place;    // "nodes.node-a1 (boshgate.yaml:7)"
    std::int64_t now = 0; // seconds since the epoch
};

// judge_tls finds: tls, certificate, pin, in this order; after a failed handshake the first alone.
[[nodiscard]] std::vector<finding> judge_tls(const tls_facts& facts, const tls_rules& rules);

// A certificate of a listener and its chain, as in its files.
struct own_certificate {
    std::string listener; // "0.0.0.0:8443"
    std::string file;
    std::vector<certificate_facts> chain;
    // Why the system's trust store does not accept it for servers; empty: it does.
    std::vector<trust_problem> problems;
    std::string trusted_by;
};

[[nodiscard]] finding judge_own_certificate(const own_certificate& facts, std::int64_t now);

} // namespace boshgate::discovery
