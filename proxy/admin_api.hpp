#pragma once
// What the admin listener serves, one file a concern. Everything runs on the control thread and
// reads what the cores publish: counters, and what all of them know of nodes and users.
//
// /api/v1 speaks JSON. Within v1 members are added, never taken away or given another meaning;
// times are milliseconds, moments are since 1970 in UTC.

#include "proxy/admin_server.hpp"
#include "routing/route_table.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

namespace boshgate::proxy {

class app;

// What is told of. All of it outlives the server.
struct admin_subject {
    boost::asio::io_context& control;
    app& proxy;
    std::function<std::size_t()> unresolved; // nodes whose names have no answer yet, good or bad
    std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
};

// How the process is, as /readyz and /api/v1/status say it.
enum class admin_state {
    starting, // names of nodes are still being looked up
    ready,
    draining,
};
[[nodiscard]] admin_state state_of(const admin_subject& of);
[[nodiscard]] std::string_view name_of(admin_state state) noexcept;

// node_json is what /api/v1/nodes tells of one node.
[[nodiscard]] boost::json::object node_json(app& proxy, routing::node_index node);

// add_all registers everything below.
void add_all(admin_server& to, const admin_subject& of);

void add_health(admin_server& to, const admin_subject& of);  // /livez, /readyz
void add_status(admin_server& to, const admin_subject& of);  // /api/v1/status
void add_nodes(admin_server& to, const admin_subject& of);   // /api/v1/nodes
void add_lookup(admin_server& to, const admin_subject& of);  // /api/v1/lookup
void add_metrics(admin_server& to, const admin_subject& of); // /metrics
void add_errors(admin_server& to, const admin_subject& of);  // /api/v1/errors
void add_page(admin_server& to);                             // /

} // namespace boshgate::proxy
