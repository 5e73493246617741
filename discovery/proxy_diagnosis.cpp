#include "discovery/proxy_diagnosis.hpp"

#include "conf/units.hpp"
#include "discovery/node_diagnosis.hpp"

#include <algorithm>
#include <utility>

namespace boshgate::discovery {
namespace {

constexpr std::string_view elsewhere = "https://elsewhere.invalid";

// A node that could stand in for the primary one.
std::string other_node(const conf::config& config) {
    const auto found =
        std::find_if(config.nodes.begin(), config.nodes.end(),
                     [&](const conf::node& one) { return one.name != config.discovery.primary; });
    return found == config.nodes.end() ? "" : found->name;
}

} // namespace

std::vector<finding> judge_configuration(const std::vector<conf::problem>& problems) {
    std::vector<finding> out;
    for (const conf::problem& one : problems) {
        const bool warns = one.level == conf::severity::warning;
        out.push_back({.check = "configuration",
                       .how = warns ? verdict::warning : verdict::wrong,
                       .what = conf::to_log_text(one)});
    }
    if (out.empty()) {
        out.push_back({.check = "configuration", .what = "in order"});
    }
    return out;
}

finding judge_port(const port_facts& facts) {
    finding out{.check = "listener", .how = verdict::wrong, .what = facts.listener};
    switch (facts.state) {
    case port_state::free:
        out.how = verdict::ok;
        out.what += facts.port == 0 ? ": the system will choose the port" : " is free";
        break;
    case port_state::ours:
        out.how = verdict::ok;
        out.what +=
            ": a boshgate listens there" + (facts.holder.empty() ? "" : " (" + facts.holder + ")");
        break;
    case port_state::taken:
        out.what += " is taken" + (facts.holder.empty() ? "" : " by " + facts.holder);
        out.mend =
            facts.holder.empty()
                ? "find out by whom (as root: ss -ltnp sport = :" + std::to_string(facts.port) +
                      "); end it, or listen elsewhere"
                : "end it, or listen elsewhere";
        break;
    case port_state::forbidden:
        out.how = verdict::warning;
        out.what += ": this user may not listen there";
        out.mend = "start boshgate with the privilege (systemd: "
                   "AmbientCapabilities=CAP_NET_BIND_SERVICE), as docker/boshgate.service does; or "
                   "use a port from 1024 on";
        break;
    case port_state::no_address:
        out.what += ": this machine does not have the address";
        out.mend = "listen on an address of this machine (ip address), or on all of them";
        out.yaml = "listen:\n  - address: 0.0.0.0:" + std::to_string(facts.port) + "\n";
        break;
    case port_state::failed:
        out.what += ": " + facts.error;
        out.mend = "listen elsewhere";
        break;
    }
    return out;
}

finding judge_descriptors(const descriptor_facts& facts, const proxy_rules& rules) {
    finding out{.check = "descriptors"};
    const std::uint64_t wanted = rules.config.limits.connections;
    const std::uint64_t needed = 2 * wanted + descriptors_besides;
    out.measures.push_back({"limit", static_cast<std::int64_t>(facts.limit)});
    const std::string whose =
        facts.process != 0
            ? "the boshgate that runs (process " + std::to_string(facts.process) + ") may open "
            : "a process that is started like this one may open ";
    out.what = whose + std::to_string(facts.limit) + " files";
    // A held poll takes two: the client's and the link's.
    const std::uint64_t room =
        facts.limit > descriptors_besides ? (facts.limit - descriptors_besides) / 2 : 0;
    const auto raise_to = [&](std::uint64_t files) {
        out.mend = "raise the hard limit of open files: LimitNOFILE=" + std::to_string(files) +
                   " in the systemd unit, --ulimit nofile=" + std::to_string(files) +
                   " for a container";
    };
    if (wanted != 0) {
        out.what +=
            "; limits.connections: " + std::to_string(wanted) + " needs " + std::to_string(needed);
        if (needed > facts.limit) {
            out.how = verdict::wrong;
            raise_to(needed);
            if (room > 0) {
                out.mend += "; or lower the limit of connections";
                out.yaml = "limits: { connections: " + std::to_string(room) + " }\n";
            }
        }
        return out;
    }
    out.what += ", enough for " + std::to_string(room) + " connections";
    if (room < connections_expected) {
        out.how = verdict::warning;
        raise_to(65'536);
    }
    return out;
}

std::optional<finding> judge_files(const file_facts& facts, const proxy_rules& rules) {
    if (!rules.config.web_root || rules.config.web_root->path.empty()) {
        return std::nullopt;
    }
    const conf::web_root& root = *rules.config.web_root;
    finding out{.check = "files"};
    if (!facts.index.empty() || root.index.empty()) {
        out.what = root.path + " is readable" +
                   (facts.index.empty() ? "" : ", and / is its " + facts.index);
        return out;
    }
    out.how = verdict::warning;
    out.what = root.path + " has no " + root.index.front() + " that can be read, so / is " +
               (root.fallback.empty() ? "404" : "its " + root.fallback);
    out.mend = "put it there, readable for the user that runs boshgate; or name the page with "
               "web_root.index";
    return out;
}

std::vector<finding> judge_discovery(std::size_t secrets, const proxy_rules& rules) {
    const conf::discovery_config& settings = rules.config.discovery;
    std::vector<finding> out;
    if (settings.path.empty()) {
        return out;
    }
    finding nodes{.check = "discovery"};
    nodes.what = rules.config.prefix + settings.path + " asks " + settings.primary;
    if (!settings.secondary.empty()) {
        nodes.what += ", and " + settings.secondary + " when that fails";
    } else {
        nodes.how = verdict::warning;
        nodes.what += " alone: while it is down, nobody's nodes are known";
        const std::string other = other_node(rules.config);
        nodes.mend = "name another node, below `discovery`";
        nodes.yaml = other.empty() ? "" : "secondary: " + other + "\n";
    }
    out.push_back(std::move(nodes));
    finding keys{.check = "keys"};
    if (settings.keys_file.empty()) {
        keys.what = "sids are signed by the process alone: sessions end with it, and several "
                    "instances need discovery.keys_file";
    } else {
        keys.what =
            settings.keys_file + " has " + counted(static_cast<std::int64_t>(secrets), "secret");
    }
    out.push_back(std::move(keys));
    return out;
}

std::vector<cors_facts> origins_to_try(const conf::cors& settings) {
    std::vector<cors_facts> out;
    for (const std::string& origin : settings.origins) {
        if (out.size() == origins_shown) {
            break;
        }
        cors_facts one{.origin = origin == "*" ? std::string(elsewhere) : origin, .entry = origin};
        if (const auto star = one.origin.find("://*."); star != std::string::npos) {
            one.origin.replace(star + 3, 1, "any");
        }
        out.push_back(std::move(one));
    }
    if (std::find(settings.origins.begin(), settings.origins.end(), "*") ==
        settings.origins.end()) {
        out.push_back({.origin = std::string(elsewhere)});
    }
    return out;
}

void ask_policy(const routing::cors_policy& policy, cors_facts& origin) {
    // The host of no page: an origin that is this site's own needs no permission.
    const routing::cors_verdict verdict = policy.judge(origin.origin, "this-site.invalid", true);
    std::string scratch;
    const std::string_view fields = policy.answer_fields(verdict, origin.origin, scratch);
    origin.allowed = verdict.kind == routing::origin_kind::allowed &&
                     fields.find("Access-Control-Allow-Origin: ") != std::string_view::npos;
    origin.credentials =
        origin.allowed && fields.find("Access-Control-Allow-Credentials: true") != fields.npos;
    origin.preflight =
        policy
            .preflight_fields(verdict, origin.origin, {.method = "POST", .headers = "content-type"})
            .has_value();
}

namespace {

// Everybody who is not listed.
finding judge_unlisted(const proxy_rules& rules) {
    const conf::cors& settings = rules.config.cors;
    finding out{.check = "cors"};
    out.what =
        std::string(settings.origins.empty() ? "pages of other origins" : "all other pages") +
        (settings.enforce ? " are refused with 403"
                          : " reach the nodes, and their browsers keep the answers from them");
    if (settings.origins.empty() && !rules.config.web_root) {
        out.how = verdict::warning;
        out.what += ", and there is no web_root: no page can use the nodes";
        out.mend = "list the origin of the pages";
        out.yaml = "cors: { origins: [https://chat.example.com] }\n";
    }
    return out;
}

finding judge_listed(const cors_facts& one, const proxy_rules& rules) {
    finding out{.check = "cors", .what = one.entry};
    out.what += one.entry == one.origin ? ": " : " (tried as " + one.origin + "): ";
    if (one.allowed && one.preflight) {
        out.what += std::string("allowed, ") + (one.credentials ? "with" : "without") +
                    " credentials; browsers keep that for " +
                    conf::print_duration(rules.config.cors.max_age);
        return out;
    }
    out.how = verdict::wrong;
    out.what += one.allowed ? "allowed, but not its preflights" : "is not allowed all the same";
    out.mend = "write the origin as browsers send it";
    return out;
}

} // namespace

std::vector<finding> judge_cors(const std::vector<cors_facts>& facts, const proxy_rules& rules) {
    std::vector<finding> out;
    for (const cors_facts& one : facts) {
        out.push_back(!one.entry.empty() ? judge_listed(one, rules) : judge_unlisted(rules));
    }
    if (const std::size_t all = rules.config.cors.origins.size(); all > origins_shown) {
        out.push_back({.check = "cors",
                       .what = "the first " + std::to_string(origins_shown) + " of " +
                               std::to_string(all) + " origins are shown"});
    }
    return out;
}

std::optional<finding> judge_own_clock(const std::vector<std::int64_t>& ahead) {
    const auto [least, most] = std::minmax_element(ahead.begin(), ahead.end());
    const auto off = [](std::int64_t by) { return by < 0 ? -by : by; };
    if (ahead.size() < 2 || *most - *least > clock_warned_s || off(*least) <= clock_warned_s ||
        off(*most) <= clock_warned_s) {
        return std::nullopt;
    }
    finding out{.check = "clock", .how = verdict::warning};
    if (off(*least) > clock_wrong_s) {
        out.how = verdict::wrong;
    }
    out.what = "this machine's is " + std::to_string(off(*least)) + " s " +
               (*least > 0 ? "behind" : "ahead of") + " those of all nodes";
    out.mend = "let NTP set it (timedatectl set-ntp true)";
    return out;
}

} // namespace boshgate::discovery
