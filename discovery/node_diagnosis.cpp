#include "discovery/node_diagnosis.hpp"

#include "conf/problem.hpp"
#include "conf/units.hpp"
#include "conf/url.hpp"
#include "routing/ip_address.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace boshgate::discovery {
namespace {

constexpr std::size_t domains_most = 6;

} // namespace

std::string place_of(const node_rules& rules) {
    std::string out = conf::child_path("nodes", rules.node.name);
    if (rules.node.where.line > 0) {
        out += " (" + rules.origin + ":" + std::to_string(rules.node.where.line) + ")";
    }
    return out;
}

std::string in_place(const node_rules& rules) {
    return "put this in the place of " + place_of(rules);
}

std::string in_ms(std::int64_t count) {
    return std::to_string(count) + " ms";
}

std::string enough_for(std::int64_t took_ms) {
    return conf::print_duration(std::chrono::seconds{took_ms / 1000 + 2});
}

std::string why_none(const answer_facts& answer) {
    switch (answer.end) {
    case link_end::refused:
        return "refused the connection";
    case link_end::unreachable:
        return "cannot be reached";
    case link_end::silent:
        return "says nothing for " + in_ms(answer.took_ms) + ": it hangs";
    case link_end::closed:
        return "closes the connection without an answer";
    case link_end::failed:
    case link_end::done:
        break;
    }
    return answer.error.empty() ? "gives no answer" : "gives no answer: " + answer.error;
}

std::string status_of(const answer_facts& answer) {
    return "status " + std::to_string(answer.status);
}

finding judge_name(const name_facts& facts, const node_rules& rules) {
    finding out{.check = "name"};
    const std::string& host = rules.node.url.host;
    out.measures.push_back({"took_ms", facts.took_ms});
    if (!facts.error.empty()) {
        out.how = verdict::wrong;
        out.what = host + " does not resolve: " + facts.error;
        out.mend = "correct the host in " + place_of(rules) +
                   "; or see that the name server that this machine asks (/etc/resolv.conf), or "
                   "/etc/hosts, knows it";
        return out;
    }
    std::string listed;
    for (const std::string& one : facts.addresses) {
        listed += (listed.empty() ? "" : ", ") + one;
    }
    out.what = facts.numeric ? "the URL has an address: " + listed
                             : host + " is at " + listed + ", found in " + in_ms(facts.took_ms);
    if (facts.tried < facts.addresses.size()) {
        out.what += "; the first " + std::to_string(facts.tried) + " were tried";
    }
    if (facts.took_ms > slow_ms) {
        out.how = verdict::warning;
        out.mend = "see why the name server is slow: a name that is asked for first may be silent "
                   "(/etc/resolv.conf)";
    }
    return out;
}

finding judge_connect(const connect_facts& facts, const node_rules& rules) {
    finding out{.check = "connect", .how = verdict::wrong};
    out.measures.push_back({"took_ms", facts.took_ms});
    out.what = facts.address + ": ";
    switch (facts.end) {
    case link_end::done: {
        out.how = verdict::ok;
        out.what += "connected in " + in_ms(facts.took_ms);
        const auto limit = rules.config.timeouts.connect.count();
        if (facts.took_ms >= limit) {
            out.how = verdict::wrong;
            out.what += ", longer than timeouts.connect";
            out.mend = "find out what makes the way there slow; or be more patient";
            out.yaml = "timeouts: { connect: " + enough_for(facts.took_ms) + " }\n";
        }
        break;
    }
    case link_end::refused:
        out.what += "refused: nothing listens there";
        out.mend = "start the node, or correct the port in " + place_of(rules);
        break;
    case link_end::unreachable:
        out.what += "there is no way to it (" + facts.error + ")";
        out.mend = "see the routes of this machine (ip route get ADDRESS), and firewalls that "
                   "refuse";
        break;
    case link_end::silent:
        out.what += "nothing came for " + in_ms(facts.took_ms);
        out.mend = "see that the machine is up, and that no firewall drops what goes to this port";
        break;
    case link_end::closed:
    case link_end::failed:
        out.what += facts.error;
        out.mend = "see that the address is right in " + place_of(rules);
        break;
    }
    return out;
}

finding judge_clock(const answer_facts& facts) {
    if (!facts.date) {
        return {.check = "clock", .what = "the node's is not known: its answers have no Date"};
    }
    // Its answer was made between the two, and a Date has whole seconds.
    std::int64_t ahead = 0;
    if (*facts.date > facts.answered) {
        ahead = *facts.date - facts.answered;
    } else if (*facts.date < facts.asked - 1) {
        ahead = *facts.date - facts.asked;
    }
    finding out{.check = "clock"};
    out.measures.push_back({"ahead_s", ahead});
    const std::int64_t off = std::abs(ahead);
    if (off <= clock_warned_s) {
        out.what = off <= 1 ? "agrees with this machine's"
                            : std::to_string(off) + " s from this machine's";
        return out;
    }
    out.how = off > clock_wrong_s ? verdict::wrong : verdict::warning;
    out.what = "the node's is " + std::to_string(off) + " s " +
               (ahead > 0 ? "ahead of" : "behind") + " this machine's";
    if (off > clock_wrong_s) {
        out.what += ": tokens, Kerberos and young certificates fail";
    }
    out.mend = "see which of the two is wrong (timedatectl), and let NTP set it";
    return out;
}

std::optional<finding> judge_session(const opening_facts& facts, const node_rules& rules) {
    finding out{.check = "session"};
    out.measures.push_back({"took_ms", facts.answer.took_ms});
    const std::string asked = "for " + facts.domain;
    if (facts.opened && !facts.mechanisms.empty()) {
        out.what = "opens " + asked + " and offers " + facts.mechanisms + "; was ended again";
        return out;
    }
    const bool asks_nodes = rules.node.name == rules.config.discovery.primary ||
                            rules.node.name == rules.config.discovery.secondary;
    if (!facts.domain_known) {
        if (!asks_nodes) {
            return std::nullopt;
        }
        out.how = verdict::warning;
        out.what = "none was opened: the domain of the users is not known";
        out.mend = "say it: boshgate doctor --domain example.com; or try one user: boshgate "
                   "discover -c " +
                   rules.origin + " alice@example.com";
        return out;
    }
    out.how = verdict::wrong;
    out.mend = "see what the node's log says";
    if (facts.answer.end != link_end::done) {
        out.what = "none opens " + asked + ": the node " + why_none(facts.answer);
    } else if (facts.opened) {
        out.what = "opens " + asked + ", but offers no way to log in";
        out.mend = "see what the node's log says; some servers offer none without TLS";
    } else if (facts.condition == "host-unknown" || facts.condition == "improper-addressing" ||
               facts.condition == "host-gone") {
        out.what = "the node does not serve " + facts.domain + " (" + facts.condition + ")";
        out.mend = "see that --domain is the domain of the users' JIDs, and that the node's "
                   "configuration has it";
    } else if (!facts.condition.empty()) {
        out.what = "the node refuses one " + asked + ": " + conf::in_quotes(facts.condition);
    } else {
        out.what = "none opens " + asked + " (" + status_of(facts.answer) + ")";
    }
    return out;
}

namespace {

// All that is to be said of what answers at one address.
std::vector<finding> judge_address(const address_facts& facts, const node_rules& rules) {
    std::vector<finding> out{judge_connect(facts.connect, rules)};
    if (facts.tls) {
        const std::int64_t together = facts.connect.took_ms + facts.tls->took_ms;
        for (finding& one : judge_tls(*facts.tls, {rules.node, place_of(rules), rules.now})) {
            if (one.check == "tls" && one.how == verdict::ok &&
                together >= rules.config.timeouts.connect.count() &&
                out.front().how == verdict::ok) {
                one.how = verdict::wrong;
                one.what += "; with the connection that is longer than timeouts.connect";
                one.mend = "find out what makes the node slow; or be more patient";
                one.yaml = "timeouts: { connect: " + enough_for(together) + " }\n";
            }
            out.push_back(std::move(one));
        }
    }
    bool bosh_answers = false;
    if (facts.bosh) {
        out.push_back(judge_bosh(*facts.bosh, rules));
        bosh_answers = out.back().how != verdict::wrong;
    }
    if (facts.session) {
        if (auto found = judge_session(*facts.session, rules)) {
            out.push_back(std::move(*found));
        }
    }
    if (facts.page) {
        out.push_back(judge_page(*facts.page, bosh_answers));
    }
    if (facts.bosh && facts.bosh->answer.end == link_end::done) {
        out.push_back(judge_clock(facts.bosh->answer));
    }
    return out;
}

bool says_the_same(const finding& one, const std::vector<finding>& others) {
    return std::any_of(others.begin(), others.end(), [&one](const finding& other) {
        return other.check == one.check && other.how == one.how && other.yaml == one.yaml;
    });
}

} // namespace

diagnosis diagnose(const node_facts& facts, const node_rules& rules) {
    diagnosis out{"node", rules.node.name, conf::print_url(rules.node.url), {}};
    if (!facts.name.numeric || facts.name.addresses.empty()) {
        out.findings.push_back(judge_name(facts.name, rules));
    }
    const auto first =
        std::find_if(facts.addresses.begin(), facts.addresses.end(),
                     [](const address_facts& one) { return one.connect.end == link_end::done; });
    std::vector<finding> told;
    if (first != facts.addresses.end()) {
        told = judge_address(*first, rules);
        out.findings.insert(out.findings.end(), told.begin(), told.end());
    }
    for (auto one = facts.addresses.begin(); one != facts.addresses.end(); ++one) {
        if (one == first) {
            continue;
        }
        std::vector<finding> more = judge_address(*one, rules);
        out.findings.push_back(more.front());
        for (auto each = more.begin() + 1; each != more.end(); ++each) {
            if (each->how != verdict::ok && !says_the_same(*each, told)) {
                each->what = one->connect.address + ": " + each->what;
                out.findings.push_back(std::move(*each));
            }
        }
    }
    return out;
}

std::vector<std::string> domains_to_try(const conf::config& config) {
    std::map<std::string, int> votes;
    std::vector<std::string> found; // in the order of their first appearance
    const auto vote = [&](std::string domain) {
        if (votes[domain]++ == 0) {
            found.push_back(std::move(domain));
        }
    };
    // The host itself, and what stands behind its first label where that is still a domain.
    const auto take = [&](std::string_view host) {
        if (routing::ip_address::parse(host) || host.find('.') == std::string_view::npos) {
            return;
        }
        const std::string_view parent = host.substr(host.find('.') + 1);
        if (parent.find('.') != std::string_view::npos) {
            vote(std::string(parent));
        }
        vote(std::string(host));
    };
    for (const conf::node& node : config.nodes) {
        take(node.url.host);
        for (const std::string& alias : node.aliases) {
            take(alias.substr(0, alias.find(':')));
        }
    }
    for (const std::string& origin : config.cors.origins) {
        const auto begin = origin.find("://");
        if (begin != std::string::npos && origin.find('*') == std::string::npos) {
            const std::string rest = origin.substr(begin + 3);
            take(rest.substr(0, rest.find(':')));
        }
    }
    std::stable_sort(found.begin(), found.end(), [&](const std::string& a, const std::string& b) {
        return votes[a] > votes[b];
    });
    found.resize(std::min(found.size(), domains_most));
    return found;
}

} // namespace boshgate::discovery
