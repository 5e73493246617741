#include "routing/field_names.hpp"

#include <array>
#include <cstdint>

namespace boshgate::routing {
namespace {

struct known {
    std::string_view name;
    field_id id = field_id::other;
};

constexpr std::array names{
    known{"accept-encoding", field_id::accept_encoding},
    known{"access-control-request-headers", field_id::access_control_request_headers},
    known{"access-control-request-method", field_id::access_control_request_method},
    known{"access-control-request-private-network",
          field_id::access_control_request_private_network},
    known{"connection", field_id::connection},
    known{"content-encoding", field_id::content_encoding},
    known{"content-length", field_id::content_length},
    known{"content-type", field_id::content_type},
    known{"date", field_id::date},
    known{"expect", field_id::expect},
    known{"forwarded", field_id::forwarded},
    known{"host", field_id::host},
    known{"if-match", field_id::if_match},
    known{"if-modified-since", field_id::if_modified_since},
    known{"if-none-match", field_id::if_none_match},
    known{"if-range", field_id::if_range},
    known{"if-unmodified-since", field_id::if_unmodified_since},
    known{"keep-alive", field_id::keep_alive},
    known{"location", field_id::location},
    known{"origin", field_id::origin},
    known{"proxy-authenticate", field_id::proxy_connection},
    known{"proxy-authentication-info", field_id::proxy_connection},
    known{"proxy-authorization", field_id::proxy_connection},
    known{"proxy-connection", field_id::proxy_connection},
    known{"range", field_id::range},
    known{"server", field_id::server},
    known{"te", field_id::te},
    known{"trailer", field_id::trailer},
    known{"transfer-encoding", field_id::transfer_encoding},
    known{"upgrade", field_id::upgrade},
    known{"vary", field_id::vary},
    known{"x-forwarded-for", field_id::x_forwarded_for},
    known{"x-forwarded-proto", field_id::x_forwarded_proto},
    known{"x-real-ip", field_id::forwarded},
};

// Folds a byte of a token to lower case. Among tokens only '^' and '_' change into something else,
// and into nothing that stands in a known name, so the comparison below is exact.
constexpr unsigned fold(char c) noexcept {
    return static_cast<unsigned char>(c) | 0x20U;
}

// The factors were found by trying; make_slots() does not compile if two names fall into one slot.
constexpr std::size_t slot_of(std::string_view name) noexcept {
    return (name.size() * 5 + fold(name.front()) * 45 + fold(name.back()) * 48 +
            fold(name[name.size() / 2])) %
           64;
}

consteval std::array<known, 64> make_slots() {
    std::array<known, 64> slots{};
    for (const known& entry : names) {
        known& slot = slots[slot_of(entry.name)];
        if (!slot.name.empty()) {
            throw "two field names share a slot: find other factors";
        }
        slot = entry;
    }
    return slots;
}

constexpr std::array<known, 64> slots = make_slots();

// Both have `size` bytes; `lower` is in lower case. Once for each field of each head.
bool equal_folded(const char* name, const char* lower, std::size_t size) noexcept {
    constexpr std::uint64_t fold_all = 0x2020202020202020ULL;
    if (size >= 8) {
        std::uint64_t differs = 0;
        for (std::size_t i = 0; i + 8 < size; i += 8) {
            differs |= (load_eight(name + i) | fold_all) ^ load_eight(lower + i);
        }
        differs |= (load_eight(name + size - 8) | fold_all) ^ load_eight(lower + size - 8);
        return differs == 0;
    }
    if (size >= 4) {
        return (load_four_to_seven(name, size) | fold_all) == load_four_to_seven(lower, size);
    }
    for (std::size_t i = 0; i != size; ++i) {
        if (fold(name[i]) != static_cast<unsigned char>(lower[i])) {
            return false;
        }
    }
    return true;
}

bool has_prefix(std::string_view name, std::string_view lower) noexcept {
    return name.size() > lower.size() && equal_folded(name.data(), lower.data(), lower.size());
}

} // namespace

field_id identify_field(std::string_view name) noexcept {
    const known& candidate = slots[slot_of(name)];
    if (candidate.name.size() == name.size() &&
        equal_folded(name.data(), candidate.name.data(), name.size())) {
        return candidate.id;
    }
    if (fold(name.front()) == 'a' && has_prefix(name, "access-control-")) {
        return field_id::access_control;
    }
    if (fold(name.front()) == 'x' && has_prefix(name, "x-forwarded-")) {
        return field_id::forwarded;
    }
    return field_id::other;
}

} // namespace boshgate::routing
