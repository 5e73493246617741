#include "tests/support/sockets.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::tests {
namespace {

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

} // namespace

std::vector<std::string> header_values(std::string_view head, std::string_view name) {
    std::vector<std::string> found;
    std::size_t at = head.find("\r\n");
    while (at != std::string_view::npos && at + 2 < head.size()) {
        const std::size_t begin = at + 2;
        at = head.find("\r\n", begin);
        const std::string_view line = head.substr(begin, at - begin);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && same(line.substr(0, colon), name)) {
            const std::size_t value = line.find_first_not_of(' ', colon + 1);
            found.emplace_back(value == std::string_view::npos ? "" : line.substr(value));
        }
    }
    return found;
}

std::uint16_t bound_port(int descriptor) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

int listen_on_loopback(std::uint16_t& port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(descriptor, 1024) != 0) {
        throw std::runtime_error("cannot listen on loopback");
    }
    port = bound_port(descriptor);
    return descriptor;
}

int connect_to_loopback(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(descriptor);
        throw std::runtime_error("connection refused");
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

void shutdown_and_close(int descriptor) {
    ::shutdown(descriptor, SHUT_RDWR);
    ::close(descriptor);
}

std::string http_answer::field(std::string_view name) const {
    const std::vector<std::string> found = header_values(head, name);
    return found.empty() ? "" : found.front();
}

int http_answer::count(std::string_view name) const {
    return static_cast<int>(header_values(head, name).size());
}

stream::stream(int descriptor, SSL_CTX* tls, role side, const std::string& server_name)
    : descriptor_(descriptor) {
    if (tls == nullptr) {
        return;
    }
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, descriptor_);
    if (!server_name.empty()) {
        SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(server_name.c_str()));
    }
    if ((side == role::server ? SSL_accept(ssl_) : SSL_connect(ssl_)) != 1) {
        close();
    }
}

stream::~stream() {
    close();
}

bool stream::write(std::string_view bytes) {
    while (!bytes.empty() && usable()) {
        const ssize_t sent = ssl_ != nullptr
                                 ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                 : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return usable();
}

bool stream::read(std::string& input, std::chrono::milliseconds limit) {
    if (!usable()) {
        return false;
    }
    if (ssl_ == nullptr || SSL_pending(ssl_) == 0) {
        pollfd ready{descriptor_, POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) {
            return false;
        }
    }
    std::string piece(64 * 1024, '\0');
    const ssize_t got = ssl_ != nullptr
                            ? SSL_read(ssl_, piece.data(), static_cast<int>(piece.size()))
                            : ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (got <= 0) {
        return false;
    }
    input.append(piece, 0, static_cast<std::size_t>(got));
    return true;
}

bool stream::read_message(std::string& input, std::string& head, std::string& body) {
    std::size_t end = 0;
    while ((end = input.find("\r\n\r\n")) == std::string::npos) {
        if (!read(input)) {
            return false;
        }
    }
    head = input.substr(0, end + 4);
    const std::vector<std::string> length = header_values(head, "Content-Length");
    const std::size_t count =
        length.empty() ? 0 : std::strtoull(length.front().c_str(), nullptr, 10);
    while (input.size() < end + 4 + count) {
        if (!read(input)) {
            return false;
        }
    }
    body = input.substr(end + 4, count);
    input.erase(0, end + 4 + count);
    return true;
}

http_answer stream::read_answer(bool to_head) {
    http_answer answer;
    std::size_t end = 0;
    while (true) {
        while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
            if (!read(input_)) {
                return answer;
            }
        }
        answer.head = input_.substr(0, end + 4);
        input_.erase(0, end + 4);
        answer.status = std::atoi(answer.head.substr(9, 3).c_str());
        if (answer.status >= 200) {
            break;
        }
    }
    if (to_head || answer.status == 204 || answer.status == 304) {
        answer.complete = true;
    } else if (answer.count("Transfer-Encoding") != 0) {
        while (true) {
            std::size_t line = 0;
            while ((line = input_.find("\r\n")) == std::string::npos) {
                if (!read(input_)) {
                    return answer;
                }
            }
            const std::size_t size = std::strtoull(input_.c_str(), nullptr, 16);
            while (input_.size() < line + 2 + size + 2) {
                if (!read(input_)) {
                    return answer;
                }
            }
            answer.body += input_.substr(line + 2, size);
            input_.erase(0, line + 2 + size + 2);
            if (size == 0) {
                answer.complete = true;
                break;
            }
        }
    } else if (answer.count("Content-Length") != 0) {
        const std::size_t count =
            std::strtoull(answer.field("Content-Length").c_str(), nullptr, 10);
        while (input_.size() < count && read(input_)) {
        }
        answer.complete = input_.size() >= count;
        answer.body = input_.substr(0, count);
        input_.erase(0, std::min(count, input_.size()));
    } else {
        while (read(input_)) {
        }
        answer.complete = true;
        answer.body = std::exchange(input_, {});
    }
    return answer;
}

bool stream::at_end(std::chrono::milliseconds limit) {
    if (!input_.empty()) {
        return false;
    }
    if (!usable()) {
        return true;
    }
    pollfd ready{descriptor_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) {
        return false;
    }
    return !read(input_);
}

void stream::end_writing() {
    ::shutdown(descriptor_, SHUT_WR);
}

void stream::reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

void stream::close() {
    if (ssl_ != nullptr) {
        SSL_free(ssl_);
        ssl_ = nullptr;
    }
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

} // namespace boshgate::tests
