// A BOSH server for measurements: it does of XEP-0124 only what decides how long an answer takes,
// and that as cheaply as it can, so that it is never the bottleneck of a run.
//
//   body without sid    opens a session; wait and hold are granted as asked (at most 255 s, 1)
//   body with payload   answered at once; if a poll of the session is held, that poll gets the
//                       answer and this request is held instead, as a real server with hold=1 does
//   empty body          held until the session's wait is over, the next request of the session
//                       comes, or `release` is read from standard input (hold=0: answered at once)
//   GET                 a small HTML page, as people use to try a BOSH URL
//
// One thread has one listener (SO_REUSEPORT), one epoll set and its own connections. A session is
// one array slot that names its held connection; an answer for a connection of another thread goes
// into that thread's inbox. Standard input takes `stats`, `release` and `quit`; its end means quit.
// Once it listens, it prints `listening PORT`.

#include "node_worker.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace bench {
namespace {

int listen_on(const node_options& opt, std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    if (inet_pton(AF_INET, opt.address.c_str(), &at.sin_addr) != 1 ||
        bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(fd, 4096) != 0) {
        die("listen on " + opt.address + ":" + std::to_string(port));
    }
    return fd;
}

std::uint16_t port_of(int listener) {
    sockaddr_in at{};
    socklen_t length = sizeof at;
    getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length);
    return ntohs(at.sin_port);
}

node_options parse(int argc, char** argv) {
    node_options opt;
    for (int i = 1; i < argc; i += 2) {
        const std::string name = argv[i];
        if (i + 1 >= argc) {
            errno = 0;
            die("usage: bench_node [--address A] [--port N] [--threads N] [--answer-bytes N] "
                "[--certificate PEM --key PEM]");
        }
        const std::string value = argv[i + 1];
        if (name == "--address") {
            opt.address = value;
        } else if (name == "--port") {
            opt.port = static_cast<std::uint16_t>(number(value, name));
        } else if (name == "--threads") {
            opt.threads =
                static_cast<unsigned>(std::clamp<std::uint64_t>(number(value, name), 1, 64));
        } else if (name == "--answer-bytes") {
            opt.answer_bytes = number(value, name);
        } else if (name == "--certificate") {
            opt.certificate = value;
        } else if (name == "--key") {
            opt.key = value;
        } else {
            errno = 0;
            die("unknown option " + name);
        }
    }
    return opt;
}

void print_stats(const counters& count) {
    std::printf("{\"requests\": %" PRIu64 ", \"sessions\": %" PRIu64 ", \"connections\": %" PRIu64
                ", \"held\": %" PRIu64 ", \"rid_faults\": %" PRIu64 ", \"bad_requests\": %" PRIu64
                "}\n",
                count.requests.load(), count.sessions.load(), count.connections.load(),
                count.held.load(), count.rid_faults.load(), count.bad_requests.load());
    std::fflush(stdout);
}

void obey_standard_input(const shared_state& shared,
                         std::vector<std::unique_ptr<worker>>& workers) {
    std::string line;
    while (std::getline(std::cin, line) && line != "quit") {
        if (line == "stats") {
            print_stats(shared.count);
        } else if (line == "release") {
            for (const auto& each : workers) {
                each->release_all();
            }
        } else {
            std::fprintf(stderr, "bench_node: stats, release or quit, not '%s'\n", line.c_str());
        }
    }
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    raise_descriptor_limit();
    shared_state shared;
    shared.opt = parse(argc, argv);
    if (!shared.opt.certificate.empty()) {
        shared.tls = tls_context(TLS_server_method());
        SSL_CTX_set_session_cache_mode(shared.tls, SSL_SESS_CACHE_OFF);
        if (SSL_CTX_use_certificate_chain_file(shared.tls, shared.opt.certificate.c_str()) != 1 ||
            SSL_CTX_use_PrivateKey_file(shared.tls, shared.opt.key.c_str(), SSL_FILETYPE_PEM) !=
                1) {
            die("certificate " + shared.opt.certificate + " with key " + shared.opt.key);
        }
    }
    std::vector<std::unique_ptr<worker>> workers;
    std::uint16_t port = shared.opt.port;
    for (unsigned i = 0; i < shared.opt.threads; ++i) {
        const int listener = listen_on(shared.opt, port);
        port = port_of(listener);
        workers.push_back(
            std::make_unique<worker>(shared, static_cast<std::uint8_t>(i + 1), listener));
    }
    std::vector<std::jthread> threads;
    for (const auto& each : workers) {
        each->all = &workers;
        threads.emplace_back([&worker = *each] { worker.run(); });
    }
    std::printf("listening %u\n", port);
    std::fflush(stdout);
    obey_standard_input(shared, workers);
    shared.stopping = true;
    for (const auto& each : workers) {
        each->wake();
    }
    threads.clear();
    print_stats(shared.count);
    return 0;
}
