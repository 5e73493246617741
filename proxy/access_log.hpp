#pragma once
// One line for each exchange, as text or JSON, with the reason why it ended. A core formats its
// line into a buffer of its own and goes on; the log's thread takes whole buffers, at most every
// flush_interval, and writes each with one system call. So a line costs a core no wake-up, and a
// slow disk never stops one. A full buffer drops lines and counts them. Lines of one core are in
// order; between cores the time in the line counts.

#include "conf/config.hpp"
#include "routing/client_address.hpp"
#include "routing/reason.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace boshgate::proxy {

// What is known of an exchange when it ends. Views live until write() returns. No sid, no payload:
// a sid comes only as its keyed hash.
struct access_record {
    std::chrono::system_clock::time_point time; // when the request head was complete
    routing::ip_address client;
    std::uint16_t client_port = 0;
    std::string_view method; // "-" when no request line was read
    std::string_view path;   // without query; printed escaped, cut at 256 bytes
    std::string_view node;   // empty: none
    std::string_view tls;    // "TLSv1.3", empty: plain
    int status = 0;          // 0: closed without an answer
    routing::reason why = routing::reason::none;
    std::uint64_t request_bytes = 0;    // body
    std::uint64_t answer_bytes = 0;     // body, as sent
    std::chrono::microseconds total{0}; // head complete until the answer was handed to the socket
    std::chrono::microseconds node_time{
        0};                    // request written until the node's answer was complete; 0: no node
    std::uint64_t session = 0; // keyed hash of the sid; 0: none
    std::uint64_t rid = 0;     // 0: none
    std::uint8_t repeats = 0;  // how often the request was repeated towards the node
    unsigned core = 0;
};

// format appends one line without its line end. Control characters, quotes, backslashes and bytes
// above 0x7e of client input are escaped (\xHH in text, \u00HH in JSON), so that nobody can forge a
// line or a JSON member.
void format_text(const access_record& record, std::string& out);
void format_json(const access_record& record, std::string& out);

class access_log {
  public:
    // How long a line may wait in a buffer.
    static constexpr std::chrono::milliseconds flush_interval{200};
    // What one core may have waiting while the file is slow: some 20,000 lines. Then lines are
    // dropped, counted, and a warning goes to the error log.
    static constexpr std::size_t buffer_bytes = 4 * 1024 * 1024;
    // A path is cut at this length, a method at 32 bytes.
    static constexpr std::size_t path_bytes = 256;

    // open opens the file (append) or standard output; nullptr and a sentence in `problem` if that
    // fails. Returns an object that drops everything when settings.access is off. `cores`: how many
    // cores write, at least 1; records of further cores share their buffers.
    [[nodiscard]] static std::unique_ptr<access_log> open(const conf::log& settings, unsigned cores,
                                                          std::string& problem);
    ~access_log(); // writes what is waiting
    access_log(const access_log&) = delete;
    access_log& operator=(const access_log&) = delete;

    [[nodiscard]] bool enabled() const noexcept;
    void write(const access_record& record); // any thread; never waits for the file
    [[nodiscard]] std::uint64_t dropped() const noexcept;
    // reopen opens the file again by its name: after log rotation (SIGUSR1). If that fails, the old
    // one stays in use and the error log says why.
    void reopen();

    // A reload: what the log is from here on, file and format. prepare opens the file and changes
    // nothing; false, and a sentence in `problem`, when that fails. commit goes over to it, and so
    // do the lines that wait. Control thread.
    [[nodiscard]] bool prepare(const conf::log& settings, std::string& problem);
    void commit();

  private:
    struct state;
    explicit access_log(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

} // namespace boshgate::proxy
