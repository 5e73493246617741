// The load generator's command line. Prints one JSON object when it is done; exit status 3 means
// that a stage met its deadline. With --controlled it works hand in hand with the runner:
//
//   it prints      then waits on standard input for
//   ready          go         sessions are open, warmed up, and the polls are written
//   traffic        release    only with --park: the traffic is over, the polls are still held
//   answered       finish     only with --park: every poll has its answer, all connections are idle
//   {...}                     the result

#include "engine.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/resource.h>

namespace bench {
namespace {

constexpr const char* usage =
    "usage: bench_load --port N [options]\n"
    "  --address A        of the proxy (127.0.0.1)\n"
    "  --host NAME        Host field and SNI (chat.example.com)\n"
    "  --path P           path of the POSTs (/node-a1)\n"
    "  --nodes N          with N > 1: append 1..N to the path, by session\n"
    "  --tls              TLS 1.3\n"
    "  --resume           mode churn: resume TLS sessions\n"
    "  --mode M           closed, rate, churn or mixed (closed)\n"
    "  --connections C    that carry traffic; mode mixed: sessions, two connections each (64)\n"
    "  --sessions S       spread over the connections (one each)\n"
    "  --park N           further connections that hold a poll each (0)\n"
    "  --seconds T        of traffic (3)\n"
    "  --requests N       end after so many (no limit)\n"
    "  --rate R           requests a second, mode rate (1000)\n"
    "  --body MIN-MAX     bytes of a <body/>, spread evenly (110-1400)\n"
    "  --warmup N         requests of each connection that are not measured (4)\n"
    "  --wait S           the session's wait asked of the node (250)\n"
    "  --sources N        client addresses, 127.0.0.1 and up (1)\n"
    "  --deadline S       for each stage (120)\n"
    "  --seed N           of body sizes and first rids (1)\n"
    "  --controlled       wait for go, release and finish on standard input\n";

[[noreturn]] void bad_usage(const std::string& what) {
    std::fprintf(stderr, "bench_load: %s\n%s", what.c_str(), usage);
    std::exit(2);
}

load_mode mode_named(const std::string& name) {
    if (name == "closed") {
        return load_mode::closed;
    }
    if (name == "rate") {
        return load_mode::rate;
    }
    if (name == "churn") {
        return load_mode::churn;
    }
    if (name == "mixed") {
        return load_mode::mixed;
    }
    bad_usage("no mode '" + name + "'");
}

double positive(const std::string& value, const std::string& name) {
    char* end = nullptr;
    const double read = std::strtod(value.c_str(), &end);
    if (end == value.c_str() || *end != '\0' || !(read > 0)) {
        bad_usage(name + ": not a positive number: '" + value + "'");
    }
    return read;
}

void set_body(load_options& opt, const std::string& value) {
    const std::size_t dash = value.find('-');
    opt.body_least = number(value.substr(0, dash), "--body");
    opt.body_most =
        dash == std::string::npos ? opt.body_least : number(value.substr(dash + 1), "--body");
    if (opt.body_least < 110 || opt.body_most < opt.body_least || opt.body_most > 4 << 20) {
        bad_usage("--body: 110 to 4194304 bytes, not '" + value + "'");
    }
}

// Takes one option with a value; false if there is none of that name.
bool set_option(load_options& opt, const std::string& name, const std::string& value) {
    const auto count = [&](std::uint64_t most) {
        const std::uint64_t read = number(value, name);
        if (read > most) {
            bad_usage(name + ": at most " + std::to_string(most));
        }
        return static_cast<unsigned>(read);
    };
    if (name == "--port") {
        opt.port = static_cast<std::uint16_t>(count(65535));
    } else if (name == "--address") {
        opt.address = value;
    } else if (name == "--host") {
        opt.host = value;
    } else if (name == "--path") {
        opt.path = value;
    } else if (name == "--nodes") {
        opt.nodes = count(10'000);
    } else if (name == "--mode") {
        opt.mode = mode_named(value);
    } else if (name == "--connections") {
        opt.connections = count(100'000);
    } else if (name == "--sessions") {
        opt.sessions = count(1'000'000);
    } else if (name == "--park") {
        opt.parked = count(100'000);
    } else if (name == "--seconds") {
        opt.seconds = positive(value, name);
    } else if (name == "--requests") {
        opt.requests = number(value, name);
    } else if (name == "--rate") {
        opt.rate = positive(value, name);
    } else if (name == "--body") {
        set_body(opt, value);
    } else if (name == "--warmup") {
        opt.warmup = count(1000);
    } else if (name == "--wait") {
        opt.wait_s = count(255);
    } else if (name == "--sources") {
        opt.sources = count(200);
    } else if (name == "--deadline") {
        opt.deadline_s = count(3600);
    } else if (name == "--seed") {
        opt.seed = number(value, name);
    } else {
        return false;
    }
    return true;
}

load_options parse(int argc, char** argv) {
    load_options opt;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--tls") {
            opt.tls = true;
        } else if (name == "--resume") {
            opt.resume = true;
        } else if (name == "--controlled") {
            opt.controlled = true;
        } else if (i + 1 >= argc || !set_option(opt, name, argv[i + 1])) {
            bad_usage("what is " + name + "?");
        } else {
            ++i;
        }
    }
    if (opt.port == 0) {
        bad_usage("--port is needed");
    }
    return opt;
}

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void print(const load_result& it, double cpu_s, std::uint64_t seed) {
    std::printf("{\"answered\": %" PRIu64 ", \"elapsed_s\": %.6f, \"rps\": %.1f, ", it.answered,
                it.elapsed_s,
                it.elapsed_s > 0 ? static_cast<double>(it.answered) / it.elapsed_s : 0.0);
    std::printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, ",
                it.latency.quantile_us(0.5), it.latency.quantile_us(0.99),
                it.latency.quantile_us(0.999), it.latency.max_us());
    std::printf("\"parked\": %u, \"park_answered\": %u, \"handshakes\": %" PRIu64
                ", \"resumed\": %" PRIu64 ", \"backlog\": %zu, \"load_cpu_s\": %.3f, "
                "\"seed\": %" PRIu64 ", \"in_time\": %s, \"errors\": {",
                it.parked, it.park_answered, it.handshakes, it.resumed, it.backlog, cpu_s, seed,
                it.in_time ? "true" : "false");
    const char* separator = "";
    for (const auto& [kind, count] : it.errors) {
        std::printf("%s\"%s\": %" PRIu64, separator, kind.c_str(), count);
        separator = ", ";
    }
    std::printf("}}\n");
}

void say(const char* word) {
    std::printf("%s\n", word);
    std::fflush(stdout);
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    const load_options opt = parse(argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    engine load(opt);
    load.set_up();
    if (!load.result().in_time) {
        print(load.result(), cpu_seconds(), opt.seed);
        return 3;
    }
    if (opt.controlled) {
        say("ready");
        if (!load.wait_for("go")) {
            return 3;
        }
    }
    const double before = cpu_seconds();
    load.run_traffic();
    const double used = cpu_seconds() - before;
    if (opt.controlled && opt.parked != 0) {
        say("traffic");
        if (load.wait_for("release")) {
            load.await_parked();
            say("answered");
            load.wait_for("finish");
        }
    }
    print(load.result(), used, opt.seed);
    return load.result().in_time ? 0 : 3;
}
