#include "proxy/metrics.hpp"

#include "proxy/app.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

namespace boshgate::proxy {

using routing::node_index;
using routing::reason;

namespace {

// Limits whose counter is a reason why exchanges end.
struct limit_reason {
    std::string_view key;
    reason why;
};
constexpr std::array<limit_reason, 16> limit_reasons{{
    {"limits.connections_per_address", reason::address_limit},
    {"limits.head_bytes", reason::head_limit},
    {"limits.target_bytes", reason::target_limit},
    {"limits.fields", reason::fields_limit},
    {"limits.body_bytes", reason::body_limit},
    {"limits.chunk_overhead", reason::chunk_overhead},
    {"limits.answer_head_bytes", reason::node_head_limit},
    {"limits.links_per_node", reason::node_links},
    {"sessions.max", reason::sessions},
    {"sessions.per_address", reason::address_sessions},
    {"sessions.unauthenticated_per_address", reason::address_unauthenticated},
    {"sessions.requests_per_second", reason::request_rate},
    {"sessions.reorder", reason::rid_gap},
    {"sessions.authentication_timeout", reason::unauthenticated},
    {"discovery.questions_per_address", reason::address_questions},
    {"discovery.lookup.per_address", reason::address_lookups},
}};

constexpr std::array<std::string_view, request_ways> way_names{"node", "discovery", "page"};

// Counters that go down again.
bool is_gauge(std::string_view name) {
    return name == "connections" || name == "held" || name == "links";
}

void escape(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c == '\\' || c == '"') {
            out += '\\';
        }
        c == '\n' ? out += "\\n" : out += c;
    }
}

double seconds_of(std::uint64_t us) {
    return static_cast<double>(us) / 1'000'000;
}

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.9g", value);
    return text.data();
}

void write_counters(metrics_writer& out, const app& proxy) {
    const auto one = [&](std::string_view name, counter core_counters::*which,
                         std::string_view words) {
        const bool gauge = is_gauge(name);
        out.family("boshgate_" + std::string(name) + (gauge ? "" : "_total"),
                   gauge ? "gauge" : "counter", words);
        out.sample(proxy.total(which));
    };
#define BOSHGATE_COUNTER_METRIC(name, words) one(#name, &core_counters::name, words);
    BOSHGATE_COUNTERS(BOSHGATE_COUNTER_METRIC)
#undef BOSHGATE_COUNTER_METRIC
}

void write_reasons(metrics_writer& out, const app& proxy) {
    out.family("boshgate_ended_total", "counter",
               "exchanges, and connections without one, by the reason why they ended");
    for (std::size_t i = 1; i < routing::reason_count; ++i) { // 0 is "not ended yet"
        const auto why = static_cast<reason>(i);
        out.sample(proxy.ended(why), {{"reason", routing::name_of(why)}});
    }
    out.family("boshgate_limit_reached_total", "counter",
               "what was refused because of a limit, by the limit's key");
    out.sample(proxy.total(&core_counters::accept_pauses), {{"limit", "limits.connections"}});
    for (const limit_reason& one : limit_reasons) {
        out.sample(proxy.ended(one.why), {{"limit", one.key}});
    }
    out.family("boshgate_logins_failed_total", "counter",
               "logins at the discovery endpoint that ended without a session, by why");
    for (std::size_t i = 1; i < discovery::login_failures; ++i) {
        std::uint64_t sum = 0;
        for (const auto& one : proxy.cores()) {
            sum += one->counters.logins_failed[i].get();
        }
        out.sample(sum, {{"why", name_of(static_cast<discovery::login_failure>(i))}});
    }
}

void write_durations(metrics_writer& out, const app& proxy) {
    std::vector<const durations*> own;
    std::vector<const durations*> polls;
    for (const auto& one : proxy.cores()) {
        own.push_back(&one->counters.own);
        polls.push_back(&one->counters.polls);
    }
    out.family("boshgate_own_seconds", "histogram",
               "exchanges with a node, from the request's head to the answer handed to the system, "
               "without the time that the node took");
    out.histogram(own);
    out.family("boshgate_poll_seconds", "histogram",
               "requests of sessions, from written to answered by the node, which may hold them");
    out.histogram(polls);
}

void write_sessions(metrics_writer& out, app& proxy) {
    const session_table& sessions = proxy.shared().sessions;
    out.family("boshgate_sessions", "gauge", "sessions that are known");
    out.sample(std::uint64_t{sessions.size()});
    out.family("boshgate_kept_answer_bytes", "gauge", "answers kept for clients that repeat");
    out.sample(sessions.kept_bytes());
}

// One family over all nodes.
template <typename Write>
void each_node(metrics_writer& out, const app& proxy, std::string_view name, std::string_view type,
               std::string_view help, Write write) {
    out.family(name, type, help);
    for (std::size_t i = 0; i < proxy.settings().nodes.size(); ++i) {
        if (const auto node = static_cast<node_index>(i); proxy.settings().in_use(node)) {
            write(node, std::string_view(proxy.settings().nodes[i].name));
        }
    }
}

void write_health(metrics_writer& out, app& proxy) {
    using discovery::health_state;
    std::vector<node_report> reports;
    for (std::size_t i = 0; i < proxy.settings().nodes.size(); ++i) {
        reports.push_back(proxy.shared().nodes.report(static_cast<node_index>(i)));
    }
    each_node(out, proxy, "boshgate_node_up", "gauge",
              "whether the node is well and in use (state up or suspect)",
              [&](node_index i, std::string_view name) {
                  const health_state state = reports[i].state;
                  const bool up = state == health_state::up || state == health_state::suspect;
                  out.sample(std::uint64_t{up}, {{"node", name}});
              });
    each_node(out, proxy, "boshgate_node_state", "gauge", "1 for the state that the node is in",
              [&](node_index i, std::string_view name) {
                  for (const health_state one :
                       {health_state::up, health_state::suspect, health_state::down,
                        health_state::draining, health_state::disabled}) {
                      out.sample(std::uint64_t{reports[i].state == one},
                                 {{"node", name}, {"state", name_of(one)}});
                  }
              });
    each_node(out, proxy, "boshgate_node_held", "gauge", "requests that the node has not answered",
              [&](node_index i, std::string_view name) {
                  out.sample(reports[i].held, {{"node", name}});
              });
    each_node(out, proxy, "boshgate_node_certificate_expiry_timestamp_seconds", "gauge",
              "when the certificate expires that the node showed last; none for plain nodes",
              [&](node_index i, std::string_view name) {
                  if (reports[i].certificate_expires != 0) {
                      out.sample(reports[i].certificate_expires, {{"node", name}});
                  }
              });
}

void write_node_counts(metrics_writer& out, app& proxy) {
    each_node(out, proxy, "boshgate_node_sessions", "gauge", "sessions at the node",
              [&](node_index i, std::string_view name) {
                  out.sample(std::uint64_t{proxy.shared().sessions.at(i)}, {{"node", name}});
              });
    each_node(out, proxy, "boshgate_node_links", "gauge", "open links to the node",
              [&](node_index i, std::string_view name) {
                  out.sample(std::uint64_t{proxy.shared().links[i].load(std::memory_order_relaxed)},
                             {{"node", name}});
              });
    each_node(out, proxy, "boshgate_node_exchanges_total", "counter",
              "clients' exchanges that the node was to answer, by the way they came and the reason "
              "why they ended",
              [&](node_index i, std::string_view name) {
                  for (std::size_t way = 0; way < request_ways; ++way) {
                      for (std::size_t why = 1; why < routing::reason_count; ++why) {
                          std::uint64_t sum = 0;
                          for (const auto& one : proxy.cores()) {
                              sum += one->node_counts[i].ended[way][why].get();
                          }
                          // The common one always, so that rates have a beginning.
                          if (sum != 0 || static_cast<reason>(why) == reason::answered) {
                              out.sample(sum,
                                         {{"node", name},
                                          {"route", way_names[way]},
                                          {"reason", routing::name_of(static_cast<reason>(why))}});
                          }
                      }
                  }
              });
    each_node(out, proxy, "boshgate_node_answer_seconds", "histogram",
              "what the node does not hold, session requests and pages, from written to answered",
              [&](node_index i, std::string_view name) {
                  std::vector<const durations*> all;
                  for (const auto& one : proxy.cores()) {
                      all.push_back(&one->node_counts[i].answers);
                  }
                  out.histogram(all, {{"node", name}});
              });
}

void write_certificates(metrics_writer& out, const app& proxy) {
    out.family("boshgate_certificate_expiry_timestamp_seconds", "gauge",
               "when the first certificate of a listener expires");
    const snapshot& settings = proxy.settings();
    for (std::size_t i = 0; i < settings.tls.size(); ++i) {
        if (settings.tls[i]) {
            const conf::listener& at = settings.config.listen[i];
            const std::string name = at.host + ":" + std::to_string(proxy.port(i));
            out.sample(settings.tls[i]->expires(), {{"listener", name}});
        }
    }
}

std::uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t pages = 0;
    in >> pages >> pages; // the second number
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
    DIR* const all = ::opendir("/proc/self/fd");
    if (all == nullptr) {
        return 0;
    }
    std::uint64_t count = 0;
    while (const dirent* one = ::readdir(all)) {
        count += one->d_name[0] != '.' ? 1 : 0;
    }
    ::closedir(all);
    return count - 1; // the one that looked
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1'000'000;
    };
    return of(used.ru_utime) + of(used.ru_stime);
}

// Under the names that every client library of Prometheus has for them.
void write_process(metrics_writer& out, const admin_subject& of) {
    out.family("boshgate_build_info", "gauge", "1; the label has the version");
    out.sample(std::uint64_t{1}, {{"version", BOSHGATE_VERSION}});
    out.family("boshgate_ready", "gauge", "what /readyz says");
    out.sample(std::uint64_t{state_of(of) == admin_state::ready});
    out.family("boshgate_cores", "gauge", "threads that serve");
    out.sample(std::uint64_t{of.proxy.cores().size()});
    out.family("process_start_time_seconds", "gauge", "when the process began, since 1970");
    out.seconds(std::chrono::duration<double>(of.started.time_since_epoch()).count());
    out.family("process_cpu_seconds_total", "counter", "processor time, user and system");
    out.seconds(cpu_seconds());
    out.family("process_resident_memory_bytes", "gauge", "memory in use");
    out.sample(resident_bytes());
    out.family("process_open_fds", "gauge", "open file descriptors");
    out.sample(open_descriptors());
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    out.family("process_max_fds", "gauge", "file descriptors that may be open");
    out.sample(std::uint64_t{limit.rlim_cur});
}

} // namespace

void metrics_writer::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += "# HELP " + name_ + ' ';
    for (const char c : help) {
        c == '\\' ? out_ += "\\\\" : out_ += c; // quotes stay as they are here
    }
    out_ += "\n# TYPE " + name_ + ' ' + std::string(type) + '\n';
}

void metrics_writer::write(std::string_view suffix, labels with, const std::string& value,
                           std::string_view bucket) {
    out_.append(name_).append(suffix);
    char before = '{';
    const auto add = [&](const label& one) {
        out_ += before;
        out_.append(one.first).append("=\"");
        escape(out_, one.second);
        out_ += '"';
        before = ',';
    };
    std::for_each(with.begin(), with.end(), add);
    if (!bucket.empty()) {
        add({"le", bucket});
    }
    out_ += before == ',' ? "} " : " ";
    out_ += value + '\n';
}

void metrics_writer::seconds(double value, labels with) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", value);
    write({}, with, text.data());
}

void metrics_writer::histogram(const std::vector<const durations*>& all, labels with) {
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;
    for (std::size_t i = 0; i <= durations::bounds_us.size(); ++i) {
        for (const durations* one : all) {
            count += one->in(i);
        }
        const bool last = i == durations::bounds_us.size();
        write("_bucket", with, std::to_string(count),
              last ? "+Inf"
                   : number(seconds_of(static_cast<std::uint64_t>(durations::bounds_us[i]))));
    }
    for (const durations* one : all) {
        sum_us += one->sum_us();
    }
    write("_sum", with, number(seconds_of(sum_us)));
    write("_count", with, std::to_string(count));
}

std::string metrics_text(const admin_subject& of) {
    metrics_writer out;
    write_process(out, of);
    write_sessions(out, of.proxy);
    write_health(out, of.proxy);
    write_node_counts(out, of.proxy);
    write_durations(out, of.proxy);
    write_counters(out, of.proxy);
    write_reasons(out, of.proxy);
    write_certificates(out, of.proxy);
    return out.take();
}

void add_metrics(admin_server& to, const admin_subject& of) {
    to.get("/metrics", at_once([of](const admin_request& /*asked*/) {
               return admin_answer{.type = "text/plain; version=0.0.4; charset=utf-8",
                                   .body = metrics_text(of)};
           }));
}

} // namespace boshgate::proxy
