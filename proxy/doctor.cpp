#include "proxy/doctor.hpp"

#include "conf/suggest.hpp"
#include "discovery/node_diagnosis.hpp"
#include "discovery/proxy_diagnosis.hpp"
#include "proxy/configuration.hpp"
#include "proxy/doctor_self.hpp"
#include "proxy/home_lookup.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <ctime>
#include <iterator>
#include <mutex>
#include <utility>

namespace boshgate::proxy {

using discovery::diagnosis;
using discovery::finding;
using discovery::verdict;

namespace {

// Threads that mostly wait: a hundred dead nodes are told within two steps.
constexpr std::size_t nodes_at_once = 64;

bool is_domain(const std::string& text) {
    return !text.empty() && text.size() <= 253 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '-' || c >= 0x80;
           });
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
    out.append(",\"").append(key).append("\":");
    if (text.empty()) {
        out += "null";
    } else {
        append_json_text(out, text);
    }
}

std::string json_of(const finding& one) {
    std::string out =
        "{\"check\":\"" + one.check + "\",\"verdict\":\"" + std::string(name_of(one.how)) + "\"";
    append_member(out, "text", one.what);
    append_member(out, "mend", one.mend);
    append_member(out, "yaml", one.yaml);
    for (const discovery::measure& each : one.measures) {
        out += ",\"" + each.name + "\":" + std::to_string(each.value);
    }
    return out + "}";
}

std::string json_of(const std::vector<diagnosis>& all) {
    std::string out = "{\"verdict\":\"" + std::string(name_of(worst(all))) + "\",\"subjects\":[";
    for (const diagnosis& one : all) {
        out += (&one == all.data() ? "" : ",");
        out += "{\"kind\":\"" + one.kind + "\"";
        append_member(out, "name", one.name);
        append_member(out, "url", one.about);
        out += ",\"verdict\":\"" + std::string(name_of(worst(one.findings))) + "\",\"findings\":[";
        for (const finding& each : one.findings) {
            out += (&each == one.findings.data() ? "" : ",") + json_of(each);
        }
        out += "]}";
    }
    return out + "]}\n";
}

// Says on a terminal how far it is.
class progress {
  public:
    progress(bool shown, std::size_t all, std::ostream& err) : shown_(shown), all_(all), err_(err) {
        show();
    }
    ~progress() {
        if (shown_) {
            err_ << "\r\x1b[K" << std::flush;
        }
    }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void one_more() {
        const std::lock_guard lock(mutex_);
        ++done_;
        show();
    }

  private:
    void show() {
        if (shown_) {
            err_ << "\r" << done_ << " of "
                 << discovery::counted(static_cast<std::int64_t>(all_), "node") << " examined"
                 << std::flush;
        }
    }

    const bool shown_;
    const std::size_t all_;
    std::ostream& err_;
    std::mutex mutex_;
    std::size_t done_ = 0; // guarded by mutex_
};

diagnosis not_examined(const conf::node& node, const doctor_wishes& wishes) {
    const auto limit =
        std::chrono::duration_cast<std::chrono::seconds>(wishes.patience.all).count();
    return {"node",
            node.name,
            {},
            {{.check = "name",
              .how = verdict::wrong,
              .what = "was not looked at: " + std::to_string(limit) + " s were over",
              .mend = "mend the others first, or ask for it alone: --node " + node.name}}};
}

std::vector<diagnosis> examine_nodes(const snapshot& settings, const doctor_wishes& wishes,
                                     std::ostream& err) {
    const conf::config& config = settings.config;
    std::vector<routing::node_index> which;
    for (std::size_t i = 0; i < config.nodes.size(); ++i) {
        if (wishes.node.empty() || wishes.node == config.nodes[i].name) {
            which.push_back(static_cast<routing::node_index>(i));
        }
    }
    std::vector<diagnosis> out(which.size());
    const std::vector<std::string> domains =
        wishes.domain.empty() ? discovery::domains_to_try(config) : std::vector{wishes.domain};
    const auto until = doctor_clock::now() + wishes.patience.all;
    progress shown(wishes.progress, which.size(), err);
    side_by_side(which.size(), nodes_at_once, [&](std::size_t i) {
        const conf::node& node = config.nodes[which[i]];
        if (doctor_clock::now() >= until) {
            out[i] = not_examined(node, wishes);
            return;
        }
        const discovery::node_facts facts =
            examine_node({settings, which[i], domains, !wishes.domain.empty(), wishes.patience});
        const auto now = static_cast<std::int64_t>(std::time(nullptr));
        out[i] = diagnose(facts, {config, node, wishes.config_file, now});
        shown.one_more();
    });
    return out;
}

// By how much the clocks of nodes are ahead of ours.
std::vector<std::int64_t> clocks_of(const std::vector<diagnosis>& nodes) {
    std::vector<std::int64_t> ahead;
    for (const diagnosis& node : nodes) {
        for (const finding& one : node.findings) {
            if (one.check == "clock" && !one.measures.empty()) {
                ahead.push_back(one.measures.front().value);
            }
        }
    }
    return ahead;
}

int unknown_node(const doctor_wishes& wishes, const conf::config& config, std::ostream& err) {
    std::vector<std::string_view> names;
    for (const conf::node& one : config.nodes) {
        names.push_back(one.name);
    }
    const std::string hint{conf::closest(wishes.node, names)};
    err << "boshgate: " << wishes.config_file << " has no node " << conf::in_quotes(wishes.node)
        << (hint.empty() ? "" : ", did you mean " + hint + "?") << '\n';
    return 2;
}

} // namespace

int doctor(const doctor_wishes& wishes, std::ostream& out, std::ostream& err) {
    if (!wishes.domain.empty() && !is_domain(wishes.domain)) {
        err << "boshgate: " << conf::in_quotes(wishes.domain)
            << " is no domain, expected one such as example.com\n";
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    const loaded_configuration loaded = load_configuration(wishes.config_file);
    std::vector<diagnosis> all{
        {"proxy", wishes.config_file, {}, discovery::judge_configuration(loaded.problems)}};
    if (loaded.compiled) {
        const snapshot& settings = *loaded.compiled;
        if (!wishes.node.empty() &&
            std::none_of(settings.config.nodes.begin(), settings.config.nodes.end(),
                         [&](const conf::node& one) { return one.name == wishes.node; })) {
            return unknown_node(wishes, settings.config, err);
        }
        std::vector<diagnosis> nodes = examine_nodes(settings, wishes, err);
        if (wishes.node.empty()) {
            conf::config written = settings.config;
            if (settings.connections_derived) {
                written.limits.connections = 0;
            }
            std::vector<finding>& self = all.front().findings;
            for (finding& one :
                 examine_self(settings, written, wishes.config_file, wishes.patience)) {
                self.push_back(std::move(one));
            }
            if (auto clock = discovery::judge_own_clock(clocks_of(nodes))) {
                self.push_back(std::move(*clock));
            }
        } else {
            all.clear();
        }
        std::move(nodes.begin(), nodes.end(), std::back_inserter(all));
    }
    out << (wishes.json ? json_of(all) : print(all, wishes.colours)) << std::flush;
    return worst(all) == verdict::wrong ? 1 : 0;
}

} // namespace boshgate::proxy
