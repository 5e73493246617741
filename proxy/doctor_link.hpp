#pragma once
// One connection of `boshgate doctor` to a node, and one question over it. Blocking, each step with
// a deadline: whoever asks has a thread for it.

#include "discovery/node_diagnosis.hpp"
#include "proxy/core.hpp"
#include "proxy/name_resolver.hpp"
#include "proxy/tls_context.hpp"
#include "routing/ip_address.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace boshgate::proxy {

using doctor_clock = std::chrono::steady_clock;

// Bytes of an answer's body that are read; what comes behind them is not looked at.
inline constexpr std::size_t doctor_body_most = 64 * 1024;

class doctor_link {
  public:
    doctor_link() = default;
    ~doctor_link();
    doctor_link(const doctor_link&) = delete;
    doctor_link& operator=(const doctor_link&) = delete;

    // connect opens a TCP connection, plain so far.
    [[nodiscard]] discovery::connect_facts
    connect(const routing::ip_address& address, std::uint16_t port, doctor_clock::time_point until);

    // shake makes the handshake of a client; `ssl` is owned from now on. done, silent, closed or
    // failed; of failed, `error` has OpenSSL's words, with the remedy where there is one.
    [[nodiscard]] discovery::link_end shake(SSL* ssl, doctor_clock::time_point until,
                                            std::string& error);
    [[nodiscard]] SSL* ssl() const noexcept { return ssl_; }

    // ask sends a whole request and reads its answer, without 1xx ones. The link is of no use
    // afterwards.
    [[nodiscard]] discovery::answer_facts ask(std::string_view request,
                                              doctor_clock::time_point until);

  private:
    struct answer_reader;

    // A step: how many bytes moved, 0 with why not.
    [[nodiscard]] std::size_t write_some(std::string_view bytes, doctor_clock::time_point until,
                                         discovery::link_end& why);
    [[nodiscard]] std::size_t read_some(char* into, std::size_t room,
                                        doctor_clock::time_point until, discovery::link_end& why);
    [[nodiscard]] bool wait(short events, doctor_clock::time_point until) const;
    // What OpenSSL waits for after `result`; 0: it has failed.
    [[nodiscard]] short wanted_by_tls(int result) const;

    int descriptor_ = -1;
    SSL* ssl_ = nullptr;
};

[[nodiscard]] std::int64_t ms_since(doctor_clock::time_point start);

} // namespace boshgate::proxy
