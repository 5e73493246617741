#pragma once
// The bytes that the load generator sends: POSTs as Chromium sends them from a page of another
// origin, with BOSH bodies whose sid and rid are right. Everything but the request line, the sid
// and the rid is laid out once; building a request is one copy and two patches.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline constexpr std::size_t sid_bytes = 16; // what bench_node gives out

// One BOSH session of the load generator.
struct bosh_session {
    std::array<char, sid_bytes> sid{};
    bool open = false;
    std::uint64_t rid = 0; // of the latest request; ten digits

    std::string_view sid_view() const { return {sid.data(), sid.size()}; }
};

// Small, seeded, good enough to spread sizes and start values (SplitMix64).
class random_source {
  public:
    explicit random_source(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  private:
    std::uint64_t state_;
};

class traffic {
  public:
    // `host` is the Host field; bodies with payload are spread evenly from `least` to `most` bytes
    // (at least 110 each).
    traffic(std::string_view host, std::size_t least, std::size_t most, random_source random);

    // Session request for `to`: picks the first rid. Asks for `wait_s` and hold=1.
    void create(std::string& out, std::string_view path, bosh_session& of, unsigned wait_s);
    // The next request of the session, with payload: its size comes from the distribution.
    void send(std::string& out, std::string_view path, bosh_session& of);
    // The next request of the session, empty: a poll, which the node holds.
    void poll(std::string& out, std::string_view path, bosh_session& of);

  private:
    struct form {
        std::string text; // from after the path to the end of the body
        std::size_t rid_at = 0;
        std::size_t sid_at = 0;
    };
    form make(std::string_view body) const;
    static void fill(std::string& out, std::string_view path, const form& from, bosh_session& of);

    std::string host_;
    random_source random_;
    std::vector<form> payloads_;
    form empty_;
};

} // namespace bench
