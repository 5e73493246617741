#pragma once
// A node for tests: listens on a port of the system's choice on 127.0.0.1, plain or TLS, and does
// with each request what the test tells it to. One thread for each link, blocking sockets: simple,
// and never the thing under test.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

namespace boshgate::tests {

class stream;

// What came in: the bytes of head and body as they were.
struct node_request {
    std::string head; // with the empty line
    std::string body;
    int link = 0;   // which accepted link, from 0
    int number = 0; // which request on it, from 0

    // Value of a header field, empty when there is none; `count` says how often it stands there.
    [[nodiscard]] std::string field(const std::string& name) const;
    [[nodiscard]] int count(const std::string& name) const;
    [[nodiscard]] std::string line() const; // the request line
};

// What the node does then.
struct node_reply {
    std::string bytes;            // written as they are
    std::size_t pieces = 1;       // in that many writes
    bool close = false;           // close the link afterwards
    bool close_notify = false;    // over TLS, say so before closing
    bool reset = false;           // close it with RST
    std::function<void()> before; // called first: to block, to count
};

// ok makes an answer with Content-Length.
[[nodiscard]] std::string
ok(const std::string& body,
   const std::string& fields = "Content-Type: text/xml; charset=utf-8\r\n");

class stub_node {
  public:
    using handler = std::function<node_reply(const node_request&)>;

    // `tls` (may be nullptr) is borrowed. `on_link` may be empty: called when a link is accepted,
    // before anything is read.
    explicit stub_node(handler answer, SSL_CTX* tls = nullptr);
    ~stub_node();
    stub_node(const stub_node&) = delete;
    stub_node& operator=(const stub_node&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::vector<node_request> requests() const;
    [[nodiscard]] int links() const noexcept { return links_; }
    // close_links closes all links from the node's side, as a node that ends idle links does.
    void close_links();

  private:
    void accept_links();
    void serve(int descriptor, int link);

    handler answer_;
    SSL_CTX* tls_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> links_{0};
    std::atomic<bool> ending_{false};
    mutable std::mutex mutex_;
    std::vector<node_request> requests_; // guarded by mutex_
    std::vector<int> open_;              // guarded by mutex_
    std::vector<std::thread> threads_;   // guarded by mutex_
    std::thread acceptor_;
};

// A node whose links the test drives itself, for what depends on when a node reads and writes.
// Nobody reads before the test does, and `receive_buffer` bounds what the kernel takes meanwhile.
class raw_node {
  public:
    raw_node();
    ~raw_node();
    raw_node(const raw_node&) = delete;
    raw_node& operator=(const raw_node&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // accept waits for the next link, with a limit; throws when none comes.
    [[nodiscard]] std::unique_ptr<stream> accept();

  private:
    static constexpr int receive_buffer = 4096;
    std::uint16_t port_ = 0;
    int listening_;
};

// A port on 127.0.0.1 that refuses connections: bound, and not listening. Lives as long as the
// object.
class refusing_port {
  public:
    refusing_port();
    ~refusing_port();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  private:
    int descriptor_;
    std::uint16_t port_ = 0;
};

} // namespace boshgate::tests
