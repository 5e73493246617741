#include "proxy/listener.hpp"

#include "proxy/connection.hpp"
#include "proxy/core.hpp"
#include "proxy/log.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boshgate::proxy {
namespace {

constexpr int backlog = 4096;       // the kernel cuts it to net.core.somaxconn
constexpr int accepts_at_once = 64; // then other sockets get their turn
constexpr std::chrono::milliseconds pause_time{200};

std::optional<socket_address> address_of(const conf::listener& settings, std::uint16_t port) {
    socket_address made;
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
    if (::inet_pton(AF_INET, settings.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        made.size = sizeof v4;
        return made;
    }
    if (::inet_pton(AF_INET6, settings.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        made.size = sizeof v6;
        return made;
    }
    return std::nullopt;
}

int bind_socket(const socket_address& address, bool share, std::string& problem) {
    const int descriptor =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        problem = std::string("cannot make a socket: ") + std::strerror(errno);
        return -1;
    }
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) {
        ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (address.storage.ss_family == AF_INET6) {
        ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                     sizeof on); // "::" and "0.0.0.0" are two listeners
    }
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on,
                 sizeof on); // accepted sockets inherit it
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) !=
            0 ||
        ::listen(descriptor, backlog) != 0) {
        problem = std::strerror(errno);
        ::close(descriptor);
        return -1;
    }
    return descriptor;
}

} // namespace

int open_listener(const conf::listener& settings, std::uint16_t port, bool alone,
                  std::string& problem) {
    const std::optional<socket_address> address = address_of(settings, port);
    const std::string name = settings.host + " port " + std::to_string(port);
    if (!address) {
        problem = name + ": not a numeric address";
        return -1;
    }
    if (alone && port != 0) {
        const int probe = bind_socket(*address, false, problem);
        if (probe < 0) {
            problem = "cannot listen on " + name + ": " + problem;
            return -1;
        }
        ::close(probe);
    }
    const int descriptor = bind_socket(*address, true, problem);
    if (descriptor < 0) {
        problem = "cannot listen on " + name + ": " + problem;
    }
    return descriptor;
}

std::uint16_t port_of(int descriptor) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

listener::listener(core& home, std::size_t index, int descriptor)
    : core_(home), index_(index), descriptor_(descriptor) {
    if (!core_.loop.watch_accept(descriptor_, *this)) {
        log_error("cannot watch a listening socket: " + std::string(std::strerror(errno)));
    }
}

listener::~listener() {
    stop();
}

void listener::stop() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
    core_.loop.unset(*this);
}

void listener::end() {
    // At most as many as the queue is long: others keep coming.
    for (int taken = 0; taken < backlog && descriptor_ >= 0 && !paused_; taken += accepts_at_once) {
        on_ready(0);
    }
    stop();
}

void listener::pause(std::string_view because) {
    core_.counters.accept_pauses.add();
    if (!std::exchange(short_, true)) {
        log_limited(log_topic::accept, {}, "accepting is paused: " + std::string(because));
    }
    core_.loop.unwatch(descriptor_);
    paused_ = true;
    core_.loop.set(*this, pause_time);
}

void listener::on_deadline() {
    if (paused_ && descriptor_ >= 0) {
        paused_ = !core_.loop.watch_accept(descriptor_, *this);
        if (paused_) {
            core_.loop.set(*this, pause_time);
        }
    }
}

void listener::on_ready(std::uint32_t) {
    const conf::limits& limits = core_.settings->config.limits;
    for (int i = 0; i < accepts_at_once && descriptor_ >= 0 && !paused_; ++i) {
        if (!core_.shared.enter_connection(limits.connections)) {
            pause("the limit of connections is reached (limits.connections: " +
                  std::to_string(limits.connections) + ")");
            return;
        }
        socket_address peer;
        peer.size = sizeof peer.storage;
        const int descriptor = ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer.storage),
                                         &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            core_.shared.leave_connection();
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                pause(std::string("out of file descriptors or socket memory: ") +
                      std::strerror(errno) +
                      "; raise the limit of open files (LimitNOFILE, ulimit -n) or lower "
                      "limits.connections");
                return;
            }
            // ECONNABORTED and the like: that client has gone already.
            if (errno == ECONNABORTED || errno == EINTR) {
                continue;
            }
            if (std::exchange(short_, false)) { // nobody waits any more
                log_info("accepting goes on");
            }
            return;
        }
        routing::ip_address address;
        std::uint16_t port = 0;
        if (peer.storage.ss_family == AF_INET6) {
            const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer.storage);
            std::memcpy(address.bytes.data(), &v6.sin6_addr, address.bytes.size());
            port = ntohs(v6.sin6_port);
        } else {
            const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer.storage);
            address = routing::ip_address::v4(ntohl(v4.sin_addr.s_addr));
            port = ntohs(v4.sin_port);
        }
        connection::open(core_, *this, descriptor, address, port);
    }
}

} // namespace boshgate::proxy
