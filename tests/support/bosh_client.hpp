#pragma once
// What tests of sessions have in common: <body/>s of clients and nodes, and a node that opens a
// session for whoever asks and answers each request with its rid.

#include "tests/support/running_proxy.hpp"
#include "tests/support/stub_node.hpp"

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace boshgate::tests {

inline const std::string bosh_namespace = "xmlns='http://jabber.org/protocol/httpbind'";

// poll is a request of a session; `inside` is its payload, `more` further attributes.
[[nodiscard]] inline std::string poll(const std::string& sid, std::uint64_t rid,
                                      const std::string& inside = {},
                                      const std::string& more = {}) {
    return post("/node-a1", "<body " + bosh_namespace + " sid='" + sid + "' rid='" +
                                std::to_string(rid) + "'" + more + ">" + inside + "</body>");
}

[[nodiscard]] inline std::string session_request(std::uint64_t rid, const std::string& more = {},
                                                 int wait = 30) {
    return post("/node-a1", "<body " + bosh_namespace + " to='example.com' rid='" +
                                std::to_string(rid) + "' wait='" + std::to_string(wait) +
                                "' hold='1' ver='1.6' xml:lang='en'" + more + "/>");
}

// What a node answers to a request: the rid, so that a test can tell answers apart.
[[nodiscard]] inline std::string answer_to(std::uint64_t rid, const std::string& inside = {}) {
    return "<body " + bosh_namespace + "><answer rid='" + std::to_string(rid) + "'/>" + inside +
           "</body>";
}

// A node's answer to a session request.
[[nodiscard]] inline std::string session_answer(const std::string& sid, int wait = 30,
                                                int requests = 2) {
    return "<body " + bosh_namespace + " sid='" + sid + "' wait='" + std::to_string(wait) +
           "' requests='" + std::to_string(requests) +
           "' inactivity='60' hold='1' from='example.com' ver='1.6'><features/></body>";
}

// The value of an attribute of the start tag; "" without it.
[[nodiscard]] inline std::string attribute(const std::string& body, const std::string& name) {
    const std::size_t at = body.find(" " + name + "='");
    if (at == std::string::npos || at > body.find('>')) {
        return {};
    }
    const std::size_t begin = at + name.size() + 3;
    return body.substr(begin, body.find('\'', begin) - begin);
}

[[nodiscard]] inline std::uint64_t rid_of(const node_request& request) {
    return std::stoull("0" + attribute(request.body, "rid"));
}

// What stub_node does as a BOSH node: a session request opens session "s"; any other request gets
// answer_to(its rid).
[[nodiscard]] inline node_reply bosh_node(const node_request& request) {
    return {.bytes = ok(attribute(request.body, "sid").empty() ? session_answer("s")
                                                               : answer_to(rid_of(request)))};
}

// A gate that a handler of stub_node waits at until the test opens it.
class gate {
  public:
    gate() : opened_(promise_.get_future().share()) {}
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;
    void open() {
        if (!std::exchange(open_, true)) {
            promise_.set_value();
        }
    }
    [[nodiscard]] std::function<void()> wait() const {
        return [opened = opened_] { opened.wait(); };
    }

  private:
    bool open_ = false;
    std::promise<void> promise_;
    std::shared_future<void> opened_;
};

// Stands behind the node in a test: opens the gate before the node joins its threads.
class opens_at_end {
  public:
    explicit opens_at_end(gate& what) : what_(what) {}
    ~opens_at_end() { what_.open(); }
    opens_at_end(const opens_at_end&) = delete;
    opens_at_end& operator=(const opens_at_end&) = delete;

  private:
    gate& what_;
};

[[nodiscard]] inline bool node_has(const stub_node& node, std::size_t requests) {
    return running_proxy::until([&] { return node.requests().size() >= requests; });
}

// The terminate's condition; "" when the answer is none.
[[nodiscard]] inline std::string terminated(const http_answer& answer) {
    return answer.status == 200 && attribute(answer.body, "type") == "terminate"
               ? attribute(answer.body, "condition")
               : "";
}

} // namespace boshgate::tests
