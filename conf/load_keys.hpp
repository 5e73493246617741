#pragma once
// Tables of keys: one for each map of the configuration file. The table is what reads the map, what
// knows which keys exist, and what the example and the manual are tested against; there is no
// second list.

#include "conf/load_reader.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace boshgate::conf {

template <class T>
struct key_of {
    std::string_view name;
    void (*read)(reader&, const place&, T&);
    std::string_view required =
        {}; // not empty: the key must be there, and this is what is expected
};

template <auto Member>
struct member_traits;
template <class T, class V, V T::*Member>
struct member_traits<Member> {
    using owner = T;
};

// read_member reads a plain member with the reader of its type.
template <auto Member>
void read_member(reader& in, const place& at, typename member_traits<Member>::owner& out) {
    in.read(at, out.*Member);
}

// unknown_key reports a key that no table has, with the most likely correction.
void unknown_key(reader& in, const place& at, std::span<const std::string_view> names);

// read_entries reads the entries of a map by its table.
template <class T, std::size_t N>
void read_entries(reader& in, const place& map, const std::vector<place>& entries,
                  const std::array<key_of<T>, N>& keys, T& out) {
    std::array<std::string_view, N> names;
    std::transform(keys.begin(), keys.end(), names.begin(), [](const auto& k) { return k.name; });
    std::array<bool, N> given{};
    for (const place& entry : entries) {
        const auto found = std::find(names.begin(), names.end(), entry.key);
        if (found == names.end()) {
            unknown_key(in, entry, names);
            continue;
        }
        const auto index = static_cast<std::size_t>(found - names.begin());
        given[index] = true;
        keys[index].read(in, entry, out);
    }
    for (std::size_t i = 0; i < N; ++i) {
        if (!given[i] && !keys[i].required.empty()) {
            in.missing(map, keys[i].name, keys[i].required);
        }
    }
}

template <class T, std::size_t N>
void read_map(reader& in, const place& at, std::string_view wanted,
              const std::array<key_of<T>, N>& keys, T& out) {
    if (const auto entries = in.entries(at, wanted)) {
        read_entries(in, at, *entries, keys, out);
    }
}

// list_keys appends "prefix" + name for each key of a table.
template <class T, std::size_t N>
void list_keys(std::vector<std::string>& out, std::string_view prefix,
               const std::array<key_of<T>, N>& keys) {
    for (const auto& k : keys) {
        out.push_back(std::string{prefix} + std::string{k.name});
    }
}

// The sections with files of their own.
void read_listeners(reader& in, const place& at, config& out);
void list_listener_keys(std::vector<std::string>& out);
void read_nodes(reader& in, const place& at, config& out);
void list_node_keys(std::vector<std::string>& out);
void read_timeouts(reader& in, const place& at, config& out);
void read_limits(reader& in, const place& at, config& out);
void read_sessions(reader& in, const place& at, config& out);
void read_discovery(reader& in, const place& at, config& out);
void list_discovery_keys(std::vector<std::string>& out);
void read_health(reader& in, const place& at, config& out);
void list_health_keys(std::vector<std::string>& out);
void list_bound_keys(std::vector<std::string>& out);
void read_admin(reader& in, const place& at, config& out);
void list_admin_keys(std::vector<std::string>& out);

} // namespace boshgate::conf
