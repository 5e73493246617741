#pragma once
// A cluster for tests of the discovery endpoint: two nodes that are asked, two that users live on,
// and the proxy in front of them. What each node does is the test's to say, at any time; what each
// was asked is kept.

#include "tests/support/bosh_client.hpp"
#include "tests/support/sasl_features.hpp"

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace boshgate::tests {

enum cluster_node : routing::node_index { sd1, sd2, a1, b1 };
inline constexpr std::array<const char*, 4> cluster_names{"sd1", "sd2", "a1", "b1"};

// What a node does with a request; `sid` is that of the session that it opens. Empty: it takes no
// connections.
using conduct = std::function<node_reply(const node_request& got, const std::string& sid)>;

// A node's answer to a session request, with this payload.
[[nodiscard]] inline std::string opened(const std::string& sid, const std::string& inside) {
    return "<body " + bosh_namespace + " sid='" + sid +
           "' wait='30' requests='2' inactivity='60' hold='1' from='example.com' ver='1.6'>" +
           inside + "</body>";
}

[[nodiscard]] inline bool opens(const node_request& got) {
    return attribute(got.body, "sid").empty();
}

// Opens a session for everybody and names these nodes; answers polls.
[[nodiscard]] inline conduct names(std::vector<std::string> all) {
    return [all = std::move(all)](const node_request& got, const std::string& sid) {
        return node_reply{
            .bytes = ok(opens(got) ? opened(sid, features_with(all)) : answer_to(rid_of(got)))};
    };
}

// As names(), when the gate has been opened.
[[nodiscard]] inline conduct hangs(gate& until, std::vector<std::string> all = {}) {
    return [&until, then = names(std::move(all))](const node_request& got, const std::string& sid) {
        node_reply reply = then(got, sid);
        reply.before = until.wait();
        return reply;
    };
}

// Answers every session request with these bytes.
[[nodiscard]] inline conduct says(std::string bytes) {
    return [bytes = std::move(bytes)](const node_request&, const std::string&) {
        return node_reply{.bytes = bytes};
    };
}

[[nodiscard]] inline std::string terminate(const std::string& condition,
                                           const std::string& inside = {}) {
    return "<body " + bosh_namespace + " type='terminate' condition='" + condition + "'>" + inside +
           "</body>";
}

[[nodiscard]] inline conduct terminates(const std::string& condition,
                                        const std::string& inside = {}) {
    return says(ok(terminate(condition, inside)));
}

// What a client of the endpoint sees of a node's answer but for its sid: no hostnames.
[[nodiscard]] inline std::string without_hostnames(std::string body) {
    const std::string end = "</hostname>";
    for (auto at = body.find("<hostname"); at != std::string::npos; at = body.find("<hostname")) {
        body.erase(at, body.find(end, at) + end.size() - at);
    }
    return body;
}

class cluster {
  public:
    // `discovery`: more keys of that section; `more`: further configuration.
    explicit cluster(std::array<conduct, 4> all, const std::string& discovery = patient,
                     const std::string& more = {}, int threads = 1)
        : conducts_(std::move(all)) {
        for (routing::node_index i = 0; i < nodes_.size(); ++i) {
            nodes_[i] = std::make_unique<stub_node>(
                [this, i](const node_request& got) { return take(i, got); });
        }
        std::string yaml = "threads: 1\nlisten: [{address: \"127.0.0.1:0\"}]\n"
                           "log: {access: \"off\"}\nhealth: {interval: 0s}\nnodes:\n";
        for (routing::node_index i = 0; i < nodes_.size(); ++i) {
            const std::string name = "node-" + std::string(cluster_names[i]);
            yaml += "  " + name + ": {url: \"" + url(i) + "\", aliases: [" + name +
                    ".example.com, 10.0.0." + std::to_string(i) + "]}\n";
        }
        yaml += "discovery: {path: /httpbinding, primary: node-sd1, secondary: node-sd2" +
                (discovery.empty() ? "" : ", " + discovery) + "}\n" + more;
        proxy_ = std::make_unique<running_proxy>(with_threads(yaml, threads));
        for (routing::node_index i = 0; i < nodes_.size(); ++i) {
            if (!conducts_[i]) {
                dies(i);
            }
        }
    }

    // Nobody is given up because the machine is busy.
    inline static const std::string patient = "step: 20s, patience: 30s";

    [[nodiscard]] running_proxy& proxy() { return *proxy_; }
    [[nodiscard]] stub_node& node(routing::node_index which) { return *nodes_[which]; }
    [[nodiscard]] std::string url(routing::node_index which) const {
        return "http://127.0.0.1:" + std::to_string(nodes_[which]->port()) + "/httpbinding";
    }

    // From now on it does this.
    void becomes(routing::node_index which, conduct what) {
        const std::lock_guard lock(mutex_);
        conducts_[which] = std::move(what);
    }
    // It takes no connections any more.
    void dies(routing::node_index which) {
        proxy_->app().set_addresses(which, {loopback_address(nobody_.port())}, {});
        nodes_[which]->close_links();
    }

    // The nodes that got a session request, in this order: "sd1 a1".
    [[nodiscard]] std::string opened_at() const {
        const std::lock_guard lock(mutex_);
        return opened_at_;
    }
    // The terminates that came: node, sid, rid.
    [[nodiscard]] std::vector<std::string> ended() const {
        const std::lock_guard lock(mutex_);
        return ended_;
    }
    [[nodiscard]] bool ended(std::size_t count) const {
        return running_proxy::until([&] { return ended().size() >= count; });
    }
    [[nodiscard]] bool asked(routing::node_index which, std::size_t requests) const {
        return node_has(*nodes_[which], requests);
    }

    [[nodiscard]] http_answer ask(const std::string& request) { return proxy_->ask(request); }
    [[nodiscard]] std::uint64_t total(proxy::counter proxy::core_counters::*what) {
        return proxy_->app().total(what);
    }

  private:
    node_reply take(routing::node_index which, const node_request& got) {
        const std::string name = cluster_names[which];
        conduct does;
        {
            const std::lock_guard lock(mutex_);
            does = conducts_[which];
            if (attribute(got.body, "type") == "terminate") {
                ended_.push_back(name + " " + attribute(got.body, "sid") + " " +
                                 attribute(got.body, "rid"));
                return {.bytes = ok(terminate(""))};
            }
            if (opens(got)) {
                opened_at_ += (opened_at_.empty() ? "" : " ") + name;
            }
        }
        return does ? does(got, "s-" + name) : node_reply{.close = true};
    }

    refusing_port nobody_;
    mutable std::mutex mutex_;
    std::array<conduct, 4> conducts_;
    std::string opened_at_;
    std::vector<std::string> ended_;
    std::array<std::unique_ptr<stub_node>, 4> nodes_;
    std::unique_ptr<running_proxy> proxy_; // ends before the nodes
};

// A session request at the endpoint, as CAXL sends it (caxl.md a). `from` empty: it names nobody.
[[nodiscard]] inline std::string login(const std::string& from, std::uint64_t rid = 1000,
                                       const std::string& path = "/httpbinding",
                                       const std::string& fields = {}) {
    return post(path,
                "<body " + bosh_namespace +
                    " xml:lang='en-US' xmlns:xmpp='urn:xmpp:xbosh' hold='1' ver='1.9' "
                    "to='example.com' wait='30' xmpp:version='1.0'" +
                    (from.empty() ? "" : " from='" + from + "'") + " rid='" + std::to_string(rid) +
                    "'/>",
                fields);
}

// A request of a session at the endpoint.
[[nodiscard]] inline std::string in_session(const std::string& sid, std::uint64_t rid,
                                            const std::string& inside = {},
                                            const std::string& more = {}) {
    return post("/httpbinding", "<body " + bosh_namespace + " sid='" + sid + "' rid='" +
                                    std::to_string(rid) + "'" + more + ">" + inside + "</body>");
}

// The node whose session the answer opens: "a1"; "" when it opens none under a tagged sid.
[[nodiscard]] inline std::string session_at(const http_answer& answer) {
    const std::string sid = attribute(answer.body, "sid");
    for (const std::string name : cluster_names) {
        const std::string raw = "s-" + name;
        if (sid.starts_with(raw + ".") &&
            sid.size() == raw.size() + routing::sid_tagger::tail_chars) {
            return name;
        }
    }
    return {};
}

} // namespace boshgate::tests
