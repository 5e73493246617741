#include "tests/support/stub_node.hpp"

#include "tests/support/sockets.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::tests {
std::string node_request::field(const std::string& name) const {
    const std::vector<std::string> found = header_values(head, name);
    return found.empty() ? "" : found.front();
}

int node_request::count(const std::string& name) const {
    return static_cast<int>(header_values(head, name).size());
}

std::string node_request::line() const {
    return head.substr(0, head.find("\r\n"));
}

std::string ok(const std::string& body, const std::string& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

stub_node::stub_node(handler answer, SSL_CTX* tls) : answer_(std::move(answer)), tls_(tls) {
    listening_ = listen_on_loopback(port_);
    acceptor_ = std::thread([this] { accept_links(); });
}

stub_node::~stub_node() {
    ending_ = true;
    ::shutdown(listening_, SHUT_RDWR);
    acceptor_.join();
    ::close(listening_);
    close_links();
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(mutex_);
        threads.swap(threads_);
    }
    for (std::thread& one : threads) {
        one.join();
    }
}

std::vector<node_request> stub_node::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void stub_node::close_links() {
    const std::lock_guard lock(mutex_);
    for (const int descriptor : open_) {
        ::shutdown(descriptor, SHUT_RDWR);
    }
}

void stub_node::accept_links() {
    while (!ending_) {
        const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) {
            continue;
        }
        const int link = links_++;
        const std::lock_guard lock(mutex_);
        open_.push_back(descriptor);
        threads_.emplace_back([this, descriptor, link] { serve(descriptor, link); });
    }
}

void stub_node::serve(int descriptor, int link) {
    stream bytes(descriptor, tls_, stream::role::server);
    std::string input;
    for (int number = 0; bytes.usable(); ++number) {
        node_request request;
        request.link = link;
        request.number = number;
        if (!bytes.read_message(input, request.head, request.body)) {
            break;
        }
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        const node_reply reply = answer_(request);
        if (reply.before) {
            reply.before();
        }
        const std::size_t piece =
            std::max<std::size_t>(1, reply.bytes.size() / std::max<std::size_t>(1, reply.pieces));
        for (std::size_t at = 0; at < reply.bytes.size(); at += piece) {
            bytes.write(reply.bytes.substr(at, piece));
        }
        if (reply.close_notify && bytes.ssl() != nullptr) {
            SSL_shutdown(bytes.ssl());
        }
        if (reply.reset) {
            bytes.reset();
        }
        if (reply.close || reply.reset) {
            break;
        }
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, descriptor);
    bytes.close();
}

raw_node::raw_node() : listening_(listen_on_loopback(port_)) {
    // Accepted sockets inherit it.
    ::setsockopt(listening_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
}

raw_node::~raw_node() {
    ::close(listening_);
}

std::unique_ptr<stream> raw_node::accept() {
    pollfd ready{listening_, POLLIN, 0};
    const auto limit = std::chrono::milliseconds{read_limit};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) != 1) {
        throw std::runtime_error("no link came");
    }
    return std::make_unique<stream>(::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC), nullptr,
                                    stream::role::server);
}

refusing_port::refusing_port() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot bind a port");
    }
    port_ = bound_port(descriptor_);
}

refusing_port::~refusing_port() {
    ::close(descriptor_);
}

} // namespace boshgate::tests
