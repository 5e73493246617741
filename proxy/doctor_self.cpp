#include "proxy/doctor_self.hpp"

#include "discovery/proxy_diagnosis.hpp"
#include "proxy/doctor_tls.hpp"
#include "proxy/listener.hpp"
#include "proxy/secrets_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace boshgate::proxy {

using discovery::answer_facts;
using discovery::finding;
using discovery::link_end;
using discovery::port_facts;
using discovery::port_state;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view own_name = "boshgate"; // as the kernel calls the process

// Inodes of the sockets that listen on a port (proc(5): /proc/net/tcp).
void add_listening(const std::string& table, std::uint16_t port, std::set<std::string>& inodes) {
    std::ifstream in(table);
    std::string line;
    std::getline(in, line); // the heading
    while (std::getline(in, line)) {
        std::istringstream words(line);
        const std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
        constexpr std::size_t local = 1;
        constexpr std::size_t state = 3;
        constexpr std::size_t inode = 9;
        if (all.size() <= inode || all[state] != "0A") {
            continue;
        }
        const std::string_view hex = std::string_view(all[local]).substr(all[local].find(':') + 1);
        unsigned number = 0;
        std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
        if (number == port) {
            inodes.insert("socket:[" + all[inode] + "]");
        }
    }
}

bool holds_one_of(const fs::path& descriptors, const std::set<std::string>& sockets) {
    std::error_code denied;
    for (fs::directory_iterator each(descriptors, denied), end; !denied && each != end;
         each.increment(denied)) {
        std::error_code gone;
        if (sockets.count(fs::read_symlink(each->path(), gone).string()) != 0) {
            return true;
        }
    }
    return false;
}

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

// Whether what listens there answers as boshgate does, on a public listener or that of the admin.
// It is asked for a path that nobody has.
bool answers_as_boshgate(const conf::listener& settings, const doctor_patience& patience) {
    if (settings.proxy_protocol) {
        return false; // it would close without a word
    }
    const auto until = doctor_clock::now() + patience.step;
    auto address = routing::ip_address::parse(settings.host);
    if (!address) {
        return false;
    }
    if (settings.host == "0.0.0.0") {
        address = routing::ip_address::parse("127.0.0.1");
    } else if (*address == routing::ip_address{}) {
        address = routing::ip_address::parse("::1");
    }
    doctor_link link;
    if (link.connect(*address, settings.port, until).end != link_end::done) {
        return false;
    }
    if (settings.tls) {
        const ssl_ctx_ptr context(SSL_CTX_new(TLS_client_method()));
        if (!context) {
            return false;
        }
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
        std::string error;
        SSL* ssl = SSL_new(context.get());
        if (ssl == nullptr || link.shake(ssl, until, error) != link_end::done) {
            return false;
        }
    }
    const answer_facts answer =
        link.ask("POST /boshgate-doctor HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                 "User-Agent: boshgate-doctor\r\nConnection: close\r\n\r\n",
                 until);
    return answer.end == link_end::done && (answer.body.starts_with("boshgate: ") ||
                                            answer.body.starts_with(R"({"error":{"code":")"));
}

port_facts examine_port(const conf::listener& settings, const doctor_patience& patience,
                        std::int64_t& running) {
    port_facts out{.listener = settings.host + " port " + std::to_string(settings.port),
                   .port = settings.port};
    std::string problem;
    errno = 0;
    const int descriptor = open_listener(settings, settings.port, true, problem);
    const int error = errno;
    if (descriptor >= 0) {
        ::close(descriptor);
        return out;
    }
    out.error = problem;
    switch (error) {
    case EADDRINUSE: {
        const port_holder holder = holder_of(settings.port);
        if (holder.process != 0) {
            out.holder = printable(holder.name) + ", process " + std::to_string(holder.process);
        }
        const bool ours = holder.name == own_name || answers_as_boshgate(settings, patience);
        out.state = ours ? port_state::ours : port_state::taken;
        running = ours && holder.process != 0 ? holder.process : running;
        break;
    }
    case EACCES:
    case EPERM:
        out.state = port_state::forbidden;
        break;
    case EADDRNOTAVAIL:
        out.state = port_state::no_address;
        break;
    default:
        out.state = port_state::failed;
        break;
    }
    return out;
}

// Of a boshgate that runs its own limit; else what one started from here would raise itself to.
discovery::descriptor_facts examine_descriptors(std::int64_t running) {
    if (running != 0) {
        std::ifstream in("/proc/" + std::to_string(running) + "/limits");
        constexpr std::string_view key = "Max open files";
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with(key)) {
                std::istringstream rest(line.substr(key.size()));
                std::uint64_t soft = 0;
                if (rest >> soft) {
                    return {.limit = soft, .process = running};
                }
            }
        }
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return {.limit = limit.rlim_max};
}

std::string index_of(const conf::config& config) {
    if (config.web_root) {
        for (const std::string& name : config.web_root->index) {
            const std::string file = config.web_root->path + '/' + name;
            if (::access(file.c_str(), R_OK) == 0) {
                return name;
            }
        }
    }
    return {};
}

std::size_t count_secrets(const conf::config& config) {
    const conf::source_marks nowhere;
    conf::findings ignored{nowhere, {}}; // loading has told
    return config.discovery.keys_file.empty()
               ? 0
               : read_secrets_file(config.discovery.keys_file, {}, ignored).size();
}

template <typename Findings>
void append(std::vector<finding>& out, Findings more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

} // namespace

port_holder holder_of(std::uint16_t port) {
    std::set<std::string> sockets;
    add_listening("/proc/net/tcp", port, sockets);
    add_listening("/proc/net/tcp6", port, sockets);
    std::error_code denied;
    for (fs::directory_iterator each("/proc", denied), end; !denied && each != end;
         each.increment(denied)) {
        const std::string number = each->path().filename().string();
        if (std::isdigit(static_cast<unsigned char>(number.front())) == 0 ||
            !holds_one_of(each->path() / "fd", sockets)) {
            continue;
        }
        port_holder out;
        std::from_chars(number.data(), number.data() + number.size(), out.process);
        std::ifstream comm(each->path() / "comm");
        std::getline(comm, out.name);
        return out;
    }
    return {};
}

std::vector<finding> examine_self(const snapshot& settings, const conf::config& written,
                                  const std::string& file, const doctor_patience& patience) {
    const discovery::proxy_rules rules{written, file};
    std::vector<finding> out;
    std::int64_t running = 0;
    for (const conf::listener& one : written.listen) {
        out.push_back(judge_port(examine_port(one, patience, running)));
    }
    if (!written.admin.host.empty()) {
        conf::listener admin;
        admin.host = written.admin.host;
        admin.port = written.admin.port;
        out.push_back(judge_port(examine_port(admin, patience, running)));
        out.back().check = "admin";
    }
    const auto now = static_cast<std::int64_t>(std::time(nullptr));
    for (const discovery::own_certificate& one : own_certificates(written)) {
        out.push_back(judge_own_certificate(one, now));
    }
    out.push_back(judge_descriptors(examine_descriptors(running), rules));
    if (auto files = judge_files({index_of(written)}, rules)) {
        out.push_back(std::move(*files));
    }
    append(out, judge_discovery(count_secrets(written), rules));
    std::vector<discovery::cors_facts> origins = discovery::origins_to_try(written.cors);
    for (discovery::cors_facts& one : origins) {
        ask_policy(settings.cors, one);
    }
    append(out, judge_cors(origins, rules));
    return out;
}

} // namespace boshgate::proxy
