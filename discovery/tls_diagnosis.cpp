#include "discovery/tls_diagnosis.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace boshgate::discovery {
namespace {

constexpr std::int64_t day = 86'400;
constexpr std::size_t names_shown = 4;

bool has(const std::vector<trust_problem>& problems, trust_fault fault) {
    return std::any_of(problems.begin(), problems.end(),
                       [fault](const trust_problem& one) { return one.fault == fault; });
}

// Whole days, downwards: half a day left is 0, half a day ago is -1.
std::int64_t days_until(std::int64_t moment, std::int64_t now) {
    const std::int64_t left = moment - now;
    return left >= 0 ? left / day : -((-left + day - 1) / day);
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), names_shown); ++i) {
        out += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > names_shown) {
        out += " and " + std::to_string(names.size() - names_shown) + " more";
    }
    return out.empty() ? "no host" : out;
}

std::string validity(const certificate_facts& leaf, std::int64_t now) {
    if (leaf.not_before > now) {
        return "not valid before " + counted(days_until(leaf.not_before + day - 1, now), "day") +
               " from now";
    }
    const std::int64_t days = days_until(leaf.not_after, now);
    return leaf.not_after < now ? "expired " + counted(-days, "day") + " ago"
                                : counted(days, "day") + " left";
}

std::string signer(const tls_facts& facts) {
    const certificate_facts& leaf = facts.chain.front();
    if (leaf.signed_itself) {
        return "signed by itself";
    }
    std::string out = "signed by " + leaf.issuer;
    if (!facts.trusted_by.empty() && facts.trusted_by != leaf.issuer) {
        out += ", below " + facts.trusted_by;
    }
    return out + ", " + counted(static_cast<std::int64_t>(facts.chain.size()), "certificate") +
           " sent";
}

std::string words_of(const trust_problem& one, const tls_facts& facts) {
    switch (one.fault) {
    case trust_fault::wrong_pin:
        return "its key is none of the configured pins";
    case trust_fault::signed_itself:
        return "it signed itself";
    case trust_fault::unknown_authority:
        return facts.chain.size() < 2
                   ? "no authority that is trusted signed it, or the node leaves out the "
                     "certificates between"
                   : "no authority that is trusted signed it";
    case trust_fault::wrong_name:
        return "it is for " + listed(facts.chain.front().names) + ", not for " +
               facts.expected_name;
    case trust_fault::expired:
        return "it has expired, or one that signed it has";
    case trust_fault::not_yet_valid:
        return "it is not valid yet, or one that signed it is not";
    case trust_fault::weak:
    case trust_fault::other:
        break;
    }
    return one.words;
}

std::string joined_words(const tls_facts& facts) {
    std::string out;
    for (const trust_problem& one : facts.problems) {
        const std::string words = words_of(one, facts);
        if (out.find(words) == std::string::npos) {
            out += (out.empty() ? "" : "; ") + words;
        }
    }
    return out;
}

std::string in_place(const tls_rules& rules) {
    return "put this in the place of " + rules.place;
}

conf::node with_pin(const tls_rules& rules, const std::string& pin) {
    conf::node node = rules.node;
    node.tls.verify = true;
    node.tls.ca_file.clear();
    node.tls.pins = {pin};
    return node;
}

// Whether the name alone keeps the certificate from being accepted, and another one would do.
bool only_the_name(const tls_facts& facts) {
    return !facts.problems.empty() && !facts.chain.front().names.empty() &&
           std::all_of(facts.problems.begin(), facts.problems.end(), [](const trust_problem& one) {
               return one.fault == trust_fault::wrong_name;
           });
}

void mend_certificate(finding& out, const tls_facts& facts, const tls_rules& rules) {
    if (only_the_name(facts)) {
        conf::node node = rules.node;
        node.tls.server_name = facts.chain.front().names.front();
        // A pattern stands for a name that its owner has to say.
        if (node.tls.server_name.find('*') == std::string::npos) {
            out.mend = "correct the host of the URL; or, if this is the node, " + in_place(rules);
            out.yaml = yaml_of(node);
            return;
        }
    }
    if (has(facts.problems, trust_fault::wrong_pin)) {
        out.mend =
            "if the node's key was changed on purpose (compare the pin on the node itself), " +
            in_place(rules);
    } else if (facts.chain.front().signed_itself) {
        out.mend =
            "if this is the node's key (compare the pin on the node itself), " + in_place(rules);
    } else if (has(facts.problems, trust_fault::expired)) {
        out.mend = "renew the certificate on the node; or trust its key whatever its date: " +
                   in_place(rules);
    } else {
        out.mend = "name the file of the authority with tls.ca_file; or trust the node's key "
                   "(compare the pin on the node itself): " +
                   in_place(rules);
    }
    out.yaml = yaml_of(with_pin(rules, facts.pin));
}

finding judge_accepted(const tls_facts& facts, const tls_rules& rules) {
    const certificate_facts& leaf = facts.chain.front();
    finding out{.check = "certificate"};
    const std::int64_t days = days_until(leaf.not_after, rules.now);
    const std::string date = validity(leaf, rules.now);
    if (!rules.node.tls.pins.empty()) {
        out.what = "its key is pinned; " + signer(facts) + "; " + date;
        if (leaf.not_after < rules.now || leaf.not_before > rules.now) {
            out.what += ", which a pin does not mind";
        }
        return out;
    }
    out.what = signer(facts) + "; for " + listed(leaf.names) + "; " + date;
    if (!rules.node.tls.verify) {
        out.how = verdict::warning;
        out.what = "is not looked at (tls.verify: false), so whoever stands between can read and "
                   "change everything; " +
                   out.what;
        out.mend =
            "if this is the node's key (compare the pin on the node itself), " + in_place(rules);
        out.yaml = yaml_of(with_pin(rules, facts.pin));
    } else if (days < days_warned) {
        out.how = verdict::warning;
        out.mend = "renew the certificate on the node";
    }
    return out;
}

finding judge_certificate(const tls_facts& facts, const tls_rules& rules) {
    finding out;
    if (facts.problems.empty()) {
        out = judge_accepted(facts, rules);
    } else {
        out.check = "certificate";
        out.how = verdict::wrong;
        out.what = "is not accepted: " + joined_words(facts) + " (" + facts.chain.front().subject +
                   ", " + signer(facts) + ", " + validity(facts.chain.front(), rules.now) + ")";
        mend_certificate(out, facts, rules);
    }
    out.measures.push_back({"days_left", days_until(facts.chain.front().not_after, rules.now)});
    return out;
}

finding judge_handshake(const tls_facts& facts, const tls_rules& rules) {
    finding out{.check = "tls"};
    out.measures.push_back({"took_ms", facts.took_ms});
    conf::node node = rules.node;
    switch (facts.end) {
    case tls_end::done:
        out.what =
            facts.version + ", " + facts.cipher + ", in " + std::to_string(facts.took_ms) + " ms";
        if (node.tls.legacy && (facts.version == "TLSv1.3" || facts.version == "TLSv1.2")) {
            out.what += "; tls.legacy may not be needed any more";
        }
        return out;
    case tls_end::plain_http:
        out.what = "what listens there speaks HTTP without TLS";
        node.url.tls = false;
        node.tls = {};
        out.mend =
            "use the node's TLS port; or, in a network that is yours alone, " + in_place(rules);
        out.yaml = yaml_of(node);
        break;
    case tls_end::legacy:
        out.what = "the node speaks only what is too old to be safe (" + facts.error + ")";
        node.tls.legacy = true;
        if (node.tls.pins.empty() && !facts.pin.empty()) {
            node = with_pin({node, {}, 0}, facts.pin);
        }
        out.mend = "update the node; or allow it old TLS, for this node alone: " + in_place(rules);
        out.yaml = yaml_of(node);
        break;
    case tls_end::silent:
        out.what = "the node takes connections, and says nothing in the handshake for " +
                   std::to_string(facts.took_ms) + " ms: it hangs";
        out.mend = "look at the node's process, and restart it";
        break;
    case tls_end::closed:
        out.what = "the node closes the connection in the handshake";
        out.mend = "see that the port of the URL is the node's BOSH port, and what its log says";
        break;
    case tls_end::failed:
        out.what = "the handshake fails: " + facts.error;
        out.mend = "see what the node's log says";
        break;
    }
    out.how = verdict::wrong;
    return out;
}

} // namespace

std::vector<finding> judge_tls(const tls_facts& facts, const tls_rules& rules) {
    std::vector<finding> out{judge_handshake(facts, rules)};
    if (facts.end == tls_end::done && !facts.chain.empty()) {
        out.push_back(judge_certificate(facts, rules));
        out.push_back({.check = "pin", .what = facts.pin});
    }
    return out;
}

finding judge_own_certificate(const own_certificate& facts, std::int64_t now) {
    finding out{.check = "certificate"};
    const certificate_facts& leaf = facts.chain.front();
    const std::int64_t days = days_until(leaf.not_after, now);
    out.measures.push_back({"days_left", days});
    out.what = facts.listener + ": for " + listed(leaf.names) + "; " + validity(leaf, now);
    if (leaf.not_after < now || leaf.not_before > now) {
        out.how = verdict::wrong;
        out.mend = "renew " + facts.file + ", and restart boshgate";
        return out;
    }
    if (leaf.signed_itself) {
        out.how = verdict::warning;
        out.what += "; it signed itself, so browsers warn their users and scripts get no answer";
        out.mend = "get one from an authority that browsers know, or put this one into the trust "
                   "store of all clients";
    } else if (has(facts.problems, trust_fault::unknown_authority)) {
        out.how = verdict::warning;
        out.what += "; no chain leads from it to an authority that this machine trusts (it was "
                    "signed by " +
                    leaf.issuer + ")";
        out.mend = facts.chain.size() < 2
                       ? "append the certificate of who signed it to " + facts.file +
                             ", below the first one; a company's own authority must be in the "
                             "trust store of all clients"
                       : "see that " + facts.file +
                             " has all certificates between; a company's own authority must be in "
                             "the trust store of all clients";
    } else if (!facts.problems.empty()) {
        out.how = verdict::warning;
        out.what += "; " + facts.problems.front().words;
        out.mend = "renew " + facts.file;
    } else {
        out.what += "; signed by " + leaf.issuer;
    }
    if (days < days_warned) {
        out.how = verdict::warning;
        out.mend = "renew " + facts.file + ", and restart boshgate";
    }
    return out;
}

} // namespace boshgate::discovery
